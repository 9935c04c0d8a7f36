//! Artifacts, as W&B's client makes them: announced, sent, committed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use controller::offline::{Offline, WantedKey};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::http::{Answer, Caller};
use crate::lab::Lab;

/// The MD5 of `abc` in base64.
const ABC: &str = "kAFQmDzST7DWlj99KOF/cg==";

/// One artifact on its way.
struct Making<'a> {
    caller: &'a Caller,
    id: String,
}

/// Announces an artifact of this run.
pub(super) fn announce_for(caller: &Caller, run: [&str; 3], name: &str, digest: &str) -> Answer {
    let query = "mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) { \
        ... on CreateArtifactPayload { artifact { id state artifactSequence { latestArtifact \
        { id } } } } } }";
    let input = json!({
        "entityName": run[0], "projectName": run[1], "runName": run[2],
        "artifactTypeName": "dataset",
        "artifactCollectionName": name, "digest": digest, "clientID": format!("client-{digest}"),
        "aliases": [{"artifactCollectionName": name, "alias": "latest"}],
        "enableDigestDeduplication": true,
    });
    caller.ask(query, json!({ "input": input }))
}

/// Announces an artifact of the run `home/p/r`.
fn announce(caller: &Caller, name: &str, digest: &str) -> Answer {
    announce_for(caller, ["home", "p", "r"], name, digest)
}

fn artifact(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"]["createArtifact"]["artifact"].clone()
}

fn path(address: &Value) -> String {
    let (_, path) = address.as_str().unwrap().split_once("/storage/").unwrap();
    format!("/storage/{path}")
}

impl<'a> Making<'a> {
    fn new(caller: &'a Caller, name: &str, digest: &str) -> Self {
        let made = artifact(&announce(caller, name, digest));
        assert_eq!(made["state"], "PENDING");
        Self { caller, id: made["id"].as_str().unwrap().to_owned() }
    }

    /// Returns the address for the content of a file; null if the project has the content.
    fn file(&self, md5: &str) -> Value {
        let query = "mutation F($input: CreateArtifactFilesInput!) { createArtifactFiles(input: \
            $input) { files { edges { node { uploadUrl artifact { id } } } } } }";
        let input = json!({"artifactFiles": [{"artifactID": self.id, "name": "a", "md5": md5}]});
        let answer = self.caller.ask(query, json!({ "input": input })).json();
        let node = &answer["data"]["createArtifactFiles"]["files"]["edges"][0]["node"];
        assert_eq!(node["artifact"]["id"], self.id, "{answer}");
        node["uploadUrl"].clone()
    }

    /// Sends the manifest, whose entries these are.
    fn manifest(&self, contents: &Value) -> Answer {
        let text = json!({"version": 1, "contents": contents}).to_string();
        let query = "mutation M($input: CreateArtifactManifestInput!) { \
            createArtifactManifest(input: $input) { artifactManifest { id file { uploadUrl } } } }";
        let md5 = STANDARD.encode(Md5::digest(&text));
        let input = json!({"artifactID": self.id, "digest": md5, "type": "FULL"});
        let answer = self.caller.ask(query, json!({ "input": input })).json();
        let file = &answer["data"]["createArtifactManifest"]["artifactManifest"]["file"];
        self.caller.send("PUT", &path(&file["uploadUrl"]), &[], text.as_bytes())
    }

