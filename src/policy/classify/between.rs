//! What stands between the gateway and an upstream, and says something in its place: Cloudflare's edge,
//! Access, a tunnel, a firewall, some proxy.
//!
//! # Why their refusals are no credential's
//!
//! A page of HTML is nobody's API. A firewall that turns a request away with a 403 has not looked at the
//! key, and may let the next request pass; so the target counts as failing, and not as set up wrong.

use crate::config::Place;
use crate::reason::Reason;

/// An upstream's answer, as far as it tells what went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Signs<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Location`.
    pub location: Option<&'a str>,
    /// `cf-error-type`: the page was made by Cloudflare's edge, not by the upstream.
    pub cf_error_type: Option<&'a str>,
    /// The first bytes of the body.
    pub body: &'a [u8],
}

/// What something in between says in an upstream's place. `None` when the answer seems to be the
/// upstream's own, or when its status says all there is to say.
pub fn in_between(signs: &Signs<'_>, place: Place) -> Option<Reason> {
    let html = is_html(signs);
    let edge = html || signs.cf_error_type.is_some() || is_edges_text(signs.body);
    let to_access = signs
        .location
        .is_some_and(|to| to.contains("cloudflareaccess.com") || to.contains("/cdn-cgi/access/"));
    match (signs.status, place) {
        (300..=399, _) if to_access => Some(Reason::AccessDenied),
        (300..=399, _) => Some(Reason::Redirected),
        (530, Place::Home) => Some(Reason::TunnelDown),
        (524, Place::Home) => Some(Reason::TunnelTimeout),
        (502, Place::Home) if edge || signs.body.is_empty() => Some(Reason::OriginRefused),
        (521..=523, Place::Home) => Some(Reason::OriginRefused),
        (401 | 403, Place::Home) if edge => Some(Reason::AccessDenied),
        (520..=530, _) => Some(Reason::Overloaded),
        (500..=599, _) if html => Some(Reason::Overloaded),
        // Whoever stops a request that is too large, or one too many, means what the status says. It
        // must not count against the target, or one caller could shut it for all.
        (413 | 429, _) => None,
        (401 | 403, Place::Cloud) if edge => Some(Reason::NotAnApi),
        (_, _) if html => Some(Reason::NotAnApi),
        (_, _) => None,
    }
}

fn is_html(signs: &Signs<'_>) -> bool {
    signs
        .content_type
        .is_some_and(|kind| kind.starts_with("text/html"))
        || signs.body.trim_ascii_start().starts_with(b"<")
}

/// Cloudflare's edge says `error code: 1020` to who asks for no HTML
/// (<https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/>).
fn is_edges_text(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"error code: ")
}
