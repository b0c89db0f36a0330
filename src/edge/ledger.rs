//! The Durable Object that keeps the ledger, in its own `SQLite`.
//!
//! There is one, whatever the number of isolates, and it runs one message after another: so its sums
//! are exact. What a message does is `ledger`'s.

use std::cell::Cell;

use wasm_bindgen::JsValue;
use worker::{
    Date, DurableObject, Env, Request, Response, SqlStorage, SqlStorageValue, State, durable_object,
};

use crate::edge::glue;
use crate::ledger::message::{Message, Told};
use crate::ledger::sql::{self, Row, Sql};
use crate::ledger::{drills, report, tell};

/// The name of the binding.
pub(super) const BINDING: &str = "LEDGER";

/// The name of the one object.
pub(super) const NAME: &str = "ledger";

/// The ledger.
#[durable_object(fetch)]
#[derive(Debug)]
pub struct Ledger {
    storage: JsValue,
    sql: SqlStorage,
    cleaned: Cell<u64>,
}

impl DurableObject for Ledger {
    fn new(state: State, _env: Env) -> Self {
        let it = Self {
            storage: js_sys::Reflect::get(state.as_raw(), &"storage".into())
                .unwrap_or(JsValue::UNDEFINED),
            sql: state.storage().sql(),
            cleaned: Cell::new(0),
        };
        if let Err(error) = sql::prepare(&it) {
            // The messages fail then, each with its own error.
            worker::console_error!("the ledger has no tables: {error}");
        }
        it
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let text = request.text().await?;
        let Ok(message) = serde_json::from_str(&text) else {
            return Response::error("not a message to the ledger", 400);
        };
        Response::ok(self.hear(message)?)
    }
}

impl Ledger {
    fn hear(&self, message: Message) -> worker::Result<String> {
        let now = Date::now().as_millis();
        match message {
            Message::Tell(told) => {
                let mut number = 0;
                // All of it or nothing: what is told again is then not counted twice.
                glue::atomically(&self.storage, &mut || {
                    number = tell::tell(self, &told, &self.cleaned)?;
                    Ok(())
                })?;
                let drill = drills::present(self, now)?;
                Ok(serde_json::to_string(&Told { number, drill })?)
            }
            Message::Report(query) => report::table(self, &query),
            Message::Failures(most) => report::failures(self, most),
            Message::Begin(drill) => {
                drills::begin(self, &drill)?;
                self.drilled(Some(&drill.id), now)
            }
            Message::End => {
                drills::end(self, now)?;
                self.drilled(None, now)
            }
            Message::Drilled(id) => self.drilled(id.as_deref(), now),
        }
    }

    fn drilled(&self, id: Option<&str>, now: u64) -> worker::Result<String> {
        let report = report::drill(self, id, now)?;
        Ok(report.unwrap_or_else(|| "null".to_owned()))
    }
}

impl Sql for Ledger {
    type Error = worker::Error;

    fn run(&self, statement: &str, values: &[String]) -> worker::Result<Vec<Row>> {
        let values: Vec<SqlStorageValue> = values.iter().map(|text| text.as_str().into()).collect();
        let cursor = self.sql.exec(statement, values)?;
        let text = |value| match value {
            SqlStorageValue::String(text) => Some(text),
            SqlStorageValue::Integer(number) => Some(number.to_string()),
            SqlStorageValue::Null
            | SqlStorageValue::Boolean(_)
            | SqlStorageValue::Blob(_)
            | SqlStorageValue::Float(_) => None,
        };
        cursor
            .raw()
            .map(|row| Ok(row?.into_iter().map(text).collect()))
            .collect()
    }
}
