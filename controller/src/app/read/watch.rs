//! Sends a watcher the state of a sweep and its changed runs, at once and after every change, until
//! the sweep is over. The handlers in `api` call this module. Each watcher reads the events after
//! the last event that it has seen. Changes in quick succession go into one update.

use std::sync::Arc;

use record::ids::{RunId, SweepId};

use super::{
    pages::{self, Outlet, PAGE_BYTES, Pace, Streamed},
    views::{self, RunView, SweepView},
};
use crate::{
    app::{
        App,
        change::wakeups::Topic,
        error::Error,
        people::{caller::Caller, permit},
    },
    store::{self, Tx},
};

/// An update on a sweep for a watcher.
#[derive(Clone, Debug)]
pub(crate) struct SweepUpdate {
    /// The sweep. If one set of changes needs several updates, only the last of them shows the
    /// sweep's newest state.
    pub(crate) sweep: SweepView,
    /// The runs that have changed since the update before this one. The first updates hold all live
    /// runs.
    pub(crate) runs: Vec<RunView>,
}

/// Returns a stream of updates on a sweep, until the sweep is over.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(crate) async fn watch(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
) -> Result<Streamed<SweepUpdate>, Error> {
    views::get_sweep(app, caller, sweep.clone()).await?;
    let (app, caller) = (app.clone(), caller.clone());
    Ok(pages::stream(|outlet| async move { send_updates(&app, &caller, &sweep, &outlet).await }))
}

async fn send_updates(
    app: &Arc<App>,
    caller: &Caller,
    sweep: &SweepId,
    outlet: &Outlet<SweepUpdate>,
) -> Result<(), Error> {
    let listener = app.wakeups.listen(Topic::Sweep(sweep.clone()));
    let (mut seen, mut shown) = (None, None);
    // Changes that happen while a slow watcher reads an update go into the next update.
    while outlet.is_wanted().await {
        let woken = listener.woken();
        permit::still(app, caller)?;
        let wanted = sweep.clone();
        let news = app.read(move |tx, app| look(tx, app, &wanted, seen)).await?;
        let progress = &news.sweep.progress;
        let is_over = progress.state.is_over() && progress.live() == 0;
        if !send(app, outlet, &news, shown).await? || is_over {
            return Ok(());
        }
        (seen, shown) = (Some(news.last), Some(news.sweep));
        tokio::select! {
            () = woken => {}
            () = outlet.closed() => return Ok(()),
            () = app.drained() => return Err(views::shutting_down()),
        }
        app.clock.sleep(app.settings.watch_pause).await;
    }
    Ok(())
}

/// The changes of a sweep that a watcher has not received yet.
struct Changes {
    sweep: SweepView,
    /// The ids of the changed runs.
    runs: Vec<RunId>,
    /// The number of the newest event that these changes include.
    last: i64,
}

fn look(tx: &Tx<'_>, app: &App, sweep: &SweepId, seen: Option<i64>) -> Result<Changes, Error> {
    let last = store::events::last(tx)?;
    let runs = match seen {
        None => store::runs::live(tx, sweep)?,
        Some(seen) => store::events::changed_runs(tx, sweep, seen)?,
    };
    Ok(Changes { sweep: views::sweep(tx, app, sweep)?, runs, last })
}

/// Sends changes to a watcher, in several updates if one update would be too large. Returns false
/// if the watcher has gone. A watcher may leave as soon as an update shows that the sweep is over.
/// So all updates but the last show the sweep as it was in the update before (`shown`).
async fn send(
    app: &Arc<App>,
    outlet: &Outlet<SweepUpdate>,
    news: &Changes,
    shown: Option<SweepView>,
) -> Result<bool, Error> {
    let before = shown.unwrap_or_else(|| news.sweep.clone());
    let (mut runs, mut bytes) = (Vec::new(), 0);
    let (mut left, mut pace) = (&news.runs[..], Pace::new(app));
    while !left.is_empty() {
        let (page, rest) = left.split_at(left.len().min(pace.limit() as usize));
        let page = page.to_vec();
        left = rest;
        let found = move |tx: &Tx<'_>, app: &App| {
            views::runs(tx, app, page.iter().map(|id| store::runs::get(tx, id)))
        };
        let found = app.read(found).await?;
        pace.took(found.iter().map(RunView::weight));
        for run in found {
            bytes += run.weight();
            runs.push(run);
            if bytes > PAGE_BYTES {
                let part = SweepUpdate { sweep: before.clone(), runs: std::mem::take(&mut runs) };
                if !outlet.send(part).await || !outlet.is_wanted().await {
                    return Ok(false);
                }
                bytes = 0;
            }
        }
    }
    Ok(outlet.send(SweepUpdate { sweep: news.sweep.clone(), runs }).await)
}
