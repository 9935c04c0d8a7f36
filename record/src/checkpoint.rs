//! A checkpoint on its way: the row of the stream `files` that says what its content is and how far
//! its writer's rows were when it was made. Used on both sides of the wire. Pure; knows nothing of
//! what is in a checkpoint.

use crate::{
    Row, Value,
    file::{BadFile, check_content},
};

/// A checkpoint as a row of the stream `files` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    /// The automatic step goes on here.
    pub step: u64,
    /// What is in it: SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Rows of the stream `history` that its writer had logged before.
    pub history: u64,
    /// Rows of the stream `summary` that its writer had logged before.
    pub summary: u64,
}

impl CheckpointRow {
    /// The value that tells the row of a checkpoint from others.
    const STEP: &str = "checkpoint";

    /// Whether a row tells of a checkpoint.
    pub fn is_one(row: &Row) -> bool {
        row.values.iter().any(|(key, _)| key == Self::STEP)
    }

    /// The values of the row.
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

    /// The checkpoint that a row tells of.
    ///
    /// # Errors
    /// [`BadFile`] when it is no such row, or one that nobody should act on.
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
        // They are counted in a database that has no larger numbers.
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
    fn a_row_comes_back_and_what_is_none_is_refused() {
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
