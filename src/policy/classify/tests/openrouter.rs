//! OpenRouter's errors, from its documentation, its Python SDK 1.3, and public issues.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        62,
        Answer(
            401,
            r#"{"error":{"message":"User not found.","code":401},"user_id":"user_x"}"#,
        ),
        CREDENTIAL,
    ),
    case(
        62,
        Answer(
            401,
            r#"{"error":{"message":"No auth credentials found","code":401,"metadata":{"error_type":"authentication"}}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        62,
        Answer(
            402,
            r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 27342. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account","code":402,"metadata":{"provider_name":null}},"user_id":"user_x"}"#,
        ),
        (Reason::SpendLimit, Action::Next, UNKNOWN),
    ),
    case(
        62,
        Answer(
            402,
            r#"{"error":{"message":"Too much under way for your balance","code":402,"metadata":{"error_type":"payment_required"}}}"#,
        ),
        THROTTLED,
    )
    .after(3),
    case(62, Answer(402, ""), THROTTLED).after(3),
    case(
        63,
        Answer(
            403,
            r#"{"error":{"code":403,"message":"Your chosen model requires moderation and your input was flagged","metadata":{"reasons":["violence"],"flagged_input":"...","provider_name":"OpenAI","model_slug":"m"}}}"#,
        ),
        POLICY,
    ),
    case(
        63,
        Answer(
            403,
            r#"{"error":{"code":403,"message":"Request blocked","metadata":{"patterns":["ignore all"],"error_type":"permission_denied"}}}"#,
        ),
        POLICY,
    ),
    case(
        63,
        Answer(
            403,
            r#"{"error":{"code":403,"message":"Key disabled","metadata":{"error_type":"permission_denied"}}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        63,
        Answer(
            400,
            r#"{"error":{"code":400,"message":"x","metadata":{"error_type":"content_policy_violation"}}}"#,
        ),
        POLICY,
    ),
    case(
        63,
        Answer(
            400,
            r#"{"error":{"code":400,"message":"x","metadata":{"error_type":"refusal"}}}"#,
        ),
        POLICY,
    ),
    case(
        64,
        Answer(
            400,
            r#"{"error":{"code":400,"message":"This endpoint's maximum context length is 131072 tokens.","metadata":{"error_type":"context_length_exceeded"}}}"#,
        ),
        OVERFLOW,
    ),
    case(
        64,
        Answer(
            413,
            r#"{"error":{"code":413,"message":"x","metadata":{"error_type":"token_limit_exceeded"}}}"#,
        ),
        OVERFLOW,
    ),
    case(
        64,
        Stream(
            "data: {\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"error\":{\"code\":400,\"message\":\"x\",\"metadata\":{\"error_type\":\"string_too_long\"}},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
        ),
        OVERFLOW,
    ),
    case(
        65,
        Answer(
            429,
            r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"error_type":"rate_limit_exceeded","raw":"m is temporarily rate-limited upstream","provider_name":"Chutes"}}}"#,
        ),
        THROTTLED,
    ),
    case(
        65,
        Answer(
            503,
            r#"{"error":{"code":503,"message":"Provider returned error","metadata":{"error_type":"rate_limit_exceeded"}}}"#,
        ),
        THROTTLED,
    ),
    case(
        65,
        Stream(
            ": OPENROUTER PROCESSING\n\ndata: {\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"provider\":\"p\",\"error\":{\"code\":429,\"message\":\"Rate limit\",\"metadata\":{\"error_type\":\"rate_limit_exceeded\"}},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
        ),
        THROTTLED,
    ),
    case(
        66,
        Answer(
            502,
            r#"{"error":{"code":502,"message":"Provider returned error","metadata":{"error_type":"provider_unavailable"}}}"#,
        ),
        OVERLOADED,
    ),
    case(
        66,
        Answer(
            529,
            r#"{"error":{"code":529,"message":"x","metadata":{"error_type":"provider_overloaded"}}}"#,
        ),
        OVERLOADED,
    ),
    case(
        66,
        Answer(
            500,
            r#"{"error":{"code":500,"message":"Internal Server Error","metadata":{"error_type":"server"}}}"#,
        ),
        OVERLOADED,
    ),
    case(
        66,
        Answer(
            504,
            r#"{"error":{"code":504,"message":"x","metadata":{"error_type":"timeout"}}}"#,
        ),
        OVERLOADED,
    ),
    case(
        66,
        Answer(
            400,
            r#"{"error":{"code":400,"message":"Provider returned error","metadata":{"error_type":"unmapped"}}}"#,
        ),
        OVERLOADED,
    ),
    case(66, Answer(408, r#"{"error":{"code":408,"message":"x"}}"#), OVERLOADED),
    case(66, Answer(503, r#"{"error":{"code":503,"message":"x"}}"#), OVERLOADED),
    case(66, Answer(524, ""), OVERLOADED),
    case(
        66,
        Stream(
            "data: {\"id\":\"gen-1\",\"error\":{\"code\":502,\"message\":\"Upstream error\",\"metadata\":{\"error_type\":\"provider_unavailable\"}},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
        ),
        OVERLOADED,
    ),
    case(
        66,
        Body(
            r#"{"id":"gen-1","choices":[{"index":0,"finish_reason":"error","error":{"code":502,"message":"x"},"message":{"role":"assistant","content":""}}]}"#,
        ),
        OVERLOADED,
    ),
    case(
        67,
        Answer(
            404,
            r#"{"error":{"code":404,"message":"No endpoints found for a/b.","metadata":{"error_type":"not_found"}}}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        67,
        Answer(
            404,
            r#"{"error":{"code":404,"message":"No endpoints found that support tool use. Try disabling \"x\"."}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        68,
        Answer(
            400,
            r#"{"error":{"code":400,"message":"a/b is not a valid model ID","metadata":{"error_type":"invalid_request"}}}"#,
        ),
        REJECTED,
    ),
    case(
        68,
        Answer(
            422,
            r#"{"error":{"code":422,"message":"x","metadata":{"error_type":"unprocessable"}}}"#,
        ),
        REJECTED,
    ),
    case(
        68,
        Answer(
            413,
            r#"{"error":{"code":413,"message":"x","metadata":{"error_type":"payload_too_large"}}}"#,
        ),
        TOO_LONG,
    ),
    case(
        68,
        Answer(
            400,
            r#"{"error":{"code":400,"message":"x","metadata":{"error_type":"image_too_large"}}}"#,
        ),
        REJECTED,
    ),
    case(
        68,
        Stream(
            "data: {\"error\":{\"code\":\"invalid_image\",\"message\":\"x\"}}\n\n",
        ),
        REJECTED,
    ),
];

#[test]
fn openrouter() {
    check(CASES, openai_dialect);
}
