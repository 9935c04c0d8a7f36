//! Stores the summaries of runs as frames of the `record` crate, which keep NaN, infinities and the
//! types of values; SQL would lose them. `app::rows::summaries` reads and writes them;
//! `app::change` and `app::runs::begin` clear them when an attempt starts from nothing. It never
//! looks into a frame. Every function fails only if the database does.

use super::database::{Result, Row, Tx};

/// The stored summary of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// For each key of history, its value at the highest step.
    pub(crate) latest: Vec<u8>,
    /// The values that the program has set in the summary itself.
    pub(crate) overlay: Vec<u8>,
    /// The count, least, largest and sum of each key of history that held finite numbers.
    pub(crate) ranges: Vec<u8>,
    /// The largest step of history plus one; 0 without history.
    pub(crate) next_step: u64,
}

const SELECT: &str = "SELECT latest, overlay, ranges, next_step FROM summaries WHERE run = ?1";

/// Reads the summary of a run; empty if nothing was logged.
pub(crate) fn get(tx: &Tx<'_>, run: i64) -> Result<Stored> {
    Ok(tx.one(SELECT, &[&run], read)?.unwrap_or_default())
}

/// Reads the summary of a run, unless it equals `known`. It compares every byte, which costs much
/// less than to decode them.
pub(crate) fn get_unless(tx: &Tx<'_>, run: i64, known: &Stored) -> Result<Option<Stored>> {
    let found = tx.one(SELECT, &[&run], |row| {
        let is_known = next_step(row)? == known.next_step
            && row.bytes(0)? == known.latest
            && row.bytes(1)? == known.overlay
            && row.bytes(2)? == known.ranges;
        if is_known { Ok(None) } else { read(row).map(Some) }
    })?;
    Ok(found.unwrap_or_else(|| (*known != Stored::default()).then(Stored::default)))
}

fn read(row: &Row<'_>) -> Result<Stored> {
    let next_step = next_step(row)?;
    Ok(Stored { latest: row.get(0)?, overlay: row.get(1)?, ranges: row.get(2)?, next_step })
}

fn next_step(row: &Row<'_>) -> Result<u64> {
    Ok(row.get::<i64>(3)?.cast_unsigned())
}

/// Writes the summary of a run.
pub(crate) fn save(tx: &Tx<'_>, run: i64, stored: &Stored) -> Result<()> {
    tx.run(
        "INSERT INTO summaries (run, latest, overlay, ranges, next_step) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (run) DO UPDATE SET latest = excluded.latest, overlay = excluded.overlay,
                ranges = excluded.ranges, next_step = excluded.next_step",
        &[&run, &stored.latest, &stored.overlay, &stored.ranges, &stored.next_step.cast_signed()],
    )?;
    Ok(())
}

/// Removes the summary of a run, because its next attempt starts from nothing.
pub(crate) fn clear(tx: &Tx<'_>, run: i64) -> Result<()> {
    tx.run("DELETE FROM summaries WHERE run = ?1", &[&run])?;
    Ok(())
}
