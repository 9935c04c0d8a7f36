//! Reads artifacts for people: the names of a project, the files below a folder of a version, the
//! difference between two versions, and the neighbours in the lineage. `app::files::catalog` and
//! `app::read::lineage` call it. Every function fails only if the database does.

use record::{
    artifact::Entry,
    ids::{ProjectId, RunId, SweepId},
};

use super::{
    artifacts::{Role, entry},
    database::{Result, Tx},
};

/// All versions of a name, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The name.
    pub(crate) name: String,
    /// The number of its versions.
    pub(crate) versions: u64,
    /// The sum of the bytes of its versions. Contents that several versions have count in each.
    pub(crate) size: u64,
}

/// Counts the versions of at most `limit` names of a project that come after `after`, in the order
/// of the names. Leaves out removed versions.
pub(crate) fn names(
    tx: &Tx<'_>,
    project: &ProjectId,
    after: &str,
    limit: u32,
) -> Result<Vec<Named>> {
    tx.all(
        "SELECT name, count(*), sum(size) FROM artifacts
         WHERE project = ?1 AND name > ?2 AND removed = 0 GROUP BY name ORDER BY name LIMIT ?3",
        &[&project.as_str(), &after, &limit],
        |row| Ok(Named { name: row.get(0)?, versions: row.count(1)?, size: row.count(2)? }),
    )
}

/// Finds the first entry of a version whose path is `from` or comes after it.
pub(crate) fn first_entry(tx: &Tx<'_>, key: i64, from: &str) -> Result<Option<Entry>> {
    tx.one(
        "SELECT path, sha256, size, reference, pin FROM artifact_entries
         WHERE artifact = ?1 AND path >= ?2 ORDER BY path LIMIT 1",
        &[&key, &from],
        entry,
    )
}

/// Counts the entries of a version whose paths lie between `from` and `to`, which is left out.
/// Returns their number and the sum of their bytes.
pub(crate) fn between(tx: &Tx<'_>, key: i64, from: &str, to: &str) -> Result<(u64, u64)> {
    let found = tx.one(
        "SELECT count(*), coalesce(sum(size), 0) FROM artifact_entries
         WHERE artifact = ?1 AND path >= ?2 AND path < ?3",
        &[&key, &from, &to],
        |row| Ok((row.count(0)?, row.count(1)?)),
    )?;
    Ok(found.unwrap_or_default())
}

/// The run and what the lineage shows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunFacts {
    /// The internal key.
    pub(crate) key: i64,
    /// The id.
    pub(crate) id: RunId,
    /// The name for people; empty for a deleted run.
    pub(crate) name: String,
    /// The word for its state; `None` if the run is deleted.
    pub(crate) state: Option<String>,
    /// Its project; empty if the run is deleted for good.
    pub(crate) project: ProjectId,
    /// The sweep whose trial it is.
    pub(crate) sweep: Option<SweepId>,
}

/// Reads at most `limit` runs that made or used a version. The run that did so first comes first.
pub(crate) fn runs_of(tx: &Tx<'_>, key: i64, role: Role, limit: u32) -> Result<Vec<RunFacts>> {
    tx.all(
        "SELECT noted.run, coalesce(runs.id, gone_runs.id), coalesce(runs.name, ''),
                shown_runs.state, coalesce(runs.project, ''), runs.sweep
         FROM artifact_runs AS noted LEFT JOIN runs ON runs.key = noted.run
             LEFT JOIN shown_runs ON shown_runs.key = noted.run
             LEFT JOIN gone_runs ON gone_runs.run = noted.run
         WHERE noted.artifact = ?1 AND noted.made = ?2 ORDER BY noted.at_ms, noted.run LIMIT ?3",
        &[&key, &(role == Role::Made), &limit],
        |row| {
            Ok(RunFacts {
                key: row.get(0)?,
                id: row.get(1)?,
                name: row.get(2)?,
                state: row.get(3)?,
                project: row.get(4)?,
                sweep: row.get(5)?,
            })
        },
    )
}

/// A version and what the lineage shows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionFacts {
    /// The internal key.
    pub(crate) key: i64,
    /// The project.
    pub(crate) project: ProjectId,
    /// The artifact's name.
    pub(crate) name: String,
    /// The version's number.
    pub(crate) version: u64,
    /// The artifact's type.
    pub(crate) kind: String,
}

/// Reads at most `limit` versions that a run made or used, in the order of their keys. Leaves out
/// removed versions.
pub(crate) fn versions_of(
    tx: &Tx<'_>,
    run: i64,
    role: Role,
    limit: u32,
) -> Result<Vec<VersionFacts>> {
    tx.all(
        "SELECT key, project, name, version, kind
         FROM artifact_runs AS noted JOIN artifacts ON key = noted.artifact
         WHERE noted.run = ?1 AND noted.made = ?2 AND removed = 0 ORDER BY key LIMIT ?3",
        &[&run, &(role == Role::Made), &limit],
        |row| {
            Ok(VersionFacts {
                key: row.get(0)?,
                project: row.get(1)?,
                name: row.get(2)?,
                version: row.count(3)?,
                kind: row.get(4)?,
            })
        },
    )
}
