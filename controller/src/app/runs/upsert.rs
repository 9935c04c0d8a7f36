//! Creates a run or changes it, as W&B's client asks: one call creates a run, goes on with one, and
//! describes one. A run is named by its project and its name in that project. The handlers in
//! `api::wandb` call this module; `app::runs::begin` begins runs for the SDK.
//!
//! The client does not say whether it starts a process or goes on with one. Each of its processes
//! has an id, and sends it with all calls but its first. So a first call to a run that another
//! process has logged starts the run's next attempt.

use std::sync::Arc;

use record::ids::{ProjectId, RunId, SweepId};
use serde_json::{Map, Value as Json};
use sweeps::lifecycle::run::State;

use super::{
    about, begin,
    lookup::{self, Named},
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
        read::views::{self, RunView},
        rows::metrics::Metric,
        sweeps::planning,
        text::cut,
    },
    store::{self, about::About, runs::Run},
};

/// The most bytes of a run's name in its project.
const NAME_BYTES: usize = 128;

/// What a caller says about a run. A field that is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upsert {
    /// The run.
    pub(crate) run: Named,
    /// Its name for people.
    pub(crate) title: Option<String>,
    /// Its notes.
    pub(crate) notes: Option<String>,
    /// Its group.
    pub(crate) group: Option<String>,
    /// The kind of job.
    pub(crate) job_type: Option<String>,
    /// Its tags.
    pub(crate) tags: Option<Vec<String>>,
    /// Its whole config.
    pub(crate) config: Option<Config>,
    /// Whether several processes write to the run at once.
    pub(crate) shared: bool,
    /// The sweep that the run belongs to.
    pub(crate) sweep: Option<SweepId>,
}

/// The config of a run, as the client sends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// The values.
    pub(crate) values: Map<String, Json>,
    /// What the client keeps about itself in the config.
    pub(crate) client: Map<String, Json>,
    /// The ids of the processes that have written to the run, as far as the caller knows.
    pub(crate) processes: Vec<String>,
    /// The definitions of the run's metrics.
    pub(crate) metrics: Vec<Metric>,
    /// The code and the machine, as the SDK describes them; empty if the caller does not know them.
    pub(crate) code: Map<String, Json>,
    /// The run whose past the run is to have; `None` if it has none but its own.
    pub(crate) forked: Option<String>,
}

/// A run after an upsert.
#[derive(Debug)]
pub(crate) struct Upserted {
    /// The run.
    pub(crate) view: RunView,
    /// Whether the call has created the run.
    pub(crate) inserted: bool,
}

/// How a call relates to the run that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// The call is of the process that writes to the run, or edits the run.
    Same,
    /// A new process goes on with the run.
    Resumed,
    /// A new process logs the run again from its start.
    Anew,
}

/// Creates the run or changes it.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if a name is too long, or the config or tags exceed a limit.
/// - Fails with [`Error::Missing`] if the caller may not see the project.
/// - Fails with [`Error::Refused`] if a new run is to have the past of another run.
pub(crate) async fn upsert(
    app: &Arc<App>,
    caller: &Caller,
    upsert: Upsert,
) -> Result<Upserted, Error> {
    check(app, &upsert)?;
    let project = caller.project(&upsert.run.project)?;
    let (named, place) = (upsert.run.clone(), project.clone());
    let found = app.read(move |tx, _| lookup::named(tx, &place, &named)).await?;
    match &found {
        Some(run) => planning::of_run(app, &run.id).await?,
        None => {
            caller.check(Right::Log, &project, Thing::Project, || permit::no_project(&project))?
        }
    }
    let caller = caller.clone();
    let work = move |change: &mut Change<'_>| {
        let found = lookup::named(change.tx, &project, &upsert.run)?;
        let inserted = found.is_none();
        let run = match found {
            Some(mut run) => {
                permit::run_in(change.tx, &caller, Right::Log, &run.id)?;
                change.edit(&mut run, |change, run| update(change, run, &upsert))?;
                run
            }
            None => insert(change, project, &upsert)?,
        };
        Ok(Upserted { view: views::run(change.tx, change.app, run)?, inserted })
    };
    app.change(work).await
}

/// Passes if what the caller says is within the limits.
///
/// # Errors
/// Fails with [`Error::Invalid`] if it is not.
pub(super) fn check(app: &App, upsert: &Upsert) -> Result<(), Error> {
    let limits = &app.settings.limits;
    if upsert.run.name.len() > NAME_BYTES {
        let message = format!("the name of a run has more than {NAME_BYTES} bytes");
        return Err(Error::invalid(message));
    }
    let say = |text: &Option<String>| text.clone().unwrap_or_default();
    let new = begin::NewRun {
        project: upsert.run.project.clone(),
        name: say(&upsert.title),
        tags: upsert.tags.clone().unwrap_or_default(),
        notes: say(&upsert.notes),
        group: say(&upsert.group),
        job_type: say(&upsert.job_type),
        ..begin::NewRun::default()
    };
    begin::check(app, &new)?;
    check_name(limits, "the name", &upsert.run.name)?;
    let Some(config) = &upsert.config else { return Ok(()) };
    for part in [&config.values, &config.client] {
        if about::length(part) > limits.config_bytes {
            let most = limits.config_bytes;
            return Err(Error::invalid(format!("the config has more than {most} bytes")));
        }
    }
    Ok(())
}

