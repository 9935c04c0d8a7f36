//! How every program of Besom speaks to a person: results on stdout, everything else on stderr, colour only on a terminal
//! (`NO_COLOR` is respected), failures as `error:` and `hint:` with an exit code that means something. The only crate that
//! prints.

pub mod failure;
pub mod progress;
pub mod style;
pub mod table;

pub use failure::{Exit, Failure, exit_with};

use std::io::Write as _;

/// Writes a line of result to stdout. A closed pipe ends the program quietly, as `head` expects.
pub fn print(line: impl std::fmt::Display) {
    if writeln!(anstream::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// Writes a line of news for a person to stderr.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Warns on stderr.
pub fn warn(line: impl std::fmt::Display) {
    say(format_args!("{}warning:{} {line}", style::WARNING.render(), style::WARNING.render_reset()));
}
