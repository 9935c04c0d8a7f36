//! Stores the failed attempts of trials, by class. `app::change::attempts` writes and counts them,
//! `app::sweeps::manage` forgives them, and `app::read::views` reads them. This module never
//! decides whether another attempt follows. Every function fails only if the database does, unless
//! its comment says more.

use sweeps::lifecycle::Class;

use super::database::{Result, Row, Tx, words};

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The attempt's number.
    pub(crate) attempt: u32,
    /// The class of the failure.
    pub(crate) class: Class,
    /// The agent that had the attempt, if one had it.
    pub(crate) agent: Option<String>,
    /// A message for people.
    pub(crate) message: Option<String>,
    /// The exit code of its process; `None` if it had none, or if nobody wrote it down.
    pub(crate) exit_code: Option<i32>,
    /// The signal that ended its process; `None` if none did, or if nobody wrote it down.
    pub(crate) signal: Option<i32>,
    /// When the attempt ended, in milliseconds since the epoch.
    pub(crate) ended_ms: i64,
}

/// Writes a failure. It replaces an earlier failure of the same attempt.
pub(crate) fn save(tx: &Tx<'_>, run: i64, failure: &Failure) -> Result<()> {
    let Failure { attempt, class, agent, message, exit_code, signal, ended_ms } = failure;
    tx.run(
        "INSERT OR REPLACE INTO failures
             (run, attempt, class, agent, message, exit_code, signal, ended_ms, forgiven)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
        &[&run, attempt, &class.name(), agent, message, exit_code, signal, ended_ms],
    )?;
    Ok(())
}

/// Removes the failure of an attempt, because the attempt continues after all.
pub(crate) fn remove(tx: &Tx<'_>, run: i64, attempt: u32) -> Result<()> {
    tx.run("DELETE FROM failures WHERE run = ?1 AND attempt = ?2", &[&run, &attempt])?;
    Ok(())
}

/// Forgives all failures of a run: from now on [`count`] leaves them out.
pub(crate) fn forgive(tx: &Tx<'_>, run: i64) -> Result<()> {
    tx.run("UPDATE failures SET forgiven = 1 WHERE run = ?1", &[&run])?;
    Ok(())
}

/// Counts the attempts of a run that failed in this class and are not forgiven.
pub(crate) fn count(tx: &Tx<'_>, run: i64, class: Class) -> Result<u32> {
    let count = tx.one(
        "SELECT count(*) FROM failures WHERE run = ?1 AND class = ?2 AND forgiven = 0",
        &[&run, &class.name()],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or_default())
}

/// Reads all failures of a run, the oldest first.
pub(crate) fn of_run(tx: &Tx<'_>, run: i64) -> Result<Vec<Failure>> {
    tx.all(
        "SELECT attempt, class, agent, message, exit_code, signal, ended_ms FROM failures
         WHERE run = ?1 ORDER BY attempt",
        &[&run],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Failure> {
    Ok(Failure {
        attempt: row.get(0)?,
        class: row.get(1)?,
        agent: row.get(2)?,
        message: row.get(3)?,
        exit_code: row.get(4)?,
        signal: row.get(5)?,
        ended_ms: row.get(6)?,
    })
}

words!(Class);
