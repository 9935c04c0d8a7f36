//! Climbs the acquisition function along its gradient by a quasi-Newton method inside the unit box,
//! on the axes that are continuous. `candidates` calls this module, which never moves a category or
//! a countable number.
//!
//! The update of Broyden, Fletcher, Goldfarb and Shanno maintains an estimate of the inverse
//! Hessian. A direction leaves out each axis that is at an end of the box with a slope that points
//! outwards. A step gets shorter until the function rises by at least [`ARMIJO`] times the rise
//! that the slope predicts.

use crate::gp::{Acquisition, Height};

/// The largest number of steps of one climb.
const STEPS: usize = 24;
/// The number of lengths that one step tries, each 0.35 of the one before.
const HALVINGS: usize = 8;
/// The longest step along one axis.
const LONGEST: f64 = 0.2;
/// The smallest gain of a step in the logarithm of the acquisition. A climb ends after a step that
/// gains less.
const GAIN: f64 = 1e-5;
/// The part of the predicted rise that a step has to reach.
const ARMIJO: f64 = 1e-3;

/// Moves `x` along the axes in `free` towards a maximum nearby. Returns the logarithm of the
/// acquisition at the new `x`.
pub(super) fn ascend(acquisition: &Acquisition, x: &mut Vec<f64>, free: &[usize]) -> f64 {
    let mut here = acquisition.height(x);
    let mut curvature = Curvature::new(free.len());
    for _ in 0..STEPS {
        let gradient: Vec<f64> = free.iter().map(|&axis| here.slopes[axis]).collect();
        let is_free: Vec<bool> = free
            .iter()
            .zip(&gradient)
            .map(|(&axis, &slope)| {
                !(x[axis] <= 0.0 && slope < 0.0 || x[axis] >= 1.0 && slope > 0.0)
            })
            .collect();
        let direction = curvature.direction(&gradient, &is_free);
        let Some((next, there)) = step(acquisition, x, &here, free, &direction) else {
            // No step in this direction rises. If earlier updates shaped the direction, the climb
            // drops them and follows the gradient itself.
            if curvature.is_fresh() {
                break;
            }
            curvature = Curvature::new(free.len());
            continue;
        };
        let gain = there.value - here.value;
        let moved: Vec<f64> = free.iter().map(|&axis| next[axis] - x[axis]).collect();
        let change: Vec<f64> =
            free.iter().map(|&axis| here.slopes[axis] - there.slopes[axis]).collect();
        curvature.update(&moved, &change);
        (*x, here) = (next, there);
        if gain < GAIN {
            break;
        }
    }
    here.value
}

/// Tries ever shorter steps along a direction, and returns the first that rises enough. Returns
/// `None` if no step does.
fn step(
    acquisition: &Acquisition,
    x: &[f64],
    here: &Height,
    free: &[usize],
    direction: &[f64],
) -> Option<(Vec<f64>, Height)> {
    let longest = direction.iter().fold(0.0_f64, |longest, part| longest.max(part.abs()));
    if longest <= 1e-12 || !longest.is_finite() {
        return None;
    }
    let mut length = (LONGEST / longest).min(1.0);
    for _ in 0..HALVINGS {
        let mut next = x.to_vec();
        let mut promised = 0.0;
        for (&axis, part) in free.iter().zip(direction) {
            next[axis] = (x[axis] + length * part).clamp(0.0, 1.0);
            promised += here.slopes[axis] * (next[axis] - x[axis]);
        }
        let there = acquisition.height(&next);
        if promised > 0.0 && there.value > here.value + ARMIJO * promised {
            return Some((next, there));
        }
        length *= 0.35;
    }
    None
}

/// The estimate of the inverse of the negative Hessian.
struct Curvature {
    inverse: Vec<Vec<f64>>,
    updates: usize,
}

impl Curvature {
    fn new(n: usize) -> Curvature {
        // The first estimate is the identity: the gradient gives the direction, and `LONGEST`
        // bounds the length.
        let row = |i| (0..n).map(|j| f64::from(u8::from(i == j))).collect();
        Curvature { inverse: (0..n).map(row).collect(), updates: 0 }
    }

    fn is_fresh(&self) -> bool {
        self.updates == 0
    }

    fn direction(&self, gradient: &[f64], is_free: &[bool]) -> Vec<f64> {
        let masked = |j: usize| if is_free[j] { gradient[j] } else { 0.0 };
        let row = |i: usize| (0..gradient.len()).map(|j| self.inverse[i][j] * masked(j)).sum();
        (0..gradient.len()).map(|i| if is_free[i] { row(i) } else { 0.0 }).collect()
    }

    /// Updates the estimate after a step by `moved`, over which the gradient fell by `change`.
    fn update(&mut self, moved: &[f64], change: &[f64]) {
        let n = moved.len();
        let along: f64 = moved.iter().zip(change).map(|(s, y)| s * y).sum();
        let square: f64 = change.iter().map(|y| y * y).sum();
        if along <= 1e-12 * square.max(1e-300) {
            return;
        }
        if self.updates == 0 {
            let scale = along / square;
            for i in 0..n {
                self.inverse[i][i] = scale;
            }
        }
        self.updates += 1;
        let product: Vec<f64> =
            (0..n).map(|i| (0..n).map(|j| self.inverse[i][j] * change[j]).sum()).collect();
        let bend: f64 = change.iter().zip(&product).map(|(y, hy)| y * hy).sum();
        for i in 0..n {
            for j in 0..n {
                self.inverse[i][j] += (1.0 + bend / along) * moved[i] * moved[j] / along
                    - (product[i] * moved[j] + moved[i] * product[j]) / along;
            }
        }
    }
}
