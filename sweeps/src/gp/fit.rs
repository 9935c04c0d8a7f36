//! Fits hyperparameters by maximum a posteriori. The Bayesian search calls this module with the
//! observations of trials that have ended, never with pending trials.
//!
//! The fit minimises J(θ) / n, with
//!
//! J(θ) = ½ (y - m)ᵀ α + ½ ln det A + ½ m² - ln p(θ), A = K + σₙ² I + diag(e),
//!
//! where n is the number of observations, and eᵢ is the known extra noise variance of observation
//! i. The mean m ~ N(0, 1) is not part of θ. The best m has a closed form, and ∂J/∂m = 0 there. So
//! the gradient in θ is the gradient at a fixed m:
//!
//! ∂J/∂θⱼ = ½ tr(Q ∂A/∂θⱼ) - ∂ ln p/∂θⱼ, with Q = A⁻¹ - α αᵀ.
//!
//! Let F = Q ∘ G, where G holds the kernel's slopes, and let r = F 1 be the row sums of F. Let w be
//! the warped coordinates on one axis, and p be ln a or ln b of its warp. Then the sums over pairs
//! reduce to one product with F per axis, with h = r ∘ w - F w: Σᵢₖ Fᵢₖ (wᵢ - wₖ)² / 2 = Σᵢ wᵢ hᵢ
//! and ∂J/∂p = -Σᵢ (∂wᵢ/∂p) hᵢ / ℓ².

use std::cell::RefCell;

use argmin::{
    core::{CostFunction, Error, Executor, Gradient},
    solver::{linesearch::MoreThuenteLineSearch, quasinewton::LBFGS},
};
use faer::Mat;

use super::{
    factor::Factor,
    kernel::{Dimension, Inputs},
    model::{Entry, Form, Hyperparameters, Model, NOISE_FLOOR, Prior, priors},
};

/// The largest number of evaluations of J per start. A fit needs 15 to 40 evaluations. Without a
/// bound, a line search can go on for very long.
const MAX_EVALUATIONS: u32 = 60;

/// The data to which hyperparameters are fitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Data<'a> {
    /// One point per observation.
    pub(crate) inputs: &'a [Vec<f64>],
    /// The standardised outputs.
    pub(crate) targets: &'a [f64],
    /// The variance of each observation beyond the common noise.
    pub(crate) extra: &'a [f64],
}

/// Returns the hyperparameters with the lowest J among all that L-BFGS evaluates from these starts.
/// Returns the mode of the prior if no evaluation succeeds.
pub(crate) fn fit(form: &Form, data: Data<'_>, starts: &[Hyperparameters]) -> Hyperparameters {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for start in starts {
        let objective = Objective::new(form, data);
        descend(&objective, start);
        let found = objective.memory.into_inner().best;
        if let Some((cost, theta)) = found
            && best.as_ref().is_none_or(|(least, _)| cost < *least)
        {
            best = Some((cost, theta));
        }
    }
    best.map_or_else(|| Hyperparameters::prior_mode(form), |(_, theta)| Hyperparameters { theta })
}

/// Runs L-BFGS from one start. The optimiser's own result does not matter, since the objective
/// remembers the best θ that it evaluated. So the best θ survives a line search that gives up,
/// which happens at the limits of double precision.
fn descend(objective: &Objective<'_>, start: &Hyperparameters) {
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 8)
        .with_tolerance_grad(1e-4)
        .and_then(|solver| solver.with_tolerance_cost(1e-7))
        .expect("both tolerances are positive");
    // An error means that a line search gave up, that the budget of evaluations is spent, or that a
    // covariance cannot be factorised. The objective has the best θ in each case.
    let _ =
        Executor::new(objective, solver).configure(|state| state.param(start.theta.clone())).run();
}

/// J(θ) / n for the optimiser. The optimiser requests cost and gradient separately, but one
/// evaluation computes both.
struct Objective<'a> {
    form: &'a Form,
    data: Data<'a>,
    priors: Vec<Prior>,
    memory: RefCell<Memory>,
}

/// The number of evaluations so far, with the last one and the best one.
#[derive(Default)]
struct Memory {
    evaluations: u32,
    last: Option<(Vec<f64>, f64, Vec<f64>)>,
    best: Option<(f64, Vec<f64>)>,
}

