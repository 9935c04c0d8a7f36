//! Provides the arithmetic of the report: regret, ranks, and an interval by resampling. `report`,
//! `reference` and `latency` call this module.

use crate::chance::Chance;

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the standard error of the mean; 0 for a single value.
pub(crate) fn error_of_mean(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let (count, mean) = (values.len() as f64, mean(values));
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
        / (count - 1.0)
        / count)
        .sqrt()
}

/// Returns the value below which this share of the values lies, interpolated; NaN without values.
/// The values need no order.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len().saturating_sub(1)) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    match (sorted.get(low), sorted.get(high)) {
        (Some(low), Some(high)) => low + (high - low) * place.fract(),
        _ => f64::NAN,
    }
}

/// Returns the distance of a value from the best, from 0 to 3. The unit is the distance of random
/// search at the same budget.
pub(crate) fn regret(value: f64, best: f64, random: f64) -> f64 {
    ((value - best) / (random - best).max(1e-12)).clamp(0.0, 3.0)
}

/// Returns the rank of each value, 1 for the smallest; equal values share their mean rank.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count() as f64;
        let equal = values.iter().filter(|other| *other == value).count() as f64;
        below + f64::midpoint(1.0, equal)
    };
    values.iter().map(rank).collect()
}

/// Returns the interval from the 2.5 % to the 97.5 % quantile of the means of 4,000 resamples of
/// the values.
pub(crate) fn interval(values: &[f64]) -> (f64, f64) {
    let mut chance = Chance::new("bootstrap", values.len() as u64);
    let mut resample = || {
        (0..values.len()).map(|_| values[chance.below(values.len())]).sum::<f64>()
            / values.len() as f64
    };
    let means: Vec<f64> = (0..4_000).map(|_| resample()).collect();
    (quantile(&means, 0.025), quantile(&means, 0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regret_is_measured_against_random_search() {
        assert_eq!(regret(1.0, 1.0, 3.0), 0.0);
        assert_eq!(regret(3.0, 1.0, 3.0), 1.0);
        assert_eq!(regret(2.0, 1.0, 3.0), 0.5);
        assert_eq!(regret(1e8, 1.0, 3.0), 3.0);
        assert_eq!(regret(0.9, 1.0, 3.0), 0.0);
        assert_eq!(regret(2.0, 1.0, 1.0), 3.0);
    }

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(ranks(&[0.3, 0.1, 0.3, 0.7]), [2.5, 1.0, 2.5, 4.0]);
    }

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(quantile(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
    }

    #[test]
    fn the_interval_has_the_width_that_theory_predicts() {
        let mut chance = Chance::new("test", 0);
        let values: Vec<f64> = (0..400).map(|_| 1.0 + chance.normal()).collect();
        let (low, high) = interval(&values);
        let half = 1.96 * error_of_mean(&values);
        assert!(
            (mean(&values) - half - low).abs() < 0.02 && (mean(&values) + half - high).abs() < 0.02
        );
        assert_eq!(interval(&[0.5; 9]), (0.5, 0.5));
    }
}
