//! Makes histograms of numbers: `log!(run, "grad/conv1" => Histogram::of(&values, 64))`. A
//! histogram is stored in the row itself and needs no file.

use serde_json::{Value as Json, json};

use super::error::MediaError;

/// The largest number of bins in one histogram.
pub const MAX_BINS: usize = 4096;

/// A histogram: adjacent intervals, called bins, with the number of values in each bin. In a row,
/// it has the form `{"_type": "histogram", "bins": [edges], "values": [counts]}`.
///
/// ```
/// let histogram = besom::Histogram::of(&[0.0, 1.0, 2.0, 4.0], 2);
/// assert_eq!(histogram.edges(), [0.0, 2.0, 4.0]);
/// assert_eq!(histogram.counts(), [2, 2]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    edges: Vec<f64>,
    counts: Vec<u64>,
    /// The number of values that lie in no bin because they are NaN or infinite.
    not_finite: u64,
}

impl Histogram {
    /// Counts values in bins of equal width, from the smallest finite value to the largest. A value
    /// on the edge between two bins counts in the upper one. The number of bins is `bins`, clamped
    /// to the range from 1 to [`MAX_BINS`]. If all finite values are equal, the bins together are 1
    /// wide and centered on this value. Without a finite value, the bins cover 0 to 1. If the range
    /// is too narrow for so many different edges, the bins cover a wider range.
    /// [`Histogram::not_finite`] counts NaN and infinities. The call makes a few passes over the
    /// values.
    pub fn of<T: Copy + Into<f64>>(values: &[T], bins: usize) -> Self {
        let bins = bins.clamp(1, MAX_BINS);
        let finite =
            || values.iter().map(|value| (*value).into()).filter(|value: &f64| value.is_finite());
        let (least, most, number) = finite()
            .fold((f64::INFINITY, f64::NEG_INFINITY, 0_u64), |(least, most, n), value| {
                (least.min(value), most.max(value), n + 1)
            });
        let (least, most) = match (number, least < most) {
            (0, _) => (0.0, 1.0),
            (_, true) if finite().all(|value| f64::from(value as f32) == value) => {
                (record::widen(least as f32), record::widen(most as f32))
            }
            (_, true) => (least, most),
            (_, false) => (least - 0.5, least + 0.5),
        };
        let (least, most) = widened(least, most, bins);
        let mut counts = vec![0; bins];
        // Both ends are halved, because the difference of the smallest and the largest float would
        // be infinite.
        let width = most / 2.0 - least / 2.0;
        for value in finite() {
            let place = (value / 2.0 - least / 2.0) / width * bins as f64;
            counts[(place as usize).min(bins - 1)] += 1;
        }
        let edge = |at: usize| {
            let part = at as f64 / bins as f64;
            least * (1.0 - part) + most * part
        };
        Self {
            edges: (0..=bins).map(edge).collect(),
            counts,
            not_finite: values.len() as u64 - number,
        }
    }

    /// Makes a histogram from existing counts. `edges` has one number more than `counts`: the edges
    /// of the bins.
    ///
    /// # Errors
    /// Fails if `edges` does not have one number more than `counts`, or if the edges are not finite
    /// and strictly increasing. Also fails if there are no bins, or more than [`MAX_BINS`].
    pub fn from_counts(edges: &[f64], counts: &[u64]) -> Result<Self, MediaError> {
        let rises = edges.windows(2).all(|two| two[0] < two[1])
            && edges.iter().all(|edge| edge.is_finite());
        if edges.len() != counts.len() + 1 || !(1..=MAX_BINS).contains(&counts.len()) || !rises {
            let (edges, counts) = (edges.len(), counts.len());
            let message = format!(
                "{counts} counts (1 to {MAX_BINS} are allowed) need {} finite, increasing edges; \
                there are {edges} edges",
                counts + 1
            );
            return Err(MediaError::Shape(message));
        }
        Ok(Self { edges: edges.to_vec(), counts: counts.to_vec(), not_finite: 0 })
    }

