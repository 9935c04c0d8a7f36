//! `controller fsck`: looks at everything that is stored, and says what is wrong with it. Called by `lib` on a folder that nobody
//! else has open. Goes on after every problem, and changes nothing. Rows and contents have checksums; SQLite keeps none of its
//! pages, so a byte that flips in a state or a parameter and leaves a value that could be is not seen.

use std::sync::Arc;

use super::{App, compaction::CONSOLE, error::Error, pieces, runs, summaries};
use crate::store::{self, Tx, blocks::Stream, check::Streamed};

/// What a check has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Runs.
    pub runs: u64,
    /// Rows of all their streams.
    pub rows: u64,
    /// Contents of files.
    pub contents: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is wrong with, for people.
    pub place: String,
    /// What it is.
    pub what: String,
}

impl Report {
    fn problem(&mut self, place: impl Into<String>, what: impl ToString) {
        self.problems.push(Problem { place: place.into(), what: what.to_string() });
    }
}

/// Looks at the database's file, at every row of every run, and at every content. `seen` is shown the report as it grows.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn check(app: &Arc<App>, seen: impl Fn(&Report)) -> Result<Report, Error> {
    let mut report = Report::default();
    for line in app.read(|tx, _| Ok(store::check::integrity(tx)?)).await? {
        report.problem("besom.db", line);
    }
    let limit = app.settings.limits.page;
    let mut after = 0;
    loop {
        let page = app.read(move |tx, _| Ok(store::check::runs(tx, after, limit)?)).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (key, id) in page {
            let mut so_far = std::mem::take(&mut report);
            report = app
                .read(move |tx, _| {
                    run(tx, key, &id, &mut so_far)?;
                    Ok(so_far)
                })
                .await?;
            seen(&report);
        }
    }
    for (place, sha256) in app.read(|tx, _| Ok(store::check::dangling(tx)?)).await? {
        report.problem(place, format!("its content {sha256} is not known"));
    }
    contents(app, &mut report, seen).await?;
    Ok(report)
}

/// Every row of a run can be read, and none is missing.
fn run(tx: &Tx<'_>, key: i64, id: &str, report: &mut Report) -> Result<(), Error> {
    report.runs += 1;
    let place = format!("run `{id}`");
    if let Err(error) = runs::find(tx, id).and_then(|run| summaries::of(tx, &run).map(drop)) {
        report.problem(&place, format!("its summary: {error}"));
    }
    for Streamed { stream, attempt, writer } in store::check::streams(tx, key)? {
        let place = format!("{place}, {stream} of attempt {attempt} by `{writer}`");
        let stream = Stream { run: key, name: &stream, attempt, writer: &writer };
        let mut next = 0;
        for piece in store::columns::pieces(tx, stream)? {
            // Of a long console the middle is not kept.
            if piece.first != next && stream.name != CONSOLE {
                report.problem(&place, format!("row {next} is followed by row {}", piece.first));
            }
            next = piece.first + piece.rows;
            let mut rows = 0;
            let read = pieces::of(tx, piece.key, |_| true, |_| rows += 1);
            let last = next.saturating_sub(1);
            match read {
                Err(error) => report.problem(&place, format!("rows {} to {last}: {error}", piece.first)),
                Ok(()) if rows != piece.rows => {
                    report.problem(&place, format!("rows {} to {last} are {rows} in truth", piece.first));
                }
                Ok(()) => {}
            }
            report.rows += rows;
        }
    }
    Ok(())
}

/// Every content is there, and is what its hash says.
async fn contents(app: &Arc<App>, report: &mut Report, seen: impl Fn(&Report)) -> Result<(), Error> {
    let (limit, mut after) = (app.settings.limits.page, String::new());
    loop {
        let from = after.clone();
        let page = app.read(move |tx, _| Ok(store::check::blobs(tx, &from, limit)?)).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        for (sha256, size) in page {
            match app.store.blobs.hash(&sha256).await {
                Ok(found) if found == (sha256.clone(), size) => {}
                Ok((_, found)) if found != size => {
                    report.problem(format!("content {sha256}"), format!("it has {found} bytes, not {size}"));
                }
                Ok(_) => report.problem(format!("content {sha256}"), "it is not what its hash says"),
                Err(error) => report.problem(format!("content {sha256}"), error),
            }
            (report.contents, report.bytes) = (report.contents + 1, report.bytes + size);
            seen(report);
        }
    }
}
