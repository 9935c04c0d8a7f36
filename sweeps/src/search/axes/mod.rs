//! Represents the space as a model sees it: one axis per parameter that can vary, and coordinates
//! in place of values. The Bayesian search and the explanations call this module, which never sees
//! an outcome.
//!
//! A coordinate of a numeric axis lies in [0, 1], on the scale of the parameter's law. Every
//! coordinate belongs to one value. An integer has the middle of its share of the axis, and a
//! multiple of a quantum has the law's distribution function there. The numbers of a list lie at
//! even distances, in their order. So two coordinates differ only if the trial's program receives
//! different values. A category's coordinate is its index, and models use only whether two indices
//! are equal.
//!
//! Coordinates are settled, as points are: an inactive axis is at the coordinate of its canonical
//! value. The functions of [`Axes`] return settled coordinates, and require settled coordinates as
//! arguments.

mod along;
mod kind;
mod seen;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use self::seen::Seen;

use self::kind::Kind;
use crate::{
    forest::Forest,
    gp::Dimension,
    point::Point,
    rng::Stream,
    space::{Condition, Space},
};

/// The largest number of levels of an axis that the search tries one by one.
const FEW: u64 = 16;

/// A value of a category is neglected if it had less than this part of its expected number of
/// trials. The expected number is the value's probability times the number of trials.
const NEGLECT: f64 = 0.5;
/// The smallest expected number of trials at which a value can be neglected.
const PROMISED: f64 = 2.0;

/// The axes of a space.
#[derive(Clone)]
pub(super) struct Axes<'a> {
    space: &'a Space,
    axes: Vec<Axis>,
    /// The indices of the axes that can be inactive, parents first.
    conditional: Vec<usize>,
    /// The forest that counts the points; `None` if the space is not finite.
    forest: Option<Forest>,
    /// The coordinates that [`Axes::within`] holds fixed; empty by default.
    held: Vec<Level>,
}

/// One parameter that can vary.
#[derive(Clone)]
struct Axis {
    /// The index of the parameter in the space.
    parameter: usize,
    kind: Kind,
    /// The gate that makes the axis active; `None` if the axis is always active.
    gate: Option<Gate>,
    /// The axis's coordinate while the axis is inactive.
    canonical: f64,
}

/// The levels of another axis that make an axis active. The other axis has to be active itself.
#[derive(Clone)]
struct Gate {
    axis: usize,
    levels: Vec<u64>,
}

/// A coordinate of one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// The index of the axis.
    pub(super) axis: usize,
    /// The coordinate on that axis.
    pub(super) coordinate: f64,
}

/// The identity of a point: for each axis its level, or the bits of its value.
pub(super) type Key = Vec<u64>;

impl<'a> Axes<'a> {
    /// Returns the axes of a space, in the order of its parameters. A parameter with a single value
    /// has no axis. A parameter that can never be active has no axis either.
    pub(super) fn of(space: &'a Space) -> Axes<'a> {
        let kinds: Vec<Kind> = space.parameters.iter().map(|p| Kind::of(&p.distribution)).collect();
        let forest = counted(space, &kinds);
        let varied: Vec<bool> = (0..kinds.len())
            .map(|index| kinds[index].levels() != Some(1) && can_be(space, &kinds, index))
            .collect();
        let place = |parameter: usize| varied[..parameter].iter().filter(|&&varied| varied).count();
        let gates: Vec<Option<Gate>> = (0..kinds.len())
            .map(|index| {
                let (parent, levels) = gate(space, &kinds, index)?;
                Some(Gate { axis: place(parent), levels })
            })
            .collect();
        let all =
            kinds.into_iter().zip(gates).enumerate().filter(|(parameter, _)| varied[*parameter]);
        let axes: Vec<Axis> = all
            .map(|(parameter, (kind, gate))| {
                let canonical =
                    kind.coordinate(&space.parameters[parameter].distribution.canonical());
                Axis { parameter, kind, gate, canonical: canonical.unwrap_or(0.5) }
            })
            .collect();
        let mut conditional: Vec<usize> =
            (0..axes.len()).filter(|&index| axes[index].gate.is_some()).collect();
        conditional.sort_by_key(|&index| space.depth(axes[index].parameter));
        Axes { space, axes, conditional, forest, held: Vec::new() }
    }

    /// Returns the number of axes.
    pub(super) fn len(&self) -> usize {
        self.axes.len()
    }

    /// Returns how each axis measures distance.
    pub(super) fn dimensions(&self) -> Vec<Dimension> {
        let dimension = |axis: &Axis| match axis.kind {
            Kind::Category { .. } => Dimension::Category,
            _ => Dimension::Numeric,
        };
        self.axes.iter().map(dimension).collect()
    }

    /// Returns the indices of the numeric axes.
    pub(super) fn numeric(&self) -> Vec<usize> {
        let is_numeric = |index: &usize| !matches!(self.axes[*index].kind, Kind::Category { .. });
        (0..self.len()).filter(is_numeric).collect()
    }

    /// Returns the value that these trials neglected most, among the values of all categories that
    /// are always active. Returns `None` if no value is neglected ([`NEGLECT`], [`PROMISED`]).
    pub(super) fn neglected(&self, trials: &[&[f64]]) -> Option<Level> {
        let mut least: Option<(f64, Level)> = None;
        for (axis, Axis { kind, .. }) in
            self.axes.iter().enumerate().filter(|(_, axis)| axis.gate.is_none())
        {
            for (level, probability) in kind.probabilities().into_iter().enumerate() {
                let coordinate = kind.coordinate_of(level as u64);
                let promised = probability * trials.len() as f64;
                let share =
                    trials.iter().filter(|x| x[axis] == coordinate).count() as f64 / promised;
                if promised >= PROMISED && least.is_none_or(|(lowest, _)| share < lowest) {
                    least = Some((share, Level { axis, coordinate }));
                }
            }
        }
        least.filter(|(share, _)| *share < NEGLECT).map(|(_, level)| level)
    }

    /// Returns these axes with some coordinates held fixed. Coordinates that the result draws,
    /// perturbs or settles have the held ones on all held axes that are active ([`Axes::keeps`]).
    /// Sizes and ranks still count the whole space.
    pub(super) fn within(&self, held: &[Level]) -> Axes<'a> {
        Axes { held: held.to_vec(), ..self.clone() }
    }

