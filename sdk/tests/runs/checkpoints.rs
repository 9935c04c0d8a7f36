//! Tests checkpoints with a real controller: one attempt makes and sends them, and the next attempt
//! continues from the newest. Two tests run without a controller.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use besom::{CheckpointError, Mode, Resume, Run};
use proto::v1::{ReadHistory, RunRef};

use crate::real::Real;

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the step of the run's newest checkpoint.
fn newest(real: &Real, run: &str) -> Option<u64> {
    let run = RunRef { run: run.to_owned() };
    let listed =
        real.block_on(async { real.dial().checkpoints().list(run).await.unwrap().into_inner() });
    listed.checkpoints.first().map(|checkpoint| checkpoint.step)
}

/// Returns the attempt, the step and the loss of each row of the run's history.
fn history(real: &Real, run: &str) -> Vec<(u32, u64, f64)> {
    let wanted = ReadHistory { run: run.to_owned(), ..ReadHistory::default() };
    real.block_on(async {
        let mut blocks = real.dial().history().rows(wanted).await.unwrap().into_inner();
        let mut all = Vec::new();
        while let Some(block) = blocks.message().await.unwrap() {
            for row in record::rows(&block.frames).unwrap() {
                let record::Value::F64(loss) = row.values[0].1 else { panic!("{row:?}") };
                all.push((block.attempt, row.step, loss));
            }
        }
        all
    })
}

/// Logs `rows` rows at the next steps, each with the number `attempt` as the loss.
fn log(run: &Run, attempt: u32, rows: usize) {
    (0..rows).for_each(|_| run.log([("loss", f64::from(attempt))]));
}

fn save(run: &Run, content: &str) {
    run.checkpoint(|file| fs::write(file, content)).unwrap();
}

fn contents(folder: &Path) -> usize {
    fs::read_dir(folder.join("files")).map_or(0, |entries| entries.count())
}

#[test]
fn the_next_attempt_continues_from_the_newest_checkpoint() {
    let real = Real::start();
    let start = || real.init().id("moved").resume(Resume::Allow).start().unwrap();
    let first = start();
    assert!(first.resume().unwrap().is_none(), "there is no checkpoint yet");
    first.summary("best", 0.5);
    for at in 0..3 {
        log(&first, 1, 10);
        save(&first, &format!("epoch {at}"));
    }
    first.summary("best", 0.1);
    log(&first, 1, 5);
    eventually("it is sent", || newest(&real, "moved") == Some(30) && real.run("moved").rows == 35);
    let folder = real.dir().join("runs/moved/1");
    eventually("sent checkpoints take no space here", || contents(&folder) == 0);

    let second = start();
    let from = second.resume().unwrap().unwrap();
    assert_eq!((from.attempt(), from.step()), (1, 30));
    assert_eq!(fs::read_to_string(from.path()).unwrap(), "epoch 2");
    log(&second, 2, 3);
    save(&second, "epoch 3");
    log(&second, 2, 2);
    eventually("it is sent", || newest(&real, "moved") == Some(33) && real.run("moved").rows == 35);
    assert!(first.finish().is_err(), "another attempt owns the run");

    let third = start();
    assert_eq!(fs::read_to_string(third.resume().unwrap().unwrap().path()).unwrap(), "epoch 3");
    log(&third, 3, 1);
    third.finish().unwrap();
    let of = |attempt: u32, steps: std::ops::Range<u64>| {
        steps.map(move |step| (attempt, step, f64::from(attempt)))
    };
    let whole: Vec<_> = of(1, 0..30).chain(of(2, 30..33)).chain(of(3, 33..34)).collect();
    assert_eq!(history(&real, "moved"), whole);
    let run = real.run("moved");
    assert_eq!((run.rows, run.state.as_str()), (34, "finished"));
    assert_eq!(real.summary("moved")["best"], 0.5, "the summary is that of the checkpoint");
    assert_eq!(
        real.rows("moved", "history").len(),
        35 + 5 + 1,
        "the rows of all attempts are there"
    );
}

#[test]
fn without_a_controller_a_checkpoint_is_found_in_the_runs_folder() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let init = besom::init().mode(Mode::Offline).id("alone").resume(Resume::Allow);
        init.dir(folder.path()).start().unwrap()
    };
    let run = start();
    assert!(run.resume().unwrap().is_none());
    log(&run, 1, 4);
    save(&run, "first");
    save(&run, "second");
    log(&run, 1, 4);
    drop(run);
    let run = start();
    let from = run.resume().unwrap().unwrap();
    assert_eq!((from.step(), fs::read_to_string(from.path()).unwrap().as_str()), (4, "second"));
    log(&run, 2, 1);
    drop(run);
    let journal = fs::read(folder.path().join("offline/alone/journal/sdk.history")).unwrap();
    assert_eq!(record::rows(&journal).unwrap().last().unwrap().step, 4);

    let disabled = besom::init().mode(Mode::Disabled).start().unwrap();
    disabled.checkpoint(|_| -> io::Result<()> { panic!("nothing is kept") }).unwrap();
    assert!(disabled.resume().unwrap().is_none());
}

#[test]
fn a_failed_write_makes_no_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let run = besom::init().mode(Mode::Offline).id("poor").dir(folder.path()).start().unwrap();
    let own = run.checkpoint(|_| Err("no room for weights")).unwrap_err();
    assert!(matches!(own, CheckpointError::Write(_)), "{own:?}");
    assert_eq!(own.to_string(), "the checkpoint cannot be written: no room for weights");
    let none = run.checkpoint(|_| Ok::<_, io::Error>(())).unwrap_err();
    assert!(matches!(none, CheckpointError::Keep(_)), "{none:?}");
    assert_eq!(contents(&folder.path().join("offline/poor")), 0);
    assert!(run.resume().unwrap().is_none());
    let late = run.clone();
    run.finish().unwrap();
    let ended = late.checkpoint(|file| fs::write(file, "late")).unwrap_err();
    assert!(ended.to_string().ends_with("the run has ended"), "{ended}");
}
