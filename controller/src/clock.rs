//! The only time in the controller. Monotonic time decides (leases, waits); wall time is only
//! shown. Both come from here, so that tests and the simulator can bring their own. Never used by
//! `sweeps` or `record`, which know no time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the time and waits. Follows tokio's clock, so a runtime with paused time makes it virtual.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_ms: i64,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the wall clock"
        )]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(millis(since_epoch))
    }

    /// A clock whose wall time is `wall_ms` (milliseconds since the epoch) now.
    pub fn starting_at(wall_ms: i64) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the monotonic clock"
        )]
        let started = Instant::now();
        Self { started, started_ms: wall_ms }
    }

    /// Monotonic time.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the monotonic clock"
    )]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// Milliseconds since the epoch, for people. Runs on from the start of the controller, so it
    /// never jumps back.
    pub fn wall_ms(&self) -> i64 {
        self.started_ms + millis(self.now() - self.started)
    }

    /// Returns at `deadline`, at once if it is over.
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
