//! Makes backups and restores them. Both copy a data folder, and check the copy before its database
//! gets its final name. The program `controller` calls it. A backup is a data folder that no
//! controller serves. If the process is killed during a backup, the target holds the earlier
//! backup, if there was one, or the complete new one.

use std::{collections::BTreeSet, io, path::Path};

use crate::{
    Boxed, Report, StartError,
    api::local::Running,
    app::upkeep::fsck,
    refused,
    store::{self, OpenError, Store, Taken, copy},
};

/// The number of runs or blobs that one transaction reads from the database.
const PAGE: u32 = 500;

/// The progress of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The number of pages of the database that are copied, and the number of all its pages. Only a
    /// copy of a running controller's folder reports this.
    Database(u64, u64),
    /// The number of contents that the copy has looked at, and the bytes that it has copied of
    /// them.
    Contents(u64, u64),
    /// The number of runs and the bytes of contents that the check has read.
    Check(u64, u64),
}

/// What receives the progress of a copy.
type Seen<'a> = dyn Fn(Progress) + Sync + 'a;

/// A finished copy and the report of its check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The report of the check of the copy.
    pub report: Report,
    /// The number of contents that were copied. Contents that the target already had, or that are
    /// missing or damaged in the source, do not count.
    pub contents: u64,
    /// The bytes of the contents that were copied.
    pub bytes: u64,
}

/// The source of a copy.
#[derive(Debug)]
enum Source {
    /// A folder that no controller serves.
    Rest(Store),
    /// A folder whose controller runs.
    Live(Running),
}

/// Copies the data folder `data` to `into`, whether a controller serves `data` or not. The folder
/// `into` is missing or empty, or holds an earlier backup.
///
/// # Errors
/// Fails with [`StartError`] if `data` is no data folder, its controller does not answer, `into`
/// cannot be used, or the copy's database is damaged. After a failure, `into` holds the earlier
/// backup, if there was one, or the complete new one.
pub fn backup<'a>(
    data: &'a Path,
    into: &'a Path,
    seen: &'a Seen<'a>,
) -> Boxed<'a, Result<Copied, StartError>> {
    Box::pin(async move {
        let source = match look(data).await {
            Ok(store) => Source::Rest(store),
            Err(OpenError::InUse) => match Running::of(data).await {
                Ok(running) => Source::Live(running),
                Err(_) => return Err(StartError::InUse(data.to_owned())),
            },
            Err(error) => return Err(refused(data, error)),
        };
        let _target = target(into, true)?;
        transfer(source, data, into, seen).await
    })
}

/// Copies a backup to `data`, a folder that is empty or missing.
///
/// # Errors
/// Fails with [`StartError`] if `from` holds no backup, `data` is in use or not empty, or the
/// backup's database is damaged.
pub fn restore<'a>(
    from: &'a Path,
    data: &'a Path,
    seen: &'a Seen<'a>,
) -> Boxed<'a, Result<Copied, StartError>> {
    Box::pin(async move {
        let source = look(from).await.map_err(|error| refused(from, error))?;
        let _target = target(data, false)?;
        transfer(Source::Rest(source), from, data, seen).await
    })
}

async fn look(folder: &Path) -> Result<Store, OpenError> {
    let folder = folder.to_owned();
    let opened = tokio::task::spawn_blocking(move || Store::look(&folder)).await;
    opened.unwrap_or_else(|error| Err(OpenError::Folder(io::Error::other(error))))
}

/// Locks the folder that a copy goes to, and clears what an interrupted copy has left in it. Fails
/// if the folder holds anything that no backup has left.
fn target(folder: &Path, may_hold_one: bool) -> Result<Taken, StartError> {
    let at = |error: io::Error| failed(folder, &error);
    if let Some(stranger) = copy::strangers(folder, may_hold_one).map_err(at)? {
        let reason = if stranger == store::DATABASE {
            format!("it already holds a database, `{stranger}`")
        } else {
            format!("it holds `{stranger}`, which is not part of a backup")
        };
        return Err(StartError::NoFolder { folder: folder.to_owned(), reason });
    }
    let taken = Taken::take(folder).map_err(|error| refused(folder, error))?;
    copy::clear(folder).map_err(at)?;
    Ok(taken)
}

