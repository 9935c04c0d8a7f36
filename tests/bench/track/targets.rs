//! Provides the targets that are measured in Rust: Besom's SDK and the two floors. `child` opens
//! them, and `load` drives them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use rusqlite::{Connection, params};

use crate::load::Target;

/// The number of calls of the SQLite floor that share a commit.
const BATCH: u64 = 200;

/// Opens a target by its name: a run outside any sweep, or a file, in `dir`.
pub(crate) fn open(name: &str, dir: &Path, url: &str) -> Box<dyn Target> {
    match name {
        "besom" => Box::new(Besom(
            besom::init().project("bench").controller(url).dir(dir).start().expect("a run begins"),
        )),
        "jsonl" => {
            let file = File::create(dir.join("metrics.jsonl")).expect("a file can be made");
            Box::new(JsonLines(BufWriter::new(file)))
        }
        "sqlite" => Box::new(Sqlite::open(&dir.join("metrics.db"))),
        other => panic!("there is no target `{other}`"),
    }
}

struct Besom(besom::Run);

impl Target for Besom {
    fn log(&mut self, step: u64, keys: &[String], values: &[f64]) {
        self.0.log_at(step, keys.iter().zip(values));
    }

    fn finish(self: Box<Self>) -> u64 {
        self.0.finish().expect("everything arrives").refused
    }
}

/// A floor that writes a JSON object per call and hands it to the kernel at once. The file is
/// synced once, at the end.
struct JsonLines(BufWriter<File>);

impl Target for JsonLines {
    fn log(&mut self, step: u64, keys: &[String], values: &[f64]) {
        #[derive(serde::Serialize)]
        struct Line<'a> {
            step: u64,
            #[serde(flatten)]
            values: BTreeMap<&'a str, f64>,
        }
        let values = keys.iter().map(String::as_str).zip(values.iter().copied()).collect();
        serde_json::to_writer(&mut self.0, &Line { step, values }).expect("a line is written");
        self.0.write_all(b"\n").and_then(|()| self.0.flush()).expect("a line is flushed");
    }

    fn finish(self: Box<Self>) -> u64 {
        self.0.get_ref().sync_all().expect("the file is synced");
        0
    }
}

/// A floor that writes a row per point, with a write-ahead log, full sync, and [`BATCH`] calls in a
/// commit.
struct Sqlite {
    database: Connection,
    waiting: Vec<(u64, usize, f64)>,
    calls: u64,
}

impl Sqlite {
    fn open(path: &Path) -> Self {
        let database = Connection::open(path).expect("SQLite opens");
        database
            .execute_batch(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
                 CREATE TABLE points(run INTEGER, metric INTEGER, step INTEGER, value REAL,
                                     PRIMARY KEY (run, metric, step)) WITHOUT ROWID;",
            )
            .expect("the table is made");
        Self { database, waiting: Vec::new(), calls: 0 }
    }

    fn commit(&mut self) {
        let transaction = self.database.transaction().expect("a transaction begins");
        for (step, metric, value) in self.waiting.drain(..) {
            transaction
                .prepare_cached("INSERT INTO points VALUES (1, ?1, ?2, ?3)")
                .and_then(|mut insert| insert.execute(params![metric as i64, step as i64, value]))
                .expect("a row is inserted");
        }
        transaction.commit().expect("a transaction commits");
    }
}

impl Target for Sqlite {
    fn log(&mut self, step: u64, _keys: &[String], values: &[f64]) {
        self.waiting
            .extend(values.iter().enumerate().map(|(metric, value)| (step, metric, *value)));
        self.calls += 1;
        if self.calls.is_multiple_of(BATCH) {
            self.commit();
        }
    }

    fn finish(mut self: Box<Self>) -> u64 {
        self.commit();
        self.database
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
            .expect("the log is moved into the file");
        0
    }
}
