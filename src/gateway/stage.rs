//! What a drill does to one attempt: the target's reply is put in its place, or cut off.
//!
//! It is done where the reply would come in, so that all that follows, from the judging of it to the
//! next target, is what it would be in earnest.

use crate::gateway::attempt::{Failure, Stream, Success};
use crate::platform::{Call, CallerLeft, Platform, Reply, ReplyBody, ReplyHeaders, SendError};
use crate::policy::classify::Wording;
use crate::policy::drill;
use crate::reason::Reason;
use crate::stream::relay::Standing;

/// What a drill puts in place of the target's reply; `None` where the target is asked.
pub(super) async fn stage<W: Platform>(
    world: &W,
    call: &Call<'_>,
    fault: drill::Fault,
) -> Option<Result<Reply<W::Body>, SendError>> {
    let refusal = |status, words: &str| Reply {
        status,
        headers: ReplyHeaders {
            content_type: Some("application/json".to_owned()),
            ..ReplyHeaders::default()
        },
        body: ReplyBody::Whole(format!("{{\"error\":{{\"message\":\"{words}\"}}}}").into_bytes()),
    };
    match fault {
        drill::Fault::Cut => None,
        drill::Fault::Overloaded => Some(Ok(refusal(503, "a drill: overloaded"))),
        drill::Fault::Throttled => Some(Ok(refusal(429, "a drill: too many requests"))),
        drill::Fault::Silence => Some(Err(match world.sleep(call.timeout_ms).await {
            Ok(()) => SendError::TimedOut,
            Err(CallerLeft) => SendError::CallerLeft,
        })),
    }
}

/// Cuts an answer off after its first words, for a drill; one that came at once is cut off before.
pub(super) fn cut<B>(answer: Success<B>, wording: Wording) -> Result<Success<B>, Failure> {
    match answer {
        Success::Stream(stream) if *stream.relay.standing() == Standing::Committed => {
            let body = None;
            Ok(Success::Stream(Stream { body, ..stream }))
        }
        Success::Stream(_) | Success::Whole(_) => Err(Failure::of(Reason::StreamCut, wording)),
    }
}
