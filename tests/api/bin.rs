//! Tests the bin: what is deleted is hidden and can be restored, still counts for its sweep's
//! search, and is gone for good after a while, with its rows and contents.

use std::{collections::BTreeSet, path::Path, time::Duration};

use blobs::Hashed;
use proto::v1::{
    ArtifactRef, BeginRun, BinRefs, Binned, Change, EndRun, FindRuns, HistoryKeys, ListBin,
    Outcome, RemoveFiles, ReplayTrials, Restored, RetryRuns, RunList, RunRef, SweepRef,
};
use record::{
    Row, Value, Writer,
    artifact::{ArtifactRow, Content, Entry, manifest},
    file::FileRow,
};
use rusqlite::Connection;
use tonic::{Code, Status};

use crate::{
    fsck::fsck,
    lab::{FakeAgent, GRID, Lab, RANDOM, below, eventually},
};

const BAYES: &str = "
method: bayes
program: train
seed: 7
metric: {name: val/loss}
parameters:
  lr: {min: 0.0, max: 1.0}
  momentum: {min: 0.0, max: 1.0}
";

async fn delete(lab: &Lab, runs: &[&str]) -> Result<i64, Status> {
    let runs = runs.iter().map(|run| (*run).to_owned()).collect();
    let deleted = lab.dial(None).bin().delete_runs(RunList { runs }).await?;
    Ok(deleted.into_inner().purge_ms)
}

async fn delete_sweep(lab: &Lab, sweep: &str) -> Result<(), Status> {
    lab.dial(None).bin().delete_sweep(SweepRef { sweep: sweep.to_owned() }).await.map(drop)
}

async fn restore(lab: &Lab, ids: &[&str]) -> Result<Vec<Restored>, Status> {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    Ok(lab.dial(None).bin().restore(BinRefs { ids }).await?.into_inner().restored)
}

async fn bin(lab: &Lab) -> Vec<Binned> {
    lab.dial(None).bin().list(ListBin::default()).await.unwrap().into_inner().entries
}

async fn found(lab: &Lab) -> Vec<String> {
    let mut found = lab.dial(None).runs().find(FindRuns::default()).await.unwrap().into_inner();
    let mut ids = Vec::new();
    while let Some(run) = found.message().await.unwrap() {
        ids.push(run.id);
    }
    ids
}

fn said(answer: Result<impl std::fmt::Debug, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), status.message().to_owned())
}

fn one(values: Vec<(&str, Value)>) -> Vec<u8> {
    let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut out = Vec::new();
    Writer::default().frame(&[Row { values, ..Row::default() }], &mut out);
    out
}

/// Logs a file as the row `at` of the run's files.
async fn file(lab: &Lab, agent: &mut FakeAgent, start: &proto::v1::Start, at: u64, content: &str) {
    let Hashed { sha256, size } = lab.put(None, content.as_bytes()).await;
    let row = FileRow { path: content.to_owned(), sha256, size, kind: "file".to_owned() };
    let mut out = Vec::new();
    Writer::default().frame(&[row.to_row(0, 0)], &mut out);
    agent.append(start, "files", at, out).await.unwrap();
}

async fn begin(lab: &mut Lab, id: &str, resume: &str) -> Result<String, Status> {
    let (id, resume) = (id.to_owned(), resume.to_owned());
    let begun = lab.runs.begin(BeginRun { id, resume, ..BeginRun::default() }).await?;
    Ok(begun.into_inner().run)
}

async fn end(lab: &mut Lab, run: &str) {
    let outcome = Some(Outcome { state: "finished".to_owned(), ..Outcome::default() });
    let end = EndRun { run: run.to_owned(), attempt: 1, outcome, ..EndRun::default() };
    lab.runs.end(end).await.unwrap();
}

/// Returns the tables that still have rows of the run with this internal key.
fn tables_with(folder: &Path, run: i64) -> Vec<String> {
    let database = Connection::open(folder.join("besom.db")).unwrap();
    let sql = "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
               WHERE m.type = 'table' AND c.name = 'run' AND c.type = 'INTEGER' ORDER BY m.name";
    let mut tables = database.prepare(sql).unwrap();
    let tables: Vec<String> =
        tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let has = |table: &String| {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE run = {run})");
        database.query_row(&sql, (), |row| row.get::<_, bool>(0)).unwrap()
    };
    assert!(tables.len() > 10, "{tables:?}");
    tables.into_iter().filter(has).collect()
}

/// Waits until no row says that there ever was this run.
async fn gone(lab: &Lab, run: &str) {
    eventually("the run is purged", async || {
        let said = said(lab.dial(None).runs().get(RunRef { run: run.to_owned() }).await);
        (said == (Code::NotFound, format!("no run `{run}`")), said)
    })
    .await;
}

