//! Explains the results of a sweep: which parameters matter, how the metric depends on them, which
//! trial is probably the best, and which incumbent a point was compared with. The controller calls
//! this module on behalf of users. The module never proposes a point, and never affects the points
//! that a sweep proposes.
//!
//! An [`Explanation`] comes from a surrogate of the Bayesian search that is fitted to a history,
//! whatever the sweep's own method. The observations are prepared as for the Bayesian search: at
//! most 300, with failures imputed. Only the bad tail is compressed instead of cut. All results are
//! a function of (study, history). `docs/search.md` describes the method.

mod effects;
mod held_out;
mod importance;
mod individuals;
mod intervals;
mod judge;
mod predictions;
mod recommended;
mod scale;
#[cfg(test)]
mod tests;

pub use effects::{Cell, Curve, CurvePoint, Surface};
pub use importance::Importance;
pub use individuals::{Individual, Individuals};
pub use intervals::Coverage;
pub use judge::Comparison;
pub use predictions::Prediction;
pub use recommended::{Expected, Recommendation};
pub use scale::Tail;

use std::sync::OnceLock;

use self::{
    intervals::Intervals,
    judge::{Finished, Judge},
    scale::Scale,
};
use super::{Earlier, Study, axes::Axes, bayes, observations::Observations};
use crate::{
    config::nearest::nearest,
    gp::{LeftOut, Posterior},
    history::{History, Outcome, Trial},
    point::Point,
};

/// The number of curves if the user names no parameter: those of the most important parameters.
const CURVES: usize = 8;
/// Whether the axes of the surrogate are warped.
const WARPED: bool = true;
/// The seed of the Sobol points at which an explanation evaluates the surrogate. A sweep has this
/// seed only if its YAML names it, or by a rare chance.
const POINTS_SEED: u64 = 0x6265_736f_6d21;

/// The reason why there is nothing to explain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    /// Every parameter has a single value.
    #[error("no parameter of this sweep varies")]
    NothingVaries,
    /// Too few trials have a value. A model of so few trials would reflect its prior more than the
    /// metric.
    #[error("an explanation needs {need} trials with a value; there are {have}")]
    TooFew {
        /// The number of trials in the space that have a finite value, including trials that early
        /// stopping ended.
        have: usize,
        /// The number of trials that an explanation needs.
        need: usize,
    },
    /// The space has no such parameter, or it never varies.
    #[error("no parameter `{name}` varies")]
    Unknown {
        /// The name as the user wrote it.
        name: String,
        /// The name that the user probably meant; `None` if no known name is near.
        near: Option<String>,
        /// All names that a user can ask for.
        known: Vec<String>,
    },
    /// The user named more than two parameters, or one of them twice.
    #[error("at most two different parameters can be explained together")]
    TooMany,
    /// No trial ran to its end with a value and within every limit, so none can be recommended.
    #[error("no finished trial with a value keeps every limit")]
    NoneCounts,
    /// A covariance that cannot be factorised, which should not occur.
    #[error("the surrogate cannot be fitted to these values")]
    NoModel,
}

/// An explanation of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The number of trials of this sweep with a value, including those that a long history leaves
    /// out of the model.
    pub trials: usize,
    /// The share of the variance of the values that is explained when each trial is predicted from
    /// others, in [0, 1]. If this share is small, the rest of the explanation means little.
    pub accuracy: f64,
    /// The number of trials of this sweep that had ended, with a value or without.
    pub ended: usize,
    /// How many held-out trials lay in their 95 % interval. Each point of a curve has an interval
    /// of the same kind.
    pub coverage: Coverage,
    /// The prediction of each held-out trial, in the order of their numbers.
    pub predictions: Vec<Prediction>,
    /// The bad tail of the values, which the surrogate's scale compresses; `None` if there is no
    /// bad tail.
    pub tail: Option<Tail>,
    /// Every parameter that varies, the most important first.
    pub importances: Vec<Importance>,
    /// One curve for each parameter that the user named, or for each of the most important
    /// parameters if the user named none.
    pub curves: Vec<Curve>,
    /// The surface, if the user named two parameters.
    pub surface: Option<Surface>,
}

