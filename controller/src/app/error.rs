//! Why a use case did not happen: a few kinds, each with a sentence for people. Made in `app`; each
//! door has one table that says what a kind is in its protocol. An error is logged or returned,
//! never both: only bugs are logged.

use sweeps::lifecycle::Refused;

use crate::store;

/// Why a use case did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// What was sent has no meaning, or breaks a limit.
    Invalid(Told),
    /// It speaks of something that does not exist.
    Missing(Told),
    /// It has a meaning, but not now or not for this caller.
    Refused(Why, Told),
    /// The same may work later.
    Busy(Told),
    /// The data folder is not there any more, or another one. `app::upkeep::lost` makes it
    /// [`Error::Busy`].
    Gone(String),
    /// The database is damaged, so says the store. `app::upkeep::lost` makes it [`Error::Busy`] or
    /// [`Error::Damaged`].
    Torn(String),
    /// What was asked for is damaged.
    Damaged(Told),
    /// So says the disk. `app::upkeep::full` makes it [`Error::Busy`] where it knows what was
    /// tried.
    Disk(String),
    /// Ours to repair. The reason is in the log.
    Bug(String),
}

/// What a person reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// One sentence, lower case, no final stop.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// Why something that has a meaning was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The state does not allow it.
    State,
    /// Another attempt owns the run.
    Fenced,
    /// Rows are missing before these.
    Gap {
        /// The offset that is needed.
        next: u64,
    },
    /// A row names a blob that is not here: it may be sent again once the blob is.
    Blob,
    /// There is no room for it: somebody has to make some.
    Room,
    /// The caller may not.
    Forbidden,
    /// The caller did not say who it is.
    Unknown,
}

impl Error {
    /// What was sent has no meaning.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid(Told::new(message))
    }

    /// Something does not exist.
    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Error::Missing(Told::new(message))
    }

    /// What was asked for is damaged.
    pub(crate) fn damaged(message: impl Into<String>) -> Self {
        Error::Damaged(Told::new(message))
            .hint("`controller fsck` says what else is damaged; a backup may have it whole")
    }

    /// The same may work later.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Error::Busy(Told::new(message))
    }

    /// Refused, with the reason.
    pub(crate) fn refused(why: Why, message: impl Into<String>) -> Self {
        Error::Refused(why, Told::new(message))
    }

    /// A sweep that is not there.
    pub(crate) fn no_sweep(id: &str) -> Self {
        Error::missing(format!("no sweep `{id}`")).hint("`sweep ls` shows what there is")
    }

    /// A run that is not there.
    pub(crate) fn no_run(id: &str) -> Self {
        Error::missing(format!("no run `{id}`"))
            .hint("`sweep show SWEEP` lists the runs of a sweep")
    }

    /// With advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        match &mut self {
            Error::Invalid(told)
            | Error::Missing(told)
            | Error::Refused(_, told)
            | Error::Busy(told)
            | Error::Damaged(told) => told.hint = Some(hint.into()),
            Error::Gone(_) | Error::Torn(_) | Error::Disk(_) | Error::Bug(_) => {}
        }
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Invalid(told)
            | Error::Missing(told)
            | Error::Refused(_, told)
            | Error::Busy(told)
            | Error::Damaged(told) => f.write_str(&told.message),
            Error::Gone(reason)
            | Error::Torn(reason)
            | Error::Disk(reason)
            | Error::Bug(reason) => f.write_str(reason),
        }
    }
}

impl Told {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy(_) => Error::Busy(Told::new(error.to_string())),
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
