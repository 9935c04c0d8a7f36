//! Smooths noisy lines, and finds their gaps. The rules are those of the dashboard
//! (dashboard/src/charts/smooth.ts).

/// The smoothing is the same at every width: it acts as if the axis had this many points.
const PLACES: f64 = 1000.0;

/// Returns the exponential moving average of a line, weighted by the length of its steps. `span` is
/// the length of the axis. The first value stays as it is, and places without a finite value stay
/// without one. `strength` is from 0, which is off, to just below 1.
pub(crate) fn smooth(x: &[f64], values: &[f64], span: f64, strength: f64) -> Vec<f64> {
    let (mut sum, mut weight, mut before) = (0.0, 0.0, f64::NAN);
    let smoothed = x.iter().zip(values).map(|(&x, &value)| {
        let step = if before.is_nan() || span <= 0.0 { 0.0 } else { (x - before) / span };
        before = x;
        let decay = strength.powf(step * PLACES);
        (sum, weight) = (sum * decay, weight * decay);
        if !value.is_finite() {
            return f64::NAN;
        }
        (sum, weight) = (sum + value, weight + 1.0);
        sum / weight
    });
    smoothed.collect()
}

/// Returns the longest step of x that a line bridges. A run logs its metric every so often; only an
/// unusually long step is a gap.
pub(crate) fn bridge(x: &[f64], values: &[f64]) -> f64 {
    let known: Vec<f64> =
        x.iter().zip(values).filter(|(_, value)| value.is_finite()).map(|(x, _)| *x).collect();
    let mut steps: Vec<f64> =
        known.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).map_or(f64::INFINITY, |middle| middle * 3.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_lies_between_the_values_and_keeps_gaps() {
        let x = [0.0, 1.0, 2.0, 3.0];
        let smoothed = smooth(&x, &[1.0, 3.0, f64::NAN, 3.0], 1000.0, 0.5);
        assert_eq!(smoothed[0], 1.0);
        assert!(smoothed[1] > 1.0 && smoothed[1] < 3.0);
        assert!(smoothed[2].is_nan());
        assert!(smoothed[3] > smoothed[1] && smoothed[3] < 3.0);
        assert_eq!(smooth(&[5.0, 5.0], &[1.0, 2.0], 0.0, 0.9), [1.0, 1.5]);
    }

    #[test]
    fn a_usual_step_is_bridged() {
        let bridge = bridge(&[0.0, 10.0, 20.0, 30.0, 90.0], &[1.0; 5]);
        assert_eq!(bridge, 35.0);
        assert_eq!(super::bridge(&[4.0], &[1.0]), f64::INFINITY);
    }
}
