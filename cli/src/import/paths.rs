//! Names files to users: their paths, and why they cannot be read.

use std::{io, path::Path};

use terminal::sanitise;

use crate::source::why;

/// Returns a path without the signs that would change the terminal.
pub(super) fn shown(path: &Path) -> String {
    sanitise(&path.display().to_string())
}

/// Returns the sentence that a file cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read `{}`: {}", shown(path), why(error))
}
