//! Tests what all answers share: who gets one, which headers it has, and what a wrong request gets.

use std::io::Read as _;

use record::ids::HOME;
use serde_json::json;

use super::{ask, get, problem};
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_session_says_who_calls() {
    let lab = Lab::start().await;
    let session = get(&Caller::new(&lab, None), "/session");
    let expected = json!({
        "user": null, "team": "home", "admin": true, "steers": true, "key": null, "only": null,
        "shares": false, "open": true, "version": env!("CARGO_PKG_VERSION")
    });
    assert_eq!(session, expected);
    let lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    let nobody = get(&Caller::new(&lab, None), "/session");
    assert_eq!((&nobody["open"], &nobody["admin"]), (&json!(false), &json!(false)));
    assert_eq!(get(&Caller::new(&lab, Some("hush")), "/session")["admin"], true);
    problem(&ask(&Caller::new(&lab, Some("wrong")), "/session"), 401);
    problem(&ask(&Caller::new(&lab, None), "/projects"), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_request_gets_a_problem_and_every_answer_protects_the_browser() {
    let lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let detail = problem(&ask(&caller, "/nowhere"), 404);
    assert!(detail.contains("/nowhere"), "{detail}");
    let detail = problem(&ask(&caller, "/projects?limt=3"), 400);
    assert!(detail.contains("limt"), "{detail}");
    problem(&caller.send("POST", "/api/v1/projects", &[], b""), 405);
    let foreign = caller.send("POST", "/api/v1/projects", &["Origin: https://evil.com"], b"");
    let detail = problem(&foreign, 403);
    assert!(detail.contains("https://evil.com"), "{detail}");
    for path in ["/api/v1/projects", "/api/v1/nowhere", "/p/vision/digits", "/"] {
        let head = caller.send("GET", path, &["Accept: text/html"], b"").head;
        for line in ["script-src 'self'", "nosniff", "no-referrer", "frame-ancestors 'none'"] {
            assert!(head.contains(line), "{path}: {head}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_for_those_who_ask() {
    let lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let plain = ask(&caller, "/session");
    assert!(!plain.head.contains("content-encoding"), "{}", plain.head);
    let packed = caller.send("GET", "/api/v1/session", &["Accept-Encoding: gzip, br"], b"");
    assert!(packed.head.contains("content-encoding: gzip"), "{}", packed.head);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_dashboard_and_links_of_wandb_lead_into_it() {
    let mut lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let browse = |path: &str| caller.send("GET", path, &["Accept: text/html,*/*"], b"");
    let page = browse("/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("text/html") && page.head.contains("no-cache"), "{}", page.head);
    for path in ["/login", "/p/vision/digits/s/abc?tab=trials", "/fleet", "/settings"] {
        assert_eq!(browse(path).body, page.body, "{path}");
    }
    assert_eq!(browse("/assets/gone-1.js").status, 404);
    assert_eq!(browse("/a/b/c").status, 404);
    let to = |path: &str| {
        let answer = browse(path);
        let line = answer.head.lines().find_map(|line| line.strip_prefix("location: "));
        (answer.status, line.unwrap_or_default().to_owned())
    };
    assert_eq!(to(&format!("/{HOME}/digits")), (303, format!("/p/{HOME}/digits")));
    assert_eq!(to(&format!("/{HOME}/digits/sweeps/abc")), (303, format!("/p/{HOME}/digits/s/abc")));
    for (path, place) in [
        ("/home", "/"),
        ("/authorize", "/settings?tab=keys"),
        ("/vision/digits/workspace", "/p/vision/digits"),
        ("/vision/digits/table", "/p/vision/digits?tab=table"),
        ("/vision/digits/sweeps", "/p/vision/digits/sweeps"),
        ("/vision/digits/artifacts", "/p/vision/digits/artifacts"),
        ("/vision/digits/artifacts/model", "/p/vision/digits/artifacts"),
        ("/vision/digits/artifacts/model/net", "/p/vision/digits/artifacts/net"),
        ("/vision/digits/artifacts/model/net/v3", "/p/vision/digits/artifacts/net/v3"),
        ("/a%20b/c%2Fd/artifacts/m/n%3F/best", "/p/a%20b/c%2Fd/artifacts/n%3F/best"),
        ("/vision/digits/artifacts/m/net/v3/files", "/p/vision/digits/artifacts/net/v3?tab=files"),
        (
            "/vision/digits/artifacts/m/net/v3/graph",
            "/p/vision/digits/artifacts/net/v3?tab=lineage",
        ),
    ] {
        assert_eq!(to(path), (303, place.to_owned()), "{path}");
    }
    assert_eq!(browse("/vision").status, 404, "no project of the team");
    lab.create(&format!("{RANDOM}\nproject: vision/digits\n")).await;
    assert_eq!(to("/vision"), (303, "/".to_owned()));
    // The run's id is not its name, because a run of another project has the same name.
    let upsert = |project: &str| {
        let run = json!({ "entityName": "home", "modelName": project, "name": "first" });
        caller.upsert(run).json()
    };
    upsert("other");
    upsert("digits");
    let run = get(&caller, "/projects");
    assert_eq!(run["projects"][0]["runs"], 1);
    let (status, at) = to(&format!("/{HOME}/digits/runs/first"));
    assert_eq!(status, 303);
    assert!(at.starts_with(&format!("/p/{HOME}/digits/r/")) && !at.ends_with("first"), "{at}");
    let id = at.rsplit('/').next().unwrap();
    assert_eq!(to(&format!("/open/{id}")), (303, at.clone()));
    assert_eq!(browse("/open/nothing").status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_come_with_their_counts_and_best_result() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\n")).await.id;
    let mut agent = lab.agent("one", &sweep);
    for value in [2.0, 1.0] {
        let start = agent.ask().await;
        agent.log(&start, 0, "val/loss", &[value]).await.unwrap();
        agent.end(&start, "finished").await.unwrap();
    }
    agent.ask().await;
    let projects = get(&Caller::new(&lab, None), "/projects");
    let [project] = projects["projects"].as_array().unwrap().as_slice() else {
        panic!("{projects}");
    };
    let counts = ["runs", "live", "sweeps"].map(|count| project[count].as_u64().unwrap());
    assert_eq!(counts, [3, 1, 1]);
    let best = json!({ "sweep": sweep, "metric": "val/loss", "maximize": false, "value": 1.0 });
    assert_eq!((&project["team"], &project["best"]), (&json!("home"), &best));
}
