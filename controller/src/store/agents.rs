//! Stores the newest incarnation of each agent, and whose agent it is. The controller keeps all
//! other facts about agents in memory. After a restart, each agent's next heartbeat brings them
//! again. `app::agents::orders` calls it. Every function fails only if the database does.

use super::database::{Result, Tx, int};

/// Returns the newest incarnation of an agent, and the user whose key it has called with, who is
/// empty if it has called with the controller's token only. Returns `None` if the agent is new.
pub(crate) fn get(tx: &Tx<'_>, agent: &str) -> Result<Option<(u64, String)>> {
    let sql = "SELECT incarnation, owner FROM agents WHERE id = ?1";
    tx.one(sql, &[&agent], |row| Ok((row.count(0)?, row.get(1)?)))
}

/// Stores the newest incarnation of an agent, and the user whose key it calls with.
pub(crate) fn save(tx: &Tx<'_>, agent: &str, incarnation: u64, owner: &str) -> Result<()> {
    tx.run(
        "INSERT INTO agents (id, incarnation, owner) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, owner = excluded.owner",
        &[&agent, &int(incarnation)?, &owner],
    )?;
    Ok(())
}
