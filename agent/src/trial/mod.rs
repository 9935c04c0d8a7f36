//! Runs one trial, from its start order or its adoption until the controller has its end. Each
//! trial is one task. `agent.rs` starts the task, and gets only [`TrialNews`] from it. The task
//! decides nothing except the verdict on the trial's end.
//!
//! The task reads and writes its small, local files directly on the async threads. A detour over a
//! thread pool would cost more than the file calls.

pub mod command;
pub mod context;
pub mod ending;
pub(crate) mod launch;
pub mod outcome;
pub mod port;
pub mod samples;
pub mod shim;
pub mod spec;
mod wandb;

use std::{
    io,
    path::PathBuf,
    process::Child,
    sync::{Arc, OnceLock},
    time::Duration,
};

use proto::v1::Start;
use record::ids::Attempt;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout},
};

use crate::{
    clock::wall_ms,
    controller::link::Link,
    output::{
        shipper::Shipper,
        tail::{self, Tail},
    },
    processes::{
        cgroup::{self, Cgroup},
        process::{Identity, Watch},
        tree::Tree,
    },
    slots::release::{Clearance, Occupancy},
    state::holdings::{self, Holding},
    trial::{
        context::TrialContext,
        ending::Ending,
        launch::{Shim, find_shim, forget, launch},
        outcome::{Cause, Evidence, Stop, Verdict, judge},
        port::{Report, Ticket, TrialNews, Trials},
        samples::Watched,
        spec::Exit,
    },
};

/// The time between two looks at the console of a running trial.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The time between two SIGKILLs to a tree that still has members.
const KILL_EVERY: Duration = Duration::from_millis(50);
/// How long the shim may live on after the first SIGKILL to its tree, before the agent kills the
/// shim too.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// The time between SIGTERM and SIGKILL for processes whose shim was killed.
const ORPHAN_GRACE: Duration = Duration::from_secs(2);
/// The time between two checks whether the GPUs answer.
const ASK_GPUS_EVERY: Duration = Duration::from_secs(5);
/// How much later than its trials an agent may get SIGTERM when its node goes away.
const LATE_STOP: Duration = Duration::from_millis(500);
/// The most lines, and the most bytes, of standard error that a person reads when a trial fails.
const STDERR_LINES: usize = 50;
const STDERR_BYTES: usize = 8 << 10;

/// The implementation of [`Trials`] that runs trials as processes of this machine.
#[derive(Debug)]
pub struct Shims<L> {
    /// The link to the controller.
    pub link: L,
    /// The context that all trials share.
    pub context: Arc<TrialContext>,
}

impl<L: Link> Trials for Shims<L> {
    fn see_to(&self, trial: Ticket, start: Option<Start>) {
        let Ticket { holding, news, stops } = trial;
        let (link, context) = (self.link.clone(), Arc::clone(&self.context));
        let trial = Trial { link, holding, context, news, stops };
        match start {
            Some(start) => drop(tokio::spawn(trial.start(start))),
            None => drop(tokio::spawn(trial.adopt())),
        }
    }

    fn forget(&self, attempt: &Attempt, sent: bool) -> Option<PathBuf> {
        let dir = holdings::folder(&self.context.data, attempt);
        if sent {
            // If a file cannot be removed, a later start in this folder fails.
            let _ = forget(&dir);
            return None;
        }
        dir.exists().then_some(dir)
    }

    fn watch(&self, devices: Vec<String>, news: mpsc::Sender<TrialNews>) {
        let gpus = self.context.gpus.clone();
        if devices.is_empty() {
            return;
        }
        tokio::spawn(async move {
            while news.send(TrialNews::Gpus(gpus.ask(&devices).await)).await.is_ok() {
                sleep(ASK_GPUS_EVERY).await;
            }
        });
    }
}

/// One trial.
#[derive(Debug)]
struct Trial<L> {
    link: L,
    holding: Holding,
    context: Arc<TrialContext>,
    news: mpsc::Sender<TrialNews>,
    stops: mpsc::Receiver<Stop>,
}

impl<L: Link> Trial<L> {
    /// Starts the trial and follows it to its end.
    async fn start(self, start: Start) {
        let dir = self.dir();
        if self.gpu_trouble().await.is_some() {
            // A broken GPU says nothing about the trial, so the agent gives the trial back.
            return self.over(Verdict::Decline(None), Duration::ZERO).await;
        }
        match launch(&dir, &start, &self.holding.devices, &self.context) {
            Ok((child, watch)) => {
                self.tell(TrialNews::Launched(Box::new(start))).await;
                let shim = Identity::of(child.id().cast_signed());
                let life = Life::new(self, dir, shim, true, Instant::now());
                life.live(Some((watch, Some(child)))).await;
            }
            Err(reason) => self.over(Verdict::Decline(Some(reason)), Duration::ZERO).await,
        }
    }

