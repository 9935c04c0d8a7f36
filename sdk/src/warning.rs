//! Prints warnings on standard error, about facts that the user would not learn otherwise.

use std::io::{self, Write as _};

/// Prints one line. A closed standard error does not cause a panic.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "warning: {text}");
}
