//! Goes through many runs for a few of their columns, their group, job type, added config and
//! metric definitions, and their summaries. `app::read::find` calls it. It reads a column of a run
//! only when the caller asks for it, and copies no text.

use std::{cell::Cell, collections::BTreeMap};

use record::ids::{ProjectId, RunId, SweepId};

use super::{
    database::{Error, Result, Row, Tx},
    runs,
};

/// A run that [`each`] passes to its caller, with access to its columns.
#[derive(Debug)]
pub(crate) struct Candidate<'a>(&'a Row<'a>);

/// The columns of text. A text is empty if the run has no such value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// The run's id.
    Id = 1,
    /// The sweep whose trial it is.
    Sweep,
    /// The run's project.
    Project,
    /// The run's name for people.
    Name,
    /// The run's tags, as a JSON array of texts.
    Tags,
    /// The run's config, as a JSON object.
    Config,
    /// The run's state.
    State,
    /// The agent that has the run's newest attempt, or had it when the attempt ended.
    Agent,
    /// The group that the run belongs to.
    Group,
    /// The kind of job, for people: train, eval, ...
    JobType,
    /// The values that a trial's program added to the trial's parameters, as a JSON object.
    Added,
    /// The definitions of how metrics are summarized, as a JSON array.
    Metrics,
    /// The run's name in its project, if it is not the run's id.
    Slug = 20,
    /// The sweep that the run belongs to without being its trial.
    Joined = 24,
    /// The values of the summary that people have set, as a JSON object.
    Edited,
}

/// The columns of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// The trial's number within its sweep.
    Trial = 13,
    /// The number of the run's newest attempt; 0 before the first.
    Attempt,
    /// The number of rows of history of the present attempt.
    Rows,
    /// When the run was created, in milliseconds since the epoch.
    Created = 21,
    /// When the present attempt started, in milliseconds since the epoch.
    Started,
    /// When the run ended, in milliseconds since the epoch.
    Ended,
}

/// The parts of a run's summary, as frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged<'a> {
    /// For each key of history, its value at the highest step.
    pub(crate) latest: &'a [u8],
    /// The values that the program has set in the summary itself.
    pub(crate) overlay: &'a [u8],
    /// The count, least, largest and sum of each key of history that held finite numbers.
    pub(crate) ranges: &'a [u8],
}

impl Candidate<'_> {
    /// Returns the internal key. The newer of two runs has the larger one.
    pub(crate) fn key(&self) -> Result<i64> {
        self.0.get(0)
    }

    /// Returns the text in this column.
    pub(crate) fn text(&self, column: Text) -> Result<&str> {
        self.0.text(column as usize)
    }

    /// Returns the whole number in this column.
    pub(crate) fn number(&self, column: Number) -> Result<Option<i64>> {
        self.0.get(column as usize)
    }

    /// Returns the best finite value of the sweep's metric in the present attempt; `None` if there
    /// is none.
    pub(crate) fn value(&self) -> Result<Option<f64>> {
        self.0.get(16)
    }

    /// Returns the parts of the run's summary.
    pub(crate) fn logged(&self) -> Result<Logged<'_>> {
        Ok(Logged {
            latest: self.0.bytes(17)?,
            overlay: self.0.bytes(18)?,
            ranges: self.0.bytes(19)?,
        })
    }
}

/// A statement that selects the columns in the order in which [`Candidate`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT r.key, r.id, r.sweep, r.project, r.name, r.tags, r.config, r.state, r.agent, \
            a.grouped, a.job_type, \
             a.added, a.metrics, r.trial, r.attempt, r.history, r.value, s.latest, s.overlay, \
             s.ranges, r.slug, r.created_ms, r.started_ms, r.ended_ms, \
              a.joined, a.edited \
             FROM shown_runs r LEFT JOIN about a ON a.run = r.key LEFT JOIN summaries s ON s.run = \
             r.key ",
            $rest
        )
    };
}

/// Passes runs to `show`, the newest first, until `show` returns `false`. Passes only the runs of
/// `project`, unless it is empty. If a `sweep` is given, passes only its trials, and then the runs
/// that belong to it without being trials. Fails if the database does, or with the error of `show`.
pub(crate) fn each<E: From<Error>>(
    tx: &Tx<'_>,
    project: &str,
    sweep: Option<&SweepId>,
    mut show: impl FnMut(&Candidate<'_>) -> std::result::Result<bool, E>,
) -> std::result::Result<(), E> {
    let goes_on = Cell::new(true);
    let mut show = |row: &Row<'_>| {
        goes_on.set(show(&Candidate(row))?);
        Ok(goes_on.get())
    };
    let Some(sweep) = sweep else {
        if project.is_empty() {
            return tx.each(select!("ORDER BY r.key DESC"), &[], &mut show);
        }
        let sql = select!("WHERE r.project = ?1 ORDER BY r.key DESC");
        return tx.each(sql, &[&project], &mut show);
    };
    // The keys of a sweep's trials rise with the trial numbers, so both orders agree. The trial
    // numbers have an index.
    let sql = select!("WHERE r.sweep = ?2 AND (?1 = '' OR r.project = ?1) ORDER BY r.trial DESC");
    tx.each(sql, &[&project, &sweep.as_str()], &mut show)?;
    if !goes_on.get() {
        return Ok(());
    }
    let sql = select!("WHERE a.joined = ?2 AND (?1 = '' OR r.project = ?1) ORDER BY r.key DESC");
    tx.each(sql, &[&project, &sweep.as_str()], &mut show)
}

