//! The agent on real processes, with a controller in memory behind the trait `Link`. One program
//! for all of it, so that it is linked once.

#![allow(clippy::unwrap_used)]

mod hold;
mod restart;
mod ship;
mod support;
mod work;
