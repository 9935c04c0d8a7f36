//! Tests the check of a damaged data folder: it names every problem and nothing else, and it writes
//! nothing. One damaged run does not affect the others.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use controller::{Report, StartError, settings::Settings};
use proto::v1::{BlobRef, HistoryKeys, Start};
use record::{Row, Writer, file::FileRow};
use rusqlite::Connection;
use tempfile::TempDir;
use tonic::Code;

use crate::lab::{FakeAgent, Lab, RANDOM, code, frames, once_free};

pub(crate) async fn fsck(folder: &Path) -> Report {
    let settings = Settings { data: folder.to_owned(), ..Settings::default() };
    once_free(async || controller::fsck(settings.clone(), &|_| {}).await).await.unwrap()
}

fn files(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::default().frame(rows, &mut out);
    out
}

fn change(folder: &Path, sql: &str) {
    let database = Connection::open(folder.join("besom.db")).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let changed = database.execute(sql, ()).unwrap();
    assert_eq!(changed, 1, "{sql}");
}

/// Changes one content, shortens another and removes a third. Changes a byte in the middle of a
/// frame, and removes a block and the database row of a blob.
fn damage(folder: &Path, run: &str, hashes: &[String]) {
    let path = |hash: &str| folder.join("blobs").join(&hash[..2]).join(&hash[2..]);
    fs::write(path(&hashes[1]), b"truth").unwrap();
    fs::write(path(&hashes[2]), b"sh").unwrap();
    fs::remove_file(path(&hashes[3])).unwrap();
    let run = format!("(SELECT key FROM runs WHERE id = '{run}')");
    change(
        folder,
        &format!(
            "UPDATE blocks SET frames = CAST(substr(frames, 1, 20) || x'ff' || substr(frames, 22) \
            AS BLOB)
         WHERE run = {run} AND stream = 'history' AND first = 0"
        ),
    );
    change(
        folder,
        &format!("DELETE FROM blocks WHERE run = {run} AND stream = 'history' AND first = 1"),
    );
    change(folder, &format!("DELETE FROM blobs WHERE sha256 = '{}'", hashes[0]));
}

/// Logs four files of a run and returns their hashes.
async fn put_files(lab: &Lab, agent: &mut FakeAgent, start: &Start) -> Vec<String> {
    let mut hashes = Vec::new();
    for content in [b"whole", b"false", b"short", b"gone!"] {
        let hashed = lab.put(None, content).await;
        let row = FileRow {
            path: String::from_utf8_lossy(content).into_owned(),
            sha256: hashed.sha256.clone(),
            size: hashed.size,
            kind: "file".to_owned(),
        };
        let rows = files(&[row.to_row(0, 0)]);
        agent.append(start, "files", hashes.len() as u64, rows).await.unwrap();
        hashes.push(hashed.sha256);
    }
    hashes
}

#[tokio::test]
async fn every_problem_is_named_and_nothing_else() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let (mut one, mut two) = (lab.agent("one", &sweep.id), lab.agent("two", &sweep.id));
    let (bad, good) = (one.ask().await, two.ask().await);
    for offset in 0..3 {
        one.append(&bad, "history", offset, frames(offset, "val/loss", &[0.5])).await.unwrap();
        two.append(&good, "history", offset, frames(offset, "val/loss", &[0.5])).await.unwrap();
    }
    let hashes = put_files(&lab, &mut one, &bad).await;
    let folder = lab.folder().to_owned();
    lab.stop().await;
    let healthy = fsck(&folder).await;
    assert_eq!((healthy.runs, healthy.rows, healthy.contents, healthy.bytes), (2, 10, 4, 20));
    assert_eq!(healthy.problems, []);
    damage(&folder, &bad.run, &hashes);
    let report = fsck(&folder).await;
    let found: Vec<String> = report
        .problems
        .iter()
        .map(|problem| format!("{}: {}", problem.place, problem.what))
        .collect();
    let place = format!("run `{}`, history of attempt 1 by `sdk`", bad.run);
    for wanted in [
        format!("{place}: rows 0 to 0: "),
        format!("{place}: row 1 is followed by row 2"),
        format!("the file `whole` of run `{}`: its content {} is not known", bad.run, hashes[0]),
        format!("content {}: it is not what its hash says", hashes[1]),
        format!("content {}: it has 2 bytes, not 5", hashes[2]),
        format!("content {}: ", hashes[3]),
    ] {
        assert_eq!(
            found.iter().filter(|found| found.starts_with(&wanted)).count(),
            1,
            "{wanted}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 6, "{found:#?}");
    // A controller still serves the folder. Reads of the damaged run report the damage, and the
    // other run is unchanged.
    lab.come_back().await;
    let mut client = lab.dial(None).history();
    for (run, expected) in [(&bad.run, Code::DataLoss), (&good.run, Code::Ok)] {
        assert_eq!(code(client.keys(HistoryKeys { run: run.clone() }).await), expected);
    }
    let content = async |hash: &String| {
        let wanted = BlobRef { sha256: hash.clone(), ..BlobRef::default() };
        lab.dial(None).files().get(wanted).await?.into_inner().message().await
    };
    for (hash, wanted) in
        [(&hashes[2], "has lost its end: it has 2 bytes"), (&hashes[3], "is missing")]
    {
        let told = content(hash).await.unwrap_err();
        assert!(told.code() == Code::DataLoss && told.message().contains(wanted), "{told}");
        assert!(proto::dial::hint(&told).unwrap().contains("controller fsck"), "{told:?}");
    }
    let (mut one, mut two) = (lab.agent("one", &sweep.id), lab.agent("two", &sweep.id));
    two.append(&good, "history", 3, frames(3, "val/loss", &[0.25])).await.unwrap();
    one.append(&bad, "history", 3, frames(3, "val/loss", &[0.25])).await.unwrap();
    assert_eq!(lab.run(&good.run).await.value, Some(0.25));
}

/// Returns the path, the bytes and the modification time of every file and folder in a folder.
fn state(folder: &Path) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let told = fs::metadata(&entry).unwrap();
        if told.is_dir() {
            found.extend(state(&entry));
        }
        let bytes = if told.is_file() { fs::read(&entry).unwrap() } else { Vec::new() };
        found.push((entry, bytes, told.modified().unwrap()));
    }
    found.push((folder.to_owned(), Vec::new(), fs::metadata(folder).unwrap().modified().unwrap()));
    found.sort();
    found
}