    /// Returns whether all held axes are active at these coordinates.
    pub(super) fn keeps(&self, x: &[f64]) -> bool {
        self.held.iter().all(|level| self.is_active(level.axis, x))
    }

    /// Returns the number of distinct points, or `None` if there is no bound or a `u64` cannot hold
    /// it.
    pub(super) fn size(&self) -> Option<u64> {
        self.forest.as_ref()?.size()
    }

    /// Returns the coordinates at a point of the unit cube, each axis drawn by its law.
    pub(super) fn draw(&self, cube: &[f64]) -> Vec<f64> {
        self.settled(self.axes.iter().zip(cube).map(|(axis, &u)| axis.kind.draw(u)).collect())
    }

    /// Returns the values at these coordinates, constants included.
    pub(super) fn point(&self, coordinates: &[f64]) -> Point {
        let parameters = self.space.parameters.iter();
        let mut values: Vec<_> =
            parameters.map(|parameter| parameter.distribution.canonical()).collect();
        for (index, (axis, &x)) in self.axes.iter().zip(coordinates).enumerate() {
            // An inactive parameter keeps the canonical value itself, which is not always the value
            // at its coordinate.
            if self.is_active(index, coordinates) {
                values[axis.parameter] = axis.kind.value(x);
            }
        }
        Point { values }
    }

    /// Returns the coordinates of a point, or `None` if an axis does not have the point's value. A
    /// point can lie outside of the axes if the space was edited after the point was proposed.
    pub(super) fn coordinates(&self, point: &Point) -> Option<Vec<f64>> {
        self.axes
            .iter()
            .map(|axis| axis.kind.coordinate(point.values.get(axis.parameter)?))
            .collect()
    }

    /// Returns the coordinates of a config of another sweep. Returns `None` if the config lacks an
    /// active parameter, or if an axis does not have its value.
    pub(super) fn place(&self, config: &Value) -> Option<Vec<f64>> {
        let point = Point::from_json(self.space, config)?;
        let holds = |axis: &Axis| {
            point.values.get(axis.parameter).is_some_and(|value| axis.kind.holds(value))
        };
        self.coordinates(&point).filter(|_| self.axes.iter().all(holds))
    }

    /// Returns the identity of a point, or `None` if an axis does not have the point's value.
    pub(super) fn key(&self, point: &Point) -> Option<Key> {
        self.axes.iter().map(|axis| axis.kind.key(point.values.get(axis.parameter)?)).collect()
    }

    /// Returns the coordinates of the point with number `rank` of a finite space. `rank` must be
    /// below the size of the space.
    pub(super) fn nth(&self, rank: u64) -> Vec<f64> {
        let levels = self.forest.as_ref().expect("only finite spaces are counted").nth(rank);
        let coordinate = |axis: &Axis| match levels[axis.parameter] {
            Some(level) => axis.kind.coordinate_of(level),
            None => axis.canonical,
        };
        self.settled(self.axes.iter().map(coordinate).collect())
    }

    /// Moves about three of the active coordinates, at least one, each chosen at random. A numeric
    /// coordinate moves by about `scale`, a part of the axis. A category is drawn anew. Every axis
    /// that becomes active through these moves is drawn too.
    pub(super) fn perturb(&self, x: &[f64], scale: f64, stream: &mut Stream) -> Vec<f64> {
        let active: Vec<usize> =
            (0..self.len()).filter(|&index| self.is_active(index, x)).collect();
        let mut moved = x.to_vec();
        let chance = (3.0 / active.len() as f64).min(1.0);
        let forced = active.get(stream.below(active.len() as u64) as usize).copied();
        for &index in &active {
            let kind = &self.axes[index].kind;
            if stream.uniform() < chance || Some(index) == forced {
                moved[index] = match kind {
                    Kind::Category { .. } => kind.draw(stream.uniform()),
                    _ => kind.nudge(x[index], scale * stream.normal()),
                };
            }
        }
        for &index in &self.conditional {
            if !active.contains(&index) && self.is_active(index, &moved) {
                moved[index] = self.axes[index].kind.draw(stream.uniform());
            }
        }
        self.settled(moved)
    }

