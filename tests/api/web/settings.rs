//! Tests the settings: keys, people, sessions of browsers, storage, and what the controller is.

use serde_json::{Value, json};

use super::{
    ask, get,
    login::{cookie, login_with},
    problem, send, sent,
};
use crate::{lab::Lab, passwords::people, wandb::http::Caller};

const PASSWORD: &str = "correct horse";

fn done(caller: &Caller, method: &str, path: &str, body: &Value) {
    let answer = send(caller, method, path, &body.to_string());
    assert_eq!(answer.status, 204, "{path}: {}", String::from_utf8_lossy(&answer.body));
}

fn refused(caller: &Caller, method: &str, path: &str, body: &Value, status: u16) -> String {
    problem(&send(caller, method, path, &body.to_string()), status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_shown_once_listed_and_revoked() {
    let (lab, [root, ann]) = people().await;
    let (root, ann) = (Caller::new(&lab, Some(&root)), Caller::new(&lab, Some(&ann)));
    let wanted =
        json!({ "label": "node 7", "kind": "read", "projects": ["digits"], "lasts_s": 60 });
    let made = sent(&ann, "POST", "/keys", &wanted);
    let (secret, id) = (made["secret"].as_str().unwrap(), made["key"]["id"].as_str().unwrap());
    let key = &made["key"];
    assert_eq!((&key["kind"], &key["opens"]), (&json!("read"), &json!(["ann/digits"])));
    assert_eq!(key["expires_ms"].as_i64().unwrap() - key["created_ms"].as_i64().unwrap(), 60_000);
    let own = Caller::new(&lab, Some(secret));
    assert_eq!(get(&own, "/session")["user"], "ann");
    let listed = get(&ann, "/keys");
    assert!(!listed.to_string().contains(secret), "the secret is nowhere");
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    assert_eq!(get(&root, "/keys")["keys"].as_array().unwrap().len(), 3);
    for (wrong, part) in [
        (json!({ "kind": "strong" }), "no kind of keys"),
        (json!({ "kind": "ingest" }), "needs the one project"),
        (json!({ "kinds": "full" }), "unknown field"),
    ] {
        let detail = refused(&ann, "POST", "/keys", &wrong, 400);
        assert!(detail.contains(part), "{detail}");
    }
    refused(&ann, "POST", "/keys", &json!({ "user": "root" }), 403);
    done(&ann, "DELETE", &format!("/keys/{id}"), &json!(null));
    problem(&ask(&own, "/projects"), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_and_ends_own_sessions_and_sets_a_password() {
    let (lab, [_, ann]) = people().await;
    let ann = Caller::new(&lab, Some(&ann));
    done(&ann, "PUT", "/password", &json!({ "password": PASSWORD }));
    let login = || cookie(&login_with(&lab, &json!({ "user": "ann", "password": PASSWORD }), &[]));
    let (one, two) = (login(), login());
    let by = |cookie: &str, method: &str, path: &str, body: &str| {
        let path = format!("/api/v1{path}");
        Caller::new(&lab, None).send(method, &path, &[cookie], body.as_bytes())
    };
    let sessions = by(&one, "GET", "/sessions", "").json();
    let sessions = sessions["sessions"].as_array().unwrap();
    let own: Vec<&Value> = sessions.iter().filter(|session| session["own"] == true).collect();
    assert_eq!((sessions.len(), own.len()), (2, 1));
    let other = sessions.iter().find(|session| session["own"] == false).unwrap();
    let path = format!("/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(by(&one, "DELETE", &path, "").status, 204);
    assert_eq!(by(&two, "GET", "/projects", "").status, 401);
    assert_eq!(by(&one, "GET", "/projects", "").status, 200);
    assert_eq!(by(&one, "DELETE", &path, "").status, 404);

    let change = json!({ "password": "battery staple", "old": "wrong" });
    let detail = refused(&ann, "PUT", "/password", &change, 401);
    assert_eq!(detail, "the old password is wrong");
    let change = json!({ "password": "battery staple", "old": PASSWORD });
    done(&ann, "PUT", "/password", &change);
    assert_eq!(by(&one, "GET", "/projects", "").status, 401, "a new password ends all sessions");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_adds_users_teams_and_roles_while_the_controller_runs() {
    let (lab, [root, ann]) = people().await;
    let (root, ann) = (Caller::new(&lab, Some(&root)), Caller::new(&lab, Some(&ann)));
    let bob = json!({ "name": "bob", "team": "vision", "role": "viewer" });
    refused(&ann, "POST", "/users", &bob, 403);
    done(&root, "POST", "/users", &bob);
    refused(&root, "POST", "/users", &bob, 409);
    refused(&root, "POST", "/users", &json!({ "name": "Bob", "role": "viewer" }), 400);
    refused(&root, "POST", "/users", &json!({ "name": "eve", "role": "king" }), 400);
    done(&root, "PUT", "/users/bob/roles", &json!({ "place": "vision/digits", "role": "admin" }));
    done(&root, "PUT", "/password", &json!({ "user": "bob", "password": PASSWORD }));
    let found = |name: &str| {
        let people = get(&root, "/users");
        let users = people["users"].as_array().unwrap();
        users.iter().find(|user| user["name"] == name).cloned()
    };
    let bob = found("bob").unwrap();
    let roles = json!([
        { "place": "vision", "role": "viewer" }, { "place": "vision/digits", "role": "admin" }
    ]);
    assert_eq!(
        (&bob["roles"], &bob["password"], &bob["admin"]),
        (&roles, &json!(true), &json!(false))
    );
    // The new user can log in at once.
    let login = login_with(&lab, &json!({ "user": "bob", "password": PASSWORD }), &[]);
    cookie(&login);
    done(&root, "PUT", "/users/bob/roles", &json!({ "place": "vision/digits", "role": null }));
    assert_eq!(found("bob").unwrap()["roles"].as_array().unwrap().len(), 1);
    done(&root, "POST", "/teams", &json!({ "name": "nlp" }));
    assert!(get(&root, "/users")["teams"].to_string().contains("nlp"));
    done(&root, "DELETE", "/teams/nlp", &json!(null));
    refused(&root, "DELETE", "/teams/vision", &json!(null), 409);
    let detail = refused(&root, "DELETE", "/users/root", &json!(null), 409);
    assert!(detail.contains("own user"), "{detail}");
    done(&root, "DELETE", "/users/bob", &json!(null));
    assert_eq!(found("bob"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_controller_takes_no_first_user_because_that_would_lock_all_out() {
    let lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let ann = json!({ "name": "ann", "role": "member", "admin": true });
    let answer = send(&caller, "POST", "/users", &ann.to_string());
    problem(&answer, 409);
    let hint = answer.json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("controller user add ann --admin"), "{hint}");
    assert_eq!(get(&caller, "/session")["open"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_storage_is_told_as_a_whole_and_by_project() {
    let lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    caller.upsert(json!({ "entityName": "home", "modelName": "digits", "name": "first" }));
    caller.stream("home/digits/first", crate::wandb::http::lines(0, &[1.0, 2.0]));
    lab.put(None, b"content").await;
    let whole = get(&caller, "/storage");
    assert_eq!((&whole["contents"], &whole["contents_count"]), (&json!(7), &json!(1)));
    assert!(whole["database"].as_u64().unwrap() > 0 && whole["free"].as_u64().unwrap() > 0);
    assert_eq!((&whole["bin_count"], &whole["full"]), (&json!(0), &json!(false)));
    let projects = get(&caller, "/storage/projects");
    let digits = &projects["projects"][0];
    assert_eq!((&digits["team"], &digits["project"]), (&json!("home"), &json!("digits")));
    assert!(digits["rows"].as_u64().unwrap() > 0, "{digits}");
    let about = get(&caller, "/about");
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
    assert!(
        about["schema"].as_u64().unwrap() >= 19 && about["dashboard"].as_str().unwrap().len() == 12
    );
}
