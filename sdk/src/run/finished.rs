//! How runs end: the outcomes that this process reports, and what became of the rows.

use std::fmt;

use proto::v1::Outcome;

/// `1 row`, `2 rows`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What became of a run's rows. Its `Display` is a sentence for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The run.
    pub run: String,
    /// Rows that were accepted: all of them are in the journal, and at the controller unless an
    /// agent ships the rest.
    pub accepted: u64,
    /// Rows that were refused because the buffer was full. `accepted + refused` is the number of
    /// calls.
    pub refused: u64,
    /// Values within accepted rows that were left out or shortened: a key over 512 bytes, a text
    /// over 256 KiB, a row over 1 MiB, a file that the disk did not take.
    pub cut: u64,
    /// What the controller wants people to know of this end, else empty.
    pub note: String,
}

impl fmt::Display for Finished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "run `{}`: {} logged", self.run, count(self.accepted, "row"))?;
        if self.refused > 0 {
            write!(
                formatter,
                ", {} refused since they came faster than the disk took them",
                self.refused
            )?;
        }
        if self.cut > 0 {
            write!(formatter, ", {} too long and cut", count(self.cut, "value"))?;
        }
        if !self.note.is_empty() {
            write!(formatter, "; {}", self.note)?;
        }
        Ok(())
    }
}

pub(crate) fn finished() -> Outcome {
    Outcome { state: "finished".to_owned(), ..Outcome::default() }
}

pub(crate) fn failed(message: String) -> Outcome {
    Outcome { state: "failed".to_owned(), class: "error".to_owned(), message, ..Outcome::default() }
}
