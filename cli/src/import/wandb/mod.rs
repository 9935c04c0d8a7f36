//! W&B: a folder that its client wrote is a run, or a part of one that was resumed; one file in
//! it, `run-ID.wandb`, has everything but media. Read by `sweep import wandb`.

mod framing;
mod message;
mod parts;
mod reader;
mod values;

use std::{
    io,
    path::{Path, PathBuf},
};

use message::{Record, Run};
use prost::Message as _;

use framing::{Next, Records};
use reader::RunReader;

use super::{
    source::{Part, Reader, Source},
    walk::{self, Unreadable},
};

/// How the names of the files that we read end.
const ENDING: &str = "wandb";
/// The record that says what a run is called is one of the first.
const FIRST_RECORDS: usize = 16;

/// The files of a run: one for each time that it was resumed.
pub(super) struct LoggedRun {
    /// By the time at which they were begun.
    files: Vec<Part>,
    /// As its first file says it.
    run: Run,
    /// In place of the one that the run itself names.
    project: Option<String>,
}

impl Source for LoggedRun {
    fn parts(&self) -> &[Part] {
        &self.files
    }

    fn open(&self, parts: &[Part]) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(RunReader::open(parts, self.project.as_deref())?))
    }

    fn path(&self) -> PathBuf {
        self.files.first().map(|file| file.path.clone()).unwrap_or_default()
    }

    /// Its id, which is unique in its project.
    fn identity(&self) -> io::Result<Vec<u8>> {
        Ok(self.run.id.clone().into_bytes())
    }

    fn id(&self) -> Option<&str> {
        Some(self.run.id.as_str()).filter(|id| !id.is_empty())
    }

    fn writer(&self) -> &'static str {
        "wandb"
    }
}

/// The files of runs in `folder`, and in the folders in it, in the order of their paths. A file of
/// a run may be given itself.
///
/// # Errors
/// The path that cannot be read, and why.
pub(super) fn find(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    walk::files(folder, 1, |path| path.extension().is_some_and(|ending| ending == ENDING))
}

/// The runs that these files are: those of one id are one run. Of two files with the same
/// beginning the longer one counts.
///
/// # Errors
/// The path that cannot be read, and why.
pub(super) fn group(
    files: Vec<PathBuf>,
    project: Option<&str>,
) -> Result<Vec<LoggedRun>, Unreadable> {
    let mut begun = Vec::new();
    for path in files {
        let (part, run) = look(&path).map_err(|error| (path, error))?;
        begun.push((run.started.map(|time| (time.seconds, time.nanos)), part, run));
    }
    begun.sort_by_key(|(started, ..)| *started);
    let mut runs: Vec<LoggedRun> = Vec::new();
    for (_, part, run) in begun {
        let is_same = |known: &&mut LoggedRun| {
            let in_one = project.is_some() || known.run.project == run.project;
            // A client that is offline may not know its entity.
            let of_one = [&known.run.entity, &run.entity].iter().any(|entity| entity.is_empty())
                || known.run.entity == run.entity;
            in_one && of_one && !run.id.is_empty() && known.run.id == run.id
        };
        // Two that began at the same time and differ are no parts of one run.
        let joins = |known: &&mut LoggedRun| known.files.iter().all(|file| file.name != part.name);
        match runs.iter_mut().filter(is_same).find(joins) {
            Some(known) => known.files.push(part),
            None => {
                runs.push(LoggedRun { files: vec![part], run, project: project.map(str::to_owned) })
            }
        }
    }
    Ok(runs)
}

/// A file, and what it says of its run.
fn look(path: &Path) -> io::Result<(Part, Run)> {
    let mut part = Part::of(path.to_owned(), path.display().to_string())?;
    let mut records = Records::open(&part)?;
    for _ in 0..FIRST_RECORDS {
        let Next::Record(bytes) = records.next()? else { break };
        if let Some(run) = Record::decode(bytes.as_slice()).ok().and_then(|record| record.run) {
            if let Some(started) = run.started {
                part.name = format!("{}.{:09}", started.seconds, started.nanos);
            }
            return Ok((part, run));
        }
    }
    Ok((part, Run::default()))
}
