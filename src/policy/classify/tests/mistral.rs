//! Mistral's errors, from its glossary and public issues.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        29,
        Answer(
            422,
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":32000}]},"type":"invalid_request_error","param":null,"code":null}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        29,
        Answer(
            422,
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","store"],"msg":"Extra inputs are not permitted","input":false}]}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        29,
        Answer(
            400,
            r#"{"detail":[{"type":"missing","loc":["body","x"]},{"type":"extra_forbidden","loc":["body","store"],"msg":"Extra inputs are not permitted"}]}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        30,
        Answer(
            400,
            r#"{"object":"error","message":"Prompt contains 66385 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_prompt","param":null,"code":"3051"}"#,
        ),
        OVERFLOW,
    ),
    case(
        30,
        Answer(
            400,
            r#"{"object":"error","message":"The prompt is larger than the model.","type":"invalid_request_prompt","param":null,"code":"3051"}"#,
        ),
        OVERFLOW,
    ),
    case(
        30,
        Answer(
            400,
            r#"{"object":"error","message":"Prompt contains 66385 tokens, too large for model with 32768 maximum context length","type":"invalid_request_error","param":null,"code":null}"#,
        ),
        OVERFLOW,
    ),
    case(
        31,
        Answer(
            400,
            r#"{"object":"error","message":"Invalid model: mistral-x","type":"invalid_model","param":null,"code":"1500"}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        31,
        Answer(
            400,
            r#"{"object":"error","message":"A human-readable description of the error.","type":"invalid_request_error","param":"model","code":"unknown_model"}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        31,
        Answer(400, r#"{"message":"x","code":"1500"}"#),
        MODEL_MISSING,
    ),
    case(
        31,
        Answer(404, r#"{"message":"no Route matched with those values"}"#),
        MODEL_MISSING,
    ),
    case(
        32,
        Answer(
            400,
            r#"{"object":"error","message":"Tool call id was call_abc but must be a-z, A-Z, 0-9, with a length of 9.","type":"invalid_function_call","param":null,"code":"3280"}"#,
        ),
        REJECTED,
    ),
    case(
        32,
        Answer(
            400,
            r#"{"object":"error","message":"Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant","type":"invalid_request_message_order","param":null,"code":"3230"}"#,
        ),
        REJECTED,
    ),
    case(33, Answer(401, r#"{"detail":"Unauthorized"}"#), CREDENTIAL),
    case(
        33,
        Answer(401, r#"{"message":"Unauthorized","request_id":"x"}"#),
        CREDENTIAL,
    ),
    case(
        33,
        Answer(
            402,
            r#"{"object":"error","message":"Payment required","type":"payment_required","param":null,"code":null}"#,
        ),
        SPEND_LIMIT,
    ),
    case(33, Answer(403, r#"{"detail":"Forbidden"}"#), CREDENTIAL),
    case(
        33,
        Answer(
            403,
            r#"{"object":"error","message":"You do not have access to the model mistral-large-4","type":"forbidden","param":null,"code":null}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        34,
        Answer(
            429,
            r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","param":null,"code":null}"#,
        ),
        (Reason::Overloaded, Action::Next, FAILED),
    ),
    case(
        34,
        Answer(
            429,
            r#"{"object":"error","message":"Capacity.","type":"service_tier_capacity_exceeded","param":null,"code":"3505"}"#,
        ),
        (Reason::Overloaded, Action::Next, FAILED),
    ),
    case(
        35,
        Answer(
            429,
            r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}"#,
        ),
        THROTTLED,
    ),
    case(
        35,
        Stream(
            "data: {\"object\":\"error\",\"message\":\"Rate limit exceeded\",\"type\":\"rate_limited\",\"param\":null,\"code\":\"1300\",\"raw_status_code\":429}\n\n",
        ),
        THROTTLED,
    ),
    case(
        36,
        Answer(
            500,
            r#"{"object":"error","message":"Service unavailable.","type":"internal_server_error","param":null,"code":"1000"}"#,
        ),
        OVERLOADED,
    ),
    case(36, Answer(502, "error"), OVERLOADED),
    case(36, Answer(503, ""), OVERLOADED),
    case(36, Answer(504, ""), OVERLOADED),
    case(
        36,
        Body(
            r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"error"}]}"#,
        ),
        (Reason::InStreamError, Action::Retry, FAILED),
    ),
    case(
        36,
        Stream(
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n",
        ),
        (Reason::InStreamError, Action::Retry, FAILED),
    ),
];

#[test]
fn mistral() {
    check(CASES, openai_dialect);
}
