//! Converts a history to the data of a model: inputs, standardised targets where lower is better,
//! and pending inputs. The Bayesian search and the explanations call this module, which never fits
//! a model.
//!
//! A training loss can become huge, and a failed trial has no value. Neither case may set the scale
//! on which the good trials differ. So this module cuts the bad tail at median + 3 (median - best
//! decile) before it standardises. A failed trial counts as the worst (or best) value after the
//! cut.

use super::{
    Ingredient, Side, Study,
    axes::Axes,
    partial::Gains,
    sample::{self, Sample},
};
use crate::{
    gp::{Dimension, Form},
    history::{History, Outcome, Trial},
    search::Impute,
};

/// The largest number of observations on which a model is conditioned. The cost grows with the cube
/// of their number.
const MOST: usize = 300;
/// The largest number of observations on which a model is conditioned if there are more than `LONG`
/// of them. `MOST_OF_LONG` is below [`MOST`], to make up for the time that a long history takes to
/// read.
const MOST_OF_LONG: usize = 256;
const LONG: usize = 1000;
/// The largest number of observations to which hyperparameters are fitted, since a fit takes dozens
/// of factorisations.
const MOST_FITTED: usize = 128;
/// The largest number of pending trials whose outcomes the search draws. If there are more, the
/// newest ones are kept.
const MOST_PENDING: usize = 100;
/// The variance of a stopped trial's guessed value if too few finished trials passed its last rung,
/// in squared standard deviations of the outcomes.
const DOUBT: f64 = 0.25;
/// A new best value counts as better if it improves by more than this, in standard deviations of
/// the outcomes.
const GAIN: f64 = 0.02;
/// The bad tail starts this many times the usual distance of good values ([`good`]) beyond the
/// median.
pub(super) const CEILING: f64 = 3.0;
/// An outcome with a limit is cut at this many times its usual distance from the limit, on both
/// sides.
const FARTHEST: f64 = 5.0;

/// The data that a model gets from a history.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observations {
    /// The way in which each coordinate measures distance.
    pub(super) dimensions: Vec<Dimension>,
    /// The number of coordinates that belong to axes of the space. If there are trials of earlier
    /// sweeps, one more coordinate names the sweep.
    axes: usize,
    /// The observations of trials that have ended; lower targets are better. Trials of earlier
    /// sweeps come first, the best of them last. Trials of this sweep follow, in the order of their
    /// numbers.
    pub(super) sample: Sample,
    /// For each observation, whether it counts: it is a trial of this sweep that keeps every limit.
    /// If there are no limits, and none of the observations is a trial of this sweep, all of them
    /// count.
    pub(super) counts: Vec<bool>,
    /// For each observation, the number of its trial if it is a trial of this sweep that ran to its
    /// end and has a value.
    pub(super) measured: Vec<Option<u64>>,
    /// The coordinates of the pending trials, of the newest [`MOST_PENDING`] at most.
    pub(super) pending: Vec<Vec<f64>>,
    /// The conversion from standardised values to the metric's units.
    pub(super) units: Units,
    /// The number of trials in the space that have ended, including those of earlier sweeps and
    /// those that `sample` leaves out. The number is 0 while no trial has a value.
    pub(super) told: usize,
    /// The number of ended trials of this sweep with a higher number than the last one that clearly
    /// improved the best value.
    pub(super) stalled: usize,
    /// The outcomes with a limit, in the order of the study's constraints.
    pub(super) limited: Vec<Limited>,
}

/// The observations of an outcome that has a limit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limited {
    /// The observations of trials that logged the outcome.
    pub(super) sample: Sample,
    /// The largest target that is allowed.
    pub(super) limit: f64,
}

/// A trial that has ended, before its value is cut, imputed and standardised.
struct Observed {
    coordinates: Vec<f64>,
    /// The value, where lower is better; `None` if there is none.
    value: Option<f64>,
    /// `Some` if the value is a guess for a stopped trial, with the guess's variance or `None` if
    /// that is unknown. `None` for a final result or a failure.
    partial: Option<Option<f64>>,
    counts: bool,
    /// Its number if it is a trial of this sweep.
    trial: Option<u64>,
}

/// The numbers that convert a standardised value to the metric's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Units {
    centre: f64,
    spread: f64,
    /// The divisor of the values, so that squares of 1e300 do not overflow.
    magnitude: f64,
    sign: f64,
}

impl Units {
    /// Returns a standardised value in the metric's units.
    pub(super) fn value(&self, standardised: f64) -> f64 {
        finite(self.sign * (self.centre + standardised * self.spread) * self.magnitude)
    }

