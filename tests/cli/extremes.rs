//! Sends messages in which one number after the other has an extreme value. Whatever the controller
//! accepts, every command that reads still works, and no answer reports a bug. The messages and
//! their fields come from the protobuf descriptors, so the test covers new ones too.

use std::{collections::BTreeMap, process::Output, time::Duration};

use prost::{
    Message,
    bytes::{Buf, BufMut},
    encoding::{WireType, encode_key, encode_varint},
};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto::Type,
};
use proto::v1::{
    AliasArtifact, AppendRows, ArtifactFile, ArtifactRef, Beat, BeginRun, BlobChunk, BlobHashes,
    BlobRef, ChangeSweep, CreateSweep, EndRun, EnqueuePoints, ExplainSweep, ExtendSweep, FindRuns,
    GetAudit, GetMe, Held, HistoryKeys, KeyRef, ListAgents, ListArtifacts, ListBin,
    ListKeysRequest, ListRuns, ListSweeps, NewKey, Outcome, ReadCurve, ReadHistory, ReadRows,
    ReplayTrials, ResumeRun, RetryRuns, RunAttempt, RunRef, SweepRef, UseArtifact,
};
use record::{
    Row, Value, Writer,
    checkpoint::CheckpointRow,
    file::{FileRow, hex},
};
use tests::Lab;
use tonic::{
    Code, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

const SWEEP: &str = "method: random\nprogram: train\nmetric: {name: loss}\nparameters: {lr: \
    {min: 0.0, max: 1.0}}\n";

/// The time after which the test stops waiting for an answer. The answers to a watch may have no
/// end, and the answer to a heartbeat may wait for orders.
const SOON: Duration = Duration::from_secs(1);

/// A codec for messages that are already bytes.
#[derive(Clone, Copy, Default)]
struct Bytes;

/// Returns a heartbeat that names a run as held and as declined.
fn beat(sweep: String, run: &str) -> Beat {
    Beat {
        agent: format!("agent-{run}"),
        incarnation: 1,
        beat: 1,
        sweep,
        holds: vec![Held { run: run.to_owned(), attempt: 1, started: true }],
        declined: vec![RunAttempt { run: run.to_owned(), attempt: 1 }],
        ..Beat::default()
    }
}

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}

