//! Tests the sessions of browsers: what opens one, what it opens, and what ends it.

use std::{sync::Arc, time::Duration};

use controller::{clock::Clock, offline::Offline};
use proto::v1::{BeginRun, KeyRef};
use serde_json::{Value, json};

use super::{ask, get, problem};
use crate::{
    lab::{Lab, RANDOM, eventually},
    passwords::{people, set},
    wandb::http::{Answer, Caller},
    world,
};

const PASSWORD: &str = "correct horse";
const DAY: Duration = Duration::from_secs(86_400);

/// A controller where `ann` has a password, and the keys of `root` and `ann`.
async fn world() -> (Lab, [String; 2]) {
    let (lab, [root, ann]) = people().await;
    set(&lab.dial(Some(&root)), "ann", PASSWORD, "").await.unwrap();
    (lab, [root, ann])
}

pub(super) fn login_with(lab: &Lab, body: &Value, lines: &[&str]) -> Answer {
    let lines = [&["Content-Type: application/json"], lines].concat();
    let body = body.to_string();
    Caller::new(lab, None).send("POST", "/api/v1/session", &lines, body.as_bytes())
}

fn login(lab: &Lab, user: &str, password: &str) -> Answer {
    login_with(lab, &json!({ "user": user, "password": password }), &[])
}

/// Returns the line of a request with the cookie that an answer has set.
pub(super) fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    let line = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    format!("Cookie: {}", line.split(';').next().unwrap())
}

fn open(lab: &Lab) -> String {
    cookie(&login(lab, "ann", PASSWORD))
}

/// Sends a request with a cookie.
fn show(lab: &Lab, method: &str, path: &str, cookie: &str) -> Answer {
    Caller::new(lab, None).send(method, &format!("/api/v1{path}"), &[cookie], b"")
}

