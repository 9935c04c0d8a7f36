//! Implements the grid search: computes cell `k` in W&B's order. Parameters are ordered by their
//! flattened names, and the last one varies fastest. The values of a parameter come in the order of
//! its list, and a value that is listed twice makes one cell. Parameters that a value makes active
//! vary within that value, faster than the value itself, and are ordered by name too. `propose` and
//! `bound` call this module. Cells that people want tried come first, and the search leaves them
//! out later. The module never enumerates cells, so a trial of a grid of millions costs as much as
//! one of a small grid.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Exhausted, Origin, Suggestion};
use crate::{
    decimal::multiple,
    forest::Forest,
    identity::{Identity, distinct},
    point::Point,
    space::{Distribution, Law, Parameter, Quantum, Space},
};

/// The values of one parameter on the grid.
enum Ladder<'a> {
    /// The listed values, without repetitions.
    Listed { values: &'a [Value], distinct: Vec<usize> },
    /// The `count` integers from `min` on.
    Integers { min: i64, count: u64 },
    /// The numbers min, min + q, .. below max.
    Multiples { min: f64, quantum: Quantum, count: u64 },
}

impl<'a> Ladder<'a> {
    /// Returns the values on the grid. Returns `None` for a distribution without a grid, which
    /// `config` refuses: a continuous range, or a list with probabilities.
    fn of(distribution: &'a Distribution) -> Option<Ladder<'a>> {
        match distribution {
            Distribution::Constant(value) => {
                Some(Ladder::Listed { values: std::slice::from_ref(value), distinct: vec![0] })
            }
            Distribution::Categorical { values, probabilities: None } => {
                Some(Ladder::Listed { values, distinct: distinct(values) })
            }
            Distribution::IntUniform { min, max } => {
                let count = u64::try_from(i128::from(*max) - i128::from(*min) + 1).ok()?;
                Some(Ladder::Integers { min: *min, count })
            }
            Distribution::Real { law: Law::Uniform { min, max }, quantum: Some(quantum) } => {
                let count = multiples_below(*min, *max, quantum.step)?;
                Some(Ladder::Multiples { min: *min, quantum: *quantum, count })
            }
            Distribution::Categorical { .. } | Distribution::Real { .. } => None,
        }
    }

    fn count(&self) -> u64 {
        match self {
            Ladder::Listed { distinct, .. } => distinct.len() as u64,
            Ladder::Integers { count, .. } | Ladder::Multiples { count, .. } => *count,
        }
    }

    /// Returns the index of a value, or `None` if the ladder lacks the value.
    fn index(&self, value: &Value) -> Option<u64> {
        match (self, Identity::of(value)) {
            (Ladder::Listed { values, distinct }, identity) => {
                let place =
                    distinct.iter().position(|&at| Identity::of(&values[at]) == identity)?;
                Some(place as u64)
            }
            (Ladder::Integers { min, count }, Identity::Whole(whole)) => {
                u64::try_from(whole - i128::from(*min)).ok().filter(|index| index < count)
            }
            (Ladder::Multiples { min, quantum, count }, _) => {
                let steps = ((value.as_f64()? - min) / quantum.step).round();
                let found = steps >= 0.0 && quantum.from(*min, steps).as_ref() == Some(value);
                found.then_some(steps as u64).filter(|index| index < count)
            }
            (Ladder::Integers { .. }, _) => None,
        }
    }

    /// Returns the value at `index`, which must be below `count`.
    fn value(&self, index: u64) -> Value {
        match self {
            Ladder::Listed { values, distinct } => values[distinct[index as usize]].clone(),
            Ladder::Integers { min, .. } => Value::from(min.wrapping_add_unsigned(index)),
            Ladder::Multiples { min, quantum, .. } => {
                quantum.from(*min, index as f64).expect("steps below max are numbers")
            }
        }
    }
}

/// Returns how many of the numbers min, min + q, .. lie below max, at most 2^52, up to which a
/// double counts exactly. Returns `None` if max is below min, or if the limits give no number.
fn multiples_below(min: f64, max: f64, step: f64) -> Option<u64> {
    let estimate = ((max - min) / step).ceil().min(1.0 / f64::EPSILON);
    if estimate.is_nan() || estimate < 0.0 {
        return None;
    }
    // The division may round up and so count values that are not below max. The bisection finds the
    // last value below max.
    let (mut count, mut above) = (0, estimate as u64);
    while count < above {
        let middle = count + (above - count) / 2;
        if multiple(min, middle as f64, step) < max { count = middle + 1 } else { above = middle }
    }
    Some(count)
}

/// Returns the cell at place `index` among the cells that are none of the `taken` points. Fails
/// with [`Exhausted`] past the last cell.
pub(super) fn propose(
    space: &Space,
    index: u64,
    taken: impl Iterator<Item = Point>,
) -> Result<Suggestion, Exhausted> {
    let ladders = ladders(space);
    let cells = forest(space, &ladders);
    let cell = untaken(index, taken.filter_map(|point| cell(&point, &ladders, &cells)));
    if cells.size().is_some_and(|cells| cell >= cells) {
        return Err(Exhausted);
    }
    let levels = space.parameters.iter().zip(&ladders).zip(cells.nth(cell));
    let values = levels.map(|((parameter, ladder), level)| match (ladder, level) {
        (Some(ladder), Some(level)) => ladder.value(level),
        _ => parameter.distribution.canonical(),
    });
    let values = values.collect();
    Ok(Suggestion { point: Point { values }, origin: Origin::Grid { cell }, fit: None })
}

/// Returns the number of a point's cell, or `None` if the point is no cell of the grid.
fn cell(point: &Point, ladders: &[Option<Ladder<'_>>], cells: &Forest) -> Option<u64> {
    let level = |(ladder, value): (&Option<Ladder<'_>>, &Value)| ladder.as_ref()?.index(value);
    cells.rank(&ladders.iter().zip(&point.values).map(level).collect::<Vec<_>>())
}

/// Returns the number at place `index` among the numbers that are not taken.
fn untaken(index: u64, taken: impl Iterator<Item = u64>) -> u64 {
    let taken: BTreeSet<u64> = taken.collect();
    taken.into_iter().fold(index, |cell, other| cell.saturating_add(u64::from(other <= cell)))
}

/// Returns the number of cells, or `None` if a `u64` cannot hold it. A combination of values in
/// which a parameter without a grid is active is no cell.
pub(super) fn bound(space: &Space) -> Option<u64> {
    forest(space, &ladders(space)).size()
}

fn ladders(space: &Space) -> Vec<Option<Ladder<'_>>> {
    space.parameters.iter().map(|parameter| Ladder::of(&parameter.distribution)).collect()
}

fn forest(space: &Space, ladders: &[Option<Ladder<'_>>]) -> Forest {
    let counts: Vec<u64> =
        ladders.iter().map(|ladder| ladder.as_ref().map_or(0, Ladder::count)).collect();
    let level = |parent: usize, value| ladders[parent].as_ref()?.index(value);
    Forest::new(space, &counts, &in_order(&space.parameters), level)
}

/// Returns the indices of the parameters in W&B's order: by the flattened name. W&B joins the parts
/// of a name by a delimiter that starts with `<`. The delimiter matters only if one name continues
/// another one with `-`, `.` or a digit.
fn in_order(parameters: &[Parameter]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..parameters.len()).collect();
    order.sort_by_cached_key(|&index| parameters[index].path.join("<"));
    order
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::space::Condition;

    fn parameter(path: &[&str], distribution: Distribution) -> Parameter {
        Parameter::new(path.iter().map(|&key| key.to_owned()).collect(), distribution)
    }

    fn listed(values: &[Value]) -> Distribution {
        Distribution::Categorical { values: values.to_vec(), probabilities: None }
    }

    fn multiples(min: f64, max: f64, step: f64, integer: bool) -> Distribution {
        Distribution::Real {
            law: Law::Uniform { min, max },
            quantum: Some(Quantum { step, integer }),
        }
    }

    fn propose(space: &Space, number: u64) -> Result<Suggestion, Exhausted> {
        super::propose(space, number, std::iter::empty())
    }

    fn all(space: &Space) -> Vec<String> {
        (0..)
            .map_while(|cell| propose(space, cell).ok())
            .map(|s| s.point.to_json(space).to_string())
            .collect()
    }

    #[test]
    fn the_order_is_that_of_nested_loops_over_sorted_names() {
        let space = Space {
            parameters: vec![
                parameter(&["seed"], Distribution::Constant(json!(7))),
                parameter(&["z"], listed(&[json!("b"), json!("a")])),
                parameter(&["group", "depth"], Distribution::IntUniform { min: -1, max: 1 }),
                parameter(&["group-b"], multiples(0.0, 1.0, 0.5, false)),
            ],
        };
        let mut expected = Vec::new();
        for b in [0.0, 0.5] {
            for depth in [-1, 0, 1] {
                for z in ["b", "a"] {
                    expected.push(
                        json!({"seed": 7, "z": z, "group": {"depth": depth}, "group-b": b})
                            .to_string(),
                    );
                }
            }
        }
        assert_eq!(all(&space), expected);
        assert_eq!(bound(&space), Some(12));
    }

    #[test]
    fn inactive_parameters_make_no_cells() {
        let when = |parent: usize, values: &[Value], parameter: Parameter| Parameter {
            condition: Some(Condition { parent, values: values.to_vec() }),
            ..parameter
        };
        let space = Space {
            parameters: vec![
                when(
                    2,
                    &[json!("sgd")],
                    parameter(&["momentum"], listed(&[json!(0.9), json!(0.5)])),
                ),
                parameter(&["x"], Distribution::IntUniform { min: 1, max: 2 }),
                parameter(&["opt"], listed(&[json!("adam"), json!("sgd"), json!("adam")])),
                when(
                    0,
                    &[json!(0.9)],
                    parameter(&["nesterov"], listed(&[json!(true), json!(false)])),
                ),
            ],
        };
        let expected = [
            r#"{"x":1,"opt":"adam"}"#,
            r#"{"x":2,"opt":"adam"}"#,
            r#"{"momentum":0.9,"x":1,"opt":"sgd","nesterov":true}"#,
            r#"{"momentum":0.9,"x":2,"opt":"sgd","nesterov":true}"#,
            r#"{"momentum":0.9,"x":1,"opt":"sgd","nesterov":false}"#,
            r#"{"momentum":0.9,"x":2,"opt":"sgd","nesterov":false}"#,
            r#"{"momentum":0.5,"x":1,"opt":"sgd"}"#,
            r#"{"momentum":0.5,"x":2,"opt":"sgd"}"#,
        ];
        assert_eq!(all(&space), expected);
        assert_eq!(bound(&space), Some(8));
    }

    #[test]
    fn a_repeated_value_makes_one_cell() {
        let values =
            [json!(1), json!(2.5), json!(1.0), json!(true), json!(1), json!([1.0]), json!([1])];
        let space = Space { parameters: vec![parameter(&["a"], listed(&values))] };
        assert_eq!(all(&space), [r#"{"a":1}"#, r#"{"a":2.5}"#, r#"{"a":true}"#, r#"{"a":[1.0]}"#]);
    }

    #[test]
    fn multiples_stop_below_the_maximum() {
        let values = |distribution: Distribution| {
            let space = Space { parameters: vec![parameter(&["a"], distribution)] };
            (0..)
                .map_while(|cell| propose(&space, cell).ok())
                .map(|s| s.point.values[0].clone())
                .collect()
        };
        let got: Vec<Value> = values(multiples(1.0, 9.0, 4.0, true));
        assert_eq!(got, [json!(1), json!(5)]);
        let got: Vec<Value> = values(multiples(0.5, 3.0, 1.0, true));
        assert_eq!(got, [json!(0.5), json!(1.5), json!(2.5)]);
        let got: Vec<Value> = values(multiples(0.05, 0.46, 0.1, false));
        assert_eq!(got, [json!(0.05), json!(0.15), json!(0.25), json!(0.35), json!(0.45)]);
        // (1.3 - 1) / 0.1 is a little above 3, yet 1 + 3 x 0.1 is not below 1.3.
        let got: Vec<Value> = values(multiples(1.0, 1.3, 0.1, false));
        assert_eq!(got.len(), 3);
    }

    #[test]
    fn the_last_of_very_many_cells_is_found_directly() {
        let axis = |name| parameter(&[name], Distribution::IntUniform { min: 1, max: 1_000_000 });
        let mut space = Space { parameters: vec![axis("a"), axis("b"), axis("c")] };
        assert_eq!(bound(&space), Some(1_000_000_000_000_000_000));
        let last = propose(&space, 999_999_999_999_999_999).unwrap();
        assert_eq!(last.point.values, [json!(1_000_000), json!(1_000_000), json!(1_000_000)]);
        assert_eq!(propose(&space, 1_000_000_000_000_000_000).unwrap_err(), Exhausted);
        space.parameters.push(axis("d"));
        assert_eq!(bound(&space), None);
        assert_eq!(propose(&space, u64::MAX).unwrap().origin, Origin::Grid { cell: u64::MAX });
    }

    #[test]
    fn a_space_without_a_grid_has_no_cells() {
        let range = Distribution::Real { law: Law::Uniform { min: 0.0, max: 1.0 }, quantum: None };
        let space = Space { parameters: vec![parameter(&["a"], range)] };
        assert_eq!((bound(&space), propose(&space, 0).unwrap_err()), (Some(0), Exhausted));
        assert_eq!(all(&Space::default()), ["{}"]);
    }

    #[test]
    fn cells_that_were_taken_are_left_out() {
        let space = Space {
            parameters: vec![
                parameter(&["a"], listed(&[json!("x"), json!("y")])),
                parameter(&["b"], multiples(0.0, 0.35, 0.1, false)),
            ],
        };
        let point = |a: &str, b: f64| Point { values: vec![json!(a), json!(b)] };
        let taken = [point("y", 0.3), point("x", 0.0), point("x", 0.1), point("x", 0.35)];
        let rest = (0..).map_while(|index| {
            super::propose(&space, index, taken.iter().cloned()).ok().map(|found| found.origin)
        });
        let cells = [2, 3, 4, 5, 6].map(|cell| Origin::Grid { cell });
        assert_eq!(rest.collect::<Vec<_>>(), cells);
    }
}
