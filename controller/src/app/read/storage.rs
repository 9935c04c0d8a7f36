//! Says what the data folder takes on the disk: for administrators as a whole, and for everybody
//! who may see a project or a run. The handlers in `api::web` call this module. It changes nothing.

use std::{collections::BTreeMap, fs, sync::Arc};

use record::ids::{ProjectId, RunId};

use crate::{
    app::{
        App, bin,
        error::{Error, Why},
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        runs::lookup,
    },
    store::{self, usage::Amount},
};

/// What the data folder takes on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    /// The bytes of the database's files.
    pub(crate) database: u64,
    /// The number of contents of files and their bytes.
    pub(crate) contents: Amount,
    /// The number of kept checkpoints and their bytes, which are part of the contents.
    pub(crate) checkpoints: Amount,
    /// The number of entries of the bin and their bytes.
    pub(crate) bin: Amount,
    /// The bytes that are free on the disk; `None` if the disk does not say.
    pub(crate) free: Option<u64>,
    /// The bytes that the controller keeps for changes of state.
    pub(crate) reserve: u64,
    /// Whether the reserve is there.
    pub(crate) has_reserve: bool,
    /// Whether the disk is full, so that rows and contents are refused.
    pub(crate) is_full: bool,
}

/// What a project takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectUsage {
    /// The project.
    pub(crate) project: ProjectId,
    /// The bytes of its contents.
    pub(crate) contents: u64,
    /// The bytes of the rows of its runs.
    pub(crate) rows: u64,
}

/// Returns what the data folder takes.
///
/// # Errors
/// Refuses a caller who is no administrator.
pub(crate) async fn whole(app: &Arc<App>, caller: &Caller) -> Result<Storage, Error> {
    caller.admits(Right::Manage)?;
    if !caller.is_admin() {
        let message = "only an administrator sees what the whole data folder takes";
        return Err(Error::refused(Why::Forbidden, message));
    }
    let binned = bin::list(app, caller, None, 0).await?;
    let bin = (binned.len() as u64, binned.iter().map(|entry| entry.bytes).sum());
    app.read(move |tx, app| {
        let size = |name: &str| {
            let path = app.settings.data.join(name);
            fs::metadata(path).map_or(0, |file| file.len())
        };
        let log = format!("{}-wal", store::DATABASE);
        let disk = app.store.disk.as_ref();
        let reserve = app.settings.reserve_bytes;
        Ok(Storage {
            database: size(store::DATABASE) + size(&log),
            contents: store::usage::contents(tx)?,
            checkpoints: store::usage::checkpoints(tx)?,
            bin,
            free: disk.and_then(|disk| disk.free().ok()),
            reserve,
            has_reserve: disk.is_some_and(|disk| disk.holds(reserve)),
            is_full: app.full.is_full(),
        })
    })
    .await
}

/// Returns what each project takes that the caller may see. The largest comes first.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) async fn by_project(
    app: &Arc<App>,
    caller: &Caller,
) -> Result<Vec<ProjectUsage>, Error> {
    caller.admits(Right::See)?;
    let caller = caller.clone();
    app.read(move |tx, _| {
        let mut found: BTreeMap<ProjectId, (u64, u64)> = BTreeMap::new();
        for (project, bytes) in store::usage::contents_by_project(tx)? {
            found.entry(project).or_default().0 = bytes;
        }
        for (project, bytes) in store::usage::rows_by_project(tx)? {
            found.entry(project).or_default().1 = bytes;
        }
        let seen = found.into_iter().filter(|(project, _)| {
            !project.name().is_empty() && caller.may(Right::See, project, Thing::Project)
        });
        let usage = |(project, (contents, rows))| ProjectUsage { project, contents, rows };
        let mut seen: Vec<ProjectUsage> = seen.map(usage).collect();
        seen.sort_by_key(|usage| std::cmp::Reverse(usage.contents + usage.rows));
        Ok(seen)
    })
    .await
}

/// Returns the bytes of the rows, the files and the kept checkpoints of a run.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn of_run(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
) -> Result<(u64, u64, u64), Error> {
    permit::run(app, caller, Right::See, &run).await?;
    app.read(move |tx, _| Ok(store::usage::of_run(tx, lookup::find(tx, &run)?.key)?)).await
}

/// Returns the number of the database's schema.
///
/// # Errors
/// Refuses the token of a run, and a key that does not open the reading.
pub(crate) fn schema(caller: &Caller) -> Result<usize, Error> {
    caller.admits(Right::See)?;
    Ok(store::usage::schema())
}