/// Returns the incumbent: the number and the value of the best trial that ran to its end and keeps
/// every limit. Returns `None` if there is no such trial. The history says what was known when a
/// point was chosen.
pub fn incumbent(study: &Study, history: &History) -> Option<(u64, f64)> {
    judge::feasible(study, history).reduce(|best, other| {
        let is_better = if study.maximize { other.1 > best.1 } else { other.1 < best.1 };
        if is_better { other } else { best }
    })
}

/// Returns the best trial of the earlier sweeps that has the same coordinates as this point on
/// every axis of this space; `None` if there is none.
pub fn repeated<'a>(study: &'a Study, point: &Point) -> Option<&'a Earlier> {
    let axes = Axes::of(&study.space);
    let here = axes.coordinates(point)?;
    study.earlier.iter().find(|trial| axes.place(&trial.config).is_some_and(|place| place == here))
}

/// Returns the best trial of the earlier sweeps among those that lie in this space; `None` if none
/// does. A Bayesian search with a warm start begins with the point of this trial.
pub fn repeated_first(study: &Study) -> Option<&Earlier> {
    let axes = Axes::of(&study.space);
    study.earlier.iter().find(|trial| axes.place(&trial.config).is_some())
}

/// How well a surrogate predicts its own observations.
#[derive(Debug)]
struct Checked {
    /// The prediction of each observation from other observations.
    foretold: Vec<LeftOut>,
    intervals: Intervals,
}

/// A Gaussian process, fitted to a sweep's trials, that predicts the metric at all points of the
/// space. One surrogate gives any number of explanations, all of them about the same trials.
#[derive(Debug)]
pub struct Surrogate {
    study: Study,
    observations: Observations,
    posterior: Posterior,
    /// How well the surrogate predicts, which the first explanation computes.
    checked: OnceLock<Checked>,
    scale: Scale,
    /// The value of each trial of the sweep, by its number, as the trial logged it.
    values: Vec<Option<f64>>,
    /// The model that compares trials, which the first recommendation fits.
    judge: OnceLock<Option<Judge>>,
    /// The trials that may be recommended.
    finished: Vec<Finished>,
    trials: usize,
    ended: usize,
    /// The importances, which the first explanation computes.
    importances: OnceLock<Vec<Importance>>,
}

impl Surrogate {
    /// Fits the surrogate to the trials that have ended.
    ///
    /// # Errors
    /// Fails with [`Unexplained`] if too few trials have a value, if no parameter varies, or if a
    /// covariance cannot be factorised.
    pub fn of(study: &Study, history: &History) -> Result<Surrogate, Unexplained> {
        let axes = Axes::of(&study.space);
        if axes.len() == 0 {
            return Err(Unexplained::NothingVaries);
        }
        let value = |outcome: Outcome| match outcome {
            Outcome::Value(value) | Outcome::Pruned(value) if value.is_finite() => Some(value),
            _ => None,
        };
        let values: Vec<Option<f64>> =
            history.trials.iter().map(|trial| value(trial.outcome)).collect();
        let trials = history
            .trials
            .iter()
            .zip(&values)
            .filter(|(trial, value)| value.is_some() && axes.coordinates(&trial.point).is_some())
            .count();
        let is_over = |trial: &&Trial| trial.outcome != Outcome::Pending;
        let ended = history.trials.iter().filter(is_over).count();
        let need = bayes::design_size(axes.len()) as usize;
        if trials < need {
            return Err(Unexplained::TooFew { have: trials, need });
        }
        let scale = Scale::of(study, history);
        let original = history;
        let (bent, history) = scale.drawn_together(study, original);
        let observations = Observations::of(&bent, &axes, &history);
        let form = observations.form(WARPED);
        let posterior =
            bayes::fitted(&form, &observations, &history).posterior(&form, &observations);
        let posterior = posterior.ok_or(Unexplained::NoModel)?;
        let dimensions = observations.dimensions.len();
        Ok(Surrogate {
            study: study.clone(),
            finished: judge::finished(study, &axes, original, dimensions),
            observations,
            posterior,
            checked: OnceLock::new(),
            judge: OnceLock::new(),
            scale,
            values,
            trials,
            ended,
            importances: OnceLock::new(),
        })
    }

