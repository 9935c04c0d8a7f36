//! Describes one axis of the space as a model sees it: how many values it has, and each value's
//! coordinate, level and identity. `Axes` calls this module, which never sees more than one axis.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    encode::{integer, real},
    identity::Identity,
    space::{Distribution, Law, Quantum},
};

/// The values of one parameter, as an axis has them.
#[derive(Clone)]
pub(super) enum Kind {
    /// Real numbers that cannot be counted: without a quantum, without limits, or with more
    /// multiples than a double counts exactly.
    Real { law: Law, quantum: Option<Quantum> },
    /// Integers, both ends included.
    Integer { min: i64, max: i64 },
    /// Multiples of the quantum, from `lowest` to `highest` steps.
    Steps { law: Law, quantum: Quantum, lowest: i64, highest: i64 },
    /// Distinct values with their cumulative probabilities.
    Category { values: Vec<Value>, cumulated: Vec<f64> },
    /// Three or more distinct numbers of a list, ascending, with their cumulative probabilities.
    /// The model places them at even distances, whatever the numbers are. So `[16, 32, 64]` and
    /// `[0.1, 0.01, 0.001]` both lie evenly.
    Ordered { values: Vec<Value>, cumulated: Vec<f64> },
}

impl Kind {
    pub(super) fn of(distribution: &Distribution) -> Kind {
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

    /// Returns a category, or ordered numbers if every value is a number and there are at least
    /// three. Equal values become one value with the sum of their probabilities. Values of
    /// probability 0 are left out.
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
        let is_ordered = weighted.len() >= 3 && weighted.iter().all(|(value, _)| value.is_number());
        if is_ordered {
            let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
            weighted.sort_by(|(a, _), (b, _)| number(a).total_cmp(&number(b)));
        }
        let mut sum = 0.0;
        let mut cumulate = |weight: f64| {
            sum += weight;
            sum
        };
        let cumulated = weighted.iter().map(|&(_, weight)| cumulate(weight)).collect();
        let values = weighted.into_iter().map(|(value, _)| value.clone()).collect();
        if is_ordered {
            Kind::Ordered { values, cumulated }
        } else {
            Kind::Category { values, cumulated }
        }
    }

    fn real(law: Law, quantum: Option<Quantum>) -> Kind {
        if let Some(quantum) = quantum.filter(|_| law.limits().is_some()) {
            let (lowest, highest) = (quantum.steps(&law, 0.0), quantum.steps(&law, 1.0));
            // Up to 2^52 a double counts steps exactly.
            let limit = 1.0 / f64::EPSILON;
            if lowest > -limit && highest < limit && lowest <= highest {
                return Kind::Steps {
                    law,
                    quantum,
                    lowest: lowest as i64,
                    highest: highest as i64,
                };
            }
        }
        Kind::Real { law, quantum }
    }

    /// Returns the number of values, or `None` if they cannot be counted.
    pub(super) fn levels(&self) -> Option<u64> {
        match self {
            Kind::Real { .. } => None,
            Kind::Integer { min, max } => {
                u64::try_from(i128::from(*max) - i128::from(*min) + 1).ok()
            }
            Kind::Steps { lowest, highest, .. } => Some((highest - lowest) as u64 + 1),
            Kind::Category { values, .. } | Kind::Ordered { values, .. } => {
                Some(values.len() as u64)
            }
        }
    }