/// Finds the finished run of a sweep with the best value, out of those that are not deleted and
/// whose values for the sweep's constraints pass `holds`. Of equal values, the lowest trial's
/// counts. Returns the run's id and its value.
pub(crate) fn best(
    tx: &Tx<'_>,
    sweep: &SweepId,
    maximize: bool,
    holds: impl Fn(&[Option<f64>]) -> bool,
) -> Result<Option<(RunId, f64)>> {
    let mut best = None;
    tx.each(
        "SELECT id, value, constrained FROM shown_runs
         WHERE sweep = ?1 AND state = 'finished' AND value IS NOT NULL
         ORDER BY CASE WHEN ?2 THEN -value ELSE value END, trial",
        &[&sweep.as_str(), &maximize],
        |row| {
            if holds(&runs::constrained_of(row.get(2)?)?) {
                best = Some((row.get(0)?, row.get(1)?));
            }
            Ok::<_, Error>(best.is_none())
        },
    )?;
    Ok(best)
}

/// Lists the numbers of the finished trials of a sweep that are not deleted.
pub(crate) fn finished(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<u64>> {
    tx.all(
        "SELECT trial FROM shown_runs WHERE sweep = ?1 AND state = 'finished' ORDER BY trial",
        &[&sweep.as_str()],
        |row| Ok(row.get::<i64>(0)?.cast_unsigned()),
    )
}

/// Lists the projects that have a run, a sweep or a portfolio, sorted, and when the first of these
/// was created, in milliseconds since the epoch.
pub(crate) fn projects(tx: &Tx<'_>) -> Result<Vec<(ProjectId, i64)>> {
    tx.all(
        "SELECT project, min(created_ms) FROM (
             SELECT project, min(created_ms) AS created_ms FROM shown_runs GROUP BY project
             UNION ALL
             SELECT project, min(created_ms) FROM shown_sweeps WHERE project <> '' GROUP BY project
             UNION ALL
             SELECT project, min(created_ms) FROM links GROUP BY project
         ) GROUP BY project ORDER BY project",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The counts of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// The number of its runs.
    pub(crate) runs: u64,
    /// The number of its runs that are not over.
    pub(crate) live: u64,
    /// The number of its sweeps.
    pub(crate) sweeps: u64,
    /// When its newest run or sweep was created, in milliseconds since the epoch.
    pub(crate) newest_ms: i64,
    /// The newest of its sweeps that has a best run, and the value of this run.
    pub(crate) best: Option<(SweepId, f64)>,
}

/// Counts the runs and sweeps of each project that has any, without the deleted ones.
pub(crate) fn counted(tx: &Tx<'_>) -> Result<BTreeMap<ProjectId, Counted>> {
    let mut found: BTreeMap<ProjectId, Counted> = BTreeMap::new();
    let runs = "SELECT project, count(*), max(created_ms) FROM shown_runs GROUP BY project";
    tx.each(runs, &[], |row| {
        let one = found.entry(row.get(0)?).or_default();
        (one.runs, one.newest_ms) = (row.count(1)?, row.get(2)?);
        Ok::<_, Error>(true)
    })?;
    let live = "SELECT project, count(*) FROM runs \
                WHERE state IN ('queued', 'leased', 'running') GROUP BY project";
    tx.each(live, &[], |row| {
        found.entry(row.get(0)?).or_default().live = row.count(1)?;
        Ok::<_, Error>(true)
    })?;
    // A sweep whose best run is deleted counts as one without a best run.
    let sweeps = "SELECT s.project, s.created_ms, s.id, \
                      (SELECT p.best_value FROM shown_runs r WHERE r.id = p.best_run) \
                  FROM shown_sweeps s JOIN progress p ON p.sweep = s.id ORDER BY s.key DESC";
    tx.each(sweeps, &[], |row| {
        let one = found.entry(row.get(0)?).or_default();
        one.sweeps += 1;
        one.newest_ms = one.newest_ms.max(row.get(1)?);
        if let (None, Some(value)) = (&one.best, row.get::<Option<f64>>(3)?) {
            one.best = Some((row.get(2)?, value));
        }
        Ok::<_, Error>(true)
    })?;
    Ok(found)
}

/// Returns when the first run, sweep or portfolio of a project was created, in milliseconds since
/// the epoch.
pub(crate) fn first_ms(tx: &Tx<'_>, project: &ProjectId) -> Result<Option<i64>> {
    let sql = "SELECT min(created_ms) FROM (
                   SELECT min(created_ms) AS created_ms FROM shown_runs WHERE project = ?1
                   UNION ALL
                   SELECT min(created_ms) FROM shown_sweeps WHERE project = ?1
                   UNION ALL
                   SELECT min(created_ms) FROM links WHERE project = ?1
               )";
    Ok(tx.one(sql, &[&project.as_str()], |row| row.get(0))?.flatten())
}