/// Reads a number from the database. The controller must have stopped.
fn number(folder: &Path, sql: &str) -> i64 {
    let database = Connection::open(folder.join("besom.db")).unwrap();
    database.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_deleted_run_is_hidden_until_it_is_restored() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await.id;
    let mut agent = lab.agent("one", &sweep);
    let best = agent.trial(1.0).await.run;
    let other = agent.trial(2.0).await.run;
    let live = agent.ask().await;
    let (code, message) = said(delete(&lab, &[&best, &live.run]).await);
    assert_eq!(code, Code::FailedPrecondition);
    assert!(message.contains("only a run that is over can be deleted"), "{message}");
    assert_eq!(lab.list(&sweep).await.len(), 3);
    delete(&lab, &[&best]).await.unwrap();
    // A restart changes nothing.
    lab.restart().await;
    let gone = lab.runs.get(RunRef { run: best.clone() }).await;
    assert_eq!(said(gone), (Code::NotFound, format!("the run `{best}` is deleted")));
    let keys = lab.dial(None).history().keys(HistoryKeys { run: best.clone() }).await;
    assert_eq!(said(keys).0, Code::NotFound);
    let files = lab.dial(None).files().list(RunRef { run: best.clone() }).await;
    assert_eq!(said(files).0, Code::NotFound);
    let retry = RetryRuns { sweep: sweep.clone(), runs: vec![best.clone()] };
    assert_eq!(said(lab.sweeps.retry(retry).await).0, Code::NotFound);
    assert_eq!(found(&lab).await, [live.run.clone(), other.clone()]);
    assert_eq!(lab.list(&sweep).await.len(), 2);
    // The next best run is the best one now. The counts are the search's facts.
    let shown = lab.sweep(&sweep).await;
    assert_eq!((shown.best.unwrap().id, shown.counts.unwrap().finished), (other, 2));
    let [binned] = &bin(&lab).await[..] else { panic!() };
    assert_eq!((&binned.id, binned.kind.as_str(), &binned.sweep), (&best, "run", &sweep));
    assert_eq!(binned.purge_ms - binned.deleted_ms, 30 * 24 * 3600 * 1000);
    assert!(binned.bytes > 0 && binned.deleted_by == "the administrator", "{binned:?}");
    assert_eq!(said(delete(&lab, &[&best]).await).0, Code::NotFound);
    let restored = restore(&lab, &[&best]).await.unwrap();
    assert_eq!((&restored[0].id, restored[0].renamed.as_str()), (&best, ""));
    assert_eq!(lab.run(&best).await.value, Some(1.0));
    assert_eq!(lab.sweep(&sweep).await.best.unwrap().id, best);
    let again = said(restore(&lab, &[&best]).await);
    assert_eq!(again, (Code::FailedPrecondition, format!("the run `{best}` is not deleted")));
    let nothing = said(restore(&lab, &["nothing"]).await);
    assert_eq!(nothing, (Code::NotFound, "no run or sweep `nothing` in the bin".to_owned()));
    assert!(bin(&lab).await.is_empty());
}

#[tokio::test]
async fn the_id_of_a_deleted_run_is_not_given_to_another() {
    let mut lab = Lab::start().await;
    begin(&mut lab, "mine", "").await.unwrap();
    end(&mut lab, "mine").await;
    delete(&lab, &["mine"]).await.unwrap();
    for resume in ["", "allow", "must"] {
        let (code, message) = said(begin(&mut lab, "mine", resume).await);
        assert_eq!(code, Code::FailedPrecondition, "{resume}");
        assert_eq!(message, "the run `mine` is deleted, so its id is taken");
    }
    restore(&lab, &["mine"]).await.unwrap();
    assert_eq!(begin(&mut lab, "mine", "must").await.unwrap(), "mine");
}

/// Runs 24 trials of a sweep. If `deletes`, deletes most of those that are over, and purges some of
/// them meanwhile. Returns the parameters of all trials, in order.
async fn points(yaml: &str, deletes: bool) -> Vec<String> {
    let mut lab = Lab::start().await;
    let sweep = lab.create(yaml).await.id;
    let mut agent = lab.agent("one", &sweep);
    let mut points = Vec::new();
    for trial in 0..12_i32 {
        let start = agent.trial(f64::from((trial * 7) % 5)).await;
        points.push(start.params_json);
        if deletes && trial % 3 != 1 {
            delete(&lab, &[&start.run]).await.unwrap();
        }
        if deletes && trial == 6 {
            lab.restart_with(|settings| settings.keep_deleted = Duration::ZERO).await;
            eventually("the bin is purged", async || {
                let left = bin(&lab).await;
                (left.is_empty(), left)
            })
            .await;
            lab.restart_with(|settings| settings.keep_deleted = Duration::from_secs(9000)).await;
            agent = lab.agent("two", &sweep);
        }
    }
    if deletes {
        assert_eq!(lab.list(&sweep).await.len(), 4);
    }
    let replay = ReplayTrials { sweep: sweep.clone(), trials: Vec::new() };
    let replayed = lab.sweeps.replay(replay).await.unwrap().into_inner();
    assert_eq!((replayed.equal, replayed.different), (12, Vec::new()));
    lab.stop().await;
    assert_eq!(fsck(lab.folder()).await.problems, []);
    points
}

