//! Tests the files of a run and what its history names: hostile names and contents, ranges, media
//! of every form, rows of tables, and histograms.

use std::time::Duration;

use proto::v1::{AppendRows, BeginRun};
use record::{Row, Value, Writer, file::FileRow};
use serde_json::{Value as Json, json};

use super::{ask, get, problem};
use crate::{
    lab::{Lab, eventually},
    wandb::http::{Answer, Caller},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";

/// A run to which rows are appended.
pub(super) struct Logging {
    pub(super) lab: Lab,
    run: String,
    caller: Caller,
}

impl Logging {
    pub(super) async fn start() -> Self {
        // With this short lease, the controller merges rows every 50 ms.
        let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(1)).await;
        let run = lab.runs.begin(BeginRun::default()).await.unwrap().into_inner().run;
        let caller = Caller::new(&lab, None);
        Self { lab, run, caller }
    }

    async fn append(&mut self, stream: &str, offset: u64, rows: &[Row]) {
        let mut frames = Vec::new();
        Writer::default().frame(rows, &mut frames);
        let append = AppendRows {
            run: self.run.clone(),
            attempt: 1,
            writer: "sdk".to_owned(),
            stream: stream.to_owned(),
            offset,
            frames,
        };
        self.lab.runs.append(append).await.unwrap();
    }

    pub(super) async fn files(&mut self, files: &[(&str, &[u8])]) {
        let mut rows = Vec::new();
        for (path, content) in files {
            let hashed = self.lab.put(None, content).await;
            let (path, kind) = ((*path).to_owned(), "file".to_owned());
            let file = FileRow { path, sha256: hashed.sha256, size: hashed.size, kind };
            rows.push(file.to_row(0, 0));
        }
        self.append("files", 0, &rows).await;
    }

    /// Logs JSON values, each at a step under a key, and each with an append of its own.
    async fn history(&mut self, values: &[(u64, &str, Json)]) {
        for ((step, key, json), offset) in values.iter().zip(0..) {
            let values = vec![((*key).to_owned(), Value::Json(json.to_string()))];
            self.append("history", offset, &[Row { step: *step, wall_ms: 0, values }]).await;
        }
    }

    /// Appends so many rows, behind the `offset` rows so far, that the controller merges all of
    /// them into columns. Waits for it.
    async fn merge(&mut self, offset: u64) {
        for at in offset..offset + 100 {
            self.append("history", at, &[Row { step: at, ..Row::default() }]).await;
        }
        eventually("the appends are merged", async || {
            let blocks = self.lab.blocks(&self.run, "history").await;
            (blocks[0].rows > offset, blocks.len())
        })
        .await;
    }

    /// Calls the restarted controller.
    pub(super) fn connect(&mut self) {
        self.caller = Caller::new(&self.lab, None);
    }

    pub(super) fn get(&self, path: &str) -> Json {
        get(&self.caller, &format!("/runs/{}/{path}", self.run))
    }

    pub(super) fn ask(&self, path: &str) -> Answer {
        ask(&self.caller, &format!("/runs/{}/{path}", self.run))
    }

    /// Fetches a file with these further lines in the head of the request.
    fn file(&self, path: &str, lines: &[&str]) -> Answer {
        let path = format!("/api/v1/runs/{}/files/{path}", self.run);
        self.caller.send("GET", &path, lines, b"")
    }
}

