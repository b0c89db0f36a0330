//! What an Ollama tells of itself: `GET /api/version`, `/api/ps`, `/api/tags`, and the post that makes
//! it load a model.
//!
//! Implements <https://docs.ollama.com/api/version>, <https://docs.ollama.com/api/ps> and
//! <https://docs.ollama.com/api/tags> as v0.32 answers them. Older versions leave out fields
//! (`context_length`, in one and the other list, and `remote_host`, before there were models in a
//! cloud): what is not told is not known, and their models are here.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::openai::json::Writer;
use crate::provider::ollama::presence::full;
use crate::provider::ollama::write;
use crate::provider::watched::{Installed, Preload, Running, WatchUrls, Watched};
use crate::time;

use super::Ollama;

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct List<M> {
    /// `null` when there is none.
    models: Option<Vec<M>>,
}

#[derive(Deserialize)]
struct InMemory {
    #[serde(default)]
    name: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    context_length: u32,
    #[serde(default)]
    expires_at: String,
}

#[derive(Deserialize)]
struct OnDisk {
    #[serde(default)]
    name: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    remote_host: String,
    #[serde(default)]
    remote_model: String,
    #[serde(default)]
    details: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    context_length: u32,
}

impl Watched for Ollama {
    fn urls(&self, url: &str) -> Option<WatchUrls> {
        let base = url.strip_suffix("/api/chat")?;
        Some(WatchUrls {
            version: format!("{base}/api/version"),
            running: format!("{base}/api/ps"),
            installed: format!("{base}/api/tags"),
        })
    }

    fn version(&self, body: &[u8]) -> Option<String> {
        let Version { version } = serde_json::from_slice(body).ok()?;
        Some(version)
    }

    fn running(&self, body: &[u8], model: &str) -> Option<Running> {
        let of = |one: &InMemory| is_it(model, &one.name, &one.model);
        Some(match list::<InMemory>(body)?.into_iter().find(of) {
            None => Running::No,
            Some(found) => Running::Yes {
                window: told(found.context_length),
                unload_at: time::calendar::rfc3339(&found.expires_at),
            },
        })
    }

    fn installed(&self, body: &[u8], model: &str) -> Option<Installed> {
        let of = |one: &OnDisk| is_it(model, &one.name, &one.model);
        Some(match list::<OnDisk>(body)?.into_iter().find(of) {
            None => Installed::No,
            Some(found) if !found.remote_host.is_empty() || !found.remote_model.is_empty() => {
                Installed::Elsewhere
            }
            Some(found) => Installed::Yes {
                trained: told(found.details.context_length),
            },
        })
    }

    /// A model of Ollama's cloud has the tag `cloud`, or a name or tag that ends in `-cloud`.
    fn forwards(&self, model: &str) -> bool {
        let model = model.to_ascii_lowercase();
        let (name, tag) = model.rsplit_once(':').unwrap_or((&model, ""));
        // Ollama, too, takes no notice of spaces there (`internal/modelref`).
        let (name, tag) = (name.trim(), tag.trim());
        tag == "cloud" || tag.ends_with("-cloud") || name.ends_with("-cloud")
    }

    fn preload(&self, preload: &Preload<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        let mut object = Writer::new(&mut out);
        object.text("model", preload.model).raw("stream", "false");
        if let Some(keep_alive) = preload.keep_alive {
            write::keep_alive(&mut object, keep_alive);
        }
        let mut options = Writer::new(object.name("options"));
        write::load_options(&mut options, preload.context);
        options.end();
        object.end();
        out
    }
}

fn list<M: DeserializeOwned>(body: &[u8]) -> Option<Vec<M>> {
    let List { models } = serde_json::from_slice(body).ok()?;
    Some(models.unwrap_or_default())
}

fn is_it(wanted: &str, name: &str, model: &str) -> bool {
    let is_it = |told: &str| full(told).eq_ignore_ascii_case(&full(wanted));
    is_it(name) || is_it(model)
}

