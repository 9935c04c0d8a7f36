//! Stores the checkpoints of runs, how many rows led to each, and which attempt resumed from which
//! checkpoint or started from nothing. `app::files::checkpoints` and `app::runs::lineage` call it.
//! It never looks into a checkpoint. Every function fails only if the database does, unless its
//! comment says more.

use std::collections::{BTreeMap, BTreeSet};

use record::stream::StreamName;

use super::database::{Result, Row, Tx, int};

/// A checkpoint of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The internal key; 0 before it is stored.
    pub(crate) key: i64,
    /// The attempt that made the checkpoint.
    pub(crate) attempt: u32,
    /// The writer that made the checkpoint, within its attempt.
    pub(crate) writer: String,
    /// The automatic step at which a resumed attempt continues.
    pub(crate) step: u64,
    /// The SHA-256 of its content.
    pub(crate) sha256: String,
    /// The bytes of its content.
    pub(crate) size: u64,
    /// When the controller received the checkpoint, by its own clock, in milliseconds since the
    /// epoch.
    pub(crate) logged_ms: i64,
}

/// How many rows of one stream and writer led to a checkpoint, out of the rows of the checkpoint's
/// attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// History or summary.
    pub(crate) stream: StreamName,
    /// The writer of the rows.
    pub(crate) writer: String,
    /// The number of these rows, counted from the writer's first row in the attempt.
    pub(crate) rows: u64,
}

/// Writes a checkpoint and the numbers of rows that led to it. Returns the checkpoint's key.
pub(crate) fn insert(
    tx: &Tx<'_>,
    run: i64,
    checkpoint: &Checkpoint,
    kept: bool,
    ends: &[End],
) -> Result<i64> {
    let key = tx.insert(
        "INSERT INTO checkpoints (run, attempt, writer, step, sha256, size, kept, logged_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            &run,
            &checkpoint.attempt,
            &checkpoint.writer,
            &checkpoint.step.cast_signed(),
            &checkpoint.sha256,
            &int(checkpoint.size)?,
            &kept,
            &checkpoint.logged_ms,
        ],
    )?;
    for End { stream, writer, rows } in ends {
        tx.run(
            "INSERT INTO checkpoint_ends (checkpoint, stream, writer, rows) VALUES (?1, ?2, ?3, \
            ?4)",
            &[&key, &stream.name(), writer, &int(*rows)?],
        )?;
    }
    Ok(key)
}

/// Reads the kept checkpoints of a run, the newest first: those whose contents must not be removed.
pub(crate) fn kept(tx: &Tx<'_>, run: i64) -> Result<Vec<Checkpoint>> {
    tx.all(
        "SELECT key, attempt, writer, step, sha256, size, logged_ms FROM checkpoints WHERE run = \
        ?1 AND kept = 1
         ORDER BY attempt DESC, key DESC",
        &[&run],
        read,
    )
}

/// Returns at most `most` checkpoints of a run, the newest first, each with whether its content is
/// kept.
pub(crate) fn newest(tx: &Tx<'_>, run: i64, most: u32) -> Result<Vec<(Checkpoint, bool)>> {
    tx.all(
        "SELECT key, attempt, writer, step, sha256, size, logged_ms, kept FROM checkpoints
         WHERE run = ?1 ORDER BY key DESC LIMIT ?2",
        &[&run, &most],
        |row| Ok((read(row)?, row.get(7)?)),
    )
}

/// Finds the checkpoint of a run with this key, if the checkpoint is kept.
pub(crate) fn find(tx: &Tx<'_>, run: i64, key: i64) -> Result<Option<Checkpoint>> {
    tx.one(
        "SELECT key, attempt, writer, step, sha256, size, logged_ms FROM checkpoints
         WHERE key = ?2 AND run = ?1 AND kept = 1",
        &[&run, &key],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Checkpoint> {
    Ok(Checkpoint {
        key: row.get(0)?,
        attempt: row.get(1)?,
        writer: row.get(2)?,
        step: row.get::<i64>(3)?.cast_unsigned(),
        sha256: row.get(4)?,
        size: row.count(5)?,
        logged_ms: row.get(6)?,
    })
}

/// Returns how many rows of each stream and writer led to a checkpoint. A writer that is not in the
/// list had no rows.
pub(crate) fn ends(tx: &Tx<'_>, checkpoint: i64) -> Result<Vec<End>> {
    tx.all(
        "SELECT stream, writer, rows FROM checkpoint_ends WHERE checkpoint = ?1",
        &[&checkpoint],
        |row| Ok(End { stream: row.get(0)?, writer: row.get(1)?, rows: row.count(2)? }),
    )
}

/// Allows the content of a checkpoint to be removed. The content counts as stored long ago, so the
/// collector does not wait for its grace: a row has already named it.
pub(crate) fn release(tx: &Tx<'_>, checkpoint: &Checkpoint) -> Result<()> {
    tx.run("UPDATE checkpoints SET kept = 0 WHERE key = ?1", &[&checkpoint.key])?;
    tx.run("UPDATE blobs SET stored_ms = 0 WHERE sha256 = ?1", &[&checkpoint.sha256])?;
    Ok(())
}

/// Returns whether a kept checkpoint of the run has the content with this hash.
pub(crate) fn is_of(tx: &Tx<'_>, run: i64, sha256: &str) -> Result<bool> {
    let found = tx.one(
        "SELECT 1 FROM checkpoints WHERE sha256 = ?2 AND run = ?1 AND kept = 1 LIMIT 1",
        &[&run, &sha256],
        |row| row.get::<i64>(0),
    )?;
    Ok(found.is_some())
}

/// Stores the checkpoint that an attempt resumes from. Also fails if a checkpoint is already stored
/// for the attempt.
pub(crate) fn resume(tx: &Tx<'_>, run: i64, attempt: u32, checkpoint: i64) -> Result<()> {
    tx.run(
        "INSERT INTO resumes (run, attempt, checkpoint) VALUES (?1, ?2, ?3)",
        &[&run, &attempt, &checkpoint],
    )?;
    Ok(())
}

/// Returns the checkpoints that attempts of a run resumed from. For each such attempt, it returns
/// the checkpoint's key and the attempt that made the checkpoint.
pub(crate) fn resumes(tx: &Tx<'_>, run: i64) -> Result<BTreeMap<u32, (i64, u32)>> {
    let found = tx.all(
        "SELECT resumes.attempt, key, checkpoints.attempt FROM resumes JOIN checkpoints ON key = \
        checkpoint
         WHERE resumes.run = ?1",
        &[&run],
        |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))),
    )?;
    Ok(found.into_iter().collect())
}

/// Stores that an attempt starts from nothing, so that the rows of earlier attempts do not count.
pub(crate) fn start_fresh(tx: &Tx<'_>, run: i64, attempt: u32) -> Result<()> {
    tx.run("INSERT INTO fresh_starts (run, attempt) VALUES (?1, ?2)", &[&run, &attempt])?;
    Ok(())
}

/// Lists the attempts of a run that started from nothing.
pub(crate) fn fresh_starts(tx: &Tx<'_>, run: i64) -> Result<BTreeSet<u32>> {
    let found =
        tx.all("SELECT attempt FROM fresh_starts WHERE run = ?1", &[&run], |row| row.get(0))?;
    Ok(found.into_iter().collect())
}
