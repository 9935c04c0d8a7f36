//! What follows the end of a trial's processes: everything that it wrote goes to the controller, then its end does. The same
//! for real processes and for the simulator's. Called by `trial.rs`; never touches a process.

use std::time::Duration;

use probes::{Bug, planted};
use proto::{
    dial::hint,
    v1::{EndRun, Outcome},
};
use tokio::{sync::mpsc, time::sleep};
use tonic::Status;

use crate::{
    holdings::Attempt,
    link::{Link, Meaning, meaning},
    outcome::Verdict,
    shipper::{Shipped, Shipper},
    trial::{News, Report},
};

/// How long a reachable controller gets to take what a trial has left.
const SHIP_LIMIT: Duration = Duration::from_secs(60);
/// How often an end is told to a controller that fails at taking it: some 20 seconds.
const END_TRIES: u32 = 10;

/// A trial whose processes are gone.
#[derive(Debug)]
pub struct Ending<'a, L> {
    /// The way to the controller.
    pub link: &'a L,
    /// Which.
    pub attempt: &'a Attempt,
    /// Where news go.
    pub news: &'a mpsc::Sender<News>,
    /// How long it ran.
    pub ran: Duration,
}

impl<L: Link> Ending<'_, L> {
    /// Tells the agent and the controller. `report` holds what is known so far of what could not be sent.
    pub async fn tell(self, verdict: Verdict, shipper: Shipper<L>, mut report: Report) {
        self.over(verdict.clone()).await;
        if matches!(verdict, Verdict::Decline(_)) {
            return;
        }
        let mut told = false;
        let mut waits = |status: &Status, bytes: u64| {
            // Who gives advice is there, and will not take it now. Of a controller that is away the heartbeats tell.
            if !told && hint(status).is_some() {
                told = true;
                let (attempt, why) = (self.attempt.clone(), status.message().to_owned());
                // It is for people: where there is no room it is left out.
                let _ = self.news.try_send(News::Waits { attempt, bytes, why });
            }
        };
        let shipped = match planted(Bug::EndWithoutRows) {
            true => Shipped::default(),
            false => shipper.finish(SHIP_LIMIT, &mut waits).await,
        };
        report.problems.extend(shipped.problems);
        if let Verdict::Report(outcome) = verdict
            && !shipped.fenced
        {
            self.end(outcome, &mut report, waits).await;
        }
        self.say(News::Reported { attempt: self.attempt.clone(), report: Box::new(report) }).await;
    }

    /// Reports the end, for as long as the controller is away. One that does not take it has not heard of it: the
    /// attempt is lost then, or the order to start it might come again and be obeyed.
    async fn end(&self, outcome: Outcome, report: &mut Report, mut waits: impl FnMut(&Status, u64) + Send) {
        let (mut tries, mut troubles) = (0, 0);
        loop {
            let request = EndRun {
                run: self.attempt.run.clone(),
                attempt: self.attempt.number,
                outcome: Some(outcome.clone()),
                ran_ms: u64::try_from(self.ran.as_millis()).ok(),
                ..EndRun::default()
            };
            let status = match self.link.end(request).await {
                Ok(ended) => {
                    (report.run, report.note) = (ended.run, ended.note);
                    return;
                }
                Err(status) => status,
            };
            let meaning = meaning(&status);
            troubles += u32::from(meaning == Meaning::Trouble);
            match meaning {
                Meaning::Fenced => return,
                Meaning::Away => {
                    waits(&status, 0);
                    sleep(proto::dial::backoff(tries, self.link.jitter())).await;
                }
                Meaning::Trouble if troubles < END_TRIES => {
                    sleep(proto::dial::backoff(troubles - 1, self.link.jitter())).await;
                }
                Meaning::Trouble | Meaning::Gap(_) | Meaning::Refused => {
                    let problem = format!("the controller does not take its end: {}", status.message());
                    report.problems.push(problem);
                    return self.over(Verdict::Lost).await;
                }
            }
            tries += 1;
        }
    }

    async fn over(&self, verdict: Verdict) {
        self.say(News::Over { attempt: self.attempt.clone(), verdict, ran: self.ran }).await;
    }

    async fn say(&self, news: News) {
        // Nobody listens only when the agent is leaving; the next one finds this trial in the holdings.
        let _ = self.news.send(news).await;
    }
}
