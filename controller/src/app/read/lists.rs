//! Lists sweeps and runs, as far as a caller may see them. The handlers in `api` call this module.
//! It changes nothing. `app::read::views` decides what a list shows of each sweep and run.

use std::sync::Arc;

use ::sweeps::lifecycle::run;
use record::ids::{ProjectId, SweepId};

use super::{
    pages::{self, Outlet, Pace, Streamed},
    views::{self, RunView, SweepView},
};
use crate::{
    app::{
        App,
        error::Error,
        limits::check_list,
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        sweeps::stored,
    },
    store::{self, Tx},
};

/// Returns the newest sweeps, at most `limit`, newest first. If `limit` is 0,
/// `Limits::sweeps_listed` counts instead.
pub(crate) async fn list_sweeps(
    app: &Arc<App>,
    caller: &Caller,
    limit: u32,
) -> Result<Vec<SweepView>, Error> {
    caller.admits(Right::See)?;
    let limit = if limit == 0 { app.settings.limits.sweeps_listed } else { limit };
    let caller = caller.clone();
    app.read(move |tx, app| {
        let (mut views, mut before) = (Vec::new(), i64::MAX);
        // Of a caller who sees a few projects only, many sweeps are left out.
        while views.len() < limit as usize {
            let page = store::sweeps::newest(tx, before, limit)?;
            let Some((last, _)) = page.last() else { break };
            before = *last;
            for (_, sweep) in page {
                // Only a sweep of an older controller has to be parsed for its project.
                let project = match sweep.project == ProjectId::default() {
                    true => app.plans.get(tx, &sweep.id)?.project.clone(),
                    false => sweep.project.clone(),
                };
                if views.len() < limit as usize
                    && caller.may(Right::See, &project, Thing::Sweep(&sweep.id))
                {
                    views.push(views::of_sweep(tx, app, sweep)?);
                }
            }
        }
        Ok(views)
    })
    .await
}

/// Returns at most `limit` of the sweeps that the caller may see, from number `from` on, newest
/// first, and how many there are in all: those of a project, or all that are not over.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) async fn page_of_sweeps(
    app: &Arc<App>,
    caller: &Caller,
    project: Option<ProjectId>,
    from: usize,
    limit: usize,
) -> Result<(Vec<SweepView>, usize), Error> {
    caller.admits(Right::See)?;
    let caller = caller.clone();
    app.read(move |tx, app| {
        let mut found = Vec::new();
        for (id, mut place, state) in store::sweeps::places(tx)? {
            // Only a sweep of an older controller has to be parsed for its project.
            if place == ProjectId::default() {
                place = app.plans.get(tx, &id)?.project.clone();
            }
            let is_wanted = match &project {
                Some(project) => place == *project,
                None => !state.is_over(),
            };
            if is_wanted && caller.may(Right::See, &place, Thing::Sweep(&id)) {
                found.push(id);
            }
        }
        let page = found.iter().skip(from).take(limit);
        let views = page.map(|id| views::sweep(tx, app, id)).collect::<Result<_, _>>()?;
        Ok((views, found.len()))
    })
    .await
}

/// The runs that a caller of [`list_runs`] asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// The sweep of the runs, which are sorted by trial number. `None` means the runs outside of
    /// sweeps, newest first.
    pub(crate) sweep: Option<SweepId>,
    /// The states of the runs; empty means any state.
    pub(crate) states: Vec<String>,
    /// The most runs to return; 0 means all.
    pub(crate) limit: u32,
}

/// Returns the runs of a sweep, or the runs outside of sweeps.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist, and with [`Error::Invalid`] if there
/// is no state with a requested name.
pub(crate) async fn list_runs(
    app: &Arc<App>,
    caller: &Caller,
    listing: Listing,
) -> Result<Streamed<RunView>, Error> {
    caller.admits(Right::See)?;
    let Listing { sweep, states, limit } = listing;
    check_list(&app.settings.limits, "states", &states)?;
    let states = states.iter().map(|name| state_from(name)).collect::<Result<_, _>>()?;
    if let Some(sweep) = sweep.clone() {
        permit::sweep(app, caller, Right::See, &sweep).await?;
        app.read(move |tx, _| stored::progress(tx, &sweep)).await?;
    }
    let app = app.clone();
    let wanted = Wanted { sweep, states, caller: caller.clone() };
    Ok(pages::stream(move |outlet| async move { send_runs(&app, wanted, limit, &outlet).await }))
}

fn state_from(name: &str) -> Result<run::State, Error> {
    run::State::from_name(name).ok_or_else(|| {
        let names = run::State::ALL.map(run::State::name).join(", ");
        Error::invalid(format!("no state `{name}`: {names}"))
    })
}

/// The runs of a list: those of one sweep, or all outside of sweeps; in these states, or in any.
struct Wanted {
    sweep: Option<SweepId>,
    states: Vec<run::State>,
    /// The caller, who gets only the runs that the caller may see.
    caller: Caller,
}

impl Wanted {
    fn sees(&self, RunView { run, .. }: &RunView) -> bool {
        self.caller.may(Right::See, &run.project, Thing::Run(&run.id, run.sweep.as_ref()))
    }
}

async fn send_runs(
    app: &Arc<App>,
    wanted: Wanted,
    limit: u32,
    outlet: &Outlet<RunView>,
) -> Result<(), Error> {
    let mut left = if limit == 0 { u32::MAX } else { limit };
    // Within a sweep, `at` is the number of the next trial. Outside of sweeps, `at` is the key of
    // the last run so far, and the next run has a smaller key.
    let mut at = if wanted.sweep.is_none() { i64::MAX } else { 0 };
    let mut pace = Pace::new(app);
    let wanted = Arc::new(wanted);
    while outlet.is_wanted().await {
        let (of, page) = (wanted.clone(), pace.limit().min(left));
        let found = app.read(move |tx, app| next_page(tx, app, &of, at, page)).await?;
        pace.took(found.iter().map(RunView::weight));
        let Some(last) = found.last() else { return Ok(()) };
        at = if wanted.sweep.is_none() {
            last.run.key
        } else {
            last.run.trial.unwrap_or_default().cast_signed() + 1
        };
        let is_last = found.len() < page as usize;
        for view in found.into_iter().filter(|view| wanted.sees(view)) {
            if !outlet.send(view).await {
                return Ok(());
            }
            left -= 1;
        }
        if is_last || left == 0 {
            return Ok(());
        }
    }
    Ok(())
}

fn next_page(
    tx: &Tx<'_>,
    app: &App,
    wanted: &Wanted,
    at: i64,
    limit: u32,
) -> Result<Vec<RunView>, Error> {
    let states = &wanted.states;
    let runs = match &wanted.sweep {
        None => store::runs::alone(tx, at, states, limit)?,
        Some(sweep) => store::runs::page_of_states(tx, sweep, at.cast_unsigned(), states, limit)?,
    };
    runs.into_iter().map(|found| views::run(tx, app, found)).collect()
}
