//! Measures how many trials per second raw SQLite stores durably, as a floor for comparison. A
//! trial is one insert and one update, each with its own commit. The database has a write-ahead log
//! and full sync.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

/// Returns the trials per second that one thread reaches on a table that already has `finished`
/// rows.
pub(crate) fn trials_per_second(length: Duration, finished: u64) -> f64 {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let database = Connection::open(dir.path().join("floor.db")).expect("SQLite opens");
    database
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             CREATE TABLE trials(id INTEGER PRIMARY KEY, state INTEGER, params TEXT, value REAL);",
        )
        .expect("the table is made");
    let row = r#"{"lr":0.0012,"dropout":0.25,"decay":0.5,"momentum":0.9,"optimizer":"adam"}"#;
    database.execute_batch("BEGIN").expect("a transaction begins");
    for _ in 0..finished {
        database
            .prepare_cached("INSERT INTO trials(state, params, value) VALUES (1, ?1, 0.5)")
            .and_then(|mut insert| insert.execute([row]))
            .expect("a row is inserted");
    }
    database.execute_batch("COMMIT").expect("a transaction commits");

    let begun = Instant::now();
    let mut trials = 0u32;
    while begun.elapsed() < length {
        database
            .prepare_cached("INSERT INTO trials(state, params) VALUES (0, ?1)")
            .and_then(|mut insert| insert.execute([row]))
            .expect("a row is inserted");
        database
            .prepare_cached("UPDATE trials SET state = 1, value = ?2 WHERE id = ?1")
            .and_then(|mut update| update.execute(params![database.last_insert_rowid(), 0.5]))
            .expect("a row is updated");
        trials += 1;
    }
    f64::from(trials) / begun.elapsed().as_secs_f64()
}
