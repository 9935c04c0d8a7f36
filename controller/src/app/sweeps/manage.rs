//! Creates sweeps and changes their state. The handlers in `api` call this module for users.
//! `app::read::views` decides what users see of a sweep.

use std::sync::Arc;

use ::sweeps::{
    config::{self, Config, Severity},
    lifecycle::{
        run::{self, State, StopReason},
        sweep::{self, Closing},
    },
};
use record::ids::{ProjectId, RunId, SweepId};

use super::{
    plan::Plan,
    planning, stored,
    warm_start::{self, Gathered},
};
use crate::{
    app::{
        App,
        change::{
            Change,
            wakeups::{Topic, Wake},
        },
        error::{Error, Why},
        limits::{check_list, check_name},
        people::{
            audit,
            caller::{Caller, NO_PROJECT, Right},
            permit,
            things::Thing,
        },
        read::views::{self, SweepView},
        runs::lookup::{self, Named},
    },
    settings::Limits,
    store::{
        self, Tx,
        events::{Event, Kind},
        runs::{Most, Run},
        sweeps::Sweep,
    },
};

/// A change of a sweep's state that a user may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Pauses the sweep: it hands out no trials, and live trials go on.
    Pause,
    /// Resumes the sweep: it hands out trials again.
    Resume,
    /// Stops the sweep: it creates no new trials and ends its queued trials. Leased and running
    /// trials finish.
    Stop,
    /// Cancels the sweep: it ends its queued trials, and orders its leased and running trials to
    /// stop.
    Cancel,
}

impl Wish {
    /// Returns the words for the audit.
    fn deed(self) -> &'static str {
        match self {
            Wish::Pause => "pause sweep",
            Wish::Resume => "resume sweep",
            Wish::Stop => "stop sweep",
            Wish::Cancel => "cancel sweep",
        }
    }
}

/// A sweep that is to be created.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewSweep {
    /// The configuration.
    pub(crate) yaml: String,
    /// The name of the file that the configuration comes from, for messages; may be empty.
    pub(crate) source: String,
    /// The idempotency key: a second call with the same key returns the sweep of the first call.
    pub(crate) key: Option<String>,
    /// The project, if the configuration is not to name it: a name in the caller's own team, or
    /// `TEAM/NAME`. Empty means the one of the configuration.
    pub(crate) project: String,
    /// The names of the runs of the project that are a part of the sweep's past.
    pub(crate) prior_runs: Vec<String>,
}

/// Checks a configuration and stores it as a new sweep.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the YAML is not a valid sweep. The error lists the problems.
pub(crate) async fn create(
    app: &Arc<App>,
    caller: &Caller,
    new: NewSweep,
) -> Result<SweepView, Error> {
    let NewSweep { yaml, source, key, project, prior_runs } = new;
    caller.admits(Right::Steer)?;
    check_lengths(&app.settings.limits, &yaml, key.as_deref())?;
    check_list(&app.settings.limits, "prior runs", &prior_runs)?;
    let (yaml, checked) = checked(app, move || check(yaml, &source)).await?;
    let (config, mut warnings) = checked?;
    let project = permitted(app, caller, &config, &project).await?;
    let seed = config.seed.unwrap_or_else(|| app.chance.seed());
    // The sweep gets its id later.
    let plan = Plan::new(SweepId::default(), project.clone(), config, seed);
    let (gathered, prior) = past(app, plan, prior_runs).await?;
    warnings.extend(gathered.warnings);
    let earlier = gathered.trials;
    let (warnings, who) = (serde_json::json!(warnings).to_string(), caller.who());
    let key = key.map(|key| caller.own_key(key));
    let work = move |change: &mut Change<'_>| {
        if let Some(known) =
            key.as_deref().map(|key| store::sweeps::by_key(change.tx, key)).transpose()?.flatten()
        {
            return Ok(known);
        }
        let mut id = SweepId::from(change.app.chance.id());
        while store::sweeps::has(change.tx, &id)? {
            id = SweepId::from(change.app.chance.id());
        }
        let sweep = Sweep {
            id: id.clone(),
            idempotency_key: key,
            yaml,
            warnings,
            seed,
            created_ms: change.now_ms,
            project: project.clone(),
        };
        store::sweeps::insert(change.tx, &sweep)?;
        if !earlier.is_empty() {
            store::earlier::insert(change.tx, &id, &earlier)?;
        }
        store::earlier::insert_runs(change.tx, &id, &prior)?;
        let event = Event {
            kind: Kind::Sweep,
            sweep: Some(&id),
            run: None,
            body: r#"{"state":"pending"}"#,
        };
        store::events::append(change.tx, change.now_ms, event)?;
        Topic::within(&project).into_iter().for_each(|topic| change.wake(Wake::All(topic)));
        audit::note(change, who, "create sweep", id.as_str(), Some(project))?;
        Ok(id)
    };
    let id = app.change(work).await?;
    views::get_sweep(app, caller, id).await
}

