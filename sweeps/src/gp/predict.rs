//! The posterior of the function given its observations. Called by `acquire`, and by the search for draws at pending
//! inputs. Never changes a hyperparameter.
//!
//! At x with k = k(X, x): mean m + kᵀ α, variance σ² - |L⁻¹ k|². Several columns of targets over the same inputs share
//! L, since the variance does not depend on them: that is what makes imagined outcomes of pending trials cheap.

use faer::Mat;

use super::{
    factor::Factor,
    fit::{Hyperparameters, solve_mean},
    kernel::{Dimension, Kernel},
};
use crate::rng::Stream;

/// Points predicted at once, which bounds memory to n times this.
const BLOCK: usize = 512;

/// A Gaussian process conditioned on observations.
#[derive(Debug)]
pub(crate) struct Posterior {
    kernel: Kernel,
    noise: f64,
    inputs: Vec<Vec<f64>>,
    factor: Factor,
    mean: f64,
    /// Per column of targets: the targets, and α.
    columns: Vec<(Vec<f64>, Vec<f64>)>,
}

/// Marginal predictions at some points.
#[derive(Debug)]
pub(crate) struct Predictions {
    /// Per column of targets, the mean at each point.
    pub(crate) means: Vec<Vec<f64>>,
    /// The standard deviation of the function at each point, the same for every column.
    pub(crate) deviations: Vec<f64>,
}

impl Posterior {
    /// Conditions on one column of targets. `None` when the covariance cannot be factorised, which the noise floor
    /// prevents for every finite input.
    pub(crate) fn new(
        hyper: &Hyperparameters,
        dimensions: &[Dimension],
        inputs: Vec<Vec<f64>>,
        targets: Vec<f64>,
    ) -> Option<Posterior> {
        let kernel = hyper.kernel(dimensions);
        let factor = factorise(&kernel, hyper.noise(), &inputs)?;
        let (mean, weights, _) = solve_mean(&factor, &targets);
        Some(Posterior {
            kernel,
            noise: hyper.noise(),
            inputs,
            factor,
            mean,
            columns: vec![(targets, weights)],
        })
    }

    /// Conditions further on `count` joint draws of what `pending` inputs may yield: one column of targets for each.
    pub(crate) fn imagine(
        self,
        pending: &[Vec<f64>],
        count: usize,
        stream: &mut Stream,
    ) -> Option<Posterior> {
        let told = &self.columns[0].0;
        let draws = self.draw(pending, count, stream)?;
        let inputs: Vec<Vec<f64>> = self.inputs.iter().chain(pending).cloned().collect();
        let factor = factorise(&self.kernel, self.noise, &inputs)?;
        let columns = draws.into_iter().map(|draw| {
            let targets: Vec<f64> = told.iter().copied().chain(draw).collect();
            let mut weights = Mat::from_fn(targets.len(), 1, |i, _| targets[i] - self.mean);
            factor.solve_lower(weights.as_mut());
            factor.solve_upper(weights.as_mut());
            (targets, weights.col_as_slice(0).to_vec())
        });
        let columns = columns.collect();
        Some(Posterior { kernel: self.kernel, noise: self.noise, inputs, factor, mean: self.mean, columns })
    }

    /// Joint draws of observations at these points.
    fn draw(&self, points: &[Vec<f64>], count: usize, stream: &mut Stream) -> Option<Vec<Vec<f64>>> {
        let (means, half) = self.project(points);
        let covariance = Mat::from_fn(points.len(), points.len(), |i, j| {
            let explained: f64 =
                half.col_as_slice(i).iter().zip(half.col_as_slice(j)).map(|(a, b)| a * b).sum();
            self.kernel.covariance(&points[i], &points[j]) - explained + if i == j { self.noise } else { 0.0 }
        });
        let factor = Factor::new(covariance.as_ref())?;
        let draw = |_| {
            let z: Vec<f64> = points.iter().map(|_| stream.normal()).collect();
            factor.correlate(&z).iter().zip(&means[0]).map(|(offset, mean)| mean + offset).collect()
        };
        Some((0..count).map(draw).collect())
    }