    /// Takes over a trial that an earlier start of this agent has begun.
    async fn adopt(self) {
        let dir = self.dir();
        let now = Instant::now();
        let age = Duration::from_millis(
            u64::try_from(wall_ms().saturating_sub(self.holding.started_ms)).unwrap_or(0),
        );
        let begun = now.checked_sub(age).unwrap_or(now);
        match find_shim(&dir).await {
            Ok(Shim::Unborn) => self.over(Verdict::Decline(None), Duration::ZERO).await,
            Ok(Shim::Gone(shim)) => Life::new(self, dir, shim, false, begun).live(None).await,
            Ok(Shim::Alive(shim, watch)) => {
                // The start time of the shim comes from a monotonic clock. A change of the wall
                // clock must not use up the trial's time.
                let begun = now.checked_sub(telemetry::process::age(shim.start)).unwrap_or(begun);
                Life::new(self, dir, Some(shim), false, begun).live(Some((watch, None))).await;
            }
            // The folder cannot be read. A process may still run, so the agent must not report an
            // end.
            Err(_) => Life::new(self, dir, None, false, begun).live(None).await,
        }
    }

    fn dir(&self) -> PathBuf {
        holdings::folder(&self.context.data, &self.holding.attempt)
    }

    /// Returns why one of the trial's GPUs cannot be used. `None`: all can be used. The method
    /// first reports a broken GPU to the agent's loop, which then starts no more trials on that
    /// GPU.
    async fn gpu_trouble(&self) -> Option<String> {
        let answers = self.context.gpus.ask(&self.holding.devices).await;
        let trouble = answers.iter().find_map(|answer| answer.trouble.clone())?;
        self.tell(TrialNews::Gpus(answers)).await;
        Some(trouble)
    }

    async fn over(&self, verdict: Verdict, ran: Duration) {
        self.tell(TrialNews::Over { attempt: self.holding.attempt.clone(), verdict, ran }).await;
    }

    async fn tell(&self, news: TrialNews) {
        // The channel is closed only while the agent is leaving. A restarted agent finds this trial
        // in the holdings.
        let _ = self.news.send(news).await;
    }
}

/// A trial whose shim has been started.
struct Life<L> {
    trial: Trial<L>,
    dir: PathBuf,
    shim: Option<Identity>,
    tree: Tree,
    fresh: bool,
    begun: Instant,
    /// The time at which the sweep's `timeout` ends the trial. `None`: no limit.
    timeout_at: Option<Instant>,
    /// Whether the controller may know that the trial runs or has run.
    heard: bool,
    stop: Option<Cause>,
    problems: Vec<String>,
}

impl<L: Link> Life<L> {
    fn new(
        trial: Trial<L>,
        dir: PathBuf,
        shim: Option<Identity>,
        fresh: bool,
        begun: Instant,
    ) -> Self {
        let tree = Tree::new(shim.clone(), &dir, &trial.context.reaper);
        let timeout_at =
            trial.holding.timeout_ms.and_then(|ms| begun.checked_add(Duration::from_millis(ms)));
        let (heard, stop, problems) = (!fresh, None, Vec::new());
        Self { trial, dir, shim, tree, fresh, begun, timeout_at, heard, stop, problems }
    }

    async fn live(mut self, process: Option<(Watch, Option<Child>)>) {
        let attempt = self.trial.holding.attempt.clone();
        let mut shipper =
            Shipper::new(self.trial.link.clone(), attempt.clone(), &self.dir, self.fresh);
        let mut tail = Tail::open(&self.dir);
        let mut cleared = false;
        if let Some((watch, child)) = process {
            self.run(watch, &mut tail, &mut shipper).await;
            // The child is dead already, and this call reaps it. A shim that exits with 0 has left
            // no process of the trial.
            if let Some(mut child) = child {
                cleared = child.wait().is_ok_and(|status| status.success());
                self.trial.context.reaper.ended(child.id());
            }
        }
        let ran = self.begun.elapsed();
        // A trial whose program has run cannot be declined any more, even if it ran only for a
        // moment.
        self.heard |= self.dir.join(spec::PROCESSES).exists();
        let exit = self.exit();
        self.await_late_stop(exit.as_ref()).await;
        if exit.is_none() || !cleared {
            // The shim was killed, or may have been. No other process will end the processes that
            // it has started.
            self.on_tree(|tree| tree.end(ORPHAN_GRACE)).await;
        }
        let console = self.drain(&mut tail).await;
        let verdict = self.verdict(exit.as_ref()).await;
        self.clear_slot(cleared).await;
        let (console_sent, unsent) = (console == Some(true), console.is_none());
        let report = Report { console_sent, problems: self.problems, unsent, ..Report::default() };
        let (link, news, dir) = (&self.trial.link, &self.trial.news, &self.dir);
        let ending = Ending { link, attempt: &attempt, dir, news, ran };
        ending.tell(verdict, shipper, report).await;
    }

