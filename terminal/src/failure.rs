//! Defines failures as the user sees them: what went wrong, why, and what to do. The commands of
//! the programs build failures; libraries return typed errors.

use std::{fmt, process::ExitCode};

use crate::{say, style};

/// The exit codes with which Besom's programs fail, with their meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The controller refused the request, or the job failed.
    Refused = 1,
    /// The user's input is wrong: a flag, a file or an id.
    Input = 2,
    /// The program cannot reach the controller.
    Unreachable = 3,
    /// The program has a bug.
    Bug = 70,
}

/// The message with which a program fails, and its exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong: one sentence in lower case, without a full stop.
    pub message: String,
    /// Lines that are printed unchanged below the message: causes, the stderr of a program, or
    /// carets under a line of YAML.
    pub details: Vec<String>,
    /// What the user can do about the failure, one sentence each.
    pub hints: Vec<String>,
}

impl Failure {
    /// Creates a failure that has no details and no hints.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    /// Adds a line to the details, which are printed below the message.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Adds a hint, which is printed below the details.
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

/// Prints the failure, if there is one, and returns the exit code of the program. Every `main` ends
/// with this function.
pub fn exit_with(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Runs `work`, which is the whole program, and returns its exit code. Prints the failure of
/// `work`, if there is one. Turns a panic into [`Exit::Bug`], because a panic is always a bug in
/// Besom.
pub fn run(work: impl FnOnce() -> Result<(), Failure> + std::panic::UnwindSafe) -> ExitCode {
    let ended = std::panic::catch_unwind(work);
    exit_with(ended.unwrap_or_else(|_| {
        // The panic hook has already printed the panic's own message on stderr.
        let failure = Failure::new(Exit::Bug, "this is a bug in besom, not in what you did");
        Err(failure.hint("please report it with the lines above"))
    }))
}
