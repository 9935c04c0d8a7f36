//! Random search: every parameter is drawn independently. No memory: a point may come twice, and there is no end.
//! Called by `propose`.

use super::{Origin, Study, Suggestion};
use crate::{
    point::Point,
    rng::{Purpose, Stream},
};

/// The draw of trial `number`.
pub(super) fn propose(study: &Study, number: u64) -> Suggestion {
    let mut stream = Stream::new(study.seed, number, Purpose::Draw);
    // A constant takes its number too: fixing one parameter of a space leaves the draws of the others as they were.
    let values = study
        .space
        .parameters
        .iter()
        .map(|parameter| parameter.distribution.value(stream.uniform()))
        .collect();
    Suggestion { point: Point { values }, origin: Origin::Random, fit: None }
}
