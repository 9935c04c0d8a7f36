//! Implements `controller fsck`: checks everything that is stored and reports the problems. `lib`
//! and the simulator call this module on a store that is open for reads. The check continues after
//! every problem and changes nothing. Rows and contents have checksums, but SQLite keeps no
//! checksums of its pages. So the check misses a flipped byte in a state or a parameter if the
//! result is a valid value.

use record::{ids::RunId, stream::StreamName};

use crate::{
    app::{
        error::Error,
        rows::{pieces, summaries},
    },
    store::{self, Store, Tx, blocks::Stream, check::Streamed},
};

/// The result of a check of everything that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of checked runs.
    pub runs: u64,
    /// The number of rows that the check has read in all streams of the runs.
    pub rows: u64,
    /// The number of checked contents of files.
    pub contents: u64,
    /// The bytes of these contents, as the database says.
    pub bytes: u64,
    /// The problems that were found.
    pub problems: Vec<Problem>,
    /// The hashes of contents that are missing or damaged.
    pub bad: Vec<String>,
}

/// One problem that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The damaged part of what is stored, for users.
    pub place: String,
    /// The description of the problem.
    pub what: String,
}

impl Report {
    /// Returns the report on a database that cannot be opened.
    pub(crate) fn of_database(problem: impl ToString) -> Self {
        let mut report = Self::default();
        report.problem(store::DATABASE, problem);
        report
    }

    /// Returns the first problem of the database's file, if there is one.
    pub(crate) fn of_database_alone(&self) -> Option<&str> {
        let mut problems = self.problems.iter();
        problems
            .find(|problem| problem.place == store::DATABASE)
            .map(|problem| problem.what.as_str())
    }

    fn problem(&mut self, place: impl Into<String>, what: impl ToString) {
        self.problems.push(Problem { place: place.into(), what: what.to_string() });
    }
}

/// Checks the database's file, every row of every run, and every content. `page` is the number of
/// runs or contents that one read lists. `seen` is called with the growing report after each run
/// and each content. If the database's file is damaged, the report says so, and the check continues
/// with the data that can be read.
///
/// # Errors
/// Fails if the database cannot be read.
pub(crate) async fn check(
    store: &Store,
    page: u32,
    seen: impl Fn(&Report),
) -> Result<Report, Error> {
    let mut report = Report::default();
    let integrity = |tx: &Tx<'_>| Ok(store::check::integrity(tx)?);
    for line in told(&mut report, store.read(integrity).await)?.unwrap_or_default() {
        report.problem(store::DATABASE, line);
    }
    runs_in(store, page, &mut report, &seen).await?;
    let caps = store.read(|tx| Ok(store::check::caps(tx)?)).await;
    for (sweep, what) in told(&mut report, caps)?.unwrap_or_default() {
        report.problem(format!("sweep `{sweep}`"), what);
    }
    let dangling = store.read(|tx| Ok(store::check::dangling(tx)?)).await;
    for (place, sha256) in told(&mut report, dangling)?.unwrap_or_default() {
        report.problem(place, format!("its content {sha256} is not known"));
    }
    contents(store, page, &mut report, seen).await?;
    Ok(report)
}

/// Returns the value of a read. If the database's file is damaged, adds the damage to the report
/// and returns `None`.
fn told<T>(report: &mut Report, read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Error::Torn(damage)) => {
            report.problem(store::DATABASE, damage);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn runs_in(
    store: &Store,
    limit: u32,
    report: &mut Report,
    seen: impl Fn(&Report),
) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let page = store.read(move |tx| Ok(store::check::runs(tx, after, limit)?)).await;
        let page = told(report, page)?.unwrap_or_default();
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (key, id) in page {
            let mut so_far = std::mem::take(report);
            let read = store.read(move |tx| {
                let outcome = run(tx, key, &id, &mut so_far);
                Ok::<_, Error>((so_far, outcome))
            });
            let (grown, outcome) = read.await?;
            *report = grown;
            told(report, outcome)?;
            seen(report);
        }
    }
}

/// Checks that the summary and every row of a run can be read, and that no row is missing before a
/// stored row.
fn run(tx: &Tx<'_>, key: i64, id: &RunId, report: &mut Report) -> Result<(), Error> {
    report.runs += 1;
    let place = format!("run `{id}`");
    // A deleted run is checked too.
    let summary = store::runs::stored(tx, key)?.map(|run| summaries::of(tx, &run).map(drop));
    if let Some(Err(error)) = summary {
        report.problem(&place, format!("its summary: {error}"));
    }
    for Streamed { stream, attempt, writer } in store::check::streams(tx, key)? {
        let place = format!("{place}, {stream} of attempt {attempt} by `{writer}`");
        let Some(name) = StreamName::from_name(&stream) else {
            report.problem(&place, "there is no such stream");
            continue;
        };
        let stream = Stream { run: key, name, attempt, writer: &writer };
        let mut next = 0;
        for piece in store::columns::pieces(tx, stream)? {
            // A gap in a console is no problem, because the controller removes the middle of a long
            // console.
            if piece.first != next && name != StreamName::Console {
                report.problem(&place, format!("row {next} is followed by row {}", piece.first));
            }
            next = piece.first + piece.rows;
            let mut rows = 0;
            let read = pieces::of(tx, piece.key, |_| true, |_| rows += 1);
            let last = next.saturating_sub(1);
            match read {
                Err(error) => {
                    report.problem(&place, format!("rows {} to {last}: {error}", piece.first))
                }
                Ok(()) if rows != piece.rows => {
                    report.problem(
                        &place,
                        format!("the block of rows {} to {last} holds {rows} rows", piece.first),
                    );
                }
                Ok(()) => {}
            }
            report.rows += rows;
        }
    }
    Ok(())
}

/// Checks that every content exists and matches its hash.
async fn contents(
    store: &Store,
    limit: u32,
    report: &mut Report,
    seen: impl Fn(&Report),
) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let from = after.clone();
        let page = store.read(move |tx| Ok(store::check::blobs(tx, &from, limit)?)).await;
        let page = told(report, page)?.unwrap_or_default();
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(last);
        for (sha256, size) in page {
            let trouble = match store.blobs.hash(&sha256).await {
                Ok(found) if found == (sha256.clone(), size) => None,
                Ok((_, found)) if found != size => {
                    Some(format!("it has {found} bytes, not {size}"))
                }
                Ok(_) => Some("it is not what its hash says".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(trouble) = trouble {
                report.problem(format!("content {sha256}"), trouble);
                report.bad.push(sha256);
            }
            (report.contents, report.bytes) = (report.contents + 1, report.bytes + size);
            seen(report);
        }
    }
}
