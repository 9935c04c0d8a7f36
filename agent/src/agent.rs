//! Runs the agent's only loop: it receives all events one by one, passes each to the plan, and
//! carries out the plan's actions. `main.rs` starts it, and so do tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    time::Duration,
};

use probes::{Bug, planted};
use proto::{
    folder::NAME as RUN_FILE,
    v1::{Beat, Orders, Start},
};
use record::ids::Attempt;
use terminal::{Exit, Failure, count};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tonic::{Code, Status};

use crate::{
    clock::wall_ms,
    controller::{
        failure,
        heartbeat::{Contact, Heart},
        link::{Link, Meaning, is_answer, meaning},
    },
    gauges::Gauges,
    plan::{Action, Event, Me, Plan},
    processes::cgroup,
    reporter::Reporter,
    slots::{
        layout::{Slot, occupied},
        release::Answer,
    },
    state::{
        folder::{self, Who},
        holdings::{Holding, Holdings},
    },
    trial::{
        outcome::{Stop, Verdict},
        port::{Report, Ticket, TrialNews, Trials},
    },
};

/// The most messages from trials that may wait for the loop. A trial's task that finds the queue
/// full waits; the trial's program goes on.
const NEWS_ROOM: usize = 256;
/// The most orders that may wait for one trial's task. The plan sends at most a stop and a fence.
const STOPS_ROOM: usize = 4;
/// How long an agent that holds nothing keeps trying a controller that has never answered it.
const FIRST_CONTACT: Duration = Duration::from_secs(5);
/// How long the agent's last calls to the controller may take, after all trials have ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A signal that the agent's process receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C: a person wants the agent to end. The first Ctrl-C lets running trials finish.
    Interrupt,
    /// SIGTERM: the node goes away. The running trials get the agent's grace to save their state.
    Terminate,
}

/// The parts that an agent needs.
#[derive(Debug)]
pub struct Setup<L, T> {
    /// The link to the controller.
    pub link: L,
    /// The agent's identity and limits.
    pub me: Me,
    /// The slots that trials occupy.
    pub slots: Vec<Slot>,
    /// The implementation that runs trials.
    pub trials: T,
    /// The agent's folder.
    pub data: PathBuf,
    /// The newest numbers of the node, for people.
    pub gauges: Gauges,
    /// The held attempts: at first, those that an earlier start of this agent has left.
    pub holdings: Holdings,
    /// The controller's address, for messages.
    pub controller: String,
    /// The printer of messages for people.
    pub reporter: Reporter,
}

/// Runs the agent until the sweep is over, `--count` trials have ended, a person ends the agent or
/// the node goes away.
///
/// # Errors
/// Fails with a [`Failure`] if the agent cannot go on, or if it has to leave data that is not sent.
pub async fn work<L: Link, T: Trials>(
    setup: Setup<L, T>,
    mut signals: mpsc::Receiver<Signal>,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let (news_in, mut news) = mpsc::channel(NEWS_ROOM);
    let mut agent = Agent::new(setup, news_in);
    agent.watch_gpus();
    agent.adopt();
    while !agent.plan.is_done() {
        agent.beat_if_due();
        let (due, leave_by) = (agent.heart.due(agent.plan.news()), agent.leave_by);
        tokio::select! {
            biased;
            answer = agent.heart.answer() => agent.answered(answer)?,
            Some(news) = news.recv() => agent.hear(news)?,
            Some(signal) = signals.recv() => agent.told(signal)?,
            () = sleep_until(due.unwrap_or(begun)), if due.is_some() => {}
            () = sleep_until(leave_by.unwrap_or(begun)), if leave_by.is_some() => break,
        }
        agent.hurry_if_leaving();
    }
    agent.leave(begun)
}

/// Whether the controller has all data of an attempt that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    All,
    /// All rows. But a part of the console or of the system metrics never became rows.
    Rows,
    NotAll,
}

struct Agent<L, T> {
    agent: String,
    grace: Duration,
    plan: Plan,
    heart: Heart<L>,
    slots: Vec<Slot>,
    trials: T,
    data: PathBuf,
    gauges: Gauges,
    holdings: Holdings,
    controller: String,
    reporter: Reporter,
    news: mpsc::Sender<TrialNews>,
    stops: BTreeMap<Attempt, mpsc::Sender<Stop>>,
    /// The verdict and the running time of each trial whose report is under way.
    ended: BTreeMap<Attempt, (Verdict, Duration)>,
    /// Reported attempts that still occupy their slots, with how much of each was sent. The
    /// holdings keep these attempts, so a restarted agent does not give their slots away either.
    staying: BTreeMap<Attempt, Sent>,
    /// The time at which the agent leaves, even if it has not reported every end.
    leave_by: Option<Instant>,
    /// The controller's last error message to a heartbeat. The agent does not print the same
    /// message twice in a row. Empty after a heartbeat that succeeded.
    refusal: String,
    /// The folders of trials that the agent no longer follows, and whose rows and files the
    /// controller does not have completely.
    unsent: Vec<PathBuf>,
}

