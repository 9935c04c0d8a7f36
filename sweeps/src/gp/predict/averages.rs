//! Evaluates a posterior at many points at once: the mean at each point, and the average over the
//! points with its variance. The module also predicts each observation from the others. The
//! explanations of a search call this module, which never proposes a point.

use faer::Mat;

use super::{Posterior, dot};

/// The average of the function over some points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Average {
    /// The expected average, from the first column of weights.
    pub(crate) mean: f64,
    /// The variance of the average itself: the joint covariance of the points, averaged over all
    /// pairs.
    pub(crate) variance: f64,
}

/// The prediction of one observation from all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LeftOut {
    /// The target minus the prediction.
    pub(crate) error: f64,
    /// The standard deviation of the prediction, with the observation's own noise.
    pub(crate) deviation: f64,
}

impl Posterior {
    /// Returns the mean at each point per column of weights, without variances.
    pub(crate) fn means(&self, points: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let points = self.model.warp(points);
        let mut all = vec![Vec::with_capacity(points.len); self.weights.len()];
        let mut row = vec![0.0; self.inputs.len];
        for j in 0..points.len {
            self.model.kernel.row(&self.inputs, 0, &points.point(j), &mut row);
            for (means, weights) in all.iter_mut().zip(&self.weights) {
                means.push(self.mean + dot(&row, weights));
            }
        }
        all
    }

    /// Returns the average of the function over these points. One triangular solve is enough for
    /// any number of points. Let k̄ be the average of k(X, x) over the points. With this k̄, the
    /// variance of the average is the average of k(x, x') over all pairs, minus |L⁻¹ k̄|².
    pub(crate) fn average(&self, points: &[Vec<f64>]) -> Average {
        let n = points.len() as f64;
        let points = self.model.warp(points);
        let mut cross = Mat::zeros(self.inputs.len, 1);
        let mut row = vec![0.0; self.inputs.len];
        let mut pairs = vec![0.0; points.len];
        let mut prior = 0.0;
        for j in 0..points.len {
            let point = points.point(j);
            self.model.kernel.row(&self.inputs, 0, &point, &mut row);
            cross.col_as_slice_mut(0).iter_mut().zip(&row).for_each(|(sum, k)| *sum += k / n);
            self.model.kernel.row(&points, j, &point, &mut pairs[j..]);
            // Each pair of two points counts twice; each point paired with itself counts once.
            prior += 2.0 * pairs[j..].iter().sum::<f64>() - pairs[j];
        }
        let mean = self.mean + dot(cross.col_as_slice(0), &self.weights[0]);
        self.factor.solve_lower(cross.as_mut());
        let half = cross.col_as_slice(0);
        Average { mean, variance: (prior / (n * n) - dot(half, half)).max(0.0) }
    }

    /// Predicts each observation from the others, without a new fit of the hyperparameters or the
    /// mean. The error is αᵢ / (A⁻¹)ᵢᵢ and its variance 1 / (A⁻¹)ᵢᵢ (Rasmussen and Williams,
    /// section 5.4.2).
    pub(crate) fn left_out(&self) -> Vec<LeftOut> {
        let inverse = self.factor.inverse();
        let of = |(i, weight): (usize, &f64)| {
            let precision = inverse[(i, i)];
            LeftOut { error: weight / precision, deviation: 1.0 / precision.sqrt() }
        };
        self.weights[0].iter().enumerate().map(of).collect()
    }

    /// Returns the noise variance that is common to all observations, without the extra variance of
    /// one.
    pub(crate) fn noise(&self) -> f64 {
        self.model.noise
    }
}

#[cfg(test)]
mod tests {
    use crate::gp::{Data, Dimension, Form, Hyperparameters, Posterior};

    fn posterior(inputs: &[Vec<f64>], targets: &[f64]) -> Posterior {
        let form = Form { dimensions: vec![Dimension::Numeric], warped: false };
        let hyper = Hyperparameters::from_theta(&[libm::log(0.3), 0.0, -5.0], &form).unwrap();
        let extra = vec![0.0; inputs.len()];
        Posterior::new(&form, &hyper, Data { inputs, targets, extra: &extra }).unwrap()
    }

    fn line() -> (Vec<Vec<f64>>, Vec<f64>) {
        let inputs: Vec<Vec<f64>> = (0..7).map(|i| vec![f64::from(i) / 8.0]).collect();
        let targets = inputs.iter().map(|x| libm::sin(6.0 * x[0])).collect();
        (inputs, targets)
    }

    #[test]
    fn an_average_of_one_point_is_its_prediction_and_of_two_has_their_covariance() {
        let (inputs, targets) = line();
        let posterior = posterior(&inputs, &targets);
        let points = vec![vec![0.07], vec![0.97]];
        let predicted = posterior.predict(&points);
        for (j, point) in points.iter().enumerate() {
            let one = posterior.average(std::slice::from_ref(point));
            assert!((one.mean - predicted.means[0][j]).abs() < 1e-12);
            assert!((one.variance - predicted.variances[j]).abs() < 1e-12);
            assert!((posterior.means(&points)[0][j] - one.mean).abs() < 1e-12);
        }
        // An average over the same point twice has the variance of that point. An average over two
        // distant points has less deviation than the two points on average.
        let twice = posterior.average(&[vec![0.97], vec![0.97]]);
        assert!((twice.variance - predicted.variances[1]).abs() < 1e-12);
        let both = posterior.average(&points);
        let average = predicted.variances.iter().map(|v| v.sqrt()).sum::<f64>() / 2.0;
        assert!(both.variance.sqrt() < average, "{both:?}");
    }

    #[test]
    fn an_observation_left_out_is_predicted_by_a_model_without_it() {
        let (inputs, targets) = line();
        let errors = posterior(&inputs, &targets).left_out();
        let (mut fewer, mut others) = (inputs.clone(), targets.clone());
        fewer.remove(3);
        others.remove(3);
        let without = posterior(&fewer, &others);
        let predicted = without.predict(&inputs[3..4]);
        // The model without the observation has a slightly different constant mean, so the two
        // errors are near but not equal.
        assert!((targets[3] - predicted.means[0][0] - errors[3].error).abs() < 0.05, "{errors:?}");
        let deviation = (predicted.variances[0] + without.noise()).sqrt();
        assert!((deviation - errors[3].deviation).abs() < 1e-9, "{deviation} {errors:?}");
    }
}
