//! Follows the names of artifacts and portfolios that people have changed. `app::files::versions`
//! and `app::files::collections` call this module.

use record::ids::ProjectId;

use crate::{
    app::error::Error,
    store::{self, Tx},
};

/// Returns the name that the version with this number of an old name has now; `None` if no such
/// version has moved. A new artifact may have the old name, but none of these numbers. An alias of
/// the old name is not followed: it would stand in the way of such an artifact.
pub(super) fn of_number(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    number: Option<u64>,
) -> Result<Option<String>, Error> {
    let Some(number) = number else { return Ok(None) };
    let stored = store::collections::get(tx, project, name)?;
    Ok(stored.moved.filter(|_| number < stored.next))
}

/// Returns the name that a collection has now which had this name; `None` if none had it, or if
/// the name is in use again.
pub(super) fn of_old(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
) -> Result<Option<String>, Error> {
    let moved = store::collections::get(tx, project, name)?.moved;
    let is_used = store::artifacts::newest(tx, project, name)?.is_some()
        || !store::links::of_project(tx, project, name)?.is_empty();
    Ok(moved.filter(|_| !is_used))
}