impl<L: Link, T: Trials> Agent<L, T> {
    fn new(setup: Setup<L, T>, news: mpsc::Sender<TrialNews>) -> Self {
        Self {
            heart: Heart::new(setup.link),
            reporter: setup.reporter,
            agent: setup.me.agent.clone(),
            grace: setup.me.grace,
            plan: Plan::new(setup.me),
            slots: setup.slots,
            trials: setup.trials,
            data: setup.data,
            gauges: setup.gauges,
            holdings: setup.holdings,
            controller: setup.controller,
            news,
            stops: BTreeMap::new(),
            ended: BTreeMap::new(),
            staying: BTreeMap::new(),
            leave_by: None,
            refusal: String::new(),
            unsent: Vec::new(),
        }
    }

    /// Adopts the trials that an earlier start has left. The first heartbeat names all of them.
    fn adopt(&mut self) {
        let mut taken = Vec::new();
        let held = self.holdings.iter().filter(|_| !planted(Bug::NothingAdopted));
        for holding in held.cloned().collect::<Vec<_>>() {
            let slots = match holding.has_left {
                true => Vec::new(),
                false => occupied(&self.slots, &holding.devices, &taken),
            };
            taken.extend(&slots);
            self.plan.adopt(holding.attempt.clone(), slots);
            self.reporter.adopted(&holding);
            self.see_to(holding, None);
        }
    }

    fn see_to(&mut self, holding: Holding, start: Option<Start>) {
        let (stops_in, stops) = mpsc::channel(STOPS_ROOM);
        self.stops.insert(holding.attempt.clone(), stops_in);
        self.trials.see_to(Ticket { holding, news: self.news.clone(), stops }, start);
    }

    fn beat_if_due(&mut self) {
        if self.heart.due(self.plan.news()).is_some_and(|due| due <= Instant::now()) {
            let beat = self.plan.beat(self.heart.wait());
            self.heart.send(Beat { gauges: self.gauges.newest(), ..beat });
        }
    }

    fn answered(&mut self, answer: Result<Orders, Status>) -> Result<(), Failure> {
        let status = match answer {
            Ok(orders) => {
                let lease = Duration::from_millis(orders.lease_ms.into());
                let actions = self.plan.take(Event::Answered(orders));
                let contact =
                    self.heart.answered(lease, !actions.is_empty(), self.plan.free() == 0);
                if let Contact::Back(after) = contact {
                    self.reporter
                        .say(format_args!("the controller is back after {} s", after.as_secs()));
                }
                self.refusal.clear();
                return self.act(actions);
            }
            Err(status) => status,
        };
        self.unanswered(&status)
    }

    /// Handles a failed heartbeat. Only an agent that holds no trial gives up: at once if a repeat
    /// cannot succeed, or after [`FIRST_CONTACT`] if the controller has never answered. A
    /// controller that has accepted the agent's token before may accept it again.
    fn unanswered(&mut self, status: &Status) -> Result<(), Failure> {
        let (meaning, has_met) = (meaning(status), self.heart.has_met());
        let may_mend = match meaning {
            Meaning::Away if is_answer(status) => has_met && status.code() != Code::NotFound,
            Meaning::Away | Meaning::Trouble => true,
            Meaning::Fenced | Meaning::Gap(_) | Meaning::Refused => false,
        };
        if !may_mend && self.plan.holds_nothing() {
            return Err(failure::refused(&self.controller, status));
        }
        let contact = self.heart.failed();
        let tired = !has_met && self.heart.silence() > FIRST_CONTACT;
        if tired && self.plan.holds_nothing() {
            return Err(match is_answer(status) {
                true => failure::refused(&self.controller, status),
                false => failure::nobody(&self.controller, status),
            });
        }
        let running = self.plan.running();
        let meanwhile = match running {
            0 => String::new(),
            1 => ", 1 trial goes on".to_owned(),
            _ => format!(", {running} trials go on"),
        };
        let controller = &self.controller;
        if is_answer(status) {
            if self.refusal != status.message() {
                status.message().clone_into(&mut self.refusal);
                let what = if meaning == Meaning::Trouble { "fails to answer" } else { "refuses" };
                let said = status.message();
                self.reporter.warn(format_args!(
                    "the controller at {controller} {what} this agent ({said}): waiting{meanwhile}"
                ));
            }
        } else if contact == Contact::Lost && (has_met || !self.plan.holds_nothing()) {
            self.reporter.warn(format_args!(
                "no answer from the controller at {controller}: waiting{meanwhile}"
            ));
        }
        Ok(())
    }

