//! Hyperparameters, their priors, and what they make of inputs: the kernel, the noise, the warped
//! axes. Called by `fit`, which searches for the best, and by `predict`. Never sees an output.
//!
//! Priors: ℓⱼ ~ LogNormal(√2 + ½ ln d, √3) grows with the dimension, which keeps the model useful
//! at d = 20 (Hvarfner et al., "Vanilla Bayesian Optimization Performs Great in High Dimensions",
//! 2024); σₙ² ~ LogNormal(-4, 1); ln σ² ~ N(0, 1); ln a, ln b ~ N(0, ½²) for the exponents of a
//! warped axis. The first two are densities of ℓ and σₙ², not of their logarithms, as in that
//! paper's experiments.

use std::f64::consts::SQRT_2;

use super::{
    kernel::{Dimension, Inputs, Kernel},
    warp::Warp,
};

/// Variance of the noise that is always there, relative to standardised outputs.
pub(super) const NOISE_FLOOR: f64 = 1e-6;
/// Bounds of ln ℓ, ln σ², ln σₙ², and ln a and ln b as the likelihood sees them. Beyond, nothing
/// but the prior changes: the kernel is constant, or zero, to machine precision.
const LIMITS: [(f64, f64); 4] = [(-7.0, 9.0), (-8.0, 8.0), (-20.0, 3.0), (-2.5, 2.5)];

/// The form of a model: how many hyperparameters it has and what each is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// How each axis measures distance.
    pub(crate) dimensions: Vec<Dimension>,
    /// Numeric axes have a warp.
    pub(crate) warped: bool,
}

/// What one entry of θ is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Length(usize),
    Amplitude,
    Noise,
    WarpA(usize),
    WarpB(usize),
}

impl Form {
    /// How many entries θ has.
    pub(super) fn len(&self) -> usize {
        let d = self.dimensions.len();
        if self.warped { 3 * d + 2 } else { d + 2 }
    }

    /// What an entry is.
    pub(super) fn entry(&self, index: usize) -> Entry {
        let d = self.dimensions.len();
        match index {
            _ if index < d => Entry::Length(index),
            _ if index == d => Entry::Amplitude,
            _ if index == d + 1 => Entry::Noise,
            _ if index < 2 * d + 2 => Entry::WarpA(index - d - 2),
            _ => Entry::WarpB(index - 2 * d - 2),
        }
    }
}

/// The logarithms of a model's hyperparameters: ln ℓ₁, .., ln ℓ_d, ln σ², ln σₙ² (above the floor),
/// and for a warped form ln a₁, .., ln a_d, ln b₁, .., ln b_d.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hyperparameters {
    /// In the order above.
    pub(crate) theta: Vec<f64>,
}

impl Hyperparameters {
    /// From the logarithms of an earlier fit; `None` when they belong to another form.
    pub(crate) fn from_theta(theta: &[f64], form: &Form) -> Option<Hyperparameters> {
        let fits = theta.len() == form.len() && theta.iter().all(|value| value.is_finite());
        fits.then(|| Hyperparameters { theta: theta.to_vec() })
    }

    /// The mode of the prior: what is believed before the first observation.
    pub(crate) fn prior_mode(form: &Form) -> Hyperparameters {
        Hyperparameters { theta: priors(form).iter().map(Prior::mode).collect() }
    }

    /// As the likelihood sees an entry.
    pub(super) fn clamped(&self, form: &Form, index: usize) -> f64 {
        let (low, high) = match form.entry(index) {
            Entry::Length(_) => LIMITS[0],
            Entry::Amplitude => LIMITS[1],
            Entry::Noise => LIMITS[2],
            Entry::WarpA(_) | Entry::WarpB(_) => LIMITS[3],
        };
        self.theta[index].clamp(low, high)
    }
}

/// A model: hyperparameters, ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The covariance of warped inputs.
    pub(super) kernel: Kernel,
    /// σₙ², floor included.
    pub(super) noise: f64,
    /// Per axis, where it is warped.
    pub(super) warps: Vec<Option<Warp>>,
}

impl Model {
    /// The model with these hyperparameters.
    pub(crate) fn new(form: &Form, hyper: &Hyperparameters) -> Model {
        let d = form.dimensions.len();
        let value = |index: usize| libm::exp(hyper.clamped(form, index));
        let lengths: Vec<f64> = (0..d).map(value).collect();
        let warp = |j: usize| {
            let is_warped = form.warped && form.dimensions[j] == Dimension::Numeric;
            is_warped.then(|| Warp { a: value(d + 2 + j), b: value(2 * d + 2 + j) })
        };
        Model {
            kernel: Kernel::new(&form.dimensions, &lengths, value(d)),
            noise: NOISE_FLOOR + value(d + 1),
            warps: (0..d).map(warp).collect(),
        }
    }

    /// Points as the kernel sees them.
    pub(crate) fn warp(&self, points: &[Vec<f64>]) -> Inputs {
        let mut inputs = Inputs::of(points, self.warps.len());
        for (column, warp) in inputs.columns.iter_mut().zip(&self.warps) {
            if let Some(warp) = warp {
                column.iter_mut().for_each(|x| *x = warp.value(*x));
            }
        }
        inputs
    }
}

/// A normal density of a logarithm, or a log-normal one of the value itself.
pub(super) struct Prior {
    location: f64,
    scale: f64,
    /// 1 for a density of the value, whose logarithm has the Jacobian -θ; 0 for one of the
    /// logarithm.
    jacobian: f64,
}

impl Prior {
    /// ln p and its derivative, up to a constant.
    pub(super) fn ln_density(&self, theta: f64) -> (f64, f64) {
        let z = (theta - self.location) / self.scale;
        (-0.5 * z * z - self.jacobian * theta, -z / self.scale - self.jacobian)
    }

    fn mode(&self) -> f64 {
        self.location - self.jacobian * self.scale * self.scale
    }
}

/// The priors in the order of θ.
pub(super) fn priors(form: &Form) -> Vec<Prior> {
    let location = SQRT_2 + 0.5 * libm::log(form.dimensions.len().max(1) as f64);
    let prior = |index| match form.entry(index) {
        Entry::Length(_) => Prior { location, scale: 3.0_f64.sqrt(), jacobian: 1.0 },
        Entry::Amplitude => Prior { location: 0.0, scale: 1.0, jacobian: 0.0 },
        Entry::Noise => Prior { location: -4.0, scale: 1.0, jacobian: 1.0 },
        Entry::WarpA(_) | Entry::WarpB(_) => Prior { location: 0.0, scale: 0.5, jacobian: 0.0 },
    };
    (0..form.len()).map(prior).collect()
}
