//! Each role and each kind of key, at the door of W&B's client.

use controller::offline::{Offline, WantedKey};
use record::ids::HOME;
use serde_json::{Value, json};

use super::{
    artifacts::announce_for,
    http::{Caller, lines},
};
use crate::lab::{Lab, RANDOM};

/// The callers, and what each gets: from the creation of a run in vision/digits, from a row, a file
/// and an artifact for a run there, and from a look at it.
const TABLE: &[(&str, [u16; 4], bool)] = &[
    ("root", [200; 4], true),
    ("member", [200; 4], true),
    ("ingest", [200; 4], false),
    ("viewer", [403; 4], true),
    ("read", [403; 4], true),
    ("outsider", [404; 4], false),
    ("agent", [404; 4], false),
    ("nobody", [401; 4], false),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_caller_gets_what_its_role_and_key_open() {
    let mut lab = Lab::start().await;
    lab.stop().await;
    let folder = Offline::open(lab.folder()).await.unwrap();
    for (name, team, role, admin) in [
        ("root", "home", "member", true),
        ("member", "vision", "member", false),
        ("viewer", "vision", "viewer", false),
        ("outsider", "nlp", "admin", false),
    ] {
        folder.add_user(name.to_owned(), Some(team.to_owned()), role, admin).await.unwrap();
    }
    let key = async |user: &str, kind: &str| {
        let projects = match kind {
            "agent" | "ingest" => vec!["vision/digits".to_owned()],
            _ => Vec::new(),
        };
        let (user, kind) = (user.to_owned(), kind.to_owned());
        let wanted = WantedKey { user, kind, projects, ..WantedKey::default() };
        folder.add_key(wanted).await.unwrap().0
    };
    let mut keys = vec![("nobody", None)];
    for name in ["root", "member", "viewer", "outsider"] {
        keys.push((name, Some(key(name, "full").await)));
    }
    for kind in ["read", "agent", "ingest"] {
        keys.push((kind, Some(key("member", kind).await)));
    }
    drop(folder);
    lab.come_back().await;
    let caller = |name: &str| {
        let (_, key) = keys.iter().find(|(known, _)| *known == name).unwrap();
        Caller::new(&lab, key.as_deref())
    };
    let named = |name: &str| json!({"name": name, "modelName": "digits", "entityName": "vision"});
    assert_eq!(caller("member").upsert(named("there")).status, 200);
    let look = "{ project(name: \"digits\", entityName: \"vision\") { run(name: \"there\") \
        { name summaryMetrics } } }";
    for (name, expected, sees) in TABLE {
        let caller = caller(name);
        let got = [
            caller.upsert(named(&format!("of-{name}"))),
            caller.stream("vision/digits/there", lines(0, &[1.5])),
            caller.upload("vision/digits/there", "a.txt"),
            announce_for(&caller, ["vision", "digits", "there"], "data", name),
        ];
        assert_eq!(got.each_ref().map(|answer| answer.status), *expected, "{name}: {got:?}");
        let found = caller.ask(look, json!({})).json();
        let run = &found["data"]["project"]["run"];
        assert_eq!(run["name"] == "there", *sees, "{name}: {found}");
    }
    let me = caller("member").ask("{ viewer { username entity admin } }", json!({})).json();
    let expected = json!({"username": "member", "entity": "vision", "admin": false});
    assert_eq!(me["data"]["viewer"], expected);
    // Without an entity, a run goes to the caller's own team.
    let made = caller("outsider").upsert(json!({"name": "mine", "modelName": "words"})).json();
    let project = &made["data"]["upsertBucket"]["bucket"]["project"];
    assert_eq!(*project, json!({"name": "words", "entity": {"name": "nlp"}}), "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_run_opens_this_run_alone() {
    let mut lab =
        Lab::with(|settings| settings.token = Some("hush-hush-hush-hush".to_owned())).await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let other = agent.ask().await;
    let own = Caller::new(&lab, Some(&start.token));
    let path = |run: &str| format!("home/uncategorized/{run}");
    let upsert = |run: &str, config: Value| {
        own.upsert(json!({"name": run, "modelName": "uncategorized", "entityName": "home",
            "config": config.to_string()}))
    };
    let chosen: Value = serde_json::from_str(&start.params_json).unwrap();
    let made = upsert(&start.run, json!({"lr": {"value": 9}, "seed": {"value": 7}}));
    assert_eq!(made.json()["data"]["upsertBucket"]["inserted"], false, "{made:?}");
    let metric = json!({ "files": { "wandb-history.jsonl": { "offset": 0, "content":
        ["{\"_step\": 0, \"val/loss\": 0.25}"] } } });
    assert_eq!(own.stream(&path(&start.run), metric).status, 200);
    let run = lab.run(&start.run).await;
    assert_eq!((run.state.as_str(), run.value), ("running", Some(0.25)));
    let kept: Value = serde_json::from_str(&run.config_json).unwrap();
    assert_eq!(kept["lr"], chosen["lr"], "what the sweep has chosen stays");

    // Its agent reports the end, when no process of the trial lives.
    assert_eq!(own.stream(&path(&start.run), json!({"complete": true, "exitcode": 0})).status, 200);
    assert_eq!(lab.run(&start.run).await.state, "running");

    let refused = [
        own.stream(&path(&other.run), lines(0, &[1.5])),
        own.upload(&path(&other.run), "a.txt"),
        announce_for(&own, ["home", "uncategorized", &other.run], "data", "x"),
        upsert(&other.run, json!({})),
        upsert("new", json!({})),
    ];
    assert_eq!(refused.each_ref().map(|answer| answer.status), [403; 5], "{refused:?}");
    let look = "query($r: String!) { project(name: \"uncategorized\") { run(name: $r) { name } } }";
    let found = own.ask(look, json!({ "r": other.run }));
    assert_ne!(found.json()["data"]["project"]["run"]["name"], other.run, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_cannot_use_an_open_controller() {
    let lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    let query = json!({ "query": "{ viewer { id } }" }).to_string();
    let rows = lines(0, &[0.5]).to_string();
    for foreign in ["Origin: https://evil.example", "Origin: null"] {
        let stream = format!("/files/{HOME}/p/r/file_stream");
        for (path, body) in [("/graphql", &query), (stream.as_str(), &rows)] {
            let answer = client.send("POST", path, &[foreign], body.as_bytes());
            assert_eq!(answer.status, 403, "{foreign} {path}");
            assert!(answer.error().contains("must not change anything"), "{answer:?}");
        }
    }
    let own = format!("Origin: {}", lab.address());
    assert_eq!(client.send("POST", "/graphql", &[&own], query.as_bytes()).status, 200);
}
