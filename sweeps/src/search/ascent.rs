//! Climbs the acquisition function along its gradient by a quasi-Newton method inside the unit box,
//! on the axes that are continuous. `candidates` calls it. It never moves a category or a counted
//! number.
//!
//! The update of Broyden, Fletcher, Goldfarb and Shanno keeps the inverse Hessian. A direction uses
//! only the axes that are free, which are those that do not press against an end of the box. A step
//! gets shorter until the function rises by enough of what the slope promises.

use crate::gp::{Acquisition, Height};

/// The largest number of steps of one climb.
const STEPS: usize = 24;
/// The number of lengths that one step tries, each 0.35 of the one before.
const HALVINGS: usize = 8;
/// The longest step along one axis.
const LONGEST: f64 = 0.2;
/// The smallest gain of a step in ln EI: a climb ends when a step gains less.
const GAIN: f64 = 1e-5;
/// The part of the promised rise that a step has to bring.
const ARMIJO: f64 = 1e-3;

/// Moves `x` along the axes in `free` to a maximum nearby, and returns the value there.
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
            // Old curvature spoilt the direction, so the climb tries the slope itself, once.
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

/// Returns the first of ever shorter steps that rises enough.
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

/// The inverse of the negative Hessian, as far as it is known.
struct Curvature {
    inverse: Vec<Vec<f64>>,
    updates: usize,
}

impl Curvature {
    fn new(n: usize) -> Curvature {
        // Before anything is known, the slope gives the direction, and `LONGEST` the length.
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

    /// Updates the inverse after a step by `moved`, over which the slope fell by `change`.
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
