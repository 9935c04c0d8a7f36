//! Implements early stopping: decides whether a trial goes on when it reaches a rung. A rung is a
//! count of logged finite values of the metric. The controller's app calls this module in the
//! transaction of the rows that cross a rung, and `config` reads the rules. `judge` gets the sorted
//! costs of the other trials at the rung, one per trial, and uses binary search. `judge` never sees
//! a history, and judges a trial only at a rung.
//!
//! Every comparison uses costs. A cost is the metric as it was logged, negated if larger values are
//! better. So lower costs are better.

mod asha;
mod hyperband;
mod median;

use std::{cmp::Ordering, fmt};

pub use asha::Asha;
pub use hyperband::{Bands, Hyperband};
pub use median::Median;

/// The largest number of rungs that a rule has. This limit bounds the data that the controller
/// keeps of a trial, for every rule.
const MOST_RUNGS: u64 = 100;

/// The bound of a rung's iteration: 2^53, above which a double does not represent every whole
/// number. No program logs its metric this often.
const MOST_ITERATIONS: f64 = 9_007_199_254_740_992.0;

/// A stopping rule: the key `early_terminate` of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub enum EarlyTerminate {
    /// W&B's `hyperband`.
    Hyperband(Hyperband),
    /// Asynchronous successive halving, in the form that stops trials.
    Asha(Asha),
    /// The median rule: a trial stops if its best value is worse than the median of the other
    /// trials' values at the rung.
    Median(Median),
}

/// A trial that has just reached a rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// The rung: how often the trial has logged the metric with a finite value.
    pub iteration: u64,
    /// The metric at the rung: the finite value that reached it, as the trial logged it.
    pub value: f64,
    /// The best value up to the rung, as the trial logged it.
    pub best: f64,
}

/// A decision at a rung, with the numbers on which it rests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// The rung: how often the trial had logged the metric with a finite value.
    pub iteration: u64,
    /// The value by which the trial was judged, as the trial logged it. It is the value at the rung
    /// or the best value up to the rung.
    pub value: f64,
    /// The rank of the trial among itself and the trials that reached the rung before it; 1 is the
    /// best.
    pub rank: u64,
    /// The number of trials that have reached the rung so far, this one included.
    pub of: u64,
    /// The worst value with which a trial goes on; `None` while so few trials have reached the rung
    /// that all go on.
    pub threshold: Option<f64>,
    /// Whether the trial goes on or has to end.
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
    /// Returns the first rung above this iteration, or `None` after the last one. A rule has at
    /// most 100 rungs.
    pub fn next_rung(&self, after: u64) -> Option<u64> {
        match self {
            EarlyTerminate::Hyperband(rule) => rule.rungs().find(|rung| *rung > after),
            EarlyTerminate::Asha(rule) => rule.rungs().find(|rung| *rung > after),
            EarlyTerminate::Median(rule) => rule.next_rung(after),
        }
    }

    /// Returns the cost of this trial with which later trials at the rung are compared. This is the
    /// cost of the best value for `asha`, else that of the value at the rung.
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
/// [`EarlyTerminate::cost`] returns it, for each other trial of the sweep that has reached the rung
/// before, in ascending order. The decision takes a few binary searches, whatever the number of
/// other trials.
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

/// Returns how many of the other trials' costs are below this cost.
fn below(others: &[f64], cost: f64) -> usize {
    others.partition_point(|other| *other < cost)
}

/// Returns the cost at index `place` of the ascending list of the other trials' costs and the
/// trial's own cost.
fn with_own(others: &[f64], own: f64, place: usize) -> Option<f64> {
    match place.cmp(&below(others, own)) {
        Ordering::Less => others.get(place).copied(),
        Ordering::Equal => Some(own),
        Ordering::Greater => others.get(place - 1).copied(),
    }
}

/// Turns a value into a cost, or a cost into a value. Zero never becomes -0, which users would see.
fn turned(maximize: bool, value: f64) -> f64 {
    if maximize { 0.0 - value } else { value }
}

/// Returns `count` / `eta`, rounded down.
fn share(count: usize, eta: f64) -> usize {
    (count as f64 / eta) as usize
}

/// Iterates over `min_iter` and the following rungs, each `eta` times as far as the one before,
/// rounded down. If rounding makes rungs equal, the iterator returns one of them.
fn geometric(min_iter: u32, eta: f64) -> impl Iterator<Item = u64> {
    let exact = std::iter::successors(Some(f64::from(min_iter)), move |rung| Some(rung * eta));
    let whole = exact.take(MOST_RUNGS as usize).take_while(|rung| *rung < MOST_ITERATIONS);
    let mut last = 0;
    whole.map(|rung| rung as u64).filter(move |rung| std::mem::replace(&mut last, *rung) != *rung)
}

/// The numbers of trials at a rung for which the description says how many go on.
const SHOWN: [usize; 3] = [4, 10, 100];

impl EarlyTerminate {
    /// Returns how many of `of` trials at a rung go on. Returns `None` if all of them go on, and
    /// for the median rule.
    fn go_on(&self, of: usize) -> Option<usize> {
        let place = match self {
            EarlyTerminate::Hyperband(rule) => Some(rule.place(of)),
            EarlyTerminate::Asha(rule) => rule.place(of),
            EarlyTerminate::Median(_) => None,
        };
        place.map(|place| (place + 1).min(of))
    }

    /// Describes after how many logged values a trial is judged: `3, 9, 27, ... times`.
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
