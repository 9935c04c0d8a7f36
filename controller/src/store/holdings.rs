//! Stores which project has which contents, and how many bytes they take. `app::files::owner` calls
//! it and decides who may name a content; `app::files::blobs` calls it for uploads. Every function
//! fails only if the database does.

use record::ids::ProjectId;

use super::database::{Result, Tx, int};

/// Returns whether the project has the content.
pub(crate) fn has(tx: &Tx<'_>, project: &ProjectId, sha256: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM holdings WHERE sha256 = ?1 AND project = ?2";
    Ok(tx.one(sql, &[&sha256, &project.as_str()], |_| Ok(()))?.is_some())
}

/// Records that the project has the content, and adds its size to the bytes of the project and of
/// `run`. Changes nothing if the project has the content already. `run` is the run whose token
/// uploaded the content; `None` if no run's token did.
pub(crate) fn add(
    tx: &Tx<'_>,
    project: &ProjectId,
    sha256: &str,
    size: u64,
    run: Option<i64>,
) -> Result<()> {
    let size = int(size)?;
    let new = tx.run(
        "INSERT OR IGNORE INTO holdings (sha256, project, size, run) VALUES (?1, ?2, ?3, ?4)",
        &[&sha256, &project.as_str(), &size, &run],
    )?;
    if new == 0 {
        return Ok(());
    }
    tx.run(
        "INSERT INTO project_bytes (project, bytes) VALUES (?1, ?2)
         ON CONFLICT (project) DO UPDATE SET bytes = bytes + excluded.bytes",
        &[&project.as_str(), &size],
    )?;
    if let Some(run) = run {
        tx.run(
            "INSERT INTO run_bytes (run, bytes) VALUES (?1, ?2)
             ON CONFLICT (run) DO UPDATE SET bytes = bytes + excluded.bytes",
            &[&run, &size],
        )?;
    }
    Ok(())
}

/// Returns the projects that have the content.
pub(crate) fn projects(tx: &Tx<'_>, sha256: &str) -> Result<Vec<ProjectId>> {
    tx.all("SELECT project FROM holdings WHERE sha256 = ?1", &[&sha256], |row| row.get(0))
}

/// Returns two sums of bytes: of the contents that the project has, and of those that the run's
/// tokens have uploaded, which is 0 without a run.
pub(crate) fn bytes(tx: &Tx<'_>, project: &ProjectId, run: Option<i64>) -> Result<(u64, u64)> {
    let of_project = tx
        .one("SELECT bytes FROM project_bytes WHERE project = ?1", &[&project.as_str()], |row| {
            row.count(0)
        })?
        .unwrap_or_default();
    let of_run =
        tx.one("SELECT bytes FROM run_bytes WHERE run = ?1", &[&run], |row| row.count(0))?;
    Ok((of_project, of_run.unwrap_or_default()))
}

/// Forgets a content that is gone: takes it from all projects, and its size from the bytes of these
/// projects and of the runs that brought it.
pub(crate) fn forget(tx: &Tx<'_>, sha256: &str) -> Result<()> {
    tx.run(
        "UPDATE project_bytes SET bytes = bytes - (SELECT size FROM holdings WHERE sha256 = ?1 \
        LIMIT 1)
         WHERE project IN (SELECT project FROM holdings WHERE sha256 = ?1)",
        &[&sha256],
    )?;
    tx.run(
        "UPDATE run_bytes SET bytes = bytes - (SELECT size FROM holdings WHERE sha256 = ?1 LIMIT 1)
         WHERE run IN (SELECT run FROM holdings WHERE sha256 = ?1)",
        &[&sha256],
    )?;
    tx.run("DELETE FROM holdings WHERE sha256 = ?1", &[&sha256])?;
    Ok(())
}