    /// Returns a standardised difference in the metric's units. The difference keeps its sign, even
    /// if larger values of the metric are better.
    pub(super) fn difference(&self, standardised: f64) -> f64 {
        finite(standardised * self.spread * self.magnitude)
    }
}

/// Clamps a number to finite ones, since JSON has no infinities. NaN becomes 0.
fn finite(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(f64::MIN, f64::MAX) }
}

impl Observations {
    /// Reads the history. The observations leave out trials outside of the space, and failed trials
    /// while no trial has a value.
    pub(super) fn of(study: &Study, axes: &Axes<'_>, history: &History) -> Observations {
        let mut dimensions = axes.dimensions();
        let mut told = earlier(study, axes);
        if !told.is_empty() {
            // One more coordinate, a category, names the sweep of a trial. The fitted length scale
            // of this coordinate says how similar the earlier sweeps are to this one.
            dimensions.push(Dimension::Category);
        }
        let first = told.len();
        let gains = Gains::of(history, sign(study));
        let mut pending = Vec::new();
        for (number, trial) in history.trials.iter().enumerate() {
            let Some(mut coordinates) = axes.coordinates(&trial.point) else {
                continue;
            };
            coordinates.resize(dimensions.len(), 0.0);
            match trial.outcome {
                Outcome::Pending => pending.push(coordinates),
                _ => {
                    let observed = tell(study, &gains, trial, coordinates);
                    told.push(Observed { trial: Some(number as u64), ..observed });
                }
            }
        }
        pending.drain(..pending.len().saturating_sub(MOST_PENDING));
        let values: Vec<Option<f64>> = told.iter().map(|told| told.value).collect();
        let is_cut = study.has(Ingredient::OutlierCut);
        let (targets, magnitude) = impute(&values, study.impute, is_cut);
        if targets.is_empty() {
            told.clear();
        }
        let stalled = stalled(&targets, first);
        let inputs: Vec<&[f64]> = told.iter().map(|told| &told.coordinates[..]).collect();
        let most = if told.len() > LONG { MOST_OF_LONG } else { MOST };
        let kept = sample::spread(&dimensions, &inputs, &targets, most);
        let (targets, centre, spread) =
            standardise(kept.iter().map(|&index| targets[index]).collect());
        let unit = magnitude * spread;
        let extra = |index: &usize| match told[*index].partial {
            None => 0.0,
            Some(variance) => variance.map_or(DOUBT, |variance| (variance / unit / unit).min(1.0)),
        };
        let mut counts: Vec<bool> = kept.iter().map(|&index| told[index].counts).collect();
        if study.constraints.is_empty() && counts.iter().all(|counts| !counts) {
            // Until the first trial of this sweep has ended, the incumbent is the best trial of the
            // earlier sweeps.
            counts.fill(true);
        }
        let is_measured = |told: &&Observed| told.value.is_some() && told.partial.is_none();
        let measured = |index: &usize| Some(&told[*index]).filter(is_measured)?.trial;
        let measured = kept.iter().map(measured).collect();
        let extra = kept.iter().map(extra).collect();
        let inputs = kept.iter().map(|&index| inputs[index].to_vec()).collect();
        Observations {
            axes: axes.len(),
            sample: Sample { inputs, targets, extra },
            counts,
            measured,
            pending,
            units: Units { centre, spread, magnitude, sign: sign(study) },
            told: told.len(),
            stalled,
            limited: limited(study, axes, history, &dimensions),
            dimensions,
        }
    }

    /// Returns whether the observations include trials of earlier sweeps.
    pub(super) fn is_warm(&self) -> bool {
        self.dimensions.len() > self.axes
    }

    /// Returns the form of a model of these observations.
    pub(super) fn form(&self, warped: bool) -> Form {
        Form { dimensions: self.dimensions.clone(), warped }
    }

    /// Returns a sample that is small enough to fit hyperparameters to.
    pub(super) fn for_fit(&self) -> Sample {
        self.sample.thinned(&self.dimensions, MOST_FITTED)
    }

    /// Returns the coordinates in the space of the observations, and after them those of the
    /// pending trials.
    pub(super) fn tried(&self) -> Vec<&[f64]> {
        self.sample.inputs.iter().chain(&self.pending).map(|x| &x[..self.axes]).collect()
    }

