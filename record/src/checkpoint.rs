//! Encodes and decodes the row of the stream `files` that announces a checkpoint. The row names the
//! checkpoint's content, and says how many rows the writer had logged before the checkpoint. The
//! clients and the controller share this module. The module is pure and never reads the content of
//! a checkpoint.

use crate::{
    Row, Value,
    file::{BadFile, check_content},
};

/// The row of the stream `files` that announces a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    /// The step of the first row that the program logs without a step of its own after a resume.
    pub step: u64,
    /// The SHA-256 of the checkpoint's content: 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The size of the checkpoint's content in bytes.
    pub size: u64,
    /// The number of rows of the stream `history` that the writer had logged before the checkpoint.
    pub history: u64,
    /// The number of rows of the stream `summary` that the writer had logged before the checkpoint.
    pub summary: u64,
}

impl CheckpointRow {
    /// The key that marks the row of a checkpoint; the rows of files and artifacts do not have it.
    const STEP: &str = "checkpoint";

    /// Returns whether a row announces a checkpoint.
    pub fn is_one(row: &Row) -> bool {
        row.values.iter().any(|(key, _)| key == Self::STEP)
    }

    /// Returns the keys and values of the row.
    pub fn values(&self) -> Vec<(&'static str, Value)> {
        let number = |number: u64| Value::I64(number.cast_signed());
        vec![
            (Self::STEP, number(self.step)),
            ("sha256", Value::Text(self.sha256.clone())),
            ("size", number(self.size)),
            ("history", number(self.history)),
            ("summary", number(self.summary)),
        ]
    }

    /// Reads the checkpoint that a row announces.
    ///
    /// # Errors
    /// Fails with [`BadFile`] if a value is missing, has another type or is out of range.
    pub fn of(row: &Row) -> Result<Self, BadFile> {
        let value = |name| row.values.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let number = |name| match value(name) {
            Some(Value::I64(number)) => Ok(number.cast_unsigned()),
            _ => Err(BadFile::Checkpoint(name)),
        };
        let Some(Value::Text(sha256)) = value("sha256") else {
            return Err(BadFile::Checkpoint("sha256"));
        };
        let (step, size) = (number(Self::STEP)?, number("size")?);
        check_content(sha256, size)?;
        let checkpoint = Self {
            step,
            sha256: sha256.clone(),
            size,
            history: number("history")?,
            summary: number("summary")?,
        };
        // The controller's database stores signed 64-bit integers, so larger numbers of rows are
        // invalid.
        match i64::try_from(checkpoint.history.max(checkpoint.summary)) {
            Ok(_) => Ok(checkpoint),
            Err(_) => Err(BadFile::Checkpoint("history")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::MAX_FILE_BYTES;

    fn row(checkpoint: &CheckpointRow) -> Row {
        let values = checkpoint.values().into_iter().map(|(name, value)| (name.to_owned(), value));
        Row { step: 0, wall_ms: 0, values: values.collect() }
    }

    #[test]
    fn a_row_comes_back_and_an_invalid_row_is_refused() {
        let checkpoint = CheckpointRow {
            step: u64::MAX,
            sha256: "0".repeat(64),
            size: 7,
            history: 50,
            summary: 0,
        };
        assert_eq!(CheckpointRow::of(&row(&checkpoint)), Ok(checkpoint.clone()));
        for at in 0..checkpoint.values().len() {
            let mut less = row(&checkpoint);
            less.values.remove(at);
            assert!(matches!(CheckpointRow::of(&less), Err(BadFile::Checkpoint(_))));
        }
        for bad in [
            CheckpointRow { sha256: "../x".to_owned(), ..checkpoint.clone() },
            CheckpointRow { size: MAX_FILE_BYTES + 1, ..checkpoint.clone() },
            CheckpointRow { history: u64::MAX, ..checkpoint.clone() },
        ] {
            assert!(CheckpointRow::of(&row(&bad)).is_err(), "{bad:?}");
        }
    }
}
