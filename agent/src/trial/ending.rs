//! Reports the end of a trial after its program has ended. The agent first sends everything that
//! the trial wrote to the controller, and then the end. This module never touches a process.
//! `trial/mod.rs` calls it for real processes, and the simulator for simulated ones.

use std::{path::Path, time::Duration};

use probes::{Bug, planted};
use proto::{
    dial::hint,
    folder::RunFile,
    v1::{BeginRun, EndRun, Outcome},
};
use record::ids::Attempt;
use tokio::{sync::mpsc, time::sleep};
use tonic::Status;

use super::{
    outcome::Verdict,
    port::{Report, TrialNews},
};
use crate::{
    clock::wall_ms,
    controller::link::{Link, Meaning, is_answer, meaning},
    output::shipper::{Shipped, Shipper},
};

/// How often the agent sends an end to a controller that fails to take it. All tries of an end
/// together take about 20 seconds.
const END_TRIES: u32 = 10;

/// A trial whose program has ended.
#[derive(Debug)]
pub struct Ending<'a, L> {
    /// The link to the controller.
    pub link: &'a L,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// The attempt's folder.
    pub dir: &'a Path,
    /// The channel to the agent's loop.
    pub news: &'a mpsc::Sender<TrialNews>,
    /// How long the trial ran.
    pub ran: Duration,
}

impl<L: Link> Ending<'_, L> {
    /// Reports the end to the agent's loop and to the controller. `report` already names data that
    /// could not be read.
    pub async fn tell(self, verdict: Verdict, shipper: Shipper<L>, mut report: Report) {
        self.over(verdict.clone()).await;
        if matches!(verdict, Verdict::Decline(_)) {
            return;
        }
        let end = match verdict {
            // If the console cannot be read, its rows cannot be sent. An end would then wrongly say
            // that the rows are complete.
            Verdict::Report(outcome) if !report.unsent => Some(self.end_of(outcome)),
            Verdict::Report(_) => {
                self.over(Verdict::Lost).await;
                None
            }
            _ => None,
        };
        let (mut left, mut told) = (false, false);
        let mut waits = |status: &Status, bytes: u64| {
            if !left {
                left = true;
                self.leave_word(end.clone());
            }
            // If the controller does not answer at all, the agent's loop reports that after a
            // failed heartbeat.
            if !told && (hint(status).is_some() || is_answer(status)) {
                told = true;
                let (attempt, why) = (self.attempt.clone(), status.message().to_owned());
                // This message is for people, so it is dropped if the channel is full.
                let _ = self.news.try_send(TrialNews::Waits { attempt, bytes, why });
            }
        };
        let shipped = match planted(Bug::EndWithoutRows) {
            true => Shipped::default(),
            false => shipper.finish(&mut waits).await,
        };
        report.unsent |= !shipped.problems.is_empty();
        report.problems.extend(shipped.problems);
        if let Some(end) = end.clone().filter(|_| !shipped.fenced) {
            if shipped.lacks_rows && !planted(Bug::SlipGivesUpRows) {
                // Without the missing rows the result would be wrong. So the attempt counts as
                // lost, and `retry` may run the trial again. `sweep sync` can send the rows later.
                self.over(Verdict::Lost).await;
            } else {
                self.end(end, &mut report, waits).await;
            }
        }
        if report.unsent {
            self.leave_word(end);
        }
        self.say(TrialNews::Reported { attempt: self.attempt.clone(), report: Box::new(report) })
            .await;
    }

    fn end_of(&self, outcome: Outcome) -> EndRun {
        EndRun {
            run: self.attempt.run.to_string(),
            attempt: self.attempt.number,
            outcome: Some(outcome),
            ran_ms: u64::try_from(self.ran.as_millis()).ok(),
            ..EndRun::default()
        }
    }

    /// Writes `run.json` with the end beside the rows, for `sweep sync`: the agent may have to
    /// leave before it has sent everything. If writing fails, the agent's warning about this
    /// attempt does not mention `sweep sync`.
    fn leave_word(&self, end: Option<EndRun>) {
        let (run, attempt) = (self.attempt.run.to_string(), self.attempt.number);
        let mut file = RunFile::new(BeginRun { run, attempt, ..BeginRun::default() });
        file.end = end.map(|end| EndRun { ended_ms: Some(wall_ms()), ..end });
        let _ = file.write(self.dir);
    }

    /// Reports the end, and waits while the controller is away. If the controller refuses the end,
    /// the attempt counts as lost. Without that, a repeated start order of the controller might
    /// make the agent run the attempt again.
    async fn end(
        &self,
        end: EndRun,
        report: &mut Report,
        mut waits: impl FnMut(&Status, u64) + Send,
    ) {
        let (mut tries, mut troubles) = (0, 0);
        loop {
            let status = match self.link.end(end.clone()).await {
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
                    let problem =
                        format!("the controller does not take its end: {}", status.message());
                    report.problems.push(problem);
                    report.unsent = true;
                    return self.over(Verdict::Lost).await;
                }
            }
            tries += 1;
        }
    }

    async fn over(&self, verdict: Verdict) {
        self.say(TrialNews::Over { attempt: self.attempt.clone(), verdict, ran: self.ran }).await;
    }

    async fn say(&self, news: TrialNews) {
        // The channel is closed only while the agent is leaving. A restarted agent finds this trial
        // in the holdings.
        let _ = self.news.send(news).await;
    }
}
