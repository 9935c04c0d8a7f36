//! The covariance of two inputs: Matern 5/2 with a length scale per dimension. Called by `fit` and `predict`. Never
//! adds noise.
//!
//! With r² = Σⱼ δⱼ² / ℓⱼ² and s = √5 r, the covariance is σ² (1 + s + s²/3) e⁻ˢ. δⱼ is the difference of a numeric
//! coordinate, and 0 or 1 for equal or different categories: two categories are as far apart as the ends of a numeric
//! axis, and the length scale says how much that means.

/// How a dimension measures distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// By the difference of the coordinates.
    Numeric,
    /// By equality.
    Category,
}

/// Matern 5/2 with given hyperparameters.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    dimensions: Vec<Dimension>,
    /// 1 / ℓ².
    inverse_squares: Vec<f64>,
    amplitude: f64,
}

impl Kernel {
    /// `lengths` has one entry per dimension; all are above 0.
    pub(crate) fn new(dimensions: &[Dimension], lengths: &[f64], amplitude: f64) -> Kernel {
        let inverse_squares = lengths.iter().map(|length| 1.0 / (length * length)).collect();
        Kernel { dimensions: dimensions.to_vec(), inverse_squares, amplitude }
    }

    /// The variance at one input.
    pub(crate) fn amplitude(&self) -> f64 {
        self.amplitude
    }

    /// The covariance of two inputs.
    pub(crate) fn covariance(&self, a: &[f64], b: &[f64]) -> f64 {
        self.covariance_and_slope(a, b).0
    }

    /// The covariance and g = (5/3) σ² (1 + s) e⁻ˢ, with which dk / d ln ℓⱼ = g δⱼ² / ℓⱼ².
    pub(crate) fn covariance_and_slope(&self, a: &[f64], b: &[f64]) -> (f64, f64) {
        let mut r_squared = 0.0;
        for index in 0..self.dimensions.len() {
            r_squared += self.scaled_square(index, a, b);
        }
        let s = (5.0 * r_squared).sqrt();
        let decay = self.amplitude * libm::exp(-s);
        (decay * (1.0 + s + s * s / 3.0), decay * (5.0 / 3.0) * (1.0 + s))
    }

    /// δⱼ² / ℓⱼ².
    pub(crate) fn scaled_square(&self, index: usize, a: &[f64], b: &[f64]) -> f64 {
        let square = match self.dimensions[index] {
            Dimension::Numeric => (a[index] - b[index]) * (a[index] - b[index]),
            Dimension::Category => f64::from(u8::from(a[index] != b[index])),
        };
        square * self.inverse_squares[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let kernel = Kernel::new(&[Dimension::Numeric, Dimension::Category], &[0.5, 2.0], 3.0);
        assert_eq!(kernel.covariance(&[0.2, 1.0], &[0.2, 1.0]), 3.0);
        // r = 1: 3 (1 + √5 + 5/3) e^-√5.
        assert!((kernel.covariance(&[0.0, 1.0], &[0.5, 1.0]) - 1.5719823264954609).abs() < 1e-9);
        // Categories 1 and 2 are as far apart as 1 and 7: r = 1/2.
        let near = kernel.covariance(&[0.0, 1.0], &[0.0, 2.0]);
        assert_eq!(near, kernel.covariance(&[0.0, 1.0], &[0.0, 7.0]));
        assert!((near - 2.4859474272543762).abs() < 1e-12);
    }
}
