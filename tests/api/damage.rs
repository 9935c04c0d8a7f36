//! Tests databases that are damaged, incomplete, foreign or not writable. No controller starts on
//! such a database. If the damage appears later, the running controller reports it, stops writing,
//! and still reads the intact pages.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::Path,
    process::Command,
};

use controller::{Controller, StartError, chance::Chance, clock::Clock, settings::Settings};
use proto::v1::{Change, ReadRows};
use record::{Row, Value, Writer};
use tonic::Code;

use crate::lab::{GRID, Lab, code, eventually, frames, once_free, serves};

const KEY: &str = "val/loss";
const PAGE: u64 = 4096;

async fn start(folder: &Path) -> Result<Controller, StartError> {
    let listen = "127.0.0.1:0".parse().unwrap();
    let settings = Settings { listen, data: folder.to_owned(), ..Settings::default() };
    let start =
        async || Controller::start(settings.clone(), Clock::system(), Chance::seeded(1)).await;
    once_free(start).await
}

/// Overwrites these pages of the database with the byte 0xA5.
fn overwrite(folder: &Path, pages: std::ops::Range<u64>) {
    let file = OpenOptions::new().write(true).open(folder.join("besom.db")).unwrap();
    for page in pages {
        file.write_all_at(&[0xA5; PAGE as usize], page * PAGE).unwrap();
    }
}

fn pages(folder: &Path) -> u64 {
    fs::metadata(folder.join("besom.db")).unwrap().len() / PAGE
}

/// Makes a run with one row in its history, stores a content, and stops the controller. Returns the
/// id of the run's sweep.
async fn stopped(lab: &mut Lab) -> String {
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, KEY, &[0.5]).await.unwrap();
    lab.put(None, b"content").await;
    lab.stop().await;
    sweep.id
}

#[tokio::test]
async fn a_damaged_database_is_not_served() {
    let mut lab = Lab::start().await;
    stopped(&mut lab).await;
    let folder = lab.folder().to_owned();
    let whole = fs::read(folder.join("besom.db")).unwrap();
    let count = pages(&folder);
    for (first, last) in [(0, 1), (count / 2, count / 2 + 1), (2, count - 1)] {
        overwrite(&folder, first..last);
        let damaged = fs::read(folder.join("besom.db")).unwrap();
        let refused = start(&folder).await.unwrap_err();
        assert!(matches!(refused, StartError::Damaged { .. }), "{refused}");
        let wanted = format!("the database `{}/besom.db` is damaged: ", folder.display());
        assert!(refused.to_string().starts_with(&wanted), "{refused}");
        assert_eq!(fs::read(folder.join("besom.db")).unwrap(), damaged, "nothing is written to it");
        fs::write(folder.join("besom.db"), &whole).unwrap();
    }
    lab.come_back().await;
}

#[tokio::test]
async fn no_database_begins_beside_the_remains_of_another() {
    let mut lab = Lab::start().await;
    stopped(&mut lab).await;
    let (folder, database) = (lab.folder().to_owned(), lab.folder().join("besom.db"));
    let whole = fs::read(&database).unwrap();
    fs::write(&database, b"").unwrap();
    assert!(matches!(start(&folder).await, Err(StartError::Damaged { .. })));
    fs::remove_file(&database).unwrap();
    let refused = start(&folder).await.unwrap_err();
    assert!(
        refused.to_string().contains("is missing or empty, beside the contents of files"),
        "{refused}"
    );
    assert!(!database.exists(), "none was made");
    fs::write(&database, whole).unwrap();
    lab.come_back().await;
}

#[tokio::test]
async fn no_database_is_served_without_the_contents_that_it_names() {
    let mut lab = Lab::start().await;
    stopped(&mut lab).await;
    let (folder, contents) = (lab.folder().to_owned(), lab.folder().join("blobs"));
    let elsewhere = lab.folder().join("elsewhere");
    fs::rename(&contents, &elsewhere).unwrap();
    for is_there in [false, true] {
        if is_there {
            fs::create_dir(&contents).unwrap();
        }
        let refused = start(&folder).await.unwrap_err();
        assert!(matches!(refused, StartError::Damaged { .. }), "{refused}");
        let wanted = "the folder `blobs` is missing or empty, though the database names contents";
        assert!(refused.to_string().ends_with(wanted), "{refused}");
        assert_eq!(contents.exists(), is_there, "nothing is made");
    }
    fs::remove_dir(&contents).unwrap();
    fs::rename(&elsewhere, &contents).unwrap();
    lab.come_back().await;
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("besom.db");
    for tables in [
        "CREATE TABLE letters (body TEXT)",
        "CREATE TABLE letters (body TEXT); PRAGMA user_version = 7",
        "CREATE TABLE runs (body TEXT); PRAGMA user_version = 1",
        "PRAGMA user_version = 3",
    ] {
        let foreign = rusqlite::Connection::open(&database).unwrap();
        foreign.execute_batch(tables).unwrap();
        drop(foreign);
        let before = fs::read(&database).unwrap();
        let refused = start(folder.path()).await.unwrap_err().to_string();
        let wanted = "`besom.db` is the database of another program";
        assert!(refused.ends_with(wanted), "{tables}: {refused}");
        let settings = Settings { data: folder.path().to_owned(), ..Settings::default() };
        let refused = controller::fsck(settings, &|_| ()).await.unwrap_err().to_string();
        assert!(refused.ends_with(wanted), "{tables}: {refused}");
        assert_eq!(fs::read(&database).unwrap(), before, "nothing is written to it");
        fs::remove_file(&database).unwrap();
    }
}

