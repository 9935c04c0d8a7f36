//! Tests how an agent sends journals and the contents of files. The controller may already have
//! some rows, may have lost rows, may be away, and may refuse or fence. Journals may be damaged,
//! and contents may be missing.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::Fake;
use agent::output::shipper::{Shipped, Shipper, Which};
use blobs::Hashed;
use record::{Row, Value, Writer, file::FileRow, ids::Attempt};
use tokio::sync::Notify;
use tonic::Status;

fn attempt() -> Attempt {
    Attempt::new("s-0", 1)
}

fn frames(rows: std::ops::Range<u64>, width: usize) -> Vec<u8> {
    let row = |step| Row {
        step,
        wall_ms: 0,
        values: vec![("text".to_owned(), Value::Text("x".repeat(width)))],
    };
    let mut out = Vec::new();
    Writer::default().frame(&rows.map(row).collect::<Vec<_>>(), &mut out);
    out
}

fn dir(journals: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("journal")).unwrap();
    for (name, bytes) in journals {
        fs::write(dir.path().join("journal").join(name), bytes).unwrap();
    }
    dir
}

fn stored(fake: &Fake, name: &str) -> Vec<u64> {
    let state = fake.state();
    let frames = state.streams.get(&(attempt(), name.to_owned()));
    frames.map_or(Vec::new(), |(_, frames)| {
        record::rows(frames).unwrap().iter().map(|row| row.step).collect()
    })
}

fn shipper(fake: &Fake, dir: &Path, fresh: bool) -> Shipper<Fake> {
    Shipper::new(fake.clone(), attempt(), dir, fresh)
}

