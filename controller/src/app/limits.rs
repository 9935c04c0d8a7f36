//! Names and lists that a caller sends have bounds. Asked by every use case that keeps a name or
//! goes through a list; each refusal says what is too large, how large it is, and the limit. Pure.

use super::{error::Error, text::cut};
use crate::settings::Limits;

/// Passes for a name that may be kept.
///
/// # Errors
/// Invalid when it is too long.
pub(super) fn check_name(limits: &Limits, what: &str, name: &str) -> Result<(), Error> {
    let (bytes, most) = (name.len(), limits.name_bytes);
    if bytes <= most {
        return Ok(());
    }
    Err(Error::invalid(format!("{what} `{}…` has {bytes} bytes, {most} at most", cut(name, 40))))
}

/// Passes for a list that may be gone through.
///
/// # Errors
/// Invalid when it is too long.
pub(super) fn check_list<T>(limits: &Limits, what: &str, list: &[T]) -> Result<(), Error> {
    let (items, most) = (list.len(), limits.items);
    if items <= most {
        Ok(())
    } else {
        Err(Error::invalid(format!("{items} {what}, {most} at most")))
    }
}
