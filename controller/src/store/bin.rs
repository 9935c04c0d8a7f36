//! Stores which runs and sweeps are in the bin. `app::bin` decides what goes into it and out of it.
//! The views `shown_runs` and `shown_sweeps` leave out what is in the bin. Every function fails
//! only if the database does, unless its comment says more.

use record::ids::{ProjectId, RunId, SweepId};
use sweeps::lifecycle::run::State;

use super::{
    database::{Error, Result, Tx},
    usage,
};

/// Why a stored run is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// It is in the bin and can be restored.
    Deleted,
    /// Its sweep is in the bin and can be restored.
    WithSweep(SweepId),
    /// Its rows are being removed or are gone. It cannot be restored.
    Purged,
}

/// Returns why a stored run is not shown; `None` if it is shown, or there is no such run.
pub(crate) fn hidden(tx: &Tx<'_>, id: &RunId) -> Result<Option<Hidden>> {
    let found = tx.one(
        "SELECT b.purged, s.purged, s.sweep FROM runs r LEFT JOIN bin_runs b ON b.run = r.key
             LEFT JOIN bin_sweeps s ON s.sweep = r.sweep WHERE r.id = ?1",
        &[&id.as_str()],
        |row| Ok((row.get::<Option<i64>>(0)?, row.get::<Option<i64>>(1)?, row.get(2)?)),
    )?;
    Ok(match found {
        Some((Some(1..), ..) | (_, Some(1..), _)) => Some(Hidden::Purged),
        Some((_, _, Some(sweep))) => Some(Hidden::WithSweep(sweep)),
        Some((Some(_), ..)) => Some(Hidden::Deleted),
        _ => None,
    })
}

/// A sweep in the bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BinnedSweep {
    /// Its project.
    pub(crate) project: ProjectId,
    /// Whether its rows are being removed, so that it cannot be restored.
    pub(crate) purged: bool,
}

/// Finds a sweep in the bin.
pub(crate) fn sweep(tx: &Tx<'_>, id: &SweepId) -> Result<Option<BinnedSweep>> {
    let sql = "SELECT project, purged FROM bin_sweeps WHERE sweep = ?1";
    tx.one(sql, &[&id.as_str()], |row| {
        Ok(BinnedSweep { project: row.get(0)?, purged: row.get(1)? })
    })
}

/// What a deletion or a restoration needs to know of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The internal key.
    pub(crate) key: i64,
    /// The run's project.
    pub(crate) project: ProjectId,
    /// The sweep that the run is a trial of.
    pub(crate) sweep: Option<SweepId>,
    /// The run's name in its project: its slug, or else its id.
    pub(crate) name: String,
    /// The run's state.
    pub(crate) state: State,
    /// The bytes of its config.
    pub(crate) bytes: u64,
}

/// Reads a run that is not deleted, without its config. Returns `None` if there is none.
pub(crate) fn subject(tx: &Tx<'_>, id: &RunId) -> Result<Option<Subject>> {
    let sql = "SELECT key, project, sweep, coalesce(slug, id), state, octet_length(config)
               FROM shown_runs WHERE id = ?1";
    tx.one(sql, &[&id.as_str()], |row| {
        Ok(Subject {
            key: row.get(0)?,
            project: row.get(1)?,
            sweep: row.get(2)?,
            name: row.get(3)?,
            state: row.get(4)?,
            bytes: row.count(5)?,
        })
    })
}

/// Puts a run into the bin. Also fails if the run is there already.
pub(crate) fn put_run(tx: &Tx<'_>, key: i64, who: &str, now_ms: i64) -> Result<()> {
    tx.run(
        "INSERT INTO bin_runs (run, deleted_ms, who, purged) VALUES (?1, ?2, ?3, 0)",
        &[&key, &now_ms, &who],
    )?;
    Ok(())
}

/// Puts a sweep into the bin, with all of its trials. Also fails if the sweep is there already.
pub(crate) fn put_sweep(
    tx: &Tx<'_>,
    id: &SweepId,
    project: &ProjectId,
    name: &str,
    who: &str,
    now_ms: i64,
) -> Result<()> {
    tx.run(
        "INSERT INTO bin_sweeps (sweep, deleted_ms, who, project, name, purged)
         VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        &[&id.as_str(), &now_ms, &who, &project.as_str(), &name],
    )?;
    Ok(())
}

