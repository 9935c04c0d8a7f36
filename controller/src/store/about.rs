//! Stores the notes, group, job type, added config, metric definitions, code and machine of runs,
//! and the attempt that each call of Begin has begun. `app::runs::about` and `app::runs::begin`
//! write them, and `app::read::views` reads them. This module never looks into the JSON. Every
//! function fails only if the database does.

use record::ids::{Attempt, SweepId};

use super::database::{Result, Tx};

/// The notes, group, job type, added config and metric definitions of a run. JSON is kept as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// Notes for people.
    pub(crate) notes: String,
    /// The group that the run belongs to.
    pub(crate) group: String,
    /// The kind of job, for people: train, eval, ...
    pub(crate) job_type: String,
    /// The values that a trial's program added to the trial's parameters, as a JSON object.
    pub(crate) added: String,
    /// The definitions of how metrics are summarized, as a JSON array.
    pub(crate) metrics: String,
    /// What W&B's client keeps about itself in the run's config, as a JSON object.
    pub(crate) client: String,
    /// The sweep that the run belongs to without being its trial, as its program says.
    pub(crate) joined: Option<SweepId>,
    /// The values of the summary that people have set, as a JSON object.
    pub(crate) edited: String,
}

impl Default for About {
    fn default() -> Self {
        let [notes, group, job_type] = [const { String::new() }; 3];
        let [added, client, edited] = [const { "{}" }; 3].map(str::to_owned);
        let metrics = "[]".to_owned();
        Self { notes, group, job_type, added, metrics, client, joined: None, edited }
    }
}

/// Reads the run's notes, group, job type, added config and metric definitions. Returns empty ones
/// if nothing is stored. [`code`] reads the code and the machine.
pub(crate) fn get(tx: &Tx<'_>, run: i64) -> Result<About> {
    let about = tx.one(
        "SELECT notes, grouped, job_type, added, metrics, client, joined, edited FROM about
         WHERE run = ?1",
        &[&run],
        |row| {
            Ok(About {
                notes: row.get(0)?,
                group: row.get(1)?,
                job_type: row.get(2)?,
                added: row.get(3)?,
                metrics: row.get(4)?,
                client: row.get(5)?,
                joined: row.get(6)?,
                edited: row.get(7)?,
            })
        },
    )?;
    Ok(about.unwrap_or_default())
}

/// Writes the run's notes, group, job type, added config and metric definitions. The stored code
/// and machine stay as they are.
pub(crate) fn save(tx: &Tx<'_>, run: i64, about: &About) -> Result<()> {
    tx.run(
        "INSERT INTO about
             (run, notes, grouped, job_type, added, metrics, client, joined, edited, code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '{}')
         ON CONFLICT (run) DO UPDATE SET notes = excluded.notes, grouped = excluded.grouped,
                job_type = excluded.job_type, added = excluded.added, metrics = excluded.metrics,
                client = excluded.client, joined = excluded.joined,
                edited = excluded.edited",
        &[
            &run,
            &about.notes,
            &about.group,
            &about.job_type,
            &about.added,
            &about.metrics,
            &about.client,
            &about.joined.as_ref().map(SweepId::as_str),
            &about.edited,
        ],
    )?;
    Ok(())
}

/// Reads the description of a run's code and machine, as a JSON object; `{}` if none is stored.
/// [`get`] leaves it out, because it is long and lists of runs do not need it.
pub(crate) fn code(tx: &Tx<'_>, run: i64) -> Result<String> {
    let code = tx.one("SELECT code FROM about WHERE run = ?1", &[&run], |row| row.get(0))?;
    Ok(code.unwrap_or_else(|| "{}".to_owned()))
}

/// Writes the description of a run's code and machine. It changes nothing if [`save`] was never
/// called for the run.
pub(crate) fn save_code(tx: &Tx<'_>, run: i64, code: &str) -> Result<()> {
    tx.run("UPDATE about SET code = ?2 WHERE run = ?1", &[&run, &code])?;
    Ok(())
}

/// Finds the attempt that a call of Begin with this idempotency key has begun. `None`: no such call
/// has begun one.
pub(crate) fn begun(tx: &Tx<'_>, idempotency_key: &str) -> Result<Option<Attempt>> {
    tx.one(
        "SELECT run, attempt FROM begins WHERE idempotency_key = ?1",
        &[&idempotency_key],
        |row| Ok(Attempt { run: row.get(0)?, number: row.get(1)? }),
    )
}

/// Stores the attempt that a call of Begin with this idempotency key has begun. Also fails if the
/// key is already stored.
pub(crate) fn save_begun(tx: &Tx<'_>, idempotency_key: &str, begun: &Attempt) -> Result<()> {
    tx.run(
        "INSERT INTO begins (idempotency_key, run, attempt) VALUES (?1, ?2, ?3)",
        &[&idempotency_key, &begun.run.as_str(), &begun.number],
    )?;
    Ok(())
}