/// Returns the values of a header of an answer, whose name is in lower case.
fn header<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_listed_in_pages() {
    let mut log = Logging::start().await;
    assert_eq!(log.get("files"), json!({ "files": [], "next": null }));
    log.files(&[("b/c.txt", b"text"), ("a.png", PNG), ("b/\u{e9} \"%2e.js", b"x")]).await;
    let paths = |page: &Json| -> Vec<String> {
        let files = page["files"].as_array().unwrap().iter();
        files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    };
    let first = log.get("files?limit=2");
    assert_eq!(paths(&first), ["a.png", "b/c.txt"]);
    let file = &first["files"][0];
    assert_eq!(
        (&file["size"], &file["kind"], &file["attempt"]),
        (&json!(18), &json!("file"), &json!(1))
    );
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    assert!(file["logged_ms"].as_i64().unwrap() > 0);
    assert_eq!(first["next"], "b/c.txt");
    let rest = log.get("files?after=b/c.txt&limit=1");
    assert_eq!((paths(&rest), &rest["next"]), (vec!["b/\u{e9} \"%2e.js".to_owned()], &Json::Null));
    problem(&log.ask("files?before=x"), 400);
    problem(&ask(&log.caller, "/runs/none/files"), 404);
    log.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_only_media_and_pages_that_can_do_nothing() {
    let mut log = Logging::start().await;
    let script: &[u8] = b"<script>alert(1)</script>";
    log.files(&[
        ("media/images/a b.png", PNG),
        ("fake.png", script),
        ("page.html", script),
        ("drawing.svg", b"<svg/>"),
        ("code.js", b"alert(1)"),
        ("..%2f\u{e9}\"; a=\"b.exe", b"MZ"),
    ])
    .await;
    let sandbox = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    for (path, kind, policy, disposition) in [
        ("media/images/a%20b.png", "image/png", None, None),
        ("fake.png", "application/octet-stream", None, Some("fake%2Epng")),
        ("page.html", "text/html; charset=utf-8", Some(sandbox), None),
        ("drawing.svg", "image/svg+xml", Some(sandbox), None),
        ("code.js", "application/octet-stream", None, Some("code%2Ejs")),
        (
            "..%252f%C3%A9%22;%20a=%22b.exe",
            "application/octet-stream",
            None,
            Some("%2E%2E%252f%C3%A9%22%3B%20a%3D%22b%2Eexe"),
        ),
    ] {
        let answer = log.file(path, &[]);
        assert_eq!(answer.status, 200, "{path}: {}", answer.head);
        assert_eq!(header(&answer, "content-type"), [kind], "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), ["nosniff"], "{path}");
        assert_eq!(header(&answer, "cache-control"), ["private, no-cache"], "{path}");
        assert!(header(&answer, "access-control-allow-origin").is_empty(), "{path}");
        let disposition = disposition.map(|name| format!("attachment; filename*=UTF-8''{name}"));
        assert_eq!(header(&answer, "content-disposition").pop(), disposition.as_deref(), "{path}");
        let policies = header(&answer, "content-security-policy");
        match policy {
            Some(policy) => assert_eq!(policies, [policy], "{path}"),
            None => assert!(policies[0].starts_with("default-src 'none'; script-src"), "{path}"),
        }
    }
    for path in ["../x", "page.html/", "%2e%2e/page.html", "/page.html", "PAGE.html", "a%00b"] {
        let refused = log.file(path, &[]);
        assert_eq!(refused.status, 404, "{path}: {}", refused.head);
    }
    log.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_whole_or_in_ranges() {
    let mut log = Logging::start().await;
    let content: Vec<u8> = (0..600_000_u32).map(|at| (at % 251) as u8).collect();
    log.files(&[("a.mp4", &content), ("empty", b"")]).await;
    let whole = log.file("a.mp4", &[]);
    assert!(whole.body == content);
    assert_eq!(header(&whole, "accept-ranges"), ["bytes"]);
    let etag = header(&whole, "etag")[0].to_owned();
    let part = log.file("a.mp4", &["Range: bytes=300000-300009", &format!("If-Range: {etag}")]);
    assert_eq!((part.status, &part.body[..]), (206, &content[300_000..300_010]));
    assert_eq!(header(&part, "content-range"), ["bytes 300000-300009/600000"]);
    assert_eq!(header(&part, "content-type"), ["video/mp4"]);
    let other = log.file("a.mp4", &["Range: bytes=0-9", "If-Range: \"0\""]);
    assert_eq!((other.status, other.body.len()), (200, content.len()), "another content");
    let nowhere = log.file("a.mp4", &["Range: bytes=600000-"]);
    assert_eq!((nowhere.status, nowhere.body.len()), (416, 0));
    let same = log.file("a.mp4", &[&format!("If-None-Match: {etag}")]);
    assert_eq!((same.status, same.body.len()), (304, 0));
    let empty = log.file("empty", &[]);
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    log.lab.shutdown().await;
}

/// A file in a value of the history.
fn file(kind: &str, path: &str) -> Json {
    json!({ "_type": kind, "path": path, "sha256": "0" })
}

fn item(key: &str, step: u64, kind: &str, value: &Json, files: &[&str]) -> Json {
    json!({ "key": key, "step": step, "kind": kind, "value": value, "files": files })
}

/// Checks the pages of media.
fn check(log: &Logging, boxes: &Json, pair: &Json, plot: &Json) {
    let [sound, clip, page] =
        [file("audio-file", "s.wav"), file("video-file", "c.mp4"), file("html-file", "p.html")];
    let first = log.get("media?limit=3");
    assert_eq!(first["next"], 4);
    let items = [
        item("images", 2, "image", boxes, &["i/0.png", "b.json", "m.png"]),
        item("sound", 2, "audio", &sound, &["s.wav"]),
        item("images", 3, "image", pair, &["x", "y"]),
    ];
    assert_eq!(first["items"], json!(items));
    let items = [
        item("plot", 4, "plot", plot, &["t.parquet"]),
        item("clip", 7, "video", &clip, &["c.mp4"]),
        item("page", 9, "html", &page, &["p.html"]),
    ];
    assert_eq!(log.get("media?from=4"), json!({ "next": null, "items": items }));
    let images = log.get("media?key=images&from=3");
    assert_eq!(images["items"], json!([item("images", 3, "image", pair, &["x", "y"])]));
    // A page ends with a whole step.
    assert_eq!(log.get("media?limit=1")["items"].as_array().unwrap().len(), 2);
    for nothing in ["media?key=weights", "media?key=none", "media?from=10"] {
        assert_eq!(log.get(nothing), json!({ "items": [], "next": null }), "{nothing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_of_every_form_are_listed_by_their_steps() {
    let mut log = Logging::start().await;
    assert_eq!(log.get("media"), json!({ "items": [], "next": null }));
    let boxes = json!({
        "_type": "images/separated", "filenames": ["i/0.png", "../../etc/passwd"],
        "all_boxes": [{ "truth": file("boxes2D", "b.json") }],
        "all_masks": [{ "truth": file("mask", "m.png") }],
    });
    let pair =
        json!({ "_type": "images", "items": [file("image-file", "x"), file("image-file", "y")] });
    let plot =
        json!({ "_type": "custom-chart", "spec": {}, "table": file("table-file", "t.parquet") });
    let histogram = json!({ "_type": "histogram", "bins": [0, 1], "values": [1] });
    log.history(&[
        (4, "plot", plot.clone()),
        (2, "sound", file("audio-file", "s.wav")),
        (2, "images", boxes.clone()),
        (3, "images", pair.clone()),
        (3, "weights", histogram),
        (3, "list", json!([1, 2])),
        (9, "page", file("html-file", "p.html")),
        (7, "clip", file("video-file", "old.mp4")),
        (7, "clip", file("video-file", "c.mp4")),
    ])
    .await;
    let page = log.get("media?limit=3");
    assert_eq!(page["next"], 4);
    check(&log, &boxes, &pair, &plot);
    log.merge(9).await;
    check(&log, &boxes, &pair, &plot);
    problem(&log.ask("media?from=x"), 400);
    log.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_table_come_in_pages() {
    let mut log = Logging::start().await;
    let table =
        br#"{"columns": ["x", "image"], "ncols": 2, "data": [[1, {"path": "a"}], [NaN, null],
        [3, "c"]]}"#;
    log.files(&[("t.table.json", table), ("t.parquet", b"PAR1..."), ("t.txt", b"[]")]).await;
    let rows = json!([[1, { "path": "a" }], ["NaN", null]]);
    assert_eq!(
        log.get("tables?path=t.table.json&limit=2"),
        json!({ "columns": ["x", "image"], "total": 3, "rows": rows, "numbers": [0, 1],
            "matched": 3, "looked_at": 3, "classes": [] })
    );
    let sorted = log.get("tables?path=t.table.json&sort=0&descending=true");
    assert_eq!(sorted["numbers"], json!([1, 2, 0]));
    let filtered = log.get("tables?path=t.table.json&filter=0:%3E1&filter=1:=c");
    assert_eq!((&filtered["rows"], &filtered["matched"]), (&json!([[3, "c"]]), &json!(1)));
    for wrong in ["sort=2", "filter=2:x", "filter=x", "filter=0:%3Cx", "sort=-1"] {
        problem(&log.ask(&format!("tables?path=t.table.json&{wrong}")), 400);
    }
    assert_eq!(log.get("tables?path=t.table.json&from=2")["rows"], json!([[3, "c"]]));
    assert_eq!(log.get("tables?path=t.table.json&from=9")["rows"], json!([]));
    assert!(problem(&log.ask("tables?path=t.parquet"), 400).contains("cut off"));
    assert!(problem(&log.ask("tables?path=t.txt"), 400).contains("read as a table"));
    problem(&log.ask("tables?path=none"), 404);
    problem(&log.ask("tables"), 400);
    log.lab.restart_with(|settings| settings.limits.tables.json_bytes = 20).await;
    log.connect();
    assert!(problem(&log.ask("tables?path=t.table.json"), 400).contains("at most 20 are read"));
    log.lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn histograms_are_sampled_by_their_steps() {
    let mut log = Logging::start().await;
    let histogram =
        |count: u64| json!({ "_type": "histogram", "bins": [0, 0.5, 1], "values": [count, 1] });
    let mut values: Vec<_> = (0..100).map(|step| (step, "w", histogram(step))).collect();
    values.push((99, "w", histogram(7)));
    values.push((100, "w", json!({ "_type": "image-file" })));
    log.history(&values).await;
    assert_eq!(
        log.get("histograms?key=w&from=98&to=100"),
        json!({ "steps": [98, 99], "edges": [[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]],
            "counts": [[98.0, 1.0], [7.0, 1.0]] })
    );
    let sample = log.get("histograms?key=w&to=99&steps=10");
    let steps: Vec<u64> =
        sample["steps"].as_array().unwrap().iter().map(|step| step.as_u64().unwrap()).collect();
    assert!(steps.len() <= 10 && steps.len() >= 8 && steps[0] == 0, "{steps:?}");
    let nothing = json!({ "steps": [], "edges": [], "counts": [] });
    assert_eq!(log.get("histograms?key=none"), nothing);
    assert_eq!(log.get("histograms?key=w&from=5&to=4"), nothing);
    problem(&log.ask("histograms"), 400);
    log.lab.shutdown().await;
}
