//! Implements the Bayesian search: a Gaussian process models the metric, and the next trial gets
//! the new point with the highest acquisition that the search finds. `propose` calls this module.
//! `docs/search.md` describes the method with its equations.
//!
//! Every result is a function of (study, number, history), and no state survives a call. The
//! model's fit is stored with the trial that it proposed, and the next fit starts from the stored
//! one.

use super::{
    Exhausted, Fit, Ingredient, Origin, Study, Suggestion,
    axes::{Axes, Seen},
    candidates,
    halton::Halton,
    observations::Observations,
    sample::Sample,
};
use crate::{
    gp::{Acquisition, Form, Hyperparameters, Posterior, fit},
    history::History,
    rng::{Purpose, Stream},
    space::Space,
};

/// The number of points of the initial design that differ in their leading Halton digits. Later
/// points repeat these digits, with new random digits behind them.
const DESIGN: u64 = 1024;
/// The number of pairs of joint draws of the function at the observed and the pending trials.
const PAIRS: usize = 4;
/// The search fits the hyperparameters again after 1 + n / `NEWS` new observations, where n is the
/// number of observations at the last fit.
const NEWS: usize = 24;
/// The number of trials without a better value after which every second trial explores; each
/// pending trial adds one to this number. An exploring trial gets a neglected value of a category.
/// If no value is neglected, the trial has to improve on the incumbent by more than [`AMBITION`].
const PATIENCE: usize = 6;
/// The ambition of an exploring trial: its acquisition counts only an improvement beyond this
/// amount, in standard deviations of the outcomes.
const AMBITION: f64 = 0.5;
/// The number of best trials around which the search looks more closely.
const LEADERS: usize = 4;
/// The number of random draws among which the search looks for a new point. After that, it walks
/// through the points of a finite space one by one.
const DRAWS: usize = 64;

/// Returns the point of trial `number`, or [`Exhausted`] if the space is finite and every point was
/// handed out.
pub(super) fn propose(
    study: &Study,
    number: u64,
    history: &History,
) -> Result<Suggestion, Exhausted> {
    let axes = Axes::of(&study.space);
    let seen = Seen::of(&axes, history);
    if seen.is_all() {
        return Err(Exhausted);
    }
    let observations = Observations::of(study, &axes, history);
    let design = if observations.is_warm() { 1 } else { design_size(axes.len()) };
    let has_model = number >= design && observations.sample.inputs.len() >= 2;
    let suggestion =
        has_model.then(|| modelled(study, number, history, &axes, &seen, &observations)).flatten();
    Ok(suggestion.unwrap_or_else(|| designed(study, number, &axes, &seen)))
}

/// Returns the number of points in a finite space, or `None` if there is no bound.
pub(super) fn bound(space: &Space) -> Option<u64> {
    Axes::of(space).size()
}

/// Returns the number of trials before the first model, if there is no warm start. The number is
/// large enough for the model to distinguish the dimensions, and small enough for a short sweep.
pub(super) fn design_size(dimensions: usize) -> u64 {
    (dimensions as u64 + 1).clamp(4, 8)
}

/// Returns a point of the initial design: the centre, then a randomised Halton sequence. With a
/// warm start, trial 0 gets the best earlier point instead of the centre. The design also proposes
/// later trials as long as fewer than two observations exist.
fn designed(study: &Study, number: u64, axes: &Axes<'_>, seen: &Seen<'_>) -> Suggestion {
    let mut stream = Stream::new(study.seed, number, Purpose::Draw);
    let cube = match number.checked_sub(1) {
        None => vec![0.5; axes.len()],
        Some(index) => {
            let mut scramble = Stream::new(study.seed, 0, Purpose::Design);
            Halton::new(axes.len(), DESIGN, &mut scramble).point(index, &mut stream)
        }
    };
    let wanted = warm(study, axes).filter(|_| number == 0).unwrap_or_else(|| axes.draw(&cube));
    let x = unseen(axes, seen, wanted, &mut stream);
    Suggestion { point: axes.point(&x), origin: Origin::Initial, fit: None }
}

