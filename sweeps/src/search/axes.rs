//! The space as a model sees it: one axis per parameter that can vary, coordinates in place of values. Called by the
//! Bayesian search. Never knows an outcome.
//!
//! A numeric axis has coordinates in [0, 1], on the scale of its law, and only those that a value has: an integer sits
//! in the middle of its share of the axis, a multiple of a quantum where its law puts it. So a model is never asked to
//! tell apart what the trial's program cannot. A category's coordinate is its index, of which only equality counts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    encode::{Identity, integer, real},
    gp::Dimension,
    history::History,
    point::Point,
    rng::Stream,
    space::{Distribution, Law, Quantum, Space},
};

/// Axes with so few levels are tried level by level.
const FEW: u64 = 16;

/// The parameters that can vary.
pub(super) struct Axes<'a> {
    space: &'a Space,
    axes: Vec<Axis>,
}

/// One parameter that can vary.
struct Axis {
    /// Its index in the space.
    parameter: usize,
    kind: Kind,
}

enum Kind {
    /// More values than can be told apart by counting.
    Real { law: Law, quantum: Option<Quantum> },
    /// Integers, both ends included.
    Integer { min: i64, max: i64 },
    /// Multiples of the quantum, from `lowest` to `highest` steps.
    Steps { law: Law, quantum: Quantum, lowest: i64, highest: i64 },
    /// Distinct values with their cumulated probabilities.
    Category { values: Vec<Value>, cumulated: Vec<f64> },
}

/// Identity of a point: per axis its level, or the bits of its value.
pub(super) type Key = Vec<u64>;

