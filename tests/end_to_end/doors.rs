//! Tests a controller with few file descriptors among silent connections: clients still connect,
//! the controller does not spin, and its log says what happened. Also tests clients that do not
//! read, or do not finish the messages that they send. The controller keeps little of their data in
//! memory.

use std::{
    collections::VecDeque,
    convert::Infallible,
    fs,
    net::TcpStream,
    pin::Pin,
    process::{Child, Command, Stdio},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use http_body::Frame;
use proto::{
    dial::Dial,
    v1::{
        AppendRows, BeginRun, Block, EndRun, Outcome, ReadHistory, ReadRows,
        history_client::HistoryClient, runs_client::RunsClient,
    },
};
use record::{Row, Value, Writer};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tests::{Lab, program, wait_for};
use tokio::{runtime::Runtime, task::JoinSet};
use tonic::{
    Streaming,
    body::Body,
    codegen::{Bytes, Service as _, http},
    transport::{Channel, Endpoint},
};

/// A controller with a limit on its open files, and its log.
struct Strangled {
    child: Child,
    log: std::path::PathBuf,
}

impl Strangled {
    fn start(lab: &Lab, files: u32) -> Self {
        let log = lab.dir().join("strangled.log");
        let script = format!(
            "ulimit -n {files}; exec {} --listen 127.0.0.1:{} --data {}",
            program("controller").display(),
            lab.port(),
            lab.dir().join("besom-data").display()
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .env_remove("BESOM_TOKEN")
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let started = Self { child, log };
        wait_for("the controller", || lab.sweep(&["ls"]).status.success().then_some(()));
        started
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Returns the CPU time that the controller has used so far, in hundredths of a second.
    fn computed(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        after[11].parse::<u64>().unwrap() + after[12].parse::<u64>().unwrap()
    }

    /// Waits until the controller is idle; returns the peak of its memory in MiB.
    fn peak(&self) -> u64 {
        let mut before = self.computed();
        wait_for("the controller to rest", || {
            thread::sleep(Duration::from_secs(1));
            let now = self.computed();
            let rests = now < before + 10;
            before = now;
            rests.then_some(())
        });
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Checks that the controller, which has almost nothing to do, does not spin: it uses less than
    /// half of one CPU.
    fn assert_rests(&self) {
        let before = self.computed();
        thread::sleep(Duration::from_secs(3));
        let computed = self.computed() - before;
        assert!(computed < 150, "{computed} hundredths of a second in 3 seconds");
    }
}

impl Drop for Strangled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn silent(lab: &Lab, count: usize) -> Vec<TcpStream> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    (0..count).map(|_| TcpStream::connect(("127.0.0.1", lab.port())).unwrap()).collect()
}

#[test]
fn silent_connections_keep_no_client_out() {
    let lab = Lab::new();
    let controller = Strangled::start(&lab, 1024);
    let strangers = silent(&lab, 1200);
    for _ in 0..5 {
        let listed = lab.sweep(&["ls"]);
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    }
    controller.assert_rests();
    let said = controller.said();
    let told = said.matches("there is no room for another connection from 127.0.0.1").count();
    // The controller logs the warning once, and once more for each minute that the test takes.
    assert!((1..10).contains(&told), "{said}");
    let open = fs::read_dir(format!("/proc/{}/fd", controller.child.id())).unwrap().count();
    assert!(open < 768, "{open} files are open");
    drop(strangers);
}

#[test]
fn a_controller_out_of_file_descriptors_waits_and_says_so() {
    let lab = Lab::new();
    let controller = Strangled::start(&lab, 1024);
    let few = Rlimit { current: Some(3), maximum: Some(1024) };
    let before = prlimit(controller.pid(), Resource::Nofile, few).unwrap();
    let strangers = silent(&lab, 3);
    wait_for("a word about it", || {
        controller.said().contains("may open no more files").then_some(())
    });
    controller.assert_rests();
    let told = controller.said().matches("cannot accept connections").count();
    assert!((1..10).contains(&told), "{}", controller.said());
    prlimit(controller.pid(), Resource::Nofile, before).unwrap();
    let listed = lab.sweep(&["ls"]);
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    drop(strangers);
}

/// The number of rows of the large run. `APPENDED` is the number of rows of one append.
const ROWS: u64 = 400_000;
const APPENDED: u64 = 20_000;

/// Returns a row of eight numbers that cannot be compressed.
fn row(step: u64) -> Row {
    let noise = |key: u64| {
        let mixed = (step * 8 + key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64
    };
    Row {
        step,
        wall_ms: 0,
        values: (0..8).map(|key| (format!("noise/{key}"), Value::F64(noise(key)))).collect(),
    }
}

fn append(run: &str, offset: u64, rows: u64) -> AppendRows {
    let some: Vec<Row> = (offset..offset + rows).map(row).collect();
    let mut frames = Vec::new();
    Writer::default().frame(&some, &mut frames);
    let (run, writer, stream) = (run.to_owned(), "sdk".to_owned(), "history".to_owned());
    AppendRows { run, attempt: 1, writer, stream, offset, frames }
}

/// Makes a finished run of [`ROWS`] rows. Meanwhile, the controller merges the rows into columns.
async fn large_run(lab: &Lab) -> String {
    let mut runs = Dial::new(&lab.address(), None).unwrap().runs();
    let run = runs.begin(BeginRun::default()).await.unwrap().into_inner().run;
    for offset in (0..ROWS).step_by(APPENDED as usize) {
        runs.append(append(&run, offset, APPENDED)).await.unwrap();
    }
    let outcome = Some(Outcome { state: "finished".to_owned(), ..Outcome::default() });
    runs.end(EndRun { run: run.clone(), attempt: 1, outcome, ..EndRun::default() }).await.unwrap();
    run
}

/// Returns a connection whose client accepts at most 64 KiB that it has not read.
async fn narrow(lab: &Lab) -> Channel {
    let endpoint = Endpoint::from_shared(lab.address()).unwrap();
    let narrow = endpoint.initial_stream_window_size(65_535).initial_connection_window_size(65_535);
    narrow.connect().await.unwrap()
}

/// Starts a reader of a run, through `Runs.Read` if `number` is even, else through `History.Rows`.
/// Waits for the first block. Returns the stream and the number of rows of this block.
async fn reader(lab: &Lab, run: &str, number: usize) -> (Streaming<Block>, u64) {
    let (channel, run) = (narrow(lab).await, run.to_owned());
    let mut stream = if number.is_multiple_of(2) {
        let read = ReadRows { run, stream: "history".to_owned(), ..ReadRows::default() };
        RunsClient::new(channel).read(read).await.unwrap().into_inner()
    } else {
        let read = ReadHistory { run, ..ReadHistory::default() };
        HistoryClient::new(channel).rows(read).await.unwrap().into_inner()
    };
    let first = stream.message().await.unwrap().unwrap();
    (stream, first.rows)
}

#[test]
fn slow_readers_cost_little_memory() {
    let lab = Lab::new();
    let controller = Strangled::start(&lab, 4096);
    Runtime::new().unwrap().block_on(async {
        let run = large_run(&lab).await;
        let mut readers = Vec::new();
        for number in 0..500 {
            readers.push(reader(&lab, &run, number).await);
        }
        let peak = controller.peak();
        assert!(peak < 300, "{peak} MiB for 500 readers that do not read");
        // Other clients do not wait, and the readers that continue miss no row.
        assert!(lab.sweep(&["ls"]).status.success());
        for (mut stream, mut rows) in readers.drain(..4) {
            while let Some(block) = stream.message().await.unwrap() {
                rows += block.rows;
            }
            assert_eq!(rows, ROWS);
        }
        let peak = controller.peak();
        assert!(peak < 300, "{peak} MiB after some have read on");
    });
}

/// A body that sends the first part of a message, and then nothing more.
struct Half(VecDeque<Bytes>);

impl http_body::Body for Half {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.pop_front().map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
    }
}

/// Makes a call that sends all of its message but the last mebibyte.
async fn half_sent(lab: &Lab, mebibytes: u32) {
    let head = [&[0][..], &(mebibytes << 20).to_be_bytes()].concat();
    let mebibyte = Bytes::from(vec![7; 1 << 20]);
    let pieces = (1..mebibytes).map(|_| mebibyte.clone());
    let body = Body::new(Half([Bytes::from(head)].into_iter().chain(pieces).collect()));
    let mut channel = Endpoint::from_shared(lab.address()).unwrap().connect().await.unwrap();
    let request = http::Request::post(format!("{}/besom.v1.Runs/Append", lab.address()))
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap();
    std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
    // This test does not check how the controller ends the call.
    let _ = channel.call(request).await;
}

#[test]
fn half_sent_messages_cost_little_memory() {
    let lab = Lab::new();
    let controller = Strangled::start(&lab, 4096);
    Runtime::new().unwrap().block_on(async {
        let lab = std::sync::Arc::new(lab);
        let mut sending = JoinSet::new();
        for number in 0..60 {
            let (lab, mebibytes) = (lab.clone(), if number % 2 == 0 { 8 } else { 15 });
            sending.spawn(async move { half_sent(&lab, mebibytes).await });
        }
        let peak = controller.peak();
        assert!(peak < 200, "{peak} MiB for 60 messages that are half sent");
        let mut runs = Dial::new(&lab.address(), None).unwrap().runs();
        let run = runs.begin(BeginRun::default()).await.unwrap().into_inner().run;
        runs.append(append(&run, 0, 100)).await.unwrap();
        sending.abort_all();
    });
}
