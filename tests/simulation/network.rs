//! Simulates the network between the nodes and the controller. The network loses, delays,
//! duplicates and reorders messages, and sometimes cuts a node off for a while. Agents and programs
//! use the network, which never looks into a message.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use agent::controller::link::Link;
use blobs::Trouble;
use proto::v1::{AppendRows, Appended, Beat, EndRun, Orders, RunEnded};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;

use crate::server::{Answer, Bearer, Question, Server};

/// The time limit of a call that is no heartbeat.
const PATIENCE: Duration = Duration::from_secs(15);

/// The quality of the network, as shares of messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// The share of messages that never arrive, in either direction.
    pub(crate) lost: f64,
    /// The share of calls that arrive at the controller a second time, up to two minutes later.
    pub(crate) doubled: f64,
    /// The share of messages that take up to 90 seconds in place of a few milliseconds.
    pub(crate) late: f64,
}

/// The network.
#[derive(Debug)]
pub(crate) struct Network {
    server: Arc<Server>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    weather: Weather,
    rng: StdRng,
    /// For each node that is cut off, the end of the cut.
    cut: BTreeMap<usize, Instant>,
}

/// The fate of one call.
struct Fate {
    there: Duration,
    back: Duration,
    lost: bool,
    answer_lost: bool,
    again: Option<Duration>,
    /// Whether the controller notices that a caller has hung up.
    hangs_up: bool,
}

impl Network {
    pub(crate) fn new(server: Arc<Server>, weather: Weather, seed: u64) -> Arc<Self> {
        let rng = StdRng::seed_from_u64(seed);
        Arc::new(Self { server, state: Mutex::new(State { weather, rng, cut: BTreeMap::new() }) })
    }

    /// Cuts a node off for this long.
    pub(crate) fn cut(&self, node: usize, during: Duration) {
        self.state().cut.insert(node, Instant::now() + during);
    }

    /// Ends all cuts, losses, duplicates and long delays.
    pub(crate) fn calm(&self) {
        let mut state = self.state();
        state.weather = Weather::default();
        state.cut.clear();
    }

    /// Sends a question to the controller from a node, as a client with a time limit does.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        node: usize,
        token: Bearer,
        question: Question,
        limit: Duration,
    ) -> Result<Answer, Status> {
        let asking = self.carry(node, token, question);
        timeout(limit, asking)
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")))
    }

    async fn carry(
        self: &Arc<Self>,
        node: usize,
        token: Bearer,
        question: Question,
    ) -> Result<Answer, Status> {
        let fate = self.fate();
        sleep(fate.there).await;
        self.pass(node).await;
        if fate.lost {
            return std::future::pending().await;
        }
        if let Some(later) = fate.again {
            let (server, token, question) = (self.server.clone(), token.clone(), question.clone());
            drop(tokio::spawn(async move {
                sleep(later).await;
                server.ask(token, question)
            }));
        }
        let away = || Err(Status::unavailable("no controller"));
        let Some(asking) = self.server.ask(token, question) else { return away() };
        let guard = HangUp(fate.hangs_up.then(|| asking.abort_handle()));
        let answer = asking.await;
        drop(guard);
        sleep(fate.back).await;
        self.pass(node).await;
        if fate.answer_lost {
            return std::future::pending().await;
        }
        answer.unwrap_or_else(|_| away())
    }

    /// Waits forever if the node is cut off.
    async fn pass(&self, node: usize) {
        let is_cut = self.state().cut.get(&node).is_some_and(|until| Instant::now() < *until);
        if is_cut {
            std::future::pending::<()>().await;
        }
    }

    fn fate(&self) -> Fate {
        let State { weather, rng, .. } = &mut *self.state();
        let mut latency = || {
            if rng.random_bool(weather.late) {
                Duration::from_millis(rng.random_range(100..90_000))
            } else {
                Duration::from_micros(rng.random_range(200..5_000))
            }
        };
        let (there, back) = (latency(), latency());
        Fate {
            there,
            back,
            lost: rng.random_bool(weather.lost),
            answer_lost: rng.random_bool(weather.lost),
            again: rng
                .random_bool(weather.doubled)
                .then(|| Duration::from_millis(rng.random_range(0..120_000))),
            hangs_up: rng.random_bool(0.5),
        }
    }

    /// Returns a number in [0, 1).
    fn chance(&self) -> f64 {
        self.state().rng.random()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the controller's work on a call when the caller has given up the call.
struct HangUp(Option<tokio::task::AbortHandle>);

impl Drop for HangUp {
    fn drop(&mut self) {
        if let Some(asking) = &self.0 {
            asking.abort();
        }
    }
}

/// The connection of an agent or a program to the controller.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) network: Arc<Network>,
    /// The node from which the calls come.
    pub(crate) node: usize,
    pub(crate) token: Bearer,
}

impl Line {
    async fn ask(&self, question: Question, limit: Duration) -> Result<Answer, Status> {
        self.network.ask(self.node, self.token.clone(), question, limit).await
    }
}

fn mixed_up() -> Status {
    Status::internal("the answer to another question")
}

impl Link for Line {
    async fn beat(&self, beat: Beat, limit: Duration) -> Result<Orders, Status> {
        match self.ask(Question::Beat(beat), limit).await? {
            Answer::Orders(orders) => Ok(orders),
            _ => Err(mixed_up()),
        }
    }

    async fn append(&self, rows: AppendRows) -> Result<Appended, Status> {
        match self.ask(Question::Append(rows), PATIENCE).await? {
            Answer::Appended(appended) => Ok(appended),
            _ => Err(mixed_up()),
        }
    }

    async fn contents(&self, _: &Path, _: &[u8]) -> Result<(), Trouble> {
        Err(Status::unimplemented("programs of the simulation log no files").into())
    }

    async fn end(&self, end: EndRun) -> Result<RunEnded, Status> {
        match self.ask(Question::End(end), PATIENCE).await? {
            Answer::Ended(ended) => Ok(*ended),
            _ => Err(mixed_up()),
        }
    }

    fn jitter(&self) -> f64 {
        self.network.chance()
    }
}
