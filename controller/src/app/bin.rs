//! Deletes runs and sweeps, restores them, and lists what is in the bin. What is in the bin is
//! hidden from people, and still counts for the search of its sweep (docs/decisions/bin.md). The
//! handlers in `api` call this module. `app::upkeep::purge` empties the bin later.

use std::{collections::BTreeSet, sync::Arc};

use record::ids::{ProjectId, RunId, SweepId};
use tokio_stream::StreamExt as _;

use super::{
    App,
    change::{
        Change,
        wakeups::{Topic, Wake},
    },
    error::{Error, Why},
    files::{
        artifacts,
        versions::{Key, Wanted},
    },
    people::{
        audit,
        caller::{Caller, Right},
        permit,
        things::Thing,
    },
    runs::{begin, lookup},
    sweeps::planning,
};
use crate::store::{
    self, Tx,
    bin::{Binned, Hidden, Subject},
};

/// Something in the bin, as callers see it.
#[derive(Clone, Debug)]
pub(crate) struct BinnedView {
    /// The run or the sweep.
    pub(crate) binned: Binned,
    /// The bytes of its rows and files. Contents that other runs also have count in full.
    pub(crate) bytes: u64,
    /// When it is removed for good, in milliseconds since the epoch.
    pub(crate) purge_ms: i64,
}

/// A run or a sweep that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restored {
    /// Its id.
    pub(crate) id: String,
    /// Whether it is a sweep.
    pub(crate) is_sweep: bool,
    /// The new name of a run in its project, if another run has taken its name meanwhile.
    pub(crate) renamed: Option<String>,
}

/// Returns when something that was deleted at `deleted_ms` is removed for good, in milliseconds
/// since the epoch.
fn purge_ms(app: &App, deleted_ms: i64) -> i64 {
    let keep_ms = i64::try_from(app.settings.keep_deleted.as_millis()).unwrap_or(i64::MAX);
    deleted_ms.saturating_add(keep_ms)
}

/// Passes if a call may name so many runs and sweeps.
fn check_count(app: &App, count: usize) -> Result<(), Error> {
    let most = app.settings.limits.bin.deleted;
    if count <= most {
        return Ok(());
    }
    Err(Error::invalid(format!("the call names {count} runs and sweeps; the limit is {most}"))
        .hint("name the rest in further calls"))
}

/// Puts runs into the bin, or none of them if one cannot go there. Returns when they are removed
/// for good, in milliseconds since the epoch.
///
/// # Errors
/// Fails with [`Error::Missing`] if a run does not exist or is deleted already. Refuses a run that
/// is not over, and the token of a run.
pub(crate) async fn delete_runs(
    app: &Arc<App>,
    caller: &Caller,
    ids: Vec<RunId>,
) -> Result<i64, Error> {
    caller.admits(Right::Steer)?;
    check_count(app, ids.len())?;
    let (caller, ids) = (caller.clone(), BTreeSet::from_iter(ids));
    let delete = move |change: &mut Change<'_>| {
        for id in &ids {
            let run = deletable(change.tx, &caller, id)?;
            store::bin::put_run(change.tx, run.key, &caller.who(), change.now_ms)?;
            noted(change, &caller, "delete run", id, &run.project)?;
        }
        Ok(purge_ms(change.app, change.now_ms))
    };
    app.change(delete).await
}

/// Returns the run, if the caller may delete it now.
fn deletable(tx: &Tx<'_>, caller: &Caller, id: &RunId) -> Result<Subject, Error> {
    permit::run_in(tx, caller, Right::Steer, id)?;
    let Some(run) = store::bin::subject(tx, id)? else { return Err(lookup::missing(tx, id)?) };
    if !run.state.is_live() {
        return Ok(run);
    }
    let state = run.state.name();
    let message = format!("the run `{id}` is {state}: only a run that is over can be deleted");
    let hint = match &run.sweep {
        Some(sweep) => {
            format!("wait until it ends, or end it with its sweep: `sweep cancel {sweep}`")
        }
        None => "stop its program first".to_owned(),
    };
    Err(Error::refused(Why::State, message).hint(hint))
}