    /// Returns the coordinates in the space of at most `count` observations, best first. All
    /// observations that count come before those that do not.
    pub(super) fn leaders(&self, count: usize) -> Vec<Vec<f64>> {
        let Sample { inputs, targets, .. } = &self.sample;
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by(|&a, &b| {
            let counting_first = self.counts[b].cmp(&self.counts[a]);
            counting_first.then(targets[a].total_cmp(&targets[b]))
        });
        order.iter().take(count).map(|&index| inputs[index][..self.axes].to_vec()).collect()
    }
}

fn sign(study: &Study) -> f64 {
    if study.maximize { -1.0 } else { 1.0 }
}

/// Returns the trials of earlier sweeps that lie in this space. The last coordinate of these trials
/// names their sweep, from 1 on. Trials of the present sweep have 0 there.
fn earlier(study: &Study, axes: &Axes<'_>) -> Vec<Observed> {
    let told = study.earlier.iter().filter_map(|trial| {
        let mut coordinates = axes.place(&trial.config).filter(|_| trial.value.is_finite())?;
        coordinates.push((trial.sweep + 1) as f64);
        Some(Observed {
            coordinates,
            value: Some(sign(study) * trial.value),
            partial: None,
            counts: false,
            trial: None,
        })
    });
    // The study lists the best trial first. `sample::spread` always keeps the last observations as
    // the newest, so the best trials have to come last.
    let mut told: Vec<Observed> = told.collect();
    told.reverse();
    told
}

/// Returns the observation of a trial of this sweep that has ended.
fn tell(study: &Study, gains: &Gains, trial: &Trial, coordinates: Vec<f64>) -> Observed {
    let counts = study.is_feasible(&trial.constrained);
    let (value, partial) = match trial.outcome {
        Outcome::Value(value) if value.is_finite() => (Some(sign(study) * value), None),
        Outcome::Pruned(value) if value.is_finite() => {
            let guess = gains.guess(trial, value);
            (Some(guess.value), Some(guess.variance))
        }
        _ => (None, None),
    };
    Observed { coordinates, value, partial, counts, trial: None }
}

/// Returns the number of targets after the newest one that improved clearly on all before it. Only
/// targets from index `first` on count.
fn stalled(targets: &[f64], first: usize) -> usize {
    let (_, _, spread) = standardise(targets.to_vec());
    let (mut best, mut stalled) = (f64::INFINITY, 0);
    for &target in targets.iter().skip(first) {
        stalled += 1;
        if target < best - GAIN * spread {
            (best, stalled) = (target, 0);
        }
    }
    stalled
}

/// Returns the outcomes with a limit, as distances from the limit in units of the usual distance.
/// Large distances are cut, since only the side of the limit matters.
fn limited(
    study: &Study,
    axes: &Axes<'_>,
    history: &History,
    dimensions: &[Dimension],
) -> Vec<Limited> {
    let of = |(index, limit): (usize, &super::Constraint)| {
        let side = match limit.side {
            Side::AtMost => 1.0,
            Side::AtLeast => -1.0,
        };
        let told =
            history.trials.iter().filter(|trial| trial.outcome != Outcome::Pending).filter_map(
                |trial| {
                    let value = trial
                        .constrained
                        .get(index)
                        .copied()
                        .flatten()
                        .filter(|value| value.is_finite())?;
                    let mut coordinates = axes.coordinates(&trial.point)?;
                    coordinates.resize(dimensions.len(), 0.0);
                    Some((coordinates, side * (value - limit.limit)))
                },
            );
        let (inputs, beyond): (Vec<Vec<f64>>, Vec<f64>) = told.unzip();
        let mut distances: Vec<f64> = beyond.iter().map(|by| by.abs()).collect();
        distances.sort_by(f64::total_cmp);
        let usual =
            distances.get(distances.len() / 2).copied().filter(|&usual| usual > 0.0).unwrap_or(1.0);
        let cut: Vec<f64> =
            beyond.iter().map(|by| (by / usual).clamp(-FARTHEST, FARTHEST)).collect();
        let extra = vec![0.0; cut.len()];
        let mut sample = Sample { inputs, targets: cut, extra }.thinned(dimensions, MOST_FITTED);
        let (targets, centre, spread) = standardise(sample.targets);
        sample.targets = targets;
        Limited { sample, limit: -centre / spread }
    };
    study.constraints.iter().enumerate().map(of).collect()
}

