//! Reads problems whose values were computed once: real trainings, on a grid of configurations. A
//! file holds the axes, and the value of every cell for each seed of the training. An engine is
//! judged by the mean over the seeds. `problem::all` calls this module.
//!
//! `tasks.py` wrote the files in `trained/`. `tables.py` converts published tables to files of the
//! same form.

use std::{fs, path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    problem::{Noise, Params, Problem, int, log_int, log_uniform, named, uniform},
    statistics::{mean, quantile},
};

/// The tasks of `trained/` on which nobody tunes the search. They tell whether a gain on the other
/// tasks is real.
const HELD_OUT: [&str; 8] = [
    "bayes-digits",
    "discriminant-digits",
    "forest-wine",
    "linear-svm-wine",
    "mlp-diabetes",
    "nystroem-hastie",
    "sgd-friedman",
    "svr-diabetes",
];

/// A file.
#[derive(Deserialize)]
struct Table {
    name: String,
    axes: Vec<Axis>,
    /// For each seed, the values of all cells. The last axis varies fastest.
    values: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Axis {
    name: String,
    kind: Kind,
    #[serde(default)]
    scale: Scale,
    /// The values that were computed, ascending unless they are a list.
    levels: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Real,
    Int,
    List,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scale {
    #[default]
    Linear,
    Log,
}

impl Axis {
    /// Returns the parameter as a sweep's YAML has it.
    fn parameter(&self) -> Value {
        let number = |level: Option<&Value>| level.and_then(Value::as_f64).unwrap_or(f64::NAN);
        let (low, high) = (number(self.levels.first()), number(self.levels.last()));
        match (self.kind, self.scale) {
            (Kind::List, _) => json!({"distribution": "categorical", "values": self.levels}),
            (Kind::Real, Scale::Linear) => uniform(low, high),
            (Kind::Real, Scale::Log) => log_uniform(low, high),
            (Kind::Int, Scale::Linear) => int(low as i64, high as i64),
            (Kind::Int, Scale::Log) => log_int(low as i64, high as i64),
        }
    }

    /// Returns the index of the level that is nearest to the parameter's value, on the axis's own
    /// scale. `None` if the parameter has no such value.
    fn nearest(&self, params: &Params<'_>) -> Option<usize> {
        if self.kind == Kind::List {
            return self.levels.iter().position(|level| params.is(&self.name, level));
        }
        let place = |x: f64| if self.scale == Scale::Log { x.ln() } else { x };
        let wanted = place(params.number(&self.name));
        let distance = |&index: &usize| {
            (place(self.levels[index].as_f64().unwrap_or(f64::NAN)) - wanted).abs()
        };
        let nearer = |a: &usize, b: &usize| distance(a).total_cmp(&distance(b));
        (0..self.levels.len()).min_by(nearer).filter(|_| wanted.is_finite())
    }
}

impl Table {
    /// Returns the index of the cell of these parameters.
    fn cell(&self, params: &Params<'_>) -> Option<usize> {
        self.axes
            .iter()
            .try_fold(0, |cell, axis| Some(cell * axis.levels.len() + axis.nearest(params)?))
    }

    /// Returns the number of cells.
    fn cells(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// Returns the value of a cell for each seed.
    fn row(&self, cell: usize) -> Vec<f64> {
        self.values.iter().filter_map(|values| values.get(cell).copied()).collect()
    }

    /// Returns the value of a point for each seed; the list is empty if there is no such point.
    fn at(&self, params: &Params<'_>) -> Vec<f64> {
        self.cell(params).map_or(Vec::new(), |cell| self.row(cell))
    }
}

/// Returns the tasks of this repository.
pub(crate) fn trained() -> Vec<Problem> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/search/trained");
    let family = |name: &str| if HELD_OUT.contains(&name) { "held-out" } else { "trained" };
    let tables = read(&folder).expect("the repository holds the tasks");
    tables.into_iter().map(|table| problem(family(&table.name), table, Noise::None)).collect()
}

/// Returns the published tables in a folder that `tables.py` wrote. An engine gets the mean over
/// the seeds with Gaussian noise of the usual size: the median deviation over the seeds, among the
/// better half of the cells.
///
/// # Errors
/// Says which file is no table, or that the folder has none.
pub(crate) fn published(folder: &Path) -> Result<Vec<Problem>, String> {
    let tables = read(folder)?;
    if tables.is_empty() {
        return Err(format!(
            "`{}` has no tables: run `python tests/bench/search/tables.py {0}`",
            folder.display()
        ));
    }
    let noisy = |table: Table| {
        let noise = Noise::Even(usual_deviation(&table));
        problem("tables", table, noise)
    };
    Ok(tables.into_iter().map(noisy).collect())
}

fn read(folder: &Path) -> Result<Vec<Table>, String> {
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let entries = fs::read_dir(folder).map_err(|error| named(folder, &error))?;
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let table = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).map_err(|error| named(path, &error))?;
        serde_json::from_str(&text).map_err(|error| named(path, &error))
    };
    paths.iter().map(table).collect()
}

/// Returns the problem of a table. Without noise of its own, an engine gets the value of one seed.
fn problem(family: &'static str, table: Table, noise: Noise) -> Problem {
    let least = (0..table.cells()).map(|cell| mean(&table.row(cell))).fold(f64::INFINITY, f64::min);
    let parameters: Vec<_> =
        table.axes.iter().map(|axis| named(&axis.name, axis.parameter())).collect();
    let name: &'static str = table.name.clone().leak();
    let table = Arc::new(table);
    let rows = move |params: &Params<'_>| table.at(params);
    Problem::repeated(family, name, parameters, rows, noise).least(least)
}

fn usual_deviation(table: &Table) -> f64 {
    let mut all: Vec<(f64, f64)> = (0..table.cells())
        .map(|cell| {
            let row = table.row(cell);
            let middle = mean(&row);
            let squares: Vec<f64> = row.iter().map(|value| (value - middle).powi(2)).collect();
            (middle, mean(&squares).sqrt())
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let better: Vec<f64> = all[..all.len() / 2].iter().map(|(_, deviation)| *deviation).collect();
    quantile(&better, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_that_of_the_nearest_cell() {
        let text = json!({"name": "t", "axes": [
            {"name": "lr", "kind": "real", "scale": "log", "levels": [0.001, 0.01, 0.1]},
            {"name": "width", "kind": "list", "levels": [16, 8]},
        ], "values": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 8.0, 5.0, 6.0]]});
        let problem = problem("trained", serde_json::from_value(text).unwrap(), Noise::None);
        let at = |lr: f64, width: f64| {
            let point = json!({"lr": lr, "width": width});
            problem.value(point.as_object().unwrap())
        };
        assert_eq!((at(0.02, 16.0), at(0.02, 8.0), at(0.04, 16.0)), (3.0, 6.0, 5.0));
        assert!(at(0.02, 9.0).is_nan());
        assert_eq!(problem.optimum, Some(1.0));
    }

    #[test]
    fn a_task_shows_one_of_its_seeds() {
        let all = trained();
        assert_eq!(all.iter().filter(|task| task.family == "held-out").count(), HELD_OUT.len());
        let task = &all[0];
        let point = task.draws(1).next().unwrap();
        let mut chance = crate::chance::Chance::new("look", 1);
        let seen: Vec<f64> = (0..30).map(|_| task.look(&point, &mut chance)).collect();
        let (low, high) = seen
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), &value| (low.min(value), high.max(value)));
        assert!(low < high && (low..=high).contains(&task.value(&point)), "{seen:?}");
    }
}
