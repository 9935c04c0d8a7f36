//! Tests the store: answered writes survive a restart, a failing or panicking use case harms no
//! other, and a full disk loses nothing. Also tests the lock on the folder, the permissions of its
//! files, files that are not the store's, and damaged values.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use record::{ids::RunId, stream::StreamName};
use sweeps::lifecycle::run::State;
use tempfile::TempDir;
use tokio::time::timeout;

use super::{
    Error, OpenError, Store, Tx,
    blocks::{self, Stream},
    facts,
    runs::{self, Run},
};
use crate::{platform::Platform, settings::Limits};

fn open(folder: &TempDir) -> Store {
    Store::open_again(folder.path(), &Limits::default())
}

fn set(tx: &Tx<'_>, name: &str) -> Result<(), Error> {
    facts::set(tx, name, b"x")
}

async fn has(store: &Store, name: &'static str) -> bool {
    store.read(move |tx| facts::get(tx, name)).await.unwrap().is_some()
}

#[tokio::test]
async fn an_answered_write_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    store.write(|tx| set(tx, "kept"), |()| {}).await.unwrap();
    drop(store);
    assert!(has(&open(&folder), "kept").await);
}

#[tokio::test]
async fn an_error_undoes_only_its_own_use_case() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let failing = |tx: &Tx<'_>| {
        set(tx, "undone")?;
        Err::<(), _>(Error::Bug("on purpose".to_owned()))
    };
    let (good, bad) =
        tokio::join!(store.write(|tx| set(tx, "good"), |()| {}), store.write(failing, |()| {}));
    assert_eq!((good, bad), (Ok(()), Err(Error::Bug("on purpose".to_owned()))));
    assert!(has(&store, "good").await && !has(&store, "undone").await);
}

#[tokio::test]
async fn a_panic_reaches_its_caller_and_the_writer_lives_on() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let panicking = |tx: &Tx<'_>| {
        set(tx, "undone")?;
        panic!("on purpose");
        #[expect(unreachable_code, reason = "says what the use case would have given")]
        Ok::<(), Error>(())
    };
    let answer = store.write(panicking, |()| {}).await;
    assert_eq!(answer, Err(Error::Bug("a use case panicked: on purpose".to_owned())));
    let answer = store.read(|_| -> Result<(), Error> { panic!("while reading") }).await;
    assert_eq!(answer, Err(Error::Bug("a use case panicked: while reading".to_owned())));
    store.write(|tx| set(tx, "good"), |()| {}).await.unwrap();
    assert!(has(&store, "good").await && !has(&store, "undone").await);
}

#[tokio::test]
async fn work_after_a_commit_runs_even_if_the_caller_has_gone() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let order = Arc::new(Mutex::new(Vec::new()));
    for number in 0..3 {
        let (order, name) = (order.clone(), format!("fact-{number}"));
        let writing =
            store.write(move |tx| set(tx, &name), move |()| order.lock().unwrap().push(number));
        tokio::select! {
            biased;
            _ = writing => {}
            () = tokio::task::yield_now() => {}
        }
    }
    store.write(|tx| set(tx, "last"), |()| {}).await.unwrap();
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
}

#[tokio::test]
async fn many_writers_and_a_small_queue_lose_nothing() {
    let folder = TempDir::new().unwrap();
    let limits = Limits { queue: 2, batch: 3, ..Limits::default() };
    let store = Arc::new(Store::open(folder.path(), &limits, Platform::default()).unwrap());
    let writers: Vec<_> = (0..100)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                store.write(move |tx| set(tx, &format!("fact-{number}")), |()| {}).await
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert!(has(&store, "fact-0").await && has(&store, "fact-99").await);
}

#[tokio::test]
async fn writes_succeed_again_once_a_full_disk_has_room() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open(&folder));
    let bound = |sql: &'static str| {
        let store = store.clone();
        async move {
            store.write(move |tx| tx.one(sql, &[], |_| Ok(())).map(drop), |()| {}).await.unwrap()
        }
    };
    bound("PRAGMA max_page_count = 1").await;
    let large = store.write(|tx| facts::set(tx, "large", &[7; 1 << 20]), |()| {}).await;
    assert!(matches!(large, Err(Error::Disk(_))), "{large:?}");
    assert!(!has(&store, "large").await);
    bound("PRAGMA max_page_count = 1000000").await;
    store.write(|tx| facts::set(tx, "large", &[7; 1 << 20]), |()| {}).await.unwrap();
    assert!(has(&store, "large").await);
}

#[test]
fn a_folder_has_one_store_at_a_time() {
    let folder = TempDir::new().unwrap();
    let first = open(&folder);
    assert!(matches!(
        Store::open(folder.path(), &Limits::default(), Platform::default()),
        Err(OpenError::InUse)
    ));
    // The store must not depend on these files. Earlier versions locked a file that could be
    // removed.
    for name in ["controller.lock", "besom.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let second = Store::open(folder.path(), &Limits::default(), Platform::default());
    assert!(matches!(second, Err(OpenError::InUse)));
    assert!(matches!(Store::look(folder.path()), Err(OpenError::InUse)));
    drop(first);
    open(&folder);
}

#[tokio::test]
async fn a_database_that_another_process_has_open_is_in_use() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    // This process opens the database like an earlier version, which takes another lock.
    let script = "import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute('SELECT count(*) FROM facts').fetchall()
database.execute('BEGIN')
database.execute('SELECT count(*) FROM facts').fetchall()
print('open', flush=True)
sys.stdin.read()";
    let mut other = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(folder.path().join("besom.db"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 4];
    std::io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut said).unwrap();
    let second = Store::open(folder.path(), &Limits::default(), Platform::default());
    assert!(matches!(second, Err(OpenError::InUse)), "{second:?}");
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());
    open(&folder);
}

