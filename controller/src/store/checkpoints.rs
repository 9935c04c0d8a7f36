//! Checkpoints of runs, how far the rows were at each, and which attempt went on from which. Called
//! by `app::files::checkpoints` and `app::runs::lineage`. Never looks into a checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use super::database::{Result, Row, Tx, int};

/// A checkpoint of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Internal key; 0 before it is stored.
    pub(crate) key: i64,
    /// The attempt that made it.
    pub(crate) attempt: u32,
    /// Its writer of that attempt.
    pub(crate) writer: String,
    /// Where the automatic step goes on.
    pub(crate) step: u64,
    /// Its content.
    pub(crate) sha256: String,
    /// Bytes of its content.
    pub(crate) size: u64,
    /// When it came, by the controller's clock.
    pub(crate) logged_ms: i64,
}

/// How many rows of a stream led to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// "history" or "summary".
    pub(crate) stream: String,
    /// Who wrote them.
    pub(crate) writer: String,
    /// So many from the first on.
    pub(crate) rows: u64,
}

/// Writes a checkpoint and how far the rows were; gives its key.
///
/// # Errors
/// When the database fails.
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
            &[&key, stream, writer, &int(*rows)?],
        )?;
    }
    Ok(key)
}

/// The checkpoints of a run whose contents stay, the newest first.
///
/// # Errors
/// When the database fails.
pub(crate) fn kept(tx: &Tx<'_>, run: i64) -> Result<Vec<Checkpoint>> {
    tx.all(
        "SELECT key, attempt, writer, step, sha256, size, logged_ms FROM checkpoints WHERE run = \
        ?1 AND kept = 1
         ORDER BY attempt DESC, key DESC",
        &[&run],
        read,
    )
}

/// The checkpoint of a run with this key, if its content stays.
///
/// # Errors
/// When the database fails.
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

/// How far the rows of its attempt were at a checkpoint; a writer that is not named had none.
///
/// # Errors
/// When the database fails.
pub(crate) fn ends(tx: &Tx<'_>, checkpoint: i64) -> Result<Vec<End>> {
    tx.all(
        "SELECT stream, writer, rows FROM checkpoint_ends WHERE checkpoint = ?1",
        &[&checkpoint],
        |row| Ok(End { stream: row.get(0)?, writer: row.get(1)?, rows: row.count(2)? }),
    )
}

/// The content of a checkpoint need not stay. It has been here long enough: nobody is about to say
/// what it is.
///
/// # Errors
/// When the database fails.
pub(crate) fn release(tx: &Tx<'_>, checkpoint: &Checkpoint) -> Result<()> {
    tx.run("UPDATE checkpoints SET kept = 0 WHERE key = ?1", &[&checkpoint.key])?;
    tx.run("UPDATE blobs SET stored_ms = 0 WHERE sha256 = ?1", &[&checkpoint.sha256])?;
    Ok(())
}

/// Whether the content of this hash is a checkpoint of the run.
///
/// # Errors
/// When the database fails.
pub(crate) fn is_of(tx: &Tx<'_>, run: i64, sha256: &str) -> Result<bool> {
    let found = tx.one(
        "SELECT 1 FROM checkpoints WHERE sha256 = ?2 AND run = ?1 AND kept = 1 LIMIT 1",
        &[&run, &sha256],
        |row| row.get::<i64>(0),
    )?;
    Ok(found.is_some())
}

/// Notes what an attempt goes on from.
///
/// # Errors
/// When the database fails, or it goes on from something already.
pub(crate) fn resume(tx: &Tx<'_>, run: i64, attempt: u32, checkpoint: i64) -> Result<()> {
    tx.run(
        "INSERT INTO resumes (run, attempt, checkpoint) VALUES (?1, ?2, ?3)",
        &[&run, &attempt, &checkpoint],
    )?;
    Ok(())
}

/// What attempts of a run went on from: by attempt the checkpoint's key and the attempt that had
/// made it.
///
/// # Errors
/// When the database fails.
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

/// Notes that an attempt begins with nothing.
///
/// # Errors
/// When the database fails.
pub(crate) fn start_fresh(tx: &Tx<'_>, run: i64, attempt: u32) -> Result<()> {
    tx.run("INSERT INTO fresh_starts (run, attempt) VALUES (?1, ?2)", &[&run, &attempt])?;
    Ok(())
}

/// Attempts of a run that began with nothing.
///
/// # Errors
/// When the database fails.
pub(crate) fn fresh_starts(tx: &Tx<'_>, run: i64) -> Result<BTreeSet<u32>> {
    let found =
        tx.all("SELECT attempt FROM fresh_starts WHERE run = ?1", &[&run], |row| row.get(0))?;
    Ok(found.into_iter().collect())
}
