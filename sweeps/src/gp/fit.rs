//! Hyperparameters by maximum a posteriori. Called by the Bayesian search with the told trials. Never sees a pending one.
//!
//! Minimised is J(θ) = ½ (y - m)ᵀ α + ½ ln det(K + σₙ² I) + ½ m² - ln p(θ), divided by n. The mean m ~ N(0, 1) is not
//! part of θ: its best value has a closed form, and there ∂J/∂m = 0, so the gradient in θ is that at a fixed m:
//!
//! ∂J/∂θⱼ = ½ tr((A⁻¹ - α αᵀ) ∂A/∂θⱼ) - ∂ ln p/∂θⱼ, with A = K + σₙ² I.
//!
//! Priors: ℓⱼ ~ LogNormal(√2 + ½ ln d, √3) grows with the dimension, which keeps the model useful at d = 20 (Hvarfner
//! et al., "Vanilla Bayesian Optimization Performs Great in High Dimensions", 2024); σₙ² ~ LogNormal(-4, 1); ln σ² ~
//! N(0, 1). The first two are densities of ℓ and σₙ², not of their logarithms, as in that paper's experiments.

use std::{cell::RefCell, f64::consts::SQRT_2};

use argmin::{
    core::{CostFunction, Error, Executor, Gradient},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};
use faer::Mat;

use super::{
    factor::Factor,
    kernel::{Dimension, Kernel},
};

/// Evaluations of J per start; a fit needs 15 to 40, and a line search may otherwise go on for very long.
const MAX_EVALUATIONS: u32 = 60;
/// Variance of the noise that is always there, relative to standardised outputs.
const NOISE_FLOOR: f64 = 1e-6;
/// Bounds of ln ℓ, ln σ² and ln σₙ² as the likelihood sees them. Beyond, nothing but the prior changes: the kernel is
/// constant, or zero, to machine precision.
const LIMITS: [(f64, f64); 3] = [(-7.0, 9.0), (-8.0, 8.0), (-20.0, 3.0)];

/// What the kernel and the noise need.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hyperparameters {
    /// ln ℓ₁, .., ln ℓ_d, ln σ², ln σₙ² (above the floor).
    pub(crate) theta: Vec<f64>,
}

impl Hyperparameters {
    /// From the logarithms of an earlier fit; `None` when they do not fit the dimensions.
    pub(crate) fn from_theta(theta: &[f64], dimensions: usize) -> Option<Hyperparameters> {
        let fits = theta.len() == dimensions + 2 && theta.iter().all(|value| value.is_finite());
        fits.then(|| Hyperparameters { theta: theta.to_vec() })
    }

    /// The mode of the prior: what is believed before the first observation.
    pub(crate) fn prior_mode(dimensions: usize) -> Hyperparameters {
        let priors = priors(dimensions);
        Hyperparameters { theta: priors.iter().map(Prior::mode).collect() }
    }

    /// The kernel over these dimensions.
    pub(crate) fn kernel(&self, dimensions: &[Dimension]) -> Kernel {
        let values: Vec<f64> =
            (0..dimensions.len() + 1).map(|index| libm::exp(self.clamped(index))).collect();
        Kernel::new(dimensions, &values[..dimensions.len()], values[dimensions.len()])
    }

    /// σₙ², floor included.
    pub(crate) fn noise(&self) -> f64 {
        NOISE_FLOOR + libm::exp(self.clamped(self.theta.len() - 1))
    }

    fn limits(&self, index: usize) -> (f64, f64) {
        LIMITS[(index + 3).saturating_sub(self.theta.len())]
    }

    fn clamped(&self, index: usize) -> f64 {
        let (low, high) = self.limits(index);
        self.theta[index].clamp(low, high)
    }

    /// Whether the likelihood changes with this entry.
    fn is_free(&self, index: usize) -> bool {
        self.theta[index] == self.clamped(index)
    }
}

/// A normal density of a logarithm, or a log-normal one of the value itself.
struct Prior {
    location: f64,
    scale: f64,
    /// 1 for a density of the value, whose logarithm has the Jacobian -θ; 0 for one of the logarithm.
    jacobian: f64,
}