/// Returns the coordinates of the best trial of the earlier sweeps among those that lie in this
/// space; `None` if none does.
fn warm(study: &Study, axes: &Axes<'_>) -> Option<Vec<f64>> {
    study.earlier.iter().find_map(|trial| axes.place(&trial.config))
}

/// Returns the wanted point if it is new, else a random new point. In a finite space, the function
/// finds a new point if any is left. In an infinite one, it returns the wanted point if the random
/// draws find none.
fn unseen(axes: &Axes<'_>, seen: &Seen<'_>, wanted: Vec<f64>, stream: &mut Stream) -> Vec<f64> {
    let is_new = |x: &Vec<f64>| seen.lacks(x);
    let mut draw = || axes.draw(&(0..axes.len()).map(|_| stream.uniform()).collect::<Vec<f64>>());
    if is_new(&wanted) {
        return wanted;
    }
    if let Some(found) = (0..DRAWS).map(|_| draw()).find(is_new) {
        return found;
    }
    let Some(size) = axes.size() else {
        return wanted;
    };
    // The walk passes at most as many points as `seen` holds before it finds a new one.
    let first = stream.below(size);
    (0..size)
        .map(|step| axes.nth(((u128::from(first) + u128::from(step)) % u128::from(size)) as u64))
        .find(is_new)
        .unwrap_or(wanted)
}

/// Returns the suggestion of the model. Returns `None` if a covariance cannot be factorised, which
/// should not occur.
fn modelled(
    study: &Study,
    number: u64,
    history: &History,
    axes: &Axes<'_>,
    seen: &Seen<'_>,
    observations: &Observations,
) -> Option<Suggestion> {
    // A model with warped axes and a model without take turns, so that a wrong one does not choose
    // every point.
    let form = observations.form(study.has(Ingredient::InputWarping) && number.is_multiple_of(2));
    let fitted = fitted(&form, observations, history);
    let posterior = fitted.posterior(&form, observations)?;
    let explores = explores(study, number, observations);
    let neglected = explores.then(|| axes.neglected(&observations.tried())).flatten();
    let ambition = if explores && neglected.is_none() { AMBITION } else { 0.0 };
    let mut acquisition =
        acquisition(study, number, &form, &fitted, &posterior, observations, ambition)?;
    // Every other trial does without the belief. So the data can overrule it: a good value at the
    // end of a range draws the trials that follow.
    if study.has(Ingredient::InnerOptimum) && !number.is_multiple_of(2) {
        acquisition = acquisition.with_optimum_inside_of(axes.numeric());
    }

    let mut stream = Stream::new(study.seed, number, Purpose::Candidates);
    let leaders = observations.leaders(LEADERS);
    let ascends = study.has(Ingredient::Gradients);
    let mut best = |axes: &Axes<'_>| {
        candidates::best(axes, &acquisition, seen, &leaders, ascends, &mut stream)
    };
    let x = neglected.and_then(|level| best(&axes.within(&[level]))).or_else(|| best(axes));
    let x = x.unwrap_or_else(|| unseen(axes, seen, leaders[0].clone(), &mut stream));
    let units = &observations.units;
    let predicted = posterior.predict(std::slice::from_ref(&x));
    let ln_improvement = acquisition.ln_improvements(std::slice::from_ref(&x))[0];
    let origin = Origin::Model {
        mean: units.value(predicted.means[0][0]),
        deviation: units.difference(predicted.variances[0].sqrt()),
        improvement: units.difference(libm::exp(ln_improvement)),
    };
    Some(Suggestion { point: axes.point(&x), origin, fit: Some(fitted.fit) })
}

/// Returns whether this trial explores. Every trial with an odd number explores while the best
/// value has not improved for [`PATIENCE`] trials plus the number of pending ones.
fn explores(study: &Study, number: u64, observations: &Observations) -> bool {
    let patience = PATIENCE + observations.pending.len();
    study.has(Ingredient::Exploration) && observations.stalled >= patience && number % 2 == 1
}

