//! Sweeps are created and changed. Called by the doors on behalf of people. How a sweep looks to them is `app::views`.

use std::sync::Arc;

use ::sweeps::{
    config::{self, Config, Severity},
    lifecycle::{
        Refused,
        run::{self, State},
        sweep,
    },
};

use super::{
    App,
    caller::Caller,
    change::Change,
    error::{Error, Why},
    plan::Plan,
    views::{self, SweepView},
    warm_start,
};
use crate::store::{
    self,
    events::{Event, Kind},
    runs::{Outcome, Run},
    sweeps::Sweep,
};

/// What a person may ask of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Hand out nothing; what runs goes on.
    Pause,
    /// Hand out again.
    Resume,
    /// No new trials; what runs finishes.
    Stop,
    /// What runs is told to stop.
    Cancel,
}

/// Checks a configuration and stores it as a new sweep. A repeat with the same key answers with the first sweep.
///
/// # Errors
/// Invalid, with every problem of the YAML.
pub(crate) async fn create(
    app: &Arc<App>,
    caller: &Caller,
    yaml: String,
    source: String,
    key: Option<String>,
) -> Result<SweepView, Error> {
    caller.admin()?;
    let limits = &app.settings.limits;
    if yaml.len() > limits.yaml_bytes {
        return Err(Error::invalid(format!(
            "the YAML has {} bytes, {} at most",
            yaml.len(),
            limits.yaml_bytes
        )));
    }
    if key.as_ref().is_some_and(|key| key.len() > limits.text_bytes) {
        return Err(Error::invalid("the idempotency key is too long"));
    }
    let (yaml, checked) = checked(app, move || check(yaml, &source)).await?;
    let (config, mut warnings) = checked?;
    let seed = config.seed.unwrap_or_else(|| app.chance.seed());
    let mut earlier = Vec::new();
    if !config.warm_start.is_empty() {
        let plan = Plan::new("", config, seed);
        let gathered = app.read(move |tx, app| warm_start::gather(tx, app, &plan)).await?;
        warnings.extend(gathered.warnings);
        earlier = gathered.trials;
    }
    let warnings = serde_json::json!(warnings).to_string();
    let work = move |change: &mut Change<'_>| {
        if let Some(known) =
            key.as_deref().map(|key| store::sweeps::by_key(change.tx, key)).transpose()?.flatten()
        {
            return views::sweep(change.tx, change.app, &known);
        }
        let mut id = change.app.chance.id();
        while store::sweeps::get(change.tx, &id)?.is_some() {
            id = change.app.chance.id();
        }
        let sweep =
            Sweep { id: id.clone(), idempotency_key: key, yaml, warnings, seed, created_ms: change.now_ms };
        store::sweeps::insert(change.tx, &sweep)?;
        if !earlier.is_empty() {
            store::earlier::insert(change.tx, &id, &earlier)?;
        }
        let event = Event { kind: Kind::Sweep, sweep: Some(&id), run: None, body: r#"{"state":"pending"}"# };
        store::events::append(change.tx, change.now_ms, event)?;
        views::sweep(change.tx, change.app, &id)
    };
    app.change(work).await
}

/// The configuration and its warnings. A large file takes long to check, so not on a thread that others wait for.
type Checked = (String, Result<(Config, Vec<String>), Error>);

async fn checked(app: &App, work: impl FnOnce() -> Checked + Send + 'static) -> Result<Checked, Error> {
    let failed = |error| Error::Bug(format!("the check of a configuration failed: {error}"));
    app.threads.run(work).await.map_err(failed)
}

fn check(yaml: String, source: &str) -> Checked {
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

/// An error travels in a header of bounded size: what does not fit is counted. `sweep check` tells everything.
fn together(problems: &[String]) -> String {
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
/// Missing, or refused when the sweep's state does not allow it.
pub(crate) async fn change(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
    wish: Wish,
) -> Result<SweepView, Error> {
    caller.admin()?;
    let wanted = id.clone();
    app.change(move |change| fulfil(change, &id, wish)).await?;
    views::get_sweep(app, caller, wanted).await
}

fn fulfil(change: &mut Change<'_>, id: &str, wish: Wish) -> Result<(), Error> {
    match wish {
        Wish::Pause => change.sweep_step(id, sweep::Event::Pause),
        Wish::Resume => {
            change.sweep_step(id, sweep::Event::Resume)?;
            change.forget_crash_loop(id)?;
            let progress = change.progress(id)?;
            // Whoever resumes takes back their own stop; nobody can take back that the space is used up.
            if progress.closing.as_deref() == Some("stopped") {
                progress.closing = None;
            }
            Ok(())
        }
        Wish::Stop => {
            let state = change.progress(id)?.state;
            if state.is_over() {
                return Err(Refused { what: "sweep", state: state.name(), event: "stop" }.into());
            }
            change.progress(id)?.closing = Some("stopped".to_owned());
            for run in store::runs::live(change.tx, id)? {
                if run.state == State::Queued {
                    stop_queued(change, run)?;
                }
            }
            Ok(())
        }
        Wish::Cancel => {
            change.sweep_step(id, sweep::Event::Cancel)?;
            change.progress(id)?.closing = Some("cancelled".to_owned());
            for mut run in store::runs::live(change.tx, id)? {
                if run.state == State::Queued {
                    stop_queued(change, run)?;
                } else {
                    change.want_stop(&mut run, "cancelled")?;
                }
            }
            Ok(())
        }
    }
}

fn stop_queued(change: &mut Change<'_>, mut run: Run) -> Result<(), Error> {
    run.agent = None;
    change.end(&mut run, run::Event::Stop)?;
    store::runs::save(change.tx, &run)?;
    Ok(())
}

/// Queues a new attempt of these runs, or of every failed or crashed run of the sweep; gives their ids.
///
/// # Errors
/// Missing, or refused when a run is in no state for it: then nothing is queued.
pub(crate) async fn retry(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
    runs: Vec<String>,
) -> Result<Vec<String>, Error> {
    caller.admin()?;
    let work = move |change: &mut Change<'_>| {
        change.progress(&id)?;
        let chosen = if runs.is_empty() {
            store::runs::failed(change.tx, &id)?
        } else {
            runs.iter().map(|run| of_sweep(change, &id, run)).collect::<Result<_, _>>()?
        };
        if chosen.is_empty() {
            return Err(Error::refused(Why::State, format!("no run of `{id}` failed or crashed")));
        }
        let mut retried = Vec::with_capacity(chosen.len());
        for mut run in chosen {
            again(change, &mut run)?;
            retried.push(run.id);
        }
        Ok(retried)
    };
    app.change(work).await
}

fn of_sweep(change: &Change<'_>, sweep: &str, run: &str) -> Result<Run, Error> {
    let found = change.run(run)?;
    if found.sweep.as_deref() == Some(sweep) {
        return Ok(found);
    }
    Err(Error::missing(format!("no run `{run}` in the sweep `{sweep}`"))
        .hint(format!("`sweep show {sweep}` lists its runs")))
}

fn again(change: &mut Change<'_>, run: &mut Run) -> Result<(), Error> {
    change.step(run, run::Event::Retry)?;
    change.reopen(run)?;
    run.agent = None;
    run.stop_wanted = None;
    run.outcome = Outcome::default();
    store::failures::forgive(change.tx, run.key)?;
    store::runs::save(change.tx, run)?;
    Ok(())
}
