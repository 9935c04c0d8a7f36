//! Protects people's browsers from other people's pages: headers on each answer say what a page may
//! load, a request that a foreign page makes cannot change anything, and a foreign name that leads
//! to an open controller opens nothing.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::error::Problem;
use crate::app::App;

/// What a page of the dashboard may load and do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; \
    frame-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types svelte-trusted-html";

/// Adds the headers of every answer. A handler that sets a policy of its own keeps it.
pub(super) async fn secure(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let policy = HeaderValue::from_static(POLICY);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What the API answers is only for this caller and this moment.
    let never = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(never);
    answer
}

/// Passes a request on to the API, unless a foreign page may have made it.
pub(super) async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let open = app.tokens.is_open(&app.roster);
    match check(open, request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Passes if no foreign page can have made this request. `open` says whether nobody has to log in.
///
/// # Errors
/// Refuses a change from a page of another origin. Refuses a request to an open controller under a
/// name that anybody can give to a machine: a page can let such a name lead here.
fn check(open: bool, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").or_else(|| uri.authority().map(|authority| authority.as_str()));
    let host = host.ok_or_else(|| Problem::wrong("the request names no host"))?;
    if open && !is_own(host) {
        let hint = "use `localhost` or an IP address; with users or a token, any name works";
        let told = format!("a controller without users and without a token is not called `{host}`");
        return Err(Problem::foreign(told).hint(hint));
    }
    // Programs send no origin. A proxy tells the host that its own caller has written; a foreign
    // page cannot send this header.
    let Some(origin) = text("origin").filter(|_| !method.is_safe()) else { return Ok(()) };
    let own = text("x-forwarded-host").unwrap_or(host);
    match origin.split_once("://") {
        Some(("http" | "https", said)) if said.eq_ignore_ascii_case(own) => Ok(()),
        _ => Err(Problem::foreign(format!(
            "a page of `{origin}` must not change anything on `{own}`"
        ))),
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
    use super::*;

    fn passes(open: bool, method: Method, lines: &[(&'static str, &str)]) -> bool {
        let headers = lines.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        check(open, &method, &Uri::from_static("/api/v1/x"), &headers.collect()).is_ok()
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
