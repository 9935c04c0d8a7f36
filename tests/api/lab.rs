//! Runs a controller on its own port and in its own folder, and fake agents that only make calls.
//! The tests of this folder and the test of the controller's writer use this module, which never
//! starts a process.

use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use blobs::Hashed;
use controller::{Controller, StartError, chance::Chance, clock::Clock, settings::Settings};
use proto::{
    dial::{Authorized, Dial},
    v1::{
        AppendRows, Appended, Beat, Block, Change, ChangeSweep, CreateSweep, EndRun, Held,
        ListRuns, Orders, Outcome, ReadRows, Run, RunAttempt, RunEnded, RunRef, Start, Sweep,
        SweepRef, agents_client::AgentsClient, runs_client::RunsClient,
        sweeps_client::SweepsClient,
    },
};
use record::{Row, Value, Writer};
use tempfile::TempDir;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// The YAML of a random search without a limit on its trials.
pub(crate) const RANDOM: &str = "
method: random
program: train
seed: 7
metric: {name: val/loss}
parameters:
  lr: {min: 0.0, max: 1.0}
";

/// The YAML of a grid of 3 x 4 points.
pub(crate) const GRID: &str = "
method: grid
program: train
metric: {name: val/loss}
parameters:
  a: {values: [1, 2, 3]}
  b: {values: [w, x, y, z]}
";

