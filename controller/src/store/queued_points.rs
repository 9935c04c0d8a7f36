//! Stores the points that people have queued for sweeps, and which trials took them. `app` decides
//! which points may be queued. Every function fails only if the database does, unless its comment
//! says more.

use record::ids::{RunId, SweepId};

use super::database::{Result, Tx, int};

/// Writes a point at the end of a sweep's queue, for a call with this idempotency key.
pub(crate) fn insert(tx: &Tx<'_>, sweep: &SweepId, point: &str, key: Option<&str>) -> Result<()> {
    tx.run(
        "INSERT INTO queued_points (sweep, point, idempotency_key) VALUES (?1, ?2, ?3)",
        &[&sweep.as_str(), &point, &key],
    )?;
    Ok(())
}

/// Returns whether a call with this idempotency key has queued points for the sweep.
pub(crate) fn is_known(tx: &Tx<'_>, sweep: &SweepId, key: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM queued_points WHERE sweep = ?1 AND idempotency_key = ?2 LIMIT 1";
    Ok(tx.one(sql, &[&sweep.as_str(), &key], |_| Ok(()))?.is_some())
}

/// Returns the point that has waited longest, with its internal key; `None` if no point waits.
pub(crate) fn next(tx: &Tx<'_>, sweep: &SweepId) -> Result<Option<(i64, String)>> {
    tx.one(
        "SELECT key, point FROM queued_points WHERE sweep = ?1 AND trial IS NULL
         ORDER BY key LIMIT 1",
        &[&sweep.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Writes that the trial with this number has taken a point.
pub(crate) fn take(tx: &Tx<'_>, key: i64, trial: u64) -> Result<()> {
    tx.run("UPDATE queued_points SET trial = ?2 WHERE key = ?1", &[&key, &int(trial)?])?;
    Ok(())
}

/// Lists the points that wait, the next one first.
pub(crate) fn waiting(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<String>> {
    tx.all(
        "SELECT point FROM queued_points WHERE sweep = ?1 AND trial IS NULL ORDER BY key",
        &[&sweep.as_str()],
        |row| row.get(0),
    )
}

/// Lists the points that trials have taken, each with the number of its trial.
pub(crate) fn taken(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<(u64, String)>> {
    tx.all(
        "SELECT trial, point FROM queued_points WHERE sweep = ?1 AND trial IS NOT NULL",
        &[&sweep.as_str()],
        |row| Ok((row.count(0)?, row.get(1)?)),
    )
}

/// Counts the points that wait.
pub(crate) fn count_waiting(tx: &Tx<'_>, sweep: &SweepId) -> Result<u64> {
    let sql = "SELECT count(*) FROM queued_points WHERE sweep = ?1 AND trial IS NULL";
    Ok(tx.one(sql, &[&sweep.as_str()], |row| row.count(0))?.unwrap_or_default())
}

/// Finds a trial of the sweep that has one of these configs, with a number from `from` on.
/// `configs` is a JSON array of texts. Returns the trial's id and its config.
pub(crate) fn tried(
    tx: &Tx<'_>,
    sweep: &SweepId,
    from: u64,
    configs: &str,
) -> Result<Option<(RunId, String)>> {
    tx.one(
        "SELECT id, config FROM runs WHERE sweep = ?1 AND trial >= ?2
           AND config IN (SELECT value FROM json_each(?3)) LIMIT 1",
        &[&sweep.as_str(), &int(from)?, &configs],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