    fn hear(&mut self, news: TrialNews) -> Result<(), Failure> {
        let event = match news {
            TrialNews::Launched(start) => {
                self.reporter.started(&start);
                return Ok(());
            }
            TrialNews::Waits { attempt, bytes, why } => {
                self.reporter.waits(&attempt.run, bytes, &why);
                return Ok(());
            }
            TrialNews::Started(attempt) => Event::Started(attempt),
            TrialNews::Slot(attempt, occupancy) => {
                let actions = self.plan.take(Event::Slot(attempt.clone(), occupancy));
                self.note_whether_left(&attempt);
                if let Some(sent) = self.staying.remove(&attempt) {
                    self.release(&attempt, sent);
                }
                return self.act(actions);
            }
            TrialNews::Gpus(answers) => {
                return answers.into_iter().try_for_each(|answer| self.hear_of_gpu(answer));
            }
            TrialNews::Over { attempt, verdict, ran } => {
                self.stops.remove(&attempt);
                if matches!(verdict, Verdict::Decline(_)) {
                    self.release(&attempt, Sent::All);
                } else {
                    self.ended.insert(attempt.clone(), (verdict.clone(), ran));
                }
                Event::Over { attempt, verdict, ran }
            }
            TrialNews::Reported { attempt, report } => {
                self.reported(&attempt, &report);
                Event::Reported(attempt)
            }
        };
        let over = match &event {
            Event::Over { attempt, .. } => Some(attempt.clone()),
            _ => None,
        };
        let actions = self.plan.take(event);
        over.iter().for_each(|attempt| self.note_whether_left(attempt));
        self.act(actions)
    }

    fn watch_gpus(&self) {
        let devices: BTreeSet<String> = self.slots.iter().flat_map(Slot::uuids).collect();
        self.trials.watch(devices.into_iter().collect(), self.news.clone());
    }

    fn hear_of_gpu(&mut self, answer: Answer) -> Result<(), Failure> {
        let of = |slot: &Slot| {
            slot.gpus.iter().find(|gpu| gpu.uuid == answer.uuid).map(ToString::to_string)
        };
        let names = self.slots.iter().map(of).enumerate();
        let (slots, mut names): (Vec<_>, Vec<_>) =
            names.filter_map(|(slot, name)| Some((slot, name?))).unzip();
        // Only an adopted trial can have a GPU without a slot. That GPU's trouble blocks no slot.
        let Some(gpu) = names.pop() else { return Ok(()) };
        let actions = self.plan.take(Event::Gpu { gpu, slots, trouble: answer.trouble });
        self.act(actions)
    }

    /// Records, for a restarted agent, that the attempt has left its slot, if it has left it.
    fn note_whether_left(&mut self, attempt: &Attempt) {
        if !self.plan.occupies(attempt) {
            self.holdings.left(attempt);
        }
    }

    fn reported(&mut self, attempt: &Attempt, report: &Report) {
        let ended = self.ended.remove(attempt);
        if let (Some(holding), Some((verdict, ran))) = (self.holdings.get(attempt), ended) {
            match &verdict {
                Verdict::Report(outcome) => {
                    self.reporter.ended(holding, Some(outcome), ran, report)
                }
                Verdict::Fenced => self.reporter.fenced(holding, ran),
                Verdict::Lost | Verdict::Decline(_) => {
                    self.reporter.ended(holding, None, ran, report)
                }
            }
        }
        let sent = match report.problems.is_empty() && report.console_sent {
            _ if report.unsent => Sent::NotAll,
            true => Sent::All,
            false => Sent::Rows,
        };
        self.release(attempt, sent);
    }

