//! The `anthropic` dialect: so far only how its errors are read.

#[cfg_attr(not(test), expect(dead_code, reason = "the dialect is to call it"))]
mod fault;

/// Reads an error answer, for the tests of what errors mean.
#[cfg(test)]
pub(crate) fn fault(status: u16, body: &[u8]) -> crate::provider::Fault {
    fault::read(status, body)
}

/// Reads an error event's `error`, for the tests of what errors mean.
#[cfg(test)]
pub(crate) fn inside(error: &serde_json::Value) -> crate::provider::Fault {
    fault::inside(error)
}
