//! Checks the promises that must hold at the end of a simulation. The verdict reads the sweeps and
//! runs through the controller's own door, and compares them with the record of the witness.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proto::v1::{Block, ListRuns, ReadRows, ReplayTrials, Run, RunRef, Sweep, SweepRef};
use record::ids::{Attempt, RunId};
use tonic::Status;

use crate::{
    program::STRAGGLER,
    scenario::Wanted,
    server::{Door, runs, sweeps},
    witness::{End, StreamOf},
    world::World,
};

/// Checks all sweeps, all runs outside sweeps, and the stored data.
pub(crate) async fn look(world: &Arc<World>) {
    let Some(door) = world.server.door() else {
        return world.witness.accuse("no controller is running at the end".to_owned());
    };
    for (sweep, wanted) in world.sweeps().iter().zip(&world.scenario.sweeps) {
        if let Err(status) = judge(world, &door, sweep, wanted).await {
            world.witness.accuse(format!("`{sweep}` cannot be looked at: {status:?}"));
        }
    }
    for number in 0..world.scenario.loners {
        let id = format!("loner-{number}");
        match (runs(&door).get(RunRef { run: id.clone() }).await, blocks(&door, &id).await) {
            (Ok(run), Ok(blocks)) => rows(world, &run.into_inner(), &blocks),
            (run, _) => {
                world.witness.accuse(format!("`{id}` cannot be looked at: {:?}", run.err()))
            }
        }
    }
    let Some(core) = world.server.core() else { return };
    match core.check(&|_| {}).await {
        Ok(report) => {
            for problem in report.problems {
                world.witness.accuse(format!("damaged: {}: {}", problem.place, problem.what));
            }
        }
        Err(error) => world.witness.accuse(format!("the folder cannot be checked: {error}")),
    }
}

async fn judge(world: &World, door: &Door, id: &str, wanted: &Wanted) -> Result<(), Status> {
    let sweep = sweeps(door).get(SweepRef { sweep: id.to_owned() }).await?.into_inner();
    let list = ListRuns { sweep: id.to_owned(), ..ListRuns::default() };
    let mut stream = runs(door).list(list).await?.into_inner();
    let mut all = Vec::new();
    while let Some(run) = stream.message().await? {
        all.push(run);
    }
    books(world, &sweep, &all);
    coverage(world, &sweep, &all, wanted);
    cap(world, &sweep);
    for run in &all {
        ends(world, run);
        rows(world, run, &blocks(door, &run.id).await?);
    }
    let replay = ReplayTrials { sweep: id.to_owned(), trials: Vec::new() };
    let replayed = sweeps(door).replay(replay).await?.into_inner();
    if replayed.equal != all.len() as u64 {
        world.witness.accuse(format!(
            "{id}: {} of {} suggestions replay",
            replayed.equal,
            all.len()
        ));
    }
    Ok(())
}

/// Checks that the sweep's counters equal the counted runs, and that its best value is the smallest
/// of the finished runs.
fn books(world: &World, sweep: &Sweep, all: &[Run]) {
    let counts = sweep.counts.unwrap_or_default();
    let kept = [
        ("queued", counts.queued),
        ("leased", counts.leased),
        ("running", counts.running),
        ("finished", counts.finished),
        ("failed", counts.failed),
        ("crashed", counts.crashed),
        ("stopped", counts.stopped),
        ("pruned", counts.pruned),
    ];
    for (state, count) in kept {
        let counted = all.iter().filter(|run| run.state == state).count() as u64;
        if counted != count {
            world
                .witness
                .accuse(format!("{}: {counted} runs are {state}, {count} are counted", sweep.id));
        }
    }
    let values = all.iter().filter(|run| run.state == "finished").filter_map(|run| run.value);
    let (best, known) = (values.reduce(f64::min), sweep.best.as_ref().and_then(|best| best.value));
    if best != known {
        world.witness.accuse(format!("{}: the best is {best:?}, {known:?} is kept", sweep.id));
    }
}

