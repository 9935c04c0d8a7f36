//! A watcher is told of a sweep and of the runs that changed, now and after every change, until the sweep is over. Used by
//! the doors through `app::watch`. Each watcher reads the events after its own number; changes that come close together
//! are told at once.

use std::sync::Arc;

use super::{
    App,
    bell::Topic,
    caller::Caller,
    error::Error,
    pages::{self, Outlet, Streamed},
    views::{self, RunView, SweepView},
};
use crate::store::{self, Tx};

/// What changed.
#[derive(Clone, Debug)]
pub(crate) struct SweepUpdate {
    /// The sweep now.
    pub(crate) sweep: SweepView,
    /// Runs that changed since the update before; all live runs in the first one.
    pub(crate) runs: Vec<RunView>,
}

/// Watches a sweep.
///
/// # Errors
/// Missing when there is none.
pub(crate) async fn watch(
    app: &Arc<App>,
    caller: &Caller,
    sweep: String,
) -> Result<Streamed<SweepUpdate>, Error> {
    views::get_sweep(app, caller, sweep.clone()).await?;
    let app = app.clone();
    Ok(pages::stream(|outlet| async move { send_updates(&app, &sweep, &outlet).await }))
}

async fn send_updates(app: &Arc<App>, sweep: &str, outlet: &Outlet<SweepUpdate>) -> Result<(), Error> {
    let listener = app.bell.listen(Topic::Sweep(sweep.to_owned()));
    let mut seen = None;
    // What changes while a slow watcher reads is in the next update.
    while outlet.is_wanted().await {
        let ring = listener.ring();
        let wanted = sweep.to_owned();
        let (update, last) = app.read(move |tx, app| look(tx, app, &wanted, seen)).await?;
        let is_over = update.sweep.progress.state.is_over() && update.sweep.progress.live() == 0;
        if !outlet.send(update).await || is_over {
            return Ok(());
        }
        seen = Some(last);
        tokio::select! {
            () = ring => {}
            () = outlet.closed() => return Ok(()),
            () = app.drained() => return Err(views::shutting_down()),
        }
        app.clock.sleep(app.settings.watch_pause).await;
    }
    Ok(())
}

fn look(tx: &Tx<'_>, app: &App, sweep: &str, seen: Option<i64>) -> Result<(SweepUpdate, i64), Error> {
    let last = store::events::last(tx)?;
    let runs = match seen {
        None => store::runs::live(tx, sweep)?,
        Some(seen) => {
            let changed = store::events::changed_runs(tx, sweep, seen)?;
            let found = changed.iter().map(|id| store::runs::get(tx, id)).collect::<Result<Vec<_>, _>>()?;
            found.into_iter().flatten().collect()
        }
    };
    let runs = runs.into_iter().map(|run| views::run(tx, app, run)).collect::<Result<_, _>>()?;
    Ok((SweepUpdate { sweep: views::sweep(tx, app, sweep)?, runs }, last))
}
