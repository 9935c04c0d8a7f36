//! Tests that values of a run lead to files of versions, as W&B's client names them: only to
//! versions that are there and that the caller may see.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use controller::offline::{Offline, WantedKey};
use md5::{Digest as _, Md5};
use record::file::hex;
use serde_json::{Value, json};

use super::{ask, get, problem, send};
use crate::{
    lab::Lab,
    wandb::http::{Answer, Caller},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";
const TABLE: &str = r#"{"_type": "table", "columns": ["img", "label"], "data": [
    [{"_type": "image-file", "path": "a.png"}, "cat"]], "column_types": {"params": {"type_map": {
    "img": {"wb_type": "image-file", "params": {"class_map": {"params": {"val": {"1": "road"}}},
    "mask_layers": {"params": {"val": {"truth": [1]}}}}}}}}}"#;

/// A controller with two teams: `maker` belongs to the first one, `other` to the second one, and
/// `both` to both.
struct Teams {
    lab: Lab,
    maker: Caller,
    other: Caller,
    both: Caller,
}

impl Teams {
    async fn start() -> Self {
        let mut lab = Lab::start().await;
        lab.stop().await;
        let folder = Offline::open(lab.folder()).await.unwrap();
        let mut keys = Vec::new();
        for (name, team) in [("maker", "vision"), ("other", "nlp"), ("both", "nlp")] {
            folder.add_user(name.to_owned(), Some(team.to_owned()), "member", false).await.unwrap();
            let (user, kind) = (name.to_owned(), "full".to_owned());
            let wanted = WantedKey { user, kind, ..WantedKey::default() };
            keys.push(folder.add_key(wanted).await.unwrap().0);
        }
        folder.grant("both".to_owned(), "vision".to_owned(), Some("member")).await.unwrap();
        drop(folder);
        lab.come_back().await;
        let [maker, other, both] = [0, 1, 2].map(|at| Caller::new(&lab, Some(&keys[at])));
        Self { lab, maker, other, both }
    }
}

/// The name of a run of `vision/p` or `nlp/p`; the run has this name too.
struct Project<'a> {
    team: &'a str,
    run: &'a str,
}

impl Project<'_> {
    /// Announces an artifact with an id of the client's own; returns its id.
    fn announce(&self, caller: &Caller, name: &str, client: &str) -> String {
        let query = "mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) { \
            artifact { id } } }";
        let input = json!({
            "entityName": self.team, "projectName": "p", "runName": self.run,
            "artifactTypeName": "run_table", "artifactCollectionName": name, "digest": name,
            "clientID": client,
        });
        let answer = caller.ask(query, json!({ "input": input })).json();
        answer["data"]["createArtifact"]["artifact"]["id"].as_str().unwrap().to_owned()
    }
}

fn storage(address: &Value) -> String {
    let (_, path) = address.as_str().unwrap().split_once("/storage/").unwrap();
    format!("/storage/{path}")
}

/// Makes a version of an announced artifact, with contents and references by their paths.
fn commit(caller: &Caller, id: &str, files: &[(&str, &[u8])], references: &[(&str, &str)]) {
    let mut contents = serde_json::Map::new();
    for (path, content) in files {
        let md5 = STANDARD.encode(Md5::digest(content));
        let query = "mutation F($input: CreateArtifactFilesInput!) { createArtifactFiles(input: \
            $input) { files { edges { node { uploadUrl } } } } }";
        let input = json!({"artifactFiles": [{"artifactID": id, "name": path, "md5": md5}]});
        let answer = caller.ask(query, json!({ "input": input })).json();
        let node = &answer["data"]["createArtifactFiles"]["files"]["edges"][0]["node"];
        if !node["uploadUrl"].is_null() {
            let put = caller.send("PUT", &storage(&node["uploadUrl"]), &[], content);
            assert_eq!(put.status, 200, "{put:?}");
        }
        contents.insert((*path).to_owned(), json!({"digest": md5, "size": content.len()}));
    }
    for (path, url) in references {
        contents.insert((*path).to_owned(), json!({"digest": "e", "ref": url, "size": 1}));
    }
    let text = json!({"version": 1, "contents": contents}).to_string();
    let query = "mutation M($input: CreateArtifactManifestInput!) { createArtifactManifest(input: \
        $input) { artifactManifest { file { uploadUrl } } } }";
    let md5 = STANDARD.encode(Md5::digest(&text));
    let input = json!({"artifactID": id, "digest": md5, "type": "FULL"});
    let answer = caller.ask(query, json!({ "input": input })).json();
    let file = &answer["data"]["createArtifactManifest"]["artifactManifest"]["file"];
    caller.send("PUT", &storage(&file["uploadUrl"]), &[], text.as_bytes());
    let query = "mutation C($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id \
        } } }";
    let done = caller.ask(query, json!({ "id": id }));
    assert_eq!(done.status, 200, "{done:?}");
}

