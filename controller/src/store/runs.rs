//! Stores runs: config, state, result. `app` calls it, and changes a state only through
//! `sweeps::lifecycle`. Every function fails only if the database does, unless its comment says
//! more.

use record::ids::{Attempt, ProjectId, RunId, SweepId};
use sweeps::lifecycle::{
    Class,
    run::{State, StopReason},
};

use super::database::{Error, Param, Result, Row, Tx, columns, int, words};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// The internal key; 0 before it is stored.
    pub(crate) key: i64,
    /// Its id.
    pub(crate) id: RunId,
    /// The sweep whose trial it is; `None` for a run outside of sweeps.
    pub(crate) sweep: Option<SweepId>,
    /// The trial's number within its sweep.
    pub(crate) trial: Option<u64>,
    /// Its project; may be empty.
    pub(crate) project: ProjectId,
    /// Its name in its project, if it is not its id. W&B's client names runs so.
    pub(crate) slug: Option<String>,
    /// How long its program may be silent, in milliseconds; `None` means as the controller is set
    /// up.
    pub(crate) lease_ms: Option<i64>,
    /// Its name for people; may be empty.
    pub(crate) name: String,
    /// Its tags, as a JSON array of texts.
    pub(crate) tags: String,
    /// Its config, as a JSON object.
    pub(crate) config: String,
    /// How the search chose the trial's point.
    pub(crate) suggestion: Suggestion,
    /// Its state.
    pub(crate) state: State,
    /// The number of its attempts; 0 before the first.
    pub(crate) attempt: u32,
    /// The agent that has the newest attempt, or had it when the attempt ended. `None` if no agent
    /// has had it, or the controller has taken the attempt away from its agent.
    pub(crate) agent: Option<String>,
    /// Whether it goes before others in the queue.
    pub(crate) front: bool,
    /// Whether the present attempt has reported that its node will take it away.
    pub(crate) preempting: bool,
    /// Why the run should end; `None` if it may go on.
    pub(crate) stop_wanted: Option<StopReason>,
    /// The number of rows of history of the present attempt.
    pub(crate) history: u64,
    /// The number of rows of the present attempt that hold the sweep's metric.
    pub(crate) logged: u64,
    /// The number of rows of history of the present attempt that hold the metric as a finite
    /// number.
    pub(crate) iteration: u64,
    /// The best finite value of the metric in the present attempt.
    pub(crate) value: Option<f64>,
    /// The value that counts for each constraint of its sweep, once the run is over.
    pub(crate) constrained: Vec<Option<f64>>,
    /// How the run, or its newest failed attempt, ended.
    pub(crate) outcome: Outcome,
    /// A note for people, for example that rows came late or that the summary is full.
    pub(crate) note: Option<String>,
    /// When the run was created, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
    /// When the present attempt started, in milliseconds since the epoch.
    pub(crate) started_ms: Option<i64>,
    /// When the run ended, in milliseconds since the epoch; `None` while it is not over.
    pub(crate) ended_ms: Option<i64>,
}

/// How the search chose a trial's point.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Suggestion {
    /// The number of the newest event that the search knew.
    pub(crate) seen: i64,
    /// The origin of the point, as JSON.
    pub(crate) origin: Option<String>,
    /// The surrogate's hyperparameters, as JSON.
    pub(crate) fit: Option<String>,
    /// The build and the SIMD level that computed the suggestion.
    pub(crate) engine: Option<String>,
}

/// How a run or one of its attempts ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The class of the failure, if the run failed or crashed.
    pub(crate) class: Option<Class>,
    /// The exit code of the program.
    pub(crate) exit_code: Option<i32>,
    /// The signal that ended the program.
    pub(crate) signal: Option<i32>,
    /// A message for people.
    pub(crate) message: Option<String>,
}

impl Run {
    /// Makes a run in its first attempt with this id, state and time of creation. All other fields
    /// are empty.
    pub(crate) fn new(id: RunId, state: State, created_ms: i64) -> Self {
        Self {
            key: 0,
            id,
            sweep: None,
            trial: None,
            project: ProjectId::default(),
            slug: None,
            lease_ms: None,
            name: String::new(),
            tags: "[]".to_owned(),
            config: "{}".to_owned(),
            suggestion: Suggestion::default(),
            state,
            attempt: 1,
            agent: None,
            front: false,
            preempting: false,
            stop_wanted: None,
            history: 0,
            logged: 0,
            iteration: 0,
            value: None,
            constrained: Vec::new(),
            outcome: Outcome::default(),
            note: None,
            created_ms,
            started_ms: None,
            ended_ms: None,
        }
    }