    /// Returns the active axes on which every number in [0, 1] is a coordinate.
    pub(super) fn continuous(&self, x: &[f64]) -> Vec<usize> {
        let is_continuous =
            |index: &usize| matches!(self.axes[*index].kind, Kind::Real { quantum: None, .. });
        (0..self.len()).filter(is_continuous).filter(|&index| self.is_active(index, x)).collect()
    }

    /// Returns neighbours of `x`, each with another coordinate on one active axis that is not
    /// continuous. An axis that becomes inactive through this change moves to its canonical
    /// coordinate, and an axis that becomes active starts there. An axis with few levels gives a
    /// neighbour for each other level. A category with many levels gives random ones. Any other
    /// axis gives a step of each of the `strides` to either side, at least one level long.
    pub(super) fn levels_around(
        &self,
        x: &[f64],
        strides: &[f64],
        stream: &mut Stream,
    ) -> Vec<Vec<f64>> {
        let mut all = Vec::new();
        for (index, Axis { kind, .. }) in self.axes.iter().enumerate() {
            if !self.is_active(index, x) {
                continue;
            }
            let alternatives: Vec<f64> = match (kind, kind.levels()) {
                (Kind::Real { quantum: None, .. }, _) => Vec::new(),
                (_, Some(levels)) if levels <= FEW => {
                    (0..levels).map(|k| kind.coordinate_of(k)).collect()
                }
                (Kind::Category { .. }, _) => {
                    (0..FEW).map(|_| kind.draw(stream.uniform())).collect()
                }
                _ => {
                    let nudges = strides.iter().flat_map(|&stride| [stride, -stride]);
                    nudges.map(|nudge| kind.nudge(x[index], nudge)).collect()
                }
            };
            for other in alternatives.into_iter().filter(|&other| other != x[index]) {
                let mut neighbour = x.to_vec();
                neighbour[index] = other;
                all.push(self.settled(neighbour));
            }
        }
        all
    }

    /// Returns the coordinates with every inactive axis at its canonical coordinate, and every held
    /// axis at its level.
    pub(super) fn settled(&self, mut x: Vec<f64>) -> Vec<f64> {
        for &Level { axis, coordinate } in &self.held {
            x[axis] = coordinate;
        }
        // An inactive axis makes no other axis active, whatever its coordinate, so the order of
        // this loop does not matter.
        for &index in &self.conditional {
            if !self.is_active(index, &x) {
                x[index] = self.axes[index].canonical;
            }
        }
        x
    }

    /// Returns whether an axis is active: its gate is open, and so is every gate above it.
    fn is_active(&self, index: usize, x: &[f64]) -> bool {
        let mut gate = self.axes[index].gate.as_ref();
        while let Some(Gate { axis, levels }) = gate {
            if !levels.contains(&self.axes[*axis].kind.level(x[*axis])) {
                return false;
            }
            gate = self.axes[*axis].gate.as_ref();
        }
        true
    }
}

/// Returns the forest that counts the points of a space. The first parameter varies fastest.
/// Returns `None` if the values of a parameter cannot be counted.
fn counted(space: &Space, kinds: &[Kind]) -> Option<Forest> {
    let level =
        |index: usize| if can_be(space, kinds, index) { kinds[index].levels() } else { Some(0) };
    let levels: Vec<u64> = (0..kinds.len()).map(level).collect::<Option<_>>()?;
    let order: Vec<usize> = (0..kinds.len()).rev().collect();
    Some(Forest::new(space, &levels, &order, |parent, value| kinds[parent].key(value)))
}

/// Returns the nearest ancestor of a parameter that can vary, and the ancestor's levels under which
/// the parameter is active. Returns `None` if there is no such ancestor.
fn gate(space: &Space, kinds: &[Kind], mut index: usize) -> Option<(usize, Vec<u64>)> {
    while let Some(condition) = &space.parameters[index].condition {
        if kinds[condition.parent].levels() != Some(1) {
            return Some((condition.parent, wanted(condition, kinds)));
        }
        // A parent with a single value is active whenever its own condition holds, so that
        // condition decides.
        index = condition.parent;
    }
    None
}

/// Returns whether this parameter is active at some point of the space. Values of probability 0 are
/// not part of the space.
fn can_be(space: &Space, kinds: &[Kind], mut index: usize) -> bool {
    while let Some(condition) = &space.parameters[index].condition {
        if wanted(condition, kinds).is_empty() {
            return false;
        }
        index = condition.parent;
    }
    true
}

fn wanted(condition: &Condition, kinds: &[Kind]) -> Vec<u64> {
    condition.values.iter().filter_map(|value| kinds[condition.parent].key(value)).collect()
}
