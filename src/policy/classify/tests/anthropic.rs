//! Anthropic's errors, from its documentation, its Python SDK 2.11, and public issues.

use super::*;
use crate::provider::anthropic;

pub(super) const CASES: &[Case] = &[
    case(
        17,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."},"request_id":"req_1"}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        17,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."},"request_id":"req_1"}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        17,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization is on hold.","details":{"error_code":"organization_on_hold"}},"request_id":"req_1"}"#,
        ),
        CREDENTIAL,
    ),
    case(
        17,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        18,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 345320 tokens > 199999 maximum"},"request_id":"req_1"}"#,
        ),
        OVERFLOW,
    ),
    case(
        18,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 143653 + 64000 > 200000, decrease input length or `max_tokens` and try again"},"request_id":"req_1"}"#,
        ),
        OVERFLOW,
    ),
    case(
        19,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"`temperature` is deprecated for this model."},"request_id":"req_1"}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        19,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\"."}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        19,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"This model does not support assistant message prefill. The conversation must end with a user message."},"request_id":"req_1"}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        19,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"tool_choice forces tool use is not compatible with this model"}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        19,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"seed: Extra inputs are not permitted"},"request_id":"req_1"}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        20,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"},"request_id":"req_1"}"#,
        ),
        POLICY,
    ),
    case(
        21,
        Answer(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages: at least one message is required"},"request_id":"req_1"}"#,
        ),
        REJECTED,
    ),
    case(
        22,
        Answer(
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}"#,
        ),
        CREDENTIAL,
    ),
    case(
        22,
        Answer(
            402,
            r#"{"type":"error","error":{"type":"billing_error","message":"Billing.","details":{"error_code":"linked_organization_spend_limit_reached"}}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        22,
        Answer(
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        22,
        Answer(
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"Your organization does not have access to model claude-mythos-5-1."}}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        23,
        Answer(
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-2"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        24,
        Answer(
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum allowed number of bytes"}}"#,
        ),
        TOO_LONG,
    ),
    case(
        25,
        Answer(
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Limit.","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        25,
        Answer(
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Limit.","details":{"error_code":"contract_spend_limit_reached"}}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        26,
        Answer(
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Ramp.","details":{"error_code":"ramp_limit_exceeded"}}}"#,
        ),
        THROTTLED,
    ),
    case(
        26,
        Answer(
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 50,000 input tokens per minute."}}"#,
        ),
        THROTTLED,
    ),
    case(
        27,
        Answer(
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
        ),
        OVERLOADED,
    ),
    case(
        27,
        Stream(r#"{"details":null,"type":"overloaded_error","message":"Overloaded"}"#),
        OVERLOADED,
    ),
    case(
        28,
        Answer(
            500,
            r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#,
        ),
        OVERLOADED,
    ),
    case(28, Answer(502, "<bad gateway>"), OVERLOADED),
    case(
        28,
        Answer(
            503,
            r#"{"type":"error","error":{"type":"api_error","message":"x","details":{"error_code":"cmek_key_unreachable"}}}"#,
        ),
        OVERLOADED,
    ),
    case(
        28,
        Answer(
            504,
            r#"{"type":"error","error":{"type":"timeout_error","message":"Request timed out"}}"#,
        ),
        OVERLOADED,
    ),
    case(28, Answer(408, ""), OVERLOADED),
    case(
        28,
        Answer(
            409,
            r#"{"type":"error","error":{"type":"conflict_error","message":"x"}}"#,
        ),
        OVERLOADED,
    ),
    case(
        28,
        Stream(r#"{"details":null,"type":"api_error","message":"Internal server error"}"#),
        OVERLOADED,
    ),
    case(
        28,
        Stream(r#"{"details":null,"type":"timeout_error","message":"Timed out"}"#),
        OVERLOADED,
    ),
    // The rest of the types, where they come inside a stream.
    case(
        26,
        Stream(r#"{"details":null,"type":"rate_limit_error","message":"Slow down"}"#),
        THROTTLED,
    ),
    case(
        25,
        Stream(
            r#"{"details":{"error_code":"enforced_spend_limit_reached"},"type":"rate_limit_error","message":"Limit"}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        24,
        Stream(r#"{"details":null,"type":"request_too_large","message":"Too large"}"#),
        TOO_LONG,
    ),
    case(
        23,
        Stream(r#"{"details":null,"type":"not_found_error","message":"model: x"}"#),
        MODEL_MISSING,
    ),
    case(
        22,
        Stream(r#"{"details":null,"type":"authentication_error","message":"x"}"#),
        CREDENTIAL,
    ),
    case(
        22,
        Stream(r#"{"details":null,"type":"permission_error","message":"x"}"#),
        CREDENTIAL,
    ),
    case(
        22,
        Stream(r#"{"details":null,"type":"billing_error","message":"x"}"#),
        SPEND_LIMIT,
    ),
    case(
        21,
        Stream(r#"{"details":null,"type":"invalid_request_error","message":"x"}"#),
        REJECTED,
    ),
    case(
        20,
        Stream(
            r#"{"details":null,"type":"invalid_request_error","message":"Output blocked by content filtering policy"}"#,
        ),
        POLICY,
    ),
];

#[test]
fn anthropic() {
    check(CASES, |said| match said {
        Answer(status, body) => anthropic::fault(status, body.as_bytes()),
        Body(error) | Stream(error) => {
            anthropic::inside(&serde_json::from_str(error).unwrap_or_default())
        }
    });
}

#[test]
fn its_types_mean_the_same_in_the_other_language() {
    let means = |kind: &str| {
        let body = json!({"error": {"message": "x", "type": kind}}).to_string();
        let events = format!("data: {body}\n\n");
        let fault = read_with(dialect("openai"), Stream(events.leak()));
        classify(&fault, Wording::Ours).reason
    };
    assert_eq!(means("overloaded_error"), Reason::Overloaded);
    assert_eq!(means("api_error"), Reason::Overloaded);
    assert_eq!(means("timeout_error"), Reason::Overloaded);
    assert_eq!(means("rate_limit_error"), Reason::Throttled);
    assert_eq!(means("authentication_error"), Reason::Credential);
    assert_eq!(means("permission_error"), Reason::Credential);
    assert_eq!(means("billing_error"), Reason::SpendLimit);
    assert_eq!(means("not_found_error"), Reason::ModelMissing);
    assert_eq!(means("request_too_large"), Reason::TooLong);
    assert_eq!(means("invalid_request_error"), Reason::Rejected);
}
