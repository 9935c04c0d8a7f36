//! Keeps reports: pages of texts and panels that people write about a project. Who may see the
//! project may read its reports, and who may log there may write them. A change names the version
//! that it is based on, so no editor overwrites the words of another. `api::web` calls this module.

use std::sync::Arc;

use record::ids::ProjectId;

use super::{
    App,
    change::Change,
    error::{Error, Why},
    limits::check_name,
    people::{
        audit,
        caller::{Caller, Right},
        permit,
        things::Thing,
    },
};
use crate::store::{
    self, Tx,
    reports::{Report, Wanted},
};

/// A report without its blocks, as callers see it.
pub(crate) type CardView = Report;

/// Which reports of a project a caller asks for.
pub(crate) type Search = Wanted;

/// A report with its blocks, as callers see it.
#[derive(Clone, Debug)]
pub(crate) struct ReportView {
    /// The report.
    pub(crate) report: Report,
    /// The blocks, a JSON list.
    pub(crate) blocks: String,
    /// Whether the caller may change it.
    pub(crate) writes: bool,
}

/// What a caller writes into a report.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    /// The title.
    pub(crate) title: String,
    /// The blocks, a JSON list.
    pub(crate) blocks: String,
    /// The number of blocks.
    pub(crate) count: usize,
    /// The keys of the frozen data that the blocks name.
    pub(crate) frozen: Vec<String>,
}

/// Passes if the contents are within the limits.
fn check(app: &App, contents: &Contents) -> Result<(), Error> {
    let limits = &app.settings.limits;
    check_name(limits, "the title", &contents.title)?;
    if contents.title.trim().is_empty() {
        return Err(Error::invalid("a report needs a title"));
    }
    let (count, most) = (contents.count, app.settings.reports.blocks);
    if count > most {
        let message = format!("the report has {count} blocks; the limit is {most}");
        return Err(Error::invalid(message).hint("write a second report"));
    }
    let (bytes, most) = (contents.blocks.len(), app.settings.reports.bytes);
    if bytes > most {
        let message = format!("the blocks of the report have {bytes} bytes; the limit is {most}");
        return Err(Error::invalid(message).hint("write a second report"));
    }
    Ok(())
}

fn no_report(id: &str) -> Error {
    Error::missing(format!("no report `{id}`")).hint("the page of the project lists its reports")
}

/// Returns a report, if the caller may do this to it.
fn open(tx: &Tx<'_>, caller: &Caller, right: Right, id: &str) -> Result<Report, Error> {
    caller.admits(right)?;
    let report = store::reports::get(tx, id)?.ok_or_else(|| no_report(id))?;
    caller.check(right, &report.project, Thing::Report(id), || no_report(id))?;
    Ok(report)
}

/// Returns a report that is not deleted, if the caller may do this to it.
fn open_shown(tx: &Tx<'_>, caller: &Caller, right: Right, id: &str) -> Result<Report, Error> {
    let report = open(tx, caller, right, id)?;
    match report.deleted_ms {
        None => Ok(report),
        Some(_) => Err(Error::missing(format!("the report `{id}` is deleted"))
            .hint("the list of deleted reports of the project can restore it")),
    }
}

/// Returns `limit` reports of a project from the `from`th on, the last changed first, and the
/// number of all.
///
/// # Errors
/// Fails with [`Error::Missing`] if the caller may not see the project.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    from: u64,
    limit: u64,
) -> Result<(Vec<Report>, u64), Error> {
    let project = &wanted.project;
    caller.check(Right::See, project, Thing::Project, || permit::no_project(project))?;
    app.read(move |tx, _| Ok(store::reports::list(tx, &wanted, from, limit)?)).await
}

/// Returns a report with its blocks.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such report that the caller may see, or if it is
/// deleted.
pub(crate) async fn get(app: &Arc<App>, caller: &Caller, id: String) -> Result<ReportView, Error> {
    let caller = caller.clone();
    app.read(move |tx, _| {
        let report = open_shown(tx, &caller, Right::See, &id)?;
        let writes = caller.may(Right::Log, &report.project, Thing::Report(&id));
        Ok(ReportView { blocks: store::reports::blocks(tx, &id)?, writes, report })
    })
    .await
}

/// Makes a report.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such project that the caller may see, and with
/// [`Error::Invalid`] if the contents are too large. Refuses a caller who may not log there.
pub(crate) async fn create(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    contents: Contents,
) -> Result<Report, Error> {
    caller.check(Right::Log, &project, Thing::Project, || permit::no_project(&project))?;
    check(app, &contents)?;
    let caller = caller.clone();
    let work = move |change: &mut Change<'_>| {
        if store::listing::first_ms(change.tx, &project)?.is_none() {
            return Err(permit::no_project(&project));
        }
        let most = change.app.settings.reports.per_project;
        if store::reports::count(change.tx, &project)? >= most {
            let message = format!("the project `{project}` has {most} reports, which is the limit");
            return Err(Error::invalid(message));
        }
        let mut id = change.app.chance.id();
        while store::reports::get(change.tx, &id)?.is_some() {
            id = change.app.chance.id();
        }
        let report = Report {
            id,
            project,
            title: contents.title,
            version: 1,
            author: caller.user().to_owned(),
            editor: caller.user().to_owned(),
            created_ms: change.now_ms,
            changed_ms: change.now_ms,
            noted_ms: change.now_ms,
            deleted_ms: None,
        };
        store::reports::save(change.tx, &report, &contents.blocks)?;
        note(change, &caller, "create report", &report)?;
        Ok(report)
    };
    app.change(work).await
}

