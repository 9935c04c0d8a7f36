//! Explains why a use case failed: a few kinds of error, each with a sentence for users. Code in
//! `app` makes them; each handler in `api` has one table that maps a kind to its protocol. An error
//! is either logged or returned, never both: only bugs are logged.

use sweeps::lifecycle::Refused;

use crate::store;

/// The reason why a use case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The request has no meaning, or breaks a limit.
    Invalid(Words),
    /// The request names something that does not exist.
    Missing(Words),
    /// The request has a meaning, but is not allowed now or not for this caller.
    Refused(Why, Words),
    /// The same request may work later.
    Busy(Words),
    /// The data folder is gone, or another one has taken its place. `app::upkeep::lost` turns this
    /// into [`Error::Busy`].
    Gone(String),
    /// The store reports that the database is damaged. `app::upkeep::lost` turns this into
    /// [`Error::Busy`] or [`Error::Damaged`].
    Torn(String),
    /// The requested data is damaged.
    Damaged(Words),
    /// The disk reports an error. `app::upkeep::full` turns this into [`Error::Busy`] where it
    /// knows what was tried.
    Disk(String),
    /// The controller has a bug. The reason is in the log.
    Bug(String),
}

/// The text of an error that a user reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// One sentence in lower case, without a full stop.
    pub(crate) message: String,
    /// The advice on what to do about it; `None` if there is none.
    pub(crate) hint: Option<String>,
}

/// The reason why a meaningful request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The state does not allow it.
    State,
    /// Another attempt owns the run.
    Fenced,
    /// The rows before these are missing.
    Gap {
        /// The offset that the append must start at.
        next: u64,
    },
    /// A row names a blob that is not stored. The row may be sent again once the blob is.
    Blob,
    /// There is no room for it until a user makes some.
    Room,
    /// The caller may not do this.
    Forbidden,
    /// The caller did not identify itself.
    Unknown,
}

impl Error {
    /// Returns the error of a request without a meaning.
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
            .hint("`controller fsck` says what else is damaged; a backup may have it whole")
    }

    /// Returns the error of a request that may work later.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Error::Busy(Words::new(message))
    }

    /// Returns a refusal, with its reason.
    pub(crate) fn refused(why: Why, message: impl Into<String>) -> Self {
        Error::Refused(why, Words::new(message))
    }

    /// Returns the error of a request for a sweep that does not exist.
    pub(crate) fn no_sweep(id: &str) -> Self {
        Error::missing(format!("no sweep `{id}`")).hint("`sweep ls` shows what there is")
    }

    /// Returns the error of a request for a run that does not exist.
    pub(crate) fn no_run(id: &str) -> Self {
        Error::missing(format!("no run `{id}`"))
            .hint("`sweep show SWEEP` lists the runs of a sweep")
    }

    /// Adds advice to an error that a user reads.
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