impl Prior {
    /// ln p and its derivative, up to a constant.
    fn ln_density(&self, theta: f64) -> (f64, f64) {
        let z = (theta - self.location) / self.scale;
        (-0.5 * z * z - self.jacobian * theta, -z / self.scale - self.jacobian)
    }

    fn mode(&self) -> f64 {
        self.location - self.jacobian * self.scale * self.scale
    }
}

/// The priors in the order of θ.
fn priors(dimensions: usize) -> Vec<Prior> {
    let location = SQRT_2 + 0.5 * libm::log(dimensions.max(1) as f64);
    let length = || Prior { location, scale: 3.0_f64.sqrt(), jacobian: 1.0 };
    let mut all: Vec<Prior> = (0..dimensions).map(|_| length()).collect();
    all.push(Prior { location: 0.0, scale: 1.0, jacobian: 0.0 });
    all.push(Prior { location: -4.0, scale: 1.0, jacobian: 1.0 });
    all
}

/// The best hyperparameters found from these starts; `targets` are standardised and as many as `inputs`.
pub(crate) fn fit(
    dimensions: &[Dimension],
    inputs: &[Vec<f64>],
    targets: &[f64],
    starts: &[Hyperparameters],
) -> Hyperparameters {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for start in starts {
        let objective = Objective {
            dimensions,
            inputs,
            targets,
            priors: priors(dimensions.len()),
            memory: RefCell::new(Memory::default()),
        };
        descend(&objective, start);
        let found = objective.memory.into_inner().best;
        if let Some(found) = found.filter(|found| best.as_ref().is_none_or(|best| found.0 < best.0)) {
            best = Some(found);
        }
    }
    best.map_or_else(|| Hyperparameters::prior_mode(dimensions.len()), |(_, theta)| Hyperparameters { theta })
}

/// L-BFGS from one start. What it returns does not matter: the objective remembers the best that it saw, which also
/// holds when a line search gives up, as it does at the limits of double precision.
fn descend(objective: &Objective<'_>, start: &Hyperparameters) {
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 8)
        .with_tolerance_grad(1e-4)
        .and_then(|solver| solver.with_tolerance_cost(1e-7))
        .expect("both tolerances are positive");
    // An error is the end of a line search or of the budget: see above.
    let _ = Executor::new(objective, solver).configure(|state| state.param(start.theta.clone())).run();
}

/// J(θ) for the optimiser, which asks for cost and gradient apart though they come together.
struct Objective<'a> {
    dimensions: &'a [Dimension],
    inputs: &'a [Vec<f64>],
    targets: &'a [f64],
    priors: Vec<Prior>,
    memory: RefCell<Memory>,
}

/// What was computed so far.
#[derive(Default)]
struct Memory {
    evaluations: u32,
    last: Option<(Vec<f64>, f64, Vec<f64>)>,
    best: Option<(f64, Vec<f64>)>,
}

