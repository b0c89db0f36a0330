//! Addresses in the config: base URLs of upstreams, and origins of pages that may call.
//!
//! Only what an upstream's address needs is let through, which is less than a URL may be. That is
//! why no URL parser is here: one would accept, and quietly mend, what is more likely a slip.

/// A base URL that is sound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// The URL without a slash at its end.
    pub(super) base: &'a str,
    /// The host, without its port.
    pub(super) host: &'a str,
    /// The path, without a slash at its end.
    pub(super) path: &'a str,
}

/// What a base URL is, as a phrase.
pub(super) const WHAT: &str = "a URL, such as \"https://api.openai.com/v1\"";

/// Reads a base URL.
///
/// # Errors
///
/// What is wrong. The URL is not repeated: it may hold credentials.
pub(super) fn base_url(text: &str) -> Result<Address<'_>, String> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("has no scheme: it should start with http:// or https://".to_owned());
    };
    if !matches!(scheme, "http" | "https") {
        return Err("is not an HTTP address: it should start with http:// or https://".to_owned());
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("holds a character that a URL cannot have".to_owned());
    }
    for (mark, part) in [('?', "query"), ('#', "fragment")] {
        if text.contains(mark) {
            return Err(format!(
                "has a {part} (from '{mark}' on): write the URL without it"
            ));
        }
    }
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, _) = host_and_port(authority)?;
    let base = text.trim_end_matches('/');
    let path = rest.strip_prefix(authority).unwrap_or("");
    Ok(Address {
        base,
        host,
        path: path.trim_end_matches('/'),
    })
}

/// Tells a base URL that already has the path (or its start) which the dialect adds to it.
///
/// # Errors
///
/// What would be right.
pub(super) fn without_added_path(address: &Address<'_>, added: &str) -> Result<(), String> {
    let first = added.trim_start_matches('/').split('/').next();
    let last = address
        .path
        .rsplit('/')
        .next()
        .filter(|last| !last.is_empty());
    if address.path.ends_with(added) || last.is_some() && last == first {
        return Err(format!(
            "ends in what is added to it: {added} follows by itself, so write the URL up to there"
        ));
    }
    Ok(())
}

/// Reads an origin as browsers send it.
///
/// # Errors
///
/// What is wrong.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let wrong = |problem: &str| {
        format!("{problem}: it should be an origin, such as \"https://app.example.com\", or \"*\"")
    };
    let Some((scheme, authority)) = text.split_once("://") else {
        return Err(wrong("has no scheme"));
    };
    let of_a_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if scheme.is_empty() || !scheme.chars().all(of_a_scheme) {
        return Err(wrong("has a scheme that cannot be"));
    }
    if authority.contains(['/', '?', '#']) {
        return Err(wrong("has a path"));
    }
    let (_, port) = host_and_port(authority).map_err(|problem| wrong(&problem))?;
    if matches!((scheme, port), ("https", Some(443)) | ("http", Some(80))) {
        return Err(wrong("has its scheme's own port, which browsers leave out"));
    }
    Ok(text.to_ascii_lowercase())
}

/// The host and the port of an authority.
fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    if authority.contains('@') {
        return Err(
            "has a user name or password: write the URL without it, and the credential as a secret"
                .to_owned(),
        );
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        None => None,
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number > 0 => Some(number),
            _ => return Err("has a port that is not a number from 1 to 65535".to_owned()),
        },
    };
    if is_host(host) {
        Ok((host, port))
    } else {
        Err(
            "has no host that could be one (a name of other letters is written in punycode)"
                .to_owned(),
        )
    }
}

fn is_host(host: &str) -> bool {
    let inside_brackets = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = inside_brackets {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let of_a_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    host.chars().all(of_a_host) && host.contains(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_taken_apart_without_the_slashes_at_its_end() {
        let check = |text: &str, base: &str, host: &str, path: &str| {
            let expected = Address { base, host, path };
            assert_eq!(base_url(text), Ok(expected), "{text}");
        };
        check("https://a.b/v1", "https://a.b/v1", "a.b", "/v1");
        check("https://a.b/v1//", "https://a.b/v1", "a.b", "/v1");
        check(
            "http://127.0.0.1:11434/",
            "http://127.0.0.1:11434",
            "127.0.0.1",
            "",
        );
        check("http://[::1]:8080", "http://[::1]:8080", "[::1]", "");
        check("http://[::1]/x", "http://[::1]/x", "[::1]", "/x");
        check("http://home", "http://home", "home", "");
    }

    #[test]
    fn a_bad_base_url_is_told_why_without_being_repeated() {
        let check = |text: &str, part: &str| {
            let problem = base_url(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
            assert!(text.is_empty() || !problem.contains(text), "{problem}");
        };
        check("", "http://");
        check("127.0.0.1:11434", "http://");
        check("ftp://a.b", "http://");
        check("https://", "host");
        check("https:///v1", "host");
        check("https://:80", "host");
        check("https://a.b/v1?key=x", "query");
        check("https://a.b/#x", "fragment");
        check("https://me:pass@a.b", "password");
        check("https://a.b:0", "port");
        check("https://a.b:99999", "port");
        check("https://a.b:", "port");
        check("https://a b", "character");
        check("https://ä.b", "host");
        check("https://[1:2]", "host");
        check("https://::1", "host");
    }

    #[test]
    fn the_path_that_a_dialect_adds_is_not_written_by_hand() {
        let check = |text: &str, added: &str, right: bool| {
            let address = base_url(text).unwrap();
            assert_eq!(without_added_path(&address, added).is_ok(), right, "{text}");
        };
        check("https://a.b/v1", "/chat/completions", true);
        check("https://chat", "/chat/completions", true);
        check(
            "https://a.b/v1/chat/completions/",
            "/chat/completions",
            false,
        );
        check("https://a.b/v1/chat", "/chat/completions", false);
        check("http://a.b", "/api/chat", true);
        check("http://a.b/api", "/api/chat", false);
        check("http://a.b/api/chat", "/api/chat", false);
        check("http://a.b/my-api", "/api/chat", true);
    }

    #[test]
    fn an_origin_is_as_browsers_send_it() {
        let check = |text: &str, expected: Result<&str, &str>| match (origin(text), expected) {
            (Ok(origin), Ok(expected)) => assert_eq!(origin, expected),
            (Err(problem), Err(part)) => assert!(problem.contains(part), "{text}: {problem}"),
            (found, _) => panic!("{text}: {found:?}"),
        };
        check("https://App.example.com", Ok("https://app.example.com"));
        check("http://localhost:5173", Ok("http://localhost:5173"));
        check("tauri://localhost", Ok("tauri://localhost"));
        check("app.example.com", Err("scheme"));
        check("null", Err("scheme"));
        check("https://app.example.com/", Err("path"));
        check("https://app.example.com:443", Err("port"));
        check("https://*.example.com", Err("host"));
    }
}