/// Returns frames with almost 2 MB of a program's console.
fn console() -> Vec<u8> {
    let row = |step| Row {
        step,
        wall_ms: 0,
        values: vec![("line".to_owned(), Value::Text(format!("{step:09}").repeat(100)))],
    };
    let (rows, mut out) = ((0..2000).map(row).collect::<Vec<_>>(), Vec::new());
    Writer::default().frame(&rows, &mut out);
    out
}

#[tokio::test]
async fn later_damage_ends_writes_and_not_reads() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, KEY, &[0.5]).await.unwrap();
    agent.append(&start, "console", 0, console()).await.unwrap();
    lab.restart().await;
    let before = lab.sweep(&sweep.id).await;
    // These pages in the middle of the database belong only to its largest value, the console. No
    // code has read them since the start.
    let count = pages(lab.folder());
    overwrite(lab.folder(), count / 2..count / 2 + 8);
    let mut agent = lab.agent("one", &sweep.id);
    let read =
        ReadRows { run: start.run.clone(), stream: "console".to_owned(), ..ReadRows::default() };
    let mut stream = lab.runs.read(read).await.unwrap().into_inner();
    let mut told = None;
    while told.is_none() {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the read did not reach the damage"),
            Err(status) => told = Some(status),
        }
    }
    let told = told.unwrap();
    let wanted = format!("the database `{}/besom.db` is damaged: ", lab.folder().display());
    assert_eq!(told.code(), Code::DataLoss, "{told}");
    assert!(told.message().starts_with(&wanted), "{told}");
    assert!(proto::dial::hint(&told).unwrap().contains("controller fsck"));
    let refused = agent.append(&start, "history", 1, frames(1, KEY, &[0.4])).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert!(refused.message().starts_with(&wanted), "{refused}");
    assert_eq!(code(lab.change(&sweep.id, Change::Cancel).await), Code::Unavailable);
    eventually("health reports it", async || (!serves(&lab, "").await, ())).await;
    let after = lab.sweep(&sweep.id).await;
    assert_eq!((after.id, after.counts), (before.id, before.counts), "intact pages are still read");
    assert_eq!(lab.blocks(&start.run, "history").await.len(), 1);
}

/// Makes the file immutable, so that no user, not even root, can write to it. If `immutable` is
/// false, makes the file writable again. Returns whether the change worked.
fn fix(path: &Path, immutable: bool) -> bool {
    let flag = if immutable { "+i" } else { "-i" };
    let changed = Command::new("chattr").arg(flag).arg(path).output();
    changed.is_ok_and(|changed| changed.status.success())
}

#[tokio::test]
async fn unwritable_files_do_not_end_the_controller() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start_of_one = agent.ask().await;
    let folder = lab.folder().to_owned();
    let parts = ["besom.db", "besom.db-wal", "besom.db-shm"].map(|name| folder.join(name));
    if !fix(&parts[0], true) {
        return terminal::warn("skipped: no file can be made immutable here");
    }
    for part in &parts[1..] {
        fix(part, true);
    }
    let refused = agent.append(&start_of_one, "console", 0, console()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains(&folder.display().to_string()), "{refused}");
    for part in &parts {
        fix(part, false);
    }
    agent.append(&start_of_one, "console", 0, console()).await.unwrap();
    lab.stop().await;
    // A controller that cannot write the database does not start, and its error names the file.
    fix(&parts[0], true);
    let refused = start(&folder).await;
    fix(&parts[0], false);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("`besom.db` cannot be written: operation not permitted"), "{refused}");
    lab.come_back().await;
}
