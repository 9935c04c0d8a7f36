//! Ranks results. Colours show ranks, so that one bad outlier does not use up the whole scale.

/// Returns the rank of each value, from 0 for the worst to 1 for the best. Equal values share a
/// rank. NaN stays NaN.
pub(crate) fn ranks(values: &[f64], maximize: bool) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&row| !values[row].is_nan()).collect();
    let key = |row: usize| if maximize { values[row] } else { -values[row] };
    order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    let mut ranks = vec![f64::NAN; values.len()];
    let mut first = 0;
    for (place, &row) in order.iter().enumerate() {
        if values[order[first]] != values[row] {
            first = place;
        }
        ranks[row] = if order.len() > 1 { first as f64 / (order.len() - 1) as f64 } else { 1.0 };
    }
    ranks
}

/// Returns for each row the best value until then; NaN before the first one.
pub(crate) fn best_so_far(values: &[f64], maximize: bool) -> Vec<f64> {
    let mut best = f64::NAN;
    let until = values.iter().map(|&value| {
        let is_worse = if maximize { value <= best } else { value >= best };
        if value.is_finite() && !is_worse {
            best = value;
        }
        best
    });
    until.collect()
}

/// Returns the rank that a value would have among sorted values, for a scale of colours.
pub(crate) fn rank_among(sorted: &[f64], value: f64, maximize: bool) -> f64 {
    let below = sorted.partition_point(|&one| one < value);
    let unit = if sorted.len() > 1 { below as f64 / (sorted.len() - 1) as f64 } else { 1.0 };
    if maximize { unit.min(1.0) } else { 1.0 - unit.min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_has_the_rank_one() {
        let values = [0.5, f64::NAN, 0.1, 0.5, 1e9];
        let ranks = |maximize| {
            let ranks = super::ranks(&values, maximize);
            ranks.iter().map(|rank| format!("{rank:.2}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ranks(false), "0.33 NaN 1.00 0.33 0.00");
        assert_eq!(ranks(true), "0.33 NaN 0.00 0.33 1.00");
        assert_eq!(super::ranks(&[7.0], false), [1.0]);
        assert_eq!(rank_among(&[0.1, 0.5, 0.5, 1e9], 0.1, false), 1.0);
    }

    #[test]
    fn the_best_so_far_only_improves() {
        let values = [f64::NAN, 3.0, 4.0, f64::NEG_INFINITY, 1.0, 2.0];
        let best = best_so_far(&values, false);
        assert!(best[0].is_nan());
        assert_eq!(best[1..], [3.0, 3.0, 3.0, 1.0, 1.0]);
        assert_eq!(best_so_far(&values, true)[1..], [3.0, 4.0, 4.0, 4.0, 4.0]);
    }
}
