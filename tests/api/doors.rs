//! Tests the controller's port: silent connections, wrong tokens, the limit of streams, and the
//! page that a browser gets.

use std::{
    future::poll_fn,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use controller::clock::Clock;
use proto::v1::{AppendRows, BeginRun, Block, ListSweeps, ReadRows};
use tokio::task::spawn_blocking;
use tonic::{
    Code, Streaming,
    body::Body,
    codegen::{
        Service as _,
        http::{self, StatusCode, Version},
    },
    transport::Endpoint,
};

use crate::lab::{Lab, frames, pause};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const NO_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Opens a connection and sends these bytes.
fn said(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Reads from a connection until the controller closes it.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let end = stream.read_to_end(&mut all);
    let closed = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
    assert!(end.map_or_else(closed, |_| true), "the controller closes it");
    all
}

/// Starts a reader that waits for rows of a run without rows.
async fn follow(lab: &mut Lab) -> (String, Streaming<Block>) {
    let run = lab.runs.begin(BeginRun::default()).await.unwrap().into_inner().run;
    let read = ReadRows {
        run: run.clone(),
        stream: "history".to_owned(),
        follow: true,
        ..ReadRows::default()
    };
    let stream = lab.runs.read(read).await.unwrap().into_inner();
    (run, stream)
}

/// Logs a row, and checks that the reader receives it over the connection that it opened in
/// `follow`.
async fn still_there(lab: &Lab, run: String, mut stream: Streaming<Block>) {
    let append = AppendRows {
        run,
        attempt: 1,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        offset: 0,
        frames: frames(0, "loss", &[1.0]),
    };
    lab.dial(None).runs().append(append).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap().rows, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed_and_a_client_stays() {
    let mut lab = Lab::with(|settings| settings.handshake = Duration::from_millis(300)).await;
    let (run, stream) = follow(&mut lab).await;
    let settled = [PREFACE, NO_SETTINGS].concat();
    for opening in
        [b"".as_slice(), b"PRI * HT", PREFACE, &settled, b"GET / HTTP/1.1\r\nHost: a", b"\x16\x03"]
    {
        let stranger = said(&lab.address(), opening);
        spawn_blocking(move || rest(stranger)).await.unwrap();
    }
    pause(1000).await;
    still_there(&lab, run, stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_do_not_keep_clients_out() {
    let mut lab = Lab::with(|settings| {
        settings.handshake = Duration::from_secs(3600);
        settings.limits.connections = 8;
    })
    .await;
    let (run, stream) = follow(&mut lab).await;
    let strangers: Vec<TcpStream> = (0..100).map(|_| said(&lab.address(), PREFACE)).collect();
    for _ in 0..10 {
        lab.dial(None).sweeps().list(ListSweeps::default()).await.unwrap();
    }
    still_there(&lab, run, stream).await;
    // Silent connections do not keep the controller from shutting down either.
    lab.shutdown().await;
    drop(strangers);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_of_a_connection_are_bounded() {
    let lab = Lab::with(|settings| settings.limits.streams = 77).await;
    let mut stream = said(&lab.address(), &[PREFACE, NO_SETTINGS].concat());
    let settings = spawn_blocking(move || {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(head[3], 4, "settings come first");
        let mut settings = vec![0; usize::from(head[2])];
        stream.read_exact(&mut settings).unwrap();
        settings
    });
    let settings = settings.await.unwrap();
    assert!(settings.chunks(6).any(|setting| setting == [0, 3, 0, 0, 0, 77]), "{settings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_wait_longer_and_longer_and_the_right_one_does_not() {
    let lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    let (clock, begun) = (Clock::system(), Clock::system().now());
    let mut wrong = lab.dial(Some("hash")).sweeps();
    for _ in 0..5 {
        let refused = wrong.list(ListSweeps::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let waited = clock.now() - begun;
    assert!(waited >= Duration::from_millis(50 + 100 + 200 + 400 + 800), "{waited:?}");
    lab.dial(Some(" hush\n")).sweeps().list(ListSweeps::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_page() {
    let lab = Lab::start().await;
    let address = lab.address();
    let ask = async |head: &str| {
        let stranger =
            said(&address, format!("{head}\r\nHost: head\r\nConnection: close\r\n\r\n").as_bytes());
        let all = spawn_blocking(move || rest(stranger)).await.unwrap();
        let all = String::from_utf8(all).unwrap();
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        let line = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        (head.lines().next().unwrap().to_owned(), line.parse::<usize>().unwrap(), body.to_owned())
    };
    let (status, length, page) = ask("GET / HTTP/1.1").await;
    assert_eq!((status.as_str(), length), ("HTTP/1.1 200 OK", page.len()));
    for words in ["controller of Besom", "BESOM_CONTROLLER", "sweep ls", "dashboard"] {
        assert!(page.contains(words), "{page}");
    }
    assert_eq!(ask("HEAD / HTTP/1.1").await, ("HTTP/1.1 200 OK".to_owned(), length, String::new()));
    assert_eq!(ask("GET / HTTP/1.0").await, ("HTTP/1.0 200 OK".to_owned(), length, page));
    let (status, length, body) = ask("GET /favicon.ico HTTP/1.1").await;
    assert_eq!((status.as_str(), length), ("HTTP/1.1 404 Not Found", body.len()));
    assert_eq!(ask("POST / HTTP/1.1").await.0, "HTTP/1.1 405 Method Not Allowed");
    let mut browser = Endpoint::from_shared(address.clone()).unwrap().connect().await.unwrap();
    poll_fn(|context| browser.poll_ready(context)).await.unwrap();
    let request = http::Request::get(&address).body(Body::empty()).unwrap();
    let answer = browser.call(request).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    lab.dial(None).sweeps().list(ListSweeps::default()).await.unwrap();
}
