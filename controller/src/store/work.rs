//! Defines the work of a use case: counts of statements, steps and bytes, and the time that they
//! may take. `Tx` counts the work, and the writer compares it with a bound. The work is a count and
//! not a time, so that it is the same on every machine. docs/decisions/writer-bounds.md explains
//! the weights. This module never reads a clock.

use std::time::Duration;

/// The work of one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// The number of SQL statements that were run.
    pub(crate) statements: u64,
    /// The steps of SQLite's virtual machine in them.
    pub(crate) steps: u64,
    /// The bytes of texts and blobs that went into the database or came out of it.
    pub(crate) bytes: u64,
    /// The bytes of runs' parameters that an update of another column has written again.
    pub(crate) rewritten: u64,
    /// The bytes of JSON that were parsed or written.
    pub(crate) json: u64,
    /// The bytes of rows that were decoded or encoded.
    pub(crate) rows: u64,
}

/// The longest time for which one use case may hold the writer. The writer only warns about a use
/// case whose bound is longer.
pub(crate) const LONGEST: Duration = Duration::from_millis(100);

impl Work {
    /// Returns the time that this work takes at most on a slow machine.
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
