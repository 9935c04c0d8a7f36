//! Reads the time of day, which only people read. The SDK decides nothing by it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since 1970. A row gets the time at which it leaves the buffer, some
/// milliseconds after it was logged: reading the clock in `log` would cost the caller time.
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
