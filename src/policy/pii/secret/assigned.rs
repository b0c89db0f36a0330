//! Values that are assigned to the name of a secret: `password: hunter2`, `API_KEY=...`, a header.
//!
//! # Why the value decides
//!
//! Most places where such a name stands have no secret: types (`password: str`), code
//! (`token = next(tokens)`), forms (`"password": {"type": "string"}`), rules (`password: at least
//! 8 characters`), and values that stand for one (`<your key>`, `${TOKEN}`, `****`).

use crate::policy::pii::Kind;
use crate::policy::pii::form::{before, byte};
use crate::policy::pii::secret::value::{is_mixed, is_placeholder, is_random};

/// The longest name that is read, in bytes.
const NAME: usize = 40;

/// The longest value that is read.
const VALUE: usize = 160;

/// How names end whose values people choose, in lower case and without signs between words.
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "motdepasse",
    "contraseña",
    "contrasena",
    "senha",
    "wachtwoord",
    "lösenord",
    "пароль",
    "密码",
    "パスワード",
    "비밀번호",
];

/// Short ones, which must be a word of their own.
const SHORT_PASSWORDS: &[&str] = &["pass", "pw", "pwd", "mdp", "pin"];

/// How names end whose values are made by machines.
const KEYS: &[&str] = &[
    "apikey",
    "accesskey",
    "accesskeyid",
    "accountkey",
    "authkey",
    "encryptionkey",
    "masterkey",
    "privatekey",
    "secretkey",
    "signingkey",
    "secret",
    "token",
    "authorization",
];

/// Tokens that are no secrets: places in a list, and a tokenizer's.
const NO_KEYS: &[&str] = &[
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "eostoken",
    "bostoken",
    "padtoken",
    "unktoken",
    "septoken",
    "masktoken",
];

/// What says the value of a name in a sentence.
const SAYS: &[&str] = &["is", "ist", "est", "es", "lautet"];

/// Words in front of a credential in `Authorization` (RFC 9110, 11.4).
const SCHEMES: &[&str] = &["bearer ", "basic ", "token ", "apikey "];

