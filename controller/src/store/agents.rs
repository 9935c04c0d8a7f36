//! Stores the newest incarnation of each agent. The controller keeps all other facts about agents
//! in memory. After a restart, each agent's next heartbeat brings them again. `app::agents::orders`
//! calls it. Every function fails only if the database does.

use super::database::{Result, Tx, int};

/// Returns the newest incarnation of an agent; `None` if the agent is new.
pub(crate) fn incarnation(tx: &Tx<'_>, agent: &str) -> Result<Option<u64>> {
    tx.one("SELECT incarnation FROM agents WHERE id = ?1", &[&agent], |row| row.count(0))
}

/// Stores the newest incarnation of an agent.
pub(crate) fn save(tx: &Tx<'_>, agent: &str, incarnation: u64) -> Result<()> {
    tx.run(
        "INSERT INTO agents (id, incarnation) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation",
        &[&agent, &int(incarnation)?],
    )?;
    Ok(())
}
