//! Reads TensorBoard's files. Each folder with event files is a run. Its subfolders with event
//! files are runs of their own, as in TensorBoard. `sweep import tensorboard` uses this module.

mod event;
mod framing;
mod reader;
mod restarts;
mod value;

use std::{
    io,
    path::{Path, PathBuf},
};

use framing::{Next, Records};
use reader::EventReader;

use super::{
    source::{Part, Reader, Source},
    walk::{self, Unreadable},
};

/// The text that the name of every event file contains.
const EVENTS: &str = "tfevents";

/// A folder with event files.
pub(super) struct EventFolder {
    folder: PathBuf,
    /// The event files in the order of their names, which is the order of their times.
    files: Vec<Part>,
    project: String,
    name: String,
}

impl Source for EventFolder {
    fn parts(&self) -> &[Part] {
        &self.files
    }

    fn open(&self, parts: &[Part]) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(EventReader::new(parts, &self.project, &self.name)?))
    }

    fn path(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Returns the name and the first record of the first file. The name contains the time and the
    /// host, and the record contains the time. Two writers that start on one host at the same time
    /// have the same name and record.
    fn identity(&self) -> io::Result<Vec<u8>> {
        let Some(first) = self.files.first() else { return Ok(Vec::new()) };
        let mut bytes = first.name.as_bytes().to_vec();
        bytes.push(0);
        if let Next::Record(record) = Records::open(first)?.next()? {
            bytes.extend(record);
        }
        Ok(bytes)
    }

    fn id(&self) -> Option<&str> {
        None
    }

    fn writer(&self) -> &'static str {
        "tensorboard"
    }
}

/// Finds every folder with event files in `root`, including `root` itself, in the order of their
/// paths. `root` may be an event file. Fails with the path that cannot be read, and the reason.
pub(super) fn find(root: &Path, project: &str, name: &str) -> Result<Vec<EventFolder>, Unreadable> {
    let is_wanted =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(EVENTS));
    let mut found: Vec<EventFolder> = Vec::new();
    let mut files = walk::files(root, usize::MAX, is_wanted)?;
    files.sort_by(|one, other| (one.parent(), one).cmp(&(other.parent(), other)));
    for path in files {
        // The parent of a bare file name is the empty path.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).to_owned();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let part = Part::of(path.clone(), file_name).map_err(|error| (path, error))?;
        if let Some(last) = found.last_mut().filter(|last| last.folder == folder) {
            last.files.push(part);
            continue;
        }
        let inside =
            folder.strip_prefix(root).map(|inside| inside.to_string_lossy().replace('\\', "/"));
        let name = match inside {
            Ok(inside) if !inside.is_empty() => format!("{name}/{inside}"),
            _ => name.to_owned(),
        };
        found.push(EventFolder { folder, files: vec![part], project: project.to_owned(), name });
    }
    Ok(found)
}
