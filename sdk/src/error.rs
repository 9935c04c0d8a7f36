//! Defines the errors of `start`, `config`, `finish` and `agent`, as sentences for the user at the
//! terminal. `log` returns no error. If `main` returns `Result<(), Box<dyn Error>>`, the program
//! prints the `Debug` form of its error. So `Debug` prints the same sentence as `Display`.

use std::{io, path::PathBuf, sync::Arc};

use proto::dial::{BadAddress, CONTROLLER_VAR};

use crate::run::finished::count;

/// Implements `Debug` for error types so that it prints the same text as `Display`.
macro_rules! speak {
    ($($error:ty),+) => {$(
        impl std::fmt::Debug for $error {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, formatter)
            }
        }
    )+};
}

pub(crate) use speak;

speak!(InitError, ConfigError, FinishError, AgentError);

/// The error of [`Init::start`](crate::Init::start): the run could not be started.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// No controller answers at the address.
    #[error(
        "no controller answers at `{controller}` ({reason}): start one with `controller`, or name \
        another in {}",
        CONTROLLER_VAR
    )]
    Unreachable {
        /// The address that the SDK tried.
        controller: String,
        /// The reason why the last try failed.
        reason: String,
    },
    /// The controller answered the call and refused the run.
    #[error("the controller at `{controller}` refused the run: {reason}")]
    Refused {
        /// The address of the controller.
        controller: String,
        /// The reason that the controller gave.
        reason: String,
    },
    /// The address of the controller, or the token, does not have a valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// The defaults given to [`Init::config`](crate::Init::config) are not a JSON object, or the
    /// parameters of a function agent's trial are not JSON. The field is the reason.
    #[error("the config must be a struct or a map: {0}")]
    Config(String),
    /// An environment variable that sets up the run holds a value that cannot be parsed.
    #[error("the environment variable `{name}` has no valid value: it is `{value}`")]
    Environment {
        /// The variable's name.
        name: &'static str,
        /// The variable's value.
        value: String,
    },
    /// The id given to [`Init::id`](crate::Init::id) has no valid form. The field is the id.
    #[error("`{0}` cannot be the id of a run: an id has 1 to 64 characters of A-Z a-z 0-9 _ -")]
    Id(String),
    /// An offline run with this id exists already.
    #[error("there is a run `{id}` already, in `{}`: give another id, or continue it with \
        `resume(Resume::Allow)`", folder.display())]
    Exists {
        /// The id.
        id: String,
        /// The folder of the existing run.
        folder: PathBuf,
    },
    /// The journal cannot be opened.
    #[error("cannot open a journal in `{}`: {source}", folder.display())]
    Journal {
        /// The run's folder.
        folder: PathBuf,
        /// The error of the file system.
        source: Arc<io::Error>,
    },
    /// The system could not start a thread.
    #[error("cannot start a thread: {0}")]
    Thread(Arc<io::Error>),
}

/// The error of [`Run::config`](crate::Run::config) and
/// [`Run::update_config`](crate::Run::update_config): the config does not fit the requested type,
/// or the update cannot be applied to the config.
#[derive(Clone, thiserror::Error)]
#[error("the config does not fit: {0}")]
pub struct ConfigError(pub(crate) String);

/// The error of [`Run::finish`](crate::Run::finish): the run ended, but the controller did not get
/// all of its data. The rows in the journal stay there.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FinishError {
    /// Rows or files wait in the run's folder, or the end of the run could not be reported to the
    /// controller.
    #[error(
        "the controller does not have {} of run `{run}` ({reason}): send what is left with \
        `sweep sync {}`",
        unsent(*waiting),
        folder.display()
    )]
    Unsent {
        /// The run's id.
        run: String,
        /// The number of rows of `log` and `summary` that this process's journal has and the
        /// controller may not have. Each unsent file, artifact and checkpoint counts as one more
        /// row.
        waiting: u64,
        /// The reason why the data was not sent.
        reason: String,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The run is over, or another attempt owns it now. The controller stores later rows of this
    /// attempt apart, marks them, and never merges them.
    #[error("run `{run}` is over or belongs to another attempt now; the rows of this attempt are \
        in `{}`", folder.display())]
    Fenced {
        /// The run's id.
        run: String,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The disk did not take all rows of the journal.
    #[error(
        "{} of run `{run}` could not be written to `{}`: {source}",
        count(*lost, "row"),
        folder.display()
    )]
    Journal {
        /// The run's id.
        run: String,
        /// The number of accepted rows that neither the disk nor the controller has.
        lost: u64,
        /// The run's folder.
        folder: PathBuf,
        /// The error of the disk.
        source: Arc<io::Error>,
    },
}

/// Returns what the controller does not have, in words: the number of rows, or `the end` for 0
/// rows.
fn unsent(rows: u64) -> String {
    if rows == 0 { "the end".to_owned() } else { count(rows, "row") }
}

/// The error of [`agent`](crate::agent): the function agent could not continue.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// No controller answers at the address.
    #[error(
        "no controller answers at `{controller}` ({reason}): start one with `controller`, or name \
        another in {}",
        CONTROLLER_VAR
    )]
    Unreachable {
        /// The address that the SDK tried.
        controller: String,
        /// The reason why the last try failed.
        reason: String,
    },
    /// The sweep does not exist. The field is the sweep's id.
    #[error("there is no sweep `{0}`")]
    NoSweep(String),
    /// The controller answered the call and refused the agent. The field is the reason.
    #[error("the controller refused this agent: {0}")]
    Refused(String),
    /// The address of the controller, or the token, does not have a valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// The run of a trial could not be started.
    #[error(transparent)]
    Run(#[from] InitError),
    /// The system could not start a thread.
    #[error("cannot start a thread: {0}")]
    Thread(Arc<io::Error>),
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn errors_read_well_where_main_returns_them() {
        let unreachable = InitError::Unreachable {
            controller: "http://head:7070".to_owned(),
            reason: "refused".to_owned(),
        };
        let boxed: Box<dyn Error> = AgentError::from(unreachable).into();
        assert_eq!(format!("{boxed:?}"), boxed.to_string());
        assert!(
            boxed
                .to_string()
                .starts_with("no controller answers at `http://head:7070` (refused): start one")
        );
    }

    #[test]
    fn an_end_without_rows_to_send_names_the_end() {
        let unsent = |waiting| FinishError::Unsent {
            run: "a".to_owned(),
            waiting,
            reason: "away".to_owned(),
            folder: PathBuf::from("f"),
        };
        let said = [0, 1].map(|rows| unsent(rows).to_string());
        assert!(said[0].starts_with("the controller does not have the end of run `a` (away)"));
        assert!(said[1].starts_with("the controller does not have 1 row of run `a` (away)"));
    }
}
