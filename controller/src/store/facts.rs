//! Stores facts about a data folder, such as its secret. `app` calls it once, when the controller
//! starts.

use super::database::{Result, Tx};

/// Returns the value of a fact; `None` if it was never set. Fails if the database does.
pub(crate) fn get(tx: &Tx<'_>, name: &str) -> Result<Option<Vec<u8>>> {
    tx.one("SELECT value FROM facts WHERE name = ?1", &[&name], |row| row.get(0))
}

/// Sets a fact for the first time. Fails if the database does, or the fact has a value.
pub(crate) fn set(tx: &Tx<'_>, name: &str, value: &[u8]) -> Result<()> {
    tx.run("INSERT INTO facts (name, value) VALUES (?1, ?2)", &[&name, &value])?;
    Ok(())
}
