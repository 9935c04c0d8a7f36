//! Says which attempts are held, and by which agent. The rows are those of `store::runs`. Every
//! function fails only if the database does.

use record::ids::{Attempt, RunId, SweepId};

use super::database::{Result, Tx};

/// Returns the number of a run's newest attempt, and the agent that has it or had it, as in
/// [`Run::agent`](super::runs::Run::agent).
pub(crate) fn holder(tx: &Tx<'_>, id: &RunId) -> Result<Option<(u32, Option<String>)>> {
    tx.one("SELECT attempt, agent FROM runs WHERE id = ?1", &[&id.as_str()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Returns whether a run of the sweep is leased to an agent other than this one, or runs on one.
pub(crate) fn is_held_by_others(tx: &Tx<'_>, sweep: &SweepId, agent: &str) -> Result<bool> {
    let held = tx.one(
        "SELECT 1 FROM runs WHERE sweep = ?1 AND state IN ('leased', 'running') AND agent <> ?2 \
        LIMIT 1",
        &[&sweep.as_str(), &agent],
        |_| Ok(()),
    )?;
    Ok(held.is_some())
}

/// Lists every attempt that is leased or running, of trials and of runs outside of sweeps. Each
/// comes with [`Run::lease_ms`](super::runs::Run::lease_ms).
pub(crate) fn held(tx: &Tx<'_>) -> Result<Vec<(Attempt, Option<i64>)>> {
    let sql = "SELECT id, attempt, lease_ms FROM runs WHERE state IN ('leased', 'running')";
    tx.all(sql, &[], |row| Ok((Attempt { run: row.get(0)?, number: row.get(1)? }, row.get(2)?)))
}
