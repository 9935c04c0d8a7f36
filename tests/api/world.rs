//! A controller with people, a sweep and a running trial, on which tests try what each caller may
//! do.

use std::{path::Path, sync::atomic::AtomicU64};

use blobs::Hashed;
use controller::offline::{Offline, WantedKey};
use proto::{
    dial::Dial,
    v1::{BeginRun, NewKey, Only, only::Thing},
};
use record::{
    Row, Writer,
    artifact::{ArtifactRow, Content, Entry, manifest},
    checkpoint::CheckpointRow,
};
use serde_json::json;

use crate::{
    lab::{FakeAgent, Lab, RANDOM},
    wandb::http::Caller,
};

/// The callers of the table, in the order of its columns. Those before `run` are keys: of an
/// administrator, of a viewer, a member and an admin of the team vision, of a viewer of the
/// project vision/digits, of an admin of another team, and of the member with less than everything:
/// for reading, for agents of the sweep, for agents of another sweep, for logging to vision/digits,
/// and for reading another project. `run` is the token of another run of the sweep. `none` has no
/// token. The last ones are keys of the member for one thing: the trial, its sweep, a report that
/// shows the trial, and another run of the project.
pub(crate) const CALLERS: [&str; 18] = [
    "root",
    "viewer",
    "member",
    "admin",
    "guest",
    "outsider",
    "read",
    "agent",
    "elsewhere",
    "ingest",
    "share",
    "run",
    "none",
    "token",
    "one-run",
    "one-sweep",
    "one-report",
    "one-other",
];

/// The project of the sweep.
pub(crate) const PROJECT: &str = "vision/digits";
/// The versions of the artifact `net`, of which each call of `Remove` removes one.
const VERSIONS: u64 = 10;

/// A controller with people, a sweep in [`PROJECT`] and a running trial with everything.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) keys: Vec<(&'static str, Option<String>)>,
    pub(crate) sweep: String,
    pub(crate) run: String,
    pub(crate) report: String,
    pub(crate) removed: AtomicU64,
    pub(crate) admin: Dial,
}

/// Adds the people of the table to a data folder. Returns their keys.
pub(crate) async fn people(data: &Path) -> Vec<(&'static str, Option<String>)> {
    let folder = Offline::open(data).await.unwrap();
    let add = async |name: &str, team: &str, role: &str, admin: bool| {
        folder.add_user(name.to_owned(), Some(team.to_owned()), role, admin).await.unwrap();
    };
    add("root", "home", "member", true).await;
    add("viewer", "vision", "viewer", false).await;
    add("member", "vision", "member", false).await;
    add("admin", "vision", "admin", false).await;
    add("guest", "guests", "member", false).await;
    add("outsider", "nlp", "admin", false).await;
    folder.grant("guest".to_owned(), PROJECT.to_owned(), Some("viewer")).await.unwrap();
    let mut keys = Vec::new();
    for name in ["root", "viewer", "member", "admin", "guest", "outsider"] {
        let wanted = WantedKey { user: name.to_owned(), ..WantedKey::default() };
        keys.push((name, Some(folder.add_key(wanted).await.unwrap().0)));
    }
    for (name, kind, sweep, project) in [
        ("read", "read", None, None),
        ("agent", "agent", None, Some(PROJECT)),
        ("elsewhere", "agent", Some("elsewhere"), None),
        ("ingest", "ingest", None, Some(PROJECT)),
        ("share", "read", None, Some("vision/faces")),
    ] {
        let wanted = WantedKey {
            user: "member".to_owned(),
            kind: kind.to_owned(),
            sweeps: sweep.into_iter().map(str::to_owned).collect(),
            projects: project.into_iter().map(str::to_owned).collect(),
            ..WantedKey::default()
        };
        keys.push((name, Some(folder.add_key(wanted).await.unwrap().0)));
    }
    folder.close().await;
    keys
}

fn frames(values: Vec<(&str, record::Value)>) -> Vec<u8> {
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut out = Vec::new();
    Writer::default().frame(&[Row { values, ..Row::default() }], &mut out);
    out
}