impl<'a> Axes<'a> {
    /// The axes of a space, in the order of its parameters. What has one value only drops out.
    pub(super) fn of(space: &'a Space) -> Axes<'a> {
        let axis = |(parameter, kind)| Axis { parameter, kind };
        let kinds = space.parameters.iter().map(|parameter| Kind::of(&parameter.distribution));
        let axes = kinds.enumerate().map(axis).filter(|axis| axis.levels() != Some(1)).collect();
        Axes { space, axes }
    }

    /// How many axes there are.
    pub(super) fn len(&self) -> usize {
        self.axes.len()
    }

    /// What the model needs to know of each axis.
    pub(super) fn dimensions(&self) -> Vec<Dimension> {
        let dimension = |axis: &Axis| match axis.kind {
            Kind::Category { .. } => Dimension::Category,
            _ => Dimension::Numeric,
        };
        self.axes.iter().map(dimension).collect()
    }

    /// How many distinct points there are; `None` without a bound or past a `u64`.
    pub(super) fn size(&self) -> Option<u64> {
        self.axes.iter().try_fold(1_u64, |size, axis| size.checked_mul(axis.levels()?))
    }

    /// The coordinates at a point of the unit cube, each axis drawn by its law.
    pub(super) fn draw(&self, cube: &[f64]) -> Vec<f64> {
        self.axes.iter().zip(cube).map(|(axis, &u)| axis.draw(u)).collect()
    }

    /// The values at these coordinates, constants included.
    pub(super) fn point(&self, coordinates: &[f64]) -> Point {
        // A parameter without an axis has one value, wherever it is read.
        let mut values: Vec<Value> =
            self.space.parameters.iter().map(|parameter| parameter.distribution.value(0.0)).collect();
        for (axis, &x) in self.axes.iter().zip(coordinates) {
            values[axis.parameter] = axis.value(x);
        }
        Point { values }
    }

    /// The coordinates of a point; `None` when it does not lie in the space, as after an edit of the space.
    pub(super) fn coordinates(&self, point: &Point) -> Option<Vec<f64>> {
        self.axes.iter().map(|axis| axis.coordinate(point.values.get(axis.parameter)?)).collect()
    }

    /// The identity of a point; `None` when it does not lie in the space.
    pub(super) fn key(&self, point: &Point) -> Option<Key> {
        self.axes.iter().map(|axis| axis.key(point.values.get(axis.parameter)?)).collect()
    }

    /// The identities of all points that were handed out.
    pub(super) fn seen(&self, history: &History) -> BTreeSet<Key> {
        history.trials.iter().filter_map(|trial| self.key(&trial.point)).collect()
    }

    /// Coordinates of the point number `rank` of a finite space, which is below its size.
    pub(super) fn nth(&self, mut rank: u64) -> Vec<f64> {
        let mut coordinates = Vec::with_capacity(self.len());
        for axis in &self.axes {
            let levels = axis.levels().expect("only finite spaces are counted");
            coordinates.push(axis.coordinate_of(rank % levels));
            rank /= levels;
        }
        coordinates
    }

    /// A few coordinates moved by about `scale` each (a part of the axis); a category is drawn anew.
    pub(super) fn perturb(&self, x: &[f64], scale: f64, stream: &mut Stream) -> Vec<f64> {
        let mut moved = x.to_vec();
        let chance = (3.0 / self.len() as f64).min(1.0);
        let forced = stream.below(self.len() as u64) as usize;
        for (index, axis) in self.axes.iter().enumerate() {
            if stream.uniform() < chance || index == forced {
                moved[index] = match axis.kind {
                    Kind::Category { .. } => axis.draw(stream.uniform()),
                    _ => axis.nudge(x[index], scale * stream.normal()),
                };
            }
        }
        moved
    }

    /// The axes on which any number is a coordinate.
    pub(super) fn continuous(&self) -> Vec<usize> {
        let is_continuous =
            |index: &usize| matches!(self.axes[*index].kind, Kind::Real { quantum: None, .. });
        (0..self.len()).filter(is_continuous).collect()
    }

    /// The points that differ from `x` on one axis that is not continuous: every other level where there are few, else
    /// a step of each of the `strides` to either side, or of one level where that is more.
    pub(super) fn levels_around(&self, x: &[f64], strides: &[f64], stream: &mut Stream) -> Vec<Vec<f64>> {
        let mut all = Vec::new();
        for (index, axis) in self.axes.iter().enumerate() {
            let alternatives: Vec<f64> = match (&axis.kind, axis.levels()) {
                (Kind::Real { quantum: None, .. }, _) => Vec::new(),
                (_, Some(levels)) if levels <= FEW => (0..levels).map(|k| axis.coordinate_of(k)).collect(),
                (Kind::Category { .. }, _) => (0..FEW).map(|_| axis.draw(stream.uniform())).collect(),
                _ => {
                    let step = |stride: f64| stride.max(f64::MIN_POSITIVE);
                    let nudges = strides.iter().flat_map(|&stride| [step(stride), -step(stride)]);
                    nudges.map(|nudge| axis.nudge(x[index], nudge)).collect()
                }
            };
            for other in alternatives.into_iter().filter(|&other| other != x[index]) {
                let mut neighbour = x.to_vec();
                neighbour[index] = other;
                all.push(neighbour);
            }
        }
        all
    }
}

impl Kind {
    fn of(distribution: &Distribution) -> Kind {
        match distribution {
            Distribution::Constant(value) => {
                Kind::Category { values: vec![value.clone()], cumulated: vec![1.0] }
            }
            Distribution::Categorical { values, probabilities } => {
                Kind::category(values, probabilities.as_deref())
            }
            Distribution::IntUniform { min, max } => Kind::Integer { min: *min, max: *max },
            Distribution::Real { law, quantum } => Kind::real(*law, *quantum),
        }
    }

    /// Equal values become one category with the sum of their probabilities; what cannot occur is left out.
    fn category(values: &[Value], probabilities: Option<&[f64]>) -> Kind {
        let mut places = BTreeMap::new();
        let mut weighted: Vec<(&Value, f64)> = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let weight = probabilities.map_or(1.0 / values.len() as f64, |all| all[index]);
            let place = *places.entry(Identity::of(value)).or_insert(weighted.len());
            match weighted.get_mut(place) {
                Some((_, sum)) => *sum += weight,
                None => weighted.push((value, weight)),
            }
        }
        weighted.retain(|&(_, weight)| weight > 0.0);
        let mut sum = 0.0;
        let mut cumulate = |weight: f64| {
            sum += weight;
            sum
        };
        Kind::Category {
            cumulated: weighted.iter().map(|&(_, weight)| cumulate(weight)).collect(),
            values: weighted.into_iter().map(|(value, _)| value.clone()).collect(),
        }
    }

    fn real(law: Law, quantum: Option<Quantum>) -> Kind {
        if let Some(quantum) = quantum.filter(|_| law.is_bounded()) {
            let (lowest, highest) = (quantum.steps(law.quantile(0.0)), quantum.steps(law.quantile(1.0)));
            // Beyond this a double no longer tells neighbouring steps apart.
            let limit = 1.0 / f64::EPSILON;
            if lowest > -limit && highest < limit && lowest <= highest {
                return Kind::Steps { law, quantum, lowest: lowest as i64, highest: highest as i64 };
            }
        }
        Kind::Real { law, quantum }
    }
}

