//! Implements early stopping: decides whether a trial goes on when it reaches a rung, that is, when
//! it has logged the metric so many times. The controller's app calls it in the transaction of the
//! rows that cross a rung, and `config` reads the rules. `judge` gets one number of each trial that
//! has been at the rung, in order, and uses binary search. It never sees a history, and never
//! judges a trial anywhere but at a rung.
//!
//! Every comparison uses costs: the metric as it was logged, negated when larger is better. So
//! lower is better here.

mod asha;
mod hyperband;
mod median;

use std::{cmp::Ordering, fmt};

pub use asha::Asha;
pub use hyperband::{Bands, Hyperband};
pub use median::Median;

/// The largest number of rungs that a rule has. It bounds what is kept of a trial, whatever the
/// rule.
const MOST_RUNGS: u64 = 100;

/// 2^53. Above it, a double does not represent every number of iterations. No program logs as
/// often.
const MOST_ITERATIONS: f64 = 9_007_199_254_740_992.0;

/// A stopping rule: the key `early_terminate` of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub enum EarlyTerminate {
    /// W&B's `hyperband`.
    Hyperband(Hyperband),
    /// Asynchronous successive halving, in the form that stops trials.
    Asha(Asha),
    /// The median rule: a trial stops if it is worse than the median of the others.
    Median(Median),
}

/// A trial that has just reached a rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// The rung: how often the trial has logged the metric with a finite value.
    pub iteration: u64,
    /// The metric at the rung, as the trial logged it.
    pub value: f64,
    /// The best value until then, as the trial logged it.
    pub best: f64,
}

/// A decision at a rung, with its grounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// The rung.
    pub iteration: u64,
    /// The value that decided, as the trial logged it: its value at the rung, or its best value
    /// until then.
    pub value: f64,
    /// The rank of the trial, 1 the best, among itself and the trials that had been at the rung
    /// before.
    pub rank: u64,
    /// The number of those trials, this one included.
    pub of: u64,
    /// The worst value that goes on; `None` while too few trials have been at the rung to tell.
    pub threshold: Option<f64>,
    /// The consequence for the trial.
    pub verdict: Verdict,
}

/// The consequence of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The trial goes on.
    GoOn,
    /// The trial has to end.
    Stop,
}

impl EarlyTerminate {
    /// Returns the first rung above this iteration, or `None` after the last one. Rungs rise; there
    /// are 100 at most.
    pub fn next_rung(&self, after: u64) -> Option<u64> {
        match self {
            EarlyTerminate::Hyperband(rule) => rule.rungs().find(|rung| *rung > after),
            EarlyTerminate::Asha(rule) => rule.rungs().find(|rung| *rung > after),
            EarlyTerminate::Median(rule) => rule.next_rung(after),
        }
    }

    /// Returns the cost of this trial with which later trials at the rung are compared.
    pub fn cost(&self, maximize: bool, arrival: &Arrival) -> f64 {
        match self {
            EarlyTerminate::Asha(_) => turned(maximize, arrival.best),
            EarlyTerminate::Hyperband(_) | EarlyTerminate::Median(_) => {
                turned(maximize, arrival.value)
            }
        }
    }
}

/// Decides whether a trial that has reached a rung goes on. `others` has one cost, as
/// [`EarlyTerminate::cost`] returns it, for each other trial of the sweep that has been at the rung
/// before, in ascending order. The decision takes a few binary searches, however many others there
/// are.
pub fn judge(rule: &EarlyTerminate, maximize: bool, arrival: &Arrival, others: &[f64]) -> Decision {
    let value = match rule {
        EarlyTerminate::Hyperband(rule) if rule.strict => arrival.value,
        EarlyTerminate::Hyperband(_) | EarlyTerminate::Asha(_) | EarlyTerminate::Median(_) => {
            arrival.best
        }
    };
    let of = others.len() + 1;
    let own = rule.cost(maximize, arrival);
    let threshold = match rule {
        EarlyTerminate::Hyperband(rule) => with_own(others, own, rule.place(of)),
        EarlyTerminate::Asha(rule) => rule.place(of).and_then(|place| with_own(others, own, place)),
        EarlyTerminate::Median(rule) => rule.threshold(others),
    };
    let cost = turned(maximize, value);
    let stops = threshold.is_some_and(|threshold| cost > threshold);
    Decision {
        iteration: arrival.iteration,
        value,
        rank: below(others, cost) as u64 + 1,
        of: of as u64,
        threshold: threshold.map(|threshold| turned(maximize, threshold)),
        verdict: if stops { Verdict::Stop } else { Verdict::GoOn },
    }
}

