//! Whether a request holds personal data or a secret: a pure function of its text.
//!
//! # Why rules and not a model
//!
//! The decision stands before every other one, on a machine that has milliseconds: nothing may be
//! asked, and the same text must always be judged the same. So it finds what has a form: addresses,
//! numbers with a check digit, keys. It does **not** find names, postal addresses, birthdays,
//! illnesses, or anything that is only personal by its meaning; `tests/fixtures/pii/README.md`
//! tells how much it finds of a labelled sample, and how much it finds wrongly.
//!
//! # Why it fails closed
//!
//! What cannot be looked into (an image, a recording, a file, long base64) may hold anything, so it
//! counts as found: [`Kind::Unreadable`]. In doubt a request stays at home, which costs quality;
//! the other way around it would cost a promise.
//!
//! # How long it takes
//!
//! Linear in the text's length: one pass, in which each place looks at most a few hundred bytes
//! around itself.

mod body;
mod card;
mod email;
mod fold;
mod form;
mod iban;
mod national;
mod near;
mod opaque;
mod phone;
mod scan;
mod secret;

use std::fmt;

/// What kind of personal data was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The number of a payment card.
    Card,
    /// An e-mail address.
    Email,
    /// An account number.
    Iban,
    /// The number by which a state knows a person: for taxes, insurance or identity.
    NationalId,
    /// A telephone number.
    Phone,
    /// A password, a key, or another credential.
    Secret,
    /// Something that cannot be looked into and may hold anything.
    Unreadable,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Card,
        Self::Email,
        Self::Iban,
        Self::NationalId,
        Self::Phone,
        Self::Secret,
        Self::Unreadable,
    ];

    /// The name for logs and headers, in snake case.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Email => "email",
            Self::Iban => "iban",
            Self::NationalId => "national_id",
            Self::Phone => "phone",
            Self::Secret => "secret",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Looks through a whole request body: JSON text as the caller sent it.
///
/// Every string in it is read with its escapes undone, keys too, and every number; where escapes are
/// left after that (the arguments of a tool call are JSON in a string), they are undone a second
/// time. A key stands beside its value, so `{"phone": 5550100123}` is read as it is meant. A content
/// part that is no text is [`Kind::Unreadable`]. Text that is no JSON is looked through all the same.
///
/// Returns a kind that was found: of several, the one that is met first, but for parts that cannot
/// be read, which come before all text.
pub fn find_in_body(body: &str) -> Option<Kind> {
    let undone = body::undo(body);
    match undone.parts {
        body::Parts::Opaque => Some(Kind::Unreadable),
        body::Parts::Text => find(&undone.text),
    }
}

/// Looks through plain text. Where it has escapes (`\n`, `\u0040`) it is read with and without them.
///
/// Returns the first kind found, of the text as it stands before that without escapes.
pub fn find(text: &str) -> Option<Kind> {
    scan::scan(&fold::fold(text)).or_else(|| {
        let plain = body::undo_text(text)?;
        scan::scan(&fold::fold(&plain))
    })
}

#[cfg(test)]
mod tests;
