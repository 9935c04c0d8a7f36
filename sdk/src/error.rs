//! What can go wrong, in words for the person at the terminal. Returned by `start`, `config`,
//! `finish` and `agent`; `log` has no errors. A program whose `main` returns `Result<(), Box<dyn
//! Error>>` prints the `Debug` of its error, so that of ours is the sentence too.

use std::{io, path::PathBuf, sync::Arc};

use proto::dial::{BadAddress, CONTROLLER_VAR};

use crate::run::finished::count;

/// Lets `Debug` say what `Display` says.
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

/// A run could not be started.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// Nobody answered at the controller's address.
    #[error(
        "no controller answers at `{controller}` ({reason}): start one with `controller`, or name \
        another in {}",
        CONTROLLER_VAR
    )]
    Unreachable {
        /// The address that was tried.
        controller: String,
        /// What the last try met.
        reason: String,
    },
    /// The controller answered, and would not.
    #[error("the controller at `{controller}` refused the run: {reason}")]
    Refused {
        /// The address that was asked.
        controller: String,
        /// What it said.
        reason: String,
    },
    /// The address or the token has no valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// The defaults given to [`Init::config`](crate::Init::config) are no JSON object.
    #[error("the config must be a struct or a map: {0}")]
    Config(String),
    /// A variable of a trial's environment does not say what it should.
    #[error("the environment variable {name} makes no sense: `{value}`")]
    Environment {
        /// Its name.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// [`Init::id`](crate::Init::id) has no valid form.
    #[error("`{0}` cannot be the id of a run: 1 to 64 letters of A-Z a-z 0-9 _ -")]
    Id(String),
    /// There is a run of this id already.
    #[error("there is a run `{id}` already, in `{}`: give another id, or `resume(Resume::Allow)` \
        to go on with it", folder.display())]
    Exists {
        /// The id.
        id: String,
        /// Where the run waits that has it.
        folder: PathBuf,
    },
    /// The journal cannot be opened.
    #[error("cannot open a journal in `{}`: {source}", folder.display())]
    Journal {
        /// The run's folder.
        folder: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(Arc<io::Error>),
}

/// The run's config does not fit the type that was asked for, or an update does not fit the config.
#[derive(Clone, thiserror::Error)]
#[error("the config does not fit: {0}")]
pub struct ConfigError(pub(crate) String);

/// A run ended, and its controller does not know all of it. The journal stays.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FinishError {
    /// Rows or files wait in the run's folder, or the end could not be reported.
    #[error(
        "the controller has not got {} of run `{run}` ({reason}): `sweep sync {}` sends what is \
        there",
        count(*waiting, "row"),
        folder.display()
    )]
    Unsent {
        /// The run.
        run: String,
        /// Rows that wait in the journals; each file has one.
        waiting: u64,
        /// What stood in the way.
        reason: String,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The run is over, or another attempt owns it now. What this one sent is kept and marked,
    /// never merged.
    #[error("run `{run}` is over or belongs to another attempt now; the rows of this one are in \
        `{}`", folder.display())]
    Fenced {
        /// The run.
        run: String,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The disk did not take the journal.
    #[error(
        "{} of run `{run}` could not be written to `{}`: {source}",
        count(*lost, "row"),
        folder.display()
    )]
    Journal {
        /// The run.
        run: String,
        /// Rows that were accepted and are lost.
        lost: u64,
        /// The run's folder.
        folder: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
}

/// A function agent could not go on.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Nobody answered at the controller's address.
    #[error(
        "no controller answers at `{controller}` ({reason}): start one with `controller`, or name \
        another in {}",
        CONTROLLER_VAR
    )]
    Unreachable {
        /// The address that was tried.
        controller: String,
        /// What the last try met.
        reason: String,
    },
    /// There is no such sweep.
    #[error("no sweep `{0}`")]
    NoSweep(String),
    /// The controller answered, and would not.
    #[error("the controller refused this agent: {0}")]
    Refused(String),
    /// The address or the token has no valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// A trial's run could not be started.
    #[error(transparent)]
    Run(#[from] InitError),
    /// The system gave no thread.
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
}
