//! What happens without being asked: leases run out, the disk is looked at, caches are tidied, rows
//! are merged, blobs that nothing refers to are removed. One step that may run at any time and
//! twice; called by a loop in production and by tests. Never sleeps.

use std::{sync::Arc, time::Duration};

use super::{full, fullness::Seen, lost};
use crate::{
    app::{App, change::Change, error::Error, files::collect, rows::compaction, sweeps::planning},
    store,
};

/// How long the loop may wait between two steps: a small part of a lease, so that one ends about
/// when it should.
pub(crate) fn pause(app: &App) -> Duration {
    (app.settings.lease / 20).clamp(Duration::from_millis(20), Duration::from_secs(1))
}

/// Ends the leases that are over, forgets what nobody needs, and merges what came in pieces.
///
/// # Errors
/// When the database fails; the next step finds the same work.
pub(crate) async fn step(app: &Arc<App>) -> Result<(), Error> {
    let now = app.clock.now();
    app.bell.tidy();
    app.presences.tidy(now, app.settings.forget_agents);
    if !lost::look(app) {
        // Everything else would have to be written.
        return Ok(());
    }
    let expired = app.leases.expired(now);
    for (run, _) in &expired {
        planning::of_run(app, run).await?;
    }
    for some in expired.chunks(app.settings.limits.batch) {
        match expire_all(app, some.to_vec()).await {
            Ok(()) => {}
            // The database takes nothing now, so it takes no part of it either.
            Err(Error::Busy(busy)) => return Err(Error::Busy(busy)),
            Err(_) => one_by_one(app, some).await?,
        }
    }
    full::look(app, Seen::Nothing).await;
    if !app.full.is_full() {
        // Nothing is lost by waiting, and a merge writes before it frees.
        compaction::step(app).await?;
    }
    collect::collect(app, now).await
}

async fn expire_all(app: &Arc<App>, some: Vec<(String, u32)>) -> Result<(), Error> {
    app.change(move |change| {
        some.iter().try_for_each(|(run, attempt)| expire(change, run, *attempt))
    })
    .await
}

/// What is wrong with one run, or with its sweep, is no trouble of the others.
async fn one_by_one(app: &Arc<App>, some: &[(String, u32)]) -> Result<(), Error> {
    for (run, attempt) in some {
        match expire_all(app, vec![(run.clone(), *attempt)]).await {
            Ok(()) => {}
            Err(Error::Busy(busy)) => return Err(Error::Busy(busy)),
            Err(error) => {
                tracing::warn!(
                    "upkeep: the lease of attempt {attempt} of `{run}` cannot be ended: {error}"
                );
                // Looked at again, and told again, one lease later.
                app.leases.renew(run, *attempt, app.clock.now());
            }
        }
    }
    Ok(())
}

/// Looks again inside the transaction: the agent may have been heard of in between.
fn expire(change: &mut Change<'_>, id: &str, attempt: u32) -> Result<(), Error> {
    if !change.app.leases.is_over(id, attempt, change.app.clock.now()) {
        return Ok(());
    }
    match store::runs::get(change.tx, id)? {
        Some(mut run) if run.attempt == attempt && run.state.is_held() => {
            let lease = change.app.settings.lease.as_secs_f64();
            change.lose(&mut run, &format!("nothing was heard of it for {lease} s"))
        }
        _ => {
            change.app.leases.release_if(id, attempt);
            Ok(())
        }
    }
}
