//! Finds the caller of a gRPC call by its token. `api::grpc` calls it. `app` decides what a caller
//! may do.

use std::sync::Arc;

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

/// Finds the caller by the value of the `authorization` header. Fails if the controller requires a
/// token and the header has none, or has one that the controller does not know.
pub(super) fn caller(app: &App, authorization: Option<&str>) -> Result<Caller, Error> {
    let token = authorization.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
    app.tokens.caller(&app.roster, token, app.clock().wall_ms())
}
