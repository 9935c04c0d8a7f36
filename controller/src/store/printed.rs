//! What a person should know of the lines that a run's program has printed. Called by
//! `app::runs::about` (write), `app::read::views` and `app::runs::end` (read).

use super::{
    database::{Result, Tx},
    runs::Run,
};

/// What the agent of the run's present attempt says of its lines.
///
/// # Errors
/// When the database fails.
pub(crate) fn get(tx: &Tx<'_>, run: &Run) -> Result<Option<String>> {
    tx.one(
        "SELECT note FROM printed WHERE run = ?1 AND attempt = ?2",
        &[&run.key, &run.attempt],
        |row| row.get(0),
    )
}

/// Writes what the agent of the run's present attempt says of its lines.
///
/// # Errors
/// When the database fails.
pub(crate) fn save(tx: &Tx<'_>, run: &Run, note: &str) -> Result<()> {
    tx.run(
        "INSERT INTO printed (run, attempt, note) VALUES (?1, ?2, ?3)
         ON CONFLICT (run) DO UPDATE SET attempt = excluded.attempt, note = excluded.note",
        &[&run.key, &run.attempt, &note],
    )?;
    Ok(())
}
