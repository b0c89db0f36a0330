//! Groq's errors, from its documentation and public issues.

use super::*;

/// The model wrote what cannot be parsed.
const BAD_DRAW: (Reason, Action, Health) = (Reason::EngineError, Action::Retry, UNKNOWN);

pub(super) const CASES: &[Case] = &[
    case(
        7,
        Answer(
            429,
            r#"{"error":{"message":"Rate limit reached for model `m` in organization `org_x` on tokens per minute (TPM): Limit 6000, Used 0, Requested 12328.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        ),
        TOO_LONG,
    ),
    case(
        53,
        Answer(
            400,
            r#"{"error":{"message":"Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"<function=x>"}}"#,
        ),
        BAD_DRAW,
    ),
    case(
        53,
        Answer(
            400,
            r#"{"error":{"message":"Failed to generate JSON. Please adjust your prompt.","type":"invalid_request_error","code":"json_validate_failed","failed_generation":"{"}}"#,
        ),
        BAD_DRAW,
    ),
    case(
        53,
        Stream(
            "event: error\ndata: {\"error\":{\"message\":\"Failed to call a function.\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\",\"failed_generation\":\"x\",\"status_code\":400}}\n\n",
        ),
        BAD_DRAW,
    ),
    case(
        54,
        Answer(
            400,
            r#"{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        ),
        OVERFLOW,
    ),
    case(
        54,
        Answer(
            400,
            r#"{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error"}}"#,
        ),
        OVERFLOW,
    ),
    case(
        55,
        Answer(
            400,
            r#"{"error":{"message":"'messages.0' : for 'role:user' the following must be satisfied","type":"invalid_request_error"}}"#,
        ),
        REJECTED,
    ),
    case(
        55,
        Answer(
            400,
            r#"{"error":{"message":"property 'store' is unsupported, did you mean 'stop'?","type":"invalid_request_error"}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        55,
        Answer(
            422,
            r#"{"error":{"message":"Unprocessable","type":"invalid_request_error"}}"#,
        ),
        REJECTED,
    ),
    case(
        55,
        Answer(
            424,
            r#"{"error":{"message":"Failed dependency","type":"invalid_request_error"}}"#,
        ),
        REJECTED,
    ),
    case(
        56,
        Answer(
            401,
            r#"{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        56,
        Answer(403, r#"{"error":{"message":"Access denied"}}"#),
        CREDENTIAL,
    ),
    case(
        56,
        Answer(
            400,
            r#"{"error":{"message":"Organization has been restricted. Please reach out to support if you believe this was in error.","type":"invalid_request_error","code":"organization_restricted"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        56,
        Answer(
            400,
            r#"{"error":{"message":"Organization has been restricted. Please reach out to support if you believe this was in error.","type":"invalid_request_error"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        57,
        Answer(
            404,
            r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","code":"model_not_found"}}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        57,
        Answer(
            400,
            r#"{"error":{"message":"The model `llama3-8b-8192` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        58,
        Answer(
            413,
            r#"{"error":{"message":"Request too large for model `m` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 12328, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        ),
        TOO_LONG,
    ),
    case(
        58,
        Answer(
            413,
            r#"{"error":{"message":"Too many tokens","type":"tokens","code":"rate_limit_exceeded"}}"#,
        ),
        TOO_LONG,
    ),
    case(
        58,
        Answer(413, r#"{"error":{"message":"Request Entity Too Large"}}"#),
        TOO_LONG,
    ),
    case(
        59,
        Answer(
            429,
            r#"{"error":{"message":"Rate limit reached for model `m` in organization `org_x` on tokens per day (TPD): Limit 100000, Used 99000, Requested 1500. Please try again in 9m38s.","type":"tokens","code":"rate_limit_exceeded"}}"#,
        ),
        THROTTLED,
    ),
    case(
        60,
        Answer(
            498,
            r#"{"error":{"message":"Flex tier capacity exceeded","type":"server_error","code":"capacity_exceeded"}}"#,
        ),
        cooled(5),
    ),
    case(60, Answer(498, ""), cooled(5)),
    case(
        61,
        Answer(
            500,
            r#"{"error":{"message":"Internal Server Error","type":"internal_server_error"}}"#,
        ),
        OVERLOADED,
    ),
    case(61, Answer(502, ""), OVERLOADED),
    case(
        61,
        Answer(
            503,
            r#"{"error":{"message":"Service Unavailable","type":"internal_server_error"}}"#,
        ),
        OVERLOADED,
    ),
    case(
        61,
        Stream(
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}],\"x_groq\":{\"id\":\"req_1\",\"error\":\"over capacity\"}}\n\n",
        ),
        (Reason::InStreamError, Action::Retry, FAILED),
    ),
];

#[test]
fn groq() {
    check(CASES, openai_dialect);
}
