//! Provides the code that the example trainers share: image data in MNIST's format (found, read, or
//! drawn on the spot), and how such a program starts and ends. The binaries beside it call it. It
//! knows nothing about sweeps: a trainer gets its parameters from the SDK and reports to it, and a
//! sweep needs no more than that.

pub mod digits;
pub mod idx;
pub mod images;
pub mod program;
