//! Provides a scripted controller for tests. It keeps everything in memory, follows the protocol's
//! rules for appends, and misbehaves on demand.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use proto::v1::{
    agents_server::{Agents, AgentsServer},
    runs_server::{Runs, RunsServer},
    *,
};
use record::Row;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot};
use tokio_stream::{Empty, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, transport::Server};

/// The scripted controller's data and the behavior that a test has set.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) begun: Vec<BeginRun>,
    /// The rows, by run and stream.
    pub(crate) rows: HashMap<(String, String), Vec<Row>>,
    pub(crate) ended: Vec<EndRun>,
    /// The number of appends without rows. The SDK renews the lease of a run outside sweeps with
    /// such appends.
    pub(crate) asked: u32,
    pub(crate) appends: u32,
    pub(crate) lease_ms: u32,
    pub(crate) stop_wanted: bool,
    pub(crate) fenced: bool,
    pub(crate) denied: bool,
    /// The number of further appends of new rows that the controller stores but answers with
    /// `unavailable`, as if the answer were lost.
    pub(crate) lost_answers: u32,
    /// For each trial that is still to be handed out, the value of its parameter `what`.
    pub(crate) queue: VecDeque<&'static str>,
    pub(crate) started: u32,
    /// The runs for which the controller orders a stop as long as an agent holds them.
    pub(crate) stop: Vec<String>,
    pub(crate) beats: Vec<Beat>,
    /// The timeout of each trial, in milliseconds.
    pub(crate) timeout_ms: Option<u64>,
}

impl State {
    pub(crate) fn steps(&self, run: &str, stream: &str) -> Vec<u64> {
        self.rows
            .get(&(run.to_owned(), stream.to_owned()))
            .into_iter()
            .flatten()
            .map(|row| row.step)
            .collect()
    }
}

#[derive(Clone, Default)]
struct Service(Arc<Mutex<State>>);

/// A scripted controller on its own port. A test can make it go away and come back.
pub(crate) struct Controller {
    runtime: Runtime,
    service: Service,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
}

