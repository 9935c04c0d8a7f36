//! Stores the trials of earlier sweeps that a sweep starts from, and the runs that it was given.
//! `app::sweeps::manage` writes them once, with the sweep, and `app::sweeps::plan` reads the
//! trials. They are never updated.

use record::ids::SweepId;
use sweeps::search::Earlier;

use super::{
    database::{Error, Result, Tx},
    runs::{self, Run},
};

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

/// Stores the runs, by their internal keys, that a new sweep was given as a part of its past. Fails
/// if the database does.
pub(crate) fn insert_runs(tx: &Tx<'_>, sweep: &SweepId, given: &[i64]) -> Result<()> {
    for run in given {
        let sql = "INSERT OR IGNORE INTO prior_runs (sweep, run) VALUES (?1, ?2)";
        tx.run(sql, &[&sweep.as_str(), run])?;
    }
    Ok(())
}

/// Reads the runs that the sweep was given. Fails if the database does.
pub(crate) fn runs(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<Run>> {
    let sql = "SELECT run FROM prior_runs WHERE sweep = ?1 ORDER BY run";
    let keys: Vec<i64> = tx.all(sql, &[&sweep.as_str()], |row| row.get(0))?;
    keys.into_iter().filter_map(|key| runs::at(tx, key).transpose()).collect()
}
