//! Tests the hints about changes, which a page follows over one connection.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use proto::v1::Change;
use serde_json::{Value, json};

use super::{ask, problem};
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
    world::World,
};

/// A connection that follows topics.
struct Following(BufReader<TcpStream>);

impl Following {
    /// Follows topics, and waits until the controller has accepted.
    fn new(lab: &Lab, query: &str, line: &str) -> Self {
        let address = lab.address().replace("http://", "");
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!("GET /api/v1/events?{query} HTTP/1.1\r\nHost: {address}\r\n{line}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut following = Self(BufReader::new(stream));
        let status = following.line().unwrap();
        assert!(status.contains("200"), "{status}");
        following
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::task::block_in_place(|| self.0.read_line(&mut line)).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Returns the next line that begins so, without its beginning; `None` if the stream ends.
    fn next(&mut self, begin: &str) -> Option<String> {
        loop {
            if let Some(rest) = self.line()?.strip_prefix(begin) {
                return Some(rest.trim().to_owned());
            }
        }
    }

    fn data(&mut self) -> Value {
        serde_json::from_str(&self.next("data:").unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_what_has_changed() {
    let mut lab = Lab::with(|settings| settings.hint_pause = Duration::from_millis(20)).await;
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\n")).await.id;
    let mut agent = lab.agent("one", &sweep);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[2.0]).await.unwrap();
    let (run, project) = (start.run.clone(), "project:home/digits");
    let mut of_run = Following::new(&lab, &format!("topic=run:{run}"), "");
    let mut of_all = Following::new(&lab, &format!("topic={project}&topic=sweep:{sweep}"), "");
    let mut of_home = Following::new(&lab, "topic=home", "");
    // The comment says that the controller listens.
    for following in [&mut of_run, &mut of_all, &mut of_home] {
        assert_eq!(following.next(":").unwrap(), "open");
    }
    let run = format!("run:{run}");
    let hint = |topic: &str, what: &str| json!({ "topic": topic, "what": what });
    agent.append(&start, "console", 0, crate::lab::frames(0, "stdout", &[1.0])).await.unwrap();
    assert_eq!(of_run.data(), hint(&run, "console"));
    agent.log(&start, 1, "val/loss", &[1.0]).await.unwrap();
    assert_eq!(of_run.data(), hint(&run, "rows"));
    let mut both = [of_all.data(), of_all.data()];
    both.sort_by_key(Value::to_string);
    assert_eq!(both, [hint(project, "rows"), hint(&format!("sweep:{sweep}"), "rows")]);
    agent.end(&start, "finished").await.unwrap();
    assert_eq!(of_run.data(), hint(&run, "state"));
    assert_eq!(of_home.data(), hint("home", "state"));
    lab.create(&format!("{RANDOM}\nproject: other\n")).await;
    assert_eq!(of_home.data(), hint("home", "state"));
    // The end of the controller ends the streams and does not wait for them.
    lab.stop().await;
    assert_eq!(of_home.next("data:"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_become_one_hint() {
    let mut lab = Lab::with(|settings| settings.hint_pause = Duration::from_secs(3600)).await;
    let sweep = lab.create(RANDOM).await.id;
    let topic = format!("topic=sweep:{sweep}");
    let mut following = Following::new(&lab, &topic, "");
    following.next(":").unwrap();
    for change in [Change::Pause, Change::Resume, Change::Pause] {
        lab.change(&sweep, change).await.unwrap();
    }
    assert_eq!(following.data()["what"], "state");
    lab.stop().await;
    assert_eq!(following.next("data:"), None, "the next hint was to come after an hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_reads_everything_anew() {
    let lab = Lab::with(|settings| settings.alive = Duration::from_millis(20)).await;
    let mut following = Following::new(&lab, "topic=home", "Last-Event-ID: 7\r\n");
    assert_eq!(following.next("event:").unwrap(), "resync");
    assert_eq!(following.next(":").unwrap(), "nothing new", "the connection stays alive");
    let caller = Caller::new(&lab, None);
    for wrong in ["", "?topic=", "?topic=agent:1", "?topic=project:digits"] {
        problem(&ask(&caller, &format!("/events{wrong}")), 400);
    }
    problem(&ask(&caller, "/events?topic=run:none"), 404);
    problem(&ask(&caller, "/events?topic=sweep:none1234"), 404);
    let many = "topic=home&".repeat(65);
    problem(&ask(&caller, &format!("/events?{many}")), 400);
    drop(following);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_projects_of_others() {
    let mut world = World::new().await;
    let key = |wanted: &str| {
        let (_, key) = world.keys.iter().find(|(name, _)| *name == wanted).unwrap();
        key.clone().unwrap()
    };
    let (outsider, guest) = (key("outsider"), key("guest"));
    for topic in [
        "project:vision/digits".to_owned(),
        format!("sweep:{}", world.sweep),
        format!("run:{}", world.run),
    ] {
        let caller = Caller::new(&world.lab, Some(&outsider));
        problem(&ask(&caller, &format!("/events?topic={topic}")), 404);
    }
    let follow = |key: &str| {
        let line = format!("Authorization: Bearer {key}\r\n");
        let mut following = Following::new(&world.lab, "topic=home", &line);
        following.next(":").unwrap();
        following
    };
    let (mut of_outsider, mut of_guest) = (follow(&outsider), follow(&guest));
    let sweep = world.sweep.clone();
    world.lab.change(&sweep, Change::Pause).await.unwrap();
    assert_eq!(of_guest.data()["what"], "state");
    world.lab.stop().await;
    assert_eq!(of_outsider.next("data:"), None);
}