/// Writes the audit's entry on a run, and wakes those who watch the run.
fn noted(
    change: &mut Change<'_>,
    caller: &Caller,
    what: &str,
    id: &RunId,
    project: &ProjectId,
) -> Result<(), Error> {
    audit::note(change, caller.who(), what, id.as_str(), Some(project.clone()))?;
    change.wake(Wake::All(Topic::Run(id.clone())));
    if let Some(sweep) = id.sweep() {
        change.wake(Wake::All(Topic::Sweep(sweep)));
    }
    Ok(())
}

/// Removes the versions of artifacts that a run has made, and then puts the run into the bin. If
/// the call is cut off, a repeat completes it.
///
/// # Errors
/// Fails as [`delete_runs`] does.
pub(crate) async fn delete_run_and_artifacts(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
) -> Result<i64, Error> {
    caller.admits(Right::Steer)?;
    let (who, wanted) = (caller.clone(), id.clone());
    app.read(move |tx, _| deletable(tx, &who, &wanted)).await?;
    let mut all = artifacts::of_run(app, caller, id.clone()).await?;
    let mut made = Vec::new();
    while let Some(of) = all.next().await {
        let of = of?;
        if of.made {
            made.push(Wanted::of(Key::Version(of.artifact.version.key)));
        }
    }
    for version in made {
        match artifacts::remove(app, caller, version).await {
            // Somebody else has removed it meanwhile.
            Err(Error::Missing(_)) => {}
            removed => drop(removed?),
        }
    }
    delete_runs(app, caller, vec![id]).await
}

/// Puts a sweep into the bin, with all of its trials. Returns when it is removed for good, in
/// milliseconds since the epoch.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist or is deleted already. Refuses a sweep
/// that is not over, or has a trial that is not over.
pub(crate) async fn delete_sweep(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
) -> Result<i64, Error> {
    permit::sweep(app, caller, Right::Steer, &id).await?;
    let plan = planning::of(app, &id).await?;
    let who = caller.who();
    let delete = move |change: &mut Change<'_>| {
        let progress = change.progress(&id)?;
        let (state, live) = (progress.state, progress.live());
        if !state.is_over() || live > 0 {
            return Err(still_live(&id, state.name(), live));
        }
        let (project, now_ms) = (&plan.project, change.now_ms);
        let name = plan.config.name.as_deref().unwrap_or_default();
        store::bin::put_sweep(change.tx, &id, project, name, &who, now_ms)?;
        audit::note(change, who, "delete sweep", id.as_str(), Some(project.clone()))?;
        change.wake(Wake::All(Topic::Sweep(id)));
        Ok(purge_ms(change.app, now_ms))
    };
    app.change(delete).await
}

fn still_live(id: &SweepId, state: &str, live: u64) -> Error {
    let trials = if live == 1 { "1 trial".to_owned() } else { format!("{live} trials") };
    let message = format!(
        "the sweep `{id}` is {state} and has {trials} that are not over: only a sweep that is over \
        can be deleted"
    );
    Error::refused(Why::State, message).hint(format!("`sweep cancel {id}` ends it and its trials"))
}

/// Takes runs and sweeps out of the bin, or none of them if one cannot be restored.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such run or sweep, or it is deleted for good.
/// Refuses one that is not deleted, a run whose sweep is deleted, and the token of a run.
pub(crate) async fn restore(
    app: &Arc<App>,
    caller: &Caller,
    ids: Vec<String>,
) -> Result<Vec<Restored>, Error> {
    caller.admits(Right::Steer)?;
    check_count(app, ids.len())?;
    let (caller, ids) = (caller.clone(), BTreeSet::from_iter(ids));
    let restore = move |change: &mut Change<'_>| {
        let mut room = change.app.settings.limits.changed_bytes as u64;
        // A sweep comes before its trials, because its id is the beginning of theirs.
        ids.iter().map(|id| restore_one(change, &caller, id, &mut room)).collect()
    };
    app.change(restore).await
}

