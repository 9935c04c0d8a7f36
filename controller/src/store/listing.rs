//! Many runs gone through for a few of their columns, with what they say of themselves and what
//! they logged last. Called by `app::read::find`. A column is read only when it is asked for, and
//! nothing is copied.

use super::database::{Error, Result, Row, Tx};

/// A run that is being looked at.
#[derive(Debug)]
pub(crate) struct Candidate<'a>(&'a Row<'a>);

/// Columns of text; empty where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// Its id.
    Id = 1,
    /// The sweep whose trial it is.
    Sweep,
    /// Project.
    Project,
    /// Name for people.
    Name,
    /// JSON array of texts.
    Tags,
    /// JSON object.
    Config,
    /// Where it is.
    State,
    /// Who has, or last had, it.
    Agent,
    /// The group that it belongs to.
    Group,
    /// For people: train, eval, ...
    JobType,
    /// JSON object: what a trial's program added to its parameters.
    Added,
    /// JSON array: how metrics are summed up.
    Metrics,
}

/// Columns of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// The trial's number, with a sweep.
    Trial = 13,
    /// The number of its attempts.
    Attempt,
    /// Rows of history of the present attempt.
    Rows,
}

/// What a run logged last, as frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged<'a> {
    /// The last value of each key of history.
    pub(crate) latest: &'a [u8],
    /// What the summary stream said.
    pub(crate) overlay: &'a [u8],
    /// Count, least, largest and sum of each key of history that held finite numbers.
    pub(crate) ranges: &'a [u8],
}

impl Candidate<'_> {
    /// Internal key; the newer of two runs has the larger one.
    pub(crate) fn key(&self) -> Result<i64> {
        self.0.get(0)
    }

    /// A text.
    pub(crate) fn text(&self, column: Text) -> Result<&str> {
        self.0.text(column as usize)
    }

    /// A whole number.
    pub(crate) fn number(&self, column: Number) -> Result<Option<i64>> {
        self.0.get(column as usize)
    }

    /// Best finite value of the sweep's metric.
    pub(crate) fn value(&self) -> Result<Option<f64>> {
        self.0.get(16)
    }

    /// What it logged last.
    pub(crate) fn logged(&self) -> Result<Logged<'_>> {
        Ok(Logged {
            latest: self.0.bytes(17)?,
            overlay: self.0.bytes(18)?,
            ranges: self.0.bytes(19)?,
        })
    }
}

/// The columns in the order of [`Candidate`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT r.key, r.id, r.sweep, r.project, r.name, r.tags, r.config, r.state, r.agent, \
            a.grouped, a.job_type, \
             a.added, a.metrics, r.trial, r.attempt, r.history, r.value, s.latest, s.overlay, \
             s.ranges \
             FROM runs r LEFT JOIN about a ON a.run = r.key LEFT JOIN summaries s ON s.run = \
             r.key ",
            $rest
        )
    };
}

/// Shows runs, the newest first, until `show` says `false`. Of one project and of one sweep, where
/// these are not empty.
///
/// # Errors
/// When the database fails, or what `show` gives.
pub(crate) fn each<E: From<Error>>(
    tx: &Tx<'_>,
    project: &str,
    sweep: &str,
    mut show: impl FnMut(&Candidate<'_>) -> std::result::Result<bool, E>,
) -> std::result::Result<(), E> {
    let show = |row: &Row<'_>| show(&Candidate(row));
    if sweep.is_empty() {
        let sql = select!("WHERE ?1 = '' OR r.project = ?1 ORDER BY r.key DESC");
        return tx.each(sql, &[&project], show);
    }
    // The trials of a sweep have keys in the order of their numbers, and an index by these.
    let sql = select!("WHERE r.sweep = ?2 AND (?1 = '' OR r.project = ?1) ORDER BY r.trial DESC");
    tx.each(sql, &[&project, &sweep], show)
}