#[tokio::test]
async fn a_deleted_trial_still_counts_for_the_search() {
    let grid = points(GRID, true).await;
    assert_eq!(grid.iter().collect::<BTreeSet<_>>().len(), 12, "{grid:?}");
    assert_eq!(points(BAYES, true).await, points(BAYES, false).await);
}

#[tokio::test]
async fn a_purge_removes_rows_and_contents_and_keeps_artifacts() {
    let mut lab = Lab::with(|settings| {
        settings.blob_grace = Duration::ZERO;
        settings.collect_every = Duration::from_millis(20);
        // Every step of the purge is a transaction of its own.
        settings.limits.bin.purged = 9;
    })
    .await;
    let run = begin(&mut lab, "mine", "").await.unwrap();
    let start = proto::v1::Start { run: run.clone(), attempt: 1, ..Default::default() };
    let mut agent = lab.agent("none", "none");
    for at in 0..30 {
        agent.log(&start, at, "loss", &[1.0]).await.unwrap();
    }
    file(&lab, &mut agent, &start, 0, "only mine").await;
    file(&lab, &mut agent, &start, 1, "shared").await;
    let Hashed { sha256, size } = lab.put(None, b"weights").await;
    let entry = Entry { path: "w".to_owned(), content: Content::Blob { sha256, size } };
    let text = manifest(&mut [entry]).unwrap();
    let Hashed { sha256: digest, size } = lab.put(None, text.as_bytes()).await;
    let (name, kind) = ("net".to_owned(), "model".to_owned());
    let row = ArtifactRow { name, kind, digest, size, ..no_artifact() };
    agent.append(&start, "files", 2, one(row.values().into_iter().collect())).await.unwrap();
    end(&mut lab, &run).await;
    let other = begin(&mut lab, "other", "").await.unwrap();
    let start = proto::v1::Start { run: other.clone(), ..start };
    file(&lab, &mut agent, &start, 0, "shared").await;
    end(&mut lab, &other).await;
    delete(&lab, &[&run]).await.unwrap();
    let net = ArtifactRef { name: "net".to_owned(), ..ArtifactRef::default() };
    let net = async |lab: &Lab| {
        let version = lab.dial(None).artifacts().get(net.clone()).await.unwrap().into_inner();
        (version.made_by, version.deleted_runs)
    };
    let both = (vec![run.clone()], vec![run.clone()]);
    assert_eq!(net(&lab).await, both);
    lab.restart_with(|settings| settings.keep_deleted = Duration::ZERO).await;
    let blobs = lab.folder().join("blobs");
    // The manifest, its content and the shared file stay.
    eventually("the content goes", async || (below(&blobs) == 3, below(&blobs))).await;
    assert!(bin(&lab).await.is_empty());
    gone(&lab, &run).await;
    assert_eq!(net(&lab).await, both);
    // Its id is free again, and belongs to another run now.
    assert_eq!(begin(&mut lab, "mine", "").await.unwrap(), "mine");
    lab.stop().await;
    let key = number(lab.folder(), "SELECT run FROM gone_runs");
    assert_eq!(tables_with(lab.folder(), key), ["artifact_runs", "gone_runs"]);
    assert_eq!(number(lab.folder(), "SELECT count(*) FROM begins WHERE run = 'mine'"), 0);
    assert!(number(lab.folder(), "SELECT key FROM runs WHERE id = 'mine'") > key);
    assert_eq!(fsck(lab.folder()).await.problems, []);
}

fn no_artifact() -> ArtifactRow {
    ArtifactRow {
        name: String::new(),
        kind: String::new(),
        digest: String::new(),
        size: 0,
        metadata: String::new(),
        aliases: Vec::new(),
    }
}

#[tokio::test]
async fn the_newest_run_leaves_its_key_to_nobody() {
    let mut lab = Lab::with(|settings| settings.keep_deleted = Duration::ZERO).await;
    begin(&mut lab, "first", "").await.unwrap();
    end(&mut lab, "first").await;
    delete(&lab, &["first"]).await.unwrap();
    gone(&lab, "first").await;
    begin(&mut lab, "second", "").await.unwrap();
    lab.stop().await;
    assert_eq!(number(lab.folder(), "SELECT key FROM runs"), 2);
}

