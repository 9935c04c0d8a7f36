//! Defines why a data folder cannot be opened.

use std::io;

use super::database::Error;

/// Why a data folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The folder cannot be made or read.
    #[error("{}", plain(.0))]
    Folder(#[from] io::Error),
    /// A file in the folder cannot be written.
    #[error("`{file}` cannot be written: {}", plain(.cause))]
    ReadOnly {
        /// The file, without the folder.
        file: String,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The folder is no data folder.
    #[error("{0}")]
    NoFolder(&'static str),
    /// The folder holds files that only a controller with a database leaves, but no database.
    #[error("it is missing or empty, beside {0}")]
    NoDatabase(&'static str),
    /// The database names contents, but the data folder holds none of them.
    #[error("the folder `blobs` is missing or empty, though the database names contents")]
    NoContents,
    /// Another process uses the folder.
    #[error("another controller uses it")]
    InUse,
    /// The database does not open.
    #[error("cannot open the database: {0}")]
    Database(#[source] Error),
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        match error {
            // A process that does not lock the folder, such as an earlier version, holds SQLite's
            // lock.
            Error::Busy(_) => OpenError::InUse,
            error => OpenError::Database(error),
        }
    }
}

/// Returns the operating system's message in lower case and without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