impl<'a> Objective<'a> {
    fn new(form: &'a Form, data: Data<'a>) -> Objective<'a> {
        Objective { form, data, priors: priors(form), memory: RefCell::default() }
    }

    /// Returns cost and gradient at θ. If θ is the one of the last evaluation, the results come
    /// from memory.
    fn recall(&self, theta: &[f64]) -> Result<(f64, Vec<f64>), Error> {
        let mut memory = self.memory.borrow_mut();
        if let Some((_, cost, gradient)) = memory.last.as_ref().filter(|(last, ..)| last == theta) {
            return Ok((*cost, gradient.clone()));
        }
        if memory.evaluations == MAX_EVALUATIONS {
            return Err(Error::msg("the budget of evaluations is spent"));
        }
        memory.evaluations += 1;
        let (cost, gradient) = self
            .evaluate(theta)
            .ok_or_else(|| Error::msg("the covariance is not positive definite"))?;
        if memory.best.as_ref().is_none_or(|(best, _)| cost < *best) {
            memory.best = Some((cost, theta.to_vec()));
        }
        memory.last = Some((theta.to_vec(), cost, gradient.clone()));
        Ok((cost, gradient))
    }

    /// Returns J(θ) / n and its gradient. Returns `None` if one of these numbers is not finite, or
    /// if the covariance cannot be factorised.
    fn evaluate(&self, theta: &[f64]) -> Option<(f64, Vec<f64>)> {
        let hyper = Hyperparameters { theta: theta.to_vec() };
        let model = Model::new(self.form, &hyper);
        let n = self.data.inputs.len();
        let inputs = model.warp(self.data.inputs);
        let (covariances, slopes) = covariances(&model, &inputs);
        let mut noisy = covariances.clone();
        (0..n).for_each(|i| noisy[(i, i)] += model.noise + self.data.extra[i]);
        let factor = Factor::new(noisy.as_ref())?;
        let (mean, weights, quadratic) = solve_mean(&factor, self.data.targets);
        let mut cost = 0.5 * (quadratic + factor.ln_determinant() + mean * mean);
        let mut q = factor.inverse();
        for j in 0..n {
            for (i, value) in q.col_as_slice_mut(j).iter_mut().enumerate().skip(j) {
                *value -= weights[i] * weights[j];
            }
        }
        let mut gradient = self.trace_gradient(&model, &inputs, &covariances, slopes, &q);
        for (index, prior) in self.priors.iter().enumerate() {
            // An entry beyond its limits does not change the likelihood.
            if theta[index] != hyper.clamped(self.form, index) {
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

    /// Returns ½ tr(Q ∂A/∂θⱼ) for every j. `q`, `covariances` and `slopes` are lower triangles. The
    /// function multiplies `slopes` by `q` to get F.
    fn trace_gradient(
        &self,
        model: &Model,
        inputs: &Inputs,
        covariances: &Mat<f64>,
        mut slopes: Mat<f64>,
        q: &Mat<f64>,
    ) -> Vec<f64> {
        let n = inputs.len;
        let (mut by_amplitude, mut trace) = (0.0, 0.0);
        for j in 0..n {
            let (q, covariance) = (&q.col_as_slice(j)[j..], &covariances.col_as_slice(j)[j..]);
            trace += q[0];
            // An entry below the diagonal counts twice one half, since it stands in both triangles.
            // An entry on the diagonal counts one half.
            by_amplitude += dot(q, covariance) - 0.5 * q[0] * covariance[0];
            let slope = &mut slopes.col_as_slice_mut(j)[j..];
            slope.iter_mut().zip(q).for_each(|(slope, q)| *slope *= q);
        }
        let f = Symmetric::new(slopes);
        let axes: Vec<[f64; 3]> =
            (0..inputs.columns.len()).map(|j| self.axis_gradient(model, inputs, j, &f)).collect();
        let entry = |index| match self.form.entry(index) {
            Entry::Length(j) => axes[j][0],
            Entry::Amplitude => by_amplitude,
            Entry::Noise => 0.5 * trace * (model.noise - NOISE_FLOOR),
            Entry::WarpA(j) => axes[j][1],
            Entry::WarpB(j) => axes[j][2],
        };
        (0..self.form.len()).map(entry).collect()
    }

    /// Returns the entries of ½ tr(Q ∂A/∂θⱼ) that belong to one axis: those for ln ℓ, ln a and ln
    /// b.
    fn axis_gradient(&self, model: &Model, inputs: &Inputs, j: usize, f: &Symmetric) -> [f64; 3] {
        let (weight, column) = (model.kernel.inverse_squares[j], &inputs.columns[j]);
        if self.form.dimensions[j] == Dimension::Category {
            return [weight * f.sum_of_unequal(column), 0.0, 0.0];
        }
        let product = f.times(column);
        let h: Vec<f64> = (0..inputs.len).map(|i| column[i] * f.sums[i] - product[i]).collect();
        let mut gradient = [weight * dot(column, &h), 0.0, 0.0];
        if let Some(warp) = model.warps[j] {
            for (point, h) in self.data.inputs.iter().zip(&h) {
                let at = warp.at(point[j]);
                gradient[1] -= weight * at.by_ln_a * h;
                gradient[2] -= weight * at.by_ln_b * h;
            }
        }
        gradient
    }
}

/// A symmetric matrix with its row sums.
struct Symmetric {
    full: Mat<f64>,
    sums: Vec<f64>,
}

impl Symmetric {
    /// Builds the matrix from its lower triangle.
    fn new(mut full: Mat<f64>) -> Symmetric {
        let n = full.nrows();
        for j in 0..n {
            for i in j + 1..n {
                full[(j, i)] = full[(i, j)];
            }
        }
        let sums = (0..n).map(|j| full.col_as_slice(j).iter().sum()).collect();
        Symmetric { full, sums }
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        (0..vector.len()).map(|j| dot(self.full.col_as_slice(j), vector)).collect()
    }

    /// Returns the sum of the entries (i, j) for which points i and j have different categories,
    /// each pair once.
    fn sum_of_unequal(&self, categories: &[f64]) -> f64 {
        let row = |(j, at): (usize, &f64)| {
            let column = self.full.col_as_slice(j);
            column
                .iter()
                .zip(categories)
                .map(|(f, other)| if at == other { 0.0 } else { *f })
                .sum::<f64>()
        };
        0.5 * categories.iter().enumerate().map(row).sum::<f64>()
    }
}

/// Returns Σ aᵢ bᵢ. The function keeps eight partial sums, which a compiler can compute in
/// parallel.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    let mut sums = [0.0; 8];
    for (x, y) in a_chunks.zip(b_chunks) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Returns the lower triangle of K, and the lower triangle of G, the kernel's slopes
/// (`Kernel::row_and_slopes`).
fn covariances(model: &Model, inputs: &Inputs) -> (Mat<f64>, Mat<f64>) {
    let n = inputs.len;
    let (mut covariances, mut slopes) = (Mat::zeros(n, n), Mat::zeros(n, n));
    for j in 0..n {
        let (column, slope) = (covariances.col_as_slice_mut(j), slopes.col_as_slice_mut(j));
        model.kernel.row_and_slopes(inputs, j, &inputs.point(j), &mut column[j..], &mut slope[j..]);
    }
    (covariances, slopes)
}

/// Returns the best constant mean under m ~ N(0, 1), the weights α, and (y - m)ᵀ α.
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

    fn form(dimensions: &[Dimension], warped: bool) -> Form {
        Form { dimensions: dimensions.to_vec(), warped }
    }

    /// Draws uniform inputs, and targets from the model with the hyperparameters `theta`.
    fn sample(n: usize, form: &Form, theta: &[f64], seed: u64) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut stream = Stream::new(seed, 0, Purpose::Draw);
        let mut coordinate = |dimension: &Dimension| match dimension {
            Dimension::Numeric => stream.uniform(),
            Dimension::Category => stream.below(3) as f64,
        };
        let inputs: Vec<Vec<f64>> =
            (0..n).map(|_| form.dimensions.iter().map(&mut coordinate).collect()).collect();
        let model = Model::new(form, &Hyperparameters::from_theta(theta, form).unwrap());
        let (mut matrix, _) = covariances(&model, &model.warp(&inputs));
        (0..n).for_each(|i| matrix[(i, i)] += model.noise);
        let z: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let targets = Factor::new(matrix.as_ref()).unwrap().correlate(&z);
        (inputs, targets)
    }

    fn fitted(form: &Form, inputs: &[Vec<f64>], targets: &[f64]) -> Vec<f64> {
        let extra = vec![0.0; inputs.len()];
        fit(form, Data { inputs, targets, extra: &extra }, &[Hyperparameters::prior_mode(form)])
            .theta
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let form = form(&[Dimension::Numeric, Dimension::Category, Dimension::Numeric], true);
        let truth = [-1.0, 0.5, 0.3, 0.2, -3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let (inputs, targets) = sample(25, &form, &truth, 5);
        let extra: Vec<f64> = (0..25).map(|i| 0.1 * f64::from(i % 3)).collect();
        let objective =
            Objective::new(&form, Data { inputs: &inputs, targets: &targets, extra: &extra });
        for theta in [
            [-1.0, 0.5, 0.3, 0.2, -3.0, 0.3, 0.0, -0.4, 0.1, 0.0, 0.9],
            [0.7, -0.6, 1.5, -1.0, -9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [-9.0, 2.0, 0.0, 1.0, -25.0, -0.5, 0.1, 0.2, 0.4, 0.2, -0.7],
        ] {
            let (_, gradient) = objective.evaluate(&theta).unwrap();
            for index in 0..theta.len() {
                let at = |step: f64| {
                    let mut moved = theta;
                    moved[index] += step;
                    objective.evaluate(&moved).unwrap().0
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (gradient[index] - slope).abs() < 1e-6 * slope.abs().max(1.0),
                    "{theta:?} {index}"
                );
            }
        }
    }

    #[test]
    fn a_fit_recovers_what_generated_the_data() {
        let form = form(&[Dimension::Numeric, Dimension::Numeric], false);
        let truth = [libm::log(0.2), libm::log(1.0), 0.0, libm::log(0.01)];
        let (inputs, targets) = sample(150, &form, &truth, 3);
        let found = fitted(&form, &inputs, &targets);
        assert!((found[0] - truth[0]).abs() < 0.4, "{found:?}");
        assert!((found[1] - truth[1]).abs() < 0.7, "{found:?}");
        assert!((found[3] - truth[3]).abs() < 0.7, "{found:?}");
    }

    #[test]
    fn an_irrelevant_dimension_gets_a_long_scale_and_a_logarithmic_one_a_warp() {
        let form = form(&[Dimension::Numeric, Dimension::Numeric], true);
        let mut stream = Stream::new(1, 0, Purpose::Draw);
        let inputs: Vec<Vec<f64>> =
            (0..60).map(|_| vec![stream.uniform(), stream.uniform()]).collect();
        let targets: Vec<f64> =
            inputs.iter().map(|x| 1.4 * libm::sin(2.5 * libm::log(x[0] + 0.02))).collect();
        let found = fitted(&form, &inputs, &targets);
        assert!(found[1] > found[0] + 1.0, "{found:?}");
        assert!(found[4] < -0.3, "{found:?}");
    }

    #[test]
    fn hopeless_data_still_gives_hyperparameters() {
        let form = form(&[Dimension::Numeric], false);
        for (inputs, targets) in [
            (vec![vec![0.5]; 5], vec![0.0; 5]),
            (vec![vec![0.5]; 4], vec![-1.0, 1.0, -1.0, 1.0]),
            (vec![vec![0.5]], vec![0.0]),
        ] {
            let wild = Hyperparameters::from_theta(&[500.0, -700.0, 90.0], &form).unwrap();
            let extra = vec![0.0; inputs.len()];
            let data = Data { inputs: &inputs, targets: &targets, extra: &extra };
            let found = fit(&form, data, &[wild, Hyperparameters::prior_mode(&form)]);
            assert!(found.theta.iter().all(|value| value.is_finite()));
            assert!(Model::new(&form, &found).noise >= NOISE_FLOOR);
        }
    }
}
