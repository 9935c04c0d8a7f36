//! Provides the code that the example trainers share. It loads image data in MNIST's format or
//! draws digits, parses the only flag, and prints errors. The binaries of this package call it. It
//! contains nothing about sweeps: a trainer gets its parameters from the SDK and logs through the
//! SDK, and a sweep needs nothing else.

pub mod digits;
pub mod idx;
pub mod images;
pub mod program;
