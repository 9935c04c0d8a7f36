//! From the token of a call to its caller, for every door. What a caller may do is decided in `app`.

use crate::app::{App, Error, caller::Caller};

/// Who calls, by the value of the `authorization` header.
///
/// # Errors
/// Refused when the controller wants a token and this is none, or not one of its own.
pub(super) fn caller(app: &App, authorization: Option<&str>) -> Result<Caller, Error> {
    let token = authorization.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
    app.tokens.caller(token)
}
