//! Lists the names that the newest runs of a project have values under, for people who choose the
//! columns of a table or the curves of a page. `api::web` calls this module. It changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use record::{
    Value,
    ids::{ProjectId, SweepId},
};
use serde_json::Value as Json;

use super::{path, projects};
use crate::{
    app::{
        App,
        error::Error,
        people::{caller::Caller, things::Thing},
        rows::{
            digest,
            metrics::{Goal, Metric},
        },
        runs::edited,
    },
    store::{
        self,
        listing::{Candidate, Text},
    },
};

/// The most runs that are looked at. The newest ones tell what people log now.
const RUNS: usize = 1000;
/// The most sweeps whose goals are looked at.
const SWEEPS: usize = 100;
/// The most names of each kind.
const NAMES: usize = 5000;

/// A kind of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
    Bool,
    /// Anything else, or values of several kinds.
    Other,
}

/// The names of one kind, each with the kind of its values and the number of runs that have one.
pub(crate) type Names = BTreeMap<String, (Kind, u64)>;

/// The names that runs have values under.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Paths of the config, whose parts are joined by `.`.
    pub(crate) config: Names,
    /// Keys of the summary.
    pub(crate) summary: Names,
    /// Keys of the history.
    pub(crate) history: Names,
    /// Whether the largest value of a metric is the best: as a sweep says, or else a definition.
    pub(crate) goals: BTreeMap<String, bool>,
}

/// Returns the names of the newest runs of a project.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such project that the caller may see.
pub(crate) async fn of_project(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
) -> Result<Known, Error> {
    let project = projects::find(app, caller, project, Thing::Project).await?;
    app.read(move |tx, app| {
        let (mut known, mut left) = (Known::default(), RUNS);
        let mut sweeps = BTreeSet::new();
        store::listing::each(tx, project.as_str(), None, |run| {
            known.add(run)?;
            let sweep = run.text(Text::Sweep)?;
            if !sweep.is_empty() && sweeps.len() < SWEEPS {
                sweeps.insert(SweepId::from(sweep));
            }
            left -= 1;
            Ok::<_, Error>(left > 0)
        })?;
        for sweep in sweeps {
            if let Some(metric) = app.plans.get(tx, &sweep)?.metric() {
                known.goals.insert(metric.name.clone(), metric.maximize);
            }
        }
        Ok(known)
    })
    .await
}

impl Known {
    fn add(&mut self, run: &Candidate<'_>) -> Result<(), Error> {
        for column in [Text::Config, Text::Added] {
            let text = run.text(column)?;
            // The only JSON object of at most 2 bytes is the empty one.
            if text.len() > 2
                && let Ok(Json::Object(object)) = serde_json::from_str(text)
            {
                object.iter().for_each(|(key, value)| leaves(&mut self.config, key, value));
            }
        }
        let logged = digest::last_values(run.logged()?).map_err(|corrupt| {
            let id = run.text(Text::Id).unwrap_or_default();
            Error::damaged(format!("the summary of {id} is damaged: {corrupt}"))
        })?;
        for (key, value, in_history) in logged {
            note(&mut self.summary, &key, kind(&value));
            if in_history {
                note(&mut self.history, &key, kind(&value));
            }
        }
        for change in edited::all(run.text(Text::Edited)?) {
            if let Some(value) = path::json_value(&change.value) {
                note(&mut self.summary, &change.key, kind(&value));
            }
        }
        // Most runs define no metric.
        let defined = run.text(Text::Metrics)?;
        for metric in if defined.len() > 2 { Metric::list(defined) } else { Vec::new() } {
            if let Some(goal) = metric.goal {
                self.goals.entry(metric.name).or_insert(goal == Goal::Maximize);
            }
        }
        Ok(())
    }
}

/// Notes the paths of all values within this one.
fn leaves(names: &mut Names, path: &str, value: &Json) {
    match value {
        Json::Object(object) => {
            for (key, value) in object {
                leaves(names, &format!("{path}.{key}"), value);
            }
        }
        Json::Null => {}
        Json::Number(_) => note(names, path, Kind::Number),
        Json::Bool(_) => note(names, path, Kind::Bool),
        // These texts stand for the floats that JSON lacks.
        Json::String(text) if ["NaN", "Infinity", "-Infinity"].contains(&text.as_str()) => {
            note(names, path, Kind::Number);
        }
        Json::String(_) => note(names, path, Kind::Text),
        Json::Array(_) => note(names, path, Kind::Other),
    }
}

fn note(names: &mut Names, name: &str, kind: Kind) {
    if let Some((before, runs)) = names.get_mut(name) {
        *runs += 1;
        if *before != kind {
            *before = Kind::Other;
        }
    } else if names.len() < NAMES {
        names.insert(name.to_owned(), (kind, 1));
    }
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::F64(_) | Value::I64(_) | Value::U64(_) => Kind::Number,
        Value::Bool(_) => Kind::Bool,
        Value::Text(_) => Kind::Text,
        Value::Json(_) => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_has_a_name_for_each_of_its_leaves() {
        let mut names = Names::new();
        for config in [r#"{"a": {"b": 1, "c": "x"}, "d": "NaN", "e": [1]}"#, r#"{"a": 2}"#] {
            let Ok(Json::Object(object)) = serde_json::from_str(config) else { panic!() };
            object.iter().for_each(|(key, value)| leaves(&mut names, key, value));
        }
        note(&mut names, "d", Kind::Text);
        let expected = [
            ("a", (Kind::Number, 1)),
            ("a.b", (Kind::Number, 1)),
            ("a.c", (Kind::Text, 1)),
            ("d", (Kind::Other, 2)),
            ("e", (Kind::Other, 1)),
        ];
        assert_eq!(names.iter().map(|(n, k)| (n.as_str(), *k)).collect::<Vec<_>>(), expected);
    }
}