pub(crate) struct Lab {
    controller: Option<Controller>,
    folder: TempDir,
    settings: Settings,
    pub(crate) sweeps: SweepsClient<Authorized>,
    pub(crate) agents: AgentsClient<Authorized>,
    pub(crate) runs: RunsClient<Authorized>,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: folder.path().to_owned(),
            ..Settings::default()
        };
        change(&mut settings);
        let controller =
            Controller::start(settings.clone(), Clock::system(), Chance::seeded(1)).await.unwrap();
        let dial = Dial::new(&controller.address().to_string(), settings.token.as_deref()).unwrap();
        Self {
            controller: Some(controller),
            folder,
            settings,
            sweeps: dial.sweeps(),
            agents: dial.agents(),
            runs: dial.runs(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.controller.as_ref().unwrap().address())
    }

    pub(crate) fn dial(&self, token: Option<&str>) -> Dial {
        let address = self.controller.as_ref().unwrap().address();
        Dial::new(&address.to_string(), token).unwrap()
    }

    /// Shuts the controller down and starts another on the same folder, with another seed.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.come_back().await;
    }

    /// Restarts the controller with other settings.
    pub(crate) async fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.restart().await;
    }

    /// Shuts the controller down.
    pub(crate) async fn stop(&mut self) {
        self.controller.take().unwrap().shutdown().await.unwrap();
    }

    /// Restarts the controller with a clock that says that this time has passed since now.
    pub(crate) async fn restart_after(&mut self, time: Duration) {
        self.stop().await;
        let then_ms = Clock::system().wall_ms() + i64::try_from(time.as_millis()).unwrap();
        self.come_back_at(Clock::starting_at(then_ms)).await;
    }

    /// Starts another controller on the same folder, with another seed.
    pub(crate) async fn come_back(&mut self) {
        self.come_back_at(Clock::system()).await;
    }

    async fn come_back_at(&mut self, clock: Clock) {
        let settings = &self.settings;
        let start = async || Controller::start(settings.clone(), clock, Chance::seeded(2)).await;
        let controller = once_free(start).await.unwrap();
        let dial =
            Dial::new(&controller.address().to_string(), self.settings.token.as_deref()).unwrap();
        (self.sweeps, self.agents, self.runs) = (dial.sweeps(), dial.agents(), dial.runs());
        self.controller = Some(controller);
    }

    pub(crate) async fn shutdown(mut self) {
        self.controller.take().unwrap().shutdown().await.unwrap();
    }

    /// Stores a content in the controller.
    pub(crate) async fn put(&self, token: Option<&str>, content: &[u8]) -> Hashed {
        let (file, hashed) = (tempfile::NamedTempFile::new().unwrap(), Hashed::of(content));
        fs::write(file.path(), content).unwrap();
        blobs::upload(&mut self.dial(token).files(), file.path(), &hashed, &Arc::default())
            .await
            .unwrap();
        hashed
    }

    pub(crate) async fn create(&mut self, yaml: &str) -> Sweep {
        let request = CreateSweep { yaml: yaml.to_owned(), ..CreateSweep::default() };
        self.sweeps.create(request).await.unwrap().into_inner()
    }

    pub(crate) async fn sweep(&mut self, id: &str) -> Sweep {
        self.sweeps.get(SweepRef { sweep: id.to_owned() }).await.unwrap().into_inner()
    }

    pub(crate) async fn change(&mut self, id: &str, change: Change) -> Result<Sweep, Status> {
        let request = ChangeSweep { sweep: id.to_owned(), change: change.into() };
        self.sweeps.change(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn run(&mut self, id: &str) -> Run {
        self.runs.get(RunRef { run: id.to_owned() }).await.unwrap().into_inner()
    }

    pub(crate) async fn list(&mut self, sweep: &str) -> Vec<Run> {
        let request = ListRuns { sweep: sweep.to_owned(), ..ListRuns::default() };
        let mut stream = self.runs.list(request).await.unwrap().into_inner();
        let mut runs = Vec::new();
        while let Some(run) = stream.message().await.unwrap() {
            runs.push(run);
        }
        runs
    }

    pub(crate) async fn blocks(&mut self, run: &str, stream: &str) -> Vec<Block> {
        let request =
            ReadRows { run: run.to_owned(), stream: stream.to_owned(), ..ReadRows::default() };
        let mut stream = self.runs.read(request).await.unwrap().into_inner();
        let mut blocks = Vec::new();
        while let Some(block) = stream.message().await.unwrap() {
            blocks.push(block);
        }
        blocks
    }

    pub(crate) fn agent(&self, id: &str, sweep: &str) -> FakeAgent {
        FakeAgent {
            client: self.agents.clone(),
            runs: self.runs.clone(),
            beat: Beat {
                agent: id.to_owned(),
                incarnation: 1,
                sweep: sweep.to_owned(),
                free: 1,
                slots: 1,
                host: "lab".to_owned(),
                devices: vec!["CPU".to_owned()],
                ..Beat::default()
            },
        }
    }
}

/// A fake agent. A test makes each of its calls, and adds the attempts that it holds.
#[derive(Clone)]
pub(crate) struct FakeAgent {
    client: AgentsClient<Authorized>,
    runs: RunsClient<Authorized>,
    pub(crate) beat: Beat,
}

impl FakeAgent {
    /// Sends one heartbeat with the fields of `self.beat` and the next beat number.
    pub(crate) async fn heartbeat(&mut self) -> Result<Orders, Status> {
        self.beat.beat += 1;
        Ok(self.client.heartbeat(self.beat.clone()).await?.into_inner())
    }

    /// Requests one trial and holds it.
    pub(crate) async fn ask(&mut self) -> Start {
        self.beat.free = 1;
        let start = self.heartbeat().await.unwrap().start.remove(0);
        self.hold(&start);
        start
    }

    pub(crate) fn hold(&mut self, start: &Start) {
        self.beat.free = 0;
        self.beat.holds.push(Held {
            run: start.run.clone(),
            attempt: start.attempt,
            started: true,
        });
    }

    pub(crate) fn forget(&mut self, run: &str) {
        self.beat.holds.retain(|held| held.run != run);
    }

    pub(crate) fn decline(&mut self, start: &Start) {
        self.forget(&start.run);
        self.beat.declined = vec![RunAttempt { run: start.run.clone(), attempt: start.attempt }];
    }

    pub(crate) fn reborn(&mut self) {
        self.beat.incarnation += 1;
        self.beat.beat = 0;
        self.beat.holds.clear();
    }

    /// Logs values of one key as rows of the history, from this offset on. The steps equal the
    /// offsets.
    pub(crate) async fn log(
        &mut self,
        start: &Start,
        offset: u64,
        key: &str,
        values: &[f64],
    ) -> Result<Appended, Status> {
        self.append(start, "history", offset, frames(offset, key, values)).await
    }

    pub(crate) async fn append(
        &mut self,
        start: &Start,
        stream: &str,
        offset: u64,
        frames: Vec<u8>,
    ) -> Result<Appended, Status> {
        let request = AppendRows {
            run: start.run.clone(),
            attempt: start.attempt,
            writer: "sdk".to_owned(),
            stream: stream.to_owned(),
            offset,
            frames,
        };
        Ok(self.runs.append(request).await?.into_inner())
    }

    /// Ends a run in this state.
    pub(crate) async fn end(&mut self, start: &Start, state: &str) -> Result<RunEnded, Status> {
        self.end_as(start, Outcome { state: state.to_owned(), ..Outcome::default() }, 0).await
    }

    /// Ends a run as failed in this class, this number of seconds after its start.
    pub(crate) async fn fail(
        &mut self,
        start: &Start,
        class: &str,
        seconds: u64,
    ) -> Result<Run, Status> {
        let (state, class) = ("failed".to_owned(), class.to_owned());
        let message = "exit code 2\nTraceback\nno data folder".to_owned();
        let outcome = Outcome { state, class, message, exit_code: Some(2), ..Outcome::default() };
        Ok(self.end_as(start, outcome, seconds * 1000).await?.run.unwrap())
    }

    async fn end_as(
        &mut self,
        start: &Start,
        outcome: Outcome,
        ran_ms: u64,
    ) -> Result<RunEnded, Status> {
        self.forget(&start.run);
        let request = EndRun {
            run: start.run.clone(),
            attempt: start.attempt,
            outcome: Some(outcome),
            ran_ms: Some(ran_ms),
            ..EndRun::default()
        };
        Ok(self.runs.end(request).await?.into_inner())
    }

    /// Runs a whole trial: requests it, logs one value, and finishes it.
    pub(crate) async fn trial(&mut self, value: f64) -> Start {
        let start = self.ask().await;
        self.log(&start, 0, "val/loss", &[value]).await.unwrap();
        self.end(&start, "finished").await.unwrap();
        start
    }
}

/// Makes frames of rows with one value each, at steps from `first` on.
pub(crate) fn frames(first: u64, key: &str, values: &[f64]) -> Vec<u8> {
    let row = |(at, value): (u64, &f64)| Row {
        step: at,
        wall_ms: 0,
        values: vec![(key.to_owned(), Value::F64(*value))],
    };
    let rows: Vec<Row> = (first..).zip(values).map(row).collect();
    let mut out = Vec::new();
    Writer::default().frame(&rows, &mut out);
    out
}

/// Returns whether the health service reports that this service is serving. The empty name stands
/// for the whole controller.
pub(crate) async fn serves(lab: &Lab, service: &str) -> bool {
    let channel = tonic::transport::Endpoint::new(lab.address()).unwrap().connect().await.unwrap();
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel).check(request).await.unwrap().into_inner();
    answer.status() == ServingStatus::Serving
}

