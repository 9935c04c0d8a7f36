//! A controller with scripted answers, and a runner of `sweep` commands against it. The tests of
//! this folder use this module. The fake controller keeps only the received `create` requests and
//! the numbers of `watch` and `read` calls.

mod artifacts;
mod files;
mod history;

use std::{
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use proto::v1::{
    AppendRows, Appended, BeginRun, Block, Change, ChangeSweep, Counts, CreateSweep, Curve,
    CurvePoint, EndRun, EnqueuePoints, Enqueued, Expected, ExplainSweep, Explanation, ExtendSweep,
    FindRuns, Importance, ListRuns, ListSweeps, Outcome, ReadRows, Recommendation, ReplayTrials,
    Replayed, Retried, RetryRuns, Run, RunBegun, RunEnded, RunRef, Sweep, SweepList, SweepRef,
    SweepUpdate,
    artifacts_server::ArtifactsServer,
    files_server::FilesServer,
    history_server::HistoryServer,
    runs_server::{Runs, RunsServer},
    sweeps_server::{Sweeps, SweepsServer},
};
use record::{Row, Value, Writer};
use tokio_stream::{Iter, wrappers::TcpListenerStream};
use tonic::{Code, Request, Response, Status, transport::Server};

/// The id of a sweep that is over.
pub(crate) const SWEEP: &str = "k3x9abcd";
/// The id of a sweep that `get` returns as running.
pub(crate) const LIVE: &str = "livelive";
/// The token of the fake controller.
pub(crate) const TOKEN: &str = "secret";

type Answers<T> = Iter<std::vec::IntoIter<Result<T, Status>>>;

#[derive(Default)]
struct Script {
    creates: Mutex<Vec<CreateSweep>>,
    /// The idempotency keys of the calls that raise the cap.
    extends: Mutex<Vec<String>>,
    watches: AtomicU32,
    reads: AtomicU32,
}

/// A fake controller that serves until the test ends.
pub(crate) struct Fake {
    address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    /// Starts the fake controller on a free port.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let script = std::sync::Arc::new(Script::default());
        let server = Server::builder()
            .add_service(SweepsServer::with_interceptor(Shared(script.clone()), authorize))
            .add_service(ArtifactsServer::with_interceptor(Shared(script.clone()), authorize))
            .add_service(FilesServer::with_interceptor(Shared(script.clone()), authorize))
            .add_service(HistoryServer::with_interceptor(Shared(script.clone()), authorize))
            .add_service(RunsServer::with_interceptor(Shared(script), authorize));
        runtime.spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { address, _runtime: runtime }
    }

    /// Runs `sweep` with the token and renders the session: command, exit code, stdout, stderr.
    pub(crate) fn session(&self, args: &[&str]) -> String {
        self.session_as(Some(TOKEN), args)
    }

    /// Runs `sweep` with another token, or none, and renders the session.
    pub(crate) fn session_as(&self, token: Option<&str>, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
        command
            .args(args)
            .env("BESOM_CONTROLLER", &self.address)
            .env_remove("BESOM_TOKEN")
            // Without a cache, no test sees files of another test.
            .env("BESOM_CACHE_GIB", "0")
            .stdin(Stdio::null());
        if let Some(token) = token {
            command.env("BESOM_TOKEN", token);
        }
        let output = command.output().unwrap();
        let part = |title: &str, bytes: &[u8]| match std::str::from_utf8(bytes).unwrap() {
            "" => String::new(),
            text => format!("-- {title}\n{text}"),
        };
        let (stdout, stderr) = (part("stdout", &output.stdout), part("stderr", &output.stderr));
        let session = format!(
            "$ sweep {}\nexit {}\n{stdout}{stderr}",
            args.join(" "),
            output.status.code().unwrap()
        );
        session.replace(&self.address, "http://ADDRESS")
    }
}

fn authorize(request: Request<()>) -> Result<Request<()>, Status> {
    match request.metadata().get("authorization").map(|header| header.as_bytes()) {
        Some(b"Bearer secret") => Ok(request),
        Some(_) => Err(Status::unauthenticated("the token is not known here")),
        None => Err(Status::unauthenticated("the controller requires a token or a key")),
    }
}

