//! Sends a controller each kind of message that its writer handles, as large as the limits allow.
//! Notes the writer's work for each message.

use std::{fmt::Write as _, time::Duration};

use blobs::Hashed;
use controller::settings::Limits;
use proto::v1::{
    AliasArtifact, AppendRows, ArtifactRef, BeginRun, BinRefs, BlobChunk, Change, ChangeSweep,
    CreateSweep, EndRun, Held as Holding, Outcome, ResumeRun, RetryRuns, RunAttempt, RunList,
    RunRef, SweepRef, UseArtifact,
};
use record::{
    MAX_FRAME_BYTES, MAX_KEY_BYTES, Row, Value, Writer,
    artifact::{ArtifactRow, Content, Entry, MAX_ALIASES, MAX_ENTRIES, manifest},
    checkpoint::CheckpointRow,
    file::FileRow,
};
use tonic::Status;

use crate::{
    lab::{FakeAgent, Lab, pause},
    meter::{Held, seen},
    note,
};

type Table = Vec<(String, Held)>;

/// Makes a JSON object of about `bytes` bytes. The object holds small numbers under short keys,
/// because such an object takes the longest to parse.
fn object(bytes: usize, mark: &str) -> String {
    let mut text = String::from("{");
    for number in 0.. {
        let _ = write!(text, "\"{mark}{number}\":{number},");
        if text.len() + 24 > bytes {
            break;
        }
    }
    text.pop();
    text + "}"
}

fn frames(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::default().frame(rows, &mut out);
    out
}

fn row(step: u64, values: Vec<(String, Value)>) -> Row {
    Row { step, wall_ms: 0, values }
}

fn said(key: &str, json: String) -> Row {
    row(0, vec![(key.to_owned(), Value::Json(json))])
}

/// Makes as many frames of the rows from `next` as fit into `bytes` bytes.
fn fitting(bytes: usize, mut next: impl FnMut(u64) -> Row) -> Vec<u8> {
    let mut out = Vec::new();
    let mut step = 0;
    loop {
        let mut rows = Vec::new();
        let mut some = Vec::new();
        while some.len() < MAX_FRAME_BYTES / 8 {
            rows.extend((0..200).map(|_| {
                step += 1;
                next(step - 1)
            }));
            some = frames(&rows);
        }
        if out.len() + some.len() > bytes {
            return out;
        }
        out.extend(some);
    }
}

struct Program<'a> {
    lab: &'a mut Lab,
    run: String,
}

impl<'a> Program<'a> {
    async fn begin(lab: &'a mut Lab, begin: BeginRun) -> Self {
        let run = lab.runs.begin(begin).await.unwrap().into_inner().run;
        Self { lab, run }
    }

    async fn append(&mut self, stream: &str, writer: &str, offset: u64, frames: Vec<u8>) -> u64 {
        self.send(stream, writer, offset, frames).await.unwrap()
    }

    async fn send(
        &mut self,
        stream: &str,
        writer: &str,
        offset: u64,
        frames: Vec<u8>,
    ) -> Result<u64, Status> {
        let [run, stream, writer] = [&self.run, stream, writer].map(str::to_owned);
        let append = AppendRows { run, attempt: 1, writer, stream, offset, frames };
        Ok(self.lab.runs.append(append).await?.into_inner().next)
    }

    /// Fills each part of the run's summary up to its limit: last values, ranges, and what the
    /// program writes itself.
    async fn fill_summary(&mut self, limits: &Limits) {
        let each = limits.summary_bytes / limits.summary_keys;
        let keys = |range: std::ops::Range<usize>| {
            let one = |number: usize| {
                let key = format!("{number:0width$}", width = MAX_KEY_BYTES.min(each / 2));
                (key, Value::Text("x".repeat(each / 2)))
            };
            range.map(one).collect::<Vec<_>>()
        };
        for (number, stream) in ["history", "summary"].into_iter().enumerate() {
            let rows = [row(number as u64, keys(0..limits.summary_keys))];
            self.append(stream, "filling", 0, frames(&rows)).await;
        }
        let numbers =
            keys(0..limits.summary_keys).into_iter().map(|(key, _)| (key, Value::F64(1.0)));
        self.append("history", "ranges", 0, frames(&[row(2, numbers.collect())])).await;
        seen();
    }
}

