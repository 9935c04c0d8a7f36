//! Explains what a sweep has taught: which parameters matter, how the metric depends on them, and
//! what was known when a point was chosen. The controller calls it on behalf of users. It never
//! proposes a point and never changes what is proposed.
//!
//! All of it is read from a surrogate of the Bayesian search after the trials of a history,
//! whatever the sweep's own method. The observations are the same (at most 300, failures imputed),
//! except for the bad tail, which is drawn together and not cut. Results are a function of (study,
//! history). `docs/search.md` describes the method.

mod effects;
mod held_out;
mod importance;
mod intervals;
mod scale;
#[cfg(test)]
mod tests;

pub use effects::{Cell, Curve, CurvePoint, Surface};
pub use importance::Importance;
pub use intervals::Coverage;
pub use scale::Tail;

use self::{intervals::Intervals, scale::Scale};
use super::{Earlier, Study, axes::Axes, bayes, observations::Observations};
use crate::{
    config::nearest::nearest,
    gp::{LeftOut, Posterior},
    history::{History, Outcome},
    point::Point,
};

/// The number of curves that come without a request: those of the most important parameters.
const CURVES: usize = 8;
/// The seed of the points over which effects are averaged. By default no sweep draws its own trials
/// with it.
const POINTS_SEED: u64 = 0x6265_736f_6d21;

/// The reason why there is nothing to explain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    /// Every parameter has a single value.
    #[error("no parameter of this sweep varies")]
    NothingVaries,
    /// Too few trials have a value. A model of so few would say more about its prior than about the
    /// metric.
    #[error("an explanation needs {need} trials with a value; there are {have}")]
    TooFew {
        /// The number of trials that ended with a finite value.
        have: usize,
        /// The number of trials that an explanation needs.
        need: usize,
    },
    /// The space has no such parameter, or it never varies.
    #[error("no parameter `{name}` varies")]
    Unknown {
        /// The name as the user wrote it.
        name: String,
        /// The name that the user probably meant; `None` if none is near.
        near: Option<String>,
        /// All names that a user can ask for.
        known: Vec<String>,
    },
    /// The user named more than two parameters, or one of them twice.
    #[error("at most two different parameters can be explained together")]
    TooMany,
    /// A covariance that cannot be factorised, which should not occur.
    #[error("the surrogate cannot be fitted to these values")]
    NoModel,
}

/// An explanation of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The number of trials with a value, whether or not all of them are in the model.
    pub trials: usize,
    /// The share of the variance of the values that the model predicts from the other trials, in
    /// [0, 1]. Where it is small, little of the rest means anything.
    pub accuracy: f64,
    /// The number of held-out trials that lay in their 95 % interval, the kind that each value of a
    /// curve has.
    pub coverage: Coverage,
    /// The values that are drawn together, so that they do not hide what the others say; `None` if
    /// there are none.
    pub tail: Option<Tail>,
    /// Every parameter that varies, the most important first.
    pub importances: Vec<Importance>,
    /// One curve for each parameter that was asked for, or for each of the most important ones.
    pub curves: Vec<Curve>,
    /// The surface, if two parameters were asked for.
    pub surface: Option<Surface>,
}

/// Explains a sweep. The explanation has a surface if two parameters are `wanted`, and the curves
/// of the most important ones if none is.
///
/// # Errors
/// Fails with [`Unexplained`], which says why there is nothing to explain.
pub fn explain(
    study: &Study,
    history: &History,
    wanted: &[String],
) -> Result<Explanation, Unexplained> {
    let surrogate = Surrogate::of(study, history)?;
    if wanted.len() > 2 || matches!(wanted, [one, other] if one == other) {
        return Err(Unexplained::TooMany);
    }
    let wanted: Vec<usize> =
        wanted.iter().map(|name| surrogate.axis(name)).collect::<Result<_, _>>()?;
    let importances = surrogate.importances();
    let curves = if wanted.is_empty() {
        let most = importances.iter().take(CURVES);
        most.map(|importance| surrogate.partial_dependence(&importance.parameter))
            .collect::<Result<_, _>>()?
    } else {
        wanted.iter().map(|&axis| surrogate.curve(axis)).collect()
    };
    let surface = match wanted[..] {
        [one, other] => Some(surrogate.surface(one, other)),
        _ => None,
    };
    Ok(Explanation {
        trials: surrogate.trials,
        accuracy: surrogate.accuracy(),
        coverage: surrogate.intervals.coverage,
        tail: surrogate.scale.tail(),
        importances,
        curves,
        surface,
    })
}

