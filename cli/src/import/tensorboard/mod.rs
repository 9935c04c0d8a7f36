//! TensorBoard: a folder of event files is a run, and its sub-folders are runs of their own, as TensorBoard shows them. Read
//! by `sweep import tensorboard`.

mod event;
mod framing;
mod reader;
mod value;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use framing::{Next, Records};
use reader::EventReader;

use super::source::{Reader, Source};

/// What the name of every event file has in it.
const EVENTS: &str = "tfevents";

/// A folder with event files.
pub(super) struct EventFolder {
    folder: PathBuf,
    /// By name, which is by time.
    files: Vec<PathBuf>,
    project: String,
    name: String,
}

impl Source for EventFolder {
    fn open(&self) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(EventReader::new(self.files.clone(), &self.project, &self.name)))
    }

    fn path(&self) -> PathBuf {
        self.folder.clone()
    }

    /// The name of the first file, which has the time, the host and mostly the process, and its first record, which has
    /// the time again, and finer.
    fn identity(&self) -> io::Result<Vec<u8>> {
        let Some(first) = self.files.first() else { return Ok(Vec::new()) };
        let mut bytes = first.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
        bytes.push(0);
        if let Next::Record(record) = Records::open(first)?.next()? {
            bytes.extend(record);
        }
        Ok(bytes)
    }

    fn writer(&self) -> &'static str {
        "tensorboard"
    }
}

/// Every folder with event files in `root`, itself among them, in the order of their paths. Links are not followed.
///
/// # Errors
/// The path that cannot be read, and why.
pub(super) fn find(root: &Path, project: &str, name: &str) -> Result<Vec<EventFolder>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| (folder.clone(), error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.file_name().to_string_lossy().contains(EVENTS) {
                files.push(entry.path());
            }
        }
        files.sort();
        if !files.is_empty() {
            let inside = folder.strip_prefix(root).unwrap_or(&folder).to_string_lossy().replace('\\', "/");
            let name = if inside.is_empty() { name.to_owned() } else { format!("{name}/{inside}") };
            found.push(EventFolder { folder, files, project: project.to_owned(), name });
        }
    }
    found.sort_by(|one, other| one.folder.cmp(&other.folder));
    Ok(found)
}
