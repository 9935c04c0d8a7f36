//! Defines how runs end: the outcomes that this process reports, and the counts of a run's rows.

use std::fmt;

use proto::v1::Outcome;

/// Returns the number with its noun, such as `1 row` or `2 rows`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The result of [`Run::finish`](crate::Run::finish): the counts of the run's rows. Its `Display`
/// is a sentence for people. In a disabled run all counts are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The run's id.
    pub run: String,
    /// The number of rows of `log` and `summary` that were accepted. All of them are in the
    /// journal. The controller has them too, unless an agent ships the rest.
    pub accepted: u64,
    /// The number of rows that were refused, because the buffer was full or the run had ended.
    /// Besides rows of `log` and `summary` this includes lines of the console and updates of the
    /// config.
    pub refused: u64,
    /// The number of values in accepted rows that were left out or shortened. The causes are a key
    /// over 512 bytes, a text over 256 KiB, a row over 1 MiB, or a file that the disk did not take.
    pub cut: u64,
    /// The controller's note on this end, for people; empty if there is none.
    pub note: String,
}

impl fmt::Display for Finished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "run `{}`: {} logged", self.run, count(self.accepted, "row"))?;
        if self.refused > 0 {
            write!(
                formatter,
                ", {} refused because they came faster than the disk took them",
                self.refused
            )?;
        }
        if self.cut > 0 {
            write!(formatter, ", {} left out or shortened", count(self.cut, "value"))?;
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
