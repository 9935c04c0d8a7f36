//! Removes blobs to which nothing refers. `app::upkeep::step` calls this module.

use std::sync::{Arc, PoisonError};

use tokio::time::Instant;

use super::{announced, artifacts};
use crate::{
    app::{App, change::Change, error::Error, upkeep::full},
    store,
};

/// Looks at the next `limits.collected` blobs if a look is due, and removes those to which nothing
/// refers. Also removes artifact entries that no version needs. Does nothing during a backup. A
/// blob that arrived within the grace stays, unless it is the content of a released checkpoint. If
/// the database or the disk fails, a later look finds the same work.
pub(in crate::app) async fn collect(app: &Arc<App>, now: Instant) -> Result<(), Error> {
    let lock = || app.collector.next.lock().unwrap_or_else(PoisonError::into_inner);
    let (due, after) = lock().clone();
    if now < due || app.collector.is_held() {
        return Ok(());
    }
    let (limit, before_ms) = (app.settings.limits.collected, before_ms(app));
    artifacts::sweep(app, before_ms).await?;
    announced::expire(app, before_ms).await?;
    let from = after.clone();
    let seen = app.read(move |tx, _| Ok(store::files::look(tx, &from, before_ms, limit)?)).await?;
    let next =
        if seen.len() < limit as usize { String::new() } else { seen[seen.len() - 1].0.clone() };
    *lock() = (now + app.settings.collect_every, next);
    let going: Vec<String> =
        seen.into_iter().filter(|(_, goes)| *goes).map(|(hash, _)| hash).collect();
    if going.is_empty() { Ok(()) } else { remove(app, going, before_ms).await }
}

fn before_ms(app: &App) -> i64 {
    let grace = i64::try_from(app.settings.blob_grace.as_millis()).unwrap_or(i64::MAX);
    app.clock.wall_ms().saturating_sub(grace)
}

/// Removes the blobs to which still nothing refers, in three steps: marks them as removed, then
/// removes their contents, then removes their rows. If the controller crashes between two steps, a
/// later look completes the work.
async fn remove(app: &Arc<App>, hashes: Vec<String>, before_ms: i64) -> Result<(), Error> {
    let _alone = app.collector.going.write().await;
    if app.collector.is_held() {
        return Ok(());
    }
    let doom = move |change: &mut Change<'_>| {
        let mut doomed = Vec::new();
        for hash in hashes {
            if store::files::doom(change.tx, &hash, before_ms)? {
                doomed.push(hash);
            }
        }
        Ok(doomed)
    };
    let doomed = app.change(doom).await?;
    for hash in &doomed {
        full::written(app, app.store.blobs.remove(hash).await).await?;
    }
    let forget = move |change: &mut Change<'_>| -> Result<u64, Error> {
        let sizes = doomed.iter().map(|hash| store::files::forget_blob(change.tx, hash));
        Ok(sizes.sum::<Result<u64, _>>()?)
    };
    app.room.give_back(app.change(forget).await?);
    Ok(())
}
