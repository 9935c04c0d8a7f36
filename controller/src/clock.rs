//! Provides all time in the controller. Monotonic time decides when leases end and waits are over.
//! Wall time is shown to people. It also decides what must outlast a restart: the grace of late
//! rows, the grace of blobs, and when keys, sessions and signed addresses expire. Both times come
//! from this module, so that tests and the simulator can control them. The crates `sweeps` and
//! `record` never read a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The controller's clock, which also waits. It follows tokio's clock, so a runtime with paused
/// time makes its time virtual.
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

    /// Returns the wall time in milliseconds since the epoch. It is the wall time at the
    /// controller's start plus the monotonic time since then. So it never goes back while the
    /// controller runs.
    pub fn wall_ms(&self) -> i64 {
        self.started_ms + millis(self.now() - self.started)
    }

    /// Waits until `deadline`. Returns at once if `deadline` has passed.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    pub async fn sleep_until(&self, deadline: Instant) {
        tokio::time::sleep_until(deadline).await;
    }

    /// Waits for `pause`.
    pub async fn sleep(&self, pause: Duration) {
        self.sleep_until(self.now() + pause).await;
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
