//! Tests reports: their list, changes that meet each other, frozen data, the bin, and texts in
//! Markdown.

use std::time::Duration;

use proto::v1::{BeginRun, GetAudit};
use serde_json::{Value, json};

use super::{ask, get, problem, send, sent};
use crate::{
    lab::{Lab, eventually},
    wandb::http::Caller,
};

/// The team of the reports.
const TEAM: &str = "home";

fn list(project: &str) -> String {
    format!("/projects/{TEAM}/{project}/reports")
}

async fn lab() -> (Lab, Caller) {
    let mut lab = Lab::start().await;
    let begin = BeginRun { project: "digits".to_owned(), ..BeginRun::default() };
    lab.runs.begin(begin).await.unwrap();
    let caller = Caller::new(&lab, None);
    (lab, caller)
}

fn text(text: &str) -> Value {
    json!({ "kind": "text", "id": "a", "text": text })
}

fn history(frozen: Value) -> Value {
    let panel = json!({ "shows": "history", "sweep": "abcdefgh", "time": false, "log_y": true });
    json!({ "kind": "panel", "id": "b", "title": "Best", "panel": panel, "frozen": frozen })
}

fn edit(title: &str, version: u64, blocks: &[Value]) -> Value {
    json!({ "title": title, "version": version, "blocks": blocks })
}

fn create(caller: &Caller, title: &str) -> String {
    let made = sent(caller, "POST", &list("digits"), &edit(title, 0, &[]));
    made["id"].as_str().unwrap().to_owned()
}

