//! Stores the note for people about the lines that a run's program has printed. `app::runs::about`
//! writes it; `app::read::views` and `app::runs::end` read it. Every function fails only if the
//! database does.

use super::{
    database::{Result, Tx},
    runs::Run,
};

/// Reads the note that the agent of the run's present attempt has written.
pub(crate) fn get(tx: &Tx<'_>, run: &Run) -> Result<Option<String>> {
    tx.one(
        "SELECT note FROM printed WHERE run = ?1 AND attempt = ?2",
        &[&run.key, &run.attempt],
        |row| row.get(0),
    )
}

/// Writes the note of the agent of the run's present attempt. It replaces the run's earlier note.
pub(crate) fn save(tx: &Tx<'_>, run: &Run, note: &str) -> Result<()> {
    tx.run(
        "INSERT INTO printed (run, attempt, note) VALUES (?1, ?2, ?3)
         ON CONFLICT (run) DO UPDATE SET attempt = excluded.attempt, note = excluded.note",
        &[&run.key, &run.attempt, &note],
    )?;
    Ok(())
}
