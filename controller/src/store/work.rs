//! What a use case has made the one writer do. Counted by `Tx`, judged by the writer. It is a count
//! and no time, so that it is the same on every machine: docs/decisions/writer-bounds.md says what
//! stands behind the weights. Never reads a clock.

use std::time::Duration;

/// What was done in one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Statements that were run.
    pub(crate) statements: u64,
    /// Steps of SQLite's machine in them.
    pub(crate) steps: u64,
    /// Bytes of texts and blobs that went into the database or came out of it.
    pub(crate) bytes: u64,
    /// Bytes of runs' parameters that an update of another column has written again.
    pub(crate) rewritten: u64,
    /// Bytes of JSON that were parsed or written.
    pub(crate) json: u64,
    /// Bytes of rows that were decoded or encoded.
    pub(crate) rows: u64,
}

/// The longest that one use case may hold the writer.
pub(crate) const LONGEST: Duration = Duration::from_millis(100);

impl Work {
    /// What this takes on a slow machine.
    pub(crate) fn bound(&self) -> Duration {
        let Self { statements, steps, bytes, rewritten, json, rows } = *self;
        let weighed =
            [(statements, 1500), (steps, 40), (bytes, 2), (rewritten, 17), (json, 40), (rows, 20)];
        Duration::from_nanos(
            weighed
                .into_iter()
                .fold(0, |sum, (count, nanos)| sum.saturating_add(count.saturating_mul(nanos))),
        )
    }
}
