//! Warnings on standard error, for what the user would otherwise never learn.

use std::io::{self, Write as _};

/// Prints one line. A closed standard error is no reason to panic.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "warning: {text}");
}
