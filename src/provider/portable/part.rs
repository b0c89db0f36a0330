//! A message's content in its pieces: text, images, files, sound.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::openai::json::{self, Object};
use crate::provider::Unsupported;

/// A piece of a message's content.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// What it is.
    pub piece: Piece<'a>,
    /// What it says of the prompt's cache, which is Anthropic's `cache_control` wherever it stands.
    pub cache_control: Option<&'a RawValue>,
}

/// What a piece is.
#[derive(Clone, Debug)]
pub enum Piece<'a> {
    /// Sound (`input_audio`).
    Audio,
    /// A file.
    File(File<'a>),
    /// A picture.
    Image(Image<'a>),
    /// What the model refused with: the JSON text of a string.
    Refusal(&'a RawValue),
    /// Text: the JSON text of a string.
    Text(&'a RawValue),
}

/// A picture.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    /// Where it is: `https://...` or `data:...`.
    pub url: Cow<'a, str>,
    /// How closely it is to be looked at.
    pub detail: Option<Cow<'a, str>>,
}

/// A file.
#[derive(Clone, Debug)]
pub struct File<'a> {
    /// What it holds, as `data:application/pdf;base64,...`.
    pub data: Option<Cow<'a, str>>,
    /// What it is called.
    pub name: Option<Cow<'a, str>>,
    /// By what name OpenAI keeps it (`file_id`), where it is kept there.
    pub id: Option<Cow<'a, str>>,
}

/// The pieces of a content: of a string, the one.
///
/// # Errors
///
/// [`Unsupported`], with the path of a piece that is none of these or lacks what makes it one.
pub fn parts(content: &RawValue) -> Result<Vec<Part<'_>>, Unsupported> {
    if content.get().starts_with('"') {
        return Ok(vec![Part {
            piece: Piece::Text(content),
            cache_control: None,
        }]);
    }
    let listed: Vec<Object<'_>> =
        serde_json::from_str(content.get()).map_err(|_| Unsupported("messages.content"))?;
    listed.iter().map(part).collect()
}

fn part<'a>(object: &Object<'a>) -> Result<Part<'a>, Unsupported> {
    let string = |name: &str, path| {
        let raw = object.raw(name).filter(|raw| raw.get().starts_with('"'));
        raw.ok_or(Unsupported(path))
    };
    let kind = object
        .text("type")
        .ok_or(Unsupported("messages.content.type"))?;
    let piece = match kind.as_ref() {
        "text" => Piece::Text(string("text", "messages.content.text")?),
        "refusal" => Piece::Refusal(string("refusal", "messages.content.refusal")?),
        "image_url" => {
            let raw = object.present("image_url");
            Piece::Image(
                raw.and_then(image)
                    .ok_or(Unsupported("messages.content.image_url"))?,
            )
        }
        "file" => {
            let file = object.object("file");
            let file = file.ok_or(Unsupported("messages.content.file"))?;
            Piece::File(File {
                data: file.text("file_data"),
                name: file.text("filename"),
                id: file.text("file_id"),
            })
        }
        "input_audio" => Piece::Audio,
        _ => return Err(Unsupported("messages.content.type")),
    };
    Ok(Part {
        piece,
        cache_control: object.present("cache_control"),
    })
}

/// An image as `{"url": "..."}`, or, as some clients write it, as the address alone.
fn image(raw: &RawValue) -> Option<Image<'_>> {
    if let Some(url) = json::string(raw) {
        return Some(Image { url, detail: None });
    }
    let object = Object::parse(raw.get()).ok()?;
    Some(Image {
        url: object.text("url")?,
        detail: object.text("detail"),
    })
}

/// The kind and the base64 text of a `data:` address (RFC 2397), where it is one.
pub fn base64_of(url: &str) -> Option<(&str, &str)> {
    let (kind, bytes) = url.strip_prefix("data:")?.split_once(',')?;
    let kind = kind.strip_suffix(";base64")?;
    Some((kind.split(';').next().unwrap_or(kind), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_falls_into_its_pieces() {
        let raw = serde_json::from_str::<&RawValue>(
            r#"[{"type":"text","text":"a\n","cache_control":{"type":"ephemeral"}},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},
                {"type":"image_url","image_url":"https://example.com/a.png"},
                {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,BB"}},
                {"type":"input_audio","input_audio":{"data":"x","format":"wav"}}]"#,
        )
        .unwrap();
        let pieces = parts(raw).unwrap();
        assert!(pieces[0].cache_control.is_some());
        assert!(matches!(&pieces[0].piece, Piece::Text(text) if text.get() == r#""a\n""#));
        let Piece::Image(image) = &pieces[1].piece else {
            panic!();
        };
        assert_eq!(base64_of(&image.url), Some(("image/png", "AAAA")));
        assert_eq!(image.detail.as_deref(), Some("low"));
        assert!(matches!(&pieces[2].piece, Piece::Image(image) if image.url.starts_with("https")));
        assert!(matches!(&pieces[3].piece, Piece::File(file) if file.id.is_none()));
        assert!(matches!(&pieces[4].piece, Piece::Audio));
    }

    #[test]
    fn a_piece_that_is_none_is_named_by_its_path() {
        let path = |content: &str| parts(serde_json::from_str(content).unwrap()).unwrap_err().0;
        assert_eq!(path(r#"[{"type":"text"}]"#), "messages.content.text");
        assert_eq!(path(r#"[{"type":"video"}]"#), "messages.content.type");
        assert_eq!(path("[{}]"), "messages.content.type");
        assert_eq!(path("[7]"), "messages.content");
        assert_eq!(
            path(r#"[{"type":"image_url","image_url":{}}]"#),
            "messages.content.image_url"
        );
    }
}
