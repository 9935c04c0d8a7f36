//! The heartbeat's rhythm: one in flight at a time, a newer one takes its place, a controller that
//! is away is tried again and again. Knows when to beat and nothing of what a beat says. Used by
//! `agent.rs`.

use std::{future::Future, pin::Pin, time::Duration};

use proto::v1::{Beat, Orders};
use tokio::time::Instant;
use tonic::Status;

use super::link::Link;
use crate::plan::News;

/// A third of the controller's own default, until it has said how long a lease is.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The controller's lease is used in thirds, so that two lost beats do no harm.
const BEATS_PER_LEASE: u32 = 3;
/// After an answer that filled every slot, the next beat could only wait: a trial that ends sooner
/// saves it. And how old a beat must be before news that can wait take its place.
const UNHURRIED: Duration = Duration::from_millis(50);
/// An answer that changes nothing and comes sooner than this means that the next would too.
const AT_ONCE: Duration = Duration::from_millis(50);
/// The longest pause after such answers.
const MAX_PAUSE: Duration = Duration::from_millis(500);

type Flight = Pin<Box<dyn Future<Output = Result<Orders, Status>> + Send>>;

/// How the controller answers, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// As before.
    Same,
    /// It is there again, after so long.
    Back(Duration),
    /// It does not answer any more.
    Lost,
}

/// The heart.
pub struct Heart<L> {
    link: L,
    flight: Option<Flight>,
    sent: Instant,
    next: Instant,
    wait: Duration,
    /// Nothing has been heard since.
    silent_since: Instant,
    failures: u32,
    /// Answers in a row that came at once and changed nothing.
    idle_answers: u32,
    met: bool,
}

impl<L: Link> Heart<L> {
    /// A heart that has not beaten yet.
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

    /// How long the controller may keep the next beat. The first one comes back at once: it tells
    /// the lease. So does one after a failure: no news takes its place, so a long poll would keep
    /// them all back.
    pub fn wait(&self) -> Duration {
        if self.failures > 0 { Duration::ZERO } else { self.wait }
    }

    /// When the next beat should go out, given what there is to say; `None`: not before the answer
    /// to the one under way.
    pub fn due(&self, news: News) -> Option<Instant> {
        let away = self.failures > 0;
        match news {
            News::Now if !away => Some(self.sent),
            News::Soon if !away => Some(self.sent + UNHURRIED),
            _ => self.flight.is_none().then_some(self.next),
        }
    }

    /// Sends a beat, in place of the one under way.
    pub fn send(&mut self, beat: Beat) {
        let link = self.link.clone();
        self.sent = Instant::now();
        self.flight = Some(Box::pin(async move { link.beat(beat).await }));
    }

    /// The answer to the beat under way; waits for ever when there is none.
    pub async fn answer(&mut self) -> Result<Orders, Status> {
        let Some(flight) = &mut self.flight else { return std::future::pending().await };
        let answer = flight.await;
        self.flight = None;
        answer
    }

    /// Sets the rhythm after an answer. `changed`: it brought orders. `full`: no slot is free.
    pub fn answered(&mut self, orders_lease: Duration, changed: bool, full: bool) -> Contact {
        let now = Instant::now();
        let at_once = now.duration_since(self.sent) < AT_ONCE;
        self.idle_answers = if at_once && !changed { self.idle_answers + 1 } else { 0 };
        let pause = match self.idle_answers {
            0 if changed && full => UNHURRIED,
            0 => Duration::ZERO,
            answers => (AT_ONCE * 2_u32.pow(answers.min(5) - 1)).min(MAX_PAUSE),
        };
        // The very first answer came at once since we asked for that.
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

    /// Sets the rhythm after a beat that failed. One alone is not worth a word.
    pub fn failed(&mut self) -> Contact {
        self.next = Instant::now() + proto::dial::backoff(self.failures, self.link.jitter());
        self.failures += 1;
        if self.failures == 2 { Contact::Lost } else { Contact::Same }
    }

    /// Whether the controller has ever answered.
    pub fn has_met(&self) -> bool {
        self.met
    }

    /// How long nothing has been heard.
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
    fn the_beat_after_a_failure_keeps_no_news_back() {
        let mut heart = Heart::new(Nobody);
        let lease = Duration::from_secs(30);
        heart.answered(lease, false, true);
        assert_eq!(heart.wait(), lease / BEATS_PER_LEASE);
        heart.failed();
        assert_eq!(heart.wait(), Duration::ZERO, "it is not replaced when there are news");
        heart.answered(lease, false, true);
        assert_eq!(heart.wait(), lease / BEATS_PER_LEASE);
    }
}