impl Axis {
    /// How many values there are; `None` when they cannot be counted.
    fn levels(&self) -> Option<u64> {
        match &self.kind {
            Kind::Real { .. } => None,
            Kind::Integer { min, max } => u64::try_from(i128::from(*max) - i128::from(*min) + 1).ok(),
            Kind::Steps { lowest, highest, .. } => Some((highest - lowest) as u64 + 1),
            Kind::Category { values, .. } => Some(values.len() as u64),
        }
    }

    /// The coordinate at `u` in [0, 1) of the law.
    fn draw(&self, u: f64) -> f64 {
        match &self.kind {
            Kind::Category { values, cumulated } => {
                cumulated.partition_point(|&sum| sum <= u).min(values.len() - 1) as f64
            }
            _ => self.nearest(u),
        }
    }

    /// The nearest coordinate that a value of a numeric axis has.
    fn nearest(&self, x: f64) -> f64 {
        match &self.kind {
            Kind::Real { quantum: None, .. } => x.clamp(0.0, 1.0),
            Kind::Real { law, quantum } => {
                real(law.quantile(x), quantum.as_ref()).as_f64().map_or(x, |value| law.cdf(value))
            }
            _ => self.coordinate_of(self.level(x)),
        }
    }

    /// A numeric coordinate moved by `delta`, reflected at the ends, and by one level at least.
    fn nudge(&self, x: f64, delta: f64) -> f64 {
        let target = x + delta;
        let reflected = if target < 0.0 { -target } else { 1.0 - (1.0 - target).abs() };
        let moved = self.nearest(reflected);
        let Some(levels) = self.levels().filter(|_| moved == x) else {
            return moved;
        };
        let level = self.level(x);
        self.coordinate_of(if delta < 0.0 { level.saturating_sub(1) } else { (level + 1).min(levels - 1) })
    }

    /// The level at a coordinate of a countable axis, counted from 0.
    fn level(&self, x: f64) -> u64 {
        match &self.kind {
            Kind::Real { .. } => 0,
            Kind::Integer { min, max } => integer(x, *min, *max).abs_diff(*min),
            Kind::Steps { law, quantum, lowest, highest } => {
                let steps = quantum.steps(law.quantile(x)) as i64;
                steps.clamp(*lowest, *highest).abs_diff(*lowest)
            }
            Kind::Category { .. } => x as u64,
        }
    }

    /// The coordinate of a level of a countable axis.
    fn coordinate_of(&self, level: u64) -> f64 {
        match &self.kind {
            Kind::Real { .. } => 0.5,
            Kind::Integer { min, max } => {
                (level as f64 + 0.5) / (i128::from(*max) - i128::from(*min) + 1) as f64
            }
            Kind::Steps { law, quantum, lowest, .. } => {
                law.cdf(lowest.saturating_add_unsigned(level) as f64 * quantum.step)
            }
            Kind::Category { .. } => level as f64,
        }
    }

    /// The value at a coordinate.
    fn value(&self, x: f64) -> Value {
        match &self.kind {
            Kind::Real { law, quantum } => real(law.quantile(x), quantum.as_ref()),
            Kind::Integer { min, max } => Value::from(integer(x, *min, *max)),
            Kind::Steps { quantum, lowest, .. } => {
                let steps = lowest.saturating_add_unsigned(self.level(x));
                quantum.value(steps as f64).expect("counted steps are numbers")
            }
            Kind::Category { values, .. } => values[(x as usize).min(values.len() - 1)].clone(),
        }
    }

    /// The coordinate of a value; `None` when the axis does not have it.
    fn coordinate(&self, value: &Value) -> Option<f64> {
        match &self.kind {
            Kind::Real { law, .. } => Some(law.cdf(value.as_f64()?)),
            _ => Some(self.coordinate_of(self.key(value)?)),
        }
    }

