//! Simulates a trial's program and the shim above it. The seed determines what the program logs,
//! when it ends and how it handles a signal. The program outlives its agent and writes to a real
//! folder. A program with the SDK also sends its rows itself.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use agent::{
    controller::link::Link as _,
    output::{
        journal::Journal,
        shipper::{Shipper, Which},
    },
    trial::spec::{Exit, JOURNAL},
};
use proto::v1::AppendRows;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use record::{Row, Value, Writer, ids::Attempt};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{network::Line, witness::Witness};

/// The metric that every program logs.
pub(crate) const METRIC: &str = "loss";
/// The name of the writer whose row comes after the program's end.
pub(crate) const STRAGGLER: &str = "straggler";
/// The interval at which a straggler checks whether its program is over.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The longest time that a program with the SDK tries to send its last rows at its end.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// The behaviour of programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// The longest run time of a program, in seconds.
    pub(crate) longest: f64,
    /// The share of programs that fail.
    pub(crate) fail: f64,
    /// The share of programs whose shim is killed while they run.
    pub(crate) shim_killed: f64,
    /// The share of programs that cannot be started.
    pub(crate) unstartable: f64,
    /// The share of programs with a straggler, which sends one more row after the end.
    pub(crate) straggle: f64,
    /// The share of programs that use the SDK.
    pub(crate) sdk: f64,
    /// The most rows that a program logs.
    pub(crate) rows: u64,
}

/// The decisions about a program that are made before it starts.
#[derive(Clone, Debug)]
struct Script {
    born_after: Duration,
    runs: Duration,
    rows: u64,
    end: End,
    uses_sdk: bool,
    /// The time after the program's end at which its straggler sends one more row; `None` without a
    /// straggler.
    straggles: Option<Duration>,
    /// The time that the program takes to obey a SIGTERM; `None` if it does not obey.
    obeys: Option<Duration>,
    level: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Exit(i32),
    ShimKilled,
    Unstartable,
}