/// A length of zero is one that is not told.
fn told(length: u32) -> Option<u32> {
    (length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As v0.32.15 told them of two models, one of them in the cloud; shortened.
    const PS: &[u8] = br#"{"models":[{"name":"smol:latest","model":"smol:latest","size":153,
        "digest":"4d","details":{"parent_model":"","format":"gguf"},
        "expires_at":"2026-11-21T05:04:59.5+01:00","size_vram":0,"context_length":2048}]}"#;
    const TAGS: &[u8] = br#"{"models":[
        {"name":"smol:latest","model":"smol:latest","modified_at":"2026-11-21T04:00:00Z","size":91,
         "details":{"format":"gguf","context_length":8192,"embedding_length":576},
         "capabilities":["completion"]},
        {"name":"mine:latest","model":"mine:latest","remote_model":"gpt-oss:120b",
         "remote_host":"https://ollama.com:443","size":384,"details":{"format":""}}]}"#;

    #[test]
    fn a_model_in_memory_is_found_with_its_window_and_its_end() {
        let loaded = Running::Yes {
            window: Some(2048),
            unload_at: Some(1_795_233_899_500),
        };
        for name in ["smol", "SMOL:latest"] {
            assert_eq!(Ollama.running(PS, name), Some(loaded), "{name}");
        }
        assert_eq!(Ollama.running(PS, "smol:1b"), Some(Running::No));
        assert_eq!(
            Ollama.running(br#"{"models":null}"#, "m"),
            Some(Running::No)
        );
        let old = br#"{"models":[{"name":"smol:latest"}]}"#;
        let untold = Running::Yes {
            window: None,
            unload_at: None,
        };
        assert_eq!(Ollama.running(old, "smol"), Some(untold));
        for nonsense in [&b"<html>"[..], b"[]", b"{\"models\":7}"] {
            assert_eq!(Ollama.running(nonsense, "smol"), None);
        }
    }

    #[test]
    fn a_model_on_disk_is_told_from_one_that_is_elsewhere() {
        let here = Installed::Yes {
            trained: Some(8192),
        };
        assert_eq!(Ollama.installed(TAGS, "smol"), Some(here));
        assert_eq!(Ollama.installed(TAGS, "mine"), Some(Installed::Elsewhere));
        assert_eq!(Ollama.installed(TAGS, "other"), Some(Installed::No));
        assert_eq!(Ollama.installed(b"", "smol"), None);
        let old = br#"{"models":[{"name":"smol:latest","details":{}}]}"#;
        let untold = Installed::Yes { trained: None };
        assert_eq!(Ollama.installed(old, "smol"), Some(untold));
    }

    #[test]
    fn a_name_can_say_that_the_model_is_in_the_cloud() {
        for name in [
            "gpt-oss:120b-cloud",
            "glm-5:CLOUD",
            "x-cloud",
            "x-cloud:latest",
            "gpt-oss: Cloud",
        ] {
            assert!(Ollama.forwards(name), "{name}");
        }
        for name in ["llama3.2", "cloudy:1b", "cloud", "my:cloudless", "cloud:7b"] {
            assert!(!Ollama.forwards(name), "{name}");
        }
    }

    #[test]
    fn the_version_is_read_and_what_is_none_is_not() {
        let version = Ollama.version(br#"{"version":"0.32.15"}"#);
        assert_eq!(version.as_deref(), Some("0.32.15"));
        assert_eq!(Ollama.version(b"Ollama is running"), None);
        assert_eq!(Ollama.urls("http://box/v1/chat/completions"), None);
    }

    #[test]
    fn a_preload_says_what_decides_how_the_model_is_loaded_and_no_more() {
        let preload = |context, keep_alive| {
            let model = "smol";
            let preload = Preload {
                model,
                context,
                keep_alive,
            };
            String::from_utf8(Ollama.preload(&preload)).unwrap()
        };
        assert_eq!(
            preload(Some(2048), Some("30m")),
            r#"{"model":"smol","stream":false,"keep_alive":"30m","options":{"num_ctx":2048}}"#
        );
        assert_eq!(
            preload(None, None),
            r#"{"model":"smol","stream":false,"options":{}}"#
        );
    }
}