async fn transfer(
    mut source: Source,
    from: &Path,
    into: &Path,
    seen: &Seen<'_>,
) -> Result<Copied, StartError> {
    let at = |error: io::Error| failed(into, &error);
    let absolute = into.canonicalize().map_err(at)?;
    let part = absolute.join(copy::PART);
    match &mut source {
        Source::Rest(store) => {
            let to = part.clone();
            let copied = store.read(move |tx| store::check::copy(tx, &to, |_, _| {})).await;
            copied.map_err(|error| refused(from, OpenError::Database(error)))?;
        }
        Source::Live(running) => {
            let copied = running.copy(&part, |done, of| seen(Progress::Database(done, of))).await;
            copied.map_err(at)?;
        }
    }
    let copy = part_of(&absolute).await?;
    let mut copied = Copied::default();
    let named = contents(&copy, from, &absolute, &mut copied, seen).await?;
    copied.report = check(&copy, from, seen).await?;
    if !copied.report.bad.is_empty() {
        // The target may hold a damaged copy from an earlier backup, although the source's content
        // is intact. The loop removes such copies, and the next pass copies their contents again.
        for sha256 in &copied.report.bad {
            copy::discard(&absolute, sha256).map_err(at)?;
        }
        contents(&copy, from, &absolute, &mut copied, seen).await?;
        copied.report = check(&copy, from, seen).await?;
    }
    drop(copy);
    tokio::task::spawn_blocking(move || copy::finish(&absolute, &named))
        .await
        .map_err(bug)?
        .map_err(at)?;
    Ok(copied)
}

/// Opens the unfinished copy, whose database does not have its final name yet.
async fn part_of(folder: &Path) -> Result<Store, StartError> {
    let at = folder.to_owned();
    let opened = tokio::task::spawn_blocking(move || Store::look_at(&at, copy::PART)).await;
    opened.map_err(bug)?.map_err(|error| refused(folder, error))
}

/// Copies the contents that the copied database names and the target lacks. Returns the hashes of
/// all contents that the database names.
async fn contents(
    copy: &Store,
    from: &Path,
    into: &Path,
    copied: &mut Copied,
    seen: &Seen<'_>,
) -> Result<BTreeSet<String>, StartError> {
    let (mut named, mut after) = (BTreeSet::new(), String::new());
    loop {
        let last = after.clone();
        let page = copy.read(move |tx| store::check::blobs(tx, &last, PAGE)).await;
        let page = page.map_err(|error| refused(from, OpenError::Database(error)))?;
        let Some((last, _)) = page.last() else { return Ok(named) };
        after.clone_from(last);
        for (sha256, size) in page {
            let (source, target, hash) = (from.to_owned(), into.to_owned(), sha256.clone());
            let copying = move || copy::content(&source, &target, &hash, size);
            let bytes = tokio::task::spawn_blocking(copying).await.map_err(bug)?;
            if let Some(bytes) = bytes.map_err(|error| failed(into, &error))? {
                (copied.contents, copied.bytes) = (copied.contents + 1, copied.bytes + bytes);
            }
            named.insert(sha256);
            seen(Progress::Contents(named.len() as u64, copied.bytes));
        }
    }
}

/// Checks everything in the copy. Fails if its database alone is damaged. The report lists all
/// other damage.
async fn check(copy: &Store, from: &Path, seen: &Seen<'_>) -> Result<Report, StartError> {
    let progress = |report: &Report| seen(Progress::Check(report.runs, report.bytes));
    let report = fsck::check(copy, PAGE, progress).await;
    let report = report.map_err(|error| failed(from, &io::Error::other(error.to_string())))?;
    match report.of_database_alone() {
        Some(what) => {
            Err(refused(from, OpenError::Database(store::Error::Damaged(what.to_owned()))))
        }
        None => Ok(report),
    }
}

fn failed(folder: &Path, error: &io::Error) -> StartError {
    StartError::Data { folder: folder.to_owned(), reason: store::plain(error) }
}

fn bug(error: tokio::task::JoinError) -> StartError {
    StartError::Bug(error.to_string())
}
