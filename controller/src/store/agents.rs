//! Agents: which incarnation of each was the newest. Everything else about them lives in memory and
//! comes again with the next heartbeat. Called by `app::agents::heartbeat`.

use super::database::{Result, Tx, int};

/// The newest incarnation of an agent; `None` when it is new.
///
/// # Errors
/// When the database fails.
pub(crate) fn incarnation(tx: &Tx<'_>, agent: &str) -> Result<Option<u64>> {
    tx.one("SELECT incarnation FROM agents WHERE id = ?1", &[&agent], |row| row.count(0))
}

/// Notes a new incarnation.
///
/// # Errors
/// When the database fails.
pub(crate) fn save(tx: &Tx<'_>, agent: &str, incarnation: u64) -> Result<()> {
    tx.run(
        "INSERT INTO agents (id, incarnation) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation",
        &[&agent, &int(incarnation)?],
    )?;
    Ok(())
}
