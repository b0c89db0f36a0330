//! Gemini's errors at its OpenAI-compatible endpoint, from its documentation and public issues.

use super::*;

/// How long a quota of a day is left alone, in seconds.
const LONG: u64 = 15 * 60;

pub(super) const CASES: &[Case] = &[
    case(
        37,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]"#,
        ),
        CREDENTIAL,
    ),
    case(
        37,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#,
        ),
        CREDENTIAL,
    ),
    case(
        37,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}]"#,
        ),
        CREDENTIAL,
    ),
    case(
        38,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}]"#,
        ),
        CREDENTIAL,
    ),
    case(
        38,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.","status":"FAILED_PRECONDITION"}}]"#,
        ),
        CREDENTIAL,
    ),
    case(
        38,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"The File x is not in an ACTIVE state and usage is not allowed.","status":"FAILED_PRECONDITION"}}]"#,
        ),
        REJECTED,
    ),
    case(
        39,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]"#,
        ),
        OVERFLOW,
    ),
    case(
        39,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"Request payload size exceeds the limit: 20971520 bytes.","status":"INVALID_ARGUMENT"}}]"#,
        ),
        OVERFLOW,
    ),
    case(
        40,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"frequency_penalty\": Cannot find field.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"description":"Invalid JSON payload received. Unknown name \"frequency_penalty\": Cannot find field."}]}]}}]"#,
        ),
        UNSUPPORTED,
    ),
    case(
        40,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly.","status":"INVALID_ARGUMENT"}}]"#,
        ),
        UNSUPPORTED,
    ),
    case(
        40,
        Answer(
            400,
            r#"[{"error":{"code":400,"message":"Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.","status":"INVALID_ARGUMENT"}}]"#,
        ),
        UNSUPPORTED,
    ),
    case(
        41,
        Answer(
            401,
            r#"[{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}]"#,
        ),
        CREDENTIAL,
    ),
    case(
        41,
        Answer(
            403,
            r#"[{"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED"}}]"#,
        ),
        CREDENTIAL,
    ),
    case(
        42,
        Answer(
            404,
            r#"[{"error":{"code":404,"message":"models/gemini-x is not found for API version v1main, or is not supported for generateContent.","status":"NOT_FOUND"}}]"#,
        ),
        MODEL_MISSING,
    ),
    case(
        43,
        Answer(
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_requests","quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaDimensions":{"location":"global","model":"gemini-2.5-flash"},"quotaValue":"250"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"38s"}]}}]"#,
        ),
        cooled(LONG),
    ),
    case(
        43,
        Answer(
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED"}}]"#,
        ),
        cooled(LONG),
    ),
    case(
        44,
        Answer(
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateContentInputTokensPerModelPerMinute-FreeTier"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}]"#,
        ),
        THROTTLED,
    ),
    case(
        44,
        Answer(
            429,
            r#"[{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}]"#,
        ),
        cooled(10),
    ),
    case(
        44,
        Answer(
            500,
            r#"[{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}]"#,
        ),
        cooled(10),
    ),
    case(
        44,
        Answer(
            503,
            r#"{"error":{"code":429,"message":"Too many requests"}}"#,
        ),
        THROTTLED,
    ),
    case(
        44,
        Stream(
            "[{\n  \"error\": {\n    \"code\": 429,\n    \"message\": \"Resource has been exhausted (e.g. check quota).\",\n    \"status\": \"RESOURCE_EXHAUSTED\"\n  }\n}]\n",
        ),
        cooled(10),
    ),
    case(
        45,
        Answer(
            500,
            r#"[{"error":{"code":500,"message":"An internal error has occurred.","status":"INTERNAL"}}]"#,
        ),
        OVERLOADED,
    ),
    case(
        45,
        Answer(
            503,
            r#"[{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}]"#,
        ),
        OVERLOADED,
    ),
    case(
        45,
        Answer(
            504,
            r#"[{"error":{"code":504,"message":"Deadline expired before operation could complete.","status":"DEADLINE_EXCEEDED"}}]"#,
        ),
        OVERLOADED,
    ),
];

#[test]
fn gemini() {
    check(CASES, openai_dialect);
}

#[test]
fn a_quota_of_a_day_waits_for_longer_where_it_says_so() {
    let health = verdict(
        "openai",
        429,
        r#"{"error":{"code":429,"details":[{"violations":[{"quotaId":"RequestsPerDay"}]}]}}"#,
    )
    .health;
    let waits = |ms| health.with_wait(Some(ms));
    assert_eq!(waits(38_000), Health::Throttled(Some(LONG * 1_000)));
    assert_eq!(waits(7_200_000), Health::Throttled(Some(7_200_000)));
}
