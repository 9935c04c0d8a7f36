//! Sorts the failures of the database by what they mean for the caller. The functions of `store`
//! that use the database or the contents of files return this error.

use rusqlite::ErrorCode;

/// A failure of the database or of a stored content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The disk is full or fails. The same call may succeed later.
    #[error("{0}")]
    Disk(String),
    /// Another process is in the way, memory is short, or the controller is shutting down. The same
    /// call may succeed later.
    #[error("the database cannot do this now: {0}")]
    Busy(String),
    /// The data folder is missing, or is not the one that was opened.
    #[error("{0}")]
    Gone(String),
    /// The database file is damaged: it holds bytes that no controller has written.
    #[error("{0}")]
    Damaged(String),
    /// One value or one content cannot be read; the rest can.
    #[error("{0}")]
    Corrupt(String),
    /// A newer controller has written the data.
    #[error("the data was written by a newer controller (schema {0})")]
    Newer(u32),
    /// The database file holds the tables of another program.
    #[error("it belongs to another program")]
    Foreign,
    /// A bug in the controller.
    #[error("{0}")]
    Bug(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        // The message leaves out the SQL statement, which means nothing to a user.
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

/// The result of a function of the store.
pub(crate) type Result<T> = std::result::Result<T, Error>;
