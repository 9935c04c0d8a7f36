//! What goes wrong in the database, sorted by what it means for the caller. Every function of
//! `store` answers with it.

use rusqlite::ErrorCode;

/// What went wrong in the database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The disk is full or fails: the same may work later.
    #[error("{0}")]
    Disk(String),
    /// Somebody else is in the way: the same may work later.
    #[error("the database cannot take this now: {0}")]
    Busy(String),
    /// The data folder is not the one that was opened.
    #[error("{0}")]
    Gone(String),
    /// The database's file holds what nobody has written.
    #[error("{0}")]
    Damaged(String),
    /// One value or one content cannot be read; the rest can.
    #[error("{0}")]
    Corrupt(String),
    /// A newer controller has written the data.
    #[error("the data was written by a newer controller (schema {0})")]
    Newer(u32),
    /// The database's file holds the tables of another program.
    #[error("it belongs to another program")]
    Foreign,
    /// Ours to repair.
    #[error("{0}")]
    Bug(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        // The statement itself says nothing to a person.
        if let rusqlite::Error::SqlInputError { msg, .. } = error {
            return Error::Bug(format!("database: {msg}"));
        }
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly,
            ) => Error::Disk(error.to_string()),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationAborted,
            ) => Error::Busy(error.to_string()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Error::Damaged(error.to_string())
            }
            _ => Error::Bug(format!("database: {error}")),
        }
    }
}

/// What a function of the store gives.
pub(crate) type Result<T> = std::result::Result<T, Error>;
