//! Times the heartbeats. One is in flight at a time, and a newer one replaces it. It tries a
//! controller that is away again and again. It knows when to beat, and nothing of what a beat says.
//! `agent.rs` uses it.

use std::{future::Future, pin::Pin, time::Duration};

use proto::v1::{Beat, Orders};
use tokio::time::Instant;
use tonic::Status;

use super::link::Link;
use crate::plan::News;

/// The wait of a beat until the controller has named its lease: a third of the controller's
/// default.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The number of beats per lease, so that two lost beats do no harm.
const BEATS_PER_LEASE: u32 = 3;
/// The pause after an answer that filled every slot: the next beat could only wait, and a trial
/// that ends sooner saves it. It is also the age at which a beat may be replaced by news that can
/// wait.
const UNHURRIED: Duration = Duration::from_millis(50);
/// An answer that changes nothing and comes sooner than this predicts that the next one would too.
const AT_ONCE: Duration = Duration::from_millis(50);
/// The longest pause after such answers.
const MAX_PAUSE: Duration = Duration::from_millis(500);

type Flight = Pin<Box<dyn Future<Output = Result<Orders, Status>> + Send>>;

/// A change in the contact with the controller, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Nothing has changed.
    Same,
    /// The controller answers again, after so long.
    Back(Duration),
    /// The controller does not answer any more.
    Lost,
}

/// The state of the heartbeat.
pub struct Heart<L> {
    link: L,
    flight: Option<Flight>,
    sent: Instant,
    next: Instant,
    wait: Duration,
    /// The time of the last answer.
    silent_since: Instant,
    failures: u32,
    /// The number of answers in a row that came at once and changed nothing.
    idle_answers: u32,
    met: bool,
}

impl<L: Link> Heart<L> {
    /// Makes a heart that has not beaten yet.
    pub fn new(link: L) -> Self {
        let now = Instant::now();
        Self {
            link,
            flight: None,
            sent: now,
            next: now,
            wait: Duration::ZERO,
            silent_since: now,
            failures: 0,
            idle_answers: 0,
            met: false,
        }
    }

    /// Returns how long the controller may hold the next beat. The first beat comes back at once,
    /// since its answer names the lease. A beat after a failure does too: it is not replaced by
    /// news, so a long poll would hold back all news.
    pub fn wait(&self) -> Duration {
        if self.failures > 0 { Duration::ZERO } else { self.wait }
    }

    /// Returns when the next beat should go out, given its news. `None`: not before the answer to
    /// the beat under way.
    pub fn due(&self, news: News) -> Option<Instant> {
        let away = self.failures > 0;
        match news {
            News::Now if !away => Some(self.sent),
            News::Soon if !away => Some(self.sent + UNHURRIED),
            _ => self.flight.is_none().then_some(self.next),
        }
    }

    /// Sends a beat and drops the one under way.
    pub fn send(&mut self, beat: Beat) {
        let link = self.link.clone();
        self.sent = Instant::now();
        self.flight = Some(Box::pin(async move { link.beat(beat).await }));
    }

    /// Returns the answer to the beat under way. Waits for ever if there is none.
    pub async fn answer(&mut self) -> Result<Orders, Status> {
        let Some(flight) = &mut self.flight else { return std::future::pending().await };
        let answer = flight.await;
        self.flight = None;
        answer
    }

    /// Sets the rhythm after an answer. `changed` says that it brought orders, `full` that no slot
    /// is free.
    pub fn answered(&mut self, orders_lease: Duration, changed: bool, full: bool) -> Contact {
        let now = Instant::now();
        let at_once = now.duration_since(self.sent) < AT_ONCE;
        self.idle_answers = if at_once && !changed { self.idle_answers + 1 } else { 0 };
        let pause = match self.idle_answers {
            0 if changed && full => UNHURRIED,
            0 => Duration::ZERO,
            answers => (AT_ONCE * 2_u32.pow(answers.min(5) - 1)).min(MAX_PAUSE),
        };
        // The very first answer came at once because the beat asked for that.
        self.next = if self.met { now + pause } else { now };
        self.wait =
            if orders_lease.is_zero() { FIRST_WAIT } else { orders_lease / BEATS_PER_LEASE };
        let contact = if self.failures > 1 {
            Contact::Back(now.duration_since(self.silent_since))
        } else {
            Contact::Same
        };
        (self.failures, self.met, self.silent_since) = (0, true, now);
        contact
    }

    /// Sets the rhythm after a failed beat. A single failure is not reported.
    pub fn failed(&mut self) -> Contact {
        self.next = Instant::now() + proto::dial::backoff(self.failures, self.link.jitter());
        self.failures += 1;
        if self.failures == 2 { Contact::Lost } else { Contact::Same }
    }

    /// Returns whether the controller has ever answered.
    pub fn has_met(&self) -> bool {
        self.met
    }

    /// Returns the time since the last answer.
    pub fn silence(&self) -> Duration {
        self.silent_since.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use proto::v1::{AppendRows, Appended, EndRun, RunEnded};

    use super::*;

    #[derive(Clone)]
    struct Nobody;

    impl Link for Nobody {
        async fn beat(&self, _: Beat) -> Result<Orders, Status> {
            std::future::pending().await
        }

        async fn contents(&self, _: &std::path::Path, _: &[u8]) -> Result<(), blobs::Trouble> {
            Err(Status::unavailable("nobody").into())
        }

        async fn append(&self, _: AppendRows) -> Result<Appended, Status> {
            std::future::pending().await
        }

        async fn end(&self, _: EndRun) -> Result<RunEnded, Status> {
            std::future::pending().await
        }
    }

    #[test]
    fn the_beat_after_a_failure_holds_back_no_news() {
        let mut heart = Heart::new(Nobody);
        let lease = Duration::from_secs(30);
        heart.answered(lease, false, true);
        assert_eq!(heart.wait(), lease / BEATS_PER_LEASE);
        heart.failed();
        assert_eq!(heart.wait(), Duration::ZERO, "news do not replace this beat");
        heart.answered(lease, false, true);
        assert_eq!(heart.wait(), lease / BEATS_PER_LEASE);
    }
}
