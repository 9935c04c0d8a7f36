//! Computes how much of the metric's variation each parameter is responsible for: the Sobol indices
//! of the surrogate. The explanation of a sweep contains these indices. This module never looks at
//! single trials.
//!
//! Let u be the uniform numbers from which a point is drawn, one per parameter, and f the
//! surrogate's mean at that point. Then the first-order index of parameter i is V(E[f | uᵢ]) /
//! V(f). The total index of parameter i is E[V(f | all but uᵢ)] / V(f). The uᵢ are independent even
//! if parameters have conditions, so the indices are defined for every space. Both indices are
//! estimated from two sets A and B of Sobol points, and from copies of A in which B replaces one
//! column (Saltelli 2010, estimators of Jansen 1999).

use super::{POINTS_SEED, Surrogate};
use crate::{
    gp::Posterior,
    rng::{Purpose, Stream},
    search::sobol::Sobol,
};

/// The approximate number of predictions of the surrogate, shared by all parameters.
const PREDICTIONS: usize = 10_000;
/// The smallest and the largest number of points of each of the two sets.
const POINTS: (usize, usize) = (64, 1024);
/// The number of pairs of draws of the function.
const PAIRS: usize = 16;
/// The number of points between the trials at which functions are drawn. More points show more of
/// the uncertainty between the trials.
const BETWEEN: usize = 128;
/// The standardised variance of f below which f counts as constant.
const FLAT: f64 = 1e-10;

/// How much a parameter matters, over the search's own distribution of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The flattened name of the parameter.
    pub parameter: String,
    /// The share of the variance that the parameter explains by itself, in [0, 1].
    pub alone: f64,
    /// The share that the parameter explains by itself and together with others. If the surrogate
    /// varies at all, the total shares of all parameters add up to about 1 or more.
    pub total: f64,
    /// The 5th percentile of the total share over functions that are consistent with the trials, or
    /// `total` if `total` is less.
    pub low: f64,
    /// The 95th percentile of the total share, or `total` if `total` is more.
    pub high: f64,
}

/// A first-order and a total index.
#[derive(Clone, Copy)]
struct Indices {
    alone: f64,
    total: f64,
}

impl Surrogate {
    /// Returns every parameter that varies, the most important first.
    pub(super) fn importances(&self) -> Vec<Importance> {
        let (axes, sets) = (self.axes(), self.sets());
        let of_mean = indices(&means(&self.posterior, &sets), 0);
        let drawn = self.drawn();
        let drawn = drawn.map(|drawn| {
            let means = means(&drawn, &sets);
            (0..2 * PAIRS).map(|column| indices(&means, column)).collect::<Vec<_>>()
        });
        let mut all: Vec<Importance> = (0..axes.len())
            .map(|axis| {
                let Indices { alone, total } = of_mean[axis];
                let each = drawn.iter().flatten().map(|indices| indices[axis].total);
                let (low, high) = spread(each.collect(), total);
                Importance { parameter: axes.name(axis), alone, total, low, high }
            })
            .collect();
        all.sort_by(|one, other| other.total.total_cmp(&one.total));
        all
    }

    /// Returns the coordinates of the sets: A, B, and for each axis the copy of A with that axis's
    /// column of B.
    fn sets(&self) -> Vec<Vec<Vec<f64>>> {
        let axes = self.axes();
        let d = axes.len();
        let count = (PREDICTIONS / (d + 2)).clamp(POINTS.0, POINTS.1);
        // Sobol points are even if their number is a power of two.
        let count = 1_u64 << count.ilog2();
        let sobol = Sobol::new(2 * d, POINTS_SEED);
        let cubes: Vec<Vec<f64>> = (0..count).map(|index| sobol.point(index)).collect();
        let set = |cube: &dyn Fn(&[f64]) -> Vec<f64>| -> Vec<Vec<f64>> {
            cubes.iter().map(|both| axes.draw(&cube(both))).collect()
        };
        let mut sets = vec![set(&|both| both[..d].to_vec()), set(&|both| both[d..].to_vec())];
        sets.extend((0..d).map(|axis| {
            set(&|both| {
                let mut mixed = both[..d].to_vec();
                mixed[axis] = both[d + axis];
                mixed
            })
        }));
        sets
    }

    /// Draws functions that are consistent with the trials. Returns `None` if a covariance cannot
    /// be factorised.
    fn drawn(&self) -> Option<Posterior> {
        let axes = self.axes();
        let sobol = Sobol::new(axes.len(), POINTS_SEED + 1);
        let between: Vec<Vec<f64>> =
            (0..BETWEEN as u64).map(|index| axes.draw(&sobol.point(index))).collect();
        let mut stream = Stream::new(self.study.seed, self.trials as u64, Purpose::Explanation);
        let drawn = self.posterior.draw(
            self.observations.sample.data(),
            &[],
            &between,
            PAIRS,
            &mut stream,
        )?;
        Some(drawn.posterior)
    }
}

/// Returns the mean at each point, per set and column of weights.
fn means(posterior: &Posterior, sets: &[Vec<Vec<f64>>]) -> Vec<Vec<Vec<f64>>> {
    sets.iter().map(|set| posterior.means(set)).collect()
}

/// Returns the indices of each axis under one column of weights.
fn indices(means: &[Vec<Vec<f64>>], column: usize) -> Vec<Indices> {
    let (a, b) = (&means[0][column], &means[1][column]);
    let n = a.len() as f64;
    let centre = a.iter().chain(b).sum::<f64>() / (2.0 * n);
    let variance = a.iter().chain(b).map(|f| (f - centre) * (f - centre)).sum::<f64>() / (2.0 * n);
    let share = |mixed: &[f64], base: &[f64]| {
        let squares = mixed.iter().zip(base).map(|(one, other)| (one - other) * (one - other));
        squares.sum::<f64>() / (2.0 * n * variance)
    };
    means[2..]
        .iter()
        .map(|mixed| {
            if variance < FLAT {
                return Indices { alone: 0.0, total: 0.0 };
            }
            let total = share(&mixed[column], a).clamp(0.0, 1.0);
            Indices { alone: (1.0 - share(&mixed[column], b)).clamp(0.0, total), total }
        })
        .collect()
}

/// Returns the 5th and the 95th percentile of `totals`, widened so that `total` lies between them.
fn spread(mut totals: Vec<f64>, total: f64) -> (f64, f64) {
    totals.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * totals.len().saturating_sub(1) as f64).round() as usize;
        totals.get(place).copied().unwrap_or(total)
    };
    (at(0.05).min(total), at(0.95).max(total))
}