/// Returns one number per trial, divided by the largest magnitude, and that magnitude. If `is_cut`,
/// the bad tail is cut. A failed trial gets the value that `rule` names. The list is empty while no
/// trial has a value.
fn impute(told: &[Option<f64>], rule: Impute, is_cut: bool) -> (Vec<f64>, f64) {
    let magnitude = told.iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let magnitude = if magnitude > 0.0 { magnitude } else { 1.0 };
    let mut sorted: Vec<f64> = told.iter().flatten().map(|value| value / magnitude).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(&best), Some(&worst)) = (sorted.first(), sorted.last()) else {
        return (Vec::new(), 1.0);
    };
    let limit = if is_cut { ceiling(&sorted) } else { worst };
    let missing = match rule {
        // A trial that failed has no last value here: the history keeps a value only of trials that
        // ended with one.
        Impute::Worst | Impute::Latest => worst.min(limit),
        Impute::Best => best,
    };
    let fill = |value: &Option<f64>| value.map_or(missing, |value| (value / magnitude).min(limit));
    (told.iter().map(fill).collect(), magnitude)
}

/// Returns the value at which the bad tail is cut.
fn ceiling(sorted: &[f64]) -> f64 {
    let (median, spread) = good(sorted);
    median + CEILING * spread
}

/// Returns the median of the values, and the usual distance of good values from it: that of the
/// best decile. If the best decile equals the median, the distance is that of the next worse value.
/// `sorted` has at least one value and ascends.
pub(super) fn good(sorted: &[f64]) -> (f64, f64) {
    let median = sorted[(sorted.len() - 1) / 2];
    let decile = sorted[(sorted.len() - 1) / 10];
    let next = sorted.iter().copied().find(|&value| value > median).unwrap_or(median);
    (median, if median > decile { median - decile } else { next - median })
}

/// Scales values to mean 0 and variance 1. Also returns the original mean and deviation. Equal
/// values all become 0, with the deviation 1.
fn standardise(mut values: Vec<f64>) -> (Vec<f64>, f64, f64) {
    let n = values.len().max(1) as f64;
    let centre = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - centre) * (value - centre)).sum::<f64>() / n;
    // Values lie in [-1, 1], so a smaller deviation is rounding.
    if variance.sqrt() <= 1e-15 {
        return (vec![0.0; values.len()], centre, 1.0);
    }
    let spread = variance.sqrt();
    values.iter_mut().for_each(|value| *value = (*value - centre) / spread);
    (values, centre, spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imputed(told: &[Option<f64>], rule: Impute) -> Vec<f64> {
        let (values, magnitude) = impute(told, rule, true);
        values.iter().map(|value| value * magnitude).collect()
    }

    #[test]
    fn the_bad_tail_is_cut_and_failures_join_it() {
        let told = [Some(1.0), Some(2.0), None, Some(3.0), Some(1e300)];
        // The median is 2 and the best decile 1, so the limit is 5.
        let close = |got: Vec<f64>, want: [f64; 5]| {
            assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9), "{got:?}")
        };
        let small = [Some(1.0), Some(2.0), None, Some(3.0), Some(1e6)];
        close(imputed(&small, Impute::Worst), [1.0, 2.0, 5.0, 3.0, 5.0]);
        close(imputed(&small, Impute::Latest), [1.0, 2.0, 5.0, 3.0, 5.0]);
        close(imputed(&small, Impute::Best), [1.0, 2.0, 1.0, 3.0, 5.0]);
        assert!(impute(&told, Impute::Worst, true).0.iter().all(|value| value.is_finite()));
        assert!(impute(&[None, None], Impute::Worst, true).0.is_empty());
    }

    #[test]
    fn a_better_half_of_one_value_does_not_hide_the_rest() {
        let told: Vec<Option<f64>> = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 9.0].map(Some).to_vec();
        assert_eq!(imputed(&told, Impute::Worst)[4..], [1.0, 2.0, 3.0]);
    }

    #[test]
    fn standardising_can_be_undone() {
        let (values, centre, spread) = standardise(vec![0.1, 0.2, 0.6]);
        assert!(values.iter().sum::<f64>().abs() < 1e-12);
        let units = Units { centre, spread, magnitude: 10.0, sign: -1.0 };
        assert!((units.value(values[2]) + 6.0).abs() < 1e-12);
        assert_eq!(standardise(vec![0.3; 4]), (vec![0.0; 4], 0.3, 1.0));
        let huge = Units { centre: 1.0, spread: 1.0, magnitude: f64::MAX, sign: 1.0 };
        assert_eq!((huge.value(5.0), huge.difference(5.0)), (f64::MAX, f64::MAX));
    }
}
