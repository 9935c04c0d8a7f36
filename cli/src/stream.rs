//! Names the streams of a run that users can export and that imports fill. The streams `meta` and
//! `files` are not among them.

use clap::ValueEnum;

/// A stream of a run's rows. The comments of the variants are help texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Stream {
    /// The rows that the run logged step by step
    History,
    /// The measurements of the machine
    System,
    /// The values that sum up the run
    Summary,
    /// The lines that the program printed
    Console,
}

impl Stream {
    /// Returns the name of the stream on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::System => "system",
            Self::Summary => "summary",
            Self::Console => "console",
        }
    }
}