fn note(change: &Change<'_>, caller: &Caller, what: &str, report: &Report) -> Result<(), Error> {
    audit::note(change, caller.who(), what, report.id.as_str(), Some(report.project.clone()))
}

/// Tells the roster that a report shows something else. The keys for this report open what it
/// shows.
fn tell(change: &mut Change<'_>, id: &str) -> Result<(), Error> {
    if change.app.roster.people().is_shared(id) { change.tell_roster() } else { Ok(()) }
}

/// Changes a report. `version` is the version that the change is based on.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such report, and with [`Error::Invalid`] if the
/// contents are too large. Refuses a change that is based on an older version.
pub(crate) async fn save(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
    version: u64,
    contents: Contents,
) -> Result<Report, Error> {
    check(app, &contents)?;
    let caller = caller.clone();
    let work = move |change: &mut Change<'_>| {
        let before = open_shown(change.tx, &caller, Right::Log, &id)?;
        if before.version != version {
            return Err(conflict(&before));
        }
        let limits = change.app.settings.reports;
        let since = change.now_ms.saturating_sub(before.noted_ms);
        let is_noted = before.editor != caller.user() || since > millis(limits.audit_pause);
        let report = Report {
            title: contents.title,
            version: before.version + 1,
            editor: caller.user().to_owned(),
            changed_ms: change.now_ms,
            noted_ms: if is_noted { change.now_ms } else { before.noted_ms },
            ..before
        };
        store::reports::save(change.tx, &report, &contents.blocks)?;
        tell(change, &id)?;
        let named = serde_json::json!(contents.frozen).to_string();
        let until_ms = change.now_ms.saturating_sub(millis(limits.frozen_grace));
        store::reports::thaw(change.tx, &id, &named, until_ms)?;
        if is_noted {
            note(change, &caller, "change report", &report)?;
        }
        Ok(report)
    };
    app.change(work).await
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn conflict(now: &Report) -> Error {
    let who = if now.editor.is_empty() { "the administrator" } else { &now.editor };
    let message =
        format!("{who} has changed this report meanwhile: its version is {}", now.version);
    Error::refused(Why::State, message)
        .hint("copy your words, load the newest version, and change that one")
}

/// Deletes a report. It can be restored until it is purged, as everything in the bin.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such report, or if it is deleted already.
pub(crate) async fn delete(app: &Arc<App>, caller: &Caller, id: String) -> Result<(), Error> {
    let caller = caller.clone();
    app.change(move |change| {
        let report = open_shown(change.tx, &caller, Right::Log, &id)?;
        let blocks = store::reports::blocks(change.tx, &id)?;
        let report = Report { deleted_ms: Some(change.now_ms), ..report };
        store::reports::save(change.tx, &report, &blocks)?;
        tell(change, &id)?;
        note(change, &caller, "delete report", &report)
    })
    .await
}

/// Restores a deleted report.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such report. Refuses one that is not deleted.
pub(crate) async fn restore(app: &Arc<App>, caller: &Caller, id: String) -> Result<(), Error> {
    let caller = caller.clone();
    app.change(move |change| {
        let report = open(change.tx, &caller, Right::Log, &id)?;
        if report.deleted_ms.is_none() {
            let message = format!("the report `{id}` is not deleted");
            return Err(Error::refused(Why::State, message));
        }
        let blocks = store::reports::blocks(change.tx, &id)?;
        let report = Report { deleted_ms: None, ..report };
        store::reports::save(change.tx, &report, &blocks)?;
        tell(change, &id)?;
        note(change, &caller, "restore report", &report)
    })
    .await
}

/// Keeps the data of a panel with its report, so that the panel stays as it is. Returns the key by
/// which the panel names the data. Data that no panel names goes with a later change.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such report, and with [`Error::Invalid`] if the
/// data is too large.
pub(crate) async fn freeze(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
    data: String,
) -> Result<String, Error> {
    let limits = app.settings.reports;
    let (bytes, most) = (data.len(), limits.panel_bytes);
    if bytes > most {
        let message = format!("the data of the panel has {bytes} bytes; the limit is {most}");
        return Err(Error::invalid(message).hint("show fewer runs, or leave the panel live"));
    }
    let caller = caller.clone();
    let work = move |change: &mut Change<'_>| {
        open_shown(change.tx, &caller, Right::Log, &id)?;
        let most = limits.frozen_bytes;
        if store::reports::frozen_bytes(change.tx, &id)? + data.len() as u64 > most {
            let message = format!("the frozen panels of a report have at most {most} bytes");
            return Err(Error::invalid(message).hint("leave some panels live"));
        }
        let key = change.app.chance.id();
        store::reports::freeze(change.tx, &id, &key, &data, change.now_ms)?;
        Ok(key)
    };
    app.change(work).await
}

/// Returns the data of a frozen panel, as JSON.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such report that the caller may see, or if it has
/// no such data.
pub(crate) async fn frozen(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
    key: String,
) -> Result<String, Error> {
    let caller = caller.clone();
    app.read(move |tx, _| {
        open_shown(tx, &caller, Right::See, &id)?;
        let missing = || Error::missing(format!("the report `{id}` has no data `{key}`"));
        store::reports::frozen(tx, &id, &key)?.ok_or_else(missing)
    })
    .await
}