/// Returns the extremes of a kind of number, encoded as values on the wire, and their wire type.
/// Returns `None` for a kind that is not a number.
fn ends(kind: Type) -> Option<(WireType, Vec<Vec<u8>>)> {
    let varints = |all: &[u64]| {
        let one = |number: &u64| {
            let mut bytes = Vec::new();
            encode_varint(*number, &mut bytes);
            bytes
        };
        Some((WireType::Varint, all.iter().map(one).collect()))
    };
    let signed = |number: i64| number.cast_unsigned();
    match kind {
        Type::Int64 => varints(&[0, 1, signed(-1), signed(i64::MIN), signed(i64::MAX)]),
        Type::Int32 | Type::Enum => {
            varints(&[0, 1, signed(-1), signed(i32::MIN.into()), signed(i32::MAX.into())])
        }
        Type::Uint64 => varints(&[0, 1, u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1]),
        Type::Uint32 => varints(&[0, 1, u32::MAX.into(), (1 << 31) - 1]),
        Type::Bool => varints(&[0, 1]),
        Type::Double => {
            let all = [0.0, f64::MIN, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
            Some((WireType::SixtyFourBit, all.map(|number| number.to_le_bytes().to_vec()).to_vec()))
        }
        _ => None,
    }
}

/// Returns the bytes to append to a message, for each number in it and each extreme of that number.
/// If a field occurs twice, the last value counts, so the appended bytes set the number.
fn changes(
    all: &BTreeMap<String, DescriptorProto>,
    message: &str,
    base: &str,
) -> Vec<(String, Vec<u8>)> {
    let mut changes = Vec::new();
    for field in &all[message].field {
        let (name, number) = (format!("{base}.{}", field.name()), field.number().cast_unsigned());
        let inner = if field.r#type() == Type::Message {
            let message = field.type_name().trim_start_matches(".besom.v1.");
            let wrap = |(name, bytes): (String, Vec<u8>)| {
                let mut wrapped = Vec::new();
                encode_key(number, WireType::LengthDelimited, &mut wrapped);
                encode_varint(bytes.len() as u64, &mut wrapped);
                wrapped.extend(bytes);
                (name, wrapped)
            };
            changes_below(all, message, &name, field).into_iter().map(wrap).collect()
        } else {
            let (wire, values) = ends(field.r#type()).unwrap_or((WireType::Varint, Vec::new()));
            let one = |value: Vec<u8>| {
                let mut bytes = Vec::new();
                encode_key(number, wire, &mut bytes);
                bytes.extend(&value);
                (format!("{name} {value:x?}"), bytes)
            };
            values.into_iter().map(one).collect::<Vec<_>>()
        };
        changes.extend(inner);
    }
    changes
}

fn changes_below(
    all: &BTreeMap<String, DescriptorProto>,
    message: &str,
    name: &str,
    field: &FieldDescriptorProto,
) -> Vec<(String, Vec<u8>)> {
    assert!(all.contains_key(message), "{name}: {}", field.type_name());
    changes(all, message, name)
}

/// A controller that receives extreme but well-formed messages.
struct Tried {
    lab: Lab,
    grpc: Grpc<Channel>,
    sweep: String,
    runs: u64,
}

impl Tried {
    async fn start() -> Self {
        let lab = Lab::with_leases(3600);
        let sweep = lab.create(SWEEP);
        let channel = Channel::from_shared(lab.address()).unwrap().connect().await.unwrap();
        Self { lab, grpc: Grpc::new(channel), sweep, runs: 0 }
    }

    /// Sends a message to a method and reads its whole answer, or the part that arrives within
    /// [`SOON`].
    async fn send(&mut self, service: &str, method: &str, message: Vec<u8>) -> Result<(), Status> {
        let path = format!("/{service}/{method}").parse().unwrap();
        self.grpc.ready().await.unwrap();
        let one = tonic::Request::new(tokio_stream::once(message));
        let read = async {
            let mut answer = self.grpc.streaming(one, path, Bytes).await?.into_inner();
            while answer.message().await?.is_some() {}
            Ok(())
        };
        tokio::time::timeout(SOON, read).await.unwrap_or(Ok(()))
    }

    /// Returns a message with ordinary numbers for this method. Each message has its own run.
    async fn base(&mut self, method: &str) -> Vec<u8> {
        self.runs += 1;
        let (sweep, run) = (self.sweep.clone(), format!("run{}", self.runs));
        let begin = BeginRun { id: run.clone(), project: "p".to_owned(), ..BeginRun::default() };
        if method != "Begin" {
            self.send("besom.v1.Runs", "Begin", begin.encode_to_vec()).await.unwrap();
        }
        let outcome = Some(Outcome { state: "finished".to_owned(), ..Outcome::default() });
        let named =
            ArtifactRef { project: "p".to_owned(), name: "none".to_owned(), ..Default::default() };
        let artifact = Some(named.clone());
        let (path, hash, key) = ("none".to_owned(), hex(&[7; 32]), vec!["loss".to_owned()]);
        match method {
            "Begin" => begin.encode_to_vec(),
            "Append" => self
                .rows(&run, "history", &[row(1, 1, &[("loss", Value::F64(1.0))])])
                .encode_to_vec(),
            "End" => EndRun { run, attempt: 1, outcome, ..EndRun::default() }.encode_to_vec(),
            "Runs.Get" | "Artifacts.OfRun" | "Checkpoints.List" | "Files.List" => {
                RunRef { run }.encode_to_vec()
            }
            "Runs.List" => ListRuns::default().encode_to_vec(),
            "Find" => FindRuns { limit: 3, ..FindRuns::default() }.encode_to_vec(),
            "Runs.Read" => {
                ReadRows { run, stream: "history".to_owned(), ..Default::default() }.encode_to_vec()
            }
            "Heartbeat" => beat(sweep, &run).encode_to_vec(),
            "Agents.List" => ListAgents { sweep }.encode_to_vec(),
            "Use" => UseArtifact { run, attempt: 1, artifact }.encode_to_vec(),
            "Artifacts.Get" | "Remove" => named.encode_to_vec(),
            "Artifacts.List" => ListArtifacts::default().encode_to_vec(),
            "Artifacts.Read" => ArtifactFile { artifact, path }.encode_to_vec(),
            "Alias" => AliasArtifact { artifact, add: key, ..Default::default() }.encode_to_vec(),
            "Checkpoints.Resume" => ResumeRun { run, attempt: 1, checkpoint: 1 }.encode_to_vec(),
            "Missing" => BlobHashes { sha256: vec![hash] }.encode_to_vec(),
            "Put" => BlobChunk { sha256: hash, ..BlobChunk::default() }.encode_to_vec(),
            "Files.Get" => BlobRef { run, path, ..BlobRef::default() }.encode_to_vec(),
            "Me" => GetMe {}.encode_to_vec(),
            "AddKey" => NewKey { sweeps: vec![sweep], ..NewKey::default() }.encode_to_vec(),
            "ListKeys" => ListKeysRequest {}.encode_to_vec(),
            "RemoveKey" => KeyRef { id: "none".to_owned() }.encode_to_vec(),
            "Audit" => GetAudit::default().encode_to_vec(),
            "Keys" => HistoryKeys { run }.encode_to_vec(),
            "Curve" => ReadCurve { run, keys: key, ..ReadCurve::default() }.encode_to_vec(),
            "Rows" => ReadHistory { run, keys: key, ..ReadHistory::default() }.encode_to_vec(),
            "Create" => {
                CreateSweep { yaml: SWEEP.to_owned(), ..CreateSweep::default() }.encode_to_vec()
            }
            "Sweeps.Get" | "Watch" => SweepRef { sweep: "none".to_owned() }.encode_to_vec(),
            "Sweeps.List" => ListSweeps::default().encode_to_vec(),
            "Bin.List" => ListBin::default().encode_to_vec(),
            "Change" => ChangeSweep { sweep: "none".to_owned(), change: 1 }.encode_to_vec(),
            "Retry" => RetryRuns { sweep, ..RetryRuns::default() }.encode_to_vec(),
            "Extend" => ExtendSweep { sweep, ..ExtendSweep::default() }.encode_to_vec(),
            "Enqueue" => EnqueuePoints { sweep, ..EnqueuePoints::default() }.encode_to_vec(),
            "Replay" => ReplayTrials { sweep, trials: vec![0] }.encode_to_vec(),
            "Explain" => ExplainSweep { sweep, ..ExplainSweep::default() }.encode_to_vec(),
            other => panic!("add a message for `{other}` here"),
        }
    }

    fn rows(&self, run: &str, stream: &str, rows: &[Row]) -> AppendRows {
        let mut frames = Vec::new();
        Writer::default().frame(rows, &mut frames);
        let (run, writer, stream) = (run.to_owned(), "sdk".to_owned(), stream.to_owned());
        AppendRows { run, attempt: 1, writer, stream, offset: 0, frames }
    }

    /// Checks that no command that reads panics or reports a bug, for the sweep and each of these
    /// runs.
    fn read(&self, runs: &[String]) {
        let sweep = self.sweep.as_str();
        let mut commands: Vec<Vec<&str>> = vec![
            vec!["ls"],
            vec!["show", sweep],
            vec!["export", sweep, "--format", "json"],
            vec!["run", "ls"],
            vec!["run", "ls", "--json"],
            vec!["run", "ls", "--columns", "id,state,time,created,rows,summary.loss,attempt"],
            vec!["artifact", "ls"],
        ];
        for run in runs {
            commands.push(vec!["run", "show", run]);
            commands.push(vec!["run", "history", run]);
            commands.push(vec!["run", "export", run, "--format", "csv"]);
            commands.push(vec!["run", "files", run]);
            commands.push(vec!["run", "artifacts", run]);
            commands.push(vec!["logs", run]);
        }
        for args in commands {
            let Output { status, stdout, stderr } = self.lab.sweep(&args);
            let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
            // The exit code 1 alone is no fault: a run that has logged nothing has no history to
            // show.
            let fine = status.success() || (status.code() == Some(1) && !said.contains("bug"));
            assert!(fine && !said.contains("panicked"), "sweep {args:?}: {status} {said}");
        }
    }
}

fn row(step: u64, wall_ms: i64, values: &[(&str, Value)]) -> Row {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    Row { step, wall_ms, values: values.collect() }
}

/// Returns a name for a method. If several services have a method of this name, the name includes
/// the service.
fn named(service: &str, method: &str) -> String {
    match method {
        "Get" | "List" | "Read" => format!("{service}.{method}"),
        "Resume" => format!("{service}.{method}"),
        other => other.to_owned(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn extreme_numbers_in_messages_break_nothing() {
    runtime().block_on(async {
        let described = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap().file;
        let ours = || described.iter().filter(|file| file.package() == "besom.v1");
        let messages = ours().flat_map(|file| &file.message_type);
        let messages =
            messages.map(|message| (message.name().to_owned(), message.clone())).collect();
        let mut tried = Tried::start().await;
        let mut taken = 0;
        for (service, method) in ours()
            .flat_map(|file| &file.service)
            .flat_map(|service| service.method.iter().map(move |method| (service.name(), method)))
        {
            let input = method.input_type().trim_start_matches(".besom.v1.");
            let name = named(service, method.name());
            for (what, change) in changes(&messages, input, &name) {
                let mut message = tried.base(&name).await;
                message.extend(change);
                let sent = tried.send(&format!("besom.v1.{service}"), method.name(), message).await;
                let code = sent.as_ref().err().map_or(Code::Ok, Status::code);
                assert!(!matches!(code, Code::Internal | Code::Unknown), "{what}: {sent:?}");
                taken += u32::from(code == Code::Ok);
            }
        }
        assert!(taken > 100, "only {taken} messages were taken");
        let runs: Vec<String> = tried.lab.json(&["run", "ls", "--json"]).as_array().unwrap()[..40]
            .iter()
            .map(|run| run["id"].as_str().unwrap().to_owned())
            .collect();
        tried.read(&runs);
    });
}

#[test]
fn extreme_times_and_steps_of_a_run_break_nothing() {
    runtime().block_on(async {
        let mut tried = Tried::start().await;
        let mut runs = Vec::new();
        for end in [i64::MIN, -1, 0, 1, i64::MAX] {
            let (id, later) = (format!("end{}", runs.len()), Some(end));
            let begin = BeginRun { id: id.clone(), started_ms: later, ..BeginRun::default() };
            tried.send("besom.v1.Runs", "Begin", begin.encode_to_vec()).await.unwrap();
            let step = end.cast_unsigned();
            let values = [("loss", Value::I64(end)), ("lr", Value::F64(end as f64))];
            let checkpoint = CheckpointRow {
                step,
                sha256: hex(&[7; 32]),
                size: step,
                history: step,
                summary: step,
            };
            let file = FileRow {
                path: "a".to_owned(),
                sha256: hex(&[7; 32]),
                size: step,
                kind: "file".to_owned(),
            };
            let named: Vec<(&str, Value)> = checkpoint.values();
            for (stream, row) in [
                ("history", row(step, end, &values)),
                ("summary", row(step, end, &values)),
                ("system", row(step, end, &values)),
                ("console", row(step, end, &[("stdout", Value::Text("line".to_owned()))])),
                ("files", row(step, end, &named)),
                ("files", file.to_row(step, end)),
            ] {
                let append = tried.rows(&id, stream, &[row]).encode_to_vec();
                let sent = tried.send("besom.v1.Runs", "Append", append).await;
                let code = sent.as_ref().err().map_or(Code::Ok, Status::code);
                assert!(
                    !matches!(code, Code::Internal | Code::Unknown),
                    "{stream} {end}: {sent:?}"
                );
            }
            let outcome = Some(Outcome {
                state: "failed".to_owned(),
                exit_code: Some(end.clamp(i32::MIN.into(), i32::MAX.into()) as i32),
                signal: Some(end.clamp(i32::MIN.into(), i32::MAX.into()) as i32),
                ..Outcome::default()
            });
            let ended = EndRun {
                run: id.clone(),
                attempt: 1,
                outcome,
                ended_ms: later,
                ran_ms: Some(step),
            };
            tried.send("besom.v1.Runs", "End", ended.encode_to_vec()).await.unwrap();
            runs.push(id);
        }
        tried.read(&runs);
    });
}

#[test]
fn an_incarnation_that_is_too_large_is_refused_and_locks_no_agent_out() {
    runtime().block_on(async {
        let mut tried = Tried::start().await;
        let mut beat = Beat { agent: "one".to_owned(), incarnation: u64::MAX, ..Beat::default() };
        beat.sweep.clone_from(&tried.sweep);
        let refused =
            tried.send("besom.v1.Agents", "Heartbeat", beat.encode_to_vec()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(
            refused.message().contains("the incarnation 18446744073709551615 is too large"),
            "{refused}"
        );
        beat.incarnation = 1;
        tried.send("besom.v1.Agents", "Heartbeat", beat.encode_to_vec()).await.unwrap();
    });
}
