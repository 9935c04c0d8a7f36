//! Computes the posterior of the function given its observations. `acquire` and `search` call this
//! module, which never changes a hyperparameter.
//!
//! At x with k = k(X, x), the mean is m + kᵀ α and the variance is σ² - |L⁻¹ k|². Several columns
//! of weights over the same inputs share L, since the variance does not depend on outcomes. Sharing
//! L makes draws of the function cheap.

mod averages;

pub(crate) use averages::{Average, LeftOut};
use faer::Mat;

use super::{
    factor::Factor,
    fit::{Data, dot, solve_mean},
    kernel::Inputs,
    model::{Form, Hyperparameters, Model, NOISE_FLOOR},
};
use crate::rng::Stream;

/// The number of points that [`Posterior::predict`] handles at once. This bounds the memory to n ×
/// `BLOCK` numbers for n observations.
const BLOCK: usize = 256;

/// A Gaussian process conditioned on observations.
#[derive(Clone, Debug)]
pub(crate) struct Posterior {
    model: Model,
    inputs: Inputs,
    factor: Factor,
    mean: f64,
    /// The columns of weights α: a single one for the observed targets, or one per draw of the
    /// function.
    weights: Vec<Vec<f64>>,
}

/// Marginal predictions at some points.
#[derive(Debug)]
pub(crate) struct Predictions {
    /// The mean at each point, per column of weights.
    pub(crate) means: Vec<Vec<f64>>,
    /// The variance of the function at each point, the same for every column.
    pub(crate) variances: Vec<f64>,
}

/// A prediction at one point, with its derivatives by the coordinates before warping. The
/// derivatives by categories are 0.
#[derive(Debug)]
pub(crate) struct Local {
    /// The mean at the point, per column of weights.
    pub(crate) means: Vec<f64>,
    /// The slopes of the mean, per column of weights and then per axis.
    pub(crate) mean_slopes: Vec<Vec<f64>>,
    /// The variance of the function.
    pub(crate) variance: f64,
    /// The slope of the variance, per axis.
    pub(crate) variance_slopes: Vec<f64>,
}

/// Draws of the function from its posterior.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// A posterior with one column of weights per draw. Each column is conditioned on the drawn
    /// function values, not on noisy observations.
    pub(crate) posterior: Posterior,
    /// For each draw, its lowest value over the observed inputs that count and all pending inputs.
    pub(crate) lowest: Vec<f64>,
}

impl Posterior {
    /// Conditions on observations. Returns `None` if the covariance cannot be factorised, which the
    /// noise floor prevents for every finite input.
    pub(crate) fn new(form: &Form, hyper: &Hyperparameters, data: Data<'_>) -> Option<Posterior> {
        let model = Model::new(form, hyper);
        let inputs = model.warp(data.inputs);
        let noise: Vec<f64> = data.extra.iter().map(|extra| model.noise + extra).collect();
        let factor = factorise(&model, &inputs, &noise)?;
        let (mean, weights, _) = solve_mean(&factor, data.targets);
        Some(Posterior { model, inputs, factor, mean, weights: vec![weights] })
    }

    /// Draws the function `2 * pairs` times, jointly at the observed and the pending inputs, by
    /// Matheron's rule: the observations correct a draw from the prior. With the prior draw
    /// f₀ = L z at all inputs, the weights are α = L⁻ᵀ z + A⁻¹ r. The residual r = y - m - f₀ - ε
    /// exists at the observed inputs alone (Wilson et al., "Efficiently Sampling Functions from
    /// Gaussian Process Posteriors", 2020). The two draws of a pair have z and ε of opposite signs.
    /// Returns `None` if the covariance cannot be factorised.
    pub(crate) fn draw(
        &self,
        data: Data<'_>,
        counts: &[bool],
        pending: &[Vec<f64>],
        pairs: usize,
        stream: &mut Stream,
    ) -> Option<Drawn> {
        let all: Vec<Vec<f64>> = data.inputs.iter().chain(pending).cloned().collect();
        let inputs = self.model.warp(&all);
        let factor = factorise(&self.model, &inputs, &vec![NOISE_FLOOR; inputs.len])?;
        let told = data.inputs.len();
        let mut columns = Mat::zeros(inputs.len, 2 * pairs);
        let mut errors = Mat::zeros(told, 2 * pairs);
        for pair in 0..pairs {
            for i in 0..inputs.len {
                let z = stream.normal();
                (columns[(i, 2 * pair)], columns[(i, 2 * pair + 1)]) = (z, -z);
            }
            for i in 0..told {
                let error = (self.model.noise + data.extra[i]).sqrt() * stream.normal();
                (errors[(i, 2 * pair)], errors[(i, 2 * pair + 1)]) = (error, -error);
            }
        }
        for column in 0..2 * pairs {
            let prior = factor.correlate(columns.col_as_slice(column));
            for i in 0..told {
                let residual = data.targets[i] - self.mean - prior[i] - errors[(i, column)];
                errors[(i, column)] = residual;
            }
        }
        self.factor.solve_lower(errors.as_mut());
        self.factor.solve_upper(errors.as_mut());
        factor.solve_upper(columns.as_mut());
        let weights: Vec<Vec<f64>> = (0..2 * pairs)
            .map(|column| {
                let mut weights = columns.col_as_slice(column).to_vec();
                weights.iter_mut().zip(errors.col_as_slice(column)).for_each(|(w, e)| *w += e);
                weights
            })
            .collect();
        let posterior =
            Posterior { model: self.model.clone(), inputs, factor, mean: self.mean, weights };
        let lowest = posterior.lowest_means(counts);
        Some(Drawn { posterior, lowest })
    }

