//! Provides a controller in memory behind the trait `Link`, and an agent on real processes in its
//! own folder. All integration tests of the agent use this module.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use agent::{
    agent::{Setup, work},
    controller::link::Link,
    gauges::Gauges,
    plan::Me,
    processes::{process::Identity, reaper::Reaper, tree::Tree},
    reporter::Reporter,
    slots::{layout::Slot, release::Gpus},
    state::{
        folder::Folder,
        holdings::{self, Holdings},
    },
    trial::{
        Shims,
        command::Node,
        context::TrialContext,
        samples::Sight,
        spec::{self, Processes},
    },
};
use blobs::Trouble;
use proto::{
    dial::Reach,
    v1::{
        AppendRows, Appended, Argument, Beat, EndRun, Held, Orders, Piece, Run, RunEnded, Start,
        Stop, piece,
    },
};
use record::ids::{Attempt, SweepId};
use telemetry::{Meter, Period, Reading};
use terminal::Failure;
use tokio::sync::{Notify, mpsc};
use tonic::Status;

/// The number of rows and the frames of each stream, by attempt and name.
pub(crate) type Streams = BTreeMap<(Attempt, String), (u64, Vec<u8>)>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) queue: VecDeque<Start>,
    /// The leased attempts with their start orders. The flag is true after the agent has reported
    /// that it started the process.
    pub(crate) leased: BTreeMap<Attempt, (Start, bool)>,
    pub(crate) ended: Vec<EndRun>,
    pub(crate) streams: Streams,
    /// The contents of files by hash.
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
    pub(crate) stops: Vec<Stop>,
    pub(crate) declined: Vec<Attempt>,
    pub(crate) lost: BTreeSet<Attempt>,
    pub(crate) fenced: BTreeSet<Attempt>,
    pub(crate) away: bool,
    /// The error for every content; `None` accepts contents. The next two fields are the same for
    /// rows and for heartbeats.
    pub(crate) refuses_contents: Option<Status>,
    pub(crate) refuses_rows: Option<Status>,
    pub(crate) refuses_beats: Option<Status>,
    /// The number of further reports of an end that fail with an internal error. `bad_beats` is the
    /// same for heartbeats.
    pub(crate) bad_ends: u32,
    pub(crate) bad_beats: u32,
    /// Whether the sweep ends when the queue is empty and no trial is leased.
    pub(crate) ends: bool,
    pub(crate) incarnation: u64,
    pub(crate) holds: Vec<Held>,
    /// The set-aside slots in the agent's newest beat.
    pub(crate) set_aside: Vec<String>,
    /// For each end in `ended`, the number of rows in all streams when that end arrived.
    pub(crate) rows_at_ends: Vec<u64>,
    pub(crate) beats: u64,
    pub(crate) appends: u64,
}

/// A controller in memory.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    bell: Arc<Notify>,
}

impl Fake {
    /// Makes a controller that hands out these trials. Its sweep is over as soon as none of them is
    /// queued or leased.
    pub(crate) fn with(trials: impl IntoIterator<Item = Start>) -> Self {
        let fake = Self::default();
        fake.state().queue.extend(trials);
        fake.state().ends = true;
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes the state and wakes all waiting calls.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.bell.notify_waiters();
    }

    /// Returns the run and the state of each reported end, sorted.
    pub(crate) fn ends(&self) -> Vec<(String, String)> {
        let outcome = |end: &EndRun| end.outcome.clone().unwrap_or_default().state;
        let mut ends: Vec<_> =
            self.state().ended.iter().map(|end| (end.run.clone(), outcome(end))).collect();
        ends.sort();
        ends
    }

