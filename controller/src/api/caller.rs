//! Finds the caller of a call by its token or key. `api::grpc` and `api::wandb` call it. `app`
//! decides what a caller may do.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::app::{App, Error, people::caller::Caller};

/// A handle to the connection that a request came over. The port attaches this handle to each
/// request.
pub(crate) type Host = Arc<dyn Welcome>;

/// The operation of a [`Host`].
pub(crate) trait Welcome: Send + Sync {
    /// Records that the controller knows the caller behind this connection. From now on, the port
    /// does not close the connection to make room for others.
    fn welcome(&self);
}

/// How many answers to wrong tokens and passwords wait for the address that a request came from.
/// The port attaches this number to each request that is no gRPC call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd(pub(crate) usize);

/// Finds the caller by the value of the `authorization` header. Fails if the controller requires a
/// token and the header has none, or has one that the controller does not know.
pub(super) fn caller(app: &App, authorization: Option<&str>) -> Result<Caller, Error> {
    let token = authorization.and_then(token);
    app.tokens.caller(&app.roster, token.as_deref(), app.clock().wall_ms())
}

/// Returns the token in the header: after `Bearer`, or as the password after `Basic`, where W&B's
/// client puts its key. The name of the user plays no role.
fn token(header: &str) -> Option<String> {
    if let Some(token) = header.strip_prefix("Bearer ") {
        return Some(token.trim().to_owned());
    }
    let both = STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let (_, password) = std::str::from_utf8(&both).ok()?.split_once(':')?;
    Some(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_token_comes_by_itself_or_as_a_password() {
        for (header, expected) in [
            ("Bearer  abc ", Some("abc")),
            ("Basic YXBpOmFiYzpk", Some("abc:d")),
            ("Basic YXBp", None),
            ("Basic #", None),
            ("Digest abc", None),
            ("", None),
        ] {
            assert_eq!(token(header).as_deref(), expected, "{header}");
        }
    }
}
