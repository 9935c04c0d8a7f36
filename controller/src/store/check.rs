//! Reads what a check of the whole folder needs. `app::upkeep::fsck` and backups call it. It reads
//! the runs and the blobs a page at a time, and never changes the database. Every function fails
//! only if the database does, unless its comment says more.

use std::path::Path;

use record::ids::{RunId, SweepId};

use super::database::{Result, Tx};

/// A stream that has rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Streamed {
    /// Its name, which may be damaged.
    pub(crate) stream: String,
    /// The attempt that wrote the stream.
    pub(crate) attempt: u32,
    /// The name of the writer within the attempt.
    pub(crate) writer: String,
}

/// Copies the database as this transaction sees it into a new file, and syncs the file. `seen`
/// receives the number of copied pages and the number of all pages, again and again during the
/// copy. Fails if the database cannot be read, or the disk does not take the copy.
pub(crate) fn copy(tx: &Tx<'_>, into: &Path, seen: impl FnMut(u64, u64)) -> Result<()> {
    tx.copy(into, seen)
}

/// Returns the problems that SQLite finds in the database file; an intact file has none. Fails if
/// the database cannot be read at all.
pub(crate) fn integrity(tx: &Tx<'_>) -> Result<Vec<String>> {
    let found = tx.all("PRAGMA integrity_check", &[], |row| row.get::<String>(0))?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Reads the keys and ids of at most `limit` runs whose keys are above `after`, in the order of
/// their keys.
pub(crate) fn runs(tx: &Tx<'_>, after: i64, limit: u32) -> Result<Vec<(i64, RunId)>> {
    tx.all(
        "SELECT key, id FROM runs WHERE key > ?1 ORDER BY key LIMIT ?2",
        &[&after, &limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Lists the streams that have rows of a run.
pub(crate) fn streams(tx: &Tx<'_>, run: i64) -> Result<Vec<Streamed>> {
    tx.all(
        "SELECT DISTINCT stream, attempt, writer FROM blocks WHERE run = ?1 ORDER BY stream, \
        attempt, writer",
        &[&run],
        |row| Ok(Streamed { stream: row.get(0)?, attempt: row.get(1)?, writer: row.get(2)? }),
    )
}

/// Reads the hashes and sizes of at most `limit` blobs that are not marked as gone, so their
/// contents must exist. The hashes are above `after`, and come in order.
pub(crate) fn blobs(tx: &Tx<'_>, after: &str, limit: u32) -> Result<Vec<(String, u64)>> {
    tx.all(
        "SELECT sha256, size FROM blobs WHERE sha256 > ?1 AND doomed = 0 ORDER BY sha256 LIMIT ?2",
        &[&after, &limit],
        |row| Ok((row.get(0)?, row.count(1)?)),
    )
}

/// Lists the sweeps whose raised cap does not fit the rest of what is stored, each with the reason.
pub(crate) fn caps(tx: &Tx<'_>) -> Result<Vec<(SweepId, String)>> {
    tx.all(
        "SELECT sweep, 'it has ' || next_trial || ' trials, and its cap is ' || cap FROM progress
             WHERE cap < next_trial
         UNION ALL
         SELECT sweep, 'its cap was raised to ' || raises.cap || ', and is '
                 || coalesce(progress.cap, 'not raised now') FROM raises JOIN progress USING (sweep)
             WHERE progress.cap IS NULL OR progress.cap < raises.cap",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Finds files and kept checkpoints of runs, and files and manifests of artifacts, whose blob the
/// table `blobs` lacks or marks as gone. Returns a description for people and the blob's hash for
/// each of them.
pub(crate) fn dangling(tx: &Tx<'_>) -> Result<Vec<(String, String)>> {
    tx.all(
        "WITH here AS (SELECT sha256 FROM blobs WHERE doomed = 0)
         SELECT 'the file `' || path || '` of run `' || id || '`', sha256 FROM files JOIN runs ON \
         key = run
             WHERE sha256 NOT IN here
         UNION ALL
         SELECT 'the file `' || path || '` of `' || name || ':v' || version || '`', sha256
             FROM artifact_entries JOIN artifacts ON key = artifact
             WHERE sha256 IS NOT NULL AND sha256 NOT IN here
         UNION ALL
         SELECT 'the manifest of `' || name || ':v' || version || '`', digest FROM artifacts
             WHERE removed = 0 AND digest NOT IN here
         UNION ALL
         SELECT 'the manifest of W&B for `' || name || '`', manifest FROM announced
             WHERE manifest IS NOT NULL AND manifest NOT IN here
         UNION ALL
         SELECT 'the checkpoint at step ' || step || ' of run `' || id || '`', sha256
             FROM checkpoints JOIN runs ON runs.key = run WHERE kept = 1 AND sha256 NOT IN here",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
