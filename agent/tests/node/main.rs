//! Tests the agent on real processes, with a controller in memory behind the trait `Link`. All
//! tests are in one program, so that it is linked once.

#![allow(clippy::unwrap_used)]

mod hold;
mod restart;
mod ship;
mod support;
mod work;
