//! Bayesian search: a Gaussian process of what is known, and the point with the highest expected improvement. Called by
//! `propose`. The method, with its equations, is described in `docs/search.md`.
//!
//! Everything is a function of (study, number, history). Nothing is kept between calls: the model's fit travels with
//! the trial that it proposed, and the next fit starts there.

use std::collections::BTreeSet;

use super::{
    Exhausted, Fit, Ingredient, Origin, Study, Suggestion,
    axes::{Axes, Key},
    candidates,
    halton::Halton,
    observations::Observations,
};
use crate::{
    gp::{Acquisition, Data, Form, Hyperparameters, Posterior, fit},
    history::History,
    rng::{Purpose, Stream},
    space::Space,
};

/// Points of the initial design, after which its digits repeat with other remainders.
const DESIGN: u64 = 1024;
/// Pairs of joint draws of the function at the trials, pending ones included.
const PAIRS: usize = 8;
/// Hyperparameters are fitted again when there is one observation more per so many.
const NEWS: usize = 24;
/// Trials around which the space is searched more closely.
const LEADERS: usize = 4;
/// Independent draws that a new point is looked for among, before the points are counted.
const DRAWS: usize = 64;

/// The point of trial `number`.
///
/// # Errors
/// [`Exhausted`] when the space is finite and every point was handed out.
pub(super) fn propose(study: &Study, number: u64, history: &History) -> Result<Suggestion, Exhausted> {
    let axes = Axes::of(&study.space);
    let seen = axes.seen(history);
    if axes.size().is_some_and(|size| seen.len() as u64 >= size) {
        return Err(Exhausted);
    }
    let observations = Observations::of(study, &axes, history);
    let has_model = number >= design_size(axes.len()) && observations.inputs.len() >= 2;
    let suggestion =
        has_model.then(|| modelled(study, number, history, &axes, &seen, &observations)).flatten();
    Ok(suggestion.unwrap_or_else(|| designed(study, number, &axes, &seen)))
}

/// The number of points in a finite space; `None` when there is no bound.
pub(super) fn bound(space: &Space) -> Option<u64> {
    Axes::of(space).size()
}

/// Trials before the first model: enough for it to tell the dimensions apart, few enough to leave a short sweep its
/// budget.
fn design_size(dimensions: usize) -> u64 {
    (dimensions as u64 + 1).clamp(4, 8)
}

/// A point of the initial design: the centre, then a randomised Halton sequence. It also serves while results are out,
/// however many trials that takes.
fn designed(study: &Study, number: u64, axes: &Axes<'_>, seen: &BTreeSet<Key>) -> Suggestion {
    let mut stream = Stream::new(study.seed, number, Purpose::Draw);
    let cube = match number.checked_sub(1) {
        None => vec![0.5; axes.len()],
        Some(index) => {
            let mut scramble = Stream::new(study.seed, 0, Purpose::Design);
            Halton::new(axes.len(), DESIGN, &mut scramble).point(index, &mut stream)
        }
    };
    let x = unseen(axes, seen, axes.draw(&cube), &mut stream);
    Suggestion { point: axes.point(&x), origin: Origin::Initial, fit: None }
}

/// This point if it is new, else a random one that is; in a finite space one is found while there is any.
fn unseen(axes: &Axes<'_>, seen: &BTreeSet<Key>, wanted: Vec<f64>, stream: &mut Stream) -> Vec<f64> {
    let is_new = |x: &Vec<f64>| axes.key(&axes.point(x)).is_some_and(|key| !seen.contains(&key));
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
    // At most `seen` of these are taken, so the walk ends.
    let first = stream.below(size);
    (0..size)
        .map(|step| axes.nth(((u128::from(first) + u128::from(step)) % u128::from(size)) as u64))
        .find(is_new)
        .unwrap_or(wanted)
}

/// The model's choice; `None` in the case that should not occur, a covariance that cannot be factorised.
fn modelled(
    study: &Study,
    number: u64,
    history: &History,
    axes: &Axes<'_>,
    seen: &BTreeSet<Key>,
    observations: &Observations,
) -> Option<Suggestion> {
    let form = Form { dimensions: axes.dimensions(), warped: study.has(Ingredient::InputWarping) };
    let Observations { inputs, targets, extra, pending, units, .. } = observations;
    let data = Data { inputs, targets, extra };
    let (hyper, fitted) = fitted(&form, observations, history);

    let posterior = Posterior::new(&form, &hyper, data)?;
    let mut acquisition = Acquisition::default();
    if study.has(Ingredient::NoisyIncumbent) {
        let mut stream = Stream::new(study.seed, number, Purpose::Fantasies);
        let drawn = posterior.draw(data, pending, PAIRS, &mut stream)?;
        acquisition.add(drawn.posterior, drawn.lowest);
    } else {
        let lowest = posterior.lowest_means();
        acquisition.add(posterior.clone(), lowest);
    }

    let mut stream = Stream::new(study.seed, number, Purpose::Candidates);
    let leaders = observations.leaders(LEADERS);
    let x = candidates::best(axes, &acquisition, seen, &leaders, &mut stream)
        .unwrap_or_else(|| unseen(axes, seen, leaders[0].clone(), &mut stream));
    let predicted = posterior.predict(std::slice::from_ref(&x));
    let score = acquisition.score(std::slice::from_ref(&x))[0];
    let origin = Origin::Model {
        mean: units.value(predicted.means[0][0]),
        deviation: units.difference(predicted.variances[0].sqrt()),
        improvement: units.difference(libm::exp(score)),
    };
    let fit = Some(fitted);
    Some(Suggestion { point: axes.point(&x), origin, fit })
}

/// The hyperparameters: those of the newest fit for as long as there is little news, else a new fit, which starts there.
fn fitted(form: &Form, observations: &Observations, history: &History) -> (Hyperparameters, Fit) {
    let latest = history.latest_fit();
    let known = latest.and_then(|fit| Hyperparameters::from_theta(&fit.log_hyperparameters, form));
    if let (Some(fit), Some(known)) = (latest, &known)
        && observations.told >= fit.observations
        && observations.told - fit.observations < 1 + fit.observations / NEWS
    {
        return (known.clone(), fit.clone());
    }
    let Observations { inputs, targets, extra, .. } = observations.for_fit();
    let data = Data { inputs: &inputs, targets: &targets, extra: &extra };
    let starts: Vec<Hyperparameters> = known.into_iter().chain([Hyperparameters::prior_mode(form)]).collect();
    let (_, hyper) = fit(form, data, &starts);
    let fit = Fit { log_hyperparameters: hyper.theta.clone(), observations: observations.told };
    (hyper, fit)
}
