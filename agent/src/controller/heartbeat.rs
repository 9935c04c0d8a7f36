//! Decides when heartbeats go out, and waits for their answers. One heartbeat is in flight at a
//! time, and a newer one replaces it. While the controller is away, heartbeats go on with pauses.
//! The plan decides what a heartbeat says. `agent.rs` uses this module.

use std::{future::Future, pin::Pin, time::Duration};

use proto::v1::{Beat, Orders};
use tokio::time::Instant;
use tonic::Status;

use super::link::Link;
use crate::plan::News;

/// How long a heartbeat may wait at a controller whose answers name no lease: a third of the
/// default lease.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// How long the answer to a heartbeat may take, in addition to its wait, before the agent knows the
/// lease.
const FIRST_PATIENCE: Duration = Duration::from_secs(15);
/// The controller may delay its answer by the lease divided by this number. So several heartbeats
/// fit into one lease.
const BEATS_PER_LEASE: u32 = 3;
/// The pause after an answer that filled every slot. The next heartbeat could only wait, and a
/// trial that ends during the pause makes it unnecessary. The constant is also the age from which
/// [`News::Soon`] may replace a heartbeat.
const UNHURRIED: Duration = Duration::from_millis(50);
/// An answer that comes sooner than this is immediate. After an immediate answer that changes
/// nothing the heart pauses, because the next answer would probably be immediate too.
const AT_ONCE: Duration = Duration::from_millis(50);
/// The longest pause after immediate answers that change nothing.
const MAX_PAUSE: Duration = Duration::from_millis(500);

type Flight = Pin<Box<dyn Future<Output = Result<Orders, Status>> + Send>>;

/// A change in the contact with the controller, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Nothing has changed.
    Same,
    /// The controller answers again, after this time of silence.
    Back(Duration),
    /// Two heartbeats in a row have failed.
    Lost,
}

/// Sends heartbeats, one at a time, and schedules the next one.
pub struct Heart<L> {
    link: L,
    flight: Option<Flight>,
    sent: Instant,
    next: Instant,
    wait: Duration,
    patience: Duration,
    /// The time of the last answer with orders, or of the agent's start if there was none.
    silent_since: Instant,
    failures: u32,
    /// The number of answers in a row that came at once and changed nothing.
    idle_answers: u32,
    met: bool,
}

impl<L: Link> Heart<L> {
    /// Makes a heart that has not sent a heartbeat yet.
    pub fn new(link: L) -> Self {
        let now = Instant::now();
        Self {
            link,
            flight: None,
            sent: now,
            next: now,
            wait: Duration::ZERO,
            patience: FIRST_PATIENCE,
            silent_since: now,
            failures: 0,
            idle_answers: 0,
            met: false,
        }
    }

    /// Returns how long the controller may delay its answer to the next heartbeat. The first
    /// heartbeat allows no delay, because its answer names the lease. A heartbeat after a failure
    /// allows none either: a change does not replace such a heartbeat, so a long poll would hold
    /// back all changes.
    pub fn wait(&self) -> Duration {
        if self.failures > 0 { Duration::ZERO } else { self.wait }
    }

    /// Returns when the next heartbeat should go out, given how urgent it is. `None`: the next
    /// heartbeat waits for the answer to the one under way.
    pub fn due(&self, news: News) -> Option<Instant> {
        let away = self.failures > 0;
        match news {
            News::Now if !away => Some(self.sent),
            News::Soon if !away => Some(self.sent + UNHURRIED),
            _ => self.flight.is_none().then_some(self.next),
        }
    }

    /// Sends a heartbeat, and drops the one under way.
    pub fn send(&mut self, beat: Beat) {
        let link = self.link.clone();
        let limit = Duration::from_millis(beat.wait_ms.into()) + self.patience;
        self.sent = Instant::now();
        self.flight = Some(Box::pin(async move { link.beat(beat, limit).await }));
    }

    /// Returns the answer to the heartbeat under way. Without a heartbeat under way it waits for
    /// ever.
    pub async fn answer(&mut self) -> Result<Orders, Status> {
        let Some(flight) = &mut self.flight else { return std::future::pending().await };
        let answer = flight.await;
        self.flight = None;
        answer
    }

    /// Schedules the next heartbeat after an answer. `changed`: the answer made the plan act.
    /// `full`: the agent can start no further trial.
    pub fn answered(&mut self, orders_lease: Duration, changed: bool, full: bool) -> Contact {
        let now = Instant::now();
        let at_once = now.duration_since(self.sent) < AT_ONCE;
        self.idle_answers = if at_once && !changed { self.idle_answers + 1 } else { 0 };
        let pause = match self.idle_answers {
            0 if changed && full => UNHURRIED,
            0 => Duration::ZERO,
            answers => (AT_ONCE * 2_u32.pow(answers.min(5) - 1)).min(MAX_PAUSE),
        };
        // The very first answer came at once because its heartbeat allowed no delay.
        self.next = if self.met { now + pause } else { now };
        (self.wait, self.patience) = match orders_lease.is_zero() {
            true => (FIRST_WAIT, FIRST_PATIENCE),
            false => (orders_lease / BEATS_PER_LEASE, proto::dial::answer_patience(orders_lease)),
        };
        let contact = if self.failures > 1 {
            Contact::Back(now.duration_since(self.silent_since))
        } else {
            Contact::Same
        };
        (self.failures, self.met, self.silent_since) = (0, true, now);
        contact
    }

    /// Schedules the next heartbeat after a failed one. The second failure in a row returns
    /// [`Contact::Lost`].
    pub fn failed(&mut self) -> Contact {
        self.next = Instant::now() + proto::dial::backoff(self.failures, self.link.jitter());
        self.failures += 1;
        if self.failures == 2 { Contact::Lost } else { Contact::Same }
    }

    /// Returns whether the controller has ever answered a heartbeat with orders.
    pub fn has_met(&self) -> bool {
        self.met
    }

    /// Returns the time since the last answer with orders, or since the agent's start if there was
    /// none.
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
        async fn beat(&self, _: Beat, limit: Duration) -> Result<Orders, Status> {
            tokio::time::sleep(limit).await;
            Err(Status::deadline_exceeded("nobody"))
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

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_without_an_answer_costs_no_lease() {
        for seconds in [5, 15, 30, 90, 86_400] {
            let lease = Duration::from_secs(seconds);
            let mut heart = Heart::new(Nobody);
            // The heartbeat that the controller has answered now renewed the leases a third of the
            // lease ago.
            let renewed = Instant::now();
            tokio::time::advance(lease / BEATS_PER_LEASE).await;
            heart.answered(lease, false, true);
            let wait_ms = u32::try_from(heart.wait().as_millis()).unwrap();
            heart.send(Beat { wait_ms, ..Beat::default() });
            heart.answer().await.unwrap_err();
            heart.failed();
            let next = heart.due(News::Now).unwrap();
            assert!(next - renewed < lease, "{:?} of {lease:?}", next - renewed);
        }
    }
}
