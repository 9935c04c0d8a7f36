//! Begins runs: new runs outside of sweeps, and the next attempt of a resumed run. Also lets a
//! program join the attempt that its agent has started. The handlers in `api` call this module for
//! the SDK and the agent. Two calls with the same idempotency key begin only one attempt.

use std::sync::Arc;

use record::ids::{Attempt, ProjectId, RunId, SweepId};
use sweeps::lifecycle::run::{Event, State};

use super::{
    about,
    lookup::{check_attempt, fenced},
};
use crate::{
    app::{
        App,
        change::{Change, draft::Draft},
        error::{Error, Why},
        limits::check_name,
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        sweeps::planning,
        text::cut,
    },
    settings::Limits,
    store::{
        self,
        about::About,
        runs::{Outcome, Run},
    },
};

/// The most bytes of an id that a caller gives to a run.
const ID_BYTES: usize = 64;

/// A run outside of a sweep that is to begin.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewRun {
    /// The name of the run's project; empty means the default project.
    pub(crate) project: String,
    /// The run's name, for users; may be empty.
    pub(crate) name: String,
    /// The run's config as a JSON object; empty means `{}`.
    pub(crate) config_json: String,
    /// The run's tags, for users.
    pub(crate) tags: Vec<String>,
    /// The run's notes, for users; may be empty.
    pub(crate) notes: String,
    /// The run's group, for users; may be empty.
    pub(crate) group: String,
    /// The run's job type, for users; may be empty.
    pub(crate) job_type: String,
    /// The id; if there is none, the controller makes one.
    pub(crate) id: Option<RunId>,
    /// How to treat an existing run.
    pub(crate) resume: Resume,
    /// The idempotency key: a second call with the same key begins nothing. If the key is empty,
    /// every call begins a run or an attempt.
    pub(crate) idempotency_key: String,
    /// The time when the run began, if it was logged without a controller, in milliseconds since
    /// 1970; `None` means now.
    pub(crate) started_ms: Option<i64>,
}

/// How to treat a run that exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Refuses to begin.
    #[default]
    Never,
    /// Goes on with the run, or begins it if it does not exist.
    Allow,
    /// Goes on with the run, which must exist.
    Must,
    /// Begins the run anew, which must exist: nothing of its earlier attempts counts.
    Anew,
}

impl Resume {
    /// Reads the word that a caller sends. Empty means `never`.
    ///
    /// # Errors
    /// Fails with [`Error::Invalid`] if the word is none of these.
    pub(crate) fn read(word: &str) -> Result<Self, Error> {
        match word {
            "" | "never" => Ok(Self::Never),
            "allow" => Ok(Self::Allow),
            "must" => Ok(Self::Must),
            "anew" => Ok(Self::Anew),
            other => Err(Error::invalid(format!(
                "`resume` is never, allow, must or anew, not `{other}`"
            ))),
        }
    }
}

/// The facts about a run that its program needs to start.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    /// The attempt that the program carries out.
    pub(crate) of: Attempt,
    /// The run's config as a JSON object.
    pub(crate) config_json: String,
    /// The token with which the program calls the controller, as this attempt.
    pub(crate) token: String,
    /// The largest step of the run's history plus one; 0 if the history is empty.
    pub(crate) next_step: u64,
}

/// Begins a run outside of sweeps, or the next attempt of such a run.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if the config is not a JSON object, the id has no valid form, or
///   something is too long.
/// - Fails with [`Error::Refused`] if the id is taken, or if users could confuse it with the id of
///   a sweep or trial.
/// - Fails with [`Error::Missing`] if `resume` needs an existing run and the run does not exist.
pub(crate) async fn begin(
    app: &Arc<App>,
    caller: &Caller,
    mut new: NewRun,
) -> Result<Begun, Error> {
    caller.admits(Right::Log)?;
    check(app, &new)?;
    let project = caller.project(&new.project)?;
    caller.check(Right::Log, &project, Thing::Project, || permit::no_project(&project))?;
    let key = caller.own_key(std::mem::take(&mut new.idempotency_key));
    let (new, caller) = (NewRun { idempotency_key: key, ..new }, caller.clone());
    app.change(move |change| start(change, &caller, project, new)).await
}

pub(super) fn check(app: &App, new: &NewRun) -> Result<(), Error> {
    let limits = &app.settings.limits;
    if new.config_json.len() > limits.config_bytes {
        return Err(Error::invalid(format!(
            "the config has more than {} bytes",
            limits.config_bytes
        )));
    }
    let texts =
        [&new.project, &new.name, &new.notes, &new.group, &new.job_type, &new.idempotency_key];
    if texts.into_iter().chain(&new.tags).map(String::len).sum::<usize>() > limits.text_bytes {
        let message = format!(
            "the project, name, notes, group, job type and tags have more than {} bytes together",
            limits.text_bytes
        );
        return Err(Error::invalid(message));
    }
    check_names(limits, new)?;
    if !new.config_json.is_empty() && about::object(&new.config_json).is_none() {
        return Err(Error::invalid("the config of a run must be one JSON object"));
    }
    if new.id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(Error::invalid(format!(
            "the id of a run must have 1 to {ID_BYTES} letters of A-Z a-z 0-9 _ -"
        )));
    }
    if new.id.is_none() && new.resume != Resume::Never {
        return Err(Error::invalid("to resume a run, name its id"));
    }
    Ok(())
}

