//! Prints xtask's texts: information on stderr, results on stdout, and colours only on a terminal.

use std::{
    fmt::Display,
    io::{IsTerminal as _, Write as _, stderr, stdout},
    time::{Duration, Instant},
};

/// Prints information for the user.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(stderr(), "{text}");
}

/// Prints a result for a script.
pub(crate) fn result(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}

pub(crate) fn red(text: &str) -> String {
    paint("1;31", text)
}

pub(crate) fn cyan(text: &str) -> String {
    paint("1;36", text)
}

fn paint(code: &str, text: &str) -> String {
    let wanted =
        stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    if wanted { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Prints the name of a step and runs the step. Then prints its duration, if the step succeeded and
/// took more than a second.
pub(crate) fn step<T, E>(what: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    line(format_args!("{} {what}", cyan("▸")));
    let begun = Instant::now();
    let done = work();
    let took = begun.elapsed();
    if done.is_ok() && took > Duration::from_secs(1) {
        line(format_args!("  {:.0} s", took.as_secs_f64()));
    }
    done
}
