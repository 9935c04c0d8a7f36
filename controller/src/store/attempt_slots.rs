//! Stores in which slot of its agent each attempt ran. `app::agents::orders` writes it and
//! `app::read::attempts` reads it. Every function fails only if the database does, unless its
//! comment says more.

use super::database::{Error, Result, Tx};

/// A slot of an agent, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Its place among the agent's slots, from 0.
    pub(crate) place: u32,
    /// The number and the name of each GPU; empty for a CPU slot.
    pub(crate) gpus: Vec<(u32, String)>,
}

/// Writes the slot of an attempt. Does nothing if it is known already.
pub(crate) fn save(tx: &Tx<'_>, run: i64, attempt: u32, slot: &Slot) -> Result<()> {
    tx.run(
        "INSERT OR IGNORE INTO attempt_slots (run, attempt, slot, gpus) VALUES (?1, ?2, ?3, ?4)",
        &[&run, &attempt, &slot.place, &serde_json::json!(slot.gpus).to_string()],
    )?;
    Ok(())
}

/// Reads the slots of the attempts of a run, each with the attempt's number. Also fails if a row is
/// damaged.
pub(crate) fn of_run(tx: &Tx<'_>, run: i64) -> Result<Vec<(u32, Slot)>> {
    let sql = "SELECT attempt, slot, gpus FROM attempt_slots WHERE run = ?1";
    tx.all(sql, &[&run], |row| {
        let gpus: String = row.get(2)?;
        let damaged = |error| Error::Corrupt(format!("the GPUs of a slot: {error}"));
        let gpus = serde_json::from_str(&gpus).map_err(damaged)?;
        Ok((row.get(0)?, Slot { place: row.get(1)?, gpus }))
    })
}
