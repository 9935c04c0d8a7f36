//! The streams of a run, by the names that the wire and the command line have for them.

use clap::ValueEnum;

/// A sequence of rows of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Stream {
    /// What was logged step by step
    History,
    /// What was measured of the machine
    System,
    /// Values that stand for the run
    Summary,
    /// What the program printed
    Console,
}

impl Stream {
    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::System => "system",
            Self::Summary => "summary",
            Self::Console => "console",
        }
    }
}
