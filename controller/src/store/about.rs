//! What runs say of themselves beside their rows, and which attempt each call of Begin has begun.
//! Called by `app::runs::about` and `app::runs::begin`. Never looks into the JSON.

use super::database::{Result, Tx};

/// What a run says of itself. JSON is kept as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// For people.
    pub(crate) notes: String,
    /// The group that it belongs to.
    pub(crate) group: String,
    /// For people: train, eval, ...
    pub(crate) job_type: String,
    /// JSON object: what a trial's program added to its parameters.
    pub(crate) added: String,
    /// JSON array: how metrics are summed up.
    pub(crate) metrics: String,
}

impl Default for About {
    fn default() -> Self {
        let [notes, group, job_type] = [const { String::new() }; 3];
        Self { notes, group, job_type, added: "{}".to_owned(), metrics: "[]".to_owned() }
    }
}

/// What the run says of itself; nothing when it never did.
///
/// # Errors
/// When the database fails.
pub(crate) fn get(tx: &Tx<'_>, run: i64) -> Result<About> {
    let about = tx.one(
        "SELECT notes, grouped, job_type, added, metrics FROM about WHERE run = ?1",
        &[&run],
        |row| {
            Ok(About {
                notes: row.get(0)?,
                group: row.get(1)?,
                job_type: row.get(2)?,
                added: row.get(3)?,
                metrics: row.get(4)?,
            })
        },
    )?;
    Ok(about.unwrap_or_default())
}

/// Writes what the run says of itself.
///
/// # Errors
/// When the database fails.
pub(crate) fn save(tx: &Tx<'_>, run: i64, about: &About) -> Result<()> {
    tx.run(
        "INSERT INTO about (run, notes, grouped, job_type, added, metrics, code) VALUES (?1, ?2, \
        ?3, ?4, ?5, ?6, '{}')
         ON CONFLICT (run) DO UPDATE SET notes = excluded.notes, grouped = excluded.grouped,
                job_type = excluded.job_type, added = excluded.added, metrics = excluded.metrics",
        &[&run, &about.notes, &about.group, &about.job_type, &about.added, &about.metrics],
    )?;
    Ok(())
}

/// Code and machine at the start, as a JSON object. Apart from the rest: it is long, and lists of
/// runs do without it.
///
/// # Errors
/// When the database fails.
pub(crate) fn code(tx: &Tx<'_>, run: i64) -> Result<String> {
    let code = tx.one("SELECT code FROM about WHERE run = ?1", &[&run], |row| row.get(0))?;
    Ok(code.unwrap_or_else(|| "{}".to_owned()))
}

/// Writes code and machine of a run of which something is stored already.
///
/// # Errors
/// When the database fails.
pub(crate) fn save_code(tx: &Tx<'_>, run: i64, code: &str) -> Result<()> {
    tx.run("UPDATE about SET code = ?2 WHERE run = ?1", &[&run, &code])?;
    Ok(())
}

/// The run and the attempt that a call with this key has begun.
///
/// # Errors
/// When the database fails.
pub(crate) fn begun(tx: &Tx<'_>, idempotency_key: &str) -> Result<Option<(String, u32)>> {
    tx.one(
        "SELECT run, attempt FROM begins WHERE idempotency_key = ?1",
        &[&idempotency_key],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Remembers which attempt a call with this key has begun.
///
/// # Errors
/// When the database fails.
pub(crate) fn save_begun(
    tx: &Tx<'_>,
    idempotency_key: &str,
    run: &str,
    attempt: u32,
) -> Result<()> {
    tx.run(
        "INSERT INTO begins (idempotency_key, run, attempt) VALUES (?1, ?2, ?3)",
        &[&idempotency_key, &run, &attempt],
    )?;
    Ok(())
}