/// A program and its shim.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) attempt: Attempt,
    pub(crate) devices: Vec<String>,
    folder: PathBuf,
    script: Script,
    state: Mutex<State>,
    changed: Notify,
    /// Wakes the agent's task for this trial.
    pub(crate) moved: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The number of rows that the program has written to its journal or its console.
    rows: u64,
    born: bool,
    over: bool,
    exit: Option<Exit>,
    kill_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Program {
    /// Returns a program for this attempt. The seed and the attempt determine its behaviour.
    pub(crate) fn new(
        attempt: Attempt,
        devices: Vec<String>,
        folder: PathBuf,
        manners: Manners,
        seed: u64,
    ) -> Arc<Self> {
        let script = Script::write(&attempt, manners, seed);
        let state = Mutex::default();
        Arc::new(Self {
            attempt,
            devices,
            folder,
            script,
            state,
            changed: Notify::new(),
            moved: Notify::new(),
        })
    }

    /// Returns whether the program cannot be started.
    pub(crate) fn is_unstartable(&self) -> bool {
        self.script.end == End::Unstartable
    }

    /// Returns whether the program runs, or has run.
    pub(crate) fn is_born(&self) -> bool {
        self.state().born
    }

    /// Returns whether no part of the program is alive any more.
    pub(crate) fn is_over(&self) -> bool {
        self.state().over
    }

    /// Returns the end that the shim recorded; `None` while the program runs, or if the shim was
    /// killed.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.state().exit.clone()
    }

    /// Returns the time after the end at which a straggler sends one more row, if there is one.
    pub(crate) fn straggles(&self) -> Option<Duration> {
        self.script.straggles
    }

    /// Runs the straggler, a part of the program that outlives the program's end. The straggler
    /// sends one more row, whose value would be the best of all.
    pub(crate) async fn straggle(
        self: Arc<Self>,
        line: Line,
        after: Duration,
        witness: Arc<Witness>,
    ) {
        while !self.is_over() {
            sleep(LOOK_EVERY).await;
        }
        sleep(after).await;
        let row = Row { step: 0, wall_ms: 0, values: vec![(METRIC.to_owned(), Value::F64(-1e9))] };
        let mut frames = Vec::new();
        Writer::default().frame(&[row], &mut frames);
        witness.wrote((self.attempt.clone(), STRAGGLER.to_owned(), "history".to_owned()), 1);
        let append = AppendRows {
            run: self.attempt.run.to_string(),
            attempt: self.attempt.number,
            writer: STRAGGLER.to_owned(),
            stream: "history".to_owned(),
            offset: 0,
            frames,
        };
        // The witness records the answer, whatever it is.
        let _ = line.append(append).await;
    }

    /// Returns the number of rows that the program printed to its console; 0 if it has the SDK.
    pub(crate) fn printed(&self) -> u64 {
        if self.script.uses_sdk { 0 } else { self.state().rows }
    }

    /// Returns a row as the program logs it.
    pub(crate) fn row(&self, step: u64) -> Row {
        let value = self.script.level + 1.0 / (step + 1) as f64;
        Row { step, wall_ms: 0, values: vec![(METRIC.to_owned(), Value::F64(value))] }
    }

    /// Sends SIGTERM, and SIGKILL after `grace`.
    pub(crate) fn terminate(&self, grace: Duration) {
        let now = Instant::now();
        {
            let mut state = self.state();
            let kill_at = now + grace;
            state.kill_at = Some(state.kill_at.map_or(kill_at, |before| before.min(kill_at)));
            if let Some(obeys) = self.script.obeys {
                state.ends_at =
                    Some(state.ends_at.map_or(now + obeys, |ends| ends.min(now + obeys)));
            }
        }
        self.changed.notify_one();
    }

    /// Ends the program through its shim, because the node has had no agent for too long.
    pub(crate) fn orphan(&self) {
        self.end(Some(Exit { signal: Some(15), orphaned: true, ..Exit::default() }));
    }

    /// Sends SIGKILL to the program and its shim, as if the node went down.
    pub(crate) fn vanish(&self) {
        self.end(None);
    }

    /// Runs the program to its end.
    pub(crate) async fn live(self: Arc<Self>, line: Line, witness: Arc<Witness>) {
        sleep(self.script.born_after).await;
        if self.state().over {
            return;
        }
        self.state().born = true;
        self.moved.notify_one();
        let begun = Instant::now();
        self.state().ends_at.get_or_insert(begun + self.script.runs);
        let journal = self.folder.join(JOURNAL).join("sdk.history");
        let mut own =
            if self.script.uses_sdk { Journal::open(&journal, |_| {}).ok() } else { None };
        let mut sender = Shipper::new(line, self.attempt.clone(), &self.folder, false);
        loop {
            let State { rows, over, ends_at, kill_at, .. } = *self.state();
            if over {
                return;
            }
            let ends_at = ends_at.unwrap_or(begun);
            let now = Instant::now();
            if kill_at.is_some_and(|at| at <= now) {
                return self.end(Some(Exit { signal: Some(9), ..Exit::default() }));
            }
            if now >= ends_at {
                break;
            }
            let next =
                begun + self.script.runs.mul_f64((rows + 1) as f64 / (self.script.rows + 1) as f64);
            let until = if rows < self.script.rows { next.min(ends_at) } else { ends_at };
            if rows < self.script.rows && now >= next {
                self.log(&mut own, &witness);
                continue;
            }
            let until = kill_at.map_or(until, |at| at.min(until));
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = sleep_until(until) => {}
                () = keep_sending(&mut sender), if own.is_some() => {}
            }
        }
        if own.is_some() && !self.state().over {
            let _ = timeout(LAST_WORDS, sender.finish(|_, _| {})).await;
        }
        self.exits();
    }

    fn log(&self, own: &mut Option<Journal>, witness: &Witness) {
        let rows = {
            let mut state = self.state();
            state.rows += 1;
            state.rows
        };
        if let Some(journal) = own {
            journal.push(&self.row(rows - 1));
            journal.flush().expect("the folder takes what is written");
            witness.wrote((self.attempt.clone(), "sdk".to_owned(), "history".to_owned()), rows);
        }
        self.moved.notify_one();
    }

    fn exits(&self) {
        let told = self.state().kill_at.is_some();
        let exit = match self.script.end {
            End::Exit(_) if told => Some(Exit { signal: Some(15), ..Exit::default() }),
            End::Exit(code) => Some(Exit { code: Some(code), ..Exit::default() }),
            End::ShimKilled | End::Unstartable => None,
        };
        self.end(exit);
    }

    fn end(&self, exit: Option<Exit>) {
        {
            let mut state = self.state();
            if state.over {
                return;
            }
            (state.over, state.exit) = (true, exit);
        }
        self.changed.notify_one();
        self.moved.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn write(attempt: &Attempt, manners: Manners, seed: u64) -> Self {
        let bytes = attempt.run.as_str().bytes();
        let name = bytes.fold(seed, |hash, byte| hash.rotate_left(7) ^ u64::from(byte));
        let mut rng = StdRng::seed_from_u64(name ^ u64::from(attempt.number) << 48);
        let mut share = |share: f64| rng.random_bool(share);
        let end = if share(manners.unstartable) {
            End::Unstartable
        } else if share(manners.shim_killed) {
            End::ShimKilled
        } else {
            End::Exit(i32::from(share(manners.fail)))
        };
        let (uses_sdk, obeys) = (share(manners.sdk), share(0.8));
        // Most programs are short, and some are long.
        let runs = manners.longest * rng.random::<f64>().powi(3);
        Self {
            born_after: Duration::from_secs_f64(20.0 * rng.random::<f64>().powi(4)),
            runs: Duration::from_secs_f64(runs.max(0.01)),
            rows: rng.random_range(0..=manners.rows),
            end,
            uses_sdk,
            obeys: obeys.then(|| Duration::from_millis(rng.random_range(0..12_000))),
            level: rng.random(),
            straggles: rng.random_bool(manners.straggle).then(|| {
                let most = if rng.random_bool(0.5) { 60 } else { 7200 };
                Duration::from_secs(rng.random_range(0..most))
            }),
        }
    }
}

/// Sends the rows that exist and retries until it succeeds. The future never ends: the caller drops
/// it and calls this function again after the next row.
async fn keep_sending(sender: &mut Shipper<Line>) {
    while sender.ship(Which::All).await.is_err() {
        sleep(Duration::from_secs(1)).await;
    }
    std::future::pending().await
}

/// Returns the path of an attempt's journal.
pub(crate) fn journal(folder: &Path, name: &str) -> PathBuf {
    folder.join(JOURNAL).join(name)
}