/// Who makes up the values of a name.
#[derive(Clone, Copy)]
enum Name {
    Key,
    Password,
    /// A short name of a password, which other things have too.
    Short,
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Written {
    /// After `NAME=`, with the name in capitals, as in the environment.
    Environment,
    Plain,
    Quoted,
}

/// The secret that is assigned by the sign at `at`.
pub(in crate::policy::pii) fn assigned(text: &[u8], at: usize) -> Option<Kind> {
    let (name, capitals) = name(text, at)?;
    let mut from = at + 1;
    while matches!(byte(text, from), b'=' | b'>' | b':') && from < at + 3 {
        from += 1;
    }
    let direct = from == at + 1 && byte(text, at) == b'=';
    from = past(text, from, b" \t", 8);
    let (value, quoted) = value(text, from);
    let written = match (quoted, direct && capitals) {
        (true, _) => Written::Quoted,
        (false, true) => Written::Environment,
        (false, false) => Written::Plain,
    };
    is_secret(name, value, written).then_some(Kind::Secret)
}

/// Whether the word between `at` and `end` says a secret: `my password is ...`, `Bearer ...`.
pub(super) fn said(text: &[u8], at: usize, end: usize) -> bool {
    let Some(word) = text.get(at..end) else {
        return false;
    };
    if word.eq_ignore_ascii_case(b"bearer") {
        let (value, _) = value(text, end + 1);
        return is_random(value) && !is_placeholder(value);
    }
    if !SAYS
        .iter()
        .any(|says| word.eq_ignore_ascii_case(says.as_bytes()))
    {
        return false;
    }
    let Some((name, _)) = name(text, at) else {
        return false;
    };
    let (value, _) = value(text, past(text, end, b" ", 2));
    is_secret(name, value, Written::Plain)
}

/// What kind of name of a secret ends before `at`, and whether it is in capitals.
fn name(text: &[u8], at: usize) -> Option<(Name, bool)> {
    let end = (0..4)
        .map(|back| at.saturating_sub(back))
        .find(|end| !b" \"'`]*)".contains(&before(text, *end)))?;
    if !can_end(before(text, end)) {
        return None;
    }
    let head = text.get(end.saturating_sub(NAME)..end)?;
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || is_joint(*byte);
    let start = head.iter().rposition(|byte| !of_name(byte));
    let name = without_says(head.get(start.map_or(0, |at| at + 1)..)?);
    let last = name.rsplit(|byte| is_joint(*byte)).next()?;
    let mut letters = [0; NAME];
    let mut length = 0;
    for byte in name.iter().filter(|byte| !is_joint(**byte)) {
        *letters.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    let letters = letters.get(..length)?;
    let ends = |names: &[&str]| names.iter().any(|name| letters.ends_with(name.as_bytes()));
    let is_last = |name: &&str| last.eq_ignore_ascii_case(name.as_bytes());
    let kind = if ends(PASSWORDS) {
        Name::Password
    } else if SHORT_PASSWORDS.iter().any(is_last) {
        Name::Short
    } else if ends(KEYS) && !ends(NO_KEYS) {
        Name::Key
    } else {
        return None;
    };
    let capitals = !last.iter().any(u8::is_ascii_lowercase);
    Some((kind, capitals))
}

/// Whether a name of a secret, or what says its value, can end with this: most others are ruled out.
fn can_end(last: u8) -> bool {
    b"adenpstwy".contains(&last.to_ascii_lowercase()) || !last.is_ascii()
}

/// What joins the words of a name.
fn is_joint(byte: u8) -> bool {
    b" _-.".contains(&byte)
}

/// The name without what says its value: `the password is`.
fn without_says(name: &[u8]) -> &[u8] {
    let Some(space) = name.iter().rposition(|byte| *byte == b' ') else {
        return name;
    };
    let (head, last) = name.split_at_checked(space).unwrap_or_default();
    let says = |says: &&str| last.trim_ascii().eq_ignore_ascii_case(says.as_bytes());
    if SAYS.iter().any(says) { head } else { name }
}

/// Where the first byte after `at` is that is none of these, of which there may be so many.
fn past(text: &[u8], at: usize, these: &[u8], most: usize) -> usize {
    let length = (0..most)
        .take_while(|ahead| these.contains(&byte(text, at.saturating_add(*ahead))))
        .count();
    at.saturating_add(length)
}

/// The value that begins at `at`, up to a closing quote, or up to where a word ends, and whether it is
/// in quotes. Of a credential in a header the part after its scheme.
fn value(text: &[u8], at: usize) -> (&[u8], bool) {
    let quote = byte(text, at);
    let quoted = matches!(quote, b'"' | b'\'' | b'`');
    let rest = text.get(at + usize::from(quoted)..).unwrap_or_default();
    let rest = SCHEMES
        .iter()
        .find_map(|scheme| {
            let (begins, rest) = rest.split_at_checked(scheme.len())?;
            begins
                .eq_ignore_ascii_case(scheme.as_bytes())
                .then_some(rest)
        })
        .unwrap_or(rest);
    let ends = |byte: &u8| {
        if quoted {
            *byte == quote || matches!(byte, b'\n' | b'\r')
        } else {
            byte.is_ascii_whitespace() || b"\"'`;,|)}]".contains(byte)
        }
    };
    let length = rest
        .iter()
        .take(VALUE)
        .take_while(|byte| !ends(byte))
        .count();
    let value = rest.get(..length).unwrap_or_default();
    if quoted {
        return (value, true);
    }
    let end = value.iter().rposition(|byte| !b".:!?".contains(byte));
    (
        value.get(..end.map_or(0, |at| at + 1)).unwrap_or_default(),
        false,
    )
}

/// Whether a value is a secret: first whether it can be one of such a name, then whether it only
/// stands for one.
fn is_secret(name: Name, value: &[u8], written: Written) -> bool {
    let all = |of: fn(&u8) -> bool| value.iter().all(of);
    let can_be = match (name, written) {
        (Name::Key, _) => value.len() >= 12 && is_random(value),
        (Name::Password, Written::Quoted) => {
            value.len() >= 4 && (!all(u8::is_ascii_alphabetic) || all(u8::is_ascii_lowercase))
        }
        (Name::Password, Written::Environment) => value.len() >= 6,
        (Name::Password, Written::Plain) => {
            value.len() >= 6 && is_mixed(value) || value.len() >= 4 && all(u8::is_ascii_digit)
        }
        (Name::Short, _) => value.len() >= 6 && is_mixed(value),
    };
    can_be
        && !value.iter().any(u8::is_ascii_whitespace)
        && !is_code(value, written)
        && !is_placeholder(value)
}

/// Whether an unquoted value is code: a call, an index, a member, a path.
fn is_code(value: &[u8], written: Written) -> bool {
    let is_name = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_alphabetic)
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let parts = || value.split(|byte| *byte == b'.');
    match written {
        Written::Quoted => false,
        Written::Environment | Written::Plain => {
            value.iter().any(|byte| b"([<{".contains(byte))
                || value.contains(&b'/') && !is_random(value)
                || parts().count() > 1 && parts().all(is_name) && !value.starts_with(b"eyJ")
        }
    }
}
