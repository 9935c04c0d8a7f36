//! Counts what the stored data takes, for people. `app::read::storage` calls it. Every function
//! fails only if the database does.

use record::ids::ProjectId;

use super::database::{Result, Row, SCHEMA, Tx};

/// A number of things and their bytes.
pub(crate) type Amount = (u64, u64);

/// Returns the number of the schema that this program writes.
pub(crate) fn schema() -> usize {
    SCHEMA.len()
}

/// Returns the number of stored contents and the sum of their bytes.
pub(crate) fn contents(tx: &Tx<'_>) -> Result<Amount> {
    amount(tx, "SELECT count(*), coalesce(sum(size), 0) FROM blobs")
}

/// Returns the number of checkpoints whose contents stay and the sum of their bytes.
pub(crate) fn checkpoints(tx: &Tx<'_>) -> Result<Amount> {
    amount(tx, "SELECT count(*), coalesce(sum(size), 0) FROM checkpoints WHERE kept = 1")
}

fn amount(tx: &Tx<'_>, sql: &'static str) -> Result<Amount> {
    let found = tx.one(sql, &[], |row| Ok((row.count(0)?, row.count(1)?)))?;
    Ok(found.unwrap_or_default())
}

/// Returns the bytes of the contents of each project. A content of several projects counts in each.
pub(crate) fn contents_by_project(tx: &Tx<'_>) -> Result<Vec<(ProjectId, u64)>> {
    let sql = "SELECT project, bytes FROM project_bytes";
    tx.all(sql, &[], |row| Ok((row.get(0)?, row.count(1)?)))
}

/// Returns the bytes of the logged rows of each project. This reads the list of all blocks.
pub(crate) fn rows_by_project(tx: &Tx<'_>) -> Result<Vec<(ProjectId, u64)>> {
    tx.all(
        "SELECT project, sum(coalesce(bytes, length(frames)))
         FROM blocks JOIN runs ON runs.key = blocks.run LEFT JOIN heads ON block = blocks.key
         GROUP BY project",
        &[],
        |row| Ok((row.get(0)?, row.count(1)?)),
    )
}

/// The bytes of rows, of files and of kept checkpoints.
pub(crate) type Bytes = (u64, u64, u64);

/// The SQL of the bytes of some runs. The runs are those whose keys match the given condition.
macro_rules! bytes_of {
    ($of:literal) => {
        concat!(
            "SELECT (SELECT coalesce(sum(coalesce(bytes, length(frames))), 0)
                     FROM blocks LEFT JOIN heads ON block = key WHERE run ",
            $of,
            "), (SELECT coalesce(sum(size), 0) FROM files WHERE run ",
            $of,
            "), (SELECT coalesce(sum(size), 0) FROM checkpoints WHERE kept = 1 AND run ",
            $of,
            ")"
        )
    };
}

/// Returns the bytes of a run.
pub(crate) fn of_run(tx: &Tx<'_>, run: i64) -> Result<Bytes> {
    Ok(tx.one(bytes_of!("= ?1"), &[&run], three)?.unwrap_or_default())
}

/// Returns the bytes of all trials of a sweep.
pub(crate) fn of_sweep(tx: &Tx<'_>, sweep: &str) -> Result<Bytes> {
    let sql = bytes_of!("IN (SELECT key FROM runs WHERE sweep = ?1)");
    Ok(tx.one(sql, &[&sweep], three)?.unwrap_or_default())
}

fn three(row: &Row<'_>) -> Result<Bytes> {
    Ok((row.count(0)?, row.count(1)?, row.count(2)?))
}
