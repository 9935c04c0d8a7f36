//! Tests keys that open one run, one sweep or one report: what they open at every door, and what
//! a report opens after it was changed.

use proto::v1::{FindRuns, GetMe, ListAgents, ListSweeps};
use serde_json::{Value, json};

use super::{Table, ask, get, problem, send, sent};
use crate::{
    wandb::http::Caller,
    world::{PROJECT, World},
};

fn caller(world: &World, name: &str) -> Caller {
    Caller::new(&world.lab, world.token(name))
}

/// Returns the ids of the runs of the project that a caller finds.
fn found(world: &World, name: &str) -> Vec<String> {
    let runs = get(&caller(world, name), &format!("/projects/{PROJECT}/runs"));
    let ids = runs["runs"].as_array().unwrap().iter();
    ids.map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_hold_what_a_link_opens_and_nothing_else() {
    let world = World::new().await;
    let sweep = &world.sweep;
    assert_eq!(found(&world, "one-run"), [world.run.as_str()]);
    assert_eq!(found(&world, "one-report"), [world.run.as_str()]);
    assert_eq!(found(&world, "one-sweep").len(), 2, "both trials");
    assert_eq!(found(&world, "member").len(), 3);
    assert_eq!(found(&world, "one-other").len(), 1);
    assert_ne!(found(&world, "one-other"), [world.run.as_str()]);
    let trials = json!({ "sweep": sweep, "columns": ["id"] });
    let columns = format!("/projects/{PROJECT}/columns");
    let shown = Table::of(&caller(&world, "one-sweep"), &columns, &trials);
    assert_eq!(shown.texts("id").len(), 2);
    problem(&send(&caller(&world, "one-run"), "POST", &columns, &trials.to_string()), 404);
    for name in ["one-run", "one-report", "one-other"] {
        let (dial, caller) = (world.lab.dial(world.token(name)), caller(&world, name));
        let listed = dial.sweeps().list(ListSweeps::default()).await.unwrap().into_inner();
        assert_eq!(listed.sweeps.len(), 0, "{name}");
        let agents = dial.agents().list(ListAgents::default()).await.unwrap().into_inner();
        assert_eq!(agents.agents.len(), 0, "{name}");
        let mut runs = dial.runs().find(FindRuns::default()).await.unwrap().into_inner();
        assert!(runs.message().await.unwrap().is_some(), "{name}");
        assert!(runs.message().await.unwrap().is_none(), "{name}");
        let me = dial.people().me(GetMe {}).await.unwrap().into_inner();
        assert_eq!(me.grants, [], "{name}");
        assert_eq!(get(&caller, "/projects")["projects"], json!([]), "{name}");
        assert_eq!(get(&caller, "/overview")["running"], 0, "{name}");
        assert_eq!(get(&caller, "/fleet")["agents"], json!([]), "{name}");
        problem(&ask(&caller, &format!("/events?topic=project:{PROJECT}")), 404);
        problem(&ask(&caller, &format!("/events?topic=sweep:{sweep}")), 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_the_same_at_the_door_of_wandb() {
    let world = World::new().await;
    let look = "query($r: String!, $s: String!) { viewer { teams { edges { node { name } } } } \
        project(name: \"digits\", entityName: \"vision\") { runCount run(name: $r) { name } \
        sweep(sweepName: $s) { name } artifactTypes { edges { node { name } } } } }";
    let names = json!({ "r": world.run, "s": world.sweep });
    for (name, run, sweep, count) in [
        ("one-run", true, false, 1),
        ("one-sweep", true, true, 2),
        ("one-report", true, false, 1),
        ("one-other", false, false, 1),
        ("member", true, true, 3),
    ] {
        let answer = caller(&world, name).ask(look, names.clone()).json();
        let project = &answer["data"]["project"];
        assert_eq!(!project["run"].is_null(), run, "{name}: {answer}");
        assert_eq!(!project["sweep"].is_null(), sweep, "{name}: {answer}");
        assert_eq!(project["runCount"], count, "{name}: {answer}");
        let is_member = name == "member";
        let teams = answer["data"]["viewer"]["teams"]["edges"].as_array().unwrap();
        assert_eq!(teams.is_empty(), !is_member, "{name}: {answer}");
        let types = project["artifactTypes"]["edges"].as_array();
        assert_eq!(types.is_none_or(Vec::is_empty), !is_member, "{name}: {answer}");
    }
}

fn panel(panel: Value, frozen: Value) -> Value {
    json!({ "kind": "panel", "id": "b", "title": "Panel", "panel": panel, "frozen": frozen })
}

fn table(run: &str) -> Value {
    json!({ "shows": "table", "runs": [run], "filters": [], "columns": [] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_report_opens_what_its_live_panels_show_now() {
    let world = World::new().await;
    let (member, reader) = (caller(&world, "member"), caller(&world, "one-report"));
    let (report, run) = (format!("/reports/{}", world.report), format!("/runs/{}", world.run));
    let sweep = format!("/sweeps/{}", world.sweep);
    let opens = |path: &str| match ask(&reader, path).status {
        200 => true,
        404 => false,
        status => panic!("{path}: {status}"),
    };
    let opened = || [opens(&report), opens(&run), opens(&sweep)];
    let mut version = 1;
    let mut show = |blocks: &[Value]| {
        let edit = json!({ "title": "Report", "version": version, "blocks": blocks });
        version += 1;
        sent(&member, "PUT", &report, &edit);
    };
    assert_eq!(opened(), [true, true, false]);
    show(&[]);
    assert_eq!(opened(), [true, false, false]);
    let history = json!({ "shows": "history", "sweep": world.sweep, "time": false, "log_y": true });
    show(&[panel(history, Value::Null)]);
    assert_eq!(opened(), [true, true, true]);
    let media = json!({ "shows": "media", "run": world.run, "key": "x", "step": null });
    show(&[panel(media, Value::Null)]);
    assert_eq!(opened(), [true, true, false]);
    let key = sent(&member, "POST", &format!("{report}/frozen"), &json!([1]))["key"].clone();
    show(&[panel(table(&world.run), key.clone())]);
    assert_eq!(opened(), [true, false, false], "frozen data needs no run");
    assert_eq!(get(&reader, &format!("{report}/frozen/{}", key.as_str().unwrap())), json!([1]));
    show(&[panel(table(&world.run), Value::Null)]);
    assert_eq!(send(&member, "DELETE", &report, "").status, 204);
    assert_eq!(opened(), [false; 3]);
    assert_eq!(send(&member, "POST", &format!("{report}/restore"), "").status, 204);
    assert_eq!(opened(), [true, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_by_a_report_what_belongs_to_another_project() {
    let world = World::new().await;
    let member = caller(&world, "member");
    let report = json!({ "title": "Faces", "version": 0,
        "blocks": [panel(table(&world.run), Value::Null)] });
    let begin = proto::v1::BeginRun { project: "vision/faces".to_owned(), ..Default::default() };
    world.admin.runs().begin(begin).await.unwrap();
    let made = sent(&member, "POST", "/projects/vision/faces/reports", &report);
    let key = sent(
        &member,
        "POST",
        "/keys",
        &json!({ "kind": "read",
        "only": { "report": made["id"] } }),
    );
    let reader = Caller::new(&world.lab, key["secret"].as_str());
    get(&reader, &format!("/reports/{}", made["id"].as_str().unwrap()));
    problem(&ask(&reader, &format!("/runs/{}", world.run)), 404);
    assert_eq!(
        get(&reader, "/session")["only"],
        json!({ "team": "vision", "project": "faces", "thing": { "report": made["id"] } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_by_those_who_see_the_thing() {
    let world = World::new().await;
    let make = |name: &str, only: &Value, kind: &str| {
        let body = json!({ "kind": kind, "only": only, "lasts_s": 60 }).to_string();
        send(&caller(&world, name), "POST", "/keys", &body)
    };
    let run = json!({ "run": world.run });
    for (only, said) in [
        (&run, "no run"),
        (&json!({ "sweep": world.sweep }), "no sweep"),
        (&json!({ "report": world.report }), "no report"),
    ] {
        assert!(problem(&make("outsider", only, "read"), 404).contains(said), "{only}");
        assert_eq!(make("viewer", only, "read").status, 200, "{only}");
        problem(&make("one-run", only, "read"), 403);
    }
    for wrong in ["full", "agent"] {
        problem(&make("member", &run, wrong), 400);
    }
    let both = json!({ "kind": "read", "only": run, "projects": [PROJECT] }).to_string();
    problem(&send(&caller(&world, "member"), "POST", "/keys", &both), 400);
    let keys = get(&caller(&world, "member"), "/keys");
    let only: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| &key["only"]).collect();
    let thing = json!({ "team": "vision", "project": "digits", "thing": run });
    assert!(only.contains(&&thing), "{keys}");
    let shares = |name: &str| get(&caller(&world, name), "/session")["shares"].clone();
    assert_eq!((shares("member"), shares("viewer")), (json!(true), json!(true)));
    assert_eq!((shares("read"), shares("one-run")), (json!(false), json!(false)));
}
