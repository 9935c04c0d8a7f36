//! Trials of earlier sweeps that a sweep starts from. Called by `app::sweeps::warm_start` (written
//! once, with the sweep) and `app::sweeps::plan`. Never updated.

use sweeps::search::Earlier;

use super::database::{Error, Result, Tx};

/// Keeps the trials with their sweep.
///
/// # Errors
/// When the database fails.
pub(crate) fn insert(tx: &Tx<'_>, sweep: &str, trials: &[Earlier]) -> Result<()> {
    let text = serde_json::to_string(trials)
        .map_err(|error| Error::Bug(format!("earlier trials cannot be written: {error}")))?;
    tx.run("INSERT INTO earlier (sweep, trials) VALUES (?1, ?2)", &[&sweep, &text])?;
    Ok(())
}

/// The trials that the sweep starts from.
///
/// # Errors
/// When the database fails, or what is stored is damaged.
pub(crate) fn get(tx: &Tx<'_>, sweep: &str) -> Result<Vec<Earlier>> {
    let text: Option<String> =
        tx.one("SELECT trials FROM earlier WHERE sweep = ?1", &[&sweep], |row| row.get(0))?;
    let damaged =
        |error| Error::Corrupt(format!("the earlier trials of `{sweep}` are damaged: {error}"));
    text.map_or(Ok(Vec::new()), |text| serde_json::from_str(&text).map_err(damaged))
}
