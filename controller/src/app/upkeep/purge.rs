//! Purges the bin: removes for good what was deleted long enough ago, in transactions of bounded
//! size. `app::files::collect` then removes the contents to which nothing refers any more.
//! `app::upkeep::step` calls this module. A purge that is cut off goes on at the next step.

use std::sync::Arc;

use crate::{
    app::{App, change::Change, error::Error},
    store::{self, purge::Room},
};

/// The most transactions in one step.
const TRANSACTIONS: usize = 8;

/// Purges what is due, or a part of it.
pub(in crate::app) async fn step(app: &Arc<App>) -> Result<(), Error> {
    let keep_ms = i64::try_from(app.settings.keep_deleted.as_millis()).unwrap_or(i64::MAX);
    let before_ms = app.clock.wall_ms().saturating_sub(keep_ms);
    for _ in 0..TRANSACTIONS {
        let is_due = app.read(move |tx, _| {
            let run = store::purge::due_run(tx, before_ms)?;
            Ok(run.is_some()
                || store::purge::due_sweep(tx, before_ms)?.is_some()
                || store::reports::due(tx, before_ms)?.is_some())
        });
        if !is_due.await? {
            break;
        }
        app.change(move |change| some(change, before_ms)).await?;
    }
    Ok(())
}

/// Removes as much as one transaction may.
fn some(change: &Change<'_>, before_ms: i64) -> Result<(), Error> {
    let (tx, now_ms, limits) = (change.tx, change.now_ms, &change.app.settings.limits);
    let mut room = Room { rows: limits.bin.purged, bytes: limits.bin.purged_bytes };
    while room.rows > 0 {
        let done = if let Some(run) = store::purge::due_run(tx, before_ms)? {
            store::purge::run(tx, run, now_ms, &mut room)?
        } else if let Some(sweep) = store::purge::due_sweep(tx, before_ms)? {
            store::purge::sweep(tx, &sweep, now_ms, &mut room)?
        } else if let Some(report) = store::reports::due(tx, before_ms)? {
            store::reports::purge(tx, &report, &mut room)?
        } else {
            break;
        };
        if !done {
            break;
        }
    }
    Ok(())
}
