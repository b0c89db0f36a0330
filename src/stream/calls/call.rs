//! Tool calls out of their deltas: which call a delta belongs to, and how a call grows.
//!
//! Implements `delta.tool_calls` of OpenAI's chunk object
//! (<https://platform.openai.com/docs/api-reference/chat-streaming/streaming>), and what servers
//! make of it: see [`Calls::place`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::openai::json::{self, Object, Writer};
use crate::openai::same::same_json;
use crate::stream::joined::{Joined, Members, write};

/// One tool call. Its strings are JSON texts, escaped as the upstream wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    id: Joined,
    kind: Joined,
    function: Option<Callee>,
    custom: Option<Callee>,
    rest: Members,
}

impl Call {
    /// The id, where one was told.
    pub fn id(&self) -> Option<Cow<'_, str>> {
        spelled(self.id.spoken()?)
    }

    /// The name of the tool, where one was told.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        spelled(self.callee()?.name.spoken()?)
    }

    /// The arguments (of a custom tool: its input) as the JSON text of the member, quotes and
    /// escapes and all; `""` in quotes when none were told.
    pub fn arguments(&self) -> &str {
        self.callee().map_or(NOTHING, Callee::input)
    }

    /// Whether both call the same tool with the same arguments. Ids may differ, and arguments are
    /// compared as JSON values; no arguments at all are those of an empty object.
    pub fn same_as(&self, other: &Self) -> bool {
        self.custom.is_some() == other.custom.is_some()
            && self.name() == other.name()
            && same_arguments(self.arguments(), other.arguments())
    }

    /// Writes the call as one whole entry of a delta's `tool_calls`.
    pub fn write_delta(&self, index: u64, out: &mut Vec<u8>) {
        let mut object = Writer::new(out);
        object.number("index", index);
        self.write_into(object);
    }

    /// Writes the call as an entry of a message's `tool_calls`.
    pub(in crate::stream) fn write(&self, out: &mut Vec<u8>) {
        self.write_into(Writer::new(out));
    }

    fn write_into(&self, mut object: Writer<'_>) {
        let kind = match self.custom {
            Some(_) => "\"custom\"",
            None => "\"function\"",
        };
        write(&mut object, "id", self.id.json());
        object.raw("type", self.kind.spoken().unwrap_or(kind));
        for (name, input, callee) in [
            ("function", Callee::ARGUMENTS, &self.function),
            ("custom", Callee::INPUT, &self.custom),
        ] {
            if let Some(callee) = callee {
                callee.write(input, object.name(name));
            }
        }
        self.rest.write(&mut object);
        object.end();
    }

    /// How much the call holds, in bytes of JSON text.
    pub(super) fn len(&self) -> usize {
        let callees = [&self.function, &self.custom].into_iter().flatten();
        let fixed = [&self.id, &self.kind].map(Joined::len);
        fixed.into_iter().sum::<usize>() + callees.map(Callee::len).sum::<usize>() + self.rest.len()
    }

    fn callee(&self) -> Option<&Callee> {
        self.function.as_ref().or(self.custom.as_ref())
    }

    fn add(&mut self, entry: &Object<'_>) {
        for (name, value) in &entry.0 {
            match name.as_ref() {
                "index" => {}
                "id" => self.id.first(value),
                "type" => self.kind.first(value),
                "function" => Callee::add(&mut self.function, Callee::ARGUMENTS, value),
                "custom" => Callee::add(&mut self.custom, Callee::INPUT, value),
                _ => self.rest.last(name, value),
            }
        }
    }
}

/// What is called, and with what: a call's `function` or `custom`, or a message's
/// `function_call`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::stream) struct Callee {
    name: Joined,
    input: Joined,
    rest: Members,
}

/// The JSON of an empty string.
const NOTHING: &str = "\"\"";

/// The JSON of arguments that there are none of, as OpenAI's own models write them: whoever reads a
/// call's arguments as JSON can read these.
const NO_ARGUMENTS: &str = "\"{}\"";

impl Callee {
    /// The member of a function with the input.
    pub(in crate::stream) const ARGUMENTS: &str = "arguments";
    /// The member of a custom tool with the input.
    const INPUT: &str = "input";