    /// Returns, for each column of weights, the lowest mean over the inputs that count. Every input
    /// past the end of `counts` counts.
    pub(crate) fn lowest_means(&self, counts: &[bool]) -> Vec<f64> {
        let mut lowest = vec![f64::INFINITY; self.weights.len()];
        let mut row = vec![0.0; self.inputs.len];
        for i in (0..self.inputs.len).filter(|&i| counts.get(i).copied().unwrap_or(true)) {
            self.model.kernel.row(&self.inputs, 0, &self.inputs.point(i), &mut row);
            for (lowest, weights) in lowest.iter_mut().zip(&self.weights) {
                *lowest = lowest.min(self.mean + dot(&row, weights));
            }
        }
        lowest
    }

    /// Returns mean and variance at each point.
    pub(crate) fn predict(&self, points: &[Vec<f64>]) -> Predictions {
        let mut all =
            Predictions { means: vec![Vec::new(); self.weights.len()], variances: Vec::new() };
        for block in points.chunks(BLOCK) {
            let block = self.model.warp(block);
            let mut cross = Mat::zeros(self.inputs.len, block.len);
            for j in 0..block.len {
                let column = cross.col_as_slice_mut(j);
                self.model.kernel.row(&self.inputs, 0, &block.point(j), column);
                for (means, weights) in all.means.iter_mut().zip(&self.weights) {
                    means.push(self.mean + dot(column, weights));
                }
            }
            self.factor.solve_lower(cross.as_mut());
            all.variances.extend((0..block.len).map(|j| {
                let half = cross.col_as_slice(j);
                (self.model.kernel.amplitude() - dot(half, half)).max(0.0)
            }));
        }
        all
    }

    /// Returns the mean and the variance at one point, with their derivatives.
    pub(crate) fn local(&self, x: &[f64]) -> Local {
        let n = self.inputs.len;
        let warped = self.model.warp(&[x.to_vec()]).point(0);
        let (mut row, mut slopes) = (vec![0.0; n], vec![0.0; n]);
        self.model.kernel.row_and_slopes(&self.inputs, 0, &warped, &mut row, &mut slopes);
        let means = self.weights.iter().map(|weights| self.mean + dot(&row, weights)).collect();
        let mut solved = Mat::from_fn(n, 1, |i, _| row[i]);
        self.factor.solve_lower(solved.as_mut());
        let half = solved.col_as_slice(0);
        let variance = (self.model.kernel.amplitude() - dot(half, half)).max(0.0);
        self.factor.solve_upper(solved.as_mut());
        let mut local = Local {
            means,
            mean_slopes: vec![vec![0.0; x.len()]; self.weights.len()],
            variance,
            variance_slopes: vec![0.0; x.len()],
        };
        for j in 0..x.len() {
            if !self.model.kernel.is_numeric(j) {
                continue;
            }
            let stretch = self.model.warps[j].map_or(1.0, |warp| warp.at(x[j]).slope);
            let scale = -self.model.kernel.inverse_squares[j] * stretch;
            let by_axis: Vec<f64> = slopes
                .iter()
                .zip(&self.inputs.columns[j])
                .map(|(slope, other)| scale * slope * (warped[j] - other))
                .collect();
            for (slopes, weights) in local.mean_slopes.iter_mut().zip(&self.weights) {
                slopes[j] = dot(&by_axis, weights);
            }
            local.variance_slopes[j] = -2.0 * dot(&by_axis, solved.col_as_slice(0));
        }
        local
    }
}