#[tokio::test]
async fn a_sweep_goes_with_its_trials_and_comes_back_with_them() {
    let mut lab = Lab::with(|settings| settings.limits.bin.purged = 20).await;
    let sweep = lab.create(RANDOM).await.id;
    let mut agent = lab.agent("one", &sweep);
    let first = agent.trial(1.0).await.run;
    let second = agent.trial(2.0).await.run;
    let (code, message) = said(delete_sweep(&lab, &sweep).await);
    assert_eq!(code, Code::FailedPrecondition);
    assert!(message.contains("only a sweep that is over can be deleted"), "{message}");
    lab.change(&sweep, Change::Cancel).await.unwrap();
    delete(&lab, &[&first]).await.unwrap();
    delete_sweep(&lab, &sweep).await.unwrap();
    let gone = (Code::NotFound, format!("the sweep `{sweep}` is deleted"));
    assert_eq!(said(lab.sweeps.get(SweepRef { sweep: sweep.clone() }).await), gone);
    assert_eq!(said(delete_sweep(&lab, &sweep).await), gone);
    assert_eq!(said(lab.change(&sweep, Change::Pause).await).0, Code::NotFound);
    assert_eq!(said(agent.heartbeat().await).0, Code::NotFound);
    assert_eq!(said(lab.runs.get(RunRef { run: second.clone() }).await).0, Code::NotFound);
    assert!(found(&lab).await.is_empty());
    let kinds: Vec<String> = bin(&lab).await.into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["sweep"], "the trials of a deleted sweep are not listed");
    let (code, message) = said(restore(&lab, &[&first]).await);
    assert_eq!(code, Code::FailedPrecondition);
    assert_eq!(message, format!("the run `{first}` is deleted with its sweep `{sweep}`"));
    restore(&lab, &[&sweep]).await.unwrap();
    assert_eq!(found(&lab).await.len(), 1);
    restore(&lab, &[&first]).await.unwrap();
    assert_eq!(found(&lab).await, [second, first]);
    delete_sweep(&lab, &sweep).await.unwrap();
    lab.restart_with(|settings| settings.keep_deleted = Duration::ZERO).await;
    eventually("the sweep is purged", async || {
        let get = lab.dial(None).sweeps().get(SweepRef { sweep: sweep.clone() }).await;
        let said = said(get);
        (said == (Code::NotFound, format!("no sweep `{sweep}`")), said)
    })
    .await;
    lab.stop().await;
    let left = "SELECT (SELECT count(*) FROM sweeps) + (SELECT count(*) FROM runs)
                     + (SELECT count(*) FROM events) + (SELECT count(*) FROM progress)
                     + (SELECT count(*) FROM blocks) + (SELECT count(*) FROM bin_sweeps)
                     + (SELECT count(*) FROM bin_runs)";
    assert_eq!(number(lab.folder(), left), 0);
    assert_eq!(fsck(lab.folder()).await.problems, []);
}

#[tokio::test]
async fn files_of_a_run_are_deleted_together_or_not_at_all() {
    let mut lab = Lab::with(|settings| {
        settings.blob_grace = Duration::ZERO;
        settings.collect_every = Duration::from_millis(20);
    })
    .await;
    let sweep = lab.create(RANDOM).await.id;
    let mut agent = lab.agent("one", &sweep);
    let start = agent.ask().await;
    for (at, content) in (0..).zip(["a", "b", "c"]) {
        file(&lab, &mut agent, &start, at, content).await;
    }
    let remove = async |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let wanted = RemoveFiles { run: start.run.clone(), paths };
        lab.dial(None).files().remove(wanted).await.map(|removed| removed.into_inner().size)
    };
    let (code, message) = said(remove(&["a", "d"]).await);
    assert_eq!(code, Code::NotFound);
    assert_eq!(message, format!("the run `{}` has no file `d`", start.run));
    assert_eq!(remove(&["a", "b"]).await.unwrap(), 2);
    assert_eq!(said(remove(&["a"]).await).0, Code::NotFound);
    let blobs = lab.folder().join("blobs");
    eventually("two contents go", async || (below(&blobs) == 1, below(&blobs))).await;
    let run = RunRef { run: start.run.clone() };
    let mut listed = lab.dial(None).files().list(run).await.unwrap().into_inner();
    assert_eq!(listed.message().await.unwrap().unwrap().path, "c");
    assert!(listed.message().await.unwrap().is_none());
}