/// Returns what a new sweep starts from, and the internal keys of the runs that it is given.
///
/// # Errors
/// Fails with [`Error::Invalid`] if a sweep or a run that is named does not exist.
async fn past(
    app: &Arc<App>,
    plan: Plan,
    prior_runs: Vec<String>,
) -> Result<(Gathered, Vec<i64>), Error> {
    if plan.config.warm_start.is_empty() && prior_runs.is_empty() {
        return Ok((Gathered::default(), Vec::new()));
    }
    app.read(move |tx, app| {
        let given = given(tx, &plan.project, prior_runs)?;
        let gathered = warm_start::gather(tx, app, &plan, &given)?;
        Ok((gathered, given.iter().map(|run| run.key).collect()))
    })
    .await
}

/// Returns the runs with these names.
fn given(tx: &Tx<'_>, project: &ProjectId, names: Vec<String>) -> Result<Vec<Run>, Error> {
    let find = |name: String| {
        let missing = format!("no run `{name}` in the project `{project}`, for the prior runs");
        let named = Named { name, ..Named::default() };
        lookup::named(tx, project, &named)?.ok_or_else(|| Error::invalid(missing))
    };
    names.into_iter().map(find).collect()
}

/// Returns the project in which the caller creates a sweep with this configuration. Checks that the
/// caller may do so, and may see the earlier sweeps that the sweep starts from.
async fn permitted(
    app: &Arc<App>,
    caller: &Caller,
    config: &Config,
    project_said: &str,
) -> Result<ProjectId, Error> {
    let Config { project, entity, name, warm_start, .. } = config;
    for (what, name) in [("`project`", project), ("`entity`", entity), ("`name`", name)] {
        check_name(&app.settings.limits, what, name.as_deref().unwrap_or_default())?;
    }
    let said = if project_said.is_empty() { said(config) } else { project_said.to_owned() };
    check_name(&app.settings.limits, "the project", &said)?;
    let project = caller.project(&said)?;
    caller.check(Right::Steer, &project, Thing::Project, || permit::no_project(&project))?;
    for earlier in warm_start {
        permit::sweep(app, caller, Right::See, &SweepId::from(earlier.as_str())).await?;
    }
    Ok(project)
}

/// Returns the project of a configuration, as its author says it.
fn said(Config { project, entity, .. }: &Config) -> String {
    let name = project.as_deref().unwrap_or(NO_PROJECT);
    match entity.as_deref().filter(|_| !name.contains('/')) {
        Some(entity) => format!("{entity}/{name}"),
        None => project.clone().unwrap_or_default(),
    }
}

pub(super) fn check_lengths(limits: &Limits, yaml: &str, key: Option<&str>) -> Result<(), Error> {
    if yaml.len() > limits.yaml_bytes {
        return Err(Error::invalid(format!(
            "the YAML has {} bytes; the limit is {}",
            yaml.len(),
            limits.yaml_bytes
        )));
    }
    if key.is_some_and(|key| key.len() > limits.text_bytes) {
        return Err(Error::invalid("the idempotency key is too long"));
    }
    Ok(())
}

/// The YAML, and either its configuration with the warnings or the error.
pub(super) type Checked = (String, Result<(Config, Vec<String>), Error>);

pub(super) async fn checked(
    app: &App,
    work: impl FnOnce() -> Checked + Send + 'static,
) -> Result<Checked, Error> {
    let failed = |error| Error::Bug(format!("the check of a configuration failed: {error}"));
    app.threads.run(work).await.map_err(failed)
}

pub(super) fn check(yaml: String, source: &str) -> Checked {
    let source = if source.is_empty() { "sweep.yaml" } else { source };
    let checked = config::check(&yaml);
    let told = |wanted: Severity| {
        let of_kind = checked.problems.iter().filter(move |problem| problem.severity == wanted);
        of_kind.map(|problem| config::render(problem, &yaml, source)).collect::<Vec<_>>()
    };
    let result = match checked.config {
        Some(config) => Ok((config, told(Severity::Warning))),
        None => Err(Error::invalid(format!(
            "`{source}` is not a valid sweep\n{}",
            together(&told(Severity::Error))
        ))),
    };
    (yaml, result)
}