    /// Sets the number of NaN and infinite values, for a histogram that [`Histogram::from_counts`]
    /// has made.
    #[must_use]
    pub fn with_not_finite(mut self, values: u64) -> Self {
        self.not_finite = values;
        self
    }

    /// Returns the number of values that lie in no bin because they are NaN or infinite.
    pub fn not_finite(&self) -> u64 {
        self.not_finite
    }

    /// Returns the edges of the bins. There is one edge more than there are bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Returns the number of values in each bin.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Returns the JSON that represents the histogram in a row.
    pub(crate) fn to_json(&self) -> Json {
        let Self { edges, counts, not_finite } = self;
        let mut json = json!({ "_type": "histogram", "bins": edges, "values": counts });
        if *not_finite > 0 {
            json["not_finite"] = (*not_finite).into();
        }
        json
    }
}

/// Returns the range from `least` to `most`, or a wider range around it in which the edges of the
/// bins are different floats.
fn widened(least: f64, most: f64, bins: usize) -> (f64, f64) {
    // With this half of the range, each bin is as wide as eight steps between the floats at the
    // range's end. The rounding of an edge is smaller than three such steps.
    let coarse = 4.0 * f64::EPSILON * bins as f64;
    let half = least.abs().max(most.abs()) * coarse + f64::MIN_POSITIVE;
    if most / 2.0 - least / 2.0 >= half {
        return (least, most);
    }
    let middle = least / 2.0 + most / 2.0;
    ((middle - half).max(f64::MIN), (middle + half).min(f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let values = [0.0_f32, 1.0, 2.0, 3.0, 4.0, f32::NAN, f32::INFINITY];
        let histogram = Histogram::of(&values, 2);
        assert_eq!(
            (histogram.edges(), histogram.counts(), histogram.not_finite),
            (&[0.0, 2.0, 4.0][..], &[2, 3][..], 2)
        );
        assert_eq!(Histogram::of(&[5.0_f64; 3], 1).edges(), [4.5, 5.5]);
        assert_eq!(Histogram::of::<f64>(&[], 2).counts(), [0, 0]);
        assert_eq!(Histogram::of(&[0.1_f32, 0.9], 1).edges(), [0.1, 0.9]);
        assert_eq!(Histogram::of(&[0.1_f32, 0.5, 0.9], 4).counts(), [1, 0, 1, 1]);
        let widest = Histogram::of(&[f64::MIN, 0.0, f64::MAX], 3);
        assert_eq!((widest.counts(), widest.edges()[3]), (&[1, 1, 1][..], f64::MAX));
    }

    #[test]
    fn values_that_are_close_together_have_increasing_edges() {
        let huge = 2_f64.powi(60);
        for values in [
            [huge, huge],
            [-huge, -huge],
            [huge, huge.next_up()],
            [1.0, 1.0_f64.next_up()],
            [f64::MAX, f64::MAX],
            [f64::MIN, f64::MIN],
            [0.0, 0.0_f64.next_up()],
            [0.1, 0.1 + 1e-12],
        ] {
            for bins in [1, 64, MAX_BINS] {
                let histogram = Histogram::of(&values, bins);
                let (edges, counts) = (histogram.edges(), histogram.counts());
                let rises = edges.windows(2).all(|two| two[0] < two[1]);
                assert!(rises && edges[bins].is_finite(), "{values:?} in {bins} bins");
                assert_eq!(counts.iter().sum::<u64>(), 2);
                assert!(edges[0] <= values[0] && values[1] <= edges[bins], "{values:?}");
            }
        }
        let apart = Histogram::of(&[0.1, 0.1 + 1e-12], 64);
        assert_eq!((apart.edges()[0], apart.edges()[64]), (0.1, 0.1 + 1e-12));
    }

    #[test]
    fn counts_need_increasing_edges() {
        assert!(Histogram::from_counts(&[0.0, 1.0, 2.0], &[3, 4]).is_ok());
        for edges in [&[0.0, 1.0][..], &[0.0, 0.0, 1.0], &[0.0, f64::NAN, 1.0]] {
            assert!(Histogram::from_counts(edges, &[3, 4]).is_err());
        }
    }
}
