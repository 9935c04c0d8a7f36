//! Attempts of trials that came to nothing, by class. Called by `app::change::attempts`, which
//! counts them, and by `app::read::views`. Never decides whether another attempt follows.

use sweeps::lifecycle::Class;

use super::database::{Error, Result, Row, Tx};

/// An attempt that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The attempt.
    pub(crate) attempt: u32,
    /// Why.
    pub(crate) class: Class,
    /// Who had it.
    pub(crate) agent: Option<String>,
    /// For people.
    pub(crate) message: Option<String>,
    /// Milliseconds since the epoch.
    pub(crate) ended_ms: i64,
}

/// Writes one, in place of what was written of the attempt.
///
/// # Errors
/// When the database fails.
pub(crate) fn save(tx: &Tx<'_>, run: i64, failure: &Failure) -> Result<()> {
    let Failure { attempt, class, agent, message, ended_ms } = failure;
    tx.run(
        "INSERT OR REPLACE INTO failures (run, attempt, class, agent, message, ended_ms, forgiven)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
        &[&run, attempt, &class.name(), agent, message, ended_ms],
    )?;
    Ok(())
}

/// Takes back what was written of an attempt: it goes on after all.
///
/// # Errors
/// When the database fails.
pub(crate) fn remove(tx: &Tx<'_>, run: i64, attempt: u32) -> Result<()> {
    tx.run("DELETE FROM failures WHERE run = ?1 AND attempt = ?2", &[&run, &attempt])?;
    Ok(())
}

/// From now on none of those of a run count.
///
/// # Errors
/// When the database fails.
pub(crate) fn forgive(tx: &Tx<'_>, run: i64) -> Result<()> {
    tx.run("UPDATE failures SET forgiven = 1 WHERE run = ?1", &[&run])?;
    Ok(())
}

/// How many attempts of a run have failed in this class and count.
///
/// # Errors
/// When the database fails.
pub(crate) fn count(tx: &Tx<'_>, run: i64, class: Class) -> Result<u32> {
    let count = tx.one(
        "SELECT count(*) FROM failures WHERE run = ?1 AND class = ?2 AND forgiven = 0",
        &[&run, &class.name()],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or_default())
}

/// All of a run, the oldest first.
///
/// # Errors
/// When the database fails.
pub(crate) fn of_run(tx: &Tx<'_>, run: i64) -> Result<Vec<Failure>> {
    tx.all(
        "SELECT attempt, class, agent, message, ended_ms FROM failures WHERE run = ?1 ORDER BY \
        attempt",
        &[&run],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Failure> {
    let class = class_of(&row.get::<String>(1)?)?;
    Ok(Failure {
        attempt: row.get(0)?,
        class,
        agent: row.get(2)?,
        message: row.get(3)?,
        ended_ms: row.get(4)?,
    })
}

/// The class of this name.
///
/// # Errors
/// A bug when there is none: only names of classes are ever written.
pub(crate) fn class_of(name: &str) -> Result<Class> {
    Class::from_name(name).ok_or_else(|| Error::Corrupt(format!("a failure of class `{name}`")))
}
