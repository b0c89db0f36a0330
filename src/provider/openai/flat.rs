//! A content that is a list of pieces, as the texts that callers can read.

use serde_json::value::RawValue;

use crate::openai::json::{self, Object};

/// The text and the thoughts of a list of pieces: the insides of JSON strings, put end to end as they
/// are escaped. References say which documents a text is from, and have no words.
pub(super) fn flattened(content: &RawValue) -> (String, String) {
    let (mut text, mut thoughts) = (String::new(), String::new());
    for piece in pieces(content) {
        match piece.text("type").as_deref() {
            Some("thinking") => {
                let inner = piece.raw("thinking").map(pieces).unwrap_or_default();
                thoughts.extend(inner.iter().filter_map(inside));
            }
            Some("text") | None => text.extend(inside(&piece)),
            Some(_) => {}
        }
    }
    (text, thoughts)
}

fn pieces(list: &RawValue) -> Vec<Object<'_>> {
    serde_json::from_str(list.get()).unwrap_or_default()
}

fn inside<'a>(piece: &Object<'a>) -> Option<&'a str> {
    json::inside(piece.raw("text")?.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_thoughts_are_put_end_to_end_and_references_have_no_words() {
        let check = |list: &str, text: &str, thoughts: &str| {
            let raw = serde_json::from_str::<&RawValue>(list).unwrap();
            assert_eq!(
                flattened(raw),
                (text.to_owned(), thoughts.to_owned()),
                "{list}"
            );
        };
        check(
            r#"[{"type":"thinking","thinking":[{"type":"text","text":"a\n"},{"type":"reference"}]},
                {"type":"text","text":"b\"c"},{"type":"reference","reference_ids":[1]},
                {"type":"text","text":"\ud83d"},{"type":"text","text":"\ude00"}]"#,
            r#"b\"c\ud83d\ude00"#,
            r"a\n",
        );
        check("[]", "", "");
        check(r#"[{"type":"text"},{"type":"text","text":7},7]"#, "", "");
    }
}