    /// Follows the trial until its shim has ended.
    async fn run(&mut self, watch: Watch, tail: &mut io::Result<Tail>, shipper: &mut Shipper<L>) {
        let mut looks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rows = tokio::sync::Notify::new();
        let trouble = OnceLock::new();
        let shipping = shipper.ship_live(&rows);
        let sampling = samples::keep(self.trial.context.sight, self.watched(), &rows, &trouble);
        let ended = watch.ended();
        tokio::pin!(shipping, sampling, ended);
        let begun = self.begun;
        let mut kill_at: Option<Instant> = None;
        let mut give_up_at: Option<Instant> = None;
        let mut asked = true;
        loop {
            tokio::select! {
                () = &mut ended => break,
                stop = self.next_stop() => {
                    self.note_stop(stop.cause);
                    asked = self.terminate().await;
                    let at = Instant::now() + stop.grace;
                    kill_at = Some(kill_at.map_or(at, |before| before.min(at)));
                }
                () = sleep_until(kill_at.unwrap_or(begun)), if kill_at.is_some() => {
                    self.shim.iter().for_each(Identity::wake);
                    self.on_tree(Tree::kill).await;
                    let now = Instant::now();
                    kill_at = Some(now + KILL_EVERY);
                    if now > *give_up_at.get_or_insert(now + KILL_PATIENCE) {
                        self.shim.iter().for_each(Identity::kill);
                    }
                }
                _ = looks.tick() => {
                    // If a stop came before the shim had started the program, no process got
                    // SIGTERM. So each tick sends SIGTERM again until a process gets it.
                    asked = asked || self.terminate().await;
                    if self.look(tail, &rows).await {
                        looks.reset_immediately();
                    }
                }
                () = &mut shipping => {}
                () = &mut sampling => {}
            }
        }
        self.problems.extend(trouble.get().cloned());
    }

    /// Returns the processes to sample. `None` if the shim is not known, because the samples cover
    /// the tree below the shim.
    fn watched(&self) -> Option<Watched> {
        let (dir, cwd) = (self.dir.clone(), self.trial.context.node.cwd.clone());
        let devices = self.trial.holding.devices.clone();
        self.shim.as_ref().map(|shim| Watched { dir, shim: shim.pid, cwd, devices })
    }

    /// Returns the next order to end the trial. The end of the sweep's `timeout` counts as an order
    /// to end the trial.
    async fn next_stop(&mut self) -> Stop {
        let timeout = self.timeout_at;
        tokio::select! {
            Some(stop) = self.trial.stops.recv() => stop,
            () = sleep_until(timeout.unwrap_or(self.begun)), if timeout.is_some() => {
                self.timeout_at = None;
                Stop { cause: Cause::Timeout, grace: self.trial.context.grace }
            }
            else => std::future::pending().await,
        }
    }

    /// If no order to stop came and SIGTERM may have ended the program, waits up to [`LATE_STOP`]
    /// for an order with [`Cause::Leaving`]. A node that shuts down sends SIGTERM to all processes,
    /// and the agent may get it later than the program.
    async fn await_late_stop(&mut self, exit: Option<&Exit>) {
        if self.stop.is_none() && exit.is_none_or(Exit::is_by_term) {
            let late = timeout(LATE_STOP, self.trial.stops.recv()).await;
            self.stop =
                late.ok().flatten().map(|stop| stop.cause).filter(|cause| *cause == Cause::Leaving);
        }
    }

    /// Records why the trial ends. The first order counts, but a fence overrides it. An order that
    /// came after the program had ended does not count, except an order to leave if SIGTERM had
    /// ended the program.
    fn note_stop(&mut self, cause: Cause) {
        let exit = spec::read::<Exit>(&self.dir.join(spec::EXIT)).ok().flatten();
        let in_time = exit.is_none_or(|exit| cause == Cause::Leaving && exit.is_by_term());
        if cause == Cause::Fenced || (self.stop.is_none() && in_time) {
            self.stop = Some(cause);
        }
    }