/// Lists the files and folders below a folder on which other users have any permission.
fn public(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if std::fs::metadata(&entry).unwrap().permissions().mode() & 0o077 != 0 {
            found.push(entry.clone());
        } else if entry.is_dir() {
            found.extend(public(&entry));
        }
    }
    found
}

#[tokio::test]
async fn files_are_private_whatever_the_folder_is() {
    let folder = TempDir::new().unwrap();
    let open_to_all = Permissions::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open_to_all.clone()).unwrap();
    let store = open(&folder);
    store.write(|tx| set(tx, "kept"), |()| {}).await.unwrap();
    assert_eq!(public(folder.path()), Vec::<PathBuf>::new());
    drop(store);
    // Opening makes private what an earlier version, or a copy, has left readable.
    for name in ["besom.db", "blobs"] {
        std::fs::set_permissions(folder.path().join(name), open_to_all.clone()).unwrap();
    }
    open(&folder);
    assert_eq!(public(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_file_that_is_not_a_database_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("besom.db"),
        "a letter to my mother, which is no database at all",
    )
    .unwrap();
    assert!(matches!(
        Store::open(folder.path(), &Limits::default(), Platform::default()),
        Err(OpenError::Database(_))
    ));
}

#[tokio::test]
async fn a_reader_whose_caller_has_gone_is_not_lent_twice() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(
        Store::open(
            folder.path(),
            &Limits { readers: 1, ..Limits::default() },
            Platform::default(),
        )
        .unwrap(),
    );
    let (started, has_started) = tokio::sync::oneshot::channel();
    let (go, may_go) = mpsc::sync_channel::<()>(1);
    let reading = store.clone();
    let gone = tokio::spawn(async move {
        let work = move |_: &Tx<'_>| -> Result<(), Error> {
            started.send(()).unwrap();
            may_go.recv().unwrap();
            Ok(())
        };
        reading.read(work).await
    });
    has_started.await.unwrap();
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let mut next = Box::pin(has(&store, "nothing"));
    assert!(
        timeout(Duration::from_millis(100), &mut next).await.is_err(),
        "it waits for the reader"
    );
    go.send(()).unwrap();
    assert!(!next.await);
}

#[tokio::test]
async fn writers_of_a_stream_are_found_in_order_and_each_once() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let of = |run, name, attempt, writer| Stream { run, name, attempt, writer };
    let insert = move |tx: &Tx<'_>| -> Result<(), Error> {
        for (attempt, writer) in [(3, "sdk"), (1, "sdk"), (1, "agent")] {
            for first in 0..3 {
                blocks::insert(
                    tx,
                    of(7, StreamName::History, attempt, writer),
                    first,
                    1,
                    false,
                    b"x",
                )?;
            }
        }
        blocks::insert(tx, of(7, StreamName::Console, 2, "agent"), 0, 1, false, b"x")?;
        blocks::insert(tx, of(8, StreamName::History, 2, "other"), 0, 1, false, b"x")?;
        Ok(())
    };
    store.write(insert, |()| {}).await.unwrap();
    for (attempt, wanted) in
        [(0, vec![(1, "agent"), (1, "sdk"), (3, "sdk")]), (2, vec![]), (3, vec![(3, "sdk")])]
    {
        let name = StreamName::History;
        let found = store.read(move |tx| blocks::writers(tx, 7, name, attempt)).await.unwrap();
        assert_eq!(found.iter().map(|(at, name)| (*at, name.as_str())).collect::<Vec<_>>(), wanted);
    }
}

#[tokio::test]
async fn damaged_constraint_values_of_a_run_are_an_error() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let damage = |tx: &Tx<'_>| {
        runs::insert(tx, &Run::new(RunId::from("a"), State::Finished, 0))?;
        tx.run("UPDATE runs SET constrained = '[0.5' WHERE id = 'a'", &[])
    };
    store.write(damage, |_| {}).await.unwrap();
    let found = store.read(|tx| runs::get(tx, &RunId::from("a"))).await;
    assert!(matches!(found, Err(Error::Corrupt(_))), "{found:?}");
}

#[tokio::test]
async fn a_word_of_no_closed_set_is_an_error_that_names_its_column() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let damage = |tx: &Tx<'_>| {
        runs::insert(tx, &Run::new(RunId::from("a"), State::Finished, 0))?;
        tx.run("UPDATE runs SET stop_wanted = 'gone' WHERE id = 'a'", &[])
    };
    store.write(damage, |_| {}).await.unwrap();
    let found = store.read(|tx| runs::get(tx, &RunId::from("a"))).await;
    let wanted = "the column `stop_wanted` holds `gone`, which has no meaning";
    assert_eq!(found, Err(Error::Corrupt(wanted.to_owned())));
}
