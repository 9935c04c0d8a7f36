//! `cargo xtask bench history`: measures the time to list runs and to read history through a real
//! controller over gRPC. The floor for comparison is raw SQLite with a row per run or point. All
//! measurements use warm caches. The tests are ignored by default, because they enforce no limit.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{hint::black_box, path::Path, time::Duration};

use controller::clock::Clock;
use proto::v1::{AppendRows, BeginRun, EndRun, FindRuns, Outcome, ReadCurve, ReadHistory};
use record::{Row, Value, Writer};
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use crate::lab::{Lab, pause};

const ROWS: u64 = 1_000_000;
const KEYS: [&str; 5] = ["train/loss", "train/accuracy", "lr", "grad/norm", "samples"];

/// Returns a row as a training loop logs it: noisy 32-bit floats, a schedule and a counter.
fn row(step: u64) -> Row {
    let noise = (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64;
    let smooth = 0.3 + 3.0 * (-(step as f64) / 200_000.0).exp();
    let single = |value: f64| Value::F64(f64::from(value as f32));
    let values = [
        single(smooth * (1.0 + 0.02 * (noise - 0.5))),
        single(1.0 - smooth / 4.0 + 0.01 * noise),
        Value::F64(1e-3 * (1.0 - step as f64 / ROWS as f64)),
        single(smooth * noise),
        Value::I64(step as i64 * 64),
    ];
    let values = KEYS.map(str::to_owned).into_iter().zip(values).collect();
    Row { step, wall_ms: 1_700_000_000_000 + 40 * step as i64 + (step % 3) as i64, values }
}

/// Makes a finished run with this number of rows, and waits until all its blocks are merged.
async fn logged(lab: &mut Lab, rows: u64) -> String {
    let run = lab.runs.begin(BeginRun::default()).await.unwrap().into_inner().run;
    for offset in (0..rows).step_by(10_000) {
        let some: Vec<Row> = (offset..(offset + 10_000).min(rows)).map(row).collect();
        let mut frames = Vec::new();
        Writer::default().frame(&some, &mut frames);
        let append = AppendRows {
            run: run.clone(),
            attempt: 1,
            writer: "sdk".to_owned(),
            stream: "history".to_owned(),
            offset,
            frames,
        };
        lab.runs.append(append).await.unwrap();
    }
    let outcome = Outcome { state: "finished".to_owned(), ..Outcome::default() };
    lab.runs
        .end(EndRun { run: run.clone(), attempt: 1, outcome: Some(outcome), ..EndRun::default() })
        .await
        .unwrap();
    let database = Connection::open(lab.folder().join("besom.db")).unwrap();
    while count(&database, "SELECT count(*) FROM blocks WHERE key NOT IN (SELECT block FROM heads)")
        > 0
    {
        pause(100).await;
    }
    run
}

fn count(database: &Connection, sql: &str) -> u64 {
    database.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap().cast_unsigned()
}

/// Makes a table with a row per point, as a tracker without blocks would have it.
fn floor(folder: &Path, points: u64) -> Connection {
    let database = Connection::open(folder.join(format!("floor-{points}.db"))).unwrap();
    database
        .execute_batch(
            "PRAGMA cache_size = -262144; CREATE TABLE points (step INTEGER PRIMARY KEY, value \
            REAL); BEGIN;",
        )
        .unwrap();
    for step in 0..points {
        let mut insert = database.prepare_cached("INSERT INTO points VALUES (?1, ?2)").unwrap();
        insert.execute((step.cast_signed(), step as f64 * 1e-6)).unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
    database
}

fn scan(database: &Connection) {
    let mut statement = database.prepare_cached("SELECT step, value FROM points").unwrap();
    let mut rows = statement.query(()).unwrap();
    let mut sum = 0.0;
    while let Some(row) = rows.next().unwrap() {
        sum += row.get::<_, f64>(1).unwrap() + row.get::<_, i64>(0).unwrap() as f64;
    }
    black_box(sum);
}

/// Returns the least and the median time of 15 tries, in milliseconds. An extra try before them
/// warms the caches.
async fn timed(mut work: impl AsyncFnMut()) -> (f64, f64) {
    let clock = Clock::system();
    let mut tries = Vec::new();
    for _ in 0..16 {
        let begun = clock.now();
        work().await;
        tries.push((clock.now() - begun).as_secs_f64() * 1e3);
    }
    tries.remove(0);
    tries.sort_by(f64::total_cmp);
    (tries[0], tries[tries.len() / 2])
}

fn print(what: &str, ours: (f64, f64), floor: (f64, f64)) {
    let ratio = ours.1 / floor.1;
    println!(
        "{what}: median {:.1} ms, least {:.1} ms; raw SQLite {:.1} ms, least {:.1} ms; {ratio:.2} \
        of it",
        ours.1, ours.0, floor.1, floor.0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a bench: cargo xtask bench history"]
async fn history() {
    let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(2)).await;
    let run = logged(&mut lab, ROWS).await;
    let database = Connection::open(lab.folder().join("besom.db")).unwrap();
    let bytes = count(&database, "SELECT sum(length(bytes)) FROM parts")
        + count(&database, "SELECT sum(length(head)) FROM heads");
    let values = ROWS * KEYS.len() as u64;
    println!("5 keys in a row, merged: {:.2} bytes per point", bytes as f64 / values as f64);

    let million = floor(lab.folder(), ROWS);
    let scanned = timed(async || scan(&million)).await;
    let history = lab.dial(None).history();
    for key in KEYS {
        let ours = timed(async || {
            let request = ReadCurve {
                run: run.clone(),
                keys: vec![key.to_owned()],
                buckets: 800,
                ..ReadCurve::default()
            };
            let curves = history.clone().curve(request).await.unwrap().into_inner().curves;
            assert_eq!(curves[0].buckets.iter().map(|bucket| bucket.count).sum::<u64>(), ROWS);
        })
        .await;
        print(&format!("a curve of 1,000,000 points of `{key}` in 800 buckets"), ours, scanned);
    }

    let hundred = floor(lab.folder(), 100_000);
    let scanned = timed(async || scan(&hundred)).await;
    for keys in [1, 5] {
        let keys: Vec<String> = KEYS[..keys].iter().map(|key| (*key).to_owned()).collect();
        let limit = 100_000 / keys.len() as u64;
        let ours = timed(async || {
            let request = ReadHistory {
                run: run.clone(),
                keys: keys.clone(),
                limit,
                ..ReadHistory::default()
            };
            let mut blocks = history.clone().rows(request).await.unwrap().into_inner();
            let mut points = 0;
            while let Some(block) = blocks.message().await.unwrap() {
                for frame in record::frames(&block.frames) {
                    frame.unwrap().each(|row| points += row.values.len()).unwrap();
                }
            }
            assert_eq!(points, 100_000);
        })
        .await;
        print(&format!("100,000 points as rows of {}, decoded", keys.len()), ours, scanned);
    }
}

const RUNS: u64 = 10_000;
/// The number of runs that are stored at the same time. It is large enough that every commit of the
/// writer thread has several calls.
const AT_ONCE: usize = 64;

/// Returns the config and the summary of a typical run: ten entries and ten numbers.
fn introduced(run: u64) -> (Json, Vec<(String, f64)>) {
    let noise = |salt: u64| (run * 31 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11;
    let part = |salt: u64| noise(salt) as f64 / (1_u64 << 53) as f64;
    let config = json!({
        "lr": 1e-4 * (1.0 + 99.0 * part(1)),
        "batch_size": 32 << (noise(2) % 4),
        "seed": run,
        "epochs": 90,
        "optimizer": {
            "name": (["adam", "sgd"][noise(3) as usize % 2]),
            "weight_decay": 1e-2 * part(4),
            "momentum": 0.9
        },
        "model": { "name": "resnet50", "dropout": part(5) / 2.0, "width": 64 << (noise(6) % 3) },
    });
    let keys = [
        "train/loss",
        "val/loss",
        "train/accuracy",
        "val/accuracy",
        "lr",
        "epoch",
        "grad/norm",
        "samples",
        "time",
        "best",
    ];
    let summary =
        keys.into_iter().zip(10..).map(|(key, salt)| (key.to_owned(), part(salt))).collect();
    (config, summary)
}

/// Stores ten thousand runs of two projects, in the controller and as JSON in a plain table.
async fn listed(lab: &Lab) -> Connection {
    let mut calls = JoinSet::new();
    for number in 0..RUNS {
        let mut runs = lab.runs.clone();
        calls.spawn(async move {
            let (config, summary) = introduced(number);
            let project = if number % 10 == 0 { "other" } else { "vision" }.to_owned();
            let begin =
                BeginRun { project, config_json: config.to_string(), ..BeginRun::default() };
            let run = runs.begin(begin).await.unwrap().into_inner().run;
            let values = summary.into_iter().map(|(key, value)| (key, Value::F64(value))).collect();
            let mut frames = Vec::new();
            Writer::default().frame(&[Row { step: 0, wall_ms: 0, values }], &mut frames);
            let (writer, stream) = ("sdk".to_owned(), "history".to_owned());
            runs.append(AppendRows { run, attempt: 1, writer, stream, offset: 0, frames })
                .await
                .unwrap();
        });
        if calls.len() == AT_ONCE {
            calls.join_next().await.unwrap().unwrap();
        }
    }
    while calls.join_next().await.is_some() {}
    let database = Connection::open(lab.folder().join("floor-runs.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA cache_size = -262144; BEGIN;
             CREATE TABLE runs (key INTEGER PRIMARY KEY, project TEXT, config TEXT, summary TEXT);",
        )
        .unwrap();
    for number in 0..RUNS {
        let (config, summary) = introduced(number);
        let summary: Json = summary.into_iter().map(|(key, value)| (key, json!(value))).collect();
        let project = if number % 10 == 0 { "other" } else { "vision" };
        let mut insert =
            database.prepare_cached("INSERT INTO runs VALUES (?1, ?2, ?3, ?4)").unwrap();
        insert
            .execute((number.cast_signed(), project, config.to_string(), summary.to_string()))
            .unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
    database
}

/// Runs the filtered and sorted listing as a query in raw SQLite.
fn ask(database: &Connection) {
    let mut statement = database
        .prepare_cached(
            "SELECT key, config, summary FROM runs WHERE project = 'vision' AND \
            json_extract(config, '$.lr') < 0.005
             ORDER BY json_extract(summary, '$.\"val/loss\"') LIMIT 1000",
        )
        .unwrap();
    let mut rows = statement.query(()).unwrap();
    let (mut count, mut bytes) = (0, 0);
    while let Some(row) = rows.next().unwrap() {
        count += 1;
        bytes += row.get::<_, String>(1).unwrap().len() + row.get::<_, String>(2).unwrap().len();
    }
    black_box(bytes);
    assert_eq!(count, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a bench: cargo xtask bench history"]
async fn listing() {
    let lab = Lab::start().await;
    let database = listed(&lab).await;
    let floor = timed(async || ask(&database)).await;
    let all = FindRuns { project: "vision".to_owned(), limit: 1000, ..FindRuns::default() };
    let filters = vec!["config.lr < 0.005".to_owned()];
    let sort = vec!["summary.val/loss".to_owned()];
    for (what, request) in [
        ("the newest 1,000 of 10,000 runs", all.clone()),
        (
            "listing 1,000 of 10,000 runs, filtered by config and sorted by summary",
            FindRuns { filters, sort, ..all },
        ),
    ] {
        let ours = timed(async || {
            let mut stream = lab.runs.clone().find(request.clone()).await.unwrap().into_inner();
            let mut count = 0;
            while let Some(run) = stream.message().await.unwrap() {
                count += usize::from(run.config_json.len() > 100 && run.summary_json.len() > 100);
            }
            assert_eq!(count, 1000);
        })
        .await;
        print(what, ours, floor);
    }
}