/// Returns the number and the value of the best finished trial that counts. A search compared new
/// points with it, given what was known then.
pub fn incumbent(study: &Study, history: &History) -> Option<(u64, f64)> {
    let mut best: Option<(u64, f64)> = None;
    for (number, trial) in history.trials.iter().enumerate() {
        let Outcome::Value(value) = trial.outcome else { continue };
        let is_better = |than: f64| if study.maximize { value > than } else { value < than };
        if value.is_finite()
            && study.is_feasible(&trial.constrained)
            && best.is_none_or(|(_, best)| is_better(best))
        {
            best = Some((number as u64, value));
        }
    }
    best
}

/// Returns the best trial of the earlier sweeps that has the parameters of this point, as far as
/// they vary in this space.
pub fn repeated<'a>(study: &'a Study, point: &Point) -> Option<&'a Earlier> {
    let axes = Axes::of(&study.space);
    let here = axes.coordinates(point)?;
    study.earlier.iter().find(|trial| axes.place(&trial.config).is_some_and(|place| place == here))
}

/// Returns the best trial of the earlier sweeps that lies in this space. A search that starts warm
/// begins with it.
pub fn repeated_first(study: &Study) -> Option<&Earlier> {
    let axes = Axes::of(&study.space);
    study.earlier.iter().find(|trial| axes.place(&trial.config).is_some())
}

/// A model of what the trials say about the metric, between and beyond them.
pub struct Surrogate<'a> {
    study: &'a Study,
    axes: Axes<'a>,
    observations: Observations,
    posterior: Posterior,
    /// The prediction of each observation from the others.
    foretold: Vec<LeftOut>,
    intervals: Intervals,
    scale: Scale,
    trials: usize,
}

impl<'a> Surrogate<'a> {
    /// Fits the surrogate to all trials that are over.
    ///
    /// # Errors
    /// Fails with [`Unexplained`] if there are too few of them, or if nothing varies.
    pub fn of(study: &'a Study, history: &History) -> Result<Surrogate<'a>, Unexplained> {
        let axes = Axes::of(&study.space);
        if axes.len() == 0 {
            return Err(Unexplained::NothingVaries);
        }
        let has_value = |outcome: Outcome| {
            matches!(
                outcome,
                Outcome::Value(value) | Outcome::Pruned(value) if value.is_finite()
            )
        };
        let trials = history
            .trials
            .iter()
            .filter(|trial| has_value(trial.outcome) && axes.coordinates(&trial.point).is_some())
            .count();
        let need = bayes::design_size(axes.len()) as usize;
        if trials < need {
            return Err(Unexplained::TooFew { have: trials, need });
        }
        let scale = Scale::of(study, history);
        let (bent, history) = scale.drawn_together(study, history);
        let observations = Observations::of(&bent, &axes, &history);
        let form = observations.form(true);
        let posterior =
            bayes::fitted(&form, &observations, &history).posterior(&form, &observations);
        let posterior = posterior.ok_or(Unexplained::NoModel)?;
        let foretold = held_out::foretold(&form, &observations.sample, &posterior);
        let intervals = Intervals::of(&foretold, &observations.measured);
        Ok(Surrogate { study, axes, observations, posterior, foretold, intervals, scale, trials })
    }

    /// Returns how much of the variance of the values is predicted, each value from the others.
    /// Returns 0 if a constant would do as well.
    pub fn accuracy(&self) -> f64 {
        let squares =
            |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        // Targets have mean 0.
        let missed = squares(&mut self.foretold.iter().map(|foretold| foretold.error));
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

    /// Returns the axis of a parameter.
    fn axis(&self, name: &str) -> Result<usize, Unexplained> {
        let known: Vec<String> = (0..self.axes.len()).map(|axis| self.axes.name(axis)).collect();
        known.iter().position(|known| known == name).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(String::as_str).collect();
            let near = nearest(name, &words).map(str::to_owned);
            Unexplained::Unknown { name: name.to_owned(), near, known }
        })
    }
}