fn titles(found: &Value) -> Vec<&str> {
    found["reports"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_written_listed_and_searched() {
    let (lab, caller) = lab().await;
    let one = create(&caller, "What we learnt");
    create(&caller, "Plans for MAY");
    create(&caller, "Plans for June");
    let blocks = [text("# Hello"), history(Value::Null)];
    let saved =
        sent(&caller, "PUT", &format!("/reports/{one}"), &edit("What we learnt", 1, &blocks));
    assert_eq!(saved["version"], 2);
    let read = get(&caller, &format!("/reports/{one}"));
    assert_eq!(read["blocks"], json!(blocks));
    let wanted = json!(["home", "digits", true, 2]);
    assert_eq!(json!([read["team"], read["project"], read["writes"], read["version"]]), wanted);
    let all = get(&caller, &list("digits"));
    assert_eq!((titles(&all)[0], &all["total"]), ("What we learnt", &json!(3)));
    let found = get(&caller, &format!("{}?search=plans%20for%20may", list("digits")));
    assert_eq!((titles(&found), &found["total"]), (vec!["Plans for MAY"], &json!(1)));
    let second = get(&caller, &format!("{}?from=1&limit=1", list("digits")));
    assert_eq!((titles(&second).len(), &second["total"]), (1, &json!(3)));
    problem(&ask(&caller, &format!("{}?serach=x", list("digits"))), 400);
    problem(&send(&caller, "POST", &list("nothing"), &edit("a", 0, &[]).to_string()), 404);
    problem(&ask(&caller, "/reports/nothing"), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_never_overwrites_the_change_of_another() {
    let (lab, caller) = lab().await;
    let id = create(&caller, "Shared");
    let path = format!("/reports/{id}");
    let save = |version: u64, words: &str| {
        send(&caller, "PUT", &path, &edit("Shared", version, &[text(words)]).to_string())
    };
    assert_eq!(save(1, "first").status, 200);
    let refused = problem(&save(1, "second"), 409);
    assert!(refused.contains("the administrator has changed this report"), "{refused}");
    assert!(refused.ends_with("version is 2"), "{refused}");
    assert_eq!(get(&caller, &path)["blocks"], json!([text("first")]));
    // Of many editors at once, one succeeds.
    let done: Vec<u16> = std::thread::scope(|scope| {
        let one = |number: usize| {
            scope.spawn({
                let save = &save;
                move || save(2, &format!("editor {number}")).status
            })
        };
        let all: Vec<_> = (0..8).map(one).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(done.iter().filter(|status| **status == 200).count(), 1, "{done:?}");
    assert_eq!(get(&caller, &path)["version"], 3);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_data_stays_until_no_panel_names_it() {
    let mut lab = Lab::with(|settings| settings.reports.frozen_grace = Duration::ZERO).await;
    let begin = BeginRun { project: "digits".to_owned(), ..BeginRun::default() };
    lab.runs.begin(begin).await.unwrap();
    let caller = Caller::new(&lab, None);
    let id = create(&caller, "Frozen");
    let path = format!("/reports/{id}");
    let data = json!({ "points": [1.5, null, "Infinity"] });
    let answer = sent(&caller, "POST", &format!("{path}/frozen"), &data);
    let key = answer["key"].as_str().unwrap();
    let place = format!("{path}/frozen/{key}");
    sent(&caller, "PUT", &path, &edit("Frozen", 1, &[history(json!(key))]));
    assert_eq!(get(&caller, &place), data);
    problem(&ask(&caller, &format!("{path}/frozen/nothing")), 404);
    problem(&send(&caller, "POST", &format!("{path}/frozen"), "{"), 400);
    problem(&send(&caller, "POST", &format!("{path}/frozen"), &"1".repeat(2 << 20)), 413);
    sent(&caller, "PUT", &path, &edit("Frozen", 2, &[history(Value::Null)]));
    problem(&ask(&caller, &place), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_and_large_reports_are_refused() {
    let (lab, caller) = lab().await;
    let id = create(&caller, "Wrong");
    let path = format!("/reports/{id}");
    let put = |body: Value| problem(&send(&caller, "PUT", &path, &body.to_string()), 400);
    assert_eq!(put(edit("  ", 1, &[])), "a report needs a title");
    put(edit(&"x".repeat(2000), 1, &[]));
    let many = put(edit("a", 1, &vec![text("x"); 301]));
    assert!(many.contains("301 blocks; the limit is 300"), "{many}");
    let large = put(edit("a", 1, &[text(&"x".repeat(300_000))]));
    assert!(large.contains("the limit is 262144"), "{large}");
    put(edit("a", 1, &[json!({ "kind": "script", "id": "a" })]));
    put(edit("a", 1, &[json!({ "kind": "text", "id": "a", "text": 5 })]));
    put(edit("a", 1, &[json!({ "kind": "text", "id": "a", "text": "", "more": 1 })]));
    put(json!({ "title": "a" }));
    assert_eq!(get(&caller, &path)["version"], 1);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_report_can_be_restored_until_it_is_purged() {
    let (mut lab, caller) = lab().await;
    let id = create(&caller, "Gone");
    let path = format!("/reports/{id}");
    let restore = format!("{path}/restore");
    problem(&send(&caller, "POST", &restore, ""), 409);
    assert_eq!(send(&caller, "DELETE", &path, "").status, 204);
    let hidden = problem(&ask(&caller, &path), 404);
    assert_eq!(hidden, format!("the report `{id}` is deleted"));
    problem(&send(&caller, "DELETE", &path, ""), 404);
    problem(&send(&caller, "PUT", &path, &edit("Gone", 1, &[]).to_string()), 404);
    assert_eq!(get(&caller, &list("digits"))["total"], 0);
    assert_eq!(titles(&get(&caller, &format!("{}?deleted=true", list("digits")))), ["Gone"]);
    assert_eq!(send(&caller, "POST", &restore, "").status, 204);
    assert_eq!(get(&caller, &list("digits"))["total"], 1);
    let mut people = lab.dial(None).people();
    let audit = people.audit(GetAudit::default()).await.unwrap().into_inner().deeds;
    let done: Vec<_> = audit.iter().filter(|one| one.object == id).map(|one| &one.what).collect();
    assert_eq!(done, ["restore report", "delete report", "create report"]);

    sent(&caller, "POST", &format!("{path}/frozen"), &json!([1]));
    assert_eq!(send(&caller, "DELETE", &path, "").status, 204);
    lab.restart_with(|settings| settings.keep_deleted = Duration::ZERO).await;
    let caller = Caller::new(&lab, None);
    eventually("the report is purged", async || {
        let found = get(&caller, &format!("{}?deleted=true", list("digits")));
        (found["total"] == 0, found)
    })
    .await;
    problem(&send(&caller, "POST", &restore, ""), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_in_markdown_come_as_trees() {
    let (lab, caller) = lab().await;
    let body = json!({ "texts": ["# One", "<b>*x*</b>"] });
    let found = sent(&caller, "POST", "/markdown", &body);
    let text = |text: &str| json!({ "kind": "text", "text": text });
    let heading = json!({ "kind": "heading", "level": 1, "spans": [text("One")] });
    let emphasis = json!({ "kind": "emphasis", "spans": [text("x")] });
    let spans = json!([text("<b>"), emphasis, text("</b>")]);
    let wanted = json!({ "trees": [
        { "blocks": [heading], "cut": false },
        { "blocks": [{ "kind": "paragraph", "spans": spans }], "cut": false },
    ] });
    assert_eq!(found, wanted);
    let many = json!({ "texts": vec![""; 301] }).to_string();
    problem(&send(&caller, "POST", "/markdown", &many), 400);
    lab.shutdown().await;
}
