//! Finds the caller of a call by its token, for both servers in `api`. `app` decides what a caller
//! may do.

use std::sync::Arc;

use crate::app::{App, Error, caller::Caller};

/// The connection that a request came over. It learns when its caller is known, and travels with
/// each request.
pub(crate) type Host = Arc<dyn Welcome>;

/// What a [`Host`] does.
pub(crate) trait Welcome: Send + Sync {
    /// Records that the controller knows the caller behind this connection.
    fn welcome(&self);
}

/// Finds the caller by the value of the `authorization` header. Refuses if the controller wants a
/// token and this one is missing, or is not one of its own.
pub(super) fn caller(app: &App, authorization: Option<&str>) -> Result<Caller, Error> {
    let token = authorization.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
    app.tokens.caller(token)
}
