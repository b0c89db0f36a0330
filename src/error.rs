//! Errors by whose problem they are, and the one shape in which they are answered.
//!
//! The envelope is OpenAI's (<https://platform.openai.com/docs/guides/error-codes>), so that its SDKs
//! raise what their users expect; what is ours stands in `error.pilotlight`. An upstream's 401, 402
//! and 403 are the operator's problem and never reach the caller as such: the caller would think that
//! its own key is bad.

use serde_json::value::RawValue;

use crate::openai::json::{self, Writer};

/// The caller's mistake: told to the caller, never tried at a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downstream {
    /// The HTTP status of the answer.
    pub status: u16,
    /// The machine code, where there is one.
    pub code: Option<&'static str>,
    /// The path of the field at fault.
    pub param: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Downstream {
    /// A field that is wrong.
    pub fn field(param: &str, message: String) -> Self {
        Self {
            status: 400,
            code: Some("invalid_value"),
            param: Some(param.to_owned()),
            message,
        }
    }

    /// A field that is missing.
    pub fn missing(param: &str, wanted: &str) -> Self {
        Self {
            code: Some("missing_required_parameter"),
            ..Self::field(
                param,
                format!("'{param}' is missing: it should be {wanted}"),
            )
        }
    }

    /// A field of the wrong JSON kind.
    pub fn wrong_kind(param: &str, wanted: &str, found: &RawValue) -> Self {
        let text = found.get();
        let found = if text.len() <= 40 {
            format!("{} ({text})", json::kind(found))
        } else {
            json::kind(found).to_owned()
        };
        Self {
            code: Some("invalid_type"),
            ..Self::field(
                param,
                format!("'{param}' is {found}: it should be {wanted}"),
            )
        }
    }

    /// A body that is no request at all.
    pub fn body(message: String) -> Self {
        Self {
            status: 400,
            code: None,
            param: None,
            message,
        }
    }
}

/// Everything that an error answer says, whoever's problem it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The HTTP status.
    pub status: u16,
    /// OpenAI's `error.type`.
    pub kind: &'static str,
    /// `error.code`.
    pub code: Option<String>,
    /// `error.param`.
    pub param: Option<String>,
    /// `error.message`.
    pub message: String,
    /// `error.pilotlight`, as JSON text.
    pub pilotlight: Option<String>,
}

impl ErrorAnswer {
    /// The JSON of the envelope.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let mut envelope = Writer::new(&mut out);
        let mut error = Writer::new(envelope.name("error"));
        error.text("message", &self.message).text("type", self.kind);
        for (name, value) in [("param", &self.param), ("code", &self.code)] {
            match value {
                Some(text) => error.text(name, text),
                None => error.raw(name, "null"),
            };
        }
        if let Some(pilotlight) = &self.pilotlight {
            error.raw("pilotlight", pilotlight);
        }
        error.end();
        envelope.end();
        out
    }
}

impl From<Downstream> for ErrorAnswer {
    fn from(error: Downstream) -> Self {
        let kind = match error.status {
            401 => "authentication_error",
            404 => "not_found_error",
            _ => "invalid_request_error",
        };
        Self {
            status: error.status,
            kind,
            code: error.code.map(str::to_owned),
            param: error.param,
            message: error.message,
            pilotlight: None,
        }
    }
}
