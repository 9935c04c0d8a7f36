//! Refuses what foreign pages make a browser ask for. Without this, a page that somebody opens
//! could use a controller that needs no login. The doors for HTTP call this module.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{HeaderMap, Method, Uri},
};

use crate::app::{
    App,
    error::{Error, Why},
};

/// Passes if no foreign page can have made this request.
///
/// # Errors
/// Refuses a change from a page of another origin. Refuses a request to an open controller under a
/// name that anybody can give to a machine: a page can let such a name lead here.
pub(super) fn check(app: &App, request: &Request) -> Result<(), Error> {
    let open = app.tokens.is_open(&app.roster);
    check_parts(open, request.method(), request.uri(), request.headers())
}

/// Does the same as [`check`]. `open` says whether nobody has to log in.
fn check_parts(open: bool, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").or_else(|| uri.authority().map(|authority| authority.as_str()));
    let host = host.ok_or_else(|| Error::invalid("the request names no host"))?;
    if open && !is_own(host) {
        let hint = "use `localhost` or an IP address; with users or a token, any name works";
        let told = format!("a controller without users and without a token is not called `{host}`");
        return Err(Error::refused(Why::Forbidden, told).hint(hint));
    }
    // Programs send no origin. A proxy tells the host that its own caller has written; a foreign
    // page cannot send this header.
    let Some(origin) = text("origin").filter(|_| !method.is_safe()) else { return Ok(()) };
    let own = text("x-forwarded-host").unwrap_or(host);
    match origin.split_once("://") {
        Some(("http" | "https", said)) if said.eq_ignore_ascii_case(own) => Ok(()),
        _ => {
            let message = format!("a page of `{origin}` must not change anything on `{own}`");
            Err(Error::refused(Why::Forbidden, message))
        }
    }
}

/// Returns whether no other machine can have this name: a name of the loopback, or an IP address.
fn is_own(host: &str) -> bool {
    let Ok(uri) = host.parse::<Uri>() else { return false };
    let name = uri.host().unwrap_or_default().to_ascii_lowercase();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn passes(open: bool, method: Method, lines: &[(&'static str, &str)]) -> bool {
        let headers = lines.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        check_parts(open, &method, &Uri::from_static("/api/v1/x"), &headers.collect()).is_ok()
    }

    #[test]
    fn an_open_controller_answers_only_to_its_own_names() {
        for own in ["localhost:7070", "a.localhost", "127.0.0.1:7070", "[::1]:7070", "10.0.0.7"] {
            assert!(passes(true, Method::GET, &[("host", own)]), "{own}");
        }
        for foreign in ["evil.com", "127.0.0.1.evil.com:7070", "localhost.evil.com", "", "a b"] {
            assert!(!passes(true, Method::GET, &[("host", foreign)]), "{foreign}");
        }
        assert!(passes(false, Method::GET, &[("host", "besom.example")]));
        assert!(!passes(false, Method::GET, &[]));
    }

    #[test]
    fn a_foreign_page_changes_nothing() {
        let post =
            |origin, host| passes(false, Method::POST, &[("origin", origin), ("host", host)]);
        assert!(post("https://besom.example", "besom.example"));
        assert!(post("http://localhost:5173", "localhost:5173"));
        for foreign in ["https://evil.com", "null", "http://besom.example:8080", "besom.example"] {
            assert!(!post(foreign, "besom.example"), "{foreign}");
        }
        assert!(passes(false, Method::POST, &[("host", "besom.example")]), "a program");
        assert!(passes(false, Method::GET, &[("host", "a"), ("origin", "https://evil.com")]));
        let behind = [("host", "a"), ("x-forwarded-host", "b.c"), ("origin", "https://b.c")];
        assert!(passes(false, Method::DELETE, &behind));
    }
}
