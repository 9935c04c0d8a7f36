//! Writes and reads the audit: who created, changed or removed what. Use cases that a person asks
//! for write their entry in their own transaction.

use std::sync::Arc;

use record::ids::ProjectId;

use super::{
    caller::{Caller, Right},
    things::Thing,
};
use crate::{
    app::{App, change::Change, error::Error},
    store::{self, people::Deed},
};

/// The entries that [`list`] returns at most.
const MOST: u32 = 1000;

/// An entry of the audit, as clients see it.
pub(crate) type DeedView = Deed;

/// Adds an entry to the audit.
pub(in crate::app) fn note(
    change: &Change<'_>,
    who: String,
    what: &str,
    object: impl Into<String>,
    project: Option<ProjectId>,
) -> Result<(), Error> {
    let (what, object, at_ms) = (what.to_owned(), object.into(), change.now_ms);
    let deed = Deed { number: 0, at_ms, who, what, object, project };
    Ok(store::people::note(change.tx, &deed)?)
}

/// Returns the newest entries of the audit, at most `limit`, the newest first. If `limit` is 0,
/// returns at most 1000. An administrator gets all entries, the administrator of a team or project
/// those of its projects.
///
/// # Errors
/// Refuses the token of a run, and a key that is not of the kind `full`.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    limit: u32,
) -> Result<Vec<DeedView>, Error> {
    caller.admits(Right::Manage)?;
    if !caller.manages() {
        return Ok(Vec::new());
    }
    let (caller, limit) = (caller.clone(), if limit == 0 { MOST } else { limit.min(MOST) });
    app.read(move |tx, _| {
        let sees = |deed: &Deed| {
            let project = deed.project.as_ref();
            caller.is_admin()
                || project.is_some_and(|project| caller.may(Right::Manage, project, Thing::Project))
        };
        let (mut found, mut before) = (Vec::new(), i64::MAX);
        while found.len() < limit as usize {
            let page = store::people::deeds(tx, before, MOST)?;
            let Some(last) = page.last() else { break };
            before = last.number;
            found.extend(page.into_iter().filter(sees));
        }
        found.truncate(limit as usize);
        Ok(found)
    })
    .await
}
