//! How every program of Besom speaks to a person: results on stdout, everything else on stderr,
//! colour only on a terminal (`NO_COLOR` is respected), failures as `error:` and `hint:` with an
//! exit code that means something. The only crate that prints.

pub mod failure;
pub mod numbers;
pub mod progress;
pub mod style;
pub mod table;
pub mod text;

pub use failure::{Exit, Failure, exit_with, run};
pub use numbers::{age, count, duration, number, size};
pub use text::{one_line, sanitise, truncate};

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    process,
};

/// Writes a line of result to stdout. A closed pipe ends the program quietly, as `head` expects.
pub fn print(line: impl Display) {
    or_end(writeln!(anstream::stdout(), "{line}"));
}

/// Writes text to stdout exactly as it is, without a line end of its own: exported data, escape
/// sequences and all. On a terminal, [`sanitise`]d.
pub fn data(text: &str) {
    bytes(text.as_bytes());
}

/// Like [`data`], for what need not be text. On a terminal, bytes that are no UTF-8 are shown as
/// replacement characters.
pub fn bytes(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    let written = if stdout.is_terminal() {
        stdout.write_all(sanitise(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        stdout.write_all(bytes)
    };
    or_end(written.and_then(|()| stdout.flush()));
}

/// Nobody can be told more on stdout once writing to it fails.
fn or_end(written: io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => {
            say(Failure::new(Exit::Refused, format!("cannot write to stdout: {error}")));
            process::exit(Exit::Refused as i32);
        }
    }
}

/// Writes a line of news for a person to stderr.
pub fn say(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Warns on stderr.
pub fn warn(line: impl Display) {
    say(format_args!("{} {line}", style::paint(style::WARNING, "warning:")));
}

/// Advises on stderr.
pub fn hint(line: impl Display) {
    say(format_args!("{} {line}", style::paint(style::HINT, "hint:")));
}

/// How many columns the terminal at stdout has; `None` when stdout is not a terminal.
pub fn columns() -> Option<usize> {
    window().map(|(columns, _)| columns)
}

/// Columns and rows of the terminal at stdout.
fn window() -> Option<(usize, usize)> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    // Some terminals, serial lines among them, claim to have no size.
    let size = rustix::termios::tcgetwinsize(stdout)
        .ok()
        .filter(|size| size.ws_col > 0 && size.ws_row > 0);
    Some(size.map_or((80, 24), |size| (size.ws_col.into(), size.ws_row.into())))
}
