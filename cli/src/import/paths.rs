//! Formats the paths of files for users, and the messages about files that cannot be read.

use std::{io, path::Path};

use terminal::sanitise;

use crate::source::why;

/// Returns a path as text, without control characters that a terminal would obey.
pub(super) fn shown(path: &Path) -> String {
    sanitise(&path.display().to_string())
}

/// Returns the message that a file cannot be read, with the reason.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read `{}`: {}", shown(path), why(error))
}
