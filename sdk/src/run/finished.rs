//! Defines the result of a run's end: the outcome for the controller, and the counts of rows for
//! the program.

use std::fmt;

use proto::v1::Outcome;

/// Returns the number with its noun, such as `1 row` or `2 rows`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The result of [`Run::finish`](crate::Run::finish): the counts of the run's rows. `Display`
/// prints the counts as a sentence. In a disabled run, all counts are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The run's id.
    pub run: String,
    /// The number of rows of `log` and `summary` that the buffer accepted. The controller has all
    /// of them, with two exceptions. In a sweep, the agent may still have to send some; an offline
    /// run keeps them for `sweep sync`.
    pub accepted: u64,
    /// The number of rows that the buffer refused, because it was full or the run had ended. The
    /// count includes rows of the console and statements about the run, such as updates of the
    /// config.
    pub refused: u64,
    /// The number of values in accepted rows that were left out or shortened. The limits are 512
    /// bytes for a key, 256 KiB for a text or JSON object, and 1 MiB for a row. A value whose file
    /// could not be stored counts too.
    pub cut: u64,
    /// The controller's note on the end of the run, for people; empty if there is none.
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
