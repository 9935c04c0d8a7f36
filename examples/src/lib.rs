//! What the example trainers share: image data in MNIST's format (found, read, or made on the spot)
//! and how such a program starts and ends. Called by the binaries beside it. Nothing here knows
//! about sweeps: a trainer gets its parameters from the SDK and reports to it, and that is all that
//! it takes to be swept over.

pub mod digits;
pub mod idx;
pub mod images;
pub mod program;
