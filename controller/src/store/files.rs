//! Stores the files of runs, and the list of all blobs. `app::files` calls it, and `app` reads the
//! size of all blobs when it starts. The path of a file is text: it is compared and shown, never
//! opened. Every function fails only if the database does.

use record::{file::FileRow, ids::ProjectId};

use super::{
    database::{Result, Row, Tx, int},
    holdings,
};

/// A file of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The file's path, hash, size and kind.
    pub(crate) file: FileRow,
    /// The attempt that logged it.
    pub(crate) attempt: u32,
    /// When the controller received the file's row, by its own clock, in milliseconds since the
    /// epoch.
    pub(crate) logged_ms: i64,
}

/// Returns the size of a blob in bytes; `None` if the blob is not stored or is marked as gone.
pub(crate) fn blob(tx: &Tx<'_>, sha256: &str) -> Result<Option<u64>> {
    tx.one("SELECT size FROM blobs WHERE sha256 = ?1 AND doomed = 0", &[&sha256], |row| {
        row.count(0)
    })
}

/// Records that a blob was stored. Returns whether this adds to the sum of [`stored`]. A blob that
/// was marked as gone adds nothing, because that sum still includes it.
pub(crate) fn add_blob(tx: &Tx<'_>, sha256: &str, size: u64, now_ms: i64) -> Result<bool> {
    let again = tx.run(
        "UPDATE blobs SET stored_ms = ?2, doomed = 0 WHERE sha256 = ?1",
        &[&sha256, &now_ms],
    )?;
    if again == 0 {
        tx.run(
            "INSERT INTO blobs (sha256, size, stored_ms, doomed) VALUES (?1, ?2, ?3, 0)",
            &[&sha256, &int(size)?, &now_ms],
        )?;
    }
    Ok(again == 0)
}

/// Counts a blob as stored at `now_ms`, so that the collector keeps it for one more grace.
pub(crate) fn keep(tx: &Tx<'_>, sha256: &str, now_ms: i64) -> Result<()> {
    let sql = "UPDATE blobs SET stored_ms = ?2 WHERE sha256 = ?1 AND doomed = 0";
    tx.run(sql, &[&sha256, &now_ms])?;
    Ok(())
}

/// Records the MD5 of a blob, as hexadecimal digits.
pub(crate) fn set_md5(tx: &Tx<'_>, sha256: &str, md5: &str) -> Result<()> {
    tx.run("UPDATE blobs SET md5 = ?2 WHERE sha256 = ?1", &[&sha256, &md5])?;
    Ok(())
}

/// Returns the MD5 of a blob; `None` if nobody has computed it.
pub(crate) fn md5(tx: &Tx<'_>, sha256: &str) -> Result<Option<String>> {
    let sql = "SELECT md5 FROM blobs WHERE sha256 = ?1";
    Ok(tx.one(sql, &[&sha256], |row| row.get(0))?.flatten())
}

/// Finds the blobs with this MD5 that a project has, with their sizes. Blobs that are marked as
/// gone are left out.
pub(crate) fn with_md5(tx: &Tx<'_>, project: &ProjectId, md5: &str) -> Result<Vec<(String, u64)>> {
    tx.all(
        "SELECT blobs.sha256, blobs.size FROM blobs JOIN holdings ON holdings.sha256 = blobs.sha256
         WHERE md5 = ?1 AND doomed = 0 AND project = ?2 ORDER BY blobs.sha256",
        &[&md5, &project.as_str()],
        |row| Ok((row.get(0)?, row.count(1)?)),
    )
}

/// Writes the row of a file. It replaces the attempt's earlier row of the same path.
pub(crate) fn put(tx: &Tx<'_>, run: i64, file: &File, fenced: bool) -> Result<()> {
    let row = &file.file;
    tx.run(
        "INSERT OR REPLACE INTO files (run, path, attempt, sha256, size, kind, fenced, logged_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            &run,
            &row.path,
            &file.attempt,
            &row.sha256,
            &int(row.size)?,
            &row.kind,
            &fenced,
            &file.logged_ms,
        ],
    )?;
    Ok(())
}

