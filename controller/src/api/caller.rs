//! From the token of a call to its caller, for every door. What a caller may do is decided in
//! `app`.

use std::sync::Arc;

use crate::app::{App, Error, caller::Caller};

/// Whoever let a connection in, and wants to hear that its caller is known. Travels with each
/// request.
pub(crate) type Host = Arc<dyn Welcome>;

/// What a [`Host`] does.
pub(crate) trait Welcome: Send + Sync {
    /// Somebody whom the controller knows calls over this connection.
    fn welcome(&self);
}

/// Who calls, by the value of the `authorization` header.
///
/// # Errors
/// Refused when the controller wants a token and this is none, or not one of its own.
pub(super) fn caller(app: &App, authorization: Option<&str>) -> Result<Caller, Error> {
    let token = authorization.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
    app.tokens.caller(token)
}
