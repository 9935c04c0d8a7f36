//! Computes the covariance of inputs by the Matern 5/2 kernel, with a length scale per dimension.
//! `model`, `fit` and `predict` use this module, which never adds noise.
//!
//! With r² = Σⱼ δⱼ² / ℓⱼ² and s = √5 r, the covariance is σ² (1 + s + s²/3) e⁻ˢ. In a numeric
//! dimension, δⱼ is the difference of the two coordinates. In a categorical dimension, δⱼ is 0 for
//! equal categories and 1 for different ones. So two categories are as far apart as the ends of a
//! numeric axis, and the length scale decides how much that distance matters.
//!
//! The inputs are stored as one column per dimension, so that a few passes over arrays compute a
//! row of covariances.

use super::exp::exp_negative;

/// The way in which a dimension measures distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// The distance is the difference of the coordinates.
    Numeric,
    /// The distance is 0 for equal categories, else 1.
    Category,
}

/// Points, one column per dimension.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inputs {
    /// One column per dimension, all of one length.
    pub(crate) columns: Vec<Vec<f64>>,
    /// The number of points.
    pub(crate) len: usize,
}

impl Inputs {
    /// Builds the inputs from points. If a point has fewer coordinates than dimensions, its missing
    /// last coordinates are 0. So a point of the present sweep can omit the coordinate that names
    /// the sweep.
    pub(crate) fn of(points: &[Vec<f64>], dimensions: usize) -> Inputs {
        let column =
            |j: usize| points.iter().map(|point| point.get(j).copied().unwrap_or(0.0)).collect();
        Inputs { columns: (0..dimensions).map(column).collect(), len: points.len() }
    }

    /// Returns one point.
    pub(crate) fn point(&self, index: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[index]).collect()
    }
}

/// Matern 5/2 with given hyperparameters.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    dimensions: Vec<Dimension>,
    /// 1 / ℓ² of each dimension.
    pub(super) inverse_squares: Vec<f64>,
    amplitude: f64,
}

impl Kernel {
    /// Returns the kernel with these length scales, which are above 0, one per dimension.
    pub(crate) fn new(dimensions: &[Dimension], lengths: &[f64], amplitude: f64) -> Kernel {
        let inverse_squares = lengths.iter().map(|length| 1.0 / (length * length)).collect();
        Kernel { dimensions: dimensions.to_vec(), inverse_squares, amplitude }
    }

    /// Returns σ², the prior variance at every input.
    pub(crate) fn amplitude(&self) -> f64 {
        self.amplitude
    }

    /// Returns whether an axis is numeric.
    pub(super) fn is_numeric(&self, axis: usize) -> bool {
        self.dimensions[axis] == Dimension::Numeric
    }

    /// Writes into `covariances` the covariance of `x` with each input from index `from` on.
    /// `covariances` has one entry per such input.
    pub(crate) fn row(&self, inputs: &Inputs, from: usize, x: &[f64], covariances: &mut [f64]) {
        self.squares(inputs, from, x, covariances);
        for value in covariances.iter_mut() {
            let s = (5.0 * *value).sqrt();
            *value = self.amplitude * (1.0 + s + s * s * (1.0 / 3.0)) * exp_negative(-s);
        }
    }

    /// Writes the covariances as [`Kernel::row`] does, and the slopes g = (5/3) σ² (1 + s) e⁻ˢ. The
    /// slopes give dk / d ln ℓⱼ = g δⱼ² / ℓⱼ² and dk / dxⱼ = -g δⱼ / ℓⱼ².
    pub(crate) fn row_and_slopes(
        &self,
        inputs: &Inputs,
        from: usize,
        x: &[f64],
        covariances: &mut [f64],
        slopes: &mut [f64],
    ) {
        self.squares(inputs, from, x, covariances);
        for (value, slope) in covariances.iter_mut().zip(slopes) {
            let s = (5.0 * *value).sqrt();
            let decay = self.amplitude * exp_negative(-s);
            *value = decay * (1.0 + s + s * s * (1.0 / 3.0));
            *slope = decay * (5.0 / 3.0) * (1.0 + s);
        }
    }

    /// Writes the scaled squared distance r² between `x` and each input from index `from` on.
    fn squares(&self, inputs: &Inputs, from: usize, x: &[f64], squares: &mut [f64]) {
        squares.fill(0.0);
        for (j, dimension) in self.dimensions.iter().enumerate() {
            let (column, at, weight) = (&inputs.columns[j][from..], x[j], self.inverse_squares[j]);
            match dimension {
                Dimension::Numeric => {
                    for (square, &other) in squares.iter_mut().zip(column) {
                        let difference = at - other;
                        *square += weight * (difference * difference);
                    }
                }
                Dimension::Category => {
                    for (square, &other) in squares.iter_mut().zip(column) {
                        *square += if at == other { 0.0 } else { weight };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covariances_have_known_values() {
        let kernel = Kernel::new(&[Dimension::Numeric, Dimension::Category], &[0.5, 2.0], 3.0);
        let covariance = |a: [f64; 2], b: [f64; 2]| {
            let mut row = [0.0];
            kernel.row(&Inputs::of(&[b.to_vec()], 2), 0, &a, &mut row);
            row[0]
        };
        assert_eq!(covariance([0.2, 1.0], [0.2, 1.0]), 3.0);
        // With r = 1 the covariance is 3 (1 + √5 + 5/3) e^-√5.
        assert!((covariance([0.0, 1.0], [0.5, 1.0]) - 1.5719823264954609).abs() < 1e-9);
        // Categories 1 and 2 are as far apart as 1 and 7: r = 1/2.
        let near = covariance([0.0, 1.0], [0.0, 2.0]);
        assert_eq!(near, covariance([0.0, 1.0], [0.0, 7.0]));
        assert!((near - 2.4859474272543762).abs() < 1e-12);
    }
}