/// Checks that every trial is over, that no point of a grid occurs twice, and that no sweep has
/// more trials than its limit. No point may be missing, unless a user stopped or cancelled the
/// sweep.
fn coverage(world: &World, sweep: &Sweep, all: &[Run], wanted: &Wanted) {
    let live =
        all.iter().filter(|run| matches!(run.state.as_str(), "queued" | "leased" | "running"));
    let live: Vec<&str> = live.map(|run| run.id.as_str()).collect();
    if !live.is_empty() {
        world.witness.accuse(format!("{} is {}, and {live:?} are not over", sweep.id, sweep.state));
    }
    let points: BTreeSet<&str> = all.iter().map(|run| run.config_json.as_str()).collect();
    let cut_short = matches!(sweep.closing.as_str(), "stopped" | "cancelled");
    match wanted.cells {
        Some(_) if points.len() < all.len() => {
            world.witness.accuse(format!(
                "{}: {} points in {} trials",
                sweep.id,
                points.len(),
                all.len()
            ));
        }
        Some(cells) if !cut_short && all.len() as u64 != cells => {
            world.witness.accuse(format!("{}: {} trials for {cells} points", sweep.id, all.len()));
        }
        None if !cut_short && sweep.trials_bound != Some(all.len() as u64) => {
            let bound = sweep.trials_bound;
            world.witness.accuse(format!("{}: {} trials of {bound:?}", sweep.id, all.len()));
        }
        _ => {}
    }
    if sweep.trials_bound.is_some_and(|bound| all.len() as u64 > bound) {
        world.witness.accuse(format!("{}: {} trials exceed the limit", sweep.id, all.len()));
    }
}

/// Checks that each acknowledged raise of the sweep's cap counts once.
fn cap(world: &World, sweep: &Sweep) {
    let total = |raises: &BTreeMap<String, BTreeMap<String, u64>>| {
        raises.get(&sweep.id).map_or(0, |raises| raises.values().sum::<u64>())
    };
    let seen = world.witness.seen();
    let (least, most) = (total(&seen.raised), total(&seen.asked));
    drop(seen);
    let raised = sweep.raised_cap.map_or(0, |cap| cap - sweep.run_cap.unwrap_or_default());
    if !(least..=most).contains(&raised) {
        let sweep = &sweep.id;
        world.witness.accuse(format!("{sweep}: raised by {raised}, not by {least} to {most}"));
    }
}

/// Checks that the state and the value of an acknowledged end stay, unless another attempt was
/// requested.
fn ends(world: &World, run: &Run) {
    let seen = world.witness.seen();
    let id = RunId::from(run.id.as_str());
    let Some(End { attempt, state, value, .. }) = seen.ended.get(&id).cloned() else { return };
    let stays = !seen.reopened.contains(&id) && run.attempt == attempt && state != "queued";
    drop(seen);
    if stays && run.state != state {
        world.witness.accuse(format!("{} ended as {state} and is {} now", run.id, run.state));
    } else if stays && run.value != value {
        world
            .witness
            .accuse(format!("{} ended with {value:?} and has {:?} now", run.id, run.value));
    }
}

/// Checks that acknowledged rows are stored once and in order, and that no row is stored that was
/// never written. A finished run must have all rows of its last attempt, except the straggler's
/// row.
fn rows(world: &World, run: &Run, blocks: &[Block]) {
    let mut stored: BTreeMap<StreamOf, u64> = BTreeMap::new();
    for block in blocks {
        let attempt = Attempt::new(run.id.as_str(), block.attempt);
        let known =
            stored.entry((attempt, block.writer.clone(), "history".to_owned())).or_default();
        let steps = record::rows(&block.frames);
        let steps = steps.map(|rows| rows.iter().map(|row| row.step).collect::<Vec<_>>());
        let follows = block.offset == *known
            && steps.is_ok_and(|steps| steps.iter().copied().eq(*known..*known + block.rows));
        if !follows {
            world.witness.accuse(format!(
                "{}: rows of attempt {} by {} do not follow at {}",
                run.id, block.attempt, block.writer, block.offset
            ));
        }
        *known += block.rows;
    }
    let seen = world.witness.seen();
    let of_run =
        |(stream, _): &(&StreamOf, &u64)| stream.0.run.as_str() == run.id && stream.2 == "history";
    let mut wrong = Vec::new();
    for (stream, acknowledged) in seen.acknowledged.iter().filter(of_run) {
        let there = stored.get(stream).copied().unwrap_or(0);
        if there < *acknowledged {
            wrong.push(format!(
                "{stream:?}: {acknowledged} rows were acknowledged, {there} are there"
            ));
        }
    }
    for (stream, there) in &stored {
        let offered = seen.offered.get(stream).copied().unwrap_or(0);
        let whole =
            run.state == "finished" && stream.0.number == run.attempt && stream.1 != STRAGGLER;
        if *there > offered || (whole && *there < offered) {
            wrong.push(format!(
                "{stream:?} of a run that is {}: {there} of {offered} rows",
                run.state
            ));
        }
    }
    drop(seen);
    wrong.into_iter().for_each(|what| world.witness.accuse(what));
}

async fn blocks(door: &Door, run: &str) -> Result<Vec<Block>, Status> {
    let read =
        ReadRows { run: run.to_owned(), stream: "history".to_owned(), ..ReadRows::default() };
    let mut stream = runs(door).read(read).await?.into_inner();
    let mut blocks = Vec::new();
    while let Some(block) = stream.message().await? {
        blocks.push(block);
    }
    Ok(blocks)
}