pub(crate) fn code<T>(result: Result<T, Status>) -> Code {
    result.err().map_or(Code::Ok, |status| status.code())
}

pub(crate) async fn pause(millis: u64) {
    Clock::system().sleep(Duration::from_millis(millis)).await;
}

/// Makes this call until the data folder is free, at most for some seconds. Another test may be
/// starting a program. Until that program runs, it has the lock on every folder that was open then.
pub(crate) async fn once_free<T>(
    mut call: impl AsyncFnMut() -> Result<T, StartError>,
) -> Result<T, StartError> {
    for _ in 0..1_000 {
        match call().await {
            Err(StartError::InUse(_)) => pause(5).await,
            done => return done,
        }
    }
    call().await
}

/// Calls `look` until its first result is true. Panics after 60 seconds with the second result of
/// the last call.
pub(crate) async fn eventually<T: std::fmt::Debug>(
    what: &str,
    mut look: impl AsyncFnMut() -> (bool, T),
) {
    let clock = Clock::system();
    let end = clock.now() + Duration::from_secs(60);
    loop {
        let (holds, seen) = look().await;
        if holds {
            return;
        }
        assert!(clock.now() < end, "{what}: {seen:?}");
        clock.sleep(Duration::from_millis(20)).await;
    }
}

/// Counts the files below a folder.
pub(crate) fn below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { below(&path) } else { 1 }).sum()
}
