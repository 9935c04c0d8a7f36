//! Names the streams of a run. The controller uses the type; messages and files hold the word.

use crate::file;

/// The name of a stream, which says what its rows hold. The order of the variants is the order of
/// their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamName {
    /// The lines that a program has printed.
    Console,
    /// The files, checkpoints and artifacts of a run.
    Files,
    /// The values that a program has logged.
    History,
    /// The config, code, machine and metric definitions of a run, notices of preemption, and the
    /// agent's note about the printed lines.
    Meta,
    /// The values that a program has set in its run's summary.
    Summary,
    /// Samples of how much of the machine the run's processes use.
    System,
}

impl StreamName {
    /// All streams.
    pub const ALL: [Self; 6] =
        [Self::Console, Self::Files, Self::History, Self::Meta, Self::Summary, Self::System];

    /// Returns the word that rows and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Files => file::STREAM,
            Self::History => "history",
            Self::Meta => "meta",
            Self::Summary => "summary",
            Self::System => "system",
        }
    }

    /// Returns the stream with this word; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_its_stream() {
        for stream in StreamName::ALL {
            assert_eq!(StreamName::from_name(stream.name()), Some(stream));
        }
        assert_eq!(StreamName::from_name("History"), None);
        assert!(StreamName::ALL.is_sorted_by_key(|stream| stream.name()));
    }
}