    /// Adds a piece whose member `input` has a piece of the input. What is no object adds nothing.
    pub(in crate::stream) fn add(callee: &mut Option<Self>, input: &str, piece: &RawValue) {
        let Ok(Object(members)) = Object::parse(piece.get()) else {
            return;
        };
        let callee = callee.get_or_insert_default();
        for (name, value) in members {
            match name.as_ref() {
                "name" => callee.name.first(value),
                name if name == input => callee.input.text(value),
                name => callee.rest.last(name, value),
            }
        }
    }

    /// Writes the object, which is whole; the input is its member `input`. Arguments that are no text at
    /// all are those of an empty object.
    pub(in crate::stream) fn write(&self, input: &str, out: &mut Vec<u8>) {
        let mut object = Writer::new(out);
        write(&mut object, "name", self.name.json());
        let told = self.input();
        let says_nothing = || spelled(told).is_some_and(|text| text.trim_ascii().is_empty());
        if input == Self::ARGUMENTS && says_nothing() {
            object.raw(input, NO_ARGUMENTS);
        } else {
            object.raw(input, told);
        }
        self.rest.write(&mut object);
        object.end();
    }

    fn input(&self) -> &str {
        self.input.present().unwrap_or(NOTHING)
    }

    fn len(&self) -> usize {
        self.name.len() + self.input.len() + self.rest.len()
    }
}

/// The tool calls of one message, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(in crate::stream) struct Calls {
    calls: Vec<Call>,
    /// Where the last call of an index stands.
    places: BTreeMap<u64, usize>,
}

impl Calls {
    /// Adds the entries of a delta's `tool_calls`. What is no list of objects adds nothing.
    pub(in crate::stream) fn add(&mut self, list: &RawValue) {
        for entry in entries(list) {
            let place = self.place(&entry);
            self.grow(place, &entry);
        }
    }

    /// Where the call stands that an entry belongs to. One that begins a call gets a new place.
    ///
    /// An entry belongs to the call of its index. Without one it belongs to the latest call, unless
    /// it has an id and the latest call another or none.
    ///
    /// Servers that translate Gemini's answers often give every call the index 0. So another id
    /// begins another call, but only along with a name: there are servers (Poolside's) that go on
    /// with a call under an id other than that which it began with.
    pub(super) fn place(&mut self, entry: &Object<'_>) -> usize {
        let index = entry.number("index");
        self.known_place(index, entry)
            .unwrap_or_else(|| self.begin(index))
    }

    /// Adds an entry to the call at `place`, and tells how many bytes it added.
    pub(super) fn grow(&mut self, place: usize, entry: &Object<'_>) -> usize {
        self.calls.get_mut(place).map_or(0, |call| {
            let before = call.len();
            call.add(entry);
            call.len().saturating_sub(before)
        })
    }

    /// The calls.
    pub(in crate::stream) fn as_slice(&self) -> &[Call] {
        &self.calls
    }

    /// Takes the calls at `places` out. What stays in their places only says that they were there.
    pub(super) fn take(&mut self, places: std::ops::Range<usize>) -> Vec<Call> {
        let calls = self.calls.get_mut(places).unwrap_or_default();
        let taken = calls.iter_mut().map(|call| {
            let id = call.id.clone();
            std::mem::replace(
                call,
                Call {
                    id,
                    ..Call::default()
                },
            )
        });
        taken.collect()
    }

    fn known_place(&self, index: Option<u64>, entry: &Object<'_>) -> Option<usize> {
        let id = entry.raw("id").map(RawValue::get).filter(|id| speaks(id));
        let place = match index {
            Some(index) => *self.places.get(&index)?,
            None => self.calls.len().checked_sub(1)?,
        };
        let known = self.calls.get(place)?.id.spoken();
        let another = match (index, id, known) {
            (_, None, _) | (Some(_), _, None) => false,
            (Some(_), Some(id), Some(known)) => id != known && tells(entry, ["name", "name"]),
            (None, Some(id), known) => Some(id) != known,
        };
        (!another).then_some(place)
    }

    fn begin(&mut self, index: Option<u64>) -> usize {
        let place = self.calls.len();
        self.calls.push(Call::default());
        if let Some(index) = index {
            self.places.insert(index, place);
        }
        place
    }
}