/// Returns whether a run may have this id.
pub(super) fn is_id(id: &RunId) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'-';
    (1..=ID_BYTES).contains(&id.as_str().len()) && id.as_str().bytes().all(is_letter)
}

fn check_names(limits: &Limits, new: &NewRun) -> Result<(), Error> {
    check_name(limits, "the project", &new.project)?;
    check_name(limits, "the name", &new.name)?;
    check_name(limits, "the group", &new.group)?;
    check_name(limits, "the job type", &new.job_type)?;
    check_name(limits, "the idempotency key", &new.idempotency_key)?;
    let (count, most) = (new.tags.len(), limits.tags);
    if count > most {
        return Err(Error::invalid(format!("the run has {count} tags; the limit is {most}")));
    }
    let most = limits.tag_bytes;
    match new.tags.iter().find(|tag| tag.is_empty() || tag.len() > most) {
        Some(tag) if tag.is_empty() => Err(Error::invalid("a tag is empty").hint("leave it out")),
        Some(tag) => {
            let message =
                format!("the tag `{}…` has {} bytes; the limit is {most}", cut(tag, 40), tag.len());
            Err(Error::invalid(message))
        }
        None => Ok(()),
    }
}

fn start(
    change: &mut Change<'_>,
    caller: &Caller,
    project: ProjectId,
    new: NewRun,
) -> Result<Begun, Error> {
    let key = new.idempotency_key.clone();
    if !key.is_empty()
        && let Some(of) = store::about::begun(change.tx, &key)?
    {
        let run = change.run(&of.run)?;
        permit::run_in(change.tx, caller, Right::Log, &run.id)?;
        return begun(change, run, of);
    }
    let known = match &new.id {
        Some(id) => known(change, caller, id)?,
        None => None,
    };
    let run = match (known, new.resume) {
        (Some(run), Resume::Never) => return Err(taken(&run)),
        (Some(run), Resume::Allow | Resume::Must | Resume::Anew) => {
            resume(change, run, project, new)?
        }
        (None, Resume::Must | Resume::Anew) => {
            let id = new.id.as_ref().map(RunId::as_str).unwrap_or_default();
            return Err(Error::missing(format!("no run `{id}` to resume"))
                .hint("`resume = allow` begins it where it is missing"));
        }
        (None, Resume::Never | Resume::Allow) => insert(change, project, new)?,
    };
    let of = run.present();
    if !key.is_empty() {
        store::about::save_begun(change.tx, &key, &of)?;
    }
    begun(change, run, of)
}

/// Finds the run with this id, which the caller wants to begin or to resume.
///
/// # Errors
/// Refuses an id that is taken: by a deleted run, or by a run that the caller may not log to.
fn known(change: &Change<'_>, caller: &Caller, id: &RunId) -> Result<Option<Run>, Error> {
    if store::runs::place(change.tx, id)?.is_none() {
        return Ok(None);
    }
    // A run of a project that the caller may not use has an id that is taken, and no more.
    permit::run_in(change.tx, caller, Right::Log, id).map_err(|_| id_taken(id))?;
    match change.run(id) {
        Err(Error::Missing(words)) => {
            Err(Error::refused(Why::State, format!("{}, so its id is taken", words.message))
                .hint(words.hint.unwrap_or_default() + "; another id begins another run"))
        }
        found => found.map(Some),
    }
}

fn id_taken(id: &RunId) -> Error {
    Error::refused(Why::State, format!("the id `{id}` is taken")).hint("give another id")
}

fn taken(run: &Run) -> Error {
    Error::refused(
        Why::State,
        format!("there is a run `{}` already, which is {}", run.id, run.state.name()),
    )
    .hint("give another id, or `resume = allow` to go on with it")
}

fn insert(change: &mut Change<'_>, project: ProjectId, new: NewRun) -> Result<Run, Error> {
    let id = match new.id {
        None => free_id(change)?,
        Some(id) => match sweep_of(change, &id)? {
            None => id,
            Some(sweep) => {
                let message = format!("the id `{id}` could be confused with the sweep `{sweep}`");
                return Err(Error::refused(Why::State, message).hint("give another id"));
            }
        },
    };
    let started_ms = change.past(new.started_ms);
    let mut run = Run {
        project,
        name: new.name,
        tags: serde_json::json!(new.tags).to_string(),
        config: if new.config_json.is_empty() { "{}".to_owned() } else { new.config_json },
        started_ms: Some(started_ms),
        ..Run::new(id, State::Running, started_ms)
    };
    change.create_run(&mut run)?;
    let about =
        About { notes: new.notes, group: new.group, job_type: new.job_type, ..About::default() };
    if about != About::default() {
        store::about::save(change.tx, run.key, &about)?;
    }
    Ok(run)
}