struct Shared(std::sync::Arc<Script>);

fn known(sweep: &str) -> Result<(), Status> {
    if sweep == SWEEP { Ok(()) } else { Err(Status::not_found(format!("no sweep `{sweep}`"))) }
}

fn stream<T>(answers: Vec<Result<T, Status>>) -> Result<Response<Answers<T>>, Status> {
    Ok(Response::new(tokio_stream::iter(answers)))
}

fn run(trial: u64, state: &str, value: Option<f64>) -> Run {
    Run {
        id: format!("{SWEEP}-{trial}"),
        sweep: SWEEP.to_owned(),
        trial: Some(trial),
        state: state.to_owned(),
        attempt: 1,
        config_json: format!(r#"{{"lr": 0.{trial}1, "opt": {{"name": "a,\"b\""}}}}"#),
        summary_json: value.map(|value| format!(r#"{{"val/loss": {value}}}"#)).unwrap_or_default(),
        value,
        started_ms: Some(1_000),
        ended_ms: (state != "running").then_some(62_000),
        ..Run::default()
    }
}

fn runs() -> Vec<Run> {
    let mut failed = run(2, "failed", None);
    failed.note = "the metric `val/loss` was never logged; did you mean `val_loss`?".to_owned();
    let message = "exit code 1\nKeyError: 'lr'".to_owned();
    failed.outcome = Some(Outcome {
        state: "failed".to_owned(),
        class: "error".to_owned(),
        exit_code: Some(1),
        message,
        signal: None,
    });
    vec![run(0, "finished", Some(0.5)), run(1, "finished", Some(0.25)), failed]
}

fn sweep(state: &str) -> Sweep {
    Sweep {
        id: SWEEP.to_owned(),
        name: "small-cnn".to_owned(),
        method: "grid".to_owned(),
        state: state.to_owned(),
        metric: "val/loss".to_owned(),
        trials_bound: Some(3),
        counts: Some(Counts { finished: 2, failed: 1, trials: 3, ..Counts::default() }),
        best: Some(run(1, "finished", Some(0.25))),
        // The sweep is as old as the epoch, so its age is shown in days whenever the tests run.
        created_ms: 0,
        ended_ms: Some(100_000),
        ..Sweep::default()
    }
}

#[tonic::async_trait]
impl Sweeps for Shared {
    /// Answers the first call with `unavailable`. The second call succeeds only if it repeats the
    /// idempotency key of the first.
    async fn create(&self, request: Request<CreateSweep>) -> Result<Response<Sweep>, Status> {
        let mut creates = self.0.creates.lock().unwrap();
        creates.push(request.into_inner());
        match creates.as_slice() {
            [_] => Err(Status::unavailable("the writer is busy")),
            [one, other]
                if one.idempotency_key == other.idempotency_key
                    && one.idempotency_key.len() == 32 =>
            {
                Ok(Response::new(Sweep { state: "pending".to_owned(), ..sweep("pending") }))
            }
            _ => Err(Status::internal("a repeat must carry the same key")),
        }
    }

    async fn get(&self, request: Request<SweepRef>) -> Result<Response<Sweep>, Status> {
        let id = request.into_inner().sweep;
        if id == LIVE {
            return Ok(Response::new(sweep("running")));
        }
        known(&id)?;
        Ok(Response::new(sweep("finished")))
    }

    async fn list(&self, _: Request<ListSweeps>) -> Result<Response<SweepList>, Status> {
        Ok(Response::new(SweepList { sweeps: vec![sweep("finished")] }))
    }

    async fn change(&self, request: Request<ChangeSweep>) -> Result<Response<Sweep>, Status> {
        let request = request.into_inner();
        known(&request.sweep)?;
        match request.change() {
            Change::Cancel => return Ok(Response::new(sweep("cancelled"))),
            Change::Resume => return Ok(Response::new(sweep("running"))),
            _ => {}
        }
        let mut status = Status::new(
            Code::FailedPrecondition,
            format!("pause does not apply to sweep `{SWEEP}`: it is finished"),
        );
        proto::dial::advise(&mut status, "`sweep retry` reopens it");
        Err(status)
    }

    /// Answers the first call with `unavailable`. Every later call raises the cap of a sweep that
    /// its cap of 3 has finished.
    async fn extend(&self, request: Request<ExtendSweep>) -> Result<Response<Sweep>, Status> {
        let asked = request.into_inner();
        let mut extends = self.0.extends.lock().unwrap();
        extends.push(asked.idempotency_key.clone());
        match extends.as_slice() {
            [_] => Err(Status::unavailable("the writer is busy")),
            [first, .., last] if first == last && last.len() == 32 => {
                let (cap, ended_ms) = (Some(3 + asked.runs), None);
                let (run_cap, raised_cap, trials_bound) = (Some(3), cap, cap);
                Ok(Response::new(Sweep {
                    run_cap,
                    raised_cap,
                    trials_bound,
                    ended_ms,
                    ..sweep("running")
                }))
            }
            keys => Err(Status::internal(format!("the keys differ: {keys:?}"))),
        }
    }

    /// Answers that the sweep has one point more.
    async fn enqueue(&self, request: Request<EnqueuePoints>) -> Result<Response<Enqueued>, Status> {
        let asked = request.into_inner();
        known(&asked.sweep)?;
        if asked.yaml.contains("lr: 5") {
            let message = "the points do not fit the sweep\nerror: `lr` cannot be `5`";
            return Err(Status::invalid_argument(message));
        }
        let points_json = vec![r#"{"lr":0.01}"#.to_owned()];
        Ok(Response::new(Enqueued { points_json, waiting: 3 }))
    }

    async fn retry(&self, request: Request<RetryRuns>) -> Result<Response<Retried>, Status> {
        let request = request.into_inner();
        known(&request.sweep)?;
        if let Some(run) = request.runs.iter().find(|run| run.ends_with("-9")) {
            return Err(Status::not_found(format!("no run `{run}`")));
        }
        let runs = if request.runs.is_empty() { vec![format!("{SWEEP}-2")] } else { Vec::new() };
        Ok(Response::new(Retried { runs }))
    }

    type WatchStream = Answers<SweepUpdate>;

    /// Interrupts the first stream after its first update.
    async fn watch(&self, _: Request<SweepRef>) -> Result<Response<Self::WatchStream>, Status> {
        let mut running = sweep("running");
        running.counts = Some(Counts { finished: 1, running: 1, trials: 2, ..Counts::default() });
        running.ended_ms = None;
        let first = SweepUpdate {
            sweep: Some(running),
            runs: vec![run(0, "finished", Some(0.5)), run(1, "running", None)],
        };
        let last = SweepUpdate { sweep: Some(sweep("finished")), runs: runs() };
        match self.0.watches.fetch_add(1, Ordering::SeqCst) {
            0 => stream(vec![Ok(first), Err(Status::unavailable("the controller goes down"))]),
            _ => stream(vec![Ok(first), Ok(last)]),
        }
    }

    async fn replay(&self, _: Request<ReplayTrials>) -> Result<Response<Replayed>, Status> {
        let different = vec![r#"trial 2: {"lr":0.1} is now {"lr":0.2}"#.to_owned()];
        Ok(Response::new(Replayed { equal: 2, incomparable: 0, different }))
    }

    async fn explain(
        &self,
        request: Request<ExplainSweep>,
    ) -> Result<Response<Explanation>, Status> {
        let ExplainSweep { sweep, parameters } = request.into_inner();
        known(&sweep)?;
        if parameters.iter().any(|name| name != "lr") {
            return Err(Status::invalid_argument("the sweep has no such parameter that varies"));
        }
        let point = |value: &str, mean| CurvePoint {
            value_json: value.to_owned(),
            mean,
            low: mean,
            high: mean,
            trial_low: mean,
            trial_high: mean,
        };
        let importance =
            Importance { parameter: "lr".to_owned(), alone: 0.9, total: 1.0, low: 0.8, high: 1.0 };
        let curve = Curve {
            parameter: "lr".to_owned(),
            points: vec![point("0.1", 0.5), point("0.2", 0.25)],
        };
        let (importances, curves) = (vec![importance], vec![curve]);
        let held = Explanation { held_out: 5, covered: 5, ..Explanation::default() };
        Ok(Response::new(Explanation { trials: 5, accuracy: 0.8, importances, curves, ..held }))
    }

    async fn recommend(
        &self,
        request: Request<SweepRef>,
    ) -> Result<Response<Recommendation>, Status> {
        known(&request.into_inner().sweep)?;
        let expected = |trial: u64, value, mean: f64| {
            let run = format!("{SWEEP}-{trial}");
            Some(Expected { run, value, mean, low: mean - 0.0625, high: mean + 0.0625 })
        };
        Ok(Response::new(Recommendation {
            recommended: expected(0, 0.5, 0.4375),
            observed: expected(1, 0.25, 0.5),
            noise: 0.125,
            probability: Some(0.75),
            reruns: Some(3),
        }))
    }
}

#[tonic::async_trait]
impl Runs for Shared {
    async fn begin(&self, _: Request<BeginRun>) -> Result<Response<RunBegun>, Status> {
        Err(Status::unimplemented("not asked by `sweep`"))
    }

    async fn append(&self, _: Request<AppendRows>) -> Result<Response<Appended>, Status> {
        Err(Status::unimplemented("not asked by `sweep`"))
    }

    async fn end(&self, _: Request<EndRun>) -> Result<Response<RunEnded>, Status> {
        Err(Status::unimplemented("not asked by `sweep`"))
    }

    async fn get(&self, request: Request<RunRef>) -> Result<Response<Run>, Status> {
        let id = request.into_inner().run;
        let run = runs().into_iter().find(|run| run.id == id);
        run.map(Response::new).ok_or_else(|| Status::not_found(format!("no run `{id}`")))
    }

    type ListStream = Answers<Run>;

    async fn list(&self, request: Request<ListRuns>) -> Result<Response<Self::ListStream>, Status> {
        known(&request.into_inner().sweep)?;
        stream(runs().into_iter().map(Ok).collect())
    }

    type FindStream = Answers<Run>;

    /// The tests of `tests/` cover this call with the real controller.
    async fn find(&self, _: Request<FindRuns>) -> Result<Response<Self::FindStream>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    type ReadStream = Answers<Block>;

    /// If the first call of `read` follows the stream, interrupts it after the first block. Every
    /// later call sends both blocks, so it repeats the first.
    async fn read(&self, request: Request<ReadRows>) -> Result<Response<Self::ReadStream>, Status> {
        let request = request.into_inner();
        if request.run == format!("{SWEEP}-0") {
            return stream(Vec::new());
        }
        let first = Ok(block(
            0,
            &[("stdout", "epoch 1\u{1b}]0;stolen title\u{7}"), ("stderr", "10%\r100%")],
        ));
        let second = Ok(block(2, &[("stderr", "KeyError: 'lr'")]));
        match self.0.reads.fetch_add(1, Ordering::SeqCst) {
            0 if request.follow => {
                stream(vec![first, Err(Status::unavailable("the controller goes down"))])
            }
            _ => stream(vec![first, second]),
        }
    }
}

fn block(offset: u64, lines: &[(&str, &str)]) -> Block {
    let row = |(key, line): &(&str, &str)| Row {
        values: vec![((*key).to_owned(), Value::Text((*line).to_owned()))],
        ..Row::default()
    };
    let rows: Vec<Row> = lines.iter().map(row).collect();
    let mut frames = Vec::new();
    Writer::default().frame(&rows, &mut frames);
    Block {
        attempt: 1,
        writer: "agent".to_owned(),
        offset,
        rows: rows.len() as u64,
        frames,
        fenced: false,
    }
}
