//! What can go wrong with images, audio and the other values that become files.

use std::{io, path::PathBuf};

use crate::error::speak;

/// Why a value that is a file could not be made.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be kept in the run's folder.
    #[error("cannot keep `{}`: {source}", path.display())]
    Keep {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The bytes are of no format that is known.
    #[error("{0}")]
    Format(String),
    /// The numbers do not fit together.
    #[error("{0}")]
    Shape(String),
    /// The encoder did not take it.
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
