//! OpenAI's own errors, from its documentation and from public issues.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        6,
        Answer(
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        6,
        Answer(
            429,
            r#"{"error":{"message":"You have no credits left.","type":"insufficient_quota","param":null,"code":"credit_balance_exhausted"}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        6,
        Answer(
            429,
            r#"{"error":{"message":"Spend limit.","type":"insufficient_quota","param":null,"code":"organization_spend_limit_exceeded"}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        6,
        Answer(
            429,
            r#"{"error":{"message":"Spend limit.","type":"insufficient_quota","param":null,"code":"project_spend_limit_exceeded"}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        6,
        Answer(
            429,
            r#"{"error":{"message":"Usage limit.","type":"insufficient_quota","param":null,"code":"organization_usage_limit_exceeded"}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        6,
        Answer(
            429,
            r#"{"error":{"message":"Quota.","type":"insufficient_quota","param":null,"code":null}}"#,
        ),
        SPEND_LIMIT,
    ),
    case(
        7,
        Answer(
            429,
            r#"{"error":{"message":"Request too large for gpt-4.1 in organization org-x on tokens per min (TPM): Limit 30000, Requested 45000. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        ),
        TOO_LONG,
    ),
    case(
        7,
        Answer(
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4.1 in organization org-x on tokens per min (TPM): Limit 30000, Used 0, Requested 45000.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        ),
        TOO_LONG,
    ),
    case(
        8,
        Answer(
            429,
            r#"{"error":{"message":"Your request rate grew too fast.","type":"requests","param":null,"code":"slow_down"}}"#,
        ),
        cooled(10),
    ),
    case(
        8,
        Answer(
            503,
            r#"{"error":{"message":"Slow down.","type":"service_unavailable_error","param":null,"code":"slow_down"}}"#,
        ),
        cooled(10),
    ),
    case(
        9,
        Answer(
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4.1 in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 20s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        ),
        THROTTLED,
    ),
    case(
        10,
        Answer(
            400,
            r#"{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        ),
        OVERFLOW,
    ),
    case(
        10,
        Answer(
            400,
            r#"{"error":{"message":"Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.","type":"invalid_request_error","param":"messages","code":null}}"#,
        ),
        OVERFLOW,
    ),
    case(
        10,
        Answer(
            400,
            r#"{"error":{"message":"Invalid 'user': string too long. Expected a string with maximum length 64, but got a string with length 70 instead.","type":"invalid_request_error","param":"user","code":"string_above_max_length"}}"#,
        ),
        REJECTED,
    ),
    case(
        10,
        Answer(
            400,
            r#"{"error":{"message":"Invalid 'user': string too long, as this model's maximum context length is.","type":"invalid_request_error","param":"user","code":null}}"#,
        ),
        REJECTED,
    ),
    case(
        11,
        Answer(
            400,
            r#"{"error":{"message":"Function tools with reasoning_effort are not supported for gpt-6-sol in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.","type":"invalid_request_error","param":"reasoning_effort","code":null}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        11,
        Answer(
            400,
            r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        11,
        Answer(
            400,
            r#"{"error":{"message":"The encrypted content for item rs_1 could not be verified.","type":"invalid_request_error","param":null,"code":"invalid_encrypted_content"}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        11,
        Answer(
            400,
            r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        11,
        Answer(
            400,
            r#"{"error":{"message":"Unrecognized request argument supplied: min_p","type":"invalid_request_error","param":null,"code":null}}"#,
        ),
        UNSUPPORTED,
    ),
    case(
        12,
        Answer(
            400,
            r#"{"error":{"message":"Your request was rejected.","type":"invalid_request_error","param":null,"code":"content_policy_violation"}}"#,
        ),
        POLICY,
    ),
    case(
        12,
        Answer(
            400,
            r#"{"error":{"message":"This request has been flagged.","type":"invalid_request_error","param":null,"code":"cyber_policy"}}"#,
        ),
        POLICY,
    ),
    case(
        12,
        Answer(
            400,
            r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}"#,
        ),
        POLICY,
    ),
    case(
        13,
        Answer(
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-ab***cd. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        13,
        Answer(
            401,
            r#"{"error":{"message":"You must be a member of an organization to use the API.","type":"invalid_request_error","param":null,"code":null}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        14,
        Answer(
            403,
            r#"{"error":{"message":"Country, region, or territory not supported","type":"request_forbidden","param":null,"code":"unsupported_country_region_territory"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        14,
        Answer(
            401,
            r#"{"error":{"message":"Your request IP does not match the configured IP allowlist.","type":"invalid_request_error","param":null,"code":"ip_not_authorized"}}"#,
        ),
        CREDENTIAL,
    ),
    case(
        15,
        Answer(
            404,
            r#"{"error":{"message":"The model `gpt-9` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        15,
        Answer(
            403,
            r#"{"error":{"message":"Project `proj_x` does not have access to model `gpt-9`","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        ),
        MODEL_MISSING,
    ),
    case(
        16,
        Answer(
            500,
            r#"{"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}}"#,
        ),
        OVERLOADED,
    ),
    case(
        16,
        Answer(
            503,
            r#"{"error":{"message":"The engine is currently overloaded, please try again later","type":"service_unavailable_error","param":null,"code":"server_is_overloaded"}}"#,
        ),
        OVERLOADED,
    ),
    case(16, Answer(502, ""), OVERLOADED),
    case(16, Answer(504, "upstream timeout"), OVERLOADED),
    case(
        16,
        Stream(
            "data: {\"error\":{\"message\":\"The server had an error while processing your request. Sorry about that!\",\"type\":\"server_error\"}}\n\n",
        ),
        OVERLOADED,
    ),
];

#[test]
fn openai() {
    check(CASES, openai_dialect);
}
