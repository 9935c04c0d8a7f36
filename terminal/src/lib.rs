//! Prints texts for users. The controller, the agent and the `sweep` command print only through
//! this crate. Results go to stdout and everything else to stderr. Colours appear only on a
//! terminal, and not if `NO_COLOR` is set. A failure is an `error:` line with `hint:` lines, and
//! has an exit code that says what kind of failure it is.

pub mod failure;
pub mod numbers;
pub mod progress;
pub mod secret;
pub mod style;
pub mod table;
pub mod text;

pub use failure::{Exit, Failure, exit_with, run};
pub use numbers::{age, count, duration, number, size, term};
pub use text::{one_line, sanitise, truncate};

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    process,
};

/// Writes a line of results to stdout. If the reader of a pipe, such as `head`, has closed it, the
/// program exits with 0 and prints no error.
pub fn print(line: impl Display) {
    or_end(writeln!(anstream::stdout(), "{line}"));
}

/// Writes text to stdout without adding a line end. A file or a pipe receives the text unchanged,
/// even its escape sequences. A terminal receives the text after [`sanitise`].
pub fn data(text: &str) {
    bytes(text.as_bytes());
}

/// Writes bytes, which need not be text, to stdout like [`data`]. A terminal shows bytes that are
/// not UTF-8 as replacement characters.
pub fn bytes(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    let written = if stdout.is_terminal() {
        stdout.write_all(sanitise(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        stdout.write_all(bytes)
    };
    or_end(written.and_then(|()| stdout.flush()));
}

/// Ends the program if a write to stdout failed, because it cannot print its results.
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

/// Writes a line of information to stderr.
pub fn say(line: impl Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Writes a warning to stderr.
pub fn warn(line: impl Display) {
    say(format_args!("{} {line}", style::paint(style::WARNING, "warning:")));
}

/// Writes a hint to stderr.
pub fn hint(line: impl Display) {
    say(format_args!("{} {line}", style::paint(style::HINT, "hint:")));
}

/// Returns the number of columns of the terminal at stdout, or 80 if the terminal does not report
/// it. Returns `None` if stdout is not a terminal.
pub fn columns() -> Option<usize> {
    window().map(|(columns, _)| columns)
}

/// Returns the columns and rows of the terminal at stdout, or 80 and 24 if the terminal does not
/// report them. Returns `None` if stdout is not a terminal.
fn window() -> Option<(usize, usize)> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    // Some terminals, for example serial lines, report a size of 0.
    let size = rustix::termios::tcgetwinsize(stdout)
        .ok()
        .filter(|size| size.ws_col > 0 && size.ws_row > 0);
    Some(size.map_or((80, 24), |size| (size.ws_col.into(), size.ws_row.into())))
}