/// The entries of a delta's `tool_calls`.
pub(super) fn entries(list: &RawValue) -> Vec<Object<'_>> {
    serde_json::from_str(list.get()).unwrap_or_default()
}

/// Whether an entry has a piece of its call's input.
pub(super) fn has_input(entry: &Object<'_>) -> bool {
    tells(entry, [Callee::ARGUMENTS, Callee::INPUT])
}

/// Whether an entry says something in that member of its `function`, or this one of its `custom`.
fn tells(entry: &Object<'_>, members: [&str; 2]) -> bool {
    ["function", "custom"]
        .into_iter()
        .zip(members)
        .any(|(kind, member)| {
            let value = entry.object(kind).and_then(|callee| callee.raw(member));
            value.is_some_and(|value| speaks(value.get()))
        })
}

fn speaks(json: &str) -> bool {
    !matches!(json, "null" | "\"\"")
}

/// The string that a JSON text spells.
fn spelled(json: &str) -> Option<Cow<'_, str>> {
    json::string(serde_json::from_str(json).ok()?)
}

fn same_arguments(one: &str, other: &str) -> bool {
    let text = |json| match spelled(json) {
        Some(text) if text.trim_ascii().is_empty() => Cow::Borrowed("{}"),
        Some(text) => text,
        // No string, or no characters: half a surrogate pair.
        None => Cow::Borrowed(json),
    };
    one == other || same_json(&text(one), &text(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The calls that `lists` of entries make, as a message has them.
    fn merged(lists: &[&str]) -> String {
        let mut calls = Calls::default();
        for list in lists {
            calls.add(serde_json::from_str(list).unwrap());
        }
        let mut out = Vec::new();
        for call in calls.as_slice() {
            call.write(&mut out);
        }
        String::from_utf8(out).unwrap()
    }

    fn check(lists: &[&str], expected: &str) {
        assert_eq!(merged(lists), expected, "{lists:#?}");
    }

    fn call(arguments: &str) -> Call {
        let mut calls = Calls::default();
        let name = r#""name":"f","arguments""#;
        let list = format!(r#"[{{"index":0,"function":{{{name}:{arguments}}}}}]"#);
        calls.add(serde_json::from_str(&list).unwrap());
        calls.as_slice()[0].clone()
    }

    #[test]
    fn pieces_are_merged_by_index_however_they_are_mixed() {
        check(
            &[
                r#"[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]"#,
                r#"[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]"#,
                r#"[{"index":0,"function":{"arguments":"{\"x\""}},{"index":1,"function":{"arguments":"}"}}]"#,
                r#"[{"index":0,"id":"","type":null,"function":{"name":"","arguments":":1}"}}]"#,
            ],
            concat!(
                r#"{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}"#,
                r#"{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}"#,
            ),
        );
    }

    #[test]
    fn a_whole_call_without_arguments_has_those_of_an_empty_object() {
        for nothing in [
            r#"{"name":"f","arguments":""}"#,
            r#"{"name":"f","arguments":" \n"}"#,
            r#"{"name":"f","arguments":null}"#,
            r#"{"name":"f"}"#,
        ] {
            check(
                &[&format!(r#"[{{"index":0,"id":"a","function":{nothing}}}]"#)],
                r#"{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}"#,
            );
        }
        check(
            &[r#"[{"index":0,"id":"a","custom":{"name":"f","input":""}}]"#],
            r#"{"id":"a","type":"custom","custom":{"name":"f","input":""}}"#,
        );
        assert_eq!(call("\"\"").arguments(), "\"\"");
    }

    #[test]
    fn a_name_told_again_and_again_is_told_once() {
        let piece = r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"1"}}]"#;
        check(
            &[piece, piece],
            r#"{"id":"a","type":"function","function":{"name":"f","arguments":"11"}}"#,
        );
    }

    #[test]
    fn without_an_index_only_another_id_begins_another_call() {
        check(
            &[
                r#"[{"id":"a","function":{"name":"f","arguments":"1"}}]"#,
                r#"[{"function":{"arguments":"2"}}]"#,
                r#"[{"id":"a","function":{"arguments":"3"}}]"#,
                r#"[{"id":"b","function":{"arguments":"4"}}]"#,
            ],
            concat!(
                r#"{"id":"a","type":"function","function":{"name":"f","arguments":"123"}}"#,
                r#"{"id":"b","type":"function","function":{"arguments":"4"}}"#,
            ),
        );
        check(
            &[
                r#"[{"function":{"name":"f"}}]"#,
                r#"[{"id":"b","function":{"name":"g"}}]"#,
            ],
            concat!(
                r#"{"type":"function","function":{"name":"f","arguments":"{}"}}"#,
                r#"{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}"#,
            ),
        );
    }

    #[test]
    fn one_index_for_all_calls_does_not_merge_them() {
        check(
            &[
                r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"1"}}]"#,
                r#"[{"index":0,"id":"b","function":{"name":"f","arguments":"2"}}]"#,
                r#"[{"index":0,"function":{"arguments":"3"}}]"#,
            ],
            concat!(
                r#"{"id":"a","type":"function","function":{"name":"f","arguments":"1"}}"#,
                r#"{"id":"b","type":"function","function":{"name":"f","arguments":"23"}}"#,
            ),
        );
    }

    #[test]
    fn an_id_that_changes_within_a_call_does_not_cut_it() {
        check(
            &[
                r#"[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]"#,
                r#"[{"index":0,"id":"x1","function":{"arguments":"1"}}]"#,
                r#"[{"index":0,"id":"x2","function":{"name":null,"arguments":"2"}}]"#,
            ],
            r#"{"id":"a","type":"function","function":{"name":"f","arguments":"12"}}"#,
        );
    }

    #[test]
    fn custom_tools_and_unknown_members_are_kept() {
        check(
            &[
                r#"[{"index":0,"id":"a","type":"custom","custom":{"name":"sh","input":"ls"}}]"#,
                r#"[{"index":0,"custom":{"input":" -l"},"extra_content":{"google":{"thought_signature":"s"}}}]"#,
                r#"[{"index":0,"extra_content":null}]"#,
            ],
            r#"{"id":"a","type":"custom","custom":{"name":"sh","input":"ls -l"},"extra_content":{"google":{"thought_signature":"s"}}}"#,
        );
    }

    #[test]
    fn what_is_no_list_of_calls_adds_nothing() {
        check(&["null", "{}", "[1]", "\"x\"", "[]"], "");
    }

    #[test]
    fn a_whole_call_is_one_entry_of_a_delta() {
        let mut out = Vec::new();
        call(r#""{\"x\":1}""#).write_delta(3, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"index":3,"type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}"#
        );
    }

    #[test]
    fn a_call_tells_its_name_id_and_arguments() {
        let told = call(r#""{\"x\":\"\u00fc\"}""#);
        assert_eq!(told.name().unwrap(), "f");
        assert_eq!(told.id(), None);
        assert_eq!(told.arguments(), r#""{\"x\":\"\u00fc\"}""#);
        assert_eq!(Call::default().arguments(), "\"\"");
        assert_eq!(Call::default().name(), None);
    }

    #[test]
    fn calls_are_the_same_when_name_and_arguments_are() {
        let check = |one: &str, other: &str, expected: bool| {
            let same = call(one).same_as(&call(other));
            assert_eq!(same, expected, "{one} and {other}");
        };
        check(
            r#""{\"a\":1,\"b\":2}""#,
            r#""{ \"b\": 2, \"a\": 1 }""#,
            true,
        );
        check(r#""{\"a\":\"ü\"}""#, r#""{\"a\":\"\\u00fc\"}""#, true);
        check(r#""{\"a\":1}""#, r#""{\"a\":2}""#, false);
        check(r#""""#, r#""{}""#, true);
        check("null", r#""{ }""#, true);
        check(r#""{\"a\":1}""#, r#"{"a":1}"#, true);
        check(r#""{\"a\":""#, r#""{\"a\":""#, true);
        check(r#""\ud83d""#, r#""\ud83d""#, true);
        check(r#""\ud83d""#, r#""\ud83e""#, false);

        let mut other = call("\"\"");
        other
            .function
            .as_mut()
            .unwrap()
            .name
            .last(serde_json::from_str("\"g\"").unwrap());
        assert!(!call("\"\"").same_as(&other));
        let custom = Call {
            custom: other.function.take(),
            ..Call::default()
        };
        assert!(!custom.same_as(&call("\"\"")));
    }
}