    /// Returns its present attempt.
    pub(crate) fn present(&self) -> Attempt {
        Attempt { run: self.id.clone(), number: self.attempt }
    }
}

/// Returns the project of a run, deleted or not, and the sweep that it is a trial of; `None` if
/// there is no such run.
pub(crate) fn place(tx: &Tx<'_>, id: &RunId) -> Result<Option<(ProjectId, Option<SweepId>)>> {
    let sql = "SELECT project, sweep FROM runs WHERE id = ?1";
    tx.one(sql, &[&id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Writes a new run, without counts and without an end. Returns its internal key, which no other
/// run has had. Also fails if the id is taken.
pub(crate) fn insert(tx: &Tx<'_>, run: &Run) -> Result<i64> {
    tx.insert(
        "INSERT INTO runs (key, id, sweep, trial, project, name, tags, config, seen, origin, fit,
                           engine, state, attempt, agent, front, history, logged, created_ms,
                           started_ms, slug, lease_ms)
         VALUES ((SELECT 1 + coalesce(max(key), 0) FROM (
                      SELECT max(key) AS key FROM runs UNION ALL SELECT max(run) FROM gone_runs)),
                 ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, 0, 0, ?15, ?16,
                 ?17, ?18)",
        &[
            &run.id.as_str(),
            &run.sweep.as_ref().map(SweepId::as_str),
            &run.trial.map(int).transpose()?,
            &run.project.as_str(),
            &run.name,
            &run.tags,
            &run.config,
            &run.suggestion.seen,
            &run.suggestion.origin,
            &run.suggestion.fit,
            &run.suggestion.engine,
            &run.state.name(),
            &run.attempt,
            &run.agent,
            &run.created_ms,
            &run.started_ms,
            &run.slug,
            &run.lease_ms,
        ],
    )
}

/// Writes all columns of a run that may change, except those of [`save_introduction`].
pub(crate) fn save(tx: &Tx<'_>, run: &Run) -> Result<()> {
    let constrained = (!run.constrained.is_empty())
        .then(|| serde_json::Value::from(run.constrained.clone()).to_string());
    tx.run(
        "UPDATE runs SET state = ?2, attempt = ?3, agent = ?4, preempting = ?5, front = ?6,
                stop_wanted = ?7, history = ?8, logged = ?9, value = ?10, class = ?11,
                exit_code = ?12, signal = ?13, message = ?14, note = ?15, started_ms = ?16,
                ended_ms = ?17, iteration = ?18, constrained = ?19, lease_ms = ?20
         WHERE key = ?1",
        &[
            &run.key,
            &run.state.name(),
            &run.attempt,
            &run.agent,
            &run.preempting,
            &run.front,
            &run.stop_wanted.map(StopReason::name),
            &int(run.history)?,
            &int(run.logged)?,
            &run.value,
            &run.outcome.class.map(Class::name),
            &run.outcome.exit_code,
            &run.outcome.signal,
            &run.outcome.message,
            &run.note,
            &run.started_ms,
            &run.ended_ms,
            &int(run.iteration)?,
            &constrained,
            &run.lease_ms,
        ],
    )?;
    tx.rewrote(run.config.len());
    Ok(())
}

/// Writes the columns that an append changes if the run's state stays the same. The statement
/// touches no index.
pub(crate) fn save_logged(tx: &Tx<'_>, run: &Run) -> Result<()> {
    tx.run(
        "UPDATE runs SET history = ?2, logged = ?3, value = ?4, iteration = ?5 WHERE key = ?1",
        &[&run.key, &int(run.history)?, &int(run.logged)?, &run.value, &int(run.iteration)?],
    )?;
    tx.rewrote(run.config.len());
    Ok(())
}

/// Writes what people and programs say about a run: project, name, tags, config.
pub(crate) fn save_introduction(tx: &Tx<'_>, run: &Run) -> Result<()> {
    tx.run(
        "UPDATE runs SET project = ?2, name = ?3, tags = ?4, config = ?5 WHERE key = ?1",
        &[&run.key, &run.project.as_str(), &run.name, &run.tags, &run.config],
    )?;
    Ok(())
}

columns! {
    /// Reads a run.
    macro run_columns, fn read() -> Run {
        key: get, id: get, sweep: get, trial: get, project: get, name: get, tags: get, config: get,
        seen: get, origin: get, fit: get, engine: get, state: get, attempt: get, agent: get,
        preempting: get, front: get, stop_wanted: get, history: count, logged: count, value: get,
        class: get, exit_code: get, signal: get, message: get, note: get, created_ms: get,
        started_ms: get, ended_ms: get, iteration: count, constrained: get, slug: get,
        lease_ms: get,
    } => Run {
        key,
        id,
        slug,
        lease_ms,
        sweep,
        trial: Option::<i64>::map(trial, i64::cast_unsigned),
        project,
        name,
        tags,
        config,
        suggestion: Suggestion { seen, origin, fit, engine },
        state,
        attempt,
        agent,
        preempting,
        front,
        stop_wanted,
        history,
        logged,
        iteration,
        value,
        constrained: constrained_of(constrained)?,
        outcome: Outcome { class, exit_code, signal, message },
        note,
        created_ms,
        started_ms,
        ended_ms,
    }
}

/// A statement that reads runs: all of `runs`, or those of `shown_runs`, which are not deleted.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", run_columns!(), " FROM ", $rest)
    };
}

