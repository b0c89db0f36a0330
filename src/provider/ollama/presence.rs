//! Which models an Ollama has in memory, from `GET /api/ps`.
//!
//! While a model is being loaded, Ollama answers nothing at all to a request for it, and the model is
//! absent from this list; `/api/ps` itself answers at once. Giving up then makes the load start over
//! (`llm/llama_server.go`), so the two kinds of silence have to be told apart.

use serde::Deserialize;

use crate::provider::Presence;

/// The answer, as far as it is read (<https://docs.ollama.com/api/ps>).
#[derive(Deserialize)]
struct Running {
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    name: String,
    #[serde(default)]
    model: String,
}

/// Where the list lies, for the address of the chat API.
pub(super) fn url(chat: &str) -> Option<String> {
    Some(format!("{}/api/ps", chat.strip_suffix("/api/chat")?))
}

/// Whether `model` is on the list.
pub(super) fn read(body: &[u8], model: &str) -> Presence {
    let Ok(running) = serde_json::from_slice::<Running>(body) else {
        return Presence::Unknown;
    };
    let is_it = |name: &str| full(name).eq_ignore_ascii_case(&full(model));
    let here = |one: &Model| is_it(&one.name) || is_it(&one.model);
    if running.models.iter().any(here) {
        Presence::Loaded
    } else {
        Presence::Absent
    }
}

/// A name with its tag.
pub(super) fn full(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_its_name_with_or_without_the_usual_tag() {
        let body = br#"{"models":[{"name":"llama3.2:latest","model":"llama3.2:latest"}]}"#;
        for name in ["llama3.2", "llama3.2:latest", "LLAMA3.2"] {
            assert_eq!(read(body, name), Presence::Loaded, "{name}");
        }
        for name in ["llama3.2:1b", "llama3", "library/llama3.2"] {
            assert_eq!(read(body, name), Presence::Absent, "{name}");
        }
        assert_eq!(read(br#"{"models":[]}"#, "m"), Presence::Absent);
        assert_eq!(read(b"<html>", "m"), Presence::Unknown);
        assert_eq!(
            url("http://box:11434/api/chat").as_deref(),
            Some("http://box:11434/api/ps")
        );
    }
}
