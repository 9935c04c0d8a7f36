//! Reads the time of day, for the times that rows, starts and ends carry. The agent measures
//! durations with the monotonic clock of tokio, with one exception: a restarted agent computes the
//! age of a trial whose shim is gone from the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since 1970-01-01 UTC.
pub(crate) fn wall_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