    /// The means at these points, and L⁻¹ k(X, points).
    fn project(&self, points: &[Vec<f64>]) -> (Vec<Vec<f64>>, Mat<f64>) {
        let mut cross = Mat::from_fn(self.inputs.len(), points.len(), |i, j| {
            self.kernel.covariance(&self.inputs[i], &points[j])
        });
        let mean = |weights: &[f64], j: usize| {
            self.mean + cross.col_as_slice(j).iter().zip(weights).map(|(k, weight)| k * weight).sum::<f64>()
        };
        let column = |weights: &[f64]| (0..points.len()).map(|j| mean(weights, j)).collect();
        let means = self.columns.iter().map(|(_, weights)| column(weights)).collect();
        self.factor.solve_lower(cross.as_mut());
        (means, cross)
    }

    /// Mean and deviation at each point.
    pub(crate) fn predict(&self, points: &[Vec<f64>]) -> Predictions {
        let mut all = Predictions { means: vec![Vec::new(); self.columns.len()], deviations: Vec::new() };
        for block in points.chunks(BLOCK) {
            let (means, half) = self.project(block);
            for (column, means) in all.means.iter_mut().zip(means) {
                column.extend(means);
            }
            all.deviations.extend((0..block.len()).map(|j| {
                let explained: f64 = half.col_as_slice(j).iter().map(|value| value * value).sum();
                (self.kernel.amplitude() - explained).max(0.0).sqrt()
            }));
        }
        all
    }

    /// Per column of targets, the lowest mean at an input. There K α = y - m - σₙ² α, so the mean is y - σₙ² α.
    pub(crate) fn lowest_means(&self) -> Vec<f64> {
        let lowest = |(targets, weights): &(Vec<f64>, Vec<f64>)| {
            let means = targets.iter().zip(weights).map(|(target, weight)| target - self.noise * weight);
            means.fold(f64::INFINITY, f64::min)
        };
        self.columns.iter().map(lowest).collect()
    }
}

/// The factor of K + σₙ² I.
fn factorise(kernel: &Kernel, noise: f64, inputs: &[Vec<f64>]) -> Option<Factor> {
    let n = inputs.len();
    let mut matrix = Mat::zeros(n, n);
    for j in 0..n {
        for (i, entry) in matrix.col_as_slice_mut(j).iter_mut().enumerate().skip(j) {
            *entry = kernel.covariance(&inputs[i], &inputs[j]) + if i == j { noise } else { 0.0 };
        }
    }
    Factor::new(matrix.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const LINE: [Dimension; 1] = [Dimension::Numeric];

    fn posterior() -> Posterior {
        let hyper = Hyperparameters::from_theta(&[libm::log(0.3), 0.0, -8.0], 1).unwrap();
        let inputs: Vec<Vec<f64>> = (0..9).map(|i| vec![f64::from(i) / 8.0]).collect();
        let targets = inputs.iter().map(|x| libm::sin(6.0 * x[0])).collect();
        Posterior::new(&hyper, &LINE, inputs, targets).unwrap()
    }

    #[test]
    fn interpolates_and_knows_where_it_does_not_know() {
        let posterior = posterior();
        let points: Vec<Vec<f64>> = (0..1200).map(|i| vec![f64::from(i) / 1199.0]).collect();
        let predictions = posterior.predict(&points);
        for (x, mean) in points.iter().zip(&predictions.means[0]) {
            assert!((mean - libm::sin(6.0 * x[0])).abs() < 0.05, "{x:?} {mean}");
        }
        let deviation = |x: f64| posterior.predict(&[vec![x]]).deviations[0];
        assert!(deviation(0.5) < 0.02 && deviation(0.56) > deviation(0.5) && deviation(3.0) > 0.9);
    }

    #[test]
    fn the_mean_at_an_input_needs_no_kernel() {
        let posterior = posterior();
        let means = &posterior.predict(&posterior.inputs).means[0];
        let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((posterior.lowest_means()[0] - lowest).abs() < 1e-10);
    }

    #[test]
    fn imagined_outcomes_average_to_the_prediction() {
        let pending = vec![vec![0.3], vec![0.31], vec![1.4]];
        let before = posterior().predict(&pending);
        let after = posterior().imagine(&pending, 400, &mut Stream::new(1, 1, Purpose::Fantasies)).unwrap();
        let predictions = after.predict(&pending);
        for (j, mean) in before.means[0].iter().enumerate() {
            let average = predictions.means.iter().map(|means| means[j]).sum::<f64>() / 400.0;
            assert!((average - mean).abs() < 4.0 * before.deviations[j] / 20.0 + 0.01, "{j}");
            assert!(predictions.deviations[j] < 0.02);
        }
    }
}
