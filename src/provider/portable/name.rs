//! Names of tools: each company's rule, another name where one breaks it, and the way back.

use std::borrow::Cow;

use crate::openai::ChatRequest;
use crate::openai::json::Object;
use crate::provider::portable::digest;

/// What names of tools may look like: letters, digits, `_` and `-`, of which so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRule {
    /// The most characters.
    pub longest: usize,
    /// What a name may begin with.
    pub first: First,
}

/// What a name may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Whatever it may hold.
    Any,
    /// A letter or `_`.
    Letter,
}

impl NameRule {
    /// OpenAI's, which others have too.
    pub const OPENAI: Self = Self {
        longest: 64,
        first: First::Any,
    };

    /// `name`, where it is by the rule, else another that stands for it.
    pub fn fit<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.allows(name) {
            return Cow::Borrowed(name);
        }
        let room = self
            .longest
            .saturating_sub(digest::LENGTH)
            .saturating_sub(2);
        let legal = name.chars().map(|c| if is_word(c) { c } else { '_' });
        let start: String = legal.take(room).collect();
        let first = match self.first {
            First::Letter if !starts_well(&start) => "_",
            First::Any | First::Letter => "",
        };
        Cow::Owned(format!("{first}{start}_{}", digest::of(name, 0)))
    }

    fn allows(&self, name: &str) -> bool {
        let begins = match self.first {
            First::Any => true,
            First::Letter => starts_well(name),
        };
        begins && (1..=self.longest).contains(&name.len()) && name.chars().all(is_word)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn starts_well(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The tools of a request that a company knows by another name than the caller does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<(String, String)>);

/// Where every tool has its own name.
static NONE: Names = Names(Vec::new());

impl Names {
    /// Those of a company that takes any.
    pub fn none() -> &'static Self {
        &NONE
    }

    /// Those among `names` that break the rule.
    pub fn of<'a>(names: impl IntoIterator<Item = Cow<'a, str>>, rule: &NameRule) -> Self {
        let renamed = names.into_iter().filter_map(|name| match rule.fit(&name) {
            Cow::Borrowed(_) => None,
            Cow::Owned(sent) => Some((sent, name.into_owned())),
        });
        Self(renamed.collect())
    }

    /// Those among a request's tools that break the rule.
    pub fn of_tools(request: &ChatRequest<'_>, rule: &NameRule) -> Self {
        // Other kinds of tools, where a company has them, keep their names; what is no tool at all is
        // refused where the request is written.
        let listed = request.tools().map(|raw| serde_json::from_str(raw.get()));
        let tools: Vec<Object<'_>> = listed.and_then(Result::ok).unwrap_or_default();
        let names = tools
            .iter()
            .filter_map(|tool| tool.object("function")?.text("name"));
        Self::of(names, rule)
    }

    /// Whether every tool has its own name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the caller calls the tool that the company calls `sent`.
    pub fn callers<'a>(&'a self, sent: &'a str) -> &'a str {
        let found = self.0.iter().find(|(known, _)| known == sent);
        found.map_or(sent, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_by_the_rule_stays_and_any_other_is_known_by_one_that_is() {
        let rule = NameRule {
            longest: 64,
            first: First::Letter,
        };
        let long = "n".repeat(65);
        let listed = ["look_up", "files.read", "files/read", "7up", "", "ü", &long];
        let names = Names::of(listed.map(Cow::Borrowed), &rule);
        let mut seen = std::collections::BTreeSet::new();
        for name in listed {
            let sent = rule.fit(name);
            assert!(rule.allows(&sent), "{name}: {sent}");
            assert_eq!(names.callers(&sent), name);
            assert!(seen.insert(sent.into_owned()), "{name}");
        }
        assert_eq!(rule.fit("look_up"), "look_up");
        assert_eq!(names.callers("unheard_of"), "unheard_of");
    }

    #[test]
    fn a_function_among_other_kinds_of_tools_has_its_name_back() {
        let rule = NameRule {
            longest: 64,
            first: First::Any,
        };
        let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[
            {"type":"custom","custom":{"name":"a.b"}},7,
            {"type":"function","function":{"name":"files.read"}}]}"#;
        let check = |body: &str, found: bool| {
            let names = Names::of_tools(&ChatRequest::parse(body).unwrap(), &rule);
            assert_eq!(
                names.callers(&rule.fit("files.read")) == "files.read",
                found
            );
            assert_eq!(names.is_empty(), !found);
        };
        check(&body.replace("7,", ""), true);
        check(body, false);
    }
}