async fn fill(lab: &Lab, agent: &mut FakeAgent, start: &proto::v1::Start) {
    agent.log(start, 0, "val/loss", &[1.0, 2.0]).await.unwrap();
    let token = Some("hush");
    let Hashed { sha256, size } = lab.put(token, b"file").await;
    let file = vec![
        ("path", record::Value::Text("a.txt".to_owned())),
        ("sha256", record::Value::Text(sha256)),
        ("size", record::Value::I64(size.cast_signed())),
        ("kind", record::Value::Text("file".to_owned())),
    ];
    agent.append(start, "files", 0, frames(file)).await.unwrap();
    let Hashed { sha256, size } = lab.put(token, b"weights").await;
    let checkpoint = CheckpointRow { step: 2, sha256, size, history: 2, summary: 0 };
    let row = frames(checkpoint.values().into_iter().collect());
    agent.append(start, "files", 1, row).await.unwrap();
    for version in 0..VERSIONS {
        let content = format!("version {version}");
        let Hashed { sha256, size } = lab.put(token, content.as_bytes()).await;
        let entry = Entry { path: "w".to_owned(), content: Content::Blob { sha256, size } };
        let text = manifest(&mut [entry]).unwrap();
        let Hashed { sha256: digest, size } = lab.put(token, text.as_bytes()).await;
        let artifact = ArtifactRow {
            name: "net".to_owned(),
            kind: "model".to_owned(),
            digest,
            size,
            metadata: String::new(),
            aliases: Vec::new(),
        };
        let row = frames(artifact.values().into_iter().collect());
        agent.append(start, "files", 2 + version, row).await.unwrap();
    }
}

impl World {
    /// Starts the controller and fills it.
    pub(crate) async fn new() -> Self {
        let mut lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
        lab.stop().await;
        let mut keys = people(lab.folder()).await;
        lab.come_back().await;
        let sweep = lab.create(&format!("{RANDOM}\nproject: {PROJECT}\n")).await.id;
        let mut agent = lab.agent("one", &sweep);
        let start = agent.ask().await;
        fill(&lab, &mut agent, &start).await;
        let other = lab.agent("two", &sweep).ask().await;
        keys.extend([("run", Some(other.token)), ("none", None)]);
        keys.push(("token", Some("hush".to_owned())));
        let admin = lab.dial(Some("hush"));
        let run = start.run;
        let report = report_of(&lab, &run);
        let begin = BeginRun { project: PROJECT.to_owned(), ..BeginRun::default() };
        let alone = admin.runs().begin(begin).await.unwrap().into_inner().run;
        for (name, thing) in [
            ("one-run", Thing::Run(run.clone())),
            ("one-sweep", Thing::Sweep(sweep.clone())),
            ("one-report", Thing::Report(report.clone())),
            ("one-other", Thing::Run(alone)),
        ] {
            keys.push((name, Some(key_for(&admin, thing).await)));
        }
        Self { lab, keys, sweep, run, report, removed: AtomicU64::new(0), admin }
    }

    /// Returns the token of a caller of the table.
    pub(crate) fn token(&self, wanted: &str) -> Option<&str> {
        let (_, token) = self.keys.iter().find(|(name, _)| *name == wanted).unwrap();
        token.as_deref()
    }
}

/// Makes a key of the member that opens one thing.
pub(crate) async fn key_for(admin: &Dial, thing: Thing) -> String {
    let new = NewKey {
        user: "member".to_owned(),
        kind: "read".to_owned(),
        only: Some(Only { thing: Some(thing) }),
        ..NewKey::default()
    };
    admin.people().add_key(new).await.unwrap().into_inner().secret
}

/// Makes a report of a table with one run.
fn report_of(lab: &Lab, run: &str) -> String {
    let panel = json!({ "shows": "table", "runs": [run], "filters": [], "columns": [] });
    let block =
        json!({ "kind": "panel", "id": "a", "title": "Runs", "panel": panel, "frozen": null });
    let body = json!({ "title": "Report", "version": 0, "blocks": [block] }).to_string();
    let path = format!("/api/v1/projects/{PROJECT}/reports");
    let made = Caller::new(lab, Some("hush")).send("POST", &path, &[], body.as_bytes()).json();
    made["id"].as_str().unwrap().to_owned()
}
