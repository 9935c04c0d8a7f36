//! Runs the background work in steps. A step ends expired leases and sessions, checks the disk,
//! tidies caches, merges rows, removes blobs to which nothing refers, and purges the bin. A step
//! may run at any time, any number of times. A loop runs the steps in production, and tests run
//! single steps. A step never sleeps.

use std::{sync::Arc, time::Duration};

use record::ids::Attempt;

use super::{full, fullness::Seen, lost, purge};
use crate::{
    app::{
        App, change::Change, error::Error, files::collect, people::sessions, rows::compaction,
        sweeps::planning,
    },
    store,
};

/// Returns how long the loop may wait between two steps. The pause is a small part of a lease's
/// term, so that leases end about on time.
pub(crate) fn pause(app: &App) -> Duration {
    (app.settings.lease / 20).clamp(Duration::from_millis(20), Duration::from_secs(1))
}

/// Runs one step: tidies caches, checks the data folder, ends expired leases, checks the disk,
/// merges small appends, removes blobs to which nothing refers, and purges the bin. If the database
/// fails, the next step finds the same work.
pub(crate) async fn step(app: &Arc<App>) -> Result<(), Error> {
    let now = app.clock.now();
    app.wakeups.tidy();
    app.registry.tidy(now, app.settings.forget_agents);
    if !lost::look(app) {
        // All other work of a step would have to write.
        return Ok(());
    }
    let expired = app.leases.expired(now);
    for attempt in &expired {
        planning::of_run(app, &attempt.run).await?;
    }
    for some in expired.chunks(app.settings.limits.batch) {
        match expire_all(app, some.to_vec()).await {
            Ok(()) => {}
            // The database takes no writes now, so a smaller write would fail too.
            Err(Error::Busy(busy)) => return Err(Error::Busy(busy)),
            Err(_) => one_by_one(app, some).await?,
        }
    }
    sessions::tidy(app, app.clock.wall_ms()).await?;
    full::look(app, Seen::Nothing).await;
    if !app.full.is_full() {
        // A merge can wait until there is room. A merge needs disk space, because it writes the new
        // blocks before it frees the old ones.
        compaction::step(app).await?;
    }
    collect::collect(app, now).await?;
    purge::step(app).await
}

async fn expire_all(app: &Arc<App>, some: Vec<Attempt>) -> Result<(), Error> {
    app.change(move |change| some.iter().try_for_each(|attempt| expire(change, attempt))).await
}

/// Ends leases one by one, so that a problem of one run or its sweep does not affect the others.
async fn one_by_one(app: &Arc<App>, some: &[Attempt]) -> Result<(), Error> {
    for attempt in some {
        match expire_all(app, vec![attempt.clone()]).await {
            Ok(()) => {}
            Err(Error::Busy(busy)) => return Err(Error::Busy(busy)),
            Err(error) => {
                let Attempt { run, number } = attempt;
                tracing::warn!(
                    "upkeep: the lease of attempt {number} of `{run}` cannot be ended: {error}"
                );
                // The renewed lease expires again one term later. The next attempt to end it then
                // logs the problem again.
                app.leases.renew(attempt, app.clock.now());
            }
        }
    }
    Ok(())
}

/// Ends a lease if it is still expired inside the transaction. The agent may have renewed the lease
/// since the search for expired leases.
fn expire(change: &mut Change<'_>, attempt: &Attempt) -> Result<(), Error> {
    if !change.app.leases.is_over(attempt, change.app.clock.now()) {
        return Ok(());
    }
    match store::runs::get(change.tx, &attempt.run)? {
        Some(mut run) if run.attempt == attempt.number && run.state.is_held() => {
            let lease = change.app.settings.lease.as_secs_f64();
            let reason = format!("nothing was heard of it for {lease} s");
            change.edit(&mut run, |change, run| change.lose(run, &reason))
        }
        _ => {
            change.app.leases.release_if(attempt);
            Ok(())
        }
    }
}
