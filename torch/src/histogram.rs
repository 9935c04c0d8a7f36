//! Computes histograms of tensors: `besom::log!(run, "logits" => histogram(&logits, 64)?)`. The
//! tensor's device counts the values. Only the counts and the extremes are copied to the CPU.

use besom::{Histogram, MAX_BINS};
use tch::{Kind, TchError, Tensor};

/// The maximum number of values that a 32-bit float can count exactly.
const EXACT_IN_FLOAT: usize = 1 << 24;

/// Counts how many values of `tensor` lie in each of `bins` equal intervals from its smallest to
/// its largest value. `bins` is clamped to 1 to [`MAX_BINS`]. NaN and infinities are counted
/// together in a number of their own. If the values are equal, or too close together for so many
/// bins, one bin in the middle counts all of them. Then the bins together have a width of 1, or
/// more if the values are large. The call waits for the device.
///
/// # Errors
/// Fails if torch cannot count this kind of numbers, such as complex or quantised numbers.
pub fn histogram(tensor: &Tensor, bins: usize) -> Result<Histogram, TchError> {
    tch::no_grad(|| {
        let bins = bins.clamp(1, MAX_BINS);
        if matches!(tensor.kind(), Kind::ComplexHalf | Kind::ComplexFloat | Kind::ComplexDouble) {
            return Err(TchError::Kind(format!(
                "{:?} numbers have no order to count them in",
                tensor.kind()
            )));
        }
        let dense = if tensor.is_sparse() {
            tensor.f_to_dense(None, false)?
        } else {
            tensor.shallow_clone()
        };
        let single = matches!(dense.kind(), Kind::Float | Kind::Half | Kind::BFloat16);
        let kind =
            if single && dense.numel() <= EXACT_IN_FLOAT { Kind::Float } else { Kind::Double };
        let all = dense.detach().f_to_kind(kind)?.f_reshape([-1])?;
        let values = finite(&all)?;
        let not_finite = (all.numel() - values.numel()) as u64;
        let (edges, counts) = if values.numel() == 0 { empty(bins) } else { count(&values, bins)? };
        let histogram = Histogram::from_counts(&edges, &counts);
        let histogram = histogram.map_err(|error| TchError::Shape(error.to_string()))?;
        Ok(histogram.with_not_finite(not_finite))
    })
}

/// Returns the finite values. If all values are finite, as usual, the function makes no copy.
fn finite(all: &Tensor) -> Result<Tensor, TchError> {
    if all.numel() == 0 {
        return Ok(all.shallow_clone());
    }
    // If any value is NaN, both extremes are NaN.
    let (least, most) = all.f_aminmax(None, false)?;
    if least.f_double_value(&[])?.is_finite() && most.f_double_value(&[])?.is_finite() {
        return Ok(all.shallow_clone());
    }
    all.f_masked_select(&all.f_isfinite()?)
}

fn empty(bins: usize) -> (Vec<f64>, Vec<u64>) {
    ((0..=bins).map(|at| at as f64 / bins as f64).collect(), vec![0; bins])
}

/// Returns the edges of the bins and the counts. Needs at least one value, and only finite values.
fn count(values: &Tensor, bins: usize) -> Result<(Vec<f64>, Vec<u64>), TchError> {
    let (least, most) = values.f_aminmax(None, false)?;
    let (least, most) = (least.f_double_value(&[])?, most.f_double_value(&[])?);
    let mut counts = vec![0; bins];
    // `narrow` is true if the values are so close together that some edges of the bins would be
    // equal.
    let narrow = (most - least) / bins as f64 <= least.abs().max(most.abs()) * f64::EPSILON;
    let (low, high) = if narrow {
        let half = (least.abs() * 1e-6).max(0.5);
        counts[bins / 2] = values.numel() as u64;
        ((least - half).max(f64::MIN), (least + half).min(f64::MAX))
    } else {
        // If the range of the values is so large that torch's arithmetic could overflow, they are
        // scaled down before counting.
        let scale = if (most - least) > f64::from(f32::MAX) / 4.0 { 0.25 } else { 1.0 };
        let scaled = if scale == 1.0 {
            values.shallow_clone()
        } else {
            values.f_to_kind(Kind::Double)?.f_mul_scalar(scale)?
        };
        let counted = scaled.f_histc(bins as i64)?;
        let counted = Vec::<f64>::try_from(counted)?;
        for (count, counted) in counts.iter_mut().zip(counted) {
            *count = counted as u64;
        }
        (least, most)
    };
    let edge = |at: usize| {
        let part = at as f64 / bins as f64;
        low * (1.0 - part) + high * part
    };
    Ok(((0..=bins).map(edge).collect(), counts))
}
