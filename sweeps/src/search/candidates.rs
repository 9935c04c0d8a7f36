//! Maximises the acquisition function: scores points all over the space, then climbs from the best
//! ones. The Bayesian search calls this module, which never returns a point that was handed out.
//!
//! A climb follows the gradient on the continuous axes, then tries other levels on one of the other
//! axes at a time. A climb alternates between the gradient and other levels until no level gains,
//! [`TURNS`] times at most.

use super::{
    ascent::ascend,
    axes::{Axes, Seen},
    halton::Halton,
};
use crate::{gp::Acquisition, rng::Stream};

/// The size up to which a finite space is searched point by point.
const ENUMERABLE: u64 = 2048;
/// The number of scored points that are spread over the whole space.
const SPREAD: u64 = 768;
/// The number of perturbations of each leader. The leaders are the best trials.
const PERTURBED: usize = 96;
/// The number of climbs. `TURNS` is the largest number of turns of one climb.
const CLIMBERS: usize = 5;
const TURNS: usize = 6;
/// The steps that are tried on an axis with many levels, as parts of the axis. The last stride is a
/// step of one level.
const STRIDES: [f64; 4] = [0.2, 0.05, 0.015, 1e-9];

/// A point's coordinates and their score.
#[derive(Clone, Debug)]
struct Candidate {
    x: Vec<f64>,
    score: f64,
}

/// Returns the unseen point with the highest acquisition among all points that the search scores.
/// Returns `None` if every scored point was handed out.
pub(super) fn best(
    axes: &Axes<'_>,
    acquisition: &Acquisition,
    seen: &Seen<'_>,
    leaders: &[Vec<f64>],
    ascends: bool,
    stream: &mut Stream,
) -> Option<Vec<f64>> {
    let is_new = |x: &Vec<f64>| seen.lacks(x);
    let mut pool = match axes.size() {
        Some(size) if size <= ENUMERABLE => {
            scored(acquisition, (0..size).map(|rank| axes.nth(rank)).filter(is_new).collect())
        }
        _ => {
            let mut pool = scored(acquisition, look_around(axes, leaders, stream));
            let starts = starts(&pool, leaders.len());
            pool.extend(
                starts.into_iter().map(|start| climb(axes, acquisition, start, ascends, stream)),
            );
            pool
        }
    };
    // The sort is stable, so equal scores keep their order.
    pool.sort_by(|a, b| b.score.total_cmp(&a.score));
    pool.into_iter().map(|candidate| candidate.x).find(is_new)
}

/// Returns the leaders, then perturbations of the leaders, then points spread over the space.
fn look_around(axes: &Axes<'_>, leaders: &[Vec<f64>], stream: &mut Stream) -> Vec<Vec<f64>> {
    let mut points: Vec<Vec<f64>> =
        leaders.iter().map(|leader| axes.settled(leader.clone())).collect();
    for leader in leaders {
        for _ in 0..PERTURBED {
            // The scales reach from 0.5 % to 30 % of an axis, and all magnitudes are equally
            // likely.
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

/// Returns the candidates from which climbs start: the best leader, then the best of the pool.
fn starts(pool: &[Candidate], leaders: usize) -> Vec<Candidate> {
    let mut order: Vec<&Candidate> = pool.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    pool.iter().take(leaders.min(1)).chain(order).take(CLIMBERS).cloned().collect()
}

/// Climbs from a start until no other level of any axis gains, or until [`TURNS`] turns are used
/// up.
fn climb(
    axes: &Axes<'_>,
    acquisition: &Acquisition,
    start: Candidate,
    ascends: bool,
    stream: &mut Stream,
) -> Candidate {
    let mut here = start;
    for _ in 0..TURNS {
        let free = axes.continuous(&here.x);
        if ascends && !free.is_empty() {
            here.score = ascend(acquisition, &mut here.x, &free).max(here.score);
        }
        let neighbours = scored(acquisition, axes.levels_around(&here.x, &STRIDES, stream));
        let best = neighbours.into_iter().max_by(|a, b| a.score.total_cmp(&b.score));
        match best.filter(|best| best.score > here.score + 1e-9) {
            Some(best) => here = best,
            None => break,
        }
    }
    here
}
