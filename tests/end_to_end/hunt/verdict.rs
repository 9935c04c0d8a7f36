//! Compares the finished grid with the notes that the trainers wrote themselves, outside Besom.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};

use proto::{dial::Dial, v1::Block};
use serde_json::Value;
use tests::rows::{self, step_and_loss};

use super::fleet::{Fleet, STEPS};

/// The notes of the trainers of a cell.
#[derive(Debug, Default)]
struct Truth {
    began: BTreeSet<u32>,
    /// The attempts that reached their end, with their first steps.
    done: BTreeMap<u32, u64>,
}

/// Statistics of the grid, for the report.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    attempts: u64,
    most: u64,
    stitched: usize,
    superseded: usize,
    fenced: u64,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, most, stitched, superseded, fenced } = self;
        write!(
            f,
            "by {attempts} attempts, {most} at most for one cell; {stitched} histories come from \
            several attempts; {superseded} attempts reached their end and did not count; {fenced} \
            rows were fenced"
        )
    }
}

/// Checks that each cell is finished once, by the last of its attempts. The rows, the value and the
/// summary must be those of a run that was never killed.
pub(super) async fn check(fleet: &Fleet, dial: &Dial, cells: usize) -> Verdict {
    let truths = read(&fleet.side);
    let runs = fleet.lab.runs(&fleet.sweep);
    let mut seen: Vec<u64> = runs.iter().map(cell).collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=cells as u64).collect::<Vec<_>>(), "every cell is there, once");
    let mut verdict = Verdict::default();
    for run in &runs {
        let truth = &truths[&cell(run)];
        let attempt = run["attempt"].as_u64().unwrap();
        assert_eq!(run["state"], "finished", "{run}");
        assert_eq!(
            truth.began.last().copied().map(u64::from),
            Some(attempt),
            "no later attempt began: {run} {truth:?}"
        );
        verdict.attempts += attempt;
        verdict.most = verdict.most.max(attempt);
        check_rows(run, truth, dial, &mut verdict).await;
        verdict.superseded += truth.done.len() - 1;
    }
    verdict
}

async fn check_rows(run: &Value, truth: &Truth, dial: &Dial, verdict: &mut Verdict) {
    let (state, losses) = rows::training(cell(run), STEPS);
    let id = run["id"].as_str().unwrap();
    let best = losses.iter().map(|(_, bits)| f64::from_bits(*bits)).reduce(f64::min);
    assert_eq!((run["value"].as_f64(), &run["rows"]), (best, &STEPS.into()), "{run}");
    assert_eq!(run["summary"]["state"], state.to_string(), "{run}");
    let Some((last, first)) = truth.done.last_key_value() else {
        panic!("an attempt reached its end: {run} {truth:?}")
    };
    assert_eq!(
        run["attempt"], *last,
        "the last attempt that reached its end counts: {run} {truth:?}"
    );
    let mut history = rows::history(dial, id).await;
    // If the last attempt did not resume from a checkpoint, the history has the rows of all
    // attempts. Only the rows of the last attempt are compared then.
    history.retain(|(attempt, _)| *first > 0 || attempt == last);
    let logged: Vec<_> = history.iter().map(|(_, row)| step_and_loss(row)).collect();
    assert_eq!(logged, losses, "{run}");
    let mut counted: BTreeMap<u32, usize> = BTreeMap::new();
    history.iter().for_each(|(attempt, _)| *counted.entry(*attempt).or_default() += 1);
    verdict.stitched += usize::from(counted.len() > 1);

    let mut stored: BTreeMap<u32, Vec<Block>> = BTreeMap::new();
    for block in rows::blocks(dial, id).await {
        stored.entry(block.attempt).or_default().push(block);
    }
    for (attempt, blocks) in &stored {
        let (mut next, mut merged) = (0, 0);
        for Block { offset, rows: more, frames, fenced, .. } in blocks {
            assert_eq!(*offset, next, "blocks of attempt {attempt} of {run} follow each other");
            let rows = record::rows(frames).unwrap();
            assert!(
                rows.iter().all(|row| losses.contains(&step_and_loss(row))),
                "rows are as logged: {run} {attempt}"
            );
            next += more;
            merged += if *fenced { 0 } else { *more };
            verdict.fenced += if *fenced { *more } else { 0 };
        }
        let counts = counted.get(attempt).copied().unwrap_or_default();
        assert!(counts as u64 <= merged, "fenced rows do not count: {run} {attempt}");
        if let Some(first) = truth.done.get(attempt) {
            assert_eq!(next, STEPS - first, "attempt {attempt} of {run} has all its rows");
        }
    }
}

fn cell(run: &Value) -> u64 {
    run["params"]["x"].as_u64().unwrap()
}

/// Reads the notes of all trainers, by cell.
fn read(side: &Path) -> BTreeMap<u64, Truth> {
    let mut truths: BTreeMap<u64, Truth> = BTreeMap::new();
    for line in fs::read_to_string(side).unwrap().lines() {
        let [what, cell, attempt, number] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let (truth, attempt) =
            (truths.entry(cell.parse().unwrap()).or_default(), attempt.parse().unwrap());
        match what {
            "began" => assert!(truth.began.insert(attempt), "an attempt begins once: {line}"),
            _ => assert!(truth.done.insert(attempt, number.parse().unwrap()).is_none(), "{line}"),
        }
    }
    truths
}