    fn commit(&self) -> Answer {
        let query = "mutation C($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact \
            { id state versionIndex digest size fileCount } } }";
        self.caller.ask(query, json!({ "id": self.id }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_exists_only_when_it_is_complete() {
    let mut lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    caller.upsert(json!({"name": "r", "modelName": "p"}));
    let making = Making::new(&caller, "data", "one");
    assert_eq!(making.commit().status, 422, "no manifest is here");
    let put = path(&making.file(ABC));
    let wrong = caller.send("PUT", &put, &[], b"abd");
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let entry = |size: u64| json!({"a": {"digest": ABC, "size": size}});
    assert_eq!(making.manifest(&entry(3)).status, 200);
    let refused = making.commit();
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.error().contains("`a`"), "{refused:?}");
    assert_eq!(caller.send("PUT", &put, &[], b"abc").status, 200);
    assert_eq!(making.manifest(&entry(4)).status, 200);
    assert_eq!(making.commit().status, 422, "the content has another size");
    assert_eq!(making.manifest(&entry(3)).status, 200);
    for _ in 0..2 {
        let made = making.commit().json()["data"]["commitArtifact"]["artifact"].clone();
        let expected = json!({"id": making.id, "state": "COMMITTED", "versionIndex": 0,
            "digest": "one", "size": 3, "fileCount": 1});
        assert_eq!(made, expected);
    }
    // The client has sent this content, so it need not send it again.
    assert_eq!(Making::new(&caller, "other", "two").file(ABC), Value::Null);
    let known = artifact(&announce(&caller, "data", "one"));
    assert_eq!((&known["state"], &known["id"]), (&json!("COMMITTED"), &json!(making.id)));

    lab.stop().await;
    lab.come_back().await;
    let caller = Caller::new(&lab, None);
    let query = "query A($id: ID!, $client: ID!) { artifact(id: $id) { versionIndex files { edges \
        { node { name directUrl md5 } } } currentManifest { file { directUrl } } } \
        clientIDMapping(clientID: $client) { serverID } }";
    let said = json!({"id": making.id, "client": "client-one"});
    let found = caller.ask(query, said).json()["data"].clone();
    assert_eq!(found["clientIDMapping"]["serverID"], making.id);
    let file = &found["artifact"]["files"]["edges"][0]["node"];
    assert_eq!((&file["name"], &file["md5"]), (&json!("a"), &json!(ABC)));
    assert_eq!(caller.send("GET", &path(&file["directUrl"]), &[], b"").body, b"abc");
    let manifest = path(&found["artifact"]["currentManifest"]["file"]["directUrl"]);
    assert_eq!(caller.send("GET", &manifest, &[], b"").json()["contents"], entry(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_manifests_and_names_are_refused() {
    let lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    caller.upsert(json!({"name": "r", "modelName": "p"}));
    for name in ["", "a/b", "a:b", "a b"] {
        let refused = announce(&caller, name, "x");
        assert_eq!(refused.status, 400, "{name}: {refused:?}");
    }
    let making = Making::new(&caller, "data", "one");
    let far = |path: &str, url: &str| json!({path: {"digest": "e", "ref": url, "size": 9}});
    for contents in [
        json!({"a": {"digest": "not base64", "size": 1}}),
        json!({"a": {"size": 1}}),
        json!([]),
        far("../a", "s3://b"),
        far("/etc/passwd", "s3://b"),
        far("a", ""),
    ] {
        assert_eq!(making.manifest(&contents).status, 200);
        let refused = making.commit();
        assert_eq!(refused.status, 400, "{contents}: {refused:?}");
    }
    assert_eq!(making.manifest(&far("a", "s3://b/k")).status, 200);
    assert_eq!(making.commit().status, 200);
    for id in ["", "QXJ0aWZhY3Q6djE6eDox", "####"] {
        let lost = Making { caller: &caller, id: id.to_owned() };
        assert_eq!(lost.commit().status, 400, "{id}");
    }
}

/// A portfolio opens no version to people who may not see the version's own project.
#[tokio::test(flavor = "multi_thread")]
async fn a_portfolio_opens_no_other_project() {
    let mut lab = Lab::start().await;
    lab.stop().await;
    let folder = Offline::open(lab.folder()).await.unwrap();
    let mut keys = Vec::new();
    for (name, team) in [("maker", "vision"), ("both", "nlp"), ("reader", "nlp")] {
        let role = if name == "reader" { "viewer" } else { "member" };
        folder.add_user(name.to_owned(), Some(team.to_owned()), role, false).await.unwrap();
        let (user, kind) = (name.to_owned(), "full".to_owned());
        let wanted = WantedKey { user, kind, ..WantedKey::default() };
        keys.push(folder.add_key(wanted).await.unwrap().0);
    }
    folder.grant("both".to_owned(), "vision".to_owned(), Some("viewer")).await.unwrap();
    drop(folder);
    lab.come_back().await;
    let [maker, both, reader] = [0, 1, 2].map(|at| Caller::new(&lab, Some(&keys[at])));
    maker.upsert(json!({"name": "r", "modelName": "p"}));
    let made = artifact(&announce_for(&maker, ["vision", "p", "r"], "data", "one"));
    let making = Making { caller: &maker, id: made["id"].as_str().unwrap().to_owned() };
    making.manifest(&json!({"a": {"digest": "e", "ref": "s3://b", "size": 1}}));
    assert_eq!(making.commit().status, 200);

    let link = "mutation L($input: LinkArtifactInput!) { linkArtifact(input: $input) \
        { versionIndex artifactMembership { aliases { alias } } } }";
    let input = json!({"artifactID": making.id, "entityName": "nlp", "projectName": "q",
        "artifactPortfolioName": "shown"});
    let linked = both.ask(link, json!({ "input": input })).json();
    assert_eq!(linked["data"]["linkArtifact"]["versionIndex"], 0, "{linked}");
    assert_eq!(reader.ask(link, json!({ "input": input })).status, 403);
    let look = "{ project(name: \"q\", entityName: \"nlp\") { name artifactCollections { edges { \
        node { name } } } artifactCollectionMembership(name: \"shown:latest\") { artifact { digest \
        } } } }";
    let seen = |caller: &Caller| caller.ask(look, json!({})).json()["data"]["project"].clone();
    let project = seen(&both);
    assert_eq!(project["artifactCollectionMembership"]["artifact"]["digest"], "one", "{project}");
    let project = seen(&reader);
    assert_eq!(project["name"], "q");
    assert_eq!(project["artifactCollectionMembership"], Value::Null, "{project}");
    assert_eq!(project["artifactCollections"]["edges"], json!([]), "{project}");
    // Who may only look at the version's project changes nothing of the version.
    let delete = "mutation D($id: ID!) { deleteArtifact(input: {artifactID: $id, deleteAliases: \
        true}) { artifact { id } } }";
    assert_eq!(both.ask(delete, json!({ "id": making.id })).status, 403);
    let hidden = "{ artifactCollection(id: \"QXJ0aWZhY3RTZXF1ZW5jZTp2MTpkYXRhOnA6dmlzaW9u\") \
        { project { createdAt } } }";
    let found = reader.ask(hidden, json!({})).json();
    assert_eq!(found["data"]["artifactCollection"], Value::Null, "{found}");
}
