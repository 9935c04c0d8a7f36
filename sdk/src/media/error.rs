//! Defines the error of making or storing images, audio and the other values that become files.

use std::{io, path::PathBuf};

use crate::error::speak;

/// The error of making or storing a value that becomes a file.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file's path.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// The file cannot be copied into the run's folder, its name in the run is not valid, or a
    /// table's temporary file cannot be created.
    #[error("cannot keep `{}`: {source}", path.display())]
    Keep {
        /// The file's path.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// The file or the bytes have no supported format. The field is the whole message.
    #[error("{0}")]
    Format(String),
    /// The given numbers, sizes, cells or columns do not fit together. The field is the whole
    /// message.
    #[error("{0}")]
    Shape(String),
    /// The encoder of the file format failed. The field is the encoder's message.
    #[error("cannot encode: {0}")]
    Encode(String),
}

speak!(MediaError);

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn an_error_reads_well_where_main_returns_it() {
        let error: Box<dyn Error> = MediaError::Format("`a.xyz` is no image".to_owned()).into();
        assert_eq!(format!("{error:?}"), "`a.xyz` is no image");
    }
}
