//! Proposes the points that people want tried: first those of their queue, then those of the
//! configuration. The method chooses the values that such a point leaves out, by the trial's number
//! alone. `propose` calls this module, and the controller asks it whether the next trial needs the
//! method at all.

use super::{Method, Origin, Study, Suggestion, random, sobol};
use crate::{
    history::History,
    point::{Point, Wanted},
};

/// Returns the suggestion for trial `number` if people want a point for it: if the trial has taken
/// a point of the queue, or if a point of the configuration is left. Of the history, only
/// [`History::queued`] matters.
pub fn wanted(study: &Study, number: u64, history: &History) -> Option<Suggestion> {
    let (wanted, origin) = match history.queued.get(&number) {
        Some(wanted) => (wanted, Origin::Queued),
        None => {
            let index = turn(number, history);
            (study.wanted.get(usize::try_from(index).ok()?)?, Origin::Listed { index })
        }
    };
    let others = match study.method {
        Method::Sobol => sobol::values(study, number),
        Method::Grid | Method::Random | Method::Bayes => random::values(study, number),
    };
    Some(Suggestion { point: wanted.completed(&study.space, others), origin, fit: None })
}

/// Returns the place of a trial among the trials that took no point of the queue.
pub fn turn(number: u64, history: &History) -> u64 {
    number.saturating_sub(history.queued.range(..number).count() as u64)
}

/// Returns the place of a trial among the trials that no person wanted, and the points that people
/// wanted before it.
pub(super) fn taken<'a>(
    study: &'a Study,
    number: u64,
    history: &'a History,
) -> (u64, impl Iterator<Item = Point> + 'a) {
    let place = turn(number, history).saturating_sub(study.wanted.len() as u64);
    let queued = history.queued.range(..number).map(|(_, wanted)| wanted);
    let all = study.wanted.iter().chain(queued);
    (place, all.filter_map(|wanted: &Wanted| wanted.whole(&study.space)))
}
