//! Runs engines on problems, on a few threads. Each run is a function of its engine, problem, seed,
//! budget and number of pending trials. `main` calls this module with all wanted runs, and the
//! module makes those that the store lacks. If there is a file, the module appends every run to it
//! as soon as the run ends. The module never judges a value.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use terminal::{Exit, Failure};

use crate::{
    chance::{Chance, hash},
    engines::{Asked, Choice, Engine, Told},
    problem::Problem,
};

/// A run to make, for any engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) problem: String,
    pub(crate) seed: u64,
    pub(crate) budget: usize,
    pub(crate) pending: usize,
}

/// A run that is over, in the form in which it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) engine: String,
    pub(crate) problem: String,
    pub(crate) seed: u64,
    pub(crate) budget: usize,
    pub(crate) pending: usize,
    /// After each trial, the noise-free value of the trial whose noisy value is best so far.
    pub(crate) curve: Vec<f64>,
    /// The noise-free value at the point that the engine recommends after all trials; `None` if it
    /// recommends none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recommended: Option<f64>,
    /// The smallest noise-free value of any trial.
    pub(crate) least: f64,
    /// The processor time of each ask and the tell before it, in milliseconds.
    pub(crate) cpu_ms: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Run {
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            problem: self.problem.clone(),
            seed: self.seed,
            budget: self.budget,
            pending: self.pending,
        }
    }
}

/// Makes one run. A limit may end it early; the results so far are kept.
pub(crate) fn run(
    name: &str,
    engine: &mut dyn Engine,
    problem: &Problem,
    plan: &Plan,
    limit: Option<Duration>,
) -> Run {
    let mut done = Run {
        engine: name.to_owned(),
        problem: plan.problem.clone(),
        seed: plan.seed,
        budget: plan.budget,
        pending: plan.pending,
        curve: Vec::with_capacity(plan.budget),
        recommended: None,
        least: f64::MAX,
        cpu_ms: Vec::with_capacity(plan.budget),
        error: None,
    };
    done.error = search(engine, problem, plan, limit, &mut done).err();
    done
}

fn search(
    engine: &mut dyn Engine,
    problem: &Problem,
    plan: &Plan,
    limit: Option<Duration>,
    done: &mut Run,
) -> Told<()> {
    let begun = Instant::now();
    let mut luck = Chance::new(&format!("{} noise", problem.name), plan.seed);
    let mut order = Chance::new(&format!("{} order", problem.name), plan.seed);
    // The seed differs from problem to problem, so that a starting point that happens to be good is
    // good for only one problem.
    engine.begin(problem, hash(problem.name) % 1_000_000 * 1_000 + plan.seed)?;
    let (mut open, mut asked, mut looked) = (Vec::<Asked>::new(), 0, f64::INFINITY);
    let mut spent = engine.spent();
    while done.curve.len() < plan.budget && limit.is_none_or(|limit| begun.elapsed() < limit) {
        while open.len() < plan.pending && asked < plan.budget {
            let Some(trial) = engine.ask()? else {
                asked = plan.budget;
                break;
            };
            let now = engine.spent();
            done.cpu_ms.push(rounded(1e3 * now.saturating_sub(spent).as_secs_f64()));
            spent = now;
            open.push(trial);
            asked += 1;
        }
        if open.is_empty() {
            break;
        }
        let trial = open.remove(order.below(open.len()));
        let value = problem.value(&trial.values);
        if !value.is_finite() {
            return Err(format!(
                "not a point of the space: {}",
                serde_json::Value::Object(trial.values)
            ));
        }
        let seen = problem.look(&trial.values, &mut luck);
        spent = engine.spent();
        engine.tell(&trial.id, seen)?;
        done.least = done.least.min(value);
        let best = done.curve.last().copied().filter(|_| seen >= looked).unwrap_or(value);
        looked = looked.min(seen);
        done.curve.push(best);
    }
    done.recommended = engine.recommend()?.map(|point| problem.value(&point));
    Ok(())
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// A store of runs: in memory, and in a file of JSON lines if there is one.
pub(crate) struct Store {
    runs: Vec<Run>,
    file: Option<File>,
}

impl Store {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self { runs: Vec::new(), file: None }) };
        let runs = if path.exists() { read(path)? } else { Vec::new() };
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self { runs, file: Some(file.map_err(|error| unusable(path, &error))?) })
    }

    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    fn add(&mut self, run: Run) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(format!("{}\n", serde_json::to_string(&run)?).as_bytes())?;
        }
        self.runs.push(run);
        Ok(())
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Input, format!("cannot use `{}`: {error}", path.display()))
}

/// Reads the runs that did not fail from a file. Skips lines that are no runs, such as a last line
/// that an interruption cut short.
pub(crate) fn read(path: &Path) -> Result<Vec<Run>, Failure> {
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let runs = lines.filter_map(|line| serde_json::from_str::<Run>(&line).ok());
    Ok(runs.filter(|run| run.error.is_none()).collect())
}

/// Makes the runs that the store lacks.
pub(crate) fn run_all(
    engines: &[Choice],
    problems: &[Problem],
    plans: &[Plan],
    jobs: usize,
    store: &mut Store,
) -> Result<(), Failure> {
    let have: std::collections::HashSet<(String, Plan)> =
        store.runs.iter().map(|run| (run.engine.clone(), run.plan())).collect();
    let todo: Vec<(&Choice, &Plan)> = engines
        .iter()
        .flat_map(|engine| plans.iter().map(move |plan| (engine, plan)))
        .filter(|(engine, plan)| !have.contains(&(engine.name.clone(), (*plan).clone())))
        .collect();
    let by_name: HashMap<&str, &Problem> =
        problems.iter().map(|problem| (problem.name, problem)).collect();
    let bar = terminal::progress::bar(todo.len() as u64, "runs");
    let (next, store) = (AtomicUsize::new(0), Mutex::new(store));
    let work = || -> Result<(), Failure> {
        let mut open: Option<(&str, Box<dyn Engine>)> = None;
        while let Some((choice, plan)) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(problem) = by_name.get(plan.problem.as_str()) else { continue };
            if open.as_ref().is_none_or(|(name, _)| *name != choice.name) {
                let engine = choice.open().map_err(|error| Failure::new(Exit::Refused, error))?;
                open = Some((&choice.name, engine));
            }
            let Some((_, engine)) = &mut open else { continue };
            let done = run(&choice.name, engine.as_mut(), problem, plan, None);
            if let Some(error) = &done.error {
                bar.suspend(|| {
                    terminal::warn(format_args!("{} on {}: {error}", choice.name, plan.problem))
                });
                open = None;
            }
            bar.inc(1);
            let stored = store.lock().map(|mut store| store.add(done));
            stored.map_err(|_| Failure::new(Exit::Bug, "another thread failed"))?.map_err(
                |error| Failure::new(Exit::Refused, format!("cannot write the runs: {error}")),
            )?;
        }
        Ok(())
    };
    let results = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    bar.finish_and_clear();
    results.into_iter().try_for_each(|result| {
        result
            .unwrap_or_else(|_| Err(Failure::new(Exit::Bug, "a thread of the benchmark panicked")))
    })
}
