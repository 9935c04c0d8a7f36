//! Provides the search engines: the project's own library in this process, and any program that
//! speaks the protocol. The values of `--engine` and `--without` select them, and the runner drives
//! them. An engine never sees a problem's function or its optimum.

use std::time::Duration;

use serde_json::Value;
use sweeps::{
    history::{History, Outcome, Trial},
    point::Point,
    search::{Ingredient, Method, Study, explain::Surrogate, propose},
};
use terminal::{Exit, Failure};

use crate::{
    external::External,
    problem::{Problem, Values},
};

/// The result of an engine's call. The error says why the engine cannot continue; it marks the run
/// as failed.
pub(crate) type Told<T> = Result<T, String>;

/// A trial that an engine proposes.
pub(crate) struct Asked {
    /// The engine's own id of the trial.
    pub(crate) id: Value,
    pub(crate) values: Values,
}

/// A search engine.
pub(crate) trait Engine {
    /// Forgets all trials and begins to search this problem.
    fn begin(&mut self, problem: &Problem, seed: u64) -> Told<()>;
    /// Returns the next trial; `None` if a finite space is used up.
    fn ask(&mut self) -> Told<Option<Asked>>;
    /// Reports the value of a trial.
    fn tell(&mut self, id: &Value, value: f64) -> Told<()>;
    /// Returns the point that the engine recommends after all trials; `None` if it recommends none.
    fn recommend(&mut self) -> Told<Option<Values>> {
        Ok(None)
    }
    /// Returns the processor time that the engine's process or thread has used so far. Callers use
    /// differences of two results.
    fn spent(&self) -> Duration;
}

/// A choice of an engine, which can be opened any number of times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) name: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Own(Method, Option<Ingredient>),
    External { command: String },
}

impl Choice {
    /// Parses `ours`, `random`, or `NAME=COMMAND`.
    pub(crate) fn parse(word: &str) -> Result<Self, Failure> {
        let (name, kind) = match word.split_once('=') {
            Some((name, command)) => (name, Kind::External { command: command.to_owned() }),
            None if word == "ours" => (word, Kind::Own(Method::Bayes, None)),
            None if word == "random" => (word, Kind::Own(Method::Random, None)),
            None => {
                return Err(Failure::new(Exit::Input, format!("there is no engine `{word}`"))
                    .hint("engines are `ours`, `random` and NAME=COMMAND"));
            }
        };
        Ok(Self { name: name.to_owned(), kind })
    }

    /// Returns the project's engine with one ingredient left out.
    pub(crate) fn without(name: &str) -> Result<Self, Failure> {
        let ingredient = Ingredient::of(name).ok_or_else(|| {
            let names = Ingredient::ALL.map(Ingredient::name).join(", ");
            Failure::new(Exit::Input, format!("the search has no ingredient `{name}`"))
                .hint(format!("the ingredients are {names}"))
        })?;
        Ok(Self { name: format!("ours-{name}"), kind: Kind::Own(Method::Bayes, Some(ingredient)) })
    }

    pub(crate) fn open(&self) -> Told<Box<dyn Engine>> {
        Ok(match &self.kind {
            Kind::Own(method, without) => Box::new(Own {
                method: *method,
                without: *without,
                study: None,
                history: History::default(),
            }),
            Kind::External { command } => Box::new(External::start(command)?),
        })
    }
}

/// The engine that calls the project's library in this process.
struct Own {
    method: Method,
    without: Option<Ingredient>,
    study: Option<Study>,
    history: History,
}

impl Engine for Own {
    fn begin(&mut self, problem: &Problem, seed: u64) -> Told<()> {
        let study = Study::new(self.method, problem.space.clone(), seed);
        self.study = Some(Study { without: self.without.into_iter().collect(), ..study });
        self.history = History::default();
        Ok(())
    }

    fn ask(&mut self) -> Told<Option<Asked>> {
        let study = self.study.as_ref().ok_or("asked before the beginning")?;
        let number = self.history.trials.len();
        let Ok(suggestion) = propose(study, number as u64, &self.history) else { return Ok(None) };
        let values = values(&suggestion.point, study)?;
        self.history.trials.push(Trial::pending(suggestion.point, suggestion.fit));
        Ok(Some(Asked { id: number.into(), values }))
    }

    fn tell(&mut self, id: &Value, value: f64) -> Told<()> {
        let number = id.as_u64().and_then(|number| usize::try_from(number).ok());
        let trial =
            number.and_then(|number| self.history.trials.get_mut(number)).ok_or("no such trial")?;
        trial.outcome = Outcome::Value(value);
        Ok(())
    }

    fn recommend(&mut self) -> Told<Option<Values>> {
        let study = self.study.as_ref().ok_or("asked before the beginning")?;
        if self.method != Method::Bayes {
            return Ok(None);
        }
        let found = Surrogate::of(study, &self.history)
            .and_then(|surrogate| surrogate.recommendation(None, |_| true));
        // A run of very few trials has no model.
        let Ok(found) = found else { return Ok(None) };
        let trial = &self.history.trials[found.recommended.trial as usize];
        values(&trial.point, study).map(Some)
    }

    fn spent(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
    }
}

fn values(point: &Point, study: &Study) -> Told<Values> {
    match point.to_json(&study.space) {
        Value::Object(values) => Ok(values),
        other => Err(format!("not a point: {other}")),
    }
}
