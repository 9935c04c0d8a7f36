//! Defines the surrogate's hyperparameters, their priors, and the model that they give: the kernel,
//! the noise and the warps of the axes. `fit` and `predict` call this module. The module never sees
//! an output.
//!
//! The priors are ℓⱼ ~ LogNormal(√2 + ½ ln d, √3); σₙ² ~ LogNormal(-4, 1); ln σ² ~ N(0, 1); and ln
//! a, ln b ~ N(0, ½²) for the exponents of a warped axis. The prior of ℓⱼ grows with the dimension
//! d, which keeps the model useful at d = 20 (Hvarfner et al., "Vanilla Bayesian Optimization
//! Performs Great in High Dimensions", 2024). As in the experiments of Hvarfner et al., the priors
//! of ℓⱼ and σₙ² are densities of ℓⱼ and σₙ², not of their logarithms.

use std::f64::consts::SQRT_2;

use super::{
    kernel::{Dimension, Inputs, Kernel},
    warp::Warp,
};

/// The variance that every model adds to the fitted noise variance, for standardised outputs.
pub(super) const NOISE_FLOOR: f64 = 1e-6;
/// The bounds of ln ℓ, of ln σ², of ln (σₙ² - floor), and of both ln a and ln b. The likelihood
/// uses the nearer bound in place of an entry beyond its bounds. Only the prior uses such an entry
/// itself. At the bounds of ln ℓ, the kernel is nearly constant over the space, or nearly zero
/// between distant points.
const LIMITS: [(f64, f64); 4] = [(-7.0, 9.0), (-8.0, 8.0), (-20.0, 3.0), (-2.5, 2.5)];

/// The form of a model: the number of its hyperparameters and the meaning of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// The way in which each axis measures distance.
    pub(crate) dimensions: Vec<Dimension>,
    /// Whether numeric axes have a warp.
    pub(crate) warped: bool,
}

/// The meaning of one entry of θ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Length(usize),
    Amplitude,
    Noise,
    WarpA(usize),
    WarpB(usize),
}

impl Form {
    /// Returns the number of entries of θ.
    pub(super) fn len(&self) -> usize {
        let d = self.dimensions.len();
        if self.warped { 3 * d + 2 } else { d + 2 }
    }

    /// Returns the meaning of the entry of θ with this index.
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

/// The logarithms of a model's hyperparameters: ln ℓ₁, .., ln ℓ_d, ln σ², ln (σₙ² - floor), and for
/// a warped form ln a₁, .., ln a_d, ln b₁, .., ln b_d.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hyperparameters {
    /// The logarithms, in the order that the type's description gives.
    pub(crate) theta: Vec<f64>,
}

impl Hyperparameters {
    /// Returns the hyperparameters with the logarithms of an earlier fit. Returns `None` if their
    /// number does not match the form, or if one is not finite.
    pub(crate) fn from_theta(theta: &[f64], form: &Form) -> Option<Hyperparameters> {
        let fits = theta.len() == form.len() && theta.iter().all(|value| value.is_finite());
        fits.then(|| Hyperparameters { theta: theta.to_vec() })
    }

    /// Returns the mode of the prior: the best guess without any observation.
    pub(crate) fn prior_mode(form: &Form) -> Hyperparameters {
        Hyperparameters { theta: priors(form).iter().map(Prior::mode).collect() }
    }

    /// Returns an entry of θ, clamped to its bounds. The likelihood uses this number.
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

/// A model: hyperparameters that are ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// The covariance of warped inputs.
    pub(super) kernel: Kernel,
    /// σₙ², the floor included.
    pub(super) noise: f64,
    /// The warp of each axis; `None` where the axis has none.
    pub(super) warps: Vec<Option<Warp>>,
}

impl Model {
    /// Returns the model with these hyperparameters.
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

    /// Returns the points as inputs of the kernel, with their warped axes warped.
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

/// The prior of one hyperparameter: a normal density of its logarithm, or a log-normal density of
/// its value.
pub(super) struct Prior {
    location: f64,
    scale: f64,
    /// 1 for a density of the value, since ln of such a density contains the term -θ; 0 for a
    /// density of the logarithm.
    jacobian: f64,
}

impl Prior {
    /// Returns ln p, up to a constant, and its derivative.
    pub(super) fn ln_density(&self, theta: f64) -> (f64, f64) {
        let z = (theta - self.location) / self.scale;
        (-0.5 * z * z - self.jacobian * theta, -z / self.scale - self.jacobian)
    }

    fn mode(&self) -> f64 {
        self.location - self.jacobian * self.scale * self.scale
    }
}

/// Returns the priors of all entries of θ, in the order of θ.
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
