//! Provides what a trainer written with tch needs in a sweep, beside the SDK. The crate chooses a
//! device among the GPUs that the agent assigned. The crate builds optimisers by their names in a
//! sweep's YAML, and can save the optimisers' state. It turns tensors into numbers, histograms and
//! images, and seeds torch's random number generators. Training programs call it (see `examples/`).
//! The crate never calls a controller, which only the SDK does, and never decides how a model is
//! trained.

mod error;
mod gradients;
mod histogram;
mod optim;
mod optimizer;
mod picture;
mod place;
mod resume;
mod scalar;
mod state;
mod watch;

pub use error::{StateError, brief};
pub use gradients::{LearningRates, Norms, clip_grad_norm};
pub use histogram::histogram;
pub use optim::{Optim, Rule};
pub use optimizer::{Optimizer, UnknownOptimizer};
pub use picture::image;
pub use place::{Place, place};
pub use resume::{ResumeError, ResumeExt};
pub use scalar::{Mean, scalar};
pub use state::{load, save};
pub use watch::{Watch, WatchExt, Watching};

/// Makes a trial repeatable as far as torch allows. Seeds the random number generators of all
/// devices, and limits torch to `threads` threads; 0 counts as 1. On a node with as many slots as
/// cores, 1 thread is best: trials do not compete for cores, and sums always have the same order.
/// Call this function before the first tensor is made.
pub fn prepare(seed: u32, threads: u16) {
    tch::manual_seed(i64::from(seed));
    tch::set_num_threads(i32::from(threads.max(1)));
}

/// Seeds the random number generators of all devices for one epoch, or for another part of a
/// training. Then the random numbers of an epoch do not depend on earlier epochs. So a training
/// that resumes from a checkpoint gets the same random numbers, and a checkpoint needs no
/// generator's state.
pub fn reseed(seed: u32, epoch: u64) {
    // SplitMix64 turns neighbouring inputs into unrelated seeds, so that the random numbers of two
    // epochs are independent.
    let mut mixed = (u64::from(seed) << 32 ^ epoch).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    tch::manual_seed((mixed ^ mixed >> 31).cast_signed());
}
