//! Reads the time of day, for ages and running times that people read.

/// Returns the milliseconds since 1970.
pub(crate) fn wall_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
    let now = jiff::Timestamp::now();
    now.as_millisecond()
}