/// Takes a run out of the bin. Returns whether it was there and could be restored.
pub(crate) fn take_run(tx: &Tx<'_>, id: &RunId) -> Result<bool> {
    let taken = tx.run(
        "DELETE FROM bin_runs WHERE run = (SELECT key FROM runs WHERE id = ?1) AND purged = 0",
        &[&id.as_str()],
    )?;
    Ok(taken > 0)
}

/// Returns whether another run that is not deleted has the run's name in its project.
pub(crate) fn has_namesake(tx: &Tx<'_>, run: &Subject) -> Result<bool> {
    let sql = "SELECT 1 FROM shown_runs WHERE project = ?1 AND slug = ?2 AND key <> ?3
               UNION ALL
               SELECT 1 FROM shown_runs
               WHERE id = ?2 AND project = ?1 AND slug IS NULL AND key <> ?3
               LIMIT 1";
    Ok(tx.one(sql, &[&run.project.as_str(), &run.name, &run.key], |_| Ok(()))?.is_some())
}

/// Gives a run another name in its project, which no run there has.
pub(crate) fn rename(tx: &Tx<'_>, run: &Subject, slug: &str) -> Result<()> {
    tx.run("UPDATE runs SET slug = ?2 WHERE key = ?1", &[&run.key, &slug])?;
    tx.rewrote(usize::try_from(run.bytes).unwrap_or(usize::MAX));
    Ok(())
}

/// Takes a sweep out of the bin.
pub(crate) fn take_sweep(tx: &Tx<'_>, id: &SweepId) -> Result<()> {
    tx.run("DELETE FROM bin_sweeps WHERE sweep = ?1", &[&id.as_str()])?;
    Ok(())
}

/// A run or a sweep in the bin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binned {
    /// Whether it is a sweep.
    pub(crate) is_sweep: bool,
    /// Its id.
    pub(crate) id: String,
    /// The internal key of a run; 0 for a sweep.
    pub(crate) key: i64,
    /// Its name for people; may be empty.
    pub(crate) name: String,
    /// Its project.
    pub(crate) project: ProjectId,
    /// The sweep, or the one that the run is a trial of.
    pub(crate) sweep: Option<SweepId>,
    /// When it was deleted, in milliseconds since the epoch.
    pub(crate) deleted_ms: i64,
    /// Who deleted it, as in the audit.
    pub(crate) who: String,
}

/// Passes what can be restored to `show`, the last deleted first, until `show` returns `false`. The
/// trials of a sweep in the bin are left out. Also fails with the error of `show`.
pub(crate) fn each<E: From<Error>>(
    tx: &Tx<'_>,
    mut show: impl FnMut(Binned) -> std::result::Result<bool, E>,
) -> std::result::Result<(), E> {
    tx.each(
        "SELECT 0 AS is_sweep, id, key, name, project, sweep, deleted_ms, who
             FROM bin_runs JOIN runs ON key = run
             WHERE purged = 0
               AND (sweep IS NULL OR sweep NOT IN (SELECT sweep FROM bin_sweeps))
         UNION ALL
         SELECT 1, sweep, 0, name, project, sweep, deleted_ms, who FROM bin_sweeps
             WHERE purged = 0
         ORDER BY deleted_ms DESC, id",
        &[],
        |row| {
            show(Binned {
                is_sweep: row.get(0)?,
                id: row.get(1)?,
                key: row.get(2)?,
                name: row.get(3)?,
                project: row.get(4)?,
                sweep: row.get(5)?,
                deleted_ms: row.get(6)?,
                who: row.get(7)?,
            })
        },
    )
}

/// Returns how many bytes the rows and files of something in the bin take. Contents that other runs
/// also have count in full.
pub(crate) fn bytes(tx: &Tx<'_>, of: &Binned) -> Result<u64> {
    let (rows, files, checkpoints) = match of.is_sweep {
        true => usage::of_sweep(tx, &of.id)?,
        false => usage::of_run(tx, of.key)?,
    };
    Ok(rows + files + checkpoints)
}