/// Restores one run or sweep. `room` is how many bytes of configs the database may still write
/// again in this change, as it does for a run that gets a new name.
fn restore_one(
    change: &mut Change<'_>,
    caller: &Caller,
    id: &str,
    room: &mut u64,
) -> Result<Restored, Error> {
    let nothing = || {
        Error::missing(format!("no run or sweep `{id}` in the bin"))
            .hint("`sweep bin` shows what is there")
    };
    let sweep = SweepId::from(id);
    if let Some(binned) = store::bin::sweep(change.tx, &sweep)? {
        caller.check(Right::Steer, &binned.project, Thing::Sweep(&sweep), nothing)?;
        return restore_sweep(change, caller, sweep, binned.project, binned.purged);
    }
    if let Some(found) = store::sweeps::get(change.tx, &sweep)? {
        caller.check(Right::Steer, &found.project, Thing::Sweep(&sweep), nothing)?;
        return Err(Error::refused(Why::State, format!("the sweep `{id}` is not deleted")));
    }
    let run = RunId::from(id);
    permit::run_in(change.tx, caller, Right::Steer, &run).map_err(|error| match error {
        Error::Missing(_) => nothing(),
        error => error,
    })?;
    match store::bin::hidden(change.tx, &run)? {
        Some(Hidden::Deleted) => restore_run(change, caller, &run, room),
        Some(Hidden::WithSweep(sweep)) => {
            let message = format!("the run `{id}` is deleted with its sweep `{sweep}`");
            let hint = format!("`sweep restore {sweep}` restores the sweep with all trials");
            Err(Error::refused(Why::State, message).hint(hint))
        }
        Some(Hidden::Purged) => Err(lookup::missing(change.tx, &run)?),
        None if store::bin::subject(change.tx, &run)?.is_some() => {
            Err(Error::refused(Why::State, format!("the run `{id}` is not deleted")))
        }
        None => Err(nothing()),
    }
}

fn restore_sweep(
    change: &mut Change<'_>,
    caller: &Caller,
    id: SweepId,
    project: ProjectId,
    purged: bool,
) -> Result<Restored, Error> {
    if purged {
        return Err(Error::missing(format!("the sweep `{id}` is deleted for good")));
    }
    store::bin::take_sweep(change.tx, &id)?;
    audit::note(change, caller.who(), "restore sweep", id.as_str(), Some(project))?;
    change.wake(Wake::All(Topic::Sweep(id.clone())));
    Ok(Restored { id: id.into(), is_sweep: true, renamed: None })
}

fn restore_run(
    change: &mut Change<'_>,
    caller: &Caller,
    id: &RunId,
    room: &mut u64,
) -> Result<Restored, Error> {
    store::bin::take_run(change.tx, id)?;
    let run = store::bin::subject(change.tx, id)?;
    let run = run.ok_or_else(|| Error::Bug(format!("the run `{id}` did not leave the bin")))?;
    let mut renamed = None;
    if store::bin::has_namesake(change.tx, &run)? {
        // Another run has the name now. This one gets a name that nobody has.
        *room = room.checked_sub(run.bytes).ok_or_else(|| {
            let message = "the runs that need a new name have too large configs for one call";
            Error::invalid(message).hint("restore them in several calls")
        })?;
        let name = begin::free_id(change)?.to_string();
        store::bin::rename(change.tx, &run, &name)?;
        renamed = Some(name);
    }
    noted(change, caller, "restore run", id, &run.project)?;
    Ok(Restored { id: id.to_string(), is_sweep: false, renamed })
}

/// Returns what is in the bin and the caller may see, the last deleted first: at most `limit`
/// entries, or as many as a list may have if `limit` is 0. A `project` leaves out all others.
///
/// # Errors
/// Refuses the token of a run, and a key that does not open the reading.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    project: Option<ProjectId>,
    limit: u32,
) -> Result<Vec<BinnedView>, Error> {
    caller.admits(Right::See)?;
    let most = app.settings.limits.bin.listed;
    let limit = if limit == 0 { most } else { limit.min(most) } as usize;
    let caller = caller.clone();
    app.read(move |tx, app| {
        let mut found: Vec<Binned> = Vec::new();
        store::bin::each(tx, |binned| -> Result<bool, Error> {
            let is_wanted = project.as_ref().is_none_or(|project| binned.project == *project);
            if is_wanted && caller.may(Right::See, &binned.project, Thing::Project) {
                found.push(binned);
            }
            Ok(found.len() < limit)
        })?;
        let view = |binned: Binned| {
            let bytes = store::bin::bytes(tx, &binned)?;
            Ok(BinnedView { bytes, purge_ms: purge_ms(app, binned.deleted_ms), binned })
        };
        found.into_iter().map(view).collect()
    })
    .await
}