    /// Returns the probability of each value of a category; other kinds have none.
    pub(super) fn probabilities(&self) -> Vec<f64> {
        match self {
            Kind::Category { cumulated, .. } => {
                let below = [0.0].iter().chain(cumulated);
                cumulated.iter().zip(below).map(|(upper, lower)| upper - lower).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns the coordinate of the value that the distribution has at `u` in [0, 1).
    pub(super) fn draw(&self, u: f64) -> f64 {
        match self {
            Kind::Category { values, cumulated } | Kind::Ordered { values, cumulated } => {
                let level = cumulated.partition_point(|&sum| sum <= u).min(values.len() - 1);
                self.coordinate_of(level as u64)
            }
            _ => self.nearest(u),
        }
    }

    /// Returns the coordinate of the value that a numeric axis has at `x`, a number in [0, 1].
    fn nearest(&self, x: f64) -> f64 {
        match self {
            Kind::Real { quantum: None, .. } => x.clamp(0.0, 1.0),
            Kind::Real { law, quantum } => {
                real(law, x, quantum.as_ref()).as_f64().map_or(x, |value| law.cdf(value))
            }
            _ => self.coordinate_of(self.level(x)),
        }
    }

    /// Moves a numeric coordinate by `delta`. A move past an end of the axis is reflected. If the
    /// axis has levels, a move that would stay on its level becomes a move by one level, except at
    /// the ends.
    pub(super) fn nudge(&self, x: f64, delta: f64) -> f64 {
        let target = x + delta;
        let reflected = if target < 0.0 { -target } else { 1.0 - (1.0 - target).abs() };
        let moved = self.nearest(reflected);
        let Some(levels) = self.levels().filter(|_| moved == x) else {
            return moved;
        };
        let level = self.level(x);
        self.coordinate_of(if delta < 0.0 {
            level.saturating_sub(1)
        } else {
            (level + 1).min(levels - 1)
        })
    }

    /// Returns the level, counted from 0, at a coordinate of a countable axis; 0 for other axes.
    pub(super) fn level(&self, x: f64) -> u64 {
        match self {
            Kind::Real { .. } => 0,
            Kind::Integer { min, max } => integer(x, *min, *max).abs_diff(*min),
            Kind::Steps { law, quantum, lowest, highest } => {
                let steps = quantum.steps(law, x) as i64;
                steps.clamp(*lowest, *highest).abs_diff(*lowest)
            }
            Kind::Category { .. } => x as u64,
            Kind::Ordered { values, .. } => {
                ((x * values.len() as f64) as u64).min(values.len() as u64 - 1)
            }
        }
    }

    /// Returns the coordinate of a level of a countable axis; 0.5 for other axes.
    pub(super) fn coordinate_of(&self, level: u64) -> f64 {
        match self {
            Kind::Real { .. } => 0.5,
            Kind::Integer { min, max } => {
                (level as f64 + 0.5) / (i128::from(*max) - i128::from(*min) + 1) as f64
            }
            Kind::Steps { law, quantum, lowest, .. } => {
                law.cdf(lowest.saturating_add_unsigned(level) as f64 * quantum.step)
            }
            Kind::Category { .. } => level as f64,
            Kind::Ordered { values, .. } => (level as f64 + 0.5) / values.len() as f64,
        }
    }

    /// Returns the value at a coordinate.
    pub(super) fn value(&self, x: f64) -> Value {
        match self {
            Kind::Real { law, quantum } => real(law, x, quantum.as_ref()),
            Kind::Integer { min, max } => Value::from(integer(x, *min, *max)),
            Kind::Steps { quantum, lowest, .. } => {
                let steps = lowest.saturating_add_unsigned(self.level(x));
                quantum.value(steps as f64).expect("counted steps are numbers")
            }
            Kind::Category { values, .. } | Kind::Ordered { values, .. } => {
                values[(self.level(x) as usize).min(values.len() - 1)].clone()
            }
        }
    }

    /// Returns whether the axis has this value, or one that differs from it by rounding alone. A
    /// number between two multiples of a quantum counts as the nearer multiple.
    pub(super) fn holds(&self, value: &Value) -> bool {
        match (self, value.as_f64()) {
            (Kind::Real { law, .. }, Some(number)) => {
                let nearest = law.quantile(law.cdf(number));
                (nearest - number).abs() <= 1e-9 * number.abs().max(nearest.abs())
            }
            (Kind::Real { .. }, None) => false,
            _ => self.key(value).is_some(),
        }
    }

    /// Returns the coordinate of a value, or `None` if the axis has no such value. On an axis of
    /// real numbers, a number beyond the range gets the coordinate of the nearer end.
    pub(super) fn coordinate(&self, value: &Value) -> Option<f64> {
        match self {
            Kind::Real { law, .. } => Some(law.cdf(value.as_f64()?)),
            _ => Some(self.coordinate_of(self.key(value)?)),
        }
    }

    /// Returns the identity of a value of this kind: its level, or the bits of any real number. A
    /// number between two multiples of a quantum has the level of the nearer one. Returns `None` if
    /// the axis has no such value.
    pub(super) fn key(&self, value: &Value) -> Option<u64> {
        let inside = |level: i128| {
            u64::try_from(level).ok().filter(|&level| self.levels().is_none_or(|n| level < n))
        };
        match self {
            Kind::Real { .. } => Some(value.as_f64()?.to_bits()),
            Kind::Integer { min, .. } => match Identity::of(value) {
                Identity::Whole(whole) => inside(whole - i128::from(*min)),
                _ => None,
            },
            Kind::Steps { quantum, lowest, .. } => {
                inside(quantum.nearest(value.as_f64()?) as i128 - i128::from(*lowest))
            }
            Kind::Category { values, .. } | Kind::Ordered { values, .. } => {
                let identity = Identity::of(value);
                values
                    .iter()
                    .position(|other| Identity::of(other) == identity)
                    .map(|index| index as u64)
            }
        }
    }
}
