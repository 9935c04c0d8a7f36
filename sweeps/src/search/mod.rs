//! Searches for the next point. `propose` is a pure function of the study, the trial's number and
//! the history: no state survives a call, and the random stream is derived from (seed, number). The
//! controller's app calls it.

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

pub use ingredient::Ingredient;
pub use study::{
    Constraint, Earlier, Exhausted, Fit, Impute, Method, Origin, Side, Study, Suggestion,
};

use crate::{history::History, space::Space};

/// Returns the point of trial `number`, given what was known when it was asked for: `history` holds
/// trials `0..number`.
///
/// # Errors
/// Fails with [`Exhausted`] if the space is finite and used up: past the last grid cell, or when
/// `bayes` has handed out every point. `random` and `sobol` never fail.
pub fn propose(study: &Study, number: u64, history: &History) -> Result<Suggestion, Exhausted> {
    match study.method {
        Method::Grid => grid::propose(&study.space, number),
        Method::Random => Ok(random::propose(study, number)),
        Method::Sobol => Ok(sobol::propose(study, number)),
        Method::Bayes => bayes::propose(study, number, history),
    }
}

/// Returns the largest number of trials that the method can have: grid cells, or the distinct
/// points of a finite space for `bayes`. Returns `None` if there is no bound, or one that no sweep
/// reaches.
pub fn bound(method: Method, space: &Space) -> Option<u64> {
    match method {
        Method::Grid => grid::bound(space),
        Method::Random | Method::Sobol => None,
        Method::Bayes => bayes::bound(space),
    }
}

/// The revision of the search, which goes up when the same study gives other points. In revision 2,
/// multiples of `q` are decimals within the limits.
const REVISION: u32 = 2;

/// Returns what a suggestion depends on besides its arguments: the version of this code and the
/// instructions that the linear algebra chose on this machine. Where two engines are equal, the
/// bits of every suggestion are equal too. `grid`, `random` and `sobol` give the same on every
/// machine.
pub fn engine() -> String {
    format!("{}.r{REVISION} {}", env!("CARGO_PKG_VERSION"), instructions())
}

/// Returns the level on which faer dispatches.
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

/// Returns the level on which faer dispatches: outside of x86-64 there is one per architecture.
#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> &'static str {
    std::env::consts::ARCH
}