fn is_open(lab: &Lab, cookie: &str) -> bool {
    let answer = show(lab, "GET", "/projects", cookie);
    assert!(matches!(answer.status, 200 | 401), "{}", answer.head);
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_session_until_the_logout() {
    let (lab, _) = world().await;
    let answer = login(&lab, "ann", PASSWORD);
    let cookie = cookie(&answer);
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(answer.head.contains(part), "{}", answer.head);
    }
    assert!(!answer.head.contains("Secure"), "{}", answer.head);
    let session = show(&lab, "GET", "/session", &cookie).json();
    assert_eq!((&session["user"], &session["team"]), (&json!("ann"), &json!("ann")));
    assert_eq!((&session["admin"], &session["open"]), (&json!(false), &json!(false)));
    assert!(is_open(&lab, &cookie));

    let gone = show(&lab, "DELETE", "/session", &cookie);
    assert_eq!(gone.status, 204);
    assert!(gone.head.contains("besom_session=; ") && gone.head.contains("Max-Age=0"));
    assert!(!is_open(&lab, &cookie));
    let session = show(&lab, "GET", "/session", &cookie);
    assert_eq!((session.status, &session.json()["user"]), (200, &Value::Null));
    assert_eq!(show(&lab, "DELETE", "/session", &cookie).status, 204, "once more does no harm");
    let proxied = json!({ "user": "ann", "password": PASSWORD });
    let proxied = login_with(&lab, &proxied, &["X-Forwarded-Proto: https"]);
    assert!(proxied.head.contains("; Secure"), "{}", proxied.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_login_says_nothing_and_waits_longer_and_longer() {
    let (lab, _) = world().await;
    let (clock, begun) = (Clock::system(), Clock::system().now());
    for (user, password) in
        [("ann", "correct hors"), ("eve", PASSWORD), ("root", PASSWORD), ("ann", ""), ("", "")]
    {
        let refused = problem(&login(&lab, user, password), 401);
        assert_eq!(refused, "the user or the password is wrong");
    }
    let waited = clock.now() - begun;
    assert!(waited >= Duration::from_millis(50 + 100 + 200 + 400 + 800), "{waited:?}");
    open(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_many_wrong_logins_waits_before_its_passwords_are_hashed() {
    let (lab, [root, _]) = world().await;
    let cookie = open(&lab);
    let lab = Arc::new(lab);
    let wrong: Vec<_> = (0..24)
        .map(|_| {
            let lab = lab.clone();
            tokio::spawn(async move { login(&lab, "ann", "correct hors").status })
        })
        .collect();
    let status = |user: &str| login(&lab, user, PASSWORD).status;
    eventually("logins are refused", async || {
        let status = status("ann");
        (status == 503, status)
    })
    .await;
    // A key and an open session still work at once.
    assert!(is_open(&lab, &cookie));
    assert_eq!(ask(&Caller::new(&lab, Some(&root)), "/projects").status, 200);
    for wrong in wrong {
        assert!(matches!(wrong.await.unwrap(), 401 | 503));
    }
    eventually("logins work again", async || {
        let status = status("ann");
        (status == 204, status)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_costs_a_hash_and_hashing_is_bounded() {
    let (mut lab, _) = world().await;
    lab.restart_with(|settings| {
        settings.limits.hashing = 0;
        settings.limits.hashing_queue = 0;
    })
    .await;
    for user in ["ann", "eve"] {
        problem(&login(&lab, user, PASSWORD), 503);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_login_is_refused_without_repeating_it() {
    let (lab, _) = world().await;
    let kind = ["Content-Type: application/json"];
    for (body, lines) in [
        (json!({ "user": "ann", "password": [PASSWORD] }).to_string(), &kind[..]),
        (json!({ "user": "ann", "passwort": PASSWORD }).to_string(), &kind[..]),
        (json!({ "key": "correct horse".repeat(2000) }).to_string(), &kind[..]),
        ("correct horse".to_owned(), &kind[..]),
        (json!({ "user": "ann", "password": PASSWORD }).to_string(), &[]),
    ] {
        let caller = Caller::new(&lab, None);
        let answer = caller.send("POST", "/api/v1/session", lines, body.as_bytes());
        problem(&answer, 400);
        assert!(!String::from_utf8_lossy(&answer.body).contains("correct"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_neither_opens_nor_ends_a_session() {
    let (lab, _) = world().await;
    let foreign = "Origin: https://evil.com";
    let body = json!({ "user": "ann", "password": PASSWORD });
    problem(&login_with(&lab, &body, &[foreign]), 403);
    let own = format!("Origin: {}", lab.address());
    let cookie = cookie(&login_with(&lab, &body, &[&own]));
    let caller = Caller::new(&lab, None);
    problem(&caller.send("DELETE", "/api/v1/session", &[&cookie, foreign], b""), 403);
    assert!(is_open(&lab, &cookie));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlasts_a_restart_but_not_its_time() {
    let (mut lab, _) = world().await;
    let cookie = open(&lab);
    lab.restart().await;
    assert!(is_open(&lab, &cookie));
    lab.restart_after(6 * DAY).await;
    assert!(is_open(&lab, &cookie));
    lab.restart_after(14 * DAY).await;
    assert!(!is_open(&lab, &cookie), "it was not used for seven days");

    lab.restart_with(|settings| settings.session_idle = 100 * DAY).await;
    let cookie = open(&lab);
    lab.restart_after(29 * DAY).await;
    assert!(is_open(&lab, &cookie));
    lab.restart_after(31 * DAY).await;
    assert!(!is_open(&lab, &cookie), "it was opened 30 days ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_and_the_end_of_a_user_end_the_sessions() {
    let (mut lab, [root, ann]) = world().await;
    let by_password = open(&lab);
    let by_key = cookie(&login_with(&lab, &json!({ "key": ann }), &[]));
    let other = cookie(&login_with(&lab, &json!({ "key": root }), &[]));
    set(&lab.dial(Some(&root)), "ann", "battery staple", "").await.unwrap();
    assert!(!is_open(&lab, &by_password) && !is_open(&lab, &by_key));
    assert!(is_open(&lab, &other));
    problem(&login(&lab, "ann", PASSWORD), 401);
    let cookie = cookie(&login(&lab, "ann", "battery staple"));

    lab.stop().await;
    let folder = Offline::open(lab.folder()).await.unwrap();
    folder.remove_user("ann".to_owned()).await.unwrap();
    folder.close().await;
    lab.come_back().await;
    assert!(!is_open(&lab, &cookie) && is_open(&lab, &other));
    problem(&login(&lab, "ann", "battery staple"), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_too_many_ends_the_one_that_was_used_least_recently() {
    let (mut lab, [root, _]) = world().await;
    lab.restart_with(|settings| settings.limits.sessions = 2).await;
    let other = cookie(&login_with(&lab, &json!({ "key": root }), &[]));
    let [first, second, third] = [(); 3].map(|()| open(&lab));
    assert!(!is_open(&lab, &first));
    assert!(is_open(&lab, &second) && is_open(&lab, &third) && is_open(&lab, &other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_opens_what_its_key_opens_and_dies_with_it() {
    let mut lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    lab.stop().await;
    let keys = world::people(lab.folder()).await;
    lab.come_back().await;
    for project in ["vision/digits", "vision/faces"] {
        lab.create(&format!("{RANDOM}\nproject: {project}\n")).await;
        let begin = BeginRun { project: project.to_owned(), ..BeginRun::default() };
        lab.runs.begin(begin).await.unwrap();
    }
    for (name, key) in &keys {
        let key = key.as_deref().unwrap();
        let cookie = cookie(&login_with(&lab, &json!({ "key": key }), &[]));
        for path in ["/session", "/projects"] {
            let by_key = ask(&Caller::new(&lab, Some(key)), path);
            let by_session = show(&lab, "GET", path, &cookie);
            let [by_key, by_session] =
                [by_key, by_session].map(|answer| (answer.status, answer.json()));
            assert_eq!(by_key, by_session, "{name}: {path}");
        }
        let shown = show(&lab, "GET", "/projects", &cookie);
        let seen: Vec<_> = match shown.status {
            200 => shown.json()["projects"].as_array().unwrap().clone(),
            status => {
                assert!(status == 403 && ["agent", "elsewhere", "ingest"].contains(name), "{name}");
                continue;
            }
        };
        let seen: Vec<_> = seen.iter().map(|project| project["name"].as_str().unwrap()).collect();
        let wanted: &[&str] = match *name {
            "share" => &["faces"],
            "guest" => &["digits"],
            "outsider" => &[],
            _ => &["digits", "faces"],
        };
        assert_eq!(seen.len(), wanted.len(), "{name}: {seen:?}");
        assert!(wanted.iter().all(|project| seen.contains(project)), "{name}: {seen:?}");
    }

    let key = keys.iter().find(|(name, _)| *name == "share").unwrap().1.clone().unwrap();
    let cookie = cookie(&login_with(&lab, &json!({ "key": key }), &[]));
    let id = key["besom-".len()..][..8].to_owned();
    lab.dial(Some("hush")).people().remove_key(KeyRef { id }).await.unwrap();
    assert!(!is_open(&lab, &cookie));
    problem(&login_with(&lab, &json!({ "key": key }), &[]), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controllers_token_opens_a_session_of_the_administrator_and_ends_it() {
    let mut lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    let sweep = lab.create(RANDOM).await.id;
    let start = lab.agent("one", &sweep).ask().await;
    let refused = login_with(&lab, &json!({ "key": start.token }), &[]);
    assert_eq!(problem(&refused, 403), "the token of a run opens no session");
    problem(&login_with(&lab, &json!({ "key": "hash" }), &[]), 401);
    let cookie = cookie(&login_with(&lab, &json!({ "key": "hush" }), &[]));
    let session = show(&lab, "GET", "/session", &cookie).json();
    assert_eq!((&session["user"], &session["admin"]), (&Value::Null, &json!(true)));
    assert!(is_open(&lab, &cookie));
    lab.restart().await;
    assert!(is_open(&lab, &cookie));
    lab.restart_with(|settings| settings.token = Some("other".to_owned())).await;
    assert!(!is_open(&lab, &cookie));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_logs_in_to_an_open_controller_and_an_old_cookie_does_no_harm() {
    let lab = Lab::start().await;
    problem(&login_with(&lab, &json!({ "key": "anything" }), &[]), 409);
    problem(&login(&lab, "ann", PASSWORD), 401);
    assert!(is_open(&lab, "Cookie: besom_session=old"));
    assert_eq!(get(&Caller::new(&lab, None), "/session")["open"], true);
}