#[tokio::test]
async fn pieces_are_cut_at_frames_and_nothing_is_sent_twice() {
    let journal: Vec<u8> =
        (0..40).flat_map(|part| frames(part * 100..(part + 1) * 100, 1_000)).collect();
    let (fake, dir) = (Fake::default(), dir(&[("agent.console", &journal)]));
    let mut shipper = shipper(&fake, dir.path(), true);
    shipper.ship(Which::Own).await.unwrap();
    let appends = fake.state().appends;
    assert_eq!(appends, (journal.len() as u64).div_ceil(1 << 20));
    shipper.ship(Which::Own).await.unwrap();
    assert_eq!(fake.state().appends, appends);
    assert_eq!(stored(&fake, "agent.console"), (0..4_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_that_the_sdk_had_sent_are_not_sent_again() {
    let journal = [frames(0..10, 1), frames(10..20, 1)].concat();
    let (fake, dir) =
        (Fake::default(), dir(&[("sdk.history", &journal), ("sdk-2.history", &journal)]));
    let sent = (
        15,
        record::rows(&journal)
            .map(|rows| {
                let mut out = Vec::new();
                Writer::default().frame(&rows[..15], &mut out);
                out
            })
            .unwrap(),
    );
    fake.state().streams.insert((attempt(), "sdk.history".to_owned()), sent);
    let mut shipper = shipper(&fake, dir.path(), true);
    shipper.ship(Which::Own).await.unwrap();
    assert_eq!(fake.state().appends, 0, "the agent leaves the journals of a live process alone");
    let shipped = shipper.finish(|_, _| {}).await;
    assert_eq!((shipped.fenced, shipped.problems), (false, vec![]));
    assert_eq!(stored(&fake, "sdk.history"), (0..20).collect::<Vec<_>>());
    assert_eq!(stored(&fake, "sdk-2.history"), (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_controller_that_lost_its_data_gets_everything_again() {
    let (fake, dir) = (Fake::default(), dir(&[("agent.console", &frames(0..10, 1))]));
    let mut shipper = shipper(&fake, dir.path(), true);
    shipper.ship(Which::Own).await.unwrap();
    fake.state().streams.clear();
    let more = [frames(0..10, 1), frames(10..20, 1)].concat();
    fs::write(dir.path().join("journal/agent.console"), more).unwrap();
    shipper.ship(Which::Own).await.unwrap();
    assert_eq!(stored(&fake, "agent.console"), (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_damaged_journal_is_sent_up_to_the_damage_and_reported() {
    let whole = [frames(0..10, 1), frames(10..20, 1), frames(20..30, 1)].concat();
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle] ^= 1;
    let (fake, dir) = (Fake::default(), dir(&[("sdk.history", &damaged)]));
    let shipped = shipper(&fake, dir.path(), true).finish(|_, _| {}).await;
    assert_eq!(stored(&fake, "sdk.history"), (0..10).collect::<Vec<_>>());
    assert_eq!(shipped.problems.len(), 1);
    assert!(
        shipped.problems[0].starts_with("`sdk.history` is damaged after 10 rows"),
        "{shipped:?}"
    );
}

#[tokio::test]
async fn a_fenced_attempt_still_sends_its_rows() {
    let (fake, dir) = (Fake::default(), dir(&[("sdk.history", &frames(0..10, 1))]));
    fake.state().fenced.insert(attempt());
    let shipped = shipper(&fake, dir.path(), true).finish(|_, _| {}).await;
    assert_eq!((shipped.fenced, shipped.problems), (true, vec![]));
    assert_eq!(stored(&fake, "sdk.history"), (0..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_shipper_waits_for_a_controller_that_is_away() {
    let (fake, dir) = (Fake::default(), dir(&[("sdk.history", &frames(0..10, 1))]));
    fake.state().away = true;
    let finish = tokio::spawn(shipper(&fake, dir.path(), true).finish(|_, _| {}));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(!finish.is_finished(), "time without a controller does not count");
    fake.state().away = false;
    assert_eq!(finish.await.unwrap().problems, [""; 0]);
    assert_eq!(stored(&fake, "sdk.history").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn failed_rows_of_a_quiet_program_are_sent_again() {
    let (fake, dir) = (Fake::default(), dir(&[("agent.console", &frames(0..10, 1))]));
    fake.state().away = true;
    let (mut shipper, rows) = (shipper(&fake, dir.path(), true), Notify::new());
    rows.notify_one();
    let sooner_or_later = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        fake.state().away = false;
        tokio::time::sleep(Duration::from_secs(10)).await;
    };
    tokio::select! {
        () = shipper.ship_live(&rows) => {}
        () = sooner_or_later => {}
    }
    assert_eq!(stored(&fake, "agent.console").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_shipper_waits_for_a_controller_that_may_come_back_whatever_it_answers() {
    for answer in [
        Status::unavailable("the disk is full"),
        Status::unauthenticated("the controller does not know this token or key"),
        Status::permission_denied("says a proxy"),
        Status::not_found("no run `s-0`"),
        Status::unimplemented("says a proxy"),
        Status::resource_exhausted("says a proxy"),
    ] {
        let (fake, dir) = (Fake::default(), dir(&[("sdk.history", &frames(0..10, 1))]));
        fake.state().refuses_rows = Some(answer.clone());
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = said.clone();
        let waits = move |status: &Status, bytes: u64| {
            heard.lock().unwrap().push((status.message().to_owned(), bytes));
        };
        let finish = tokio::spawn(shipper(&fake, dir.path(), true).finish(waits));
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert!(!finish.is_finished(), "{answer:?}");
        let size = frames(0..10, 1).len() as u64;
        assert!(
            said.lock().unwrap().iter().all(|said| *said == (answer.message().to_owned(), size))
        );
        fake.state().refuses_rows = None;
        assert_eq!(finish.await.unwrap(), Shipped::default());
        assert_eq!(stored(&fake, "sdk.history").len(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_a_controller_never_takes_are_reported_and_block_the_end() {
    for answer in [
        Status::internal("a bug in the controller"),
        Status::invalid_argument("damaged rows"),
        Status::failed_precondition("says a controller of another time"),
    ] {
        let (fake, dir) = (Fake::default(), dir(&[("sdk.history", &frames(0..10, 1))]));
        fake.state().refuses_rows = Some(answer.clone());
        let shipped = shipper(&fake, dir.path(), true).finish(|_, _| {}).await;
        let problem = format!("the controller does not take `sdk.history`: {}", answer.message());
        assert_eq!(shipped, Shipped { problems: vec![problem], lacks_rows: true, fenced: false });
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_refused_while_the_trial_ran_are_offered_again_at_its_end() {
    for answer in [Status::internal("a bug"), Status::invalid_argument("damaged rows")] {
        let (fake, dir) = (Fake::default(), dir(&[("agent.console", &frames(0..10, 1))]));
        let mut shipper = shipper(&fake, dir.path(), true);
        fake.state().refuses_rows = Some(answer);
        for _ in 0..50 {
            let _ = shipper.ship(Which::Own).await;
        }
        fake.state().refuses_rows = None;
        assert_eq!(shipper.finish(|_, _| {}).await, Shipped::default());
        assert_eq!(stored(&fake, "agent.console").len(), 10);
    }
}

/// Makes a trial's folder: a journal that names the contents in `named`, the contents in `there`,
/// and a history of ten rows.
fn files(there: &[&[u8]], named: &[&[u8]]) -> tempfile::TempDir {
    let row = |content: &&[u8]| {
        let Hashed { sha256, size } = Hashed::of(content);
        FileRow { path: format!("f{size}"), sha256, size, kind: "file".to_owned() }.to_row(0, 0)
    };
    let mut journal = Vec::new();
    Writer::default().frame(&named.iter().map(row).collect::<Vec<_>>(), &mut journal);
    let dir = dir(&[("sdk.files", &journal), ("sdk.history", &frames(0..10, 1))]);
    fs::create_dir(dir.path().join("files")).unwrap();
    for content in there {
        fs::write(dir.path().join("files").join(Hashed::of(content).sha256), content).unwrap();
    }
    dir
}

#[tokio::test]
async fn files_of_a_dead_process_are_sent_with_their_contents() {
    let (fake, dir) = (Fake::default(), files(&[b"a", b"bc"], &[b"a", b"bc", b"a"]));
    let shipped = shipper(&fake, dir.path(), true).finish(|_, _| {}).await;
    assert_eq!(shipped.problems, [""; 0]);
    assert_eq!(stored(&fake, "sdk.files").len(), 3);
    let contents: Vec<Vec<u8>> = fake.state().contents.values().cloned().collect();
    assert_eq!(contents.len(), 2);
    assert!(contents.contains(&b"bc".to_vec()));
}

#[tokio::test]
async fn a_missing_content_is_reported_and_holds_up_nothing_else() {
    let (fake, dir) = (Fake::default(), files(&[b"a"], &[b"a", b"bc"]));
    let shipped = shipper(&fake, dir.path(), true).finish(|_, _| {}).await;
    assert_eq!(shipped.problems.len(), 1);
    assert!(
        shipped.problems[0].starts_with("the files of `sdk.files` cannot be sent"),
        "{shipped:?}"
    );
    assert_eq!((stored(&fake, "sdk.files").len(), stored(&fake, "sdk.history").len()), (0, 10));
}

#[tokio::test(start_paused = true)]
async fn a_controller_without_room_holds_up_no_slot() {
    for refusal in
        [Status::resource_exhausted("no room"), Status::failed_precondition("it is not here")]
    {
        let (fake, dir) = (Fake::default(), files(&[b"a"], &[b"a"]));
        // The controller refuses for two seconds. After that, everything arrives.
        fake.state().refuses_contents = Some(refusal.clone());
        let finish = tokio::spawn(shipper(&fake, dir.path(), true).finish(|_, _| {}));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!finish.is_finished());
        fake.state().refuses_contents = None;
        assert_eq!(finish.await.unwrap().problems, [""; 0]);
        assert_eq!(stored(&fake, "sdk.files").len(), 1);
        // The controller never stops refusing. The shipper reports the refusal, and the contents
        // stay on disk.
        fake.state().refuses_contents = Some(refusal.clone());
        let dir = files(&[b"b"], &[b"b", b"b"]);
        let shipped = shipper(&fake, dir.path(), true).finish(|_, _| {}).await;
        assert!(shipped.problems[0].contains(refusal.message()), "{shipped:?}");
        assert!(dir.path().join("files").join(Hashed::of(b"b").sha256).exists());
    }
}
