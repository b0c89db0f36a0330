//! What bodies hold, how characters are read, and what each rule is about.

use super::*;

const CARD: &str = "4242424242424242";

fn check(cases: &[(&str, Option<Kind>)]) {
    for (text, expected) in cases {
        assert_eq!(find(text), *expected, "{text}");
    }
}

fn check_body(cases: &[(&str, Option<Kind>)]) {
    for (body, expected) in cases {
        assert_eq!(find_in_body(body), *expected, "{body}");
    }
}

#[test]
fn strings_keys_and_numbers_of_a_body_are_read_without_their_escapes() {
    check_body(&[
        (r#"{"content":"a@b.example"}"#, Some(Kind::Email)),
        (r#"{"content":"a\u0040b.example"}"#, Some(Kind::Email)),
        (r#"{"a@b.example":1}"#, Some(Kind::Email)),
        (r#"{"n":4242424242424242}"#, Some(Kind::Card)),
        (r#"{"phone":2025550143}"#, Some(Kind::Phone)),
        (r#"{"id":2025550143}"#, None),
        (
            r#"{"content":"IBAN:\nDE89 3704 0044 0532 0130 00\n"}"#,
            Some(Kind::Iban),
        ),
        (
            r#"{"content":"\ud835\udfd2242424242424242"}"#,
            Some(Kind::Card),
        ),
        (
            r#"{"content":"4242\u00a04242\u20094242\u202f4242"}"#,
            Some(Kind::Card),
        ),
        (r#"{"content":"no \ud835 pair, \u12 no escape, \q"}"#, None),
        (r#"{"password":"hunter2"}"#, Some(Kind::Secret)),
        (
            r#"{"content":"it says \"password\": \"hunter2\""}"#,
            Some(Kind::Secret),
        ),
        ("{}", None),
        ("", None),
    ]);
}

#[test]
fn arguments_are_read_without_their_second_escapes() {
    let call = |arguments: &str| {
        let arguments = serde_json::Value::from(arguments).to_string();
        format!(r#"{{"tool_calls":[{{"function":{{"name":"f","arguments":{arguments}}}}}]}}"#)
    };
    for (arguments, expected) in [
        (r#"{"to":"a@b.example"}"#, Some(Kind::Email)),
        (r#"{"to":"a\u0040b.example"}"#, Some(Kind::Email)),
        (r#"{"text":"\u0034242 4242 4242 4242"}"#, Some(Kind::Card)),
        (r#"{"path":"C:\\new\\table"}"#, None),
    ] {
        assert_eq!(find_in_body(&call(arguments)), expected, "{arguments}");
    }
}

#[test]
fn a_part_that_is_no_text_cannot_be_read() {
    check_body(&[
        (
            r#"{"content":[{"type":"image_url","image_url":{"url":"https://h.example/a.png"}}]}"#,
            Some(Kind::Unreadable),
        ),
        (r#"{"type" : "input_audio"}"#, Some(Kind::Unreadable)),
        (r#"{"\u0074ype":"fil\u0065"}"#, Some(Kind::Unreadable)),
        (
            r#"[{"type":"text","text":"a"},{"type":"file"}]"#,
            Some(Kind::Unreadable),
        ),
        (
            r#"{"type":"text","text":"the \"type\": \"file\" of it"}"#,
            None,
        ),
        (r#"{"type":"function","function":{"name":"file"}}"#, None),
        (r#"{"enum":["type","file"]}"#, None),
        (
            r#"{"image_url" : { "url":"https://h.example/a.png"}}"#,
            Some(Kind::Unreadable),
        ),
        (
            r#"{"image_url":"https://h.example/a.png"}"#,
            Some(Kind::Unreadable),
        ),
        (r#"{"images":["x"]}"#, Some(Kind::Unreadable)),
        (
            r#"{"properties":{"image_url":{"type":"string"}},"required":["image_url","file_id"]}"#,
            None,
        ),
        (r#"{"a":"type","file":1}"#, None),
    ]);
    let line = "QUJD1Zx9".repeat(8);
    let data = line.repeat(5);
    let hash = "9f86d081884c7d65".repeat(4);
    check(&[
        (
            &format!("data:image/png;base64,{data}"),
            Some(Kind::Unreadable),
        ),
        (&data, Some(Kind::Unreadable)),
        (&format!("{line}\n{line}\n{line}"), Some(Kind::Unreadable)),
        (&line.repeat(2), None),
        (
            &format!("A+{line}\n  {line}\n  {line}"),
            Some(Kind::Unreadable),
        ),
        (&format!("{hash}\n{hash}\n{hash}\n"), None),
    ]);
}

#[test]
fn typographic_characters_count_as_their_plain_twins() {
    check(&[
        ("ａ＠ｂ.ｅｘａｍｐｌｅ", Some(Kind::Email)),
        ("４２４２ 4242–4242", None),
        ("4242\u{2011}4242\u{2011}4242\u{2011}4242", Some(Kind::Card)),
        ("4242\u{ad}4242\u{200b}4242\u{2060}4242", Some(Kind::Card)),
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", Some(Kind::Card)),
        (
            "DE89\u{2007}3704\u{2007}0044\u{2007}0532\u{2007}0130\u{2007}00",
            Some(Kind::Iban),
        ),
        ("password = “hunter2”", Some(Kind::Secret)),
    ]);
}

#[test]
fn a_number_is_whole_or_is_none() {
    for around in [
        "1{}", "{}1", "a{}", "{}a", "0.{}", "{}.5", "${}", "12-{}", "{}-12", "x_{}", "{}_x",
    ] {
        assert_eq!(find(&around.replace("{}", CARD)), None, "{around}");
    }
    for around in [
        "{}",
        "({})",
        "\"{}\"",
        "n:{}",
        "a={}&b",
        "no. {}.",
        "{}, {}",
        "卡号{}。",
        "<b>{}</b>",
    ] {
        assert_eq!(
            find(&around.replace("{}", CARD)),
            Some(Kind::Card),
            "{around}"
        );
    }
}

#[test]
fn a_word_makes_a_number_what_it_is() {
    check(&[
        ("555 123 4567", None),
        ("my phone is 555 123 4567", Some(Kind::Phone)),
        ("555 123 4567 (mobile)", Some(Kind::Phone)),
        ("homePhone: 5551234567", Some(Kind::Phone)),
        ("headphones: 5551234567", None),
        ("phone\n5551234567", None),
        (r#"{"phone":true,"id":"5551234567"}"#, None),
        ("PESEL 44051401359", Some(Kind::NationalId)),
        ("no. 44051401359", None),
    ]);
}

#[test]
fn what_only_looks_like_an_address_is_none() {
    check(&[
        ("git@host.example:a/b.git", None),
        ("ssh://me@host.example/a", None),
        ("https://me:pa55word@host.example/a", Some(Kind::Secret)),
        ("me@host.example:a", Some(Kind::Email)),
        ("me@host", None),
        ("name@1.2.3", None),
        ("name@v1.2.beta", None),
        ("@scope/name.js", None),
        ("icon@2x.png", None),
        ("a@b.dot(c)", None),
        ("a@b.example...", Some(Kind::Email)),
        ("a@b..example", None),
        ("a%40b.example", Some(Kind::Email)),
    ]);
}

#[test]
fn a_value_that_stands_for_a_secret_is_none() {
    for value in [
        "<key>",
        "${KEY}",
        "$KEY",
        "{{ key }}",
        "****",
        "xxxxxxxxxxxx",
        "...",
        "your-api-key-1234",
        "process.env.KEY1",
        "os.environ['KEY']",
        "config.password1",
        "f(1)",
        "none",
        "string",
        "",
    ] {
        for text in [format!("password: {value}"), format!("api_key={value}")] {
            assert_eq!(find(&text), None, "{text}");
        }
    }
}

#[test]
fn a_value_in_quotes_with_spaces_is_a_sentence() {
    check(&[
        ("\"password\": \"must have 8 characters\"", None),
        ("password:\"1\ta2", None),
        ("\"password\": \"1a2b3c\"", Some(Kind::Secret)),
    ]);
}

#[test]
fn a_text_is_read_in_one_pass_however_it_is_made() {
    let read = |piece: &str, size: usize| {
        let text = piece.repeat(size / piece.len());
        let _ = find(&text);
        let _ = find_in_body(&text);
    };
    for piece in ["1", "@", "a.", "\\", "\""] {
        read(piece, 1_000_000);
    }
    for piece in [
        "a@",
        "1 ",
        "1-",
        "+",
        "+1",
        "(",
        "00",
        "a@a.",
        "password=",
        "password: ",
        "password=a1xxxx ",
        "is ",
        "password is ",
        "://a:",
        "data:;base64,",
        "eyJ",
        "-----BEGIN ",
        "sk-",
        "DE89 3704 ",
        "\\u",
        "\"type\":",
        "{",
        "aaaaaaaaaaaaaaaaaaaaa/",
        "phone 5551234",
        "5551234567 ",
        "é",
        "\u{200b}",
        "%40",
    ] {
        read(piece, 30_000);
    }
}
