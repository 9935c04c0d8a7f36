//! Predicts each observation from other observations. The explanation of a sweep uses these
//! predictions. In a history of 20 to 80 observations, the fit that predicts an observation never
//! uses that observation.
//!
//! The leave-one-out formula needs no further fit, but its hyperparameters were fitted to every
//! trial. A fit to few trials follows their noise, so the errors would be too small. Therefore a
//! short history is split into folds, and a surrogate that is fitted to the other folds predicts
//! each fold. In a long history a single trial hardly changes the fit, so the formula is good
//! enough. In an explanation, the formula also serves for fewer than 20 observations, which are too
//! few to split. The recommendation of a trial splits every short history.

use crate::{
    gp::{Form, Hyperparameters, LeftOut, Posterior, fit},
    rng::{Purpose, Stream},
    search::sample::Sample,
};

/// The seed of the order in which trials go into folds.
const ORDER_SEED: u64 = 0x0066_6f6c_6473;
/// The number of parts of a short history.
const FOLDS: usize = 10;
/// The least number of observations that an explanation splits.
pub(super) const SPLIT: usize = 2 * FOLDS;
/// The largest number of observations of a short history. A fit to more observations costs too much
/// to repeat for each fold.
const SHORT: usize = 80;

/// Returns the prediction of each observation from other observations, in the sample's order. A
/// sample of fewer than `least` observations is not split.
pub(super) fn foretold(
    form: &Form,
    sample: &Sample,
    posterior: &Posterior,
    least: usize,
) -> Vec<LeftOut> {
    let count = sample.inputs.len();
    let order = shuffled(count);
    let folds = (0..FOLDS).map(|fold| order.iter().skip(fold).step_by(FOLDS).copied().collect());
    let is_short = (least..=SHORT).contains(&count);
    let by_folds = || {
        let mut all = vec![None; count];
        for fold in folds {
            for (index, left_out) in of_fold(form, sample, fold)? {
                all[index] = Some(left_out);
            }
        }
        all.into_iter().collect()
    };
    is_short.then(by_folds).flatten().unwrap_or_else(|| posterior.left_out())
}

/// Predicts the observations of one fold from those of the other folds. Returns `None` if the
/// covariance of the other folds cannot be factorised.
fn of_fold(form: &Form, sample: &Sample, fold: Vec<usize>) -> Option<Vec<(usize, LeftOut)>> {
    let others: Vec<usize> =
        (0..sample.inputs.len()).filter(|index| !fold.contains(index)).collect();
    let others = sample.only(&others);
    let hyper = fit(form, others.data(), &[Hyperparameters::prior_mode(form)]);
    let posterior = Posterior::new(form, &hyper, others.data())?;
    let points: Vec<Vec<f64>> = fold.iter().map(|&index| sample.inputs[index].clone()).collect();
    let predicted = posterior.predict(&points);
    let of = |(place, index): (usize, usize)| {
        let variance = predicted.variances[place] + posterior.noise() + sample.extra[index];
        let error = sample.targets[index] - predicted.means[0][place];
        (index, LeftOut { error, deviation: variance.sqrt() })
    };
    Some(fold.into_iter().enumerate().map(of).collect())
}

/// Returns the indices in an order that is independent of when their trials were proposed. Without
/// the shuffle, a fold would hold every tenth point of a low-discrepancy sequence. Such points can
/// all lie in one corner of the space.
fn shuffled(count: usize) -> Vec<usize> {
    let mut stream = Stream::new(ORDER_SEED, count as u64, Purpose::Folds);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, stream.below(last as u64 + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gp::Dimension;

    #[test]
    fn a_fold_is_predicted_by_the_others_alone() {
        let form = Form { dimensions: vec![Dimension::Numeric], warped: false };
        let inputs: Vec<Vec<f64>> = (0..24).map(|i| vec![f64::from(i) / 23.0]).collect();
        let mut targets: Vec<f64> = inputs.iter().map(|x| libm::sin(6.0 * x[0])).collect();
        let foretold = |targets: &[f64]| {
            let sample =
                Sample { inputs: inputs.clone(), targets: targets.to_vec(), extra: vec![0.0; 24] };
            of_fold(&form, &sample, vec![5, 17]).unwrap()
        };
        let before = foretold(&targets);
        assert_eq!(before.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [5, 17]);
        assert!(before.iter().all(|(_, left_out)| left_out.error.abs() < 0.05), "{before:?}");
        targets[17] += 100.0;
        let after = foretold(&targets);
        assert_eq!(after[0], before[0]);
        assert_eq!(after[1].1.deviation, before[1].1.deviation);
        assert!((after[1].1.error - before[1].1.error - 100.0).abs() < 1e-9);
    }

    #[test]
    fn an_order_holds_each_index_once() {
        let mut order = shuffled(50);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
