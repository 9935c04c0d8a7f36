//! Reads the time of day, for the timestamps of rows and for the start and end of a run in
//! `run.json`. The SDK compares timestamps only to find the newest checkpoint among the journals of
//! one attempt.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since 1970. A row's timestamp is the time at which the journal takes
/// the row, some milliseconds after `log`. If `log` read the clock, each call would cost the caller
/// more time.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