/// Returns the factor of K + diag(noise).
fn factorise(model: &Model, inputs: &Inputs, noise: &[f64]) -> Option<Factor> {
    let n = inputs.len;
    let mut matrix = Mat::zeros(n, n);
    for j in 0..n {
        let column = matrix.col_as_slice_mut(j);
        model.kernel.row(inputs, j, &inputs.point(j), &mut column[j..]);
        column[j] += noise[j];
    }
    Factor::new(matrix.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{gp::Dimension, rng::Purpose};

    fn form() -> Form {
        Form { dimensions: vec![Dimension::Numeric], warped: true }
    }

    struct Line {
        inputs: Vec<Vec<f64>>,
        targets: Vec<f64>,
        extra: Vec<f64>,
    }

    impl Line {
        fn new() -> Line {
            let inputs: Vec<Vec<f64>> = (0..9).map(|i| vec![f64::from(i) / 8.0]).collect();
            let targets = inputs.iter().map(|x| libm::sin(6.0 * x[0])).collect();
            Line { inputs, targets, extra: vec![0.0; 9] }
        }

        fn data(&self) -> Data<'_> {
            Data { inputs: &self.inputs, targets: &self.targets, extra: &self.extra }
        }

        fn posterior(&self, ln_noise: f64) -> Posterior {
            let hyper =
                Hyperparameters::from_theta(&[libm::log(0.3), 0.0, ln_noise, 0.1, -0.1], &form())
                    .unwrap();
            Posterior::new(&form(), &hyper, self.data()).unwrap()
        }
    }

    #[test]
    fn a_posterior_interpolates_and_is_uncertain_in_between() {
        let posterior = Line::new().posterior(-8.0);
        let points: Vec<Vec<f64>> = (0..1200).map(|i| vec![f64::from(i) / 1199.0]).collect();
        let predictions = posterior.predict(&points);
        for (x, mean) in points.iter().zip(&predictions.means[0]) {
            assert!((mean - libm::sin(6.0 * x[0])).abs() < 0.2, "{x:?} {mean}");
        }
        let deviation = |x: f64| posterior.predict(&[vec![x]]).variances[0].sqrt();
        assert!(deviation(0.5) < 0.02 && deviation(0.56) > deviation(0.5));
    }

    #[test]
    fn local_slopes_are_those_of_finite_differences() {
        let line = Line::new();
        let posterior = line.posterior(-5.0);
        let drawn = posterior.draw(
            line.data(),
            &[true; 9],
            &[vec![0.3]],
            2,
            &mut Stream::new(1, 1, Purpose::Fantasies),
        );
        for posterior in [posterior, drawn.unwrap().posterior] {
            for x in [0.07, 0.44, 0.9] {
                let local = posterior.local(&[x]);
                let (above, below) = (posterior.local(&[x + 1e-6]), posterior.local(&[x - 1e-6]));
                let slope = (above.variance - below.variance) / 2e-6;
                assert!((local.variance_slopes[0] - slope).abs() < 1e-5, "{x} {local:?} {slope}");
                for (s, slopes) in local.mean_slopes.iter().enumerate() {
                    let slope = (above.means[s] - below.means[s]) / 2e-6;
                    assert!((slopes[0] - slope).abs() < 1e-5, "{x} {local:?} {slope}");
                }
                let predicted = posterior.predict(&[vec![x]]);
                assert!((predicted.variances[0] - local.variance).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn draws_average_to_the_prediction_and_vary_as_it_says() {
        let line = Line::new();
        let posterior = line.posterior(-2.0);
        let points = vec![vec![0.3], vec![0.31], vec![0.5], vec![0.99]];
        let before = posterior.predict(&points);
        let stream = &mut Stream::new(1, 1, Purpose::Fantasies);
        let drawn = posterior.draw(line.data(), &[true; 9], &points, 2000, stream).unwrap();
        let after = drawn.posterior.predict(&points);
        for j in 0..points.len() {
            let values: Vec<f64> = after.means.iter().map(|means| means[j]).collect();
            let mean = values.iter().sum::<f64>() / 4000.0;
            let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 4000.0;
            assert!((mean - before.means[0][j]).abs() < 0.02, "{j} {mean}");
            assert!((variance / before.variances[j] - 1.0).abs() < 0.1, "{j} {variance}");
            assert!(after.variances[j] < 1e-4);
        }
        let lowest = after.means[0].iter().copied().fold(f64::INFINITY, f64::min);
        assert!(drawn.lowest[0] <= lowest + 1e-9);
    }
}
