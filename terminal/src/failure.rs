//! A failure as a person meets it: what went wrong, why, and what to do. Made by programs at their
//! edge; libraries return typed errors.

use std::{fmt, process::ExitCode};

use crate::{say, style};

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The controller refused, or the job failed.
    Refused = 1,
    /// The person's input is wrong: a flag, a file, an id.
    Input = 2,
    /// The controller is out of reach.
    Unreachable = 3,
    /// Our own bug.
    Bug = 70,
}

/// Why a program ends badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// One sentence, lower case, no final stop: what went wrong.
    pub message: String,
    /// Lines printed as they are below the message: causes, the stderr of a program, carets under a
    /// YAML line.
    pub details: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure without details.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    /// With a line below the message.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// With advice.
    #[must_use]
    pub fn hint(mut self, line: impl Into<String>) -> Self {
        self.hints.push(line.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", style::paint(style::ERROR, "error:"), self.message)?;
        for detail in &self.details {
            write!(f, "\n{detail}")?;
        }
        for hint in &self.hints {
            write!(f, "\n{} {hint}", style::paint(style::HINT, "hint:"))?;
        }
        Ok(())
    }
}

/// Prints a failure, if any, and gives the exit code: the last line of every `main`.
pub fn exit_with(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Runs a program to its end, `work` being all of it: prints its failure, if any, and turns a
/// panic, which is always our own bug, into [`Exit::Bug`]. For `main`.
pub fn run(work: impl FnOnce() -> Result<(), Failure> + std::panic::UnwindSafe) -> ExitCode {
    let ended = std::panic::catch_unwind(work);
    exit_with(ended.unwrap_or_else(|_| {
        // The panic's own message is on stderr already.
        let failure = Failure::new(Exit::Bug, "this is a bug in besom, not in what you did");
        Err(failure.hint("please report it with the lines above"))
    }))
}