/// Returns whether the file's attempt already has a row of the same path.
pub(crate) fn is_there(tx: &Tx<'_>, run: i64, file: &File) -> Result<bool> {
    let found = tx.one(
        "SELECT 1 FROM files WHERE run = ?1 AND path = ?2 AND attempt = ?3",
        &[&run, &file.file.path, &file.attempt],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Reads at most `limit` files of a run whose paths come after `after`, in the order of their
/// paths. Files of fenced attempts do not count. Of the others, it reads for each path the file of
/// the newest attempt.
pub(crate) fn page(tx: &Tx<'_>, run: i64, after: &str, limit: u32) -> Result<Vec<File>> {
    tx.all(
        "SELECT path, sha256, size, kind, attempt, logged_ms FROM files AS one
         WHERE run = ?1 AND path > ?2 AND fenced = 0 AND attempt = (
             SELECT max(attempt) FROM files WHERE run = one.run AND path = one.path AND fenced = 0
         ) ORDER BY path LIMIT ?3",
        &[&run, &after, &limit],
        read,
    )
}

/// Finds the file of this path that the newest attempt has logged, apart from fenced files.
pub(crate) fn find(tx: &Tx<'_>, run: i64, path: &str) -> Result<Option<File>> {
    tx.one(
        "SELECT path, sha256, size, kind, attempt, logged_ms FROM files
         WHERE run = ?1 AND path = ?2 AND fenced = 0 ORDER BY attempt DESC LIMIT 1",
        &[&run, &path],
        read,
    )
}

/// Removes the rows of all attempts for the file of this path. Returns the size of the file that
/// [`find`] finds; `None` if it finds none, and then nothing is removed.
pub(crate) fn remove(tx: &Tx<'_>, run: i64, path: &str) -> Result<Option<u64>> {
    let Some(found) = find(tx, run, path)? else { return Ok(None) };
    tx.run("DELETE FROM files WHERE run = ?1 AND path = ?2", &[&run, &path])?;
    Ok(Some(found.file.size))
}

fn read(row: &Row<'_>) -> Result<File> {
    let file =
        FileRow { path: row.get(0)?, sha256: row.get(1)?, size: row.count(2)?, kind: row.get(3)? };
    Ok(File { file, attempt: row.get(4)?, logged_ms: row.get(5)? })
}

/// The SQL condition that no run, artifact, announced artifact or kept checkpoint refers to a blob.
macro_rules! unreferenced {
    () => {
        "NOT EXISTS (SELECT 1 FROM files WHERE files.sha256 = blobs.sha256)
         AND NOT EXISTS (SELECT 1 FROM artifact_entries AS entry WHERE entry.sha256 = blobs.sha256)
         AND NOT EXISTS (SELECT 1 FROM artifacts WHERE digest = blobs.sha256 AND removed = 0)
         AND NOT EXISTS (SELECT 1 FROM announced WHERE manifest = blobs.sha256)
         AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE checkpoints.sha256 = blobs.sha256 AND \
         kept = 1)"
    };
}

/// Reads at most `limit` blobs whose hashes come after `after`, and whether each may be removed. A
/// blob may be removed if nothing refers to it and it was stored before `before_ms`, or if it is
/// marked as gone already.
pub(crate) fn look(
    tx: &Tx<'_>,
    after: &str,
    before_ms: i64,
    limit: u32,
) -> Result<Vec<(String, bool)>> {
    tx.all(
        concat!(
            "SELECT sha256, doomed OR (stored_ms < ?2 AND ",
            unreferenced!(),
            ") FROM blobs WHERE sha256 > ?1 ORDER BY sha256 LIMIT ?3"
        ),
        &[&after, &before_ms, &limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Marks a blob as gone, unless something refers to it or it was stored at or after `before_ms`.
/// Returns whether the blob is marked now.
pub(crate) fn doom(tx: &Tx<'_>, sha256: &str, before_ms: i64) -> Result<bool> {
    let doomed = tx.run(
        concat!(
            "UPDATE blobs SET doomed = 1 WHERE sha256 = ?1 AND (doomed OR (stored_ms < ?2 AND ",
            unreferenced!(),
            "))"
        ),
        &[&sha256, &before_ms],
    )?;
    Ok(doomed > 0)
}

/// Returns whether there is any blob that is not marked as gone.
pub(crate) fn has_any(tx: &Tx<'_>) -> Result<bool> {
    Ok(tx.one("SELECT 1 FROM blobs WHERE doomed = 0 LIMIT 1", &[], |_| Ok(()))?.is_some())
}

/// Returns the sum of the sizes of all blobs in bytes, including those that are marked as gone.
pub(crate) fn stored(tx: &Tx<'_>) -> Result<u64> {
    let sum = tx.one("SELECT coalesce(sum(size), 0) FROM blobs", &[], |row| row.count(0))?;
    Ok(sum.unwrap_or_default())
}

/// Removes the row of a blob that is marked as gone, and takes the blob from all projects. The
/// caller has removed its object. Returns the blob's size in bytes; 0 if there is no such row.
pub(crate) fn forget_blob(tx: &Tx<'_>, sha256: &str) -> Result<u64> {
    let size = tx.one(
        "DELETE FROM blobs WHERE sha256 = ?1 AND doomed = 1 RETURNING size",
        &[&sha256],
        |row| row.count(0),
    )?;
    if size.is_some() {
        holdings::forget(tx, sha256)?;
    }
    Ok(size.unwrap_or_default())
}
