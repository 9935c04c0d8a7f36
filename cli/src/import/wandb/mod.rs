//! Reads W&B's files. A folder that W&B's client wrote holds a run, or a part of a resumed run. The
//! folder's file `run-ID.wandb` has everything but media. `sweep import wandb` uses this module.

mod artifact;
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

/// The extension of the files that the import reads.
const ENDING: &str = "wandb";
/// The number of records at the start of a file among which the import looks for the run's
/// description.
const FIRST_RECORDS: usize = 16;

/// The files of a run, one for each time that it was started or resumed.
pub(super) struct LoggedRun {
    /// The files in the order of their start times.
    files: Vec<Part>,
    /// The description of the run in its first file.
    run: Run,
    /// The project that the user gave; `None` for the project that the run was logged to.
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

    /// Returns the run's id, which is unique in its project.
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

/// Finds the `.wandb` files in `folder` and its direct subfolders, in the order of their paths. If
/// `folder` is a file, returns only this file. Fails with the path that cannot be read, and the
/// reason.
pub(super) fn find(folder: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    walk::files(folder, 1, |path| path.extension().is_some_and(|ending| ending == ENDING))
}

/// Groups the files into runs. The files of one run have the same id. All files of a run have the
/// same project, unless `project` is given, and the same entity, unless one has no entity. A file
/// with the same start time as one of the run's files becomes a run of its own. Fails with the path
/// that cannot be read, and the reason.
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
            // The entity is empty if an offline client did not know it.
            let of_one = [&known.run.entity, &run.entity].iter().any(|entity| entity.is_empty())
                || known.run.entity == run.entity;
            in_one && of_one && !run.id.is_empty() && known.run.id == run.id
        };
        // Two files with the same start time cannot be parts of the same run.
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

/// Reads the run's description from a file. Returns it with the file's part, which is named after
/// the start time in the description, or else after its path. If the first [`FIRST_RECORDS`]
/// records hold no description, returns an empty one.
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
