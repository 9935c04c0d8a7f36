//! Tests that no message within the limits holds the one writer for longer than 100 ms. The test
//! sends every kind of message, as large and as awkward as the limits allow. The test computes the
//! time from the counted work, not from a clock, so that it passes on slow machines too.
//! `cargo test -p controller --test writer -- --nocapture` prints the work and the measured time
//! (docs/decisions/writer-bounds.md).
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test, and a table for people")]

mod kinds;
#[path = "../../../tests/api/lab.rs"]
#[allow(dead_code, reason = "the laboratory of another test, of which this one needs a part")]
mod lab;
mod meter;

use std::time::Duration;

use meter::{Held, listen, seen};

/// The longest time for which one use case may hold the writer.
const LONGEST: Duration = Duration::from_millis(100);

/// Records and prints the use case with the largest bound since the last call of [`seen`], with the
/// kind of its message.
pub(crate) fn note(table: &mut Vec<(String, Held)>, kind: &str) {
    let heaviest = seen().into_iter().max_by_key(|held| held.bound).unwrap_or_default();
    let Held { work, bound, took } = &heaviest;
    println!(
        "{:>8.2} {:>8.2}  {kind}  {work}",
        took.as_secs_f64() * 1e3,
        bound.as_secs_f64() * 1e3
    );
    table.push((kind.to_owned(), heaviest));
}

#[tokio::test]
async fn no_message_within_the_limits_holds_the_writer() {
    listen();
    println!(
        "{:>8} {:>8}  message at its limit  [statements, steps, bytes, rewritten, JSON, rows]",
        "ms", "bound"
    );
    let mut table = Vec::new();
    kinds::of_runs(&mut table).await;
    kinds::of_files(&mut table).await;
    kinds::of_agents(&mut table).await;
    let broken: Vec<_> = table.iter().filter(|(_, held)| held.bound > LONGEST).collect();
    assert!(broken.is_empty(), "these hold the writer: {broken:#?}");
    kinds::beyond_the_limits(&mut table).await;
    let beyond = &table.last().unwrap().1;
    assert!(beyond.bound > LONGEST, "the meter shows work beyond the limit: {beyond:?}");
}
