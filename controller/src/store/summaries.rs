//! The summaries of runs, as frames of the `record` crate: so that NaN, infinities and the types of
//! values survive, which SQL would lose. Called by `app::rows::ingest` and `app::read::views`.
//! Never looks into a frame.

use super::database::{Result, Tx};

/// What is stored of a run's summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The last value of each key of history.
    pub(crate) latest: Vec<u8>,
    /// What the summary stream said.
    pub(crate) overlay: Vec<u8>,
    /// Count, least, largest and sum of each key of history that held finite numbers.
    pub(crate) ranges: Vec<u8>,
    /// The largest step of history plus one.
    pub(crate) next_step: u64,
}

/// The summary of a run; empty when nothing was logged.
///
/// # Errors
/// When the database fails.
pub(crate) fn get(tx: &Tx<'_>, run: i64) -> Result<Stored> {
    let sql = "SELECT latest, overlay, ranges, next_step FROM summaries WHERE run = ?1";
    let stored = tx.one(sql, &[&run], |row| {
        let next_step = row.get::<i64>(3)?.cast_unsigned();
        Ok(Stored { latest: row.get(0)?, overlay: row.get(1)?, ranges: row.get(2)?, next_step })
    })?;
    Ok(stored.unwrap_or_default())
}

/// Writes the summary of a run.
///
/// # Errors
/// When the database fails.
pub(crate) fn save(tx: &Tx<'_>, run: i64, stored: &Stored) -> Result<()> {
    tx.run(
        "INSERT INTO summaries (run, latest, overlay, ranges, next_step) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (run) DO UPDATE SET latest = excluded.latest, overlay = excluded.overlay,
                ranges = excluded.ranges, next_step = excluded.next_step",
        &[&run, &stored.latest, &stored.overlay, &stored.ranges, &stored.next_step.cast_signed()],
    )?;
    Ok(())
}

/// Forgets the summary of a run: its next attempt starts anew.
///
/// # Errors
/// When the database fails.
pub(crate) fn clear(tx: &Tx<'_>, run: i64) -> Result<()> {
    tx.run("DELETE FROM summaries WHERE run = ?1", &[&run])?;
    Ok(())
}