impl Controller {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let service = Service::default();
        service.0.lock().unwrap().lease_ms = 30_000;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut controller = Self { runtime, service, address, stop: None };
        controller.come_back();
        controller
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.service.0.lock().unwrap()
    }

    /// Closes the controller's port and all its connections.
    pub(crate) fn go_away(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }

    pub(crate) fn come_back(&mut self) {
        let listener = self.runtime.block_on(async {
            loop {
                match TcpListener::bind(self.address).await {
                    Ok(listener) => return listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
        self.address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        let service = self.service.clone();
        self.runtime.spawn(async move {
            let serve = Server::builder()
                .add_service(RunsServer::new(service.clone()))
                .add_service(AgentsServer::new(service))
                .serve_with_incoming(TcpListenerStream::new(listener));
            // The drop of the server closes all connections at once, like a kill of the controller.
            tokio::select! {
                served = serve => served.unwrap(),
                _ = stopped => {}
            }
        });
    }

    /// Waits until `so` returns true for the controller's state. Panics after about 20 seconds.
    pub(crate) fn wait(&self, what: &str, so: impl Fn(&State) -> bool) {
        for _ in 0..2_000 {
            if so(&self.state()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("waited too long until {what}");
    }
}

#[tonic::async_trait]
impl Runs for Service {
    async fn begin(&self, request: Request<BeginRun>) -> Result<Response<RunBegun>, Status> {
        let mut state = self.0.lock().unwrap();
        let begin = request.into_inner();
        let begun = RunBegun {
            run: format!("run{:05}", state.begun.len()),
            attempt: 1,
            config_json: begin.config_json.clone(),
            token: "of-this-run".to_owned(),
            lease_ms: state.lease_ms,
            next_step: 0,
        };
        state.begun.push(begin);
        Ok(Response::new(begun))
    }

    async fn append(&self, request: Request<AppendRows>) -> Result<Response<Appended>, Status> {
        let mut state = self.0.lock().unwrap();
        let token =
            request.metadata().get("authorization").map(|token| token.to_str().unwrap().to_owned());
        if token.is_some_and(|token| token != "Bearer of-this-run") {
            return Err(Status::permission_denied("the token is for another run"));
        }
        if state.denied {
            return Err(Status::permission_denied("not today"));
        }
        if state.fenced {
            return Err(Status::aborted("another attempt owns this run"));
        }
        let append = request.into_inner();
        let new = record::rows(&append.frames)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        state.appends += 1;
        state.asked += u32::from(new.is_empty());
        let stop_wanted = state.stop_wanted;
        let rows = state.rows.entry((append.run, append.stream)).or_default();
        let stored = rows.len() as u64;
        if append.offset > stored && !new.is_empty() {
            let mut status = Status::out_of_range("rows are missing before these");
            status.metadata_mut().insert("besom-offset", stored.to_string().parse().unwrap());
            return Err(status);
        }
        rows.extend(new.into_iter().skip((stored - append.offset.min(stored)) as usize));
        let next = rows.len() as u64;
        if next > stored && state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(Status::unavailable("the answer is lost"));
        }
        Ok(Response::new(Appended { next, stop_wanted }))
    }

    async fn end(&self, request: Request<EndRun>) -> Result<Response<RunEnded>, Status> {
        let mut state = self.0.lock().unwrap();
        if state.fenced {
            return Err(Status::aborted("another attempt owns this run"));
        }
        state.ended.push(request.into_inner());
        Ok(Response::new(RunEnded { run: None, note: "noted".to_owned() }))
    }

    async fn get(&self, _: Request<RunRef>) -> Result<Response<Run>, Status> {
        Err(Status::unimplemented("get"))
    }

    type ListStream = Empty<Result<Run, Status>>;
    async fn list(&self, _: Request<ListRuns>) -> Result<Response<Self::ListStream>, Status> {
        Err(Status::unimplemented("list"))
    }

    type FindStream = Empty<Result<Run, Status>>;
    async fn find(&self, _: Request<FindRuns>) -> Result<Response<Self::FindStream>, Status> {
        Err(Status::unimplemented("find"))
    }

    type ReadStream = Empty<Result<Block, Status>>;
    async fn read(&self, _: Request<ReadRows>) -> Result<Response<Self::ReadStream>, Status> {
        Err(Status::unimplemented("read"))
    }
}

#[tonic::async_trait]
impl Agents for Service {
    async fn heartbeat(&self, request: Request<Beat>) -> Result<Response<Orders>, Status> {
        let beat = request.into_inner();
        if beat.sweep != "k3x9a0bc" {
            return Err(Status::not_found("no sweep"));
        }
        let mut wait = beat.wait_ms;
        loop {
            let orders = self.0.lock().unwrap().orders(&beat);
            if wait == 0 || !orders.start.is_empty() || !orders.stop.is_empty() || orders.sweep_over
            {
                self.0.lock().unwrap().beats.push(beat);
                return Ok(Response::new(orders));
            }
            wait = wait.saturating_sub(10);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn list(&self, _: Request<ListAgents>) -> Result<Response<AgentList>, Status> {
        Err(Status::unimplemented("list"))
    }
}

impl State {
    fn orders(&mut self, beat: &Beat) -> Orders {
        let held = |held: &Held| RunAttempt { run: held.run.clone(), attempt: held.attempt };
        let mut orders = Orders {
            beat: beat.beat,
            lease_ms: self.lease_ms,
            keep: beat.holds.iter().map(held).collect(),
            sweep_over: self.queue.is_empty() && beat.holds.is_empty(),
            ..Orders::default()
        };
        for held in beat.holds.iter().filter(|held| self.stop.contains(&held.run)) {
            let reason = "cancelled".to_owned();
            orders.stop.push(Stop {
                run: held.run.clone(),
                attempt: held.attempt,
                reason,
                grace_ms: 1_000,
            });
        }
        let next = if beat.free > 0 { self.queue.pop_front() } else { None };
        if let Some(what) = next {
            orders.sweep_over = false;
            orders.start.push(Start {
                run: format!("k3x9a0bc-{}", self.started),
                attempt: 1,
                sweep: beat.sweep.clone(),
                trial: self.started.into(),
                params_json: format!(r#"{{"what": "{what}"}}"#),
                token: "of-this-run".to_owned(),
                timeout_ms: self.timeout_ms,
                ..Start::default()
            });
            self.started += 1;
        }
        orders
    }
}

/// Returns a command that starts the program in `trainer.rs`, without the environment variables of
/// this process whose names begin with `BESOM_`.
pub(crate) fn trainer() -> Command {
    // Cargo puts examples into the folder `examples`, which is a sibling of the tests' folder.
    let tests: PathBuf = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let program = tests.parent().unwrap().join("examples/trainer");
    assert!(program.exists(), "{} is built by `cargo test -p besom`", program.display());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BESOM_")) {
        command.env_remove(name);
    }
    command
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