/// Reads the run with this id; `None` if there is none, or it is deleted.
pub(crate) fn get(tx: &Tx<'_>, id: &RunId) -> Result<Option<Run>> {
    tx.one(select!("shown_runs WHERE id = ?1"), &[&id.as_str()], read)
}

/// Reads the run with this name in a project; `None` if there is none, or it is deleted. A run's
/// name is its slug, or else its id.
pub(crate) fn named(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<Option<Run>> {
    let by_slug = select!("shown_runs WHERE project = ?1 AND slug = ?2");
    if let Some(run) = tx.one(by_slug, &[&project.as_str(), &name], read)? {
        return Ok(Some(run));
    }
    let by_id = select!("shown_runs WHERE project = ?1 AND id = ?2 AND slug IS NULL");
    tx.one(by_id, &[&project.as_str(), &name], read)
}

/// The part of a run's row that says when its newest attempt began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// Its state.
    pub(crate) state: State,
    /// The number of its newest attempt.
    pub(crate) attempt: u32,
    /// When that attempt began, in milliseconds since the epoch.
    pub(crate) started_ms: Option<i64>,
    /// When the run ended, in milliseconds since the epoch; `None` while it is not over.
    pub(crate) ended_ms: Option<i64>,
}

/// Reads the [`Ends`] of the run with this id, without the rest of its row.
pub(crate) fn ends(tx: &Tx<'_>, id: &RunId) -> Result<Option<Ends>> {
    let sql = "SELECT state, attempt, started_ms, ended_ms FROM runs WHERE id = ?1";
    tx.one(sql, &[&id.as_str()], |row| {
        let (state, attempt) = (row.get(0)?, row.get(1)?);
        Ok(Ends { state, attempt, started_ms: row.get(2)?, ended_ms: row.get(3)? })
    })
}

/// Reads the run with this internal key; `None` if there is none, or it is deleted.
pub(crate) fn at(tx: &Tx<'_>, key: i64) -> Result<Option<Run>> {
    tx.one(select!("shown_runs WHERE key = ?1"), &[&key], read)
}

/// Reads the run with this internal key, deleted or not; `None` if there is none.
pub(crate) fn stored(tx: &Tx<'_>, key: i64) -> Result<Option<Run>> {
    tx.one(select!("runs WHERE key = ?1"), &[&key], read)
}

/// Returns when the first trial of a sweep was handed out, in milliseconds since the epoch. `None`
/// if it has no trial yet.
pub(crate) fn first_ms(tx: &Tx<'_>, sweep: &SweepId) -> Result<Option<i64>> {
    let sql = "SELECT created_ms FROM runs WHERE sweep = ?1 AND trial = 0";
    tx.one(sql, &[&sweep.as_str()], |row| row.get(0))
}

/// Returns the state of the run with this internal key.
pub(crate) fn state(tx: &Tx<'_>, key: i64) -> Result<Option<State>> {
    tx.one("SELECT state FROM runs WHERE key = ?1", &[&key], |row| row.get(0))
}

/// The most runs that are taken at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// The number of runs.
    pub(crate) runs: usize,
    /// The bytes of the runs' configs. When 0 is left, no further run is taken.
    pub(crate) bytes: usize,
}

impl Most {
    /// Counts one run as taken.
    pub(crate) fn take(&mut self, run: &Run) {
        self.runs = self.runs.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(run.config.len());
    }
}

/// The first runs that match a query.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The runs, within the bounds of a [`Most`].
    pub(crate) runs: Vec<Run>,
    /// Whether the query matches further runs.
    pub(crate) more: bool,
}

/// Reads the queued runs of a sweep, within `most`, in the order in which agents get them.
pub(crate) fn queued(tx: &Tx<'_>, sweep: &SweepId, most: Most) -> Result<Taken> {
    let sql = select!("runs WHERE sweep = ?1 AND state = 'queued' ORDER BY front DESC, trial");
    some(tx, sql, &[&sweep.as_str()], most)
}