    /// Returns the lines that a run printed to `key` (`stdout` or `stderr`), over all attempts.
    pub(crate) fn console(&self, run: &str, key: &str) -> Vec<String> {
        let state = self.state();
        let frames = state
            .streams
            .iter()
            .filter(|((of, name), _)| of.run.as_str() == run && name == "agent.console");
        let rows = frames.flat_map(|(_, (_, frames))| record::rows(frames).unwrap());
        rows.filter(|row| row.values[0].0 == key)
            .map(|row| match &row.values[0].1 {
                record::Value::Text(text) => text.clone(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn answer(&self, beat: &Beat) -> Orders {
        let mut state = self.state();
        let named: BTreeSet<_> = beat.holds.iter().map(held_attempt).collect();
        let declined = beat.declined.iter().map(|of| Attempt::new(of.run.as_str(), of.attempt));
        let declined: BTreeSet<_> = declined.collect();
        if beat.incarnation > state.incarnation {
            state.incarnation = beat.incarnation;
            let forgotten = |key: &&Attempt| !named.contains(*key) && !declined.contains(*key);
            let gone: Vec<_> = state.leased.keys().filter(forgotten).cloned().collect();
            for key in gone {
                state.leased.remove(&key);
                state.lost.insert(key);
            }
        }
        for key in declined {
            if let Some((start, _)) = state.leased.remove(&key) {
                state.declined.push(key);
                state.queue.push_front(Start { attempt: start.attempt + 1, ..start });
            }
        }
        for held in beat.holds.iter().filter(|held| held.started) {
            if let Some(lease) = state.leased.get_mut(&held_attempt(held)) {
                lease.1 = true;
            }
        }
        state.holds.clone_from(&beat.holds);
        state.set_aside.clone_from(&beat.set_aside);
        let again = |(key, (start, heard)): (&Attempt, &(Start, bool))| {
            (!heard && !named.contains(key)).then(|| start.clone())
        };
        let mut start: Vec<Start> = state.leased.iter().filter_map(again).collect();
        while start.len() < beat.free as usize
            && let Some(next) = state.queue.pop_front()
        {
            let attempt = Attempt::new(next.run.as_str(), next.attempt);
            state.leased.insert(attempt, (next.clone(), false));
            start.push(next);
        }
        let of = |stop: &Stop| Attempt::new(stop.run.as_str(), stop.attempt);
        let stop = state.stops.iter().filter(|stop| named.contains(&of(stop)));
        let stop = stop.cloned().collect();
        let sweep_over = state.ends && state.queue.is_empty() && state.leased.is_empty();
        Orders { beat: beat.beat, start, stop, lease_ms: 3_000, sweep_over, ..Orders::default() }
    }
}

impl Link for Fake {
    async fn beat(&self, beat: Beat, _: Duration) -> Result<Orders, Status> {
        self.state().beats += 1;
        let bad = self.state().bad_beats;
        if bad > 0 {
            self.state().bad_beats -= 1;
            return Err(Status::internal("the disk is full"));
        }
        let wait = tokio::time::sleep(Duration::from_millis(beat.wait_ms.into()));
        tokio::pin!(wait);
        let mut last = false;
        loop {
            let bell = self.bell.notified();
            if self.state().away {
                return Err(Status::unavailable("away"));
            }
            if let Some(refusal) = &self.state().refuses_beats {
                return Err(refusal.clone());
            }
            let orders = self.answer(&beat);
            if last || orders.sweep_over || !orders.start.is_empty() || !orders.stop.is_empty() {
                return Ok(orders);
            }
            tokio::select! {
                () = bell => {}
                () = &mut wait => last = true,
            }
        }
    }

    async fn contents(&self, folder: &Path, frames: &[u8]) -> Result<(), Trouble> {
        let mut state = self.state();
        if state.away {
            return Err(Status::unavailable("away").into());
        }
        if let Some(refusal) = &state.refuses_contents {
            return Err(refusal.clone().into());
        }
        for row in record::rows(frames).unwrap() {
            let file = record::file::FileRow::of(&row).unwrap();
            state.contents.insert(file.sha256.clone(), fs::read(folder.join(&file.sha256))?);
        }
        Ok(())
    }

    async fn append(&self, rows: AppendRows) -> Result<Appended, Status> {
        let mut state = self.state();
        state.appends += 1;
        if state.away {
            return Err(Status::unavailable("away"));
        }
        if let Some(refusal) = &state.refuses_rows {
            return Err(refusal.clone());
        }
        let attempt = Attempt::new(rows.run, rows.attempt);
        let fenced = state.fenced.contains(&attempt);
        let name = format!("{}.{}", rows.writer, rows.stream);
        let (next, frames) = state.streams.entry((attempt, name)).or_default();
        let number = record::count(&rows.frames)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        if rows.offset > *next && number > 0 {
            let mut status = Status::out_of_range("a gap");
            status.metadata_mut().insert("besom-offset", next.to_string().parse().unwrap());
            return Err(status);
        }
        if rows.offset + number > *next {
            frames.extend(record::skip(&rows.frames, *next - rows.offset).unwrap());
            *next = rows.offset + number;
        }
        if fenced {
            return Err(Status::aborted("another attempt owns the run"));
        }
        Ok(Appended { next: *next, stop_wanted: false })
    }

    async fn end(&self, end: EndRun) -> Result<RunEnded, Status> {
        let mut state = self.state();
        if state.away {
            return Err(Status::unavailable("away"));
        }
        if state.bad_ends > 0 {
            state.bad_ends -= 1;
            return Err(Status::internal("the disk is full"));
        }
        let known =
            state.ended.iter().any(|known| known.run == end.run && known.attempt == end.attempt);
        if !known {
            state.leased.remove(&Attempt::new(end.run.as_str(), end.attempt));
            let rows = state.streams.values().map(|(rows, _)| rows).sum();
            state.rows_at_ends.push(rows);
            state.ended.push(end.clone());
        }
        let run =
            Run { id: end.run, state: end.outcome.unwrap_or_default().state, ..Run::default() };
        drop(state);
        self.bell.notify_waiters();
        Ok(RunEnded { run: Some(run), note: String::new() })
    }
}

fn held_attempt(held: &Held) -> Attempt {
    Attempt::new(held.run.as_str(), held.attempt)
}

/// Makes a trial that runs this command.
pub(crate) fn trial(number: u32, command: &[&str]) -> Start {
    let argument = |text: &&str| Argument {
        pieces: vec![Piece { piece: Some(piece::Piece::Text((*text).to_owned())) }],
    };
    Start {
        run: format!("s-{number}"),
        attempt: 1,
        trial: number.into(),
        sweep: "s".to_owned(),
        params_json: r#"{"lr":0.1}"#.to_owned(),
        command: command.iter().map(argument).collect(),
        ..Start::default()
    }
}

/// Makes a trial that runs a shell script.
pub(crate) fn script(number: u32, script: &str) -> Start {
    trial(number, &["/bin/sh", "-c", script])
}

/// A GPU that always reports 40 degrees.
struct OneGpu;

impl Meter for OneGpu {
    fn read(&mut self) -> Vec<Reading> {
        vec![Reading { uuid: "GPU-0".to_owned(), celsius: Some(40.0), ..Reading::default() }]
    }
}

/// The time between SIGTERM and SIGKILL for a trial whose agent has to leave.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// A node: a temporary folder in which a test's agents keep their data.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn attempt(&self, number: u32) -> PathBuf {
        holdings::folder(&self.data(), &Attempt::new(format!("s-{number}"), 1))
    }

    /// Makes an agent of this node with `slots` slots, which starts at most `count` trials. Returns
    /// the agent, which does not run yet, with the folder that it has locked.
    pub(crate) fn setup(
        &self,
        link: &Fake,
        slots: usize,
        count: Option<u64>,
    ) -> (Setup<Fake, Shims<Fake>>, Folder) {
        let folder = Folder::take(Some(&self.data()), &SweepId::from("s")).unwrap();
        let node = Node {
            cwd: std::env::current_dir().unwrap(),
            path: std::env::var_os("PATH").unwrap(),
            variable: |_| None,
            reach: Reach { controller: "http://127.0.0.1:1".to_owned(), ..Reach::default() },
        };
        let context = TrialContext {
            node,
            data: folder.path.clone(),
            agent_lock: folder.lock_path(),
            shim_program: PathBuf::from(env!("CARGO_BIN_EXE_agent")),
            orphan_after: Duration::from_secs(30),
            grace: GRACE,
            gpu_node: false,
            sight: Sight {
                period: Period::every(Duration::from_millis(200)),
                meter: || Box::new(OneGpu),
            },
            cgroups: None,
            reaper: Reaper::default(),
            gpus: Gpus::new(OneGpu),
        };
        let me = Me {
            agent: folder.who.agent.clone(),
            incarnation: folder.who.incarnation,
            sweep: SweepId::from("s"),
            slots,
            grace: GRACE,
            count,
            ..Me::default()
        };
        let holdings = Holdings::open(&folder.path).unwrap();
        let slots = vec![Slot::default(); slots];
        let controller = "fake".to_owned();
        let trials = Shims { link: link.clone(), context: Arc::new(context) };
        let (reporter, data) = (Reporter::new(&me.sweep), folder.path.clone());
        (
            Setup {
                link: link.clone(),
                me,
                slots,
                trials,
                data,
                gauges: Gauges::default(),
                holdings,
                controller,
                reporter,
            },
            folder,
        )
    }

    /// Runs an agent to its end. Panics after 300 seconds.
    pub(crate) async fn run(
        &self,
        link: &Fake,
        slots: usize,
        count: Option<u64>,
    ) -> Result<(), Failure> {
        let (setup, _folder) = self.setup(link, slots, count);
        let (_keep, signals) = mpsc::channel(1);
        tokio::time::timeout(Duration::from_secs(300), work(setup, signals)).await.unwrap()
    }

    /// Waits until the program of a trial's first attempt runs. Returns the shim and the program.
    pub(crate) async fn running(&self, number: u32) -> Processes {
        let path = self.attempt(number).join(spec::PROCESSES);
        until(|| path.exists()).await;
        spec::read(&path).unwrap().unwrap()
    }

    /// Returns the living processes of a trial's first attempt, whoever their parents are.
    pub(crate) fn survivors(&self, number: u32) -> Vec<Identity> {
        Tree::new(None, &self.attempt(number), &Reaper::default()).members()
    }
}

/// Waits until a condition holds. Panics after a minute or more.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the condition did not hold in time");
}

/// Returns whether a file contains this text.
pub(crate) fn holds(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|content| content.contains(text))
}
