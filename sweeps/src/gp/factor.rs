//! Computes the Cholesky factor of a covariance matrix, and solves linear systems with the factor.
//! `fit` and `predict` call this module, which never uses more than one thread.

use faer::{
    Mat, MatMut, MatRef, Par,
    dyn_stack::{MemBuffer, MemStack},
    linalg::{
        cholesky::llt,
        triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place},
    },
    reborrow::ReborrowMut,
};

/// The jitters that [`Factor::new`] tries in turn until a factorisation succeeds. Each try adds one
/// jitter times the diagonal's mean to the original diagonal. For nearly equal inputs, rounding
/// makes the matrix indefinite by about n ε, where ε is the machine precision. There is no larger
/// jitter, since it would hide a real defect.
const JITTERS: [f64; 5] = [0.0, 1e-12, 1e-10, 1e-8, 1e-6];

/// The lower triangular L with L Lᵀ = A.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    lower: Mat<f64>,
}

impl Factor {
    /// Factorises a symmetric matrix, of which it reads the lower triangle. Returns `None` if the
    /// matrix is not even nearly positive definite.
    pub(crate) fn new(matrix: MatRef<'_, f64>) -> Option<Factor> {
        let n = matrix.nrows();
        let diagonal = (0..n).map(|i| matrix[(i, i)]).sum::<f64>() / n.max(1) as f64;
        JITTERS.iter().find_map(|jitter| {
            let mut lower = matrix.to_owned();
            for i in 0..n {
                lower[(i, i)] += jitter * diagonal;
            }
            factorise(lower.as_mut())?;
            Some(Factor { lower })
        })
    }

    /// Returns ln det A.
    pub(crate) fn ln_determinant(&self) -> f64 {
        2.0 * (0..self.lower.nrows()).map(|i| libm::log(self.lower[(i, i)])).sum::<f64>()
    }

    /// Replaces B by L⁻¹ B.
    pub(crate) fn solve_lower(&self, b: MatMut<'_, f64>) {
        solve_lower_triangular_in_place(self.lower.as_ref(), b, Par::Seq);
    }

    /// Replaces B by L⁻ᵀ B.
    pub(crate) fn solve_upper(&self, b: MatMut<'_, f64>) {
        solve_upper_triangular_in_place(self.lower.transpose(), b, Par::Seq);
    }

    /// Returns A⁻¹ in the lower triangle; the entries above the diagonal have no meaning.
    pub(crate) fn inverse(&self) -> Mat<f64> {
        let n = self.lower.nrows();
        let mut inverse = Mat::zeros(n, n);
        let mut memory = MemBuffer::new(llt::inverse::inverse_scratch::<f64>(n, Par::Seq));
        llt::inverse::inverse(
            inverse.as_mut(),
            self.lower.as_ref(),
            Par::Seq,
            MemStack::new(&mut memory),
        );
        inverse
    }

    /// Returns L z, which is a draw from N(0, A) for standard normal z.
    pub(crate) fn correlate(&self, z: &[f64]) -> Vec<f64> {
        (0..z.len()).map(|i| (0..=i).map(|j| self.lower[(i, j)] * z[j]).sum()).collect()
    }
}

/// Replaces the lower triangle by its factor. Returns `None` if a pivot is not positive or not
/// finite.
fn factorise(mut matrix: MatMut<'_, f64>) -> Option<()> {
    let n = matrix.nrows();
    let scratch = llt::factor::cholesky_in_place_scratch::<f64>(n, Par::Seq, Default::default());
    let mut memory = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut memory);
    llt::factor::cholesky_in_place(
        matrix.rb_mut(),
        Default::default(),
        Par::Seq,
        stack,
        Default::default(),
    )
    .ok()?;
    (0..n).all(|i| matrix[(i, i)].is_finite() && matrix[(i, i)] > 0.0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: usize) -> Mat<f64> {
        Mat::from_fn(n, n, |i, j| {
            libm::exp(-0.1 * (i as f64 - j as f64).abs()) + f64::from(u8::from(i == j))
        })
    }

    #[test]
    fn solves_and_inverse_agree() {
        let matrix = sample(40);
        let factor = Factor::new(matrix.as_ref()).unwrap();
        let inverse = factor.inverse();
        let mut columns = Mat::<f64>::identity(40, 40);
        factor.solve_lower(columns.as_mut());
        factor.solve_upper(columns.as_mut());
        for i in 0..40 {
            for j in 0..=i {
                assert!((inverse[(i, j)] - columns[(i, j)]).abs() < 1e-13);
            }
        }
        let product = &matrix * &columns;
        assert!((0..40).all(|i| (product[(i, i)] - 1.0).abs() < 1e-12));
    }

    #[test]
    fn determinant_of_a_diagonal() {
        let factor = Factor::new(
            Mat::from_fn(3, 3, |i, j| if i == j { (i + 2) as f64 } else { 0.0 }).as_ref(),
        )
        .unwrap();
        assert!((factor.ln_determinant() - libm::log(24.0)).abs() < 1e-15);
    }

    #[test]
    fn a_singular_matrix_gets_jitter_and_an_indefinite_one_is_refused() {
        assert!(Factor::new(Mat::from_fn(30, 30, |_, _| 1.0).as_ref()).is_some());
        let indefinite = Mat::from_fn(2, 2, |i, j| if i == j { 1.0 } else { 2.0 });
        assert!(Factor::new(indefinite.as_ref()).is_none());
        assert!(Factor::new(Mat::from_fn(2, 2, |_, _| f64::NAN).as_ref()).is_none());
    }
}