/// Returns the function to maximise: the expected improvement on the drawn incumbents, times the
/// probability that a point keeps the limits. An improvement up to `ambition` does not count.
/// Returns `None` if a covariance cannot be factorised.
fn acquisition(
    study: &Study,
    number: u64,
    form: &Form,
    fitted: &Fitted,
    posterior: &Posterior,
    observations: &Observations,
    ambition: f64,
) -> Option<Acquisition> {
    let Observations { counts, pending, .. } = observations;
    let pending: &[Vec<f64>] = if study.has(Ingredient::PendingDraws) { pending } else { &[] };
    let has_best = counts.iter().any(|&counts| counts);
    let (posterior, mut incumbents) = if study.has(Ingredient::NoisyIncumbent) {
        let mut stream = Stream::new(study.seed, number, Purpose::Fantasies);
        let drawn =
            posterior.draw(observations.sample.data(), counts, pending, PAIRS, &mut stream)?;
        (drawn.posterior, drawn.lowest)
    } else {
        (posterior.clone(), posterior.lowest_means(counts))
    };
    if !has_best {
        incumbents.fill(f64::INFINITY);
    }
    incumbents.iter_mut().for_each(|incumbent| *incumbent -= ambition);
    let limits = observations.limited.iter().zip(&fitted.limits);
    let limits: Option<Vec<(Posterior, f64)>> = limits
        .filter(|(limited, _)| limited.sample.targets.len() >= 2)
        .map(|(limited, hyper)| {
            Some((Posterior::new(form, hyper, limited.sample.data())?, limited.limit))
        })
        .collect();
    Some(Acquisition::new(posterior, incumbents, limits?))
}

/// The hyperparameters of the metric's model and of the limits' models, and the fit that stores
/// them.
pub(super) struct Fitted {
    objective: Hyperparameters,
    limits: Vec<Hyperparameters>,
    fit: Fit,
}

impl Fitted {
    /// Returns the model of the metric.
    pub(super) fn posterior(&self, form: &Form, observations: &Observations) -> Option<Posterior> {
        Posterior::new(form, &self.objective, observations.sample.data())
    }
}

/// Returns the hyperparameters of the form's newest fit if few observations have come since
/// ([`NEWS`]). Otherwise fits them again, and starts from the newest fit and from the mode of the
/// prior.
pub(super) fn fitted(form: &Form, observations: &Observations, history: &History) -> Fitted {
    let read = |theta: &Vec<f64>| Hyperparameters::from_theta(theta, form);
    let latest = history.fits().find_map(|fit| Some((fit, read(&fit.log_hyperparameters)?)));
    let (latest, known) = latest.unzip();
    let limits: Option<Vec<Hyperparameters>> =
        latest.and_then(|fit| fit.limits.iter().map(read).collect());
    let limits = limits.filter(|limits| limits.len() == observations.limited.len());
    if let (Some(fit), Some(objective), Some(limits)) = (latest, &known, &limits)
        && observations.told >= fit.observations
        && observations.told - fit.observations < 1 + fit.observations / NEWS
    {
        return Fitted { objective: objective.clone(), limits: limits.clone(), fit: fit.clone() };
    }
    let best = |known: Option<Hyperparameters>, sample: &Sample| {
        let starts: Vec<Hyperparameters> =
            known.into_iter().chain([Hyperparameters::prior_mode(form)]).collect();
        fit(form, sample.data(), &starts)
    };
    let objective = best(known, &observations.for_fit());
    let known = |index: usize| limits.as_ref().map(|limits| limits[index].clone());
    let limited = observations.limited.iter().enumerate();
    let limits: Vec<Hyperparameters> =
        limited.map(|(index, limited)| best(known(index), &limited.sample)).collect();
    let fit = Fit {
        log_hyperparameters: objective.theta.clone(),
        limits: limits.iter().map(|hyper| hyper.theta.clone()).collect(),
        observations: observations.told,
    };
    Fitted { objective, limits, fit }
}