    /// The identity of a value on this axis: its level, or its bits; `None` when the axis does not have it.
    fn key(&self, value: &Value) -> Option<u64> {
        let inside =
            |level: i128| u64::try_from(level).ok().filter(|&level| self.levels().is_none_or(|n| level < n));
        match &self.kind {
            Kind::Real { .. } => Some(value.as_f64()?.to_bits()),
            Kind::Integer { min, .. } => match Identity::of(value) {
                Identity::Whole(whole) => inside(whole - i128::from(*min)),
                _ => None,
            },
            Kind::Steps { quantum, lowest, .. } => {
                inside(quantum.steps(value.as_f64()?) as i128 - i128::from(*lowest))
            }
            Kind::Category { values, .. } => {
                let identity = Identity::of(value);
                values.iter().position(|other| Identity::of(other) == identity).map(|index| index as u64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{rng::Purpose, space::Parameter};

    fn space(distributions: Vec<Distribution>) -> Space {
        let parameter = |(index, distribution)| Parameter { path: vec![format!("p{index}")], distribution };
        Space { parameters: distributions.into_iter().enumerate().map(parameter).collect() }
    }

    fn steps(law: Law, step: f64) -> Distribution {
        Distribution::Real { law, quantum: Some(Quantum { step, integer: true }) }
    }

    fn several() -> Space {
        space(vec![
            Distribution::Constant(json!({"fixed": 1})),
            Distribution::IntUniform { min: -3, max: 60 },
            Distribution::Categorical {
                values: vec![json!("a"), json!(0), json!(null)],
                probabilities: None,
            },
            steps(Law::Uniform { min: 1.0, max: 10.5 }, 4.0),
            steps(Law::LogUniform { min_ln: 0.0, max_ln: libm::log(300.0) }, 1.0),
            Distribution::Categorical { values: vec![json!(1), json!(1.0)], probabilities: None },
            Distribution::Real { law: Law::Normal { mu: 0.0, sigma: 1.0 }, quantum: None },
        ])
    }

    #[test]
    fn what_cannot_vary_is_no_axis() {
        let space = several();
        let axes = Axes::of(&space);
        assert_eq!(axes.len(), 5);
        let kinds = axes.dimensions();
        assert_eq!(kinds.iter().filter(|&&kind| kind == Dimension::Category).count(), 1);
        assert_eq!(axes.size(), None);
        assert_eq!(axes.point(&[0.5; 5]).values[5], json!(1));
    }

    #[test]
    fn coordinates_and_points_are_inverses() {
        let space = several();
        let axes = Axes::of(&space);
        let mut stream = Stream::new(1, 0, Purpose::Draw);
        for _ in 0..500 {
            let x = axes.draw(&(0..axes.len()).map(|_| stream.uniform()).collect::<Vec<f64>>());
            let point = axes.point(&x);
            let back = axes.coordinates(&point).unwrap();
            assert!(x.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-12), "{x:?} {back:?}");
            for moved in axes.levels_around(&x, &[0.01], &mut stream) {
                assert_ne!(axes.key(&axes.point(&moved)), axes.key(&point));
            }
        }
    }

    #[test]
    fn counting_a_finite_space_meets_each_point_once() {
        let mut space = several();
        space.parameters.pop();
        let axes = Axes::of(&space);
        // 64 integers, 3 categories, {0, 4, 8, 12}, 1 to 300.
        assert_eq!(axes.size(), Some(64 * 3 * 4 * 300));
        let keys: BTreeSet<Key> =
            (0..64 * 3 * 4 * 300).map(|rank| axes.key(&axes.point(&axes.nth(rank))).unwrap()).collect();
        assert_eq!(keys.len(), 64 * 3 * 4 * 300);
    }

    #[test]
    fn points_from_elsewhere_are_not_in_the_space() {
        let space = space(vec![
            Distribution::IntUniform { min: 1, max: 5 },
            Distribution::Categorical { values: vec![json!("a"), json!("b")], probabilities: None },
        ]);
        let axes = Axes::of(&space);
        let key = |a: Value, b: Value| axes.key(&Point { values: vec![a, b] });
        assert_eq!(key(json!(2.0), json!("b")), Some(vec![1, 1]));
        assert_eq!(key(json!(6), json!("b")), None);
        assert_eq!(key(json!(2.5), json!("b")), None);
        assert_eq!(key(json!(2), json!("c")), None);
        assert_eq!(axes.coordinates(&Point { values: vec![json!(2)] }), None);
    }

    #[test]
    fn probabilities_decide_the_draw_and_zero_is_never() {
        let values = vec![json!("never"), json!("rare"), json!("often"), json!("rare")];
        let distribution =
            Distribution::Categorical { values, probabilities: Some(vec![0.0, 0.05, 0.9, 0.05]) };
        let space = space(vec![distribution]);
        let axes = Axes::of(&space);
        assert_eq!(axes.size(), Some(2));
        let drawn = |u: f64| axes.point(&axes.draw(&[u])).values[0].clone();
        assert_eq!(
            [0.0, 0.099, 0.101, 0.999].map(drawn),
            ["rare", "rare", "often", "often"].map(Value::from)
        );
    }
}
