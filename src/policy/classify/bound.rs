//! What a Workers VPC service says in a box's place: one table of its error codes.
//!
//! # Why two forms of one code
//!
//! Through a tunnel's public hostname Cloudflare's edge answers with a status (530, 502, 524); behind a
//! binding there is no edge. The documentation has `fetch` throw an error that holds a code
//! (<https://developers.cloudflare.com/workers-vpc/reference/troubleshooting/>); an operator who
//! stopped a service was answered with a 500 of plain text, `ProxyError: connection_refused`
//! (<https://github.com/seahal/umaxica-apps-edge>, `tools/verify-edge-connectivity.mjs`). So both are
//! read, and mean the same. The codes are those of <https://www.rfc-editor.org/rfc/rfc9209>.
//!
//! The text itself says more than a caller or a log should hold, such as an address at home. Nothing
//! but the reason leaves this file.

use crate::reason::Reason;

/// What every text begins with that Workers VPC writes itself.
const MARK: &str = "ProxyError";

/// Every code that is documented, and `http_response_timeout`, which the tunnel's 524 is called in the
/// RFC.
const CODES: &[(&str, Reason)] = &[
    ("connection_limit_reached", Reason::Overloaded),
    ("connection_read_timeout", Reason::TunnelTimeout),
    ("connection_refused", Reason::OriginRefused),
    ("connection_terminated", Reason::Unreachable),
    ("connection_timeout", Reason::TunnelTimeout),
    ("connection_write_timeout", Reason::Unreachable),
    ("destination_ip_prohibited", Reason::TunnelDown),
    ("destination_ip_unroutable", Reason::TunnelDown),
    ("destination_not_found", Reason::TunnelDown),
    ("destination_unavailable", Reason::TunnelDown),
    ("dns_error", Reason::TunnelDown),
    ("dns_timeout", Reason::TunnelDown),
    ("http_protocol_error", Reason::Unreachable),
    ("http_request_denied", Reason::AccessDenied),
    ("http_request_error", Reason::Unreachable),
    ("http_response_incomplete", Reason::Unreachable),
    ("http_response_timeout", Reason::TunnelTimeout),
    ("http_upgrade_failed", Reason::Unreachable),
    ("proxy_internal_error", Reason::TunnelDown),
    ("proxy_loop_detected", Reason::TunnelDown),
    ("rate_limited", Reason::Throttled),
    ("tls_certificate_error", Reason::Unreachable),
    ("tls_protocol_error", Reason::Unreachable),
];

/// What it means that a bound service threw this text.
pub fn thrown(text: &str) -> Reason {
    let is_of_a_code = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let by_code = text.split(|c: char| !is_of_a_code(c)).find_map(|word| {
        CODES
            .iter()
            .find(|(code, _)| word.eq_ignore_ascii_case(code))
    });
    if let Some((_, reason)) = by_code {
        return *reason;
    }
    // A code that is not known here, or a sentence on the tunnel: the box has not been reached.
    if text.contains(MARK) || text.to_ascii_lowercase().contains("tunnel") {
        return Reason::TunnelDown;
    }
    Reason::Unreachable
}

/// What an answer means that Workers VPC wrote itself; `None` when it is the box's own. No server of a
/// chat API answers with plain text that begins so.
pub fn answered(status: u16, content_type: Option<&str>, body: &[u8]) -> Option<Reason> {
    let plain = content_type.is_none_or(|kind| kind.starts_with("text/plain"));
    let written_there = body.trim_ascii_start().starts_with(MARK.as_bytes());
    if !(500..=599).contains(&status) || !plain || !written_there {
        return None;
    }
    // The code stands in the first line; what follows may be anything.
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Some(thrown(&String::from_utf8_lossy(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::breaker::Health;
    use crate::policy::classify::{Action, Wording, known};

    #[test]
    fn a_thrown_text_means_what_the_tunnel_would_have_said() {
        let check = |text: &str, reason: Reason| assert_eq!(thrown(text), reason, "{text}");
        check(
            "Error: ProxyError: connection_refused",
            Reason::OriginRefused,
        );
        check("ProxyError: connection_timeout", Reason::TunnelTimeout);
        check("ProxyError: connection_read_timeout", Reason::TunnelTimeout);
        check("ProxyError: destination_unavailable", Reason::TunnelDown);
        check("Error: ProxyError: dns_error", Reason::TunnelDown);
        check("ProxyError: DNS_ERROR (NXDOMAIN)", Reason::TunnelDown);
        check("connection_refused", Reason::OriginRefused);
        check("failed: {\"code\":\"dns_timeout\"}", Reason::TunnelDown);
        check("ProxyError: rate_limited", Reason::Throttled);
        check("ProxyError: http_request_denied", Reason::AccessDenied);
        check("ProxyError: connection_limit_reached", Reason::Overloaded);
        check("ProxyError: connection_terminated", Reason::Unreachable);
        check("ProxyError: tls_certificate_error", Reason::Unreachable);
        // Not known here.
        check("ProxyError: something_new", Reason::TunnelDown);
        check("ProxyError", Reason::TunnelDown);
        check("Error: the tunnel is not connected", Reason::TunnelDown);
        check("Error: Network connection lost.", Reason::Unreachable);
        check(
            "Error: Binding HOME needs to be run remotely",
            Reason::Unreachable,
        );
        check("my_connection_refused_too", Reason::Unreachable);
        check("", Reason::Unreachable);
        check("\u{0}ä🏠", Reason::Unreachable);
    }

    #[test]
    fn an_answer_is_the_proxys_only_when_it_says_so() {
        let plain = Some("text/plain;charset=UTF-8");
        let check = |status, kind, body: &str, reason: Option<Reason>| {
            assert_eq!(answered(status, kind, body.as_bytes()), reason, "{body}");
        };
        let refused = "ProxyError: connection_refused";
        check(500, plain, refused, Some(Reason::OriginRefused));
        check(502, None, refused, Some(Reason::OriginRefused));
        check(
            500,
            plain,
            "ProxyError: new_code\n",
            Some(Reason::TunnelDown),
        );
        check(
            500,
            plain,
            "ProxyError: ?\ndns_error",
            Some(Reason::TunnelDown),
        );
        check(200, plain, refused, None);
        check(404, plain, refused, None);
        check(500, Some("application/json"), refused, None);
        check(500, plain, "connection_refused", None);
        check(500, plain, "{\"error\":\"ProxyError: dns_error\"}", None);
        check(500, plain, "", None);
        assert_eq!(answered(500, None, b"\xff\xfe"), None);
    }

    #[test]
    fn what_a_bound_service_says_counts_against_it_as_it_does_behind_a_tunnel() {
        for (code, reason) in CODES {
            let verdict = known(*reason, Wording::Ours);
            let health = match *code {
                "http_request_denied" => Health::Misconfigured,
                "rate_limited" => Health::Throttled(None),
                _ => Health::Failed,
            };
            assert_eq!(verdict.health, health, "{code}");
            assert_ne!(verdict.action, Action::Reject, "{code}");
        }
        assert!(CODES.is_sorted(), "in the order of the alphabet");
    }
}
