//! Prints warnings on standard error, about problems that no returned error reports.

use std::io::{self, Write as _};

/// Prints one line on standard error. If standard error is closed, the function does nothing.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "warning: {text}");
}