/// Writes a reference to a file of an artifact by its id.
fn by_id(id: &str, path: &str) -> String {
    format!("wandb-artifact://{}/{path}", hex(&STANDARD.decode(id).unwrap()))
}

/// Follows a reference in a run.
fn follow(caller: &Caller, run: &str, to: &str) -> Answer {
    ask(caller, &format!("/runs/{run}/linked?to={to}"))
}

fn run_of(caller: &Caller, team: &str, name: &str) -> String {
    caller.upsert(json!({"name": name, "modelName": "p", "entityName": team}));
    let runs = get(caller, &format!("/projects/{team}/p/runs"));
    runs["runs"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_the_client_leads_to_the_files_of_its_artifact() {
    let Teams { lab, maker, other, .. } = Teams::start().await;
    let run = run_of(&maker, "vision", "r");
    let vision = Project { team: "vision", run: "r" };
    let id = vision.announce(&maker, "run-r-t", "own");
    let client = "wandb-client-artifact://own/t.table.json";
    let coming = problem(&follow(&maker, &run, client), 404);
    assert!(coming.contains("`run-r-t`") && coming.contains("not complete"), "{coming}");
    commit(&maker, &id, &[("t.table.json", TABLE.as_bytes()), ("a.png", PNG)], &[]);
    let place = json!({ "team": "vision", "project": "p", "name": "run-r-t", "version": 0,
        "path": "t.table.json" });
    for to in [client, &by_id(&id, "t.table.json")] {
        assert_eq!(get(&maker, &format!("/runs/{run}/linked?to={to}")), place);
        problem(&follow(&other, &run, to), 404);
    }
    let version = "/projects/vision/p/artifacts/run-r-t/v0";
    let table = get(&maker, &format!("{version}/tables?path=t.table.json&sort=1"));
    assert_eq!(table["rows"][0][0]["path"], "a.png");
    let classes = json!([{ "key": "img", "group": "truth", "names": { "1": "road" } }]);
    assert_eq!(table["classes"], classes);
    problem(&ask(&other, &format!("{version}/tables?path=t.table.json")), 404);
    problem(&ask(&maker, &format!("{version}/tables?path=none")), 404);
    for wrong in ["x", "s3://b/k", "wandb-artifact://00/a"] {
        let why = problem(&follow(&maker, &run, wrong), 400);
        assert!(why.contains("names no file of an artifact"), "{why}");
    }
    assert_eq!(send(&maker, "DELETE", version, "").status, 204);
    for to in [client, &by_id(&id, "t.table.json")] {
        let gone = problem(&follow(&maker, &run, to), 404);
        assert_eq!(gone, "the artifact with the file `t.table.json` is not there");
    }
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn references_open_no_project_and_nobody_else_stands_in() {
    let Teams { lab, maker, other, both } = Teams::start().await;
    let [run, theirs] = [run_of(&maker, "vision", "r"), run_of(&other, "nlp", "s")];
    let (vision, nlp) = (Project { team: "vision", run: "r" }, Project { team: "nlp", run: "s" });
    let secret = nlp.announce(&other, "secret", "theirs");
    commit(&other, &secret, &[("a.png", PNG), ("t.table.json", TABLE.as_bytes())], &[]);
    // Another team makes up the same id, and gets no place in this run.
    let shown = |caller: &Caller, id: &str| {
        follow(caller, &run, &format!("wandb-client-artifact://{id}/a.png"))
    };
    problem(&shown(&both, "theirs"), 404);
    let found = get(&both, &format!("/runs/{theirs}/linked?to=wandb-client-artifact://theirs/x"));
    assert_eq!((&found["name"], &found["path"]), (&json!("secret"), &json!("x")));
    // By its id, only those who may see the project find it.
    let to = by_id(&secret, "a.png");
    problem(&follow(&maker, &run, &to), 404);
    assert_eq!(follow(&both, &run, &to).status, 200);
    // A file that refers to it opens to the same people, whoever has made the reference.
    let open = vision.announce(&maker, "open", "ours");
    let far = ("far", "s3://b/k");
    let (client, round) = ("wandb-client-artifact://ours/a.png", by_id(&open, "round"));
    let references = [("a.png", to.as_str()), far, ("twice", client), ("round", &round)];
    commit(&maker, &open, &[], &references);
    let file = |caller: &Caller, path: &str| {
        ask(caller, &format!("/projects/vision/p/artifacts/open/v0/files/{path}"))
    };
    let closed = problem(&file(&maker, "a.png"), 404);
    assert_eq!(closed, "the artifact with the file `a.png` is not there");
    for path in ["a.png", "twice"] {
        let sent = file(&both, path);
        assert_eq!((sent.status, &sent.body[..]), (200, PNG));
        assert!(sent.head.contains("image/png"), "{}", sent.head);
    }
    assert!(problem(&file(&both, "far"), 404).contains("is a reference"));
    assert!(problem(&file(&both, "round"), 404).contains("too many references"));
    lab.shutdown().await;
}
