//! Searches for the next point of a sweep. `propose` is a pure function of the study, the trial's
//! number and the history. No state survives a call, and random streams are derived from (seed,
//! number). The controller's app calls this module.

mod ascent;
mod axes;
mod bayes;
mod candidates;
#[cfg(test)]
mod conditions;
pub mod explain;
mod grid;
mod halton;
mod ingredient;
mod observations;
mod partial;
mod random;
mod sample;
mod sobol;
mod study;
#[cfg(test)]
mod tests;
mod wanted;

pub use ingredient::Ingredient;
pub use study::{
    Constraint, Earlier, Exhausted, Fit, Impute, Method, Origin, Side, Study, Suggestion,
};
pub use wanted::{turn, wanted};

use crate::{
    history::{History, Trial},
    space::Space,
};

/// Returns the point of trial `number`. `history` holds trials `0..number`, with the results that
/// were known when the controller asked for the point. A point that people want tried comes before
/// those of the method.
///
/// # Errors
/// Fails with [`Exhausted`] past the last cell of a grid, and if `bayes` has handed out every point
/// of a finite space. `random` and `sobol` never fail.
pub fn propose(study: &Study, number: u64, history: &History) -> Result<Suggestion, Exhausted> {
    if let Some(suggestion) = wanted(study, number, history) {
        return Ok(suggestion);
    }
    match study.method {
        Method::Grid => {
            let (index, taken) = wanted::taken(study, number, history);
            grid::propose(&study.space, index, taken)
        }
        Method::Random => Ok(random::propose(study, number)),
        Method::Sobol => Ok(sobol::propose(study, number)),
        Method::Bayes => bayes::propose(study, number, history),
    }
}

/// Returns the suggestions for the trials that come next: trial `number` first, then the trials
/// after it, each of which knows that the earlier ones are pending. `history` is that of
/// [`propose`] for trial `number`. The list is shorter than `count` if the space is used up.
pub fn ahead(study: &Study, number: u64, mut history: History, count: usize) -> Vec<Suggestion> {
    let mut all = Vec::new();
    while all.len() < count {
        let Ok(next) = propose(study, number + all.len() as u64, &history) else { break };
        history.trials.push(Trial::pending(next.point.clone(), next.fit.clone()));
        all.push(next);
    }
    all
}

/// Returns the largest number of trials that the method can propose. This is the number of cells of
/// a grid, or for `bayes` that of the points of a finite space. Returns `None` if there is no
/// bound, or if a `u64` cannot hold it.
pub fn bound(method: Method, space: &Space) -> Option<u64> {
    match method {
        Method::Grid => grid::bound(space),
        Method::Random | Method::Sobol => None,
        Method::Bayes => bayes::bound(space),
    }
}

/// The revision of the search, which goes up when the same study gives other points. In revision 3,
/// the model orders the numbers of a list, and every other trial does without the belief in an
/// inner optimum.
const REVISION: u32 = 3;

/// Returns the name of the engine: the version of this code, and the instruction set that the
/// linear algebra chose on this machine. If two engines have equal names, they return equal
/// suggestions to the bit for equal arguments. `grid`, `random` and `sobol` return the same
/// suggestions on every machine.
pub fn engine() -> String {
    format!("{}.r{REVISION} {}", env!("CARGO_PKG_VERSION"), instructions())
}

/// Returns the instruction set with which faer computes on this machine.
#[cfg(target_arch = "x86_64")]
fn instructions() -> &'static str {
    if is_x86_feature_detected!("avx512f") {
        "x86_64-avx512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "x86_64-avx2"
    } else {
        "x86_64"
    }
}

/// Returns the instruction set with which faer computes: outside of x86-64 there is one per
/// architecture.
#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> &'static str {
    std::env::consts::ARCH
}