/// Makes an id that no run has.
pub(in crate::app) fn free_id(change: &Change<'_>) -> Result<RunId, Error> {
    loop {
        let id = RunId::from(change.app.chance.id());
        if store::runs::place(change.tx, &id)?.is_none() {
            return Ok(id);
        }
    }
}

/// Returns the id of a sweep that users could confuse with a run of this id. The run's id is the
/// sweep's id, or looks like the id of the sweep's trial.
pub(super) fn sweep_of(change: &Change<'_>, id: &RunId) -> Result<Option<SweepId>, Error> {
    for sweep in [Some(SweepId::from(id.as_str())), id.sweep()].into_iter().flatten() {
        if store::sweeps::has(change.tx, &sweep)? {
            return Ok(Some(sweep));
        }
    }
    Ok(None)
}

/// Starts the next attempt of a run. The attempt continues the run's history and summary, or begins
/// anew. An older attempt that is still live becomes fenced. So a user who has killed a program
/// need not wait until its lease expires.
fn resume(
    change: &mut Change<'_>,
    mut run: Run,
    project: ProjectId,
    new: NewRun,
) -> Result<Run, Error> {
    if let Some(sweep) = &run.sweep {
        let message = format!("the run `{}` is a trial of the sweep `{sweep}`", run.id);
        return Err(Error::refused(Why::State, message).hint("`sweep retry` queues trials again"));
    }
    change.edit(&mut run, |change, run| {
        run.lease_ms = None;
        next_attempt(change, run, new.resume == Resume::Anew, new.started_ms)?;
        introduce(change, run, project, new)
    })?;
    Ok(run)
}

/// Starts the next attempt of a run outside of sweeps. If it begins `anew`, nothing of the earlier
/// attempts counts.
pub(super) fn next_attempt(
    change: &mut Change<'_>,
    run: &mut Draft<'_>,
    anew: bool,
    started_ms: Option<i64>,
) -> Result<(), Error> {
    let ran = run.state == State::Running;
    if !ran {
        change.reopen(run)?;
    }
    run.attempt += 1;
    run.stop_wanted = None;
    run.preempting = false;
    run.outcome = Outcome::default();
    change.step(run, Event::Resume)?;
    if ran {
        change.told(run)?;
    }
    run.started_ms = Some(change.past(started_ms));
    if anew {
        (run.history, run.logged, run.iteration, run.value) = (0, 0, 0, None);
        store::summaries::clear(change.tx, run.key)?;
        store::checkpoints::start_fresh(change.tx, run.key, run.attempt)?;
    }
    Ok(())
}

/// Updates the description of an existing run. Fields that are empty in `new` stay as they are. A
/// config in `new` overlays the run's config key by key; every other field replaces the old one.
fn introduce(
    change: &Change<'_>,
    run: &mut Draft<'_>,
    project: ProjectId,
    new: NewRun,
) -> Result<(), Error> {
    let say = |old: &mut String, new: String| {
        if !new.is_empty() {
            *old = new;
        }
    };
    let introduction = run.introduction();
    if !new.project.is_empty() {
        *introduction.project = project;
    }
    say(introduction.name, new.name);
    if !new.tags.is_empty() {
        *introduction.tags = serde_json::json!(new.tags).to_string();
    }
    if !new.config_json.is_empty() {
        about::update_config(change.tx, change.app, run, &new.config_json)?;
    }
    let mut about = store::about::get(change.tx, run.key)?;
    say(&mut about.notes, new.notes);
    say(&mut about.group, new.group);
    say(&mut about.job_type, new.job_type);
    store::about::save(change.tx, run.key, &about)?;
    Ok(())
}

/// Returns what a program needs to carry out an attempt that has already been handed out, and marks
/// a leased run as running. If `number` is `None`, the attempt of the caller's token counts, or
/// else the run's newest one.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist, and with [`Why::Fenced`] if the attempt
/// does not own the run.
pub(crate) async fn join(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
    number: Option<u32>,
) -> Result<Begun, Error> {
    permit::run(app, caller, Right::Log, &id).await?;
    let own = match caller {
        Caller::Run(own) => Some(own.number),
        Caller::Admin | Caller::Person(_) => None,
    };
    let asked = number.or(own).map(|number| Attempt { run: id.clone(), number });
    if let Some(asked) = &asked {
        caller.attempt(asked)?;
    }
    planning::of_run(app, &id).await?;
    let work = move |change: &mut Change<'_>| {
        let mut run = change.run(&id)?;
        if let Some(asked) = asked
            && !check_attempt(&run, asked.number)?
        {
            return Err(fenced(&asked, run.attempt));
        }
        if run.state == State::Leased {
            change.edit(&mut run, Change::hear)?;
        }
        let of = run.present();
        begun(change, run, of)
    };
    app.change(work).await
}

fn begun(change: &Change<'_>, run: Run, of: Attempt) -> Result<Begun, Error> {
    let next_step = store::summaries::get(change.tx, run.key)?.next_step;
    let token = change.app.tokens.of(&of);
    Ok(Begun { of, config_json: run.config, token, next_step })
}
