//! The time of day, for people to read. Nothing is decided by it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since 1970. A row gets the time at which it leaves the buffer, some
/// milliseconds after it was logged: to read the clock in `log` would cost the caller something.
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
