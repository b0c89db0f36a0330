//! Together's errors, from its documentation.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        7,
        Answer(
            429,
            r#"{"error":{"message":"Request too large for model `m` on tokens per minute","type":"rate_limit","param":null,"code":null}}"#,
        ),
        TOO_LONG,
    ),
    case(
        47,
        Answer(
            401,
            r#"{"error":{"message":"Invalid API key provided. You can find your API key at https://api.together.ai/settings/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        48,
        Answer(
            402,
            r#"{"error":{"message":"You have reached the monthly spending limit for your API key.","type":"credit_limit","param":null,"code":null}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        49,
        Answer(
            403,
            r#"{"error":{"message":"The combined total of the Input token count and max_tokens parameter must be less than the context length of the model being queried.","type":"invalid_request_error","param":null,"code":null}}"#,
        ),
        OVERFLOW,
    ),
    case(
        49,
        Answer(
            403,
            r#"{"error":{"message":"`inputs` tokens + `max_new_tokens` must be <= 8193. Given: 8000 `inputs` tokens and 512 `max_new_tokens`","type":"invalid_request_error"}}"#,
        ),
        OVERFLOW,
    ),
    case(
        49,
        Answer(
            403,
            r#"{"error":{"message":"Forbidden","type":"forbidden"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        50,
        Answer(
            404,
            r#"{"error":{"message":"Unable to access model x. Please visit https://api.together.ai/models to view the list of supported models.","type":"invalid_request_error","param":null,"code":"model_not_available"}}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        51,
        Answer(
            429,
            r#"{"error":{"message":"You have reached the rate limit specific to this model m. The maximum rate limit for this model is 9.0 queries per minute.","type":"rate_limit","param":null,"code":null}}"#,
        ),
        THROTTLED,
    ),
    case(
        52,
        Answer(
            500,
            r#"{"error":{"message":"Internal server error","type":"server_error"}}"#,
        ),
        OVERLOADED,
    ),
    case(
        52,
        Answer(
            503,
            r#"{"error":{"message":"The engine is currently overloaded","type":"service_unavailable"}}"#,
        ),
        OVERLOADED,
    ),
    case(52, Answer(504, ""), OVERLOADED),
    case(52, Answer(524, "error code: 524"), OVERLOADED),
    case(52, Answer(529, ""), OVERLOADED),
];

#[test]
fn together() {
    check(CASES, openai_dialect);
}