impl Objective<'_> {
    /// Cost and gradient at θ, computed once.
    fn recall(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), Error> {
        let mut memory = self.memory.borrow_mut();
        if let Some((_, cost, gradient)) = memory.last.as_ref().filter(|(last, ..)| last == theta) {
            return Ok((*cost, gradient.clone()));
        }
        if memory.evaluations == MAX_EVALUATIONS {
            return Err(Error::msg("the budget of evaluations is spent"));
        }
        memory.evaluations += 1;
        let (cost, gradient) =
            self.evaluate(theta).ok_or_else(|| Error::msg("the covariance is not positive definite"))?;
        if memory.best.as_ref().is_none_or(|(best, _)| cost < *best) {
            memory.best = Some((cost, theta.to_vec()));
        }
        memory.last = Some((theta.to_vec(), cost, gradient.clone()));
        Ok((cost, gradient))
    }

    /// J(θ)/n and its gradient; `None` where it is not a number.
    fn evaluate(&self, theta: &[f64]) -> Option<(f64, Vec<f64>)> {
        let hyper = Hyperparameters { theta: theta.to_vec() };
        let kernel = hyper.kernel(self.dimensions);
        let n = self.inputs.len();
        let (covariances, slopes) = self.covariances(&kernel);
        let mut noisy = covariances.clone();
        (0..n).for_each(|i| noisy[(i, i)] += hyper.noise());
        let factor = Factor::new(noisy.as_ref())?;
        let (mean, weights, quadratic) = solve_mean(&factor, self.targets);
        let mut cost = 0.5 * (quadratic + factor.ln_determinant() + mean * mean);
        let mut gradient =
            self.trace_gradient(&hyper, &kernel, &covariances, &slopes, &factor.inverse(), &weights);
        for (index, prior) in self.priors.iter().enumerate() {
            if !hyper.is_free(index) {
                gradient[index] = 0.0;
            }
            let (ln_density, slope) = prior.ln_density(theta[index]);
            cost -= ln_density;
            gradient[index] -= slope;
        }
        let scale = 1.0 / n as f64;
        gradient.iter_mut().for_each(|value| *value *= scale);
        let is_number = cost.is_finite() && gradient.iter().all(|value| value.is_finite());
        is_number.then_some((cost * scale, gradient))
    }

    /// The lower triangles of K and of the slopes with which its derivatives are written.
    fn covariances(&self, kernel: &Kernel) -> (Mat<f64>, Mat<f64>) {
        let n = self.inputs.len();
        let (mut covariances, mut slopes) = (Mat::zeros(n, n), Mat::zeros(n, n));
        for j in 0..n {
            let (column, slope) = (covariances.col_as_slice_mut(j), slopes.col_as_slice_mut(j));
            for i in j..n {
                (column[i], slope[i]) = kernel.covariance_and_slope(&self.inputs[i], &self.inputs[j]);
            }
        }
        (covariances, slopes)
    }

    /// ½ tr((A⁻¹ - α αᵀ) ∂A/∂θⱼ) for every j, from lower triangles.
    fn trace_gradient(
        &self,
        hyper: &Hyperparameters,
        kernel: &Kernel,
        covariances: &Mat<f64>,
        slopes: &Mat<f64>,
        inverse: &Mat<f64>,
        weights: &[f64],
    ) -> Vec<f64> {
        let (n, d) = (self.inputs.len(), self.dimensions.len());
        let mut gradient = vec![0.0; d + 2];
        let mut trace = 0.0;
        for j in 0..n {
            let (inverse, covariance, slope) =
                (inverse.col_as_slice(j), covariances.col_as_slice(j), slopes.col_as_slice(j));
            let diagonal = inverse[j] - weights[j] * weights[j];
            trace += diagonal;
            gradient[d] += 0.5 * diagonal * covariance[j];
            for i in j + 1..n {
                // Both triangles: twice one half.
                let outer = inverse[i] - weights[i] * weights[j];
                gradient[d] += outer * covariance[i];
                let factor = outer * slope[i];
                for (index, value) in gradient[..d].iter_mut().enumerate() {
                    *value += factor * kernel.scaled_square(index, &self.inputs[i], &self.inputs[j]);
                }
            }
        }
        gradient[d + 1] = 0.5 * trace * (hyper.noise() - NOISE_FLOOR);
        gradient
    }
}

/// The best constant mean under m ~ N(0, 1), the weights α, and (y - m)ᵀ α.
pub(super) fn solve_mean(factor: &Factor, targets: &[f64]) -> (f64, Vec<f64>, f64) {
    let n = targets.len();
    let mut columns = Mat::from_fn(n, 2, |i, j| if j == 0 { targets[i] } else { 1.0 });
    factor.solve_lower(columns.as_mut());
    let dot = |a: usize, b: usize| (0..n).map(|i| columns[(i, a)] * columns[(i, b)]).sum::<f64>();
    let mean = dot(0, 1) / (dot(1, 1) + 1.0);
    let mut residual = Mat::from_fn(n, 1, |i, _| columns[(i, 0)] - mean * columns[(i, 1)]);
    let quadratic = (0..n).map(|i| residual[(i, 0)] * residual[(i, 0)]).sum();
    factor.solve_upper(residual.as_mut());
    (mean, (0..n).map(|i| residual[(i, 0)]).collect(), quadratic)
}

impl CostFunction for &Objective<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, theta: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.recall(theta)?.0)
    }
}

