//! Defines the errors of the use cases: a few kinds, each with a sentence. Code in `app` makes
//! these errors. `api::grpc::error` has one table that maps each kind to a gRPC status.
//! `api::grpc::error` logs the text of a bug and hides the text from the caller. The caller
//! receives the text of every other error.

use record::ids::{RunId, SweepId};
use sweeps::lifecycle::Refused;

use crate::store;

/// The reason why a use case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The request is malformed or exceeds a limit.
    Invalid(Words),
    /// The request names something that does not exist.
    Missing(Words),
    /// The request is valid, but the present state or the caller's rights do not allow it.
    Refused(Why, Words),
    /// The same request may succeed later.
    Busy(Words),
    /// The data folder is gone, or another one has taken its place. `app::upkeep::lost` turns this
    /// into [`Error::Busy`].
    Gone(String),
    /// The store reports that the database is damaged. `app::upkeep::lost` turns this into
    /// [`Error::Busy`] or [`Error::Damaged`].
    Torn(String),
    /// The requested data is damaged.
    Damaged(Words),
    /// The disk reports an error. `app::upkeep::full` turns such an error of a write into
    /// [`Error::Busy`]; `app::access` does so for a read.
    Disk(String),
    /// The controller has a bug. The text goes to the log, not to the caller.
    Bug(String),
}

/// The text of an error that a user reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// One sentence in lower case, without a full stop.
    pub(crate) message: String,
    /// The advice on what to do about the error; `None` if there is no advice.
    pub(crate) hint: Option<String>,
}

/// The reason why a valid request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The present state of the stored data, such as a run's state, does not allow the request.
    State,
    /// The attempt does not own the run, or its late rows do not count.
    Fenced,
    /// The append starts behind the end of its stream, so rows in between are missing.
    Gap {
        /// The offset that the append must start at.
        next: u64,
    },
    /// A row names a blob that is not stored, or that the caller may not name. The sender may send
    /// the row again after it has sent the blob.
    Blob,
    /// The content exceeds a limit on stored bytes. The request cannot succeed until a user frees
    /// room or raises the limit.
    Room,
    /// The caller has no right to make this request.
    Forbidden,
    /// The call has no token, or a token that the controller does not know.
    Unknown,
}

impl Error {
    /// Returns the error of a malformed request, or of one that exceeds a limit.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid(Words::new(message))
    }

    /// Returns the error of a request for something that does not exist.
    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Error::Missing(Words::new(message))
    }

    /// Returns the error of a request for damaged data.
    pub(crate) fn damaged(message: impl Into<String>) -> Self {
        Error::Damaged(Words::new(message))
            .hint("`controller fsck` lists all damage; a backup may have the data intact")
    }

    /// Returns the error of a request that may succeed later.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Error::Busy(Words::new(message))
    }

    /// Returns the error of a valid request that is refused for the reason `why`.
    pub(crate) fn refused(why: Why, message: impl Into<String>) -> Self {
        Error::Refused(why, Words::new(message))
    }

    /// Returns the error of a request for a sweep that does not exist.
    pub(crate) fn no_sweep(id: &SweepId) -> Self {
        Error::missing(format!("no sweep `{id}`")).hint("`sweep ls` shows what there is")
    }

    /// Returns the error of a request for a run that does not exist.
    pub(crate) fn no_run(id: &RunId) -> Self {
        Error::missing(format!("no run `{id}`"))
            .hint("`sweep show SWEEP` lists the runs of a sweep")
    }

    /// Returns the text that a user reads; `None` for an error that has only a reason.
    pub(crate) fn words(&self) -> Option<&Words> {
        match self {
            Error::Invalid(words)
            | Error::Missing(words)
            | Error::Refused(_, words)
            | Error::Busy(words)
            | Error::Damaged(words) => Some(words),
            Error::Gone(_) | Error::Torn(_) | Error::Disk(_) | Error::Bug(_) => None,
        }
    }

    /// Adds advice to the error. An error without [`Words`] stays as it is.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        match &mut self {
            Error::Invalid(words)
            | Error::Missing(words)
            | Error::Refused(_, words)
            | Error::Busy(words)
            | Error::Damaged(words) => words.hint = Some(hint.into()),
            Error::Gone(_) | Error::Torn(_) | Error::Disk(_) | Error::Bug(_) => {}
        }
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Invalid(words)
            | Error::Missing(words)
            | Error::Refused(_, words)
            | Error::Busy(words)
            | Error::Damaged(words) => f.write_str(&words.message),
            Error::Gone(reason)
            | Error::Torn(reason)
            | Error::Disk(reason)
            | Error::Bug(reason) => f.write_str(reason),
        }
    }
}

impl Words {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy(_) => Error::Busy(Words::new(error.to_string())),
            store::Error::Disk(reason) => Error::Disk(reason),
            store::Error::Gone(reason) => Error::Gone(reason),
            store::Error::Damaged(reason) => Error::Torn(reason),
            store::Error::Corrupt(reason) => Error::damaged(reason),
            store::Error::Newer(_) | store::Error::Foreign => Error::Bug(error.to_string()),
            store::Error::Bug(reason) => Error::Bug(reason),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::refused(Why::State, refused.to_string())
    }
}
