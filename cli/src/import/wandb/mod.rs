//! W&B: a folder that its client wrote offline is a run; one file in it, `run-ID.wandb`, has everything but media. Read by
//! `sweep import wandb`.

mod framing;
mod message;
mod reader;
mod values;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use framing::{Next, Records};
use reader::OfflineReader;

use super::source::{Reader, Source};

/// How the names of the files that we read end.
const ENDING: &str = "wandb";

/// The file of an offline run.
pub(super) struct OfflineRun {
    file: PathBuf,
    /// In place of the one that the run itself names.
    project: Option<String>,
}

impl Source for OfflineRun {
    fn open(&self) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(OfflineReader::open(&self.file, self.project.as_deref())?))
    }

    fn path(&self) -> PathBuf {
        self.file.clone()
    }

    /// The name of the file and its first two records: the client's version, and the run with its id, its times and its host.
    fn identity(&self) -> io::Result<Vec<u8>> {
        let mut bytes = self.file.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
        let mut records = Records::open(&self.file)?;
        for number in 0..2 {
            // The number keeps the parts apart.
            bytes.push(number);
            if let Next::Record(record) = records.next()? {
                bytes.extend(record);
            }
        }
        Ok(bytes)
    }

    fn writer(&self) -> &'static str {
        "wandb"
    }
}

/// The offline runs in `folder`, and in the folders in it, in the order of their paths. A file of a run may be given itself.
///
/// # Errors
/// The path that cannot be read, and why.
pub(super) fn find(folder: &Path, project: Option<&str>) -> Result<Vec<OfflineRun>, (PathBuf, io::Error)> {
    let mut files = Vec::new();
    if folder.is_file() {
        files.push(folder.to_owned());
    } else {
        let folders = look(folder, &mut files)?;
        for inner in folders {
            look(&inner, &mut files)?;
        }
    }
    files.sort();
    Ok(files.into_iter().map(|file| OfflineRun { file, project: project.map(str::to_owned) }).collect())
}

/// Adds the runs' files that lie in a folder; answers the folders in it. Links, such as `latest-run`, are not followed.
fn look(folder: &Path, files: &mut Vec<PathBuf>) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |error| (folder.to_owned(), error);
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() {
            folders.push(path);
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == ENDING) {
            files.push(path);
        }
    }
    Ok(folders)
}