impl Gradient for &Objective<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, theta: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.recall(theta)?.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// A draw from the model itself.
    fn sample(n: usize, dimensions: &[Dimension], theta: &[f64], seed: u64) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut stream = Stream::new(seed, 0, Purpose::Draw);
        let mut coordinate = |dimension: &Dimension| match dimension {
            Dimension::Numeric => stream.uniform(),
            Dimension::Category => stream.below(3) as f64,
        };
        let inputs: Vec<Vec<f64>> =
            (0..n).map(|_| dimensions.iter().map(&mut coordinate).collect()).collect();
        let hyper = Hyperparameters::from_theta(theta, dimensions.len()).unwrap();
        let kernel = hyper.kernel(dimensions);
        let matrix = Mat::from_fn(n, n, |i, j| {
            kernel.covariance(&inputs[i], &inputs[j]) + if i == j { hyper.noise() } else { 0.0 }
        });
        let z: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let targets = Factor::new(matrix.as_ref()).unwrap().correlate(&z);
        (inputs, targets)
    }

    fn objective<'a>(
        dimensions: &'a [Dimension],
        inputs: &'a [Vec<f64>],
        targets: &'a [f64],
    ) -> Objective<'a> {
        let priors = priors(dimensions.len());
        Objective { dimensions, inputs, targets, priors, memory: RefCell::new(Memory::default()) }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let dimensions = [Dimension::Numeric, Dimension::Category, Dimension::Numeric];
        let (inputs, targets) = sample(25, &dimensions, &[-1.0, 0.5, 0.3, 0.2, -3.0], 5);
        let objective = objective(&dimensions, &inputs, &targets);
        for theta in [[-1.0, 0.5, 0.3, 0.2, -3.0], [0.7, -0.6, 1.5, -1.0, -9.0], [-9.0, 2.0, 0.0, 1.0, -25.0]]
        {
            let (_, gradient) = objective.evaluate(&theta).unwrap();
            for index in 0..theta.len() {
                let at = |step: f64| {
                    let mut moved = theta;
                    moved[index] += step;
                    objective.evaluate(&moved).unwrap().0
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((gradient[index] - slope).abs() < 1e-6 * slope.abs().max(1.0), "{theta:?} {index}");
            }
        }
    }

    #[test]
    fn a_fit_recovers_what_generated_the_data() {
        let dimensions = [Dimension::Numeric, Dimension::Numeric];
        let truth = [libm::log(0.2), libm::log(1.0), 0.0, libm::log(0.01)];
        let (inputs, targets) = sample(150, &dimensions, &truth, 3);
        let found = fit(&dimensions, &inputs, &targets, &[Hyperparameters::prior_mode(2)]);
        assert!((found.theta[0] - truth[0]).abs() < 0.4, "{found:?}");
        assert!((found.theta[1] - truth[1]).abs() < 0.7, "{found:?}");
        assert!((found.theta[3] - truth[3]).abs() < 0.7, "{found:?}");
    }

    #[test]
    fn an_irrelevant_dimension_gets_a_long_scale() {
        let dimensions = [Dimension::Numeric, Dimension::Numeric];
        let mut stream = Stream::new(1, 0, Purpose::Draw);
        let inputs: Vec<Vec<f64>> = (0..40).map(|_| vec![stream.uniform(), stream.uniform()]).collect();
        let targets: Vec<f64> = inputs.iter().map(|x| 1.4 * libm::sin(9.0 * x[0])).collect();
        let found = fit(&dimensions, &inputs, &targets, &[Hyperparameters::prior_mode(2)]);
        assert!(found.theta[1] > found.theta[0] + 1.5, "{found:?}");
    }

    #[test]
    fn hopeless_data_still_gives_hyperparameters() {
        let dimensions = [Dimension::Numeric];
        for (inputs, targets) in [
            (vec![vec![0.5]; 5], vec![0.0; 5]),
            (vec![vec![0.5]; 4], vec![-1.0, 1.0, -1.0, 1.0]),
            (vec![vec![0.5]], vec![0.0]),
        ] {
            let wild = Hyperparameters::from_theta(&[500.0, -700.0, 90.0], 1).unwrap();
            let found = fit(&dimensions, &inputs, &targets, &[wild, Hyperparameters::prior_mode(1)]);
            assert!(found.theta.iter().all(|value| value.is_finite()));
            assert!(found.noise() >= NOISE_FLOOR);
        }
    }
}