    /// Explains the sweep. If `wanted` names two parameters, the explanation has a surface. If
    /// `wanted` is empty, the explanation has the curves of the most important parameters.
    ///
    /// # Errors
    /// Fails with [`Unexplained::Unknown`] or [`Unexplained::TooMany`] if `wanted` names other
    /// parameters than it may.
    pub fn explain(&self, wanted: &[String]) -> Result<Explanation, Unexplained> {
        if wanted.len() > 2 || matches!(wanted, [one, other] if one == other) {
            return Err(Unexplained::TooMany);
        }
        let wanted: Vec<usize> =
            wanted.iter().map(|name| self.axis(name)).collect::<Result<_, _>>()?;
        let importances = self.importances.get_or_init(|| self.importances()).clone();
        let curves = if wanted.is_empty() {
            let most = importances.iter().take(CURVES);
            most.map(|importance| self.partial_dependence(&importance.parameter))
                .collect::<Result<_, _>>()?
        } else {
            wanted.iter().map(|&axis| self.curve(axis)).collect()
        };
        let surface = match wanted[..] {
            [one, other] => Some(self.surface(one, other)),
            _ => None,
        };
        Ok(Explanation {
            trials: self.trials,
            accuracy: self.accuracy(),
            ended: self.ended,
            coverage: self.checked().intervals.coverage(),
            predictions: self.predictions(),
            tail: self.scale.tail(),
            importances,
            curves,
            surface,
        })
    }

    fn checked(&self) -> &Checked {
        self.checked.get_or_init(|| {
            let (form, observations) = (self.observations.form(WARPED), &self.observations);
            let foretold =
                held_out::foretold(&form, &observations.sample, &self.posterior, held_out::SPLIT);
            let intervals = Intervals::of(&foretold, &observations.measured);
            Checked { foretold, intervals }
        })
    }

    /// Returns the axes of the space.
    fn axes(&self) -> Axes<'_> {
        Axes::of(&self.study.space)
    }

    /// Returns the share of the variance of the values that is explained when each value is
    /// predicted from others. Returns 0 if a constant would predict the values as well.
    pub fn accuracy(&self) -> f64 {
        let squares =
            |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        // Targets have mean 0.
        let missed = squares(&mut self.checked().foretold.iter().map(|foretold| foretold.error));
        let all = squares(&mut self.observations.sample.targets.iter().copied());
        if all > 0.0 { (1.0 - missed / all).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Returns a standardised value in the metric's units.
    fn value(&self, standardised: f64) -> f64 {
        self.scale.value(self.observations.units.value(standardised))
    }

    /// Returns the two ends of a standardised interval in the metric's units, the lower one first.
    fn ends(&self, (one, other): (f64, f64)) -> (f64, f64) {
        let (one, other) = (self.value(one), self.value(other));
        (one.min(other), one.max(other))
    }

    /// Returns the index of a parameter's axis.
    fn axis(&self, name: &str) -> Result<usize, Unexplained> {
        let axes = self.axes();
        let known: Vec<String> = (0..axes.len()).map(|axis| axes.name(axis)).collect();
        known.iter().position(|known| known == name).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let near = nearest(name, &words).map(str::to_owned);
            Unexplained::Unknown { name: name.to_owned(), near, known }
        })
    }
}
