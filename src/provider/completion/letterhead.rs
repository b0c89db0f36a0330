//! What all objects of one answer say alike: whose answer it is, and when it was given.

use crate::openai::json::{Writer, spelled};
use crate::provider::Reading;

/// What the objects of one answer say alike.
#[derive(Clone, Debug)]
pub struct Letterhead {
    request_id: String,
    created: u64,
    /// JSON texts, like the tier.
    id: String,
    model: String,
    service_tier: Option<String>,
}

impl Letterhead {
    /// One that has only what the request says, until the answer says otherwise.
    pub fn new(ask: &Reading<'_>) -> Self {
        Self {
            request_id: ask.request_id.to_owned(),
            created: ask.created,
            id: spelled(&format!("chatcmpl-{}", ask.request_id)),
            model: spelled(ask.model),
            service_tier: None,
        }
    }

    /// Takes over what an answer calls itself, and the model that gave it, as JSON texts, where they are
    /// told.
    pub fn sign(&mut self, id: Option<&str>, model: Option<&str>) {
        if let Some(id) = id {
            id.clone_into(&mut self.id);
        }
        if let Some(model) = model {
            model.clone_into(&mut self.model);
        }
    }

    /// Takes over when an answer was given, in seconds since 1970.
    pub fn date(&mut self, created: u64) {
        self.created = created;
    }

    /// Takes over how an answer was served, a JSON text.
    pub fn class(&mut self, service_tier: &str) {
        self.service_tier = Some(service_tier.to_owned());
    }

    /// Opens an object of the answer, of a kind such as `chat.completion`.
    pub fn open<'b>(&self, out: &'b mut Vec<u8>, object: &str) -> Writer<'b> {
        let mut writer = Writer::new(out);
        writer
            .raw("id", &self.id)
            .text("object", object)
            .number("created", self.created)
            .raw("model", &self.model);
        if let Some(tier) = &self.service_tier {
            writer.raw("service_tier", tier);
        }
        writer
    }

    /// The JSON text of an id for the call with this number, where it has none of its own: a tool's result
    /// needs one to name its call by.
    pub fn call_id(&self, at: usize) -> String {
        spelled(&format!("call_{}_{at}", self.request_id))
    }
}
