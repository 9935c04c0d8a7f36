//! Stores the trials of earlier sweeps that a sweep starts from. `app::sweeps::manage` writes them
//! once, with the sweep, and `app::sweeps::plan` reads them. They are never updated.

use record::ids::SweepId;
use sweeps::search::Earlier;

use super::database::{Error, Result, Tx};

/// Stores the trials that a new sweep starts from. Fails if the database does.
pub(crate) fn insert(tx: &Tx<'_>, sweep: &SweepId, trials: &[Earlier]) -> Result<()> {
    let text = serde_json::to_string(trials)
        .map_err(|error| Error::Bug(format!("earlier trials cannot be written: {error}")))?;
    tx.run("INSERT INTO earlier (sweep, trials) VALUES (?1, ?2)", &[&sweep.as_str(), &text])?;
    Ok(())
}

/// Reads the trials that the sweep starts from; empty if it starts from none. Fails if the database
/// does, or the stored trials are damaged.
pub(crate) fn get(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<Earlier>> {
    let sql = "SELECT trials FROM earlier WHERE sweep = ?1";
    let text: Option<String> = tx.one(sql, &[&sweep.as_str()], |row| row.get(0))?;
    let damaged =
        |error| Error::Corrupt(format!("the earlier trials of `{sweep}` are damaged: {error}"));
    text.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text).map_err(damaged))
}
