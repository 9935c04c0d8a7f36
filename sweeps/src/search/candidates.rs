//! The maximiser of the acquisition function: a look around the whole space, then a climb from the best places. Called
//! by the Bayesian search. Never proposes a point that was handed out.
//!
//! The climb is a compass search, which asks the function for nothing but values: it treats numbers, steps and
//! categories alike, and one round of all climbers is one triangular solve.

use std::collections::BTreeSet;

use super::{
    axes::{Axes, Key},
    halton::Halton,
};
use crate::{gp::Acquisition, rng::Stream};

/// Finite spaces up to this size are searched point by point.
const ENUMERABLE: u64 = 2048;
/// Points spread over the whole space.
const SPREAD: u64 = 1024;
/// Perturbations of each leader.
const PERTURBED: usize = 96;
/// Climbers, and the rounds that each may take.
const CLIMBERS: usize = 5;
const ROUNDS: usize = 24;
/// Random moves beside the axis-wise ones in a round, for valleys that no axis follows.
const LEAPS: usize = 6;
/// A climber's first and last step, as a part of an axis.
const FIRST_STEP: f64 = 0.1;
const LAST_STEP: f64 = 2e-4;

/// A place and its score.
#[derive(Clone, Debug)]
struct Candidate {
    x: Vec<f64>,
    score: f64,
}

/// The unseen point with the highest acquisition that was found; `None` when all that were looked at have been handed
/// out.
pub(super) fn best(
    axes: &Axes<'_>,
    acquisition: &Acquisition,
    seen: &BTreeSet<Key>,
    leaders: &[Vec<f64>],
    stream: &mut Stream,
) -> Option<Vec<f64>> {
    let is_new = |x: &Vec<f64>| axes.key(&axes.point(x)).is_some_and(|key| !seen.contains(&key));
    let mut pool = match axes.size() {
        Some(size) if size <= ENUMERABLE => {
            scored(acquisition, (0..size).map(|rank| axes.nth(rank)).filter(is_new).collect())
        }
        _ => {
            let mut pool = scored(acquisition, look_around(axes, leaders, stream));
            let climbers = starts(&pool, leaders.len());
            pool.extend(climb(axes, acquisition, climbers, stream));
            pool
        }
    };
    // Stable, so equal scores keep their order.
    pool.sort_by(|a, b| b.score.total_cmp(&a.score));
    pool.into_iter().map(|candidate| candidate.x).find(is_new)
}

/// Points spread over the space, and perturbations of the leaders; the leaders themselves come first.
fn look_around(axes: &Axes<'_>, leaders: &[Vec<f64>], stream: &mut Stream) -> Vec<Vec<f64>> {
    let mut points = leaders.to_vec();
    for leader in leaders {
        for _ in 0..PERTURBED {
            // From half a percent to a third of an axis, all magnitudes alike.
            let scale = libm::exp(libm::log(0.005) + stream.uniform() * libm::log(0.3 / 0.005));
            points.push(axes.perturb(leader, scale, stream));
        }
    }
    let sequence = Halton::new(axes.len(), SPREAD, stream);
    for index in 0..SPREAD {
        points.push(axes.draw(&sequence.point(index, stream)));
    }
    points
}

fn scored(acquisition: &Acquisition, points: Vec<Vec<f64>>) -> Vec<Candidate> {
    let scores = acquisition.score(&points);
    points.into_iter().zip(scores).map(|(x, score)| Candidate { x, score }).collect()
}

/// Where to climb from: the best leader, always, and the best of the pool.
fn starts(pool: &[Candidate], leaders: usize) -> Vec<Candidate> {
    let mut order: Vec<&Candidate> = pool.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    pool.iter().take(leaders.min(1)).chain(order).take(CLIMBERS).cloned().collect()
}

/// Moves every climber to the best of its neighbours, round by round; where none is better, its step is halved.
fn climb(
    axes: &Axes<'_>,
    acquisition: &Acquisition,
    climbers: Vec<Candidate>,
    stream: &mut Stream,
) -> Vec<Candidate> {
    let mut climbers: Vec<(Candidate, f64)> = climbers.into_iter().map(|start| (start, FIRST_STEP)).collect();
    for _ in 0..ROUNDS {
        let mut batch = Vec::new();
        let mut ends = Vec::new();
        for (climber, step) in &climbers {
            if *step >= LAST_STEP {
                batch.extend(axes.neighbours(&climber.x, *step, stream));
                batch.extend((0..LEAPS).map(|_| axes.perturb(&climber.x, *step, stream)));
            }
            ends.push(batch.len());
        }
        if batch.is_empty() {
            break;
        }
        let neighbours = scored(acquisition, batch);
        let mut begin = 0;
        for ((climber, step), end) in climbers.iter_mut().zip(ends) {
            let best = neighbours[begin..end].iter().max_by(|a, b| a.score.total_cmp(&b.score));
            match best.filter(|best| best.score > climber.score) {
                Some(best) => *climber = best.clone(),
                None => *step *= 0.4,
            }
            begin = end;
        }
    }
    climbers.into_iter().map(|(climber, _)| climber).collect()
}