/// Reads the runs of a sweep, within `most`, that are not over and were not ordered to stop for
/// this reason. They come by trial number.
pub(crate) fn not_told(
    tx: &Tx<'_>,
    sweep: &SweepId,
    reason: StopReason,
    most: Most,
) -> Result<Taken> {
    let sql = select!(
        "runs WHERE sweep = ?1 AND state IN ('queued', 'leased', 'running') AND stop_wanted IS NOT \
        ?2 ORDER BY trial"
    );
    some(tx, sql, &[&sweep.as_str(), &reason.name()], most)
}

fn some(tx: &Tx<'_>, sql: &'static str, params: &[&dyn Param], mut most: Most) -> Result<Taken> {
    let mut some = Taken::default();
    tx.each(sql, params, |row| {
        some.more = most.runs == 0 || most.bytes == 0;
        if some.more {
            return Ok(false);
        }
        let run = read(row)?;
        most.take(&run);
        some.runs.push(run);
        Ok::<_, Error>(true)
    })?;
    Ok(some)
}

/// Reads the runs that are leased to this agent or run on it.
pub(crate) fn held_by(tx: &Tx<'_>, agent: &str) -> Result<Vec<Run>> {
    tx.all(
        select!("runs WHERE agent = ?1 AND state IN ('leased', 'running') ORDER BY key"),
        &[&agent],
        read,
    )
}

/// Lists the ids of the runs of a sweep that are not over, by trial number.
pub(crate) fn live(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<RunId>> {
    tx.all(
        "SELECT id FROM runs WHERE sweep = ?1 AND state IN ('queued', 'leased', 'running') ORDER \
        BY trial",
        &[&sweep.as_str()],
        |row| row.get(0),
    )
}

/// Lists the ids of the runs of a sweep that failed or crashed, by trial number. Leaves out deleted
/// ones.
pub(crate) fn failed(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<RunId>> {
    tx.all(
        "SELECT id FROM shown_runs WHERE sweep = ?1 AND state IN ('failed', 'crashed') ORDER BY \
        trial",
        &[&sweep.as_str()],
        |row| row.get(0),
    )
}

/// Reads the runs of a sweep from trial `from` on, by trial number, at most `limit`. Deleted runs
/// are among them.
pub(crate) fn page(tx: &Tx<'_>, sweep: &SweepId, from: u64, limit: u32) -> Result<Vec<Run>> {
    tx.all(
        select!("runs WHERE sweep = ?1 AND trial >= ?2 ORDER BY trial LIMIT ?3"),
        &[&sweep.as_str(), &int(from)?, &limit],
        read,
    )
}

/// Reads like [`page`], but only the runs that are not deleted and are in one of these states. No
/// state means any state.
pub(crate) fn page_of_states(
    tx: &Tx<'_>,
    sweep: &SweepId,
    from: u64,
    states: &[State],
    limit: u32,
) -> Result<Vec<Run>> {
    tx.all(
        select!(
            "shown_runs WHERE sweep = ?1 AND trial >= ?2 AND (?3 = '' OR ?3 LIKE '%,' || state || \
            ',%') ORDER BY trial LIMIT ?4"
        ),
        &[&sweep.as_str(), &int(from)?, &listed(states), &limit],
        read,
    )
}

/// Reads the runs outside of sweeps that are in one of these states and older than the run with
/// this key. The newest comes first, and there are at most `limit`. No state means any state.
/// Leaves out deleted runs.
pub(crate) fn alone(tx: &Tx<'_>, before: i64, states: &[State], limit: u32) -> Result<Vec<Run>> {
    tx.all(
        select!(
            "shown_runs WHERE sweep IS NULL AND key < ?1 AND (?2 = '' OR ?2 LIKE '%,' || state || \
            ',%') ORDER BY key DESC LIMIT ?3"
        ),
        &[&before, &listed(states), &limit],
        read,
    )
}

/// Returns a text with a comma before and after the name of each state; empty if there is none.
fn listed(states: &[State]) -> String {
    states.iter().map(|state| format!(",{},", state.name())).collect()
}

words!(State, StopReason);

/// Parses the values that count for a run's constraints. Fails if the list is damaged, because a
/// run with an empty list would count as feasible.
pub(super) fn constrained_of(json: Option<String>) -> Result<Vec<Option<f64>>> {
    let damaged = |error| Error::Corrupt(format!("the constraints of a run: {error}"));
    json.map_or(Ok(Vec::new()), |json| serde_json::from_str(&json).map_err(damaged))
}