/// Copies the files of a folder.
fn copied(folder: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    let done =
        Command::new("cp").arg("-a").arg(folder.join(".")).arg(copy.path()).status().unwrap();
    assert!(done.success());
    copy
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.append(&start, "history", 0, frames(0, "val/loss", &[0.5, 0.25])).await.unwrap();
    lab.put(None, b"content").await;
    // A killed controller leaves this state: the rows are only in SQLite's write-ahead log.
    let killed = copied(lab.folder());
    assert!(fs::metadata(killed.path().join("besom.db-wal")).unwrap().len() > 0);
    lab.stop().await;
    let ended = copied(lab.folder());
    for folder in [&killed, &ended] {
        let before = state(folder.path());
        // If the system can make files immutable, no process can write to the folder during the
        // check.
        let fix = |flag: &str| {
            drop(Command::new("chattr").args(["-R", flag]).arg(folder.path()).output())
        };
        fix("+i");
        let report = fsck(folder.path()).await;
        fix("-i");
        assert_eq!((report.rows, report.contents, report.problems.len()), (2, 1, 0));
        assert_eq!(state(folder.path()), before);
    }
    // The check also reads the oldest schema.
    let old = TempDir::new().unwrap();
    let database = Connection::open(old.path().join("besom.db")).unwrap();
    let first = include_str!("../../controller/src/store/schema/001.sql");
    database.execute_batch(&format!("{first}; PRAGMA user_version = 1;")).unwrap();
    drop(database);
    let before = state(old.path());
    assert_eq!(fsck(old.path()).await, Report::default());
    assert_eq!(state(old.path()), before);
}

#[tokio::test]
async fn a_missing_data_folder_differs_from_a_damaged_one() {
    let check = async |folder: &Path| {
        let settings = Settings { data: folder.to_owned(), ..Settings::default() };
        controller::fsck(settings, &|_| {}).await
    };
    let folder = TempDir::new().unwrap();
    assert!(matches!(
        check(&folder.path().join("nowhere")).await,
        Err(StartError::NoFolder { .. })
    ));
    assert!(matches!(check(folder.path()).await, Err(StartError::NoFolder { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no database is made");
    let mut lab = Lab::start().await;
    lab.put(None, b"content").await;
    lab.stop().await;
    let database = lab.folder().join("besom.db");
    for (bytes, what) in
        [(None, "missing or empty"), (Some(""), "missing or empty"), (Some("a letter"), "database")]
    {
        match bytes {
            Some(bytes) => fs::write(&database, bytes).unwrap(),
            None => fs::remove_file(&database).unwrap(),
        }
        let report = check(lab.folder()).await.unwrap();
        assert_eq!(report.problems.len(), 1, "{report:?}");
        assert!(report.problems[0].what.contains(what), "{report:?}");
    }
}

/// For each of these bytes of a file, flips one of its bits in the intact file and checks the
/// folder. Returns each report, or `None` if that check could not begin.
async fn flipped(
    folder: &Path,
    file: &Path,
    bytes: impl Iterator<Item = usize>,
) -> Vec<Option<Report>> {
    let whole = fs::read(file).unwrap();
    let mut found = Vec::new();
    for at in bytes {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(file, damaged).unwrap();
        let settings = Settings { data: folder.to_owned(), ..Settings::default() };
        found.push(controller::fsck(settings, &|_| {}).await.ok());
        // A check of a damaged database may leave these files, which must not be read with the next
        // database.
        for beside in ["besom.db-wal", "besom.db-shm"] {
            let _ = fs::remove_file(folder.join(beside));
        }
    }
    fs::write(file, whole).unwrap();
    found
}

#[tokio::test]
async fn a_flipped_byte_of_rows_or_contents_is_found_and_none_ends_the_check() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let rows = frames(0, "val/loss", &[0.5, 0.25, 0.125]);
    agent.append(&start, "history", 0, rows.clone()).await.unwrap();
    let hash = lab.put(None, b"content").await.sha256;
    let folder = lab.folder().to_owned();
    lab.stop().await;
    let (database, content) =
        (folder.join("besom.db"), folder.join("blobs").join(&hash[..2]).join(&hash[2..]));
    let bytes = fs::read(&database).unwrap();
    let at = bytes.windows(rows.len()).position(|bytes| bytes == rows).unwrap();
    for (file, range) in [(&database, at..at + rows.len()), (&content, 0..7)] {
        for (report, at) in flipped(&folder, file, range.clone()).await.into_iter().zip(range) {
            let problems = report.expect("the database is intact").problems;
            assert_eq!(problems.len(), 1, "byte {at} of {}: {problems:?}", file.display());
        }
    }
    assert_eq!(
        flipped(&folder, &database, (0..bytes.len()).step_by(2039)).await.len(),
        bytes.len().div_ceil(2039)
    );
    assert_eq!(fsck(&folder).await.problems, []);
}
