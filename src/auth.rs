//! Who may ask: callers' keys, and what happens when none is set.
//!
//! # Why a gateway without keys serves only its own machine
//!
//! Behind a public address stand other people's accounts and somebody's home. A forgotten secret must
//! not open them, so an unlocked gateway answers only where nobody else can reach it, unless the
//! config says in words that it is meant to be public.
//!
//! The name that a request was sent to is not enough to tell: its sender writes it. Where the runtime
//! tells the sender's address (Cloudflare always does, `wrangler dev` does unless the sender wrote one
//! itself), that must be this machine's too. A bare workerd tells none, so it must not be bound to
//! more than this machine without keys.

use std::net::IpAddr;

use subtle::ConstantTimeEq as _;

use crate::config::{Config, Exposure};
use crate::error::{Downstream, ErrorAnswer};

/// Who asks: the name of the key's holder, where keys are set.
pub type Caller<'a> = Option<&'a str>;

/// How a request arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The host name that it was sent to.
    pub host: &'a str,
    /// The sender's address, where the runtime tells it.
    pub client_ip: Option<&'a str>,
}

/// Decides on a request by its `Authorization` header and how it arrived.
pub fn admit<'a>(
    config: &'a Config,
    authorization: Option<&str>,
    arrival: Arrival<'_>,
) -> Result<Caller<'a>, ErrorAnswer> {
    if config.keys.is_empty() {
        return match config.exposure {
            Exposure::Public => Ok(None),
            Exposure::Local if is_local(arrival) => Ok(None),
            Exposure::Local => Err(no_keys_set()),
        };
    }
    let offered = bearer(authorization)?;
    // Every key is compared, whichever matches, so that time tells nothing of where it stands.
    let mut holder = None;
    for (name, key) in &config.keys {
        if bool::from(key.expose().as_bytes().ct_eq(offered.as_bytes())) {
            holder = Some(name.as_str());
        }
    }
    match holder {
        Some(name) => Ok(Some(name)),
        None => Err(unauthorized("the API key is not one of this gateway's")),
    }
}

/// Decides on a request to the admin API, which has a key of its own and is closed without one: also on
/// this machine, where any page in a browser could send it something.
pub fn admit_operator(config: &Config, authorization: Option<&str>) -> Result<(), ErrorAnswer> {
    let Some(key) = &config.admin_key else {
        return Err(Downstream {
            status: 403,
            code: Some("no_admin_key_set"),
            param: None,
            message: "the admin API is closed: set the secret PILOTLIGHT_ADMIN_KEY (`npx wrangler \
                      secret put PILOTLIGHT_ADMIN_KEY`, or a line in .dev.vars), a key of its own"
                .to_owned(),
        }
        .into());
    };
    let offered = bearer(authorization)?;
    if bool::from(key.expose().as_bytes().ct_eq(offered.as_bytes())) {
        Ok(())
    } else {
        Err(unauthorized("the API key is not the admin API's"))
    }
}

/// The token of an `Authorization` header.
fn bearer(authorization: Option<&str>) -> Result<&str, ErrorAnswer> {
    let Some(authorization) = authorization else {
        return Err(unauthorized(
            "no API key was sent: it belongs in the header 'Authorization: Bearer <key>'",
        ));
    };
    match authorization.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => Ok(token.trim()),
        _ => Err(unauthorized(
            "the Authorization header is not of the form 'Bearer <key>'",
        )),
    }
}

/// Whether a request was sent from this machine to itself. An address that cannot be read is not
/// this machine's.
fn is_local(arrival: Arrival<'_>) -> bool {
    let to_us = matches!(arrival.host, "localhost" | "127.0.0.1" | "[::1]" | "::1");
    let from_us = arrival.client_ip.is_none_or(|ip| {
        ip.trim()
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
    });
    to_us && from_us
}

fn unauthorized(message: &str) -> ErrorAnswer {
    Downstream {
        status: 401,
        code: Some("invalid_api_key"),
        param: None,
        message: message.to_owned(),
    }
    .into()
}

fn no_keys_set() -> ErrorAnswer {
    ErrorAnswer {
        status: 500,
        kind: "configuration_error",
        code: Some("no_keys_set".to_owned()),
        param: None,
        message: "this gateway is reachable from outside and has no keys: set the secret \
                  PILOTLIGHT_KEYS (`npx wrangler secret put PILOTLIGHT_KEYS`, in the form \
                  name=key,name2=key2), or write public = true in [vars.PILOTLIGHT] to serve \
                  everyone"
            .to_owned(),
        pilotlight: None,
    }
}