/// Returns how many of the others are below this cost.
fn below(others: &[f64], cost: f64) -> usize {
    others.partition_point(|other| *other < cost)
}

/// Returns the cost at an index of the others and the trial itself, in ascending order.
fn with_own(others: &[f64], own: f64, place: usize) -> Option<f64> {
    match place.cmp(&below(others, own)) {
        Ordering::Less => others.get(place).copied(),
        Ordering::Equal => Some(own),
        Ordering::Greater => others.get(place - 1).copied(),
    }
}

/// Turns a value into a cost, and back. Zero never becomes -0, which users would see.
fn turned(maximize: bool, value: f64) -> f64 {
    if maximize { 0.0 - value } else { value }
}

/// Returns how many of `count` trials are the best `1/eta`, rounded down.
fn share(count: usize, eta: f64) -> usize {
    (count as f64 / eta) as usize
}

/// Iterates over `min_iter` and the following rungs, each `eta` times as far as the one before,
/// rounded down. Rungs that rounding makes equal come once.
fn geometric(min_iter: u32, eta: f64) -> impl Iterator<Item = u64> {
    let exact = std::iter::successors(Some(f64::from(min_iter)), move |rung| Some(rung * eta));
    let whole = exact.take(MOST_RUNGS as usize).take_while(|rung| *rung < MOST_ITERATIONS);
    let mut last = 0;
    whole.map(|rung| rung as u64).filter(move |rung| std::mem::replace(&mut last, *rung) != *rung)
}

/// The numbers of trials at a rung for which the description says how many go on.
const SHOWN: [usize; 3] = [4, 10, 100];

impl EarlyTerminate {
    /// Returns how many of `of` trials at a rung go on; `None` if all do, and for the median rule.
    fn go_on(&self, of: usize) -> Option<usize> {
        let place = match self {
            EarlyTerminate::Hyperband(rule) => Some(rule.place(of)),
            EarlyTerminate::Asha(rule) => rule.place(of),
            EarlyTerminate::Median(_) => None,
        };
        place.map(|place| (place + 1).min(of))
    }

    /// Returns how often the metric has been logged when a trial is judged: `3, 9, 27, ... times`.
    fn times(&self) -> String {
        let rungs: Vec<u64> =
            std::iter::successors(self.next_rung(0), |rung| self.next_rung(*rung))
                .take(4)
                .collect();
        let shown: Vec<String> = rungs.iter().take(3).map(u64::to_string).collect();
        match rungs.len() {
            1 if rungs[0] == 1 => "once".to_owned(),
            4 => format!("{}, ... times", shown.join(", ")),
            _ => format!("{} times", shown.join(", ")),
        }
    }

    fn shares(&self) -> String {
        let joined =
            |counts: Vec<usize>| counts.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let best = SHOWN.map(|of| self.go_on(of).unwrap_or(of)).to_vec();
        format!("of {} trials there the best {} go on", joined(SHOWN.to_vec()), joined(best))
    }
}

impl fmt::Display for EarlyTerminate {
    /// Describes the rule for users in one line: when it judges a trial, and which trials go on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self.times();
        match self {
            EarlyTerminate::Hyperband(rule) => {
                let by = if rule.strict { "" } else { "by its best until then, " };
                write!(
                    f,
                    "hyperband judges a trial {by}when it has logged the metric {times}: {}",
                    self.shares()
                )
            }
            EarlyTerminate::Asha(rule) => {
                let fewest = rule.eta.ceil();
                write!(
                    f,
                    "asha judges a trial by its best when it has logged the metric {times}: {}, \
                     and all while fewer than {fewest} have been there",
                    self.shares()
                )
            }
            EarlyTerminate::Median(rule) => write!(
                f,
                "median judges a trial by its best when it has logged the metric {times}: it goes \
                 on if it is no worse than the median of the others there, or these are fewer \
                 than {}",
                rule.min_trials.max(1)
            ),
        }
    }
}

#[cfg(test)]
mod tests;
