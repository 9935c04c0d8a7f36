//! Checks the length of the names and lists that a caller sends. Use cases that keep a caller's
//! name or walk through a caller's list call this module. Each refusal says what is too large, how
//! large it is, and what the limit is. The checks read nothing but their arguments.

use super::{error::Error, text::cut};
use crate::settings::Limits;

/// Passes if the name has at most `limits.name_bytes` bytes. `what` says in the error which name it
/// is.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the name is too long.
pub(super) fn check_name(limits: &Limits, what: &str, name: &str) -> Result<(), Error> {
    let (bytes, most) = (name.len(), limits.name_bytes);
    if bytes <= most {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} `{}…` has {bytes} bytes; the limit is {most}",
        cut(name, 40)
    )))
}

/// Passes if the list has at most `limits.items` items. `what` says in the error what the items
/// are.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the list is too long.
pub(super) fn check_list<T>(limits: &Limits, what: &str, list: &[T]) -> Result<(), Error> {
    let (items, most) = (list.len(), limits.items);
    if items <= most {
        Ok(())
    } else {
        Err(Error::invalid(format!("the request has {items} {what}; the limit is {most}")))
    }
}
