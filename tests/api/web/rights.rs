//! Tests what each kind of caller gets from each path of the API: every path, by every role and
//! every kind of key. The session that a key opens gets the same.

use serde_json::json;

use super::{
    get,
    login::{cookie, login_with},
    send, sent,
};
use crate::{
    wandb::http::Caller,
    world::{CALLERS, PROJECT, World},
};

/// What each caller gets from each path: `o` for an answer, `-` for a refusal, `0` for "there is no
/// such thing", `x` for "who are you". `RUN` and `SWEEP` stand for ids.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str)] = &[
    // root viewer member admin guest outsider  read agent elsewhere ingest share  run none token
    // At the end: one-run one-sweep one-report one-other.
    ("GET /session", "",                        "o o o o o o  o o o o o  - o o  o o o o"),
    ("GET /overview", "",                       "o o o o o o  o - - - o  - x o  o o o o"),
    ("GET /fleet", "",                          "o o o o o o  o - - - o  - x o  o o o o"),
    ("GET /fleet/timeline", "",                 "o o o o o o  o - - - o  - x o  o o o o"),
    ("GET /projects", "",                       "o o o o o o  o - - - o  - x o  o o o o"),
    ("GET /projects/PROJECT/runs", "",          "o o o o o 0  o - - - 0  - x o  o o o o"),
    ("GET /projects/PROJECT/keys", "",          "o o o o o 0  o - - - 0  - x o  0 0 0 0"),
    ("GET /projects/PROJECT/sweeps", "",        "o o o o o 0  o - - - 0  - x o  0 0 0 0"),
    ("POST /projects/PROJECT/columns", "{}",    "o o o o o 0  o - - - 0  - x o  o o o o"),
    ("GET /projects/PROJECT/views", "",         "o o o o o 0  o - - - 0  - x o  0 0 0 0"),
    ("POST /projects/PROJECT/views", VIEW,      "o - o o - 0  - - - - -  - x o  - - - -"),
    ("PATCH /projects/PROJECT/views/VIEW", "{}", "o - o o - 0  - - - - -  - x o  - - - -"),
    ("DELETE /projects/PROJECT/views/VIEW", "", "o - o o - 0  - - - - -  - x o  - - - -"),
    ("PATCH /runs", MANY,                       "o - o o - 0  - - - - -  - x o  - - - -"),
    ("GET /runs/RUN", "",                       "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/keys", "",                  "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/console", "",               "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/attempts", "",              "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/checkpoints/CHECKPOINT", "", "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/files", "",                 "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/files/a.txt", "",           "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/media", "",                 "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/tables?path=a.txt", "",     "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/linked?to=x", "",           "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /runs/RUN/histograms?key=x", "",      "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("POST /series", SERIES,                    "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("POST /series/groups", GROUPS,             "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("PATCH /runs/RUN", "{\"notes\": \"n\"}",   "o - o o - 0  - - - - -  - x o  - - - -"),
    ("GET /sweeps/SWEEP", "",                   "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("GET /sweeps/SWEEP/attempts", "",          "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("POST /climbs", CLIMBS,                    "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("GET /sweeps/SWEEP/explain", "",           "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("GET /projects/PROJECT/artifacts", "",     "o o o o o 0  o - - - 0  - x o  0 0 0 0"),
    ("GET /projects/PROJECT/artifacts/net", "", "o o o o o 0  o - - - 0  - x o  0 0 0 0"),
    ("GET NET/v9", "",                          "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("GET NET/v9/files", "",                    "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("GET NET/v9/files/w", "",                  "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("GET NET/v9/tables?path=w", "",            "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("GET NET/v9/difference?from=v8", "",       "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("GET NET/v9/lineage", "",                  "o o o o o 0  o - - - 0  o x o  0 0 0 0"),
    ("GET /runs/RUN/artifacts", "",             "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("PATCH NET/v9", "{\"description\": \"d\"}", "o - o o - 0  - - - - -  - x o  - - - -"),
    ("POST NET/v9/aliases", "{\"add\": [\"b\"]}", "o - o o - 0  - - - - -  - x o  - - - -"),
    ("GET /projects/PROJECT/bin", "",           "o o o o o o  o - - - o  - x o  o o o o"),
    ("POST /bin/runs", "{\"runs\": [\"RUN\"]}",  "o - o o - 0  - - - - -  - x o  - - - -"),
    ("POST /bin/sweeps/SWEEP", "",              "o - o o - 0  - - - - -  - x o  - - - -"),
    ("POST /bin/restore", "{\"ids\": [\"RUN\"]}", "o - o o - 0  - - - - -  - x o  - - - -"),
    ("GET /keys", "",                           "o o o o o o  - - - - -  - x o  - - - -"),
    ("POST /keys", "{}",                        "o o o o o o  - - - - -  - x o  - - - -"),
    ("DELETE /keys/nothing", "",                "0 0 0 0 0 0  - - - - -  - x 0  - - - -"),
    ("PUT /password", "{\"password\": \"x\"}",  "o o o o o o  - - - - -  - x o  - - - -"),
    ("GET /sessions", "",                       "o o o o o o  - - - - -  - x o  - - - -"),
    ("DELETE /sessions/nothing", "",            "0 0 0 0 0 0  - - - - -  - x 0  - - - -"),
    ("GET /users", "",                          "o - - - - -  - - - - -  - x o  - - - -"),
    ("POST /users", NOBODY,                     "o - - - - -  - - - - -  - x o  - - - -"),
    ("DELETE /users/nobody", "",                "0 - - - - -  - - - - -  - x 0  - - - -"),
    ("PUT /users/nobody/roles", ROLE,           "0 - - - - -  - - - - -  - x 0  - - - -"),
    ("POST /teams", "{\"name\": \"!\"}",        "o - - - - -  - - - - -  - x o  - - - -"),
    ("DELETE /teams/nothing", "",               "0 - - - - -  - - - - -  - x 0  - - - -"),
    ("GET /storage", "",                        "o - - - - -  - - - - -  - x o  - - - -"),
    ("GET /storage/projects", "",               "o o o o o o  o - - - o  - x o  o o o o"),
    ("GET /runs/RUN/storage", "",               "o o o o o 0  o - - - 0  - x o  o o o 0"),
    ("GET /about", "",                          "o o o o o o  o - - - o  - x o  o o o o"),
    ("GET /sweeps/SWEEP/individuals?parameter=a", "", "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("GET /sweeps/SWEEP/proposals", "",         "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("GET /sweeps/SWEEP/rungs", "",             "o o o o o 0  o - - - 0  - x o  0 o 0 0"),
    ("POST /sweeps/SWEEP/pause", "",            "o - o o - 0  - - - - -  - x o  - - - -"),
    ("POST /sweeps/SWEEP/retry", "",            "o - o o - 0  - - - - -  - x o  - - - -"),
    ("POST /sweeps/SWEEP/extend", MORE,         "o - o o - 0  - - - - -  - x o  - - - -"),
    ("POST /projects/PROJECT/sweeps", CHECK,    "o - o o - 0  - - - - -  - x o  - - - -"),
    ("POST /runs/RUN/stop", "",                 "o - o o - 0  - - - - -  - x o  - - - -"),
    ("GET /projects/PROJECT/reports", "",       "o o o o o 0  o - - - 0  - x o  0 0 0 0"),
    ("POST /projects/PROJECT/reports", EDIT,    "o - o o - 0  - 0 0 o -  - x o  - - - -"),
    ("GET /reports/REPORT", "",                 "o o o o o 0  o - - - 0  - x o  0 0 o 0"),
    ("PUT /reports/REPORT", EDIT,               "o - o o - 0  - 0 0 o -  - x o  - - - -"),
    ("POST /reports/REPORT/frozen", "[1]",      "o - o o - 0  - 0 0 o -  - x o  - - - -"),
    ("GET /reports/REPORT/frozen/KEY", "",      "o o o o o 0  o - - - 0  - x o  0 0 o 0"),
    ("POST /reports/REPORT/restore", "",        "o - o o - 0  - 0 0 o -  - x o  - - - -"),
    ("DELETE /reports/REPORT", "",              "o - o o - 0  - 0 0 o -  - x o  - - - -"),
    ("POST /markdown", "{\"texts\": []}",       "o o o o o o  o o o o o  o x o  o o o o"),
    ("POST /runs/RUN/retry", "",                "o - o o - 0  - - - - -  - x o  - - - -"),
];

/// What a person writes into a report.
const EDIT: &str = r#"{"title": "Report", "blocks": [], "version": 0}"#;
/// A raise of a cap that the sweep does not have.
const MORE: &str = r#"{"runs": 1}"#;

/// A configuration to check.
const CHECK: &str = r#"{"yaml": "method: grid", "check": true}"#;

/// A question for the best values of a sweep.
const CLIMBS: &str = r#"{"sweeps": ["SWEEP"]}"#;

/// A question for curves.
const SERIES: &str = r#"{"runs": ["RUN"], "keys": ["val/loss"], "x": "step"}"#;

/// A user whose name has no valid form.
const NOBODY: &str = r#"{"name": "!", "role": "member"}"#;
/// A role to give.
const ROLE: &str = r#"{"place": "vision", "role": "viewer"}"#;
/// A question for curves of groups.
const GROUPS: &str = r#"{"groups": [["RUN"]], "keys": ["val/loss"], "x": "step"}"#;
/// A view to save.
const VIEW: &str = r#"{"page": "project", "name": "NAME", "query": ""}"#;
/// A change of many runs.
const MANY: &str = r#"{"runs": ["RUN"], "add_tags": ["seen"]}"#;

/// What the table names beside the run and the sweep.
struct Made {
    root: Caller,
    report: String,
    frozen: String,
    checkpoint: String,
}

impl Made {
    fn in_world(world: &World) -> Self {
        let root = Caller::new(&world.lab, Some("hush"));
        let made = |place: &str, body: &str, name: &str| {
            send(&root, "POST", place, body).json()[name].as_str().unwrap().to_owned()
        };
        let report = world.report.clone();
        let frozen = made(&format!("/reports/{report}/frozen"), "[1]", "key");
        let attempts = get(&root, &format!("/runs/{}/attempts", world.run));
        let checkpoint = attempts["checkpoints"][0]["key"].to_string();
        Self { root, report, frozen, checkpoint }
    }

    /// Puts real names into a text.
    fn names(&self, world: &World, text: &str) -> String {
        text.replace("RUN", &world.run)
            .replace("SWEEP", &world.sweep)
            .replace("REPORT", &self.report)
            .replace("KEY", &self.frozen)
            .replace("CHECKPOINT", &self.checkpoint)
            .replace("NET", "/projects/PROJECT/artifacts/net")
            .replace("PROJECT", PROJECT)
    }

    /// Returns a call with real names. If the last caller may have removed what the call is about,
    /// it is there again.
    fn again(&self, world: &World, path: &str) -> String {
        let call = self.names(world, path);
        if path.starts_with("DELETE /reports") {
            send(&self.root, "POST", &format!("/reports/{}/restore", self.report), "");
        }
        match path.contains("/VIEW") {
            true => call.replace("VIEW", &saved_view(world)),
            false => call,
        }
    }
}

/// Saves a view as the administrator, in place of the one before; returns its id.
fn saved_view(world: &World) -> String {
    let root = Caller::new(&world.lab, world.keys[0].1.as_deref());
    let path = format!("/projects/{PROJECT}/views");
    for old in get(&root, &path)["views"].as_array().unwrap() {
        let path = format!("{path}/{}", old["id"].as_str().unwrap());
        assert_eq!(send(&root, "DELETE", &path, "").status, 204);
    }
    let view = json!({ "page": "sweep", "name": "one", "query": "" });
    sent(&root, "POST", &path, &view)["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_gives_each_caller_what_its_role_and_key_allow() {
    let world = World::new().await;
    assert_eq!(world.keys.iter().map(|(name, _)| *name).collect::<Vec<_>>(), CALLERS);
    let session = |(name, key): &(&str, Option<String>)| {
        let key = key.as_ref().filter(|_| *name != "run")?;
        Some(cookie(&login_with(&world.lab, &json!({ "key": key }), &[])))
    };
    let cookies: Vec<_> = world.keys.iter().map(session).collect();
    let made = Made::in_world(&world);
    let mut wrong = Vec::new();
    for (path, body, wanted) in TABLE {
        let body = made.names(&world, body);
        for (((name, key), cookie), wanted) in
            world.keys.iter().zip(&cookies).zip(wanted.split_whitespace())
        {
            // Each refusal of a stranger takes longer than the one before.
            if key.is_none() && *path != "GET /session" && *path != "GET /runs/RUN" {
                continue;
            }
            let call = made.again(&world, path);
            let (method, place) = call.split_once(' ').unwrap();
            let answer = send(&Caller::new(&world.lab, key.as_deref()), method, place, &body);
            let by_cookie = cookie.as_ref().map(|cookie| {
                let call = made.again(&world, path);
                let place = format!("/api/v1{}", call.split_once(' ').unwrap().1);
                Caller::new(&world.lab, None).send(method, &place, &[cookie], body.as_bytes())
            });
            for answer in [answer].into_iter().chain(by_cookie) {
                let got = match answer.status {
                    403 => "-",
                    404 => "0",
                    401 => "x",
                    _ => "o",
                };
                if got != wanted {
                    let said = String::from_utf8_lossy(&answer.body).into_owned();
                    wrong.push(format!("{path} by {name}: {got}, not {wanted}: {said}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_of_projects_of_others() {
    let world = World::new().await;
    let of = |wanted: &str| Caller::new(&world.lab, world.token(wanted));
    let (viewer, outsider) = (of("viewer"), of("outsider"));
    assert_eq!(get(&viewer, "/projects")["projects"].as_array().unwrap().len(), 1);
    assert_eq!(get(&outsider, "/projects"), json!({ "projects": [] }));
    let overview = get(&outsider, "/overview");
    assert_eq!(overview["running"], 0);
    for part in ["projects", "sweeps", "runs", "agents", "attention"] {
        assert_eq!(overview[part], json!([]), "{part}");
    }
    // A project of others and a project that does not exist look alike.
    let there = send(&outsider, "GET", &format!("/projects/{PROJECT}/runs"), "");
    let nowhere = send(&outsider, "GET", "/projects/vision/nothing/runs", "");
    let told = |answer: &crate::wandb::http::Answer, name: &str| {
        String::from_utf8_lossy(&answer.body).replace(name, "NAME")
    };
    assert_eq!(told(&there, "digits"), told(&nowhere, "nothing"));
}