/// Sends Begin, Append and End.
pub(crate) async fn of_runs(table: &mut Table) {
    let (mut lab, limits) = (Lab::start().await, Limits::default());
    let config_json = object(limits.config_bytes, "k");
    let notes = "n".repeat(limits.text_bytes - 100);
    let begin = BeginRun { id: "one".to_owned(), config_json, notes, ..BeginRun::default() };
    let program = Program::begin(&mut lab, begin.clone()).await;
    note(table, "Begin");
    let resume = BeginRun { resume: "must".to_owned(), ..begin };
    program.lab.runs.begin(resume).await.unwrap();
    note(table, "Begin, resumed with another config");
    meta(table, &limits).await;
    values(table, &limits).await;
}

async fn meta(table: &mut Table, limits: &Limits) {
    let mut lab = Lab::start().await;
    let config_json = object(limits.config_bytes - 100, "k");
    let mut program =
        Program::begin(&mut lab, BeginRun { config_json, ..BeginRun::default() }).await;
    seen();
    let tiny = fitting(limits.meta_bytes, |step| {
        said("config", format!("{{\"k{}\":{}}}", step % 9000, step % 9))
    });
    let rows = record::rows(&tiny).unwrap().len() as u64;
    let tiny = if rows > limits.meta_rows { record_first(&tiny, limits.meta_rows) } else { tiny };
    let at = program.append("meta", "a", 0, tiny).await;
    note(table, "Append to meta, many small updates of a long config");
    let text = "x".repeat(200 << 10);
    let large = fitting(limits.meta_bytes, |step| {
        said(
            "config",
            if step % 200 < 8 { format!("{{\"k1\":\"{text}\"}}") } else { "{}".to_owned() },
        )
    });
    program.append("meta", "b", 0, large).await;
    note(table, "Append to meta, long updates of a long config");
    let name = |number: u64| format!("{number:0200}");
    let definition = |number: u64| {
        format!(r#"{{"name":"{}","summary":["min","max","mean","last","best"]}}"#, name(number))
    };
    let metrics = fitting(limits.meta_bytes, |step| said("metric", definition(step)));
    program.append("meta", "c", 0, metrics.clone()).await;
    note(table, "Append to meta, definitions of metrics");
    program.append("meta", "d", 0, metrics).await;
    note(table, "Append to meta, definitions again");
    let code = object(limits.code_bytes - 100, "c");
    program.append("meta", "e", 0, frames(&[said("code", code.clone())])).await;
    let mut all = vec![said("code", code), said("config", object(200 << 10, "k"))];
    all.extend((0..900).map(|number| said("metric", definition(number))));
    program.append("meta", "f", 0, frames(&all)).await;
    note(table, "Append to meta, all at once");
    assert!(at > 1000, "{at} rows");
}

fn record_first(frames_in: &[u8], rows: u64) -> Vec<u8> {
    let all = record::rows(frames_in).unwrap();
    frames(&all[..rows as usize])
}

async fn values(table: &mut Table, limits: &Limits) {
    // Without room for decoded summaries, each append decodes one.
    let mut lab = Lab::with(|settings| settings.limits.decoded_bytes = 0).await;
    let config_json = object(limits.config_bytes - 100, "k");
    let mut program =
        Program::begin(&mut lab, BeginRun { config_json, ..BeginRun::default() }).await;
    program.fill_summary(limits).await;
    let wide = |step: u64| {
        let value = |number: u64| (format!("k{step}-{number}"), Value::F64(0.5));
        row(step, (0..50).map(value).collect())
    };
    let narrow = |step: u64| row(step, vec![("loss".to_owned(), Value::I64(step as i64))]);
    let long = |step: u64| {
        row(step, vec![("stdout".to_owned(), Value::Text("x".repeat(2000 + (step % 7) as usize)))])
    };
    program.append("history", "a", 0, fitting(limits.append_bytes, narrow)).await;
    note(table, "Append to history, small rows");
    let history = fitting(limits.append_bytes, wide);
    program.append("history", "b", 0, history.clone()).await;
    note(table, "Append to history, many names");
    program.append("history", "c", 0, frames(&[wide(0)])).await;
    program.append("history", "c", 0, history).await;
    note(table, "Append to history, a part of which is known");
    program.append("summary", "d", 0, fitting(limits.append_bytes, wide)).await;
    note(table, "Append to summary");
    for stream in ["console", "system"] {
        program.append(stream, "e", 0, fitting(limits.append_bytes, long)).await;
        note(table, &format!("Append to {stream}"));
    }
    let message = "x".repeat(limits.text_bytes);
    let outcome = Some(Outcome { state: "failed".to_owned(), message, ..Outcome::default() });
    let end = EndRun { run: program.run.clone(), attempt: 1, outcome, ..EndRun::default() };
    program.lab.runs.end(end).await.unwrap();
    note(table, "End");
}

async fn put(lab: &Lab, content: &[u8]) -> Hashed {
    let hashed = Hashed::of(content);
    let mut chunks = vec![BlobChunk {
        sha256: hashed.sha256.clone(),
        size: hashed.size,
        ..BlobChunk::default()
    }];
    chunks.extend(
        content
            .chunks(1 << 20)
            .map(|data| BlobChunk { data: data.to_vec(), ..BlobChunk::default() }),
    );
    lab.dial(None).files().put(tokio_stream::iter(chunks)).await.unwrap();
    hashed
}

/// Sends files, artifacts and checkpoints.
pub(crate) async fn of_files(table: &mut Table) {
    let (mut lab, limits) = (Lab::start().await, Limits::default());
    let Hashed { sha256, size } = put(&lab, b"content").await;
    note(table, "Put");
    let mut entries: Vec<Entry> = (0..MAX_ENTRIES)
        .map(|number| Entry {
            path: format!("folder/{number:06}"),
            content: Content::Blob { sha256: sha256.clone(), size },
        })
        .collect();
    let text = manifest(&mut entries).unwrap();
    let manifest = put(&lab, text.as_bytes()).await;
    let mut program = Program::begin(&mut lab, BeginRun::default()).await;
    seen();
    let file = |number: u64| {
        let path = format!("{number:0200}");
        FileRow { path, sha256: sha256.clone(), size, kind: "file".to_owned() }.to_row(0, 0)
    };
    let rows: Vec<Row> = (0..limits.file_rows).map(file).collect();
    let at = program.append("files", "a", 0, frames(&rows)).await;
    note(table, "Append to files");
    program.append("files", "b", 0, frames(&rows)).await;
    note(table, "Append to files, the same paths again");
    let artifact = ArtifactRow {
        name: "net".to_owned(),
        kind: "model".to_owned(),
        digest: manifest.sha256,
        size: manifest.size,
        metadata: String::new(),
        aliases: (0..MAX_ALIASES).map(|number| format!("alias{number}")).collect(),
    };
    let values =
        artifact.values().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    program.append("files", "a", at, frames(&[row(0, values)])).await;
    note(table, "Append to files, an artifact");
    checkpoints(table, &limits, &mut program, (sha256, size)).await;
    let run = program.run.clone();
    let wanted = || ArtifactRef {
        project: "uncategorized".to_owned(),
        name: "net".to_owned(),
        ..ArtifactRef::default()
    };
    let mut client = lab.dial(None).artifacts();
    client
        .r#use(UseArtifact { run: run.clone(), attempt: 1, artifact: Some(wanted()) })
        .await
        .unwrap();
    note(table, "Artifacts.Use");
    let add = (0..MAX_ALIASES).map(|number| format!("other{number}")).collect();
    client
        .alias(AliasArtifact { artifact: Some(wanted()), add, remove: Vec::new() })
        .await
        .unwrap();
    note(table, "Artifacts.Alias");
    client.remove(wanted()).await.unwrap();
    note(table, "Artifacts.Remove");
}

async fn checkpoints(
    table: &mut Table,
    limits: &Limits,
    program: &mut Program<'_>,
    content: (String, u64),
) {
    let (sha256, size) = content;
    for writer in 1..limits.writers {
        for stream in ["history", "summary"] {
            program
                .append(stream, &format!("rank{writer}"), 0, frames(&[row(0, Vec::new())]))
                .await;
        }
    }
    seen();
    let checkpoint = |step: u64, history: u64| {
        let row = CheckpointRow { step, sha256: sha256.clone(), size, history, summary: 0 };
        let values = row.values().into_iter().map(|(name, value)| (name.to_owned(), value));
        Row { step, wall_ms: 0, values: values.collect() }
    };
    let mut at = 0;
    // The checkpoints of the first two appends claim nine history rows, which never arrive.
    for history in [9, 9, 0, 0] {
        let rows: Vec<Row> =
            (0..limits.checkpoint_rows as u64).map(|step| checkpoint(step, history)).collect();
        at = program.append("files", "rank1", at, frames(&rows)).await;
        note(table, "Append to files, checkpoints");
    }
    let run = program.run.clone();
    let found = program
        .lab
        .dial(None)
        .checkpoints()
        .list(RunRef { run: run.clone() })
        .await
        .unwrap()
        .into_inner();
    let checkpoint = found.checkpoints[0].id;
    let resumed = BeginRun { id: run.clone(), resume: "must".to_owned(), ..BeginRun::default() };
    program.lab.runs.begin(resumed).await.unwrap();
    seen();
    let resume = ResumeRun { run: run.clone(), attempt: 2, checkpoint };
    program.lab.dial(None).checkpoints().resume(resume).await.unwrap();
    note(table, "Checkpoints.Resume");
    let outcome = Some(Outcome { state: "finished".to_owned(), ..Outcome::default() });
    program.lab.runs.end(EndRun { run, attempt: 2, outcome, ..EndRun::default() }).await.unwrap();
    note(table, "End, with checkpoints");
}

fn sweep_of(parameter_bytes: usize) -> String {
    let fixed = "x".repeat(parameter_bytes);
    format!(
        "method: random\nprogram: train\nretry: {{lost: 0}}\nmetric: {{name: loss}}\n\
         parameters:\n  lr: {{min: 0.0, max: 1.0}}\n  fixed: {{value: \"{fixed}\"}}\n"
    )
}

/// Sends sweeps, heartbeats, and the calls that users make.
pub(crate) async fn of_agents(table: &mut Table) {
    let limits = Limits::default();
    // The first sweeps have many trials with short parameters, the last ones few trials with long
    // ones.
    for bytes in [10, limits.held_bytes / limits.holds, 8 << 10, 32 << 10, limits.yaml_bytes - 1000]
    {
        let mut lab = Lab::start().await;
        let yaml = sweep_of(bytes);
        let sweep =
            lab.sweeps.create(CreateSweep { yaml, ..CreateSweep::default() }).await.unwrap();
        let sweep = sweep.into_inner().id;
        let of = |kind: &str| format!("{kind}, parameters of {bytes} bytes");
        note(table, &of("Create"));
        let mut agent = lab.agent("one", &sweep);
        let held = fill(table, &of("Heartbeat, hands out"), &mut agent, &limits).await;
        agent.beat.holds = held.clone();
        agent.beat.free = 0;
        agent.heartbeat().await.unwrap();
        note(table, &of("Heartbeat, all started"));
        people(table, &mut lab, agent, (&sweep, held), &of).await;
    }
    declined(table, &limits).await;
}

/// Sends heartbeats until the agent gets no more trials. Returns the trials that the agent then
/// holds, marked as started.
async fn fill(
    table: &mut Table,
    kind: &str,
    agent: &mut FakeAgent,
    limits: &Limits,
) -> Vec<Holding> {
    let mut held: Vec<Holding> = Vec::new();
    loop {
        agent.beat.free = limits.starts;
        agent.beat.wait_ms = 1;
        let orders = agent.heartbeat().await.unwrap();
        note(table, kind);
        if orders.start.is_empty() {
            return held;
        }
        for start in orders.start {
            agent.beat.holds.push(Holding {
                run: start.run.clone(),
                attempt: start.attempt,
                started: false,
            });
            held.push(Holding { run: start.run, attempt: start.attempt, started: true });
        }
    }
}

async fn people(
    table: &mut Table,
    lab: &mut Lab,
    mut agent: FakeAgent,
    (sweep, held): (&str, Vec<Holding>),
    of: &impl Fn(&str) -> String,
) {
    agent.reborn();
    agent.heartbeat().await.unwrap();
    note(table, &of("Heartbeat, all lost"));
    let retry = RetryRuns { sweep: sweep.to_owned(), runs: Vec::new() };
    let retried = lab.sweeps.retry(retry).await.unwrap().into_inner().runs;
    assert_eq!(retried.len(), held.len());
    note(table, &of("Retry"));
    for change in [Change::Pause, Change::Resume, Change::Stop] {
        lab.sweeps
            .change(ChangeSweep { sweep: sweep.to_owned(), change: change.into() })
            .await
            .unwrap();
        note(table, &of(&format!("Change: {change:?}")));
    }
    lab.sweeps.retry(RetryRuns { sweep: sweep.to_owned(), runs: retried }).await.unwrap();
    seen();
    let cancel = ChangeSweep { sweep: sweep.to_owned(), change: Change::Cancel.into() };
    lab.sweeps.change(cancel).await.unwrap();
    note(table, &of("Change: Cancel"));
    let most = Limits::default().bin.deleted;
    let runs: Vec<String> = held.into_iter().map(|held| held.run).take(most).collect();
    let mut bin = lab.dial(None).bin();
    bin.delete_runs(RunList { runs: runs.clone() }).await.unwrap();
    note(table, &of("Bin.DeleteRuns"));
    bin.restore(BinRefs { ids: runs }).await.unwrap();
    note(table, &of("Bin.Restore"));
    bin.delete_sweep(SweepRef { sweep: sweep.to_owned() }).await.unwrap();
    note(table, &of("Bin.DeleteSweep"));
    lab.restart_with(|settings| settings.keep_deleted = Duration::ZERO).await;
    seen();
    let gone = SweepRef { sweep: sweep.to_owned() };
    while let Err(status) = lab.sweeps.get(gone.clone()).await
        && status.message().contains("is deleted")
    {
        pause(20).await;
    }
    note(table, &of("Purge of a sweep"));
}

async fn declined(table: &mut Table, limits: &Limits) {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&sweep_of(10)).await.id;
    let mut agent = lab.agent("one", &sweep);
    let held = fill(table, "Heartbeat, hands out", &mut agent, limits).await;
    agent.beat.holds.clear();
    agent.beat.free = 0;
    let of = |held: Holding| RunAttempt { run: held.run, attempt: held.attempt };
    agent.beat.declined = held.into_iter().map(of).collect();
    agent.heartbeat().await.unwrap();
    note(table, "Heartbeat, all declined");
}

/// Sends an append with more files than the default limit allows, to a controller with a higher
/// limit.
pub(crate) async fn beyond_the_limits(table: &mut Table) {
    let mut lab = Lab::with(|settings| settings.limits.file_rows = 100_000).await;
    let Hashed { sha256, size } = put(&lab, b"content").await;
    let mut program = Program::begin(&mut lab, BeginRun::default()).await;
    seen();
    let file = |number: u64| {
        let (path, kind) = (format!("{number}"), "file".to_owned());
        FileRow { path, sha256: sha256.clone(), size, kind }.to_row(0, 0)
    };
    let rows: Vec<Row> = (0..20_000).map(file).collect();
    program.append("files", "a", 0, frames(&rows)).await;
    note(table, "Append to files, beyond the limits");
}
