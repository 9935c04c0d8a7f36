//! Tests what each kind of caller may do: every method of every service, by every role and every
//! kind of key. A method that the table lacks fails the test.

use std::collections::BTreeSet;

use blobs::Hashed;
use prost::Message as _;
use proto::{
    dial::Dial,
    v1::{
        AliasArtifact, AppendRows, ArtifactFile, ArtifactRef, Beat, BeginRun, BinRefs, BlobChunk,
        BlobHashes, BlobRef, Change, ChangeSweep, CreateSweep, EndRun, EnqueuePoints, ExplainSweep,
        ExtendSweep, FindRuns, GetAudit, GetMe, HistoryKeys, KeyRef, ListAgents, ListArtifacts,
        ListBin, ListKeysRequest, ListRuns, ListSweeps, NewKey, NewPassword, Outcome, ReadCurve,
        ReadHistory, ReadRows, RemoveFiles, ReplayTrials, ResumeRun, RetryRuns, RunList, RunRef,
        SweepRef, UseArtifact,
    },
};
use tonic::{Code, Status};

use crate::{
    lab::RANDOM,
    world::{CALLERS, PROJECT, World},
};

/// What each caller gets from each method: `o` for an answer, `-` for a refusal, `0` for "there is
/// no such thing", `x` for "who are you".
#[rustfmt::skip]
const TABLE: &[(&str, &str)] = &[
    // root viewer member admin guest outsider  read agent elsewhere ingest share  run none token
    // At the end: one-run one-sweep one-report one-other.
    ("Sweeps.Create",        "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Sweeps.Get",           "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("Sweeps.List",          "o o o o o o  o - - - o  - x o  o o o o"),
    ("Sweeps.Change",        "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Sweeps.Retry",         "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Sweeps.Extend",        "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Sweeps.Enqueue",       "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Sweeps.Watch",         "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("Sweeps.Replay",        "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("Sweeps.Explain",       "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("Sweeps.Recommend",     "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("Agents.Heartbeat",     "o - o o - 0  - o 0 - -  - x o  - - - -"),
    ("Agents.List",          "o o o o o o  o - - - o  - x o  o o o o"),
    ("Runs.Begin",           "o - o o - 0  - 0 0 o -  - x o  - - - -"),
    ("Runs.Append",          "o - o o - 0  - o 0 o -  - x o  - - - -"),
    ("Runs.Get",             "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("Runs.List",            "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("Runs.Find",            "o o o o o o  o - - - o  - x o  o o o o"),
    ("Runs.Read",            "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("History.Keys",         "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("History.Curve",        "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("History.Rows",         "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("Files.Missing",        "o - o o o o  - o o o -  o x o  - - - -"),
    ("Files.Put",            "o - o o o o  - o o o -  o x o  - - - -"),
    ("Files.Get",            "o o o o o 0  o - - - 0  - x o  0 0 0 0"),
    ("Files.List",           "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("Checkpoints.List",     "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("Checkpoints.Resume",   "o - o o - 0  - o 0 o -  - x o  - - - -"),
    ("Artifacts.Use",        "o - o o - 0  - - 0 - -  - x o  - - - -"),
    ("Artifacts.Get",        "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("Artifacts.List",       "o o o o o o  o - - - o  - x o  o o o o"),
    ("Artifacts.OfRun",      "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("Artifacts.Read",       "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("Artifacts.Alias",      "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Artifacts.Remove",     "o - o o - 0  - - - - -  - x o  - - - -"),
    ("People.Me",            "o o o o o o  o o o o o  - x o  o o o o"),
    ("People.AddKey",        "o o o o o o  - - - - -  - x o  - - - -"),
    ("People.ListKeys",      "o o o o o o  - - - - -  - x o  - - - -"),
    ("People.RemoveKey",     "o 0 o 0 0 0  - - - - -  - x o  - - - -"),
    ("People.SetPassword",   "o o o o o o  - - - - -  - x o  - - - -"),
    ("People.Audit",         "o o o o o o  - - - - -  - x o  - - - -"),
    ("Files.Remove",         "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Bin.List",             "o o o o o o  o - - - o  - x o  o o o o"),
    ("Bin.DeleteRuns",       "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Bin.DeleteSweep",      "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Bin.Restore",          "o - o o - 0  - - - - -  - x o  - - - -"),
    ("Runs.End",             "o - o o - 0  - o 0 o -  - x o  - - - -"),
];

impl World {
    fn net(&self, version: &str) -> Option<ArtifactRef> {
        let [project, name, version] = [PROJECT, "net", version].map(str::to_owned);
        Some(ArtifactRef { project, name, version, ..Default::default() })
    }

    async fn sweeps(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        let (mut client, sweep) = (dial.sweeps(), self.sweep.clone());
        let one = SweepRef { sweep: sweep.clone() };
        match method {
            "Create" => {
                let yaml = format!("{RANDOM}\nproject: {PROJECT}\n");
                client.create(CreateSweep { yaml, ..CreateSweep::default() }).await.map(drop)
            }
            "Get" => client.get(one).await.map(drop),
            "List" => client.list(ListSweeps::default()).await.map(drop),
            "Change" => {
                let change = Change::Pause.into();
                client.change(ChangeSweep { sweep, change }).await.map(drop)
            }
            "Retry" => client.retry(RetryRuns { sweep, ..RetryRuns::default() }).await.map(drop),
            // The sweep has no cap, so every permitted call is refused for that reason.
            "Extend" => {
                let idempotency_key = String::new();
                client.extend(ExtendSweep { sweep, runs: 1, idempotency_key }).await.map(drop)
            }
            "Enqueue" => {
                let yaml = "{no: 1}".to_owned();
                let points = EnqueuePoints { sweep, yaml, ..EnqueuePoints::default() };
                client.enqueue(points).await.map(drop)
            }
            "Watch" => client.watch(one).await.map(drop),
            "Replay" => client.replay(ReplayTrials { sweep, trials: vec![0] }).await.map(drop),
            "Explain" => {
                client.explain(ExplainSweep { sweep, ..Default::default() }).await.map(drop)
            }
            "Recommend" => client.recommend(one).await.map(drop),
            other => panic!("the table has Sweeps.{other}, which no test calls"),
        }
    }

    async fn agents(&self, dial: &Dial, name: &str, method: &str) -> Result<(), Status> {
        let mut client = dial.agents();
        let beat = Beat {
            agent: format!("agent of {name}"),
            incarnation: 1,
            beat: 1,
            sweep: self.sweep.clone(),
            ..Beat::default()
        };
        match method {
            "Heartbeat" => client.heartbeat(beat).await.map(drop),
            "List" => client.list(ListAgents::default()).await.map(drop),
            other => panic!("the table has Agents.{other}, which no test calls"),
        }
    }

    async fn runs(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        let (mut client, run, sweep) = (dial.runs(), self.run.clone(), self.sweep.clone());
        let stream = "history".to_owned();
        match method {
            "Begin" => {
                let project = PROJECT.to_owned();
                client.begin(BeginRun { project, ..BeginRun::default() }).await.map(drop)
            }
            "Append" => {
                let writer = "agent".to_owned();
                let stream = "console".to_owned();
                let append = AppendRows { run, attempt: 1, writer, stream, ..Default::default() };
                client.append(append).await.map(drop)
            }
            "End" => {
                let outcome = Some(Outcome { state: "failed".to_owned(), ..Outcome::default() });
                let end = EndRun { run, attempt: 1, outcome, ..EndRun::default() };
                client.end(end).await.map(drop)
            }
            "Get" => client.get(RunRef { run }).await.map(drop),
            "List" => client.list(ListRuns { sweep, ..ListRuns::default() }).await.map(drop),
            "Find" => client.find(FindRuns::default()).await.map(drop),
            "Read" => client.read(ReadRows { run, stream, ..ReadRows::default() }).await.map(drop),
            other => panic!("the table has Runs.{other}, which no test calls"),
        }
    }

    async fn rows(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        let (mut client, run) = (dial.history(), self.run.clone());
        let keys = vec!["val/loss".to_owned()];
        match method {
            "Keys" => client.keys(HistoryKeys { run }).await.map(drop),
            "Curve" => {
                client.curve(ReadCurve { run, keys, ..ReadCurve::default() }).await.map(drop)
            }
            "Rows" => client.rows(ReadHistory { run, ..ReadHistory::default() }).await.map(drop),
            other => panic!("the table has History.{other}, which no test calls"),
        }
    }

    async fn files(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        let (mut client, run) = (dial.files(), self.run.clone());
        let Hashed { sha256, size } = Hashed::of(b"weights");
        match method {
            "Missing" => client.missing(BlobHashes { sha256: vec![sha256] }).await.map(drop),
            "Put" => {
                let chunk = BlobChunk { sha256, size, data: b"weights".to_vec() };
                client.put(tokio_stream::iter([chunk])).await.map(drop)
            }
            "Get" => {
                // Fetches a file of the run by its path, and a content by its hash alone.
                let file = BlobRef { run, path: "a.txt".to_owned(), ..BlobRef::default() };
                client.get(file).await?;
                client.get(BlobRef { sha256, ..BlobRef::default() }).await.map(drop)
            }
            "List" => client.list(RunRef { run }).await.map(drop),
            "Remove" => client.remove(RemoveFiles { run, paths: Vec::new() }).await.map(drop),
            other => panic!("the table has Files.{other}, which no test calls"),
        }
    }

    async fn bin(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        // Nothing is over, so every permitted call is wrong for that reason.
        let (mut client, sweep) = (dial.bin(), SweepRef { sweep: self.sweep.clone() });
        let runs = vec![self.run.clone()];
        match method {
            "List" => client.list(ListBin::default()).await.map(drop),
            "DeleteRuns" => client.delete_runs(RunList { runs }).await.map(drop),
            "DeleteSweep" => client.delete_sweep(sweep).await.map(drop),
            "Restore" => client.restore(BinRefs { ids: runs }).await.map(drop),
            other => panic!("the table has Bin.{other}, which no test calls"),
        }
    }

    async fn checkpoints(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        let (mut client, run) = (dial.checkpoints(), self.run.clone());
        match method {
            "List" => client.list(RunRef { run }).await.map(drop),
            "Resume" => {
                let one = RunRef { run: run.clone() };
                let listed = self.admin.checkpoints().list(one).await?.into_inner();
                let checkpoint = listed.checkpoints[0].id;
                client.resume(ResumeRun { run, attempt: 1, checkpoint }).await.map(drop)
            }
            other => panic!("the table has Checkpoints.{other}, which no test calls"),
        }
    }

    async fn artifacts(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        let (mut client, run) = (dial.artifacts(), self.run.clone());
        let artifact = self.net("v9");
        match method {
            "Use" => client.r#use(UseArtifact { run, attempt: 1, artifact }).await.map(drop),
            "Get" => client.get(artifact.unwrap()).await.map(drop),
            "List" => client.list(ListArtifacts::default()).await.map(drop),
            "OfRun" => client.of_run(RunRef { run }).await.map(drop),
            "Read" => {
                let path = String::new();
                client.read(ArtifactFile { artifact, path }).await.map(drop)
            }
            "Alias" => {
                let (add, remove) = (vec!["best".to_owned()], Vec::new());
                client.alias(AliasArtifact { artifact, add, remove }).await.map(drop)
            }
            "Remove" => {
                let next = self.removed.load(std::sync::atomic::Ordering::Relaxed);
                let removed = client.remove(self.net(&format!("v{next}")).unwrap()).await;
                if removed.is_ok() {
                    self.removed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                removed.map(drop)
            }
            other => panic!("the table has Artifacts.{other}, which no test calls"),
        }
    }

    async fn people(&self, dial: &Dial, method: &str) -> Result<(), Status> {
        let mut client = dial.people();
        match method {
            "Me" => client.me(GetMe {}).await.map(drop),
            // The administrator's token has no user, so its call is wrong but not refused.
            "AddKey" => client.add_key(NewKey::default()).await.map(drop),
            "ListKeys" => client.list_keys(ListKeysRequest {}).await.map(drop),
            "RemoveKey" => {
                let new = NewKey { user: "member".to_owned(), ..NewKey::default() };
                let added = self.admin.people().add_key(new).await?.into_inner();
                client.remove_key(KeyRef { id: added.key.unwrap().id }).await.map(drop)
            }
            // The password is too short, so the call is wrong but not refused.
            "SetPassword" => client.set_password(NewPassword::default()).await.map(drop),
            "Audit" => client.audit(GetAudit::default()).await.map(drop),
            other => panic!("the table has People.{other}, which no test calls"),
        }
    }

    async fn call(&self, name: &str, token: Option<&str>, method: &str) -> Result<(), Status> {
        let dial = self.lab.dial(token);
        let (service, method) = method.split_once('.').unwrap();
        match service {
            "Sweeps" => self.sweeps(&dial, method).await,
            "Agents" => self.agents(&dial, name, method).await,
            "Runs" => self.runs(&dial, method).await,
            "History" => self.rows(&dial, method).await,
            "Files" => self.files(&dial, method).await,
            "Checkpoints" => self.checkpoints(&dial, method).await,
            "Artifacts" => self.artifacts(&dial, method).await,
            "Bin" => self.bin(&dial, method).await,
            "People" => self.people(&dial, method).await,
            other => panic!("the table has the service {other}, which no test calls"),
        }
    }
}

/// Returns every method of every service of the protocol, as `Service.Method`.
fn methods() -> BTreeSet<String> {
    let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
    let services = set.file.into_iter().flat_map(|file| file.service);
    services
        .flat_map(|service| {
            let name = service.name().to_owned();
            service.method.into_iter().map(move |method| format!("{name}.{}", method.name()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_gives_each_caller_what_its_role_and_key_allow() {
    let told: BTreeSet<String> = TABLE.iter().map(|(method, _)| (*method).to_owned()).collect();
    assert_eq!(told, methods(), "the table has every method of the protocol");
    let world = World::new().await;
    assert_eq!(world.keys.iter().map(|(name, _)| *name).collect::<Vec<_>>(), CALLERS);
    let (mut wrong, mut refused) = (Vec::new(), BTreeSet::new());
    for (method, wanted) in TABLE {
        for ((name, token), wanted) in world.keys.iter().zip(wanted.split_whitespace()) {
            // Each refusal of a stranger takes longer than the one before, and one guard stands
            // before all methods of a service.
            if token.is_none() && !refused.insert(method.split_once('.').unwrap().0) {
                continue;
            }
            let answer = world.call(name, token.as_deref(), method).await;
            let got = match answer.as_ref().map_err(Status::code) {
                Err(Code::PermissionDenied) => "-",
                Err(Code::NotFound) => "0",
                Err(Code::Unauthenticated) => "x",
                _ => "o",
            };
            if got != wanted {
                wrong.push(format!("{method} by {name}: {got}, not {wanted}: {answer:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_opens_nothing_and_ends_what_it_had_open() {
    let world = World::new().await;
    let token = world.token("member").unwrap().to_owned();
    let dial = world.lab.dial(Some(&token));
    let one = SweepRef { sweep: world.sweep.clone() };
    let mut watching = dial.sweeps().watch(one.clone()).await.unwrap().into_inner();
    watching.message().await.unwrap().unwrap();
    let id = token["besom-".len()..][..8].to_owned();
    world.admin.people().remove_key(KeyRef { id }).await.unwrap();
    assert_eq!(dial.sweeps().get(one).await.unwrap_err().code(), Code::Unauthenticated);
    // The watcher notices at the next change.
    let change = ChangeSweep { sweep: world.sweep.clone(), change: Change::Pause.into() };
    world.admin.sweeps().change(change).await.unwrap();
    let ended = loop {
        match watching.message().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_user_meets_the_idempotency_keys_contents_or_agents_of_another() {
    let world = World::new().await;
    let of = |wanted: &str| world.lab.dial(world.token(wanted));
    let begin = |project: &str| BeginRun {
        project: project.to_owned(),
        idempotency_key: "the same".to_owned(),
        ..BeginRun::default()
    };
    let first = of("member").runs().begin(begin("digits")).await.unwrap().into_inner().run;
    let again = of("member").runs().begin(begin("digits")).await.unwrap().into_inner().run;
    let other = of("outsider").runs().begin(begin("words")).await.unwrap().into_inner().run;
    assert!(first == again && first != other);
    // The content is stored, but only those who have it may name it.
    let hash = BlobHashes { sha256: vec![Hashed::of(b"weights").sha256] };
    let missing = of("outsider").files().missing(hash.clone()).await.unwrap().into_inner();
    assert_eq!(missing, hash);
    let beat = |sweep: &str| Beat {
        agent: "shared".to_owned(),
        incarnation: 1,
        beat: 1,
        sweep: sweep.to_owned(),
        ..Beat::default()
    };
    of("member").agents().heartbeat(beat(&world.sweep)).await.unwrap();
    let stolen = Beat { incarnation: 2, ..beat(&world.sweep) };
    let stolen = of("admin").agents().heartbeat(stolen).await.unwrap_err();
    assert_eq!(stolen.code(), Code::PermissionDenied, "{stolen}");
}