/// Joins problems into the text of one error. An error is sent in a header of bounded size, so the
/// problems that do not fit are only counted. `sweep check` prints all of them.
pub(super) fn together(problems: &[String]) -> String {
    const MOST: usize = 4000;
    let mut bytes = 0;
    let fitting = problems.iter().take_while(|problem| {
        bytes += problem.len() + 2;
        bytes <= MOST
    });
    let mut told: Vec<String> = fitting.cloned().collect();
    if told.len() < problems.len() {
        told.push(format!("and {} more", problems.len() - told.len()));
    }
    told.join("\n\n")
}

/// Pauses, resumes, stops or cancels a sweep.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist, and with [`Error::Refused`] if the
/// sweep's state does not allow the change.
pub(crate) async fn change(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
    wish: Wish,
) -> Result<SweepView, Error> {
    permit::sweep(app, caller, Right::Steer, &id).await?;
    let plan = planning::of(app, &id).await?;
    loop {
        let (wanted, who, project) = (id.clone(), caller.who(), plan.project.clone());
        let work = move |change: &mut Change<'_>| {
            let done = fulfil(change, &wanted, wish)?;
            if done {
                audit::note(change, who, wish.deed(), wanted.as_str(), Some(project))?;
            }
            Ok(done)
        };
        if app.change(work).await? {
            return views::get_sweep(app, caller, id).await;
        }
    }
}

/// Makes the change that a user wishes, or a part of it. Returns false if the rest of the change
/// needs another transaction. The state of the sweep changes last, so a caller that is cut off can
/// repeat its call.
fn fulfil(change: &mut Change<'_>, id: &SweepId, wish: Wish) -> Result<bool, Error> {
    let state = change.progress(id)?.state;
    if state.is_over() {
        return Err(over(id, state, wish));
    }
    match wish {
        Wish::Pause => change.sweep_step(id, sweep::Event::Pause)?,
        Wish::Resume => {
            change.sweep_step(id, sweep::Event::Resume)?;
            change.forget_crash_loop(id)?;
            let progress = change.progress(id)?;
            // A resume revokes an earlier stop by a user. A sweep that is closed for another
            // reason, such as a used-up space, stays closed.
            if progress.closing == Some(Closing::Stopped) {
                progress.closing = None;
            }
        }
        Wish::Stop => {
            let queued = store::runs::queued(change.tx, id, some(change))?;
            for run in queued.runs {
                stop_queued(change, run)?;
            }
            if queued.more {
                return Ok(false);
            }
            change.progress(id)?.closing = Some(Closing::Stopped);
        }
        Wish::Cancel => {
            sweep::next(change.progress(id)?.state, sweep::Event::Cancel)?;
            let untold = store::runs::not_told(change.tx, id, StopReason::Cancelled, some(change))?;
            for mut run in untold.runs {
                if run.state == State::Queued {
                    stop_queued(change, run)?;
                } else {
                    change.edit(&mut run, |change, run| {
                        change.want_stop(run, StopReason::Cancelled)
                    })?;
                }
            }
            if untold.more {
                return Ok(false);
            }
            change.sweep_step(id, sweep::Event::Cancel)?;
            change.progress(id)?.closing = Some(Closing::Cancelled);
        }
    }
    Ok(true)
}

/// Returns how many runs, and how many bytes of runs, one transaction may change.
fn some(change: &Change<'_>) -> Most {
    let limits = &change.app.settings.limits;
    Most { runs: limits.changed, bytes: limits.changed_bytes }
}

/// Returns the error of a change to a sweep that is over, with advice on how to go on.
fn over(id: &SweepId, state: sweep::State, wish: Wish) -> Error {
    let wanted = match wish {
        Wish::Pause => "paused",
        Wish::Resume => "resumed",
        Wish::Stop => "stopped",
        Wish::Cancel => "cancelled",
    };
    let message = format!("sweep `{id}` is {}, so it cannot be {wanted}", state.name());
    Error::refused(Why::State, message).hint(match wish {
        Wish::Resume => format!(
            "`sweep retry {id}` runs its failed trials again, and `sweep retry {id} RUN` a stopped \
            one; for more trials, `sweep extend {id} --runs N` raises its cap, and a new sweep \
            with `warm_start: [{id}]` starts from these results"
        ),
        Wish::Pause | Wish::Stop | Wish::Cancel => format!("`sweep show {id}` shows how it ended"),
    })
}