    /// Takes new console output. Reports once to the agent's loop that the program runs. Returns
    /// whether there is more output to take.
    async fn look(&mut self, tail: &mut io::Result<Tail>, rows: &tokio::sync::Notify) -> bool {
        if !self.heard && self.dir.join(spec::PROCESSES).exists() {
            self.heard = true;
            self.trial.tell(TrialNews::Started(self.trial.holding.attempt.clone())).await;
        }
        if !self.heard {
            return false;
        }
        let more = self.step(tail);
        rows.notify_one();
        more
    }

    /// Runs one step of the tail. After an error the tail takes no more output until `drain` opens
    /// it again. The trial itself goes on.
    fn step(&mut self, tail: &mut io::Result<Tail>) -> bool {
        let Ok(follower) = tail else { return false };
        match follower.step(wall_ms()) {
            Ok(more) => more,
            Err(error) => {
                *tail = Err(error);
                false
            }
        }
    }

    /// Takes the rest of the console. Returns whether every line is kept as a row, or `None` if the
    /// console cannot be read.
    async fn drain(&mut self, tail: &mut io::Result<Tail>) -> Option<bool> {
        if tail.is_err() {
            // The tail may have failed on a full disk. A new tail reads the console files again, so
            // no row is lost.
            *tail = Tail::open(&self.dir);
        }
        while self.step(tail) {
            tokio::task::yield_now().await;
        }
        let finished = match tail {
            Ok(tail) => tail.finish(wall_ms()).map(|()| tail.is_complete()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        finished
            .map_err(|error| self.problems.push(format!("its console could not be read: {error}")))
            .ok()
    }

    fn exit(&mut self) -> Option<Exit> {
        match spec::read(&self.dir.join(spec::EXIT)) {
            Ok(exit) => exit,
            Err(error) => {
                self.problems.push(format!("its exit status could not be read: {error}"));
                None
            }
        }
    }

    /// Sends SIGTERM to the whole tree. Returns whether the tree had a process. A stopped shim
    /// could not record the end of its program, so the method first wakes the shim.
    async fn terminate(&self) -> bool {
        self.shim.iter().for_each(Identity::wake);
        self.on_tree(Tree::terminate).await > 0
    }

    /// Runs work on the tree outside of the runtime's own threads, because the work reads all of
    /// /proc and may sleep.
    async fn on_tree<T: Default + Send + 'static>(&self, work: fn(&Tree) -> T) -> T {
        let tree = self.tree.clone();
        // The call fails only after a panic or at the runtime's end.
        tokio::task::spawn_blocking(move || work(&tree)).await.unwrap_or_default()
    }

    /// Checks that the trial has left its slot. If it has not, reports the slot as taken, and
    /// starts a task that reports when the slot is free.
    async fn clear_slot(&self, proved: bool) {
        let (tree, gpus) = (self.tree.clone(), self.trial.context.gpus.clone());
        let clearance =
            Clearance { tree, devices: self.trial.holding.devices.clone(), gpus, proved };
        if clearance.look().await.is_none() {
            return;
        }
        let (news, attempt) = (self.trial.news.clone(), self.trial.holding.attempt.clone());
        let tell =
            async move |slot| news.send(TrialNews::Slot(attempt.clone(), slot)).await.is_ok();
        tell(Occupancy::Taken).await;
        tokio::spawn(clearance.wait(tell));
    }

    async fn verdict(&self, exit: Option<&Exit>) -> Verdict {
        let bad = exit.is_some_and(|exit| exit.code != Some(0));
        let gpu_trouble = if bad { self.trial.gpu_trouble().await } else { None };
        let stderr = if bad {
            tail::last_lines(&self.dir.join(spec::STDERR), STDERR_LINES, STDERR_BYTES)
        } else {
            Vec::new()
        };
        let killed = exit.is_some_and(|exit| exit.signal == Some(9));
        let out_of_memory = killed && self.memory_ran_out();
        judge(Evidence {
            exit,
            stop: self.stop,
            heard: self.heard,
            out_of_memory,
            gpu_trouble: gpu_trouble.as_deref(),
            stderr: &stderr,
        })
    }

    /// Returns whether the kernel has killed a process for lack of memory. The method reads the
    /// counter of the trial's own cgroup. Without that counter it compares the counter of the
    /// agent's cgroup, which counts all trials, with its value at the trial's start.
    fn memory_ran_out(&self) -> bool {
        let before = self.trial.holding.memory_kills;
        match self.tree.cgroup().and_then(Cgroup::memory_kills) {
            Some(kills) => kills > 0,
            None => {
                matches!(
                    (before, cgroup::memory_kills()),
                    (Some(before), Some(now)) if now > before
                )
            }
        }
    }
}