    /// Stops holding an attempt, as soon as the attempt has left its slot. Removes the attempt's
    /// files if everything in them was sent.
    fn release(&mut self, attempt: &Attempt, sent: Sent) {
        if self.plan.occupies(attempt) {
            self.staying.insert(attempt.clone(), sent);
            return;
        }
        if let Err(error) = self.holdings.remove(attempt) {
            self.reporter.warn(format_args!("cannot update the agent's folder: {error}"));
        }
        let Some(dir) = self.trials.forget(attempt, sent == Sent::All) else { return };
        let later = match sent == Sent::NotAll && dir.join(RUN_FILE).exists() {
            true => format!(": `sweep sync {}` sends it later", dir.display()),
            false => String::new(),
        };
        self.reporter.warn(format_args!(
            "{}: the data that was not sent is in {}{later}",
            attempt.run,
            dir.display()
        ));
        if sent == Sent::NotAll {
            self.unsent.push(dir);
        }
    }

    fn told(&mut self, signal: Signal) -> Result<(), Failure> {
        let was_ending = self.plan.is_ending();
        let actions = self.plan.take(match signal {
            Signal::Interrupt => Event::Interrupted,
            Signal::Terminate => Event::Terminated,
        });
        if self.plan.is_ending() && !was_ending {
            self.leave_by = Some(Instant::now() + self.grace + LAST_WORDS);
        }
        self.act(actions)
    }

    /// Bounds the time that the agent spends on its last calls to a controller that may be away.
    fn hurry_if_leaving(&mut self) {
        if self.plan.wants_to_leave() && self.leave_by.is_none() {
            self.leave_by = Some(Instant::now() + LAST_WORDS);
        } else if self.plan.running() == 0
            && let Some(leave_by) = &mut self.leave_by
        {
            *leave_by = (*leave_by).min(Instant::now() + LAST_WORDS);
        }
    }

    fn act(&mut self, actions: Vec<Action>) -> Result<(), Failure> {
        for action in actions {
            match action {
                Action::Spawn { slot, start } => self.spawn(slot, start)?,
                Action::Stop(attempt, stop) => {
                    if let Some(stops) = self.stops.get(&attempt) {
                        // The queue has room for every order that the plan sends.
                        let _ = stops.try_send(stop);
                    }
                }
                Action::Say(text) => self.reporter.say(&text),
                Action::Incarnate(incarnation) => {
                    let who = Who { agent: self.agent.clone(), incarnation };
                    folder::save(&self.data, &who).map_err(|error| self.disk(&error))?;
                }
            }
        }
        Ok(())
    }

    /// Records the trial, then starts it: a trial without a record could never be adopted.
    fn spawn(&mut self, slot: usize, start: Start) -> Result<(), Failure> {
        let holding = Holding {
            attempt: Attempt::new(start.run.as_str(), start.attempt),
            devices: self.slots.get(slot).map(Slot::uuids).unwrap_or_default(),
            has_left: false,
            metric: start.metric.clone(),
            timeout_ms: start.timeout_ms,
            started_ms: wall_ms(),
            memory_kills: cgroup::memory_kills(),
        };
        self.holdings.add(holding.clone()).map_err(|error| self.disk(&error))?;
        self.see_to(holding, Some(start));
        Ok(())
    }

    fn disk(&self, error: &io::Error) -> Failure {
        Failure::new(Exit::Refused, format!("cannot write to {}: {error}", self.data.display()))
            .hint("the trials that run go on: start the agent again once the disk takes data")
    }

    fn leave(self, begun: Instant) -> Result<(), Failure> {
        self.reporter.summary(begun.elapsed());
        self.plan.set_aside().for_each(|told| self.reporter.warn(told));
        let left = [self.unreported(), self.incomplete()].into_iter().flatten();
        let failures = left.fold(self.plan.into_failure(), |first, left| match first {
            None => Some(left),
            Some(mut first) => {
                first.hints.extend(left.hints);
                Some(first.detail(left.message))
            }
        });
        failures.map_or(Ok(()), Err)
    }

    /// Returns a failure if trials are held and not reported. Their folders still hold the rows.
    fn unreported(&self) -> Option<Failure> {
        let held = self.holdings.iter().count() - self.staying.len();
        let folders = self.data.join("runs/*/*");
        let sync = format!("or `sweep sync {}` sends what is left", folders.display());
        (held > 0).then(|| {
            let message = format!("{} could not be reported", count(held, "trial"));
            Failure::new(Exit::Refused, message)
                .hint("start the agent again to finish that")
                .hint(sync)
        })
    }

    /// Returns a failure if trials that are no longer held were not sent completely.
    fn incomplete(&self) -> Option<Failure> {
        let trials = count(self.unsent.len(), "trial");
        let failure = || Failure::new(Exit::Refused, format!("{trials} could not be sent whole"));
        (!self.unsent.is_empty())
            .then(|| failure().hint("the warnings above name the folders and how to send them"))
    }
}