fn insert(change: &mut Change<'_>, project: ProjectId, upsert: &Upsert) -> Result<Run, Error> {
    if let Some(base) = upsert.config.as_ref().and_then(|config| config.forked.as_ref()) {
        let base = cut(base, NAME_BYTES);
        let message = format!("no run begins with the past of another one, such as `{base}`");
        return Err(Error::refused(Why::State, message)
            .hint("begin it without `fork_from`, and log what it needs of that past"));
    }
    let name = &upsert.run.name;
    let wanted = RunId::from(name.as_str());
    let is_free = begin::is_id(&wanted)
        && store::runs::place(change.tx, &wanted)?.is_none()
        && begin::sweep_of(change, &wanted)?.is_none();
    let (id, slug) = match is_free {
        true => (wanted, None),
        false => (begin::free_id(change)?, Some(name.clone()).filter(|name| !name.is_empty())),
    };
    let mut run = Run {
        project,
        slug,
        lease_ms: change.app.lease_ms(true),
        started_ms: Some(change.now_ms),
        ..Run::new(id, State::Running, change.now_ms)
    };
    change.create_run(&mut run)?;
    change.edit(&mut run, |change, run| describe(change, run, upsert))?;
    Ok(run)
}

fn update(change: &mut Change<'_>, run: &mut Draft<'_>, upsert: &Upsert) -> Result<(), Error> {
    let about = store::about::get(change.tx, run.key)?;
    match entry(run, &about, upsert) {
        Entry::Same if run.state == State::Leased => change.hear(run)?,
        Entry::Same => {}
        entry => {
            run.lease_ms = change.app.lease_ms(true);
            begin::next_attempt(change, run, entry == Entry::Anew, None)?;
        }
    }
    describe(change, run, upsert)
}

fn entry(run: &Run, about: &About, upsert: &Upsert) -> Entry {
    let Some(config) = upsert.config.as_ref().filter(|_| !upsert.run.name.is_empty()) else {
        return Entry::Same;
    };
    let known = processes(&about.client);
    let is_known = config.processes.iter().any(|process| known.contains(process));
    // Of the processes that share a run, one may still write after another one has ended the run.
    if run.sweep.is_some() || is_known || upsert.shared {
        return Entry::Same;
    }
    let is_first = config.processes.is_empty() && !known.is_empty();
    match run.state.is_held() && !is_first {
        true => Entry::Same,
        false if upsert.run.id.is_some() => Entry::Resumed,
        false => Entry::Anew,
    }
}

/// Returns the ids of the processes that the stored data of the client names.
fn processes(client: &str) -> Vec<String> {
    let client = about::object(client).unwrap_or_default();
    let of = client.get("e").and_then(Json::as_object);
    of.map(|of| of.keys().cloned().collect()).unwrap_or_default()
}

/// Notes that a run which is no trial belongs to a sweep of its project. A sweep that is not here,
/// such as one of another server, is no reason to lose the run.
fn join(
    change: &Change<'_>,
    run: &mut Draft<'_>,
    about: &mut About,
    sweep: Option<&SweepId>,
) -> Result<(), Error> {
    let (None, Some(sweep)) = (&run.sweep, sweep) else { return Ok(()) };
    let known = store::sweeps::get(change.tx, sweep)?;
    if known.is_some() && change.app.plans.get(change.tx, sweep)?.project == run.project {
        about.joined = Some(sweep.clone());
    } else if run.note.is_none() {
        let sweep = cut(sweep.as_str(), NAME_BYTES);
        let project = &run.project;
        run.note = Some(format!("it names the sweep `{sweep}`, which `{project}` does not have"));
    }
    Ok(())
}

/// Changes the description of a run.
pub(super) fn describe(
    change: &Change<'_>,
    run: &mut Draft<'_>,
    upsert: &Upsert,
) -> Result<(), Error> {
    let (tx, limits) = (change.tx, &change.app.settings.limits);
    let say = |old: &mut String, new: &Option<String>| {
        if let Some(new) = new {
            new.clone_into(old);
        }
    };
    let introduction = run.introduction();
    say(introduction.name, &upsert.title);
    if let Some(tags) = &upsert.tags {
        *introduction.tags = serde_json::json!(tags).to_string();
    }
    let mut about = store::about::get(tx, run.key)?;
    say(&mut about.notes, &upsert.notes);
    say(&mut about.group, &upsert.group);
    say(&mut about.job_type, &upsert.job_type);
    join(change, run, &mut about, upsert.sweep.as_ref())?;
    let Some(config) = &upsert.config else {
        return Ok(store::about::save(tx, run.key, &about)?);
    };
    let values = Json::Object(config.values.clone()).to_string();
    tx.parsed(values.len() + run.config.len());
    match run.sweep {
        None => *run.introduction().config = values,
        Some(_) => {
            let parameters = about::object(&run.config).unwrap_or_default();
            let added = about::without(config.values.clone(), &parameters);
            about.added = Json::Object(added).to_string();
        }
    }
    // A person who edits the config through W&B's client sends nothing that the client keeps.
    if !config.client.is_empty() {
        about.client = Json::Object(config.client.clone()).to_string();
        "[]".clone_into(&mut about.metrics);
        let note = about::define(tx, &mut about.metrics, config.metrics.clone(), limits).err();
        if note.is_some() && run.note.is_none() {
            run.note = note;
        }
    }
    store::about::save(tx, run.key, &about)?;
    let code = Json::Object(config.code.clone()).to_string();
    if !config.code.is_empty() && code.len() <= limits.code_bytes {
        store::about::save_code(tx, run.key, &code)?;
    }
    Ok(())
}