fn stop_queued(change: &mut Change<'_>, mut run: Run) -> Result<(), Error> {
    change.edit(&mut run, |change, run| {
        run.agent = None;
        change.end(run, run::Event::Stop)
    })
}

/// Queues a new attempt of these runs, or of every failed or crashed run of the sweep if the list
/// is empty. Returns the ids of the queued runs.
///
/// # Errors
/// Fails with [`Error::Missing`] if a run or the sweep does not exist. Fails with
/// [`Error::Refused`] if the state of a run does not allow a retry. In both cases nothing is
/// queued.
pub(crate) async fn retry(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
    wanted: Vec<RunId>,
) -> Result<Vec<RunId>, Error> {
    permit::sweep(app, caller, Right::Steer, &id).await?;
    let most = app.settings.limits.retried;
    if wanted.len() > most {
        return Err(Error::invalid(format!(
            "the call names {} runs; the limit is {most}",
            wanted.len()
        ))
        .hint("without a list, every failed or crashed run of the sweep is tried again"));
    }
    let plan = planning::of(app, &id).await?;
    let sweep = id.clone();
    let look = move |tx: &Tx<'_>, _: &App| {
        stored::progress(tx, &sweep)?;
        if wanted.is_empty() {
            return Ok(store::runs::failed(tx, &sweep)?);
        }
        for run in &wanted {
            check_retry(&of_sweep(tx, &sweep, run)?)?;
        }
        Ok(wanted)
    };
    let chosen: Vec<RunId> = app.read(look).await?;
    if chosen.is_empty() {
        return Err(Error::refused(Why::State, format!("no run of `{id}` failed or crashed"))
            .hint(format!("`sweep retry {id} RUN` runs a stopped trial again")));
    }
    let chosen = Arc::new(chosen);
    let (mut retried, mut at) = (Vec::with_capacity(chosen.len()), 0);
    while at < chosen.len() {
        let (wanted, id) = (chosen.clone(), id.clone());
        let (who, project) = (caller.who(), plan.project.clone());
        let work = move |change: &mut Change<'_>| {
            if at == 0 {
                audit::note(change, who, "retry sweep", id.as_str(), Some(project))?;
            }
            again_some(change, &id, &wanted, at)
        };
        let (next, some) = app.change(work).await?;
        at = next;
        retried.extend(some);
    }
    Ok(retried)
}

/// Queues as many of the chosen runs as one transaction may change, from place `at` in the list on.
/// Returns the place of the next run, and the ids of the queued runs.
fn again_some(
    change: &mut Change<'_>,
    sweep: &SweepId,
    chosen: &[RunId],
    mut at: usize,
) -> Result<(usize, Vec<RunId>), Error> {
    let (mut most, mut retried) = (some(change), Vec::new());
    while let Some(id) = chosen.get(at).filter(|_| most.runs > 0 && most.bytes > 0) {
        let mut run = of_sweep(change.tx, sweep, id)?;
        most.take(&run);
        at += 1;
        // Another call may have queued the run since it was chosen.
        if check_retry(&run).is_ok() {
            change.edit(&mut run, Change::retry)?;
            retried.push(run.id);
        }
    }
    Ok((at, retried))
}

/// Passes if the run's state allows a retry.
fn check_retry(run: &Run) -> Result<(), Error> {
    if run::next(run.state, run::Event::Retry).is_ok() {
        return Ok(());
    }
    let message = format!("run `{}` is {}, so it cannot be retried", run.id, run.state.name());
    Err(Error::refused(Why::State, message)
        .hint("only failed, crashed and stopped runs can be retried"))
}

fn of_sweep(tx: &Tx<'_>, sweep: &SweepId, run: &RunId) -> Result<Run, Error> {
    let found = lookup::find(tx, run)?;
    if found.sweep.as_ref() == Some(sweep) {
        return Ok(found);
    }
    Err(Error::missing(format!("no run `{run}` in the sweep `{sweep}`"))
        .hint(format!("`sweep show {sweep}` lists its runs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_the_team_of_a_project_that_names_none() {
        let said = |keys: &str| {
            let yaml = format!("{keys}\nmethod: grid\nprogram: p\nparameters: {{a: {{value: 1}}}}");
            said(&config::check(&yaml).config.unwrap())
        };
        assert_eq!(said("entity: vision\nproject: digits"), "vision/digits");
        assert_eq!(said("entity: vision"), "vision/uncategorized");
        assert_eq!(said("entity: vision\nproject: nlp/words"), "nlp/words");
        assert_eq!(said("project: digits"), "digits");
    }
}
