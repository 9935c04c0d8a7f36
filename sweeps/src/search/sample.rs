//! Holds observations for a model, and chooses which observations of a long history the model gets.
//! `observations`, the Bayesian search and the explanations call this module, which never reads a
//! trial.

use crate::gp::{Data, Dimension};

/// The observations on which a model is conditioned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    /// The coordinates, one row per observation.
    pub(super) inputs: Vec<Vec<f64>>,
    /// One target per input, standardised to mean 0 and variance 1 (or all 0). A thinned sample
    /// keeps the targets as they are.
    pub(super) targets: Vec<f64>,
    /// The variance of each target beyond the common noise.
    pub(super) extra: Vec<f64>,
}

impl Sample {
    /// Returns the sample as the argument type of the Gaussian process.
    pub(super) fn data(&self) -> Data<'_> {
        Data { inputs: &self.inputs, targets: &self.targets, extra: &self.extra }
    }

    /// Returns at most `most` of the observations, as [`spread`] chooses them, in their order.
    pub(super) fn thinned(&self, dimensions: &[Dimension], most: usize) -> Sample {
        self.only(&spread(dimensions, &self.inputs, &self.targets, most))
    }

    /// Returns the observations with these indices, in their order.
    pub(super) fn only(&self, kept: &[usize]) -> Sample {
        let only = |values: &[f64]| kept.iter().map(|&index| values[index]).collect();
        Sample {
            inputs: kept.iter().map(|&index| self.inputs[index].clone()).collect(),
            targets: only(&self.targets),
            extra: only(&self.extra),
        }
    }
}

/// Returns the indices of at most `most` observations, ascending. If there are more, a third of the
/// result are the best observations and a third are the newest. The rest are those that lie
/// farthest from the ones chosen before. The candidates for this rest are taken from the remaining
/// observations at even steps in time, at most about twice `most` of them. So the number of
/// distances does not grow with the history.
pub(super) fn spread(
    dimensions: &[Dimension],
    inputs: &[impl AsRef<[f64]>],
    targets: &[f64],
    most: usize,
) -> Vec<usize> {
    let (n, share) = (inputs.len(), most / 3);
    if n <= most {
        return (0..n).collect();
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.select_nth_unstable_by(share, |&a, &b| targets[a].total_cmp(&targets[b]).then(a.cmp(&b)));
    let mut chosen: Vec<usize> = order[..share].iter().copied().chain(n - share..n).collect();
    chosen.sort_unstable();
    chosen.dedup();
    let distance =
        |a: usize, b: usize| squared_distance(dimensions, inputs[a].as_ref(), inputs[b].as_ref());
    let others: Vec<usize> = (0..n).filter(|index| chosen.binary_search(index).is_err()).collect();
    let nearest = |index: usize| {
        chosen.iter().map(|&other| distance(index, other)).fold(f64::INFINITY, f64::min)
    };
    let mut candidates: Vec<(usize, f64)> = others
        .iter()
        .step_by((others.len() / most).max(1))
        .map(|&index| (index, nearest(index)))
        .collect();
    while chosen.len() < most {
        let farthest =
            (0..candidates.len()).max_by(|&a, &b| candidates[a].1.total_cmp(&candidates[b].1));
        let (farthest, _) =
            candidates.swap_remove(farthest.expect("more are left than are wanted"));
        chosen.push(farthest);
        for (index, nearest) in &mut candidates {
            *nearest = nearest.min(distance(*index, farthest));
        }
    }
    chosen.sort_unstable();
    chosen
}

fn squared_distance(dimensions: &[Dimension], a: &[f64], b: &[f64]) -> f64 {
    let square = |index: usize| match dimensions[index] {
        Dimension::Numeric => (a[index] - b[index]) * (a[index] - b[index]),
        Dimension::Category => f64::from(u8::from(a[index] != b[index])),
    };
    (0..dimensions.len()).map(square).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 300;

    fn spread_of(targets: &[f64]) -> Vec<usize> {
        let inputs: Vec<[f64; 1]> =
            (0..targets.len()).map(|i| [(i % 100) as f64 / 100.0]).collect();
        spread(&[Dimension::Numeric], &inputs, targets, MOST)
    }

    #[test]
    fn the_best_and_the_newest_of_a_long_history_are_kept() {
        let targets: Vec<f64> = (0..1000).map(|i| f64::from((i * 7) % 1000)).collect();
        let kept = spread_of(&targets);
        assert_eq!(kept.len(), MOST);
        assert!(kept.is_sorted());
        assert!((900..1000).all(|index| kept.contains(&index)));
        assert!((0..100).all(|rank| {
            kept.contains(&targets.iter().position(|&t| t == f64::from(rank)).unwrap())
        }));
    }

    #[test]
    fn as_many_are_kept_if_the_newest_are_the_best() {
        for n in [301, 400, 600, 5000] {
            let falling: Vec<f64> = (0..n).map(|i| -f64::from(i)).collect();
            assert_eq!(spread_of(&falling).len(), MOST, "{n}");
        }
    }
}
