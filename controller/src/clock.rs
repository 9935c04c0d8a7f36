//! Provides all time in the controller. Monotonic time decides (leases, waits); wall time is only
//! shown. Both come from here, so that tests and the simulator can bring their own. `sweeps` and
//! `record` never use it: they know no time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the time and waits. It follows tokio's clock, so a runtime with paused time makes it
/// virtual.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_ms: i64,
}

impl Clock {
    /// Makes the machine's clock.
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the wall clock"
        )]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(millis(since_epoch))
    }

    /// Makes a clock whose wall time is `wall_ms` (milliseconds since the epoch) now.
    pub fn starting_at(wall_ms: i64) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the monotonic clock"
        )]
        let started = Instant::now();
        Self { started, started_ms: wall_ms }
    }

    /// Returns the monotonic time.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the monotonic clock"
    )]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// Returns the wall time in milliseconds since the epoch, for people. It runs on from the
    /// controller's start, so it never jumps back.
    pub fn wall_ms(&self) -> i64 {
        self.started_ms + millis(self.now() - self.started)
    }

    /// Returns at `deadline`, or at once if it is over.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    pub async fn sleep_until(&self, deadline: Instant) {
        tokio::time::sleep_until(deadline).await;
    }

    /// Returns after `pause`.
    pub async fn sleep(&self, pause: Duration) {
        self.sleep_until(self.now() + pause).await;
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
