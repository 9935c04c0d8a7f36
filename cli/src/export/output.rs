//! Writes an export to stdout, or to a file that appears under its name only when it is complete.
//! The writers of this folder use this module.

use std::{
    fs::{self, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};
use terminal::{Exit, Failure, sanitise};

use crate::source;

/// The path that means stdout.
pub(super) const STDOUT: &str = "-";
/// The number of bytes that are gathered before a write to stdout.
const GATHER: usize = 64 << 10;

/// The destination of an export. Call [`Output::finish`] at the end. An output that is dropped
/// without this call leaves no file behind.
pub(crate) enum Output {
    /// The bytes that wait for stdout.
    Stdout(Vec<u8>),
    /// The file, which still has a temporary name, and its final path.
    File(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    /// Opens a temporary file in the folder of the final file. If `path` is `None` or `-`, the
    /// output is stdout. Fails if the folder does not exist, if no file can be created in it, or if
    /// the path names something other than a file.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != STDOUT) else {
            return Ok(Self::Stdout(Vec::new()));
        };
        // If the path is a symbolic link to a file, the export replaces that file, and the link
        // stays. A broken link is itself replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if target.exists() && !target.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        // The user's umask reduces these permissions, as it does for any new file.
        let file = Builder::new()
            .prefix(".sweep-export-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self::File(BufWriter::new(file), target))
    }

    /// Writes the last bytes. Syncs a file and gives it its name, which replaces an earlier file of
    /// that name. Fails if the file cannot be written, synced or renamed.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        if let Self::File(file, path) = self {
            let file = file.into_inner()?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
        }
        Ok(())
    }
}

/// Returns the failure for an error while writing to `path`.
pub(crate) fn failure(path: Option<&Path>, error: &io::Error) -> Failure {
    let Some(path) = path.filter(|path| path.as_os_str() != STDOUT) else {
        return Failure::new(Exit::Refused, format!("cannot write: {error}"));
    };
    let message =
        format!("cannot write `{}`: {}", sanitise(&path.display().to_string()), source::why(error));
    Failure::new(Exit::Input, message)
        .hint("`--output` needs the path of a file in an existing folder")
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(waiting) => {
                waiting.extend_from_slice(bytes);
                // Every write but the last ends at a line end, so that no write cuts a character
                // for the terminal.
                if waiting.len() >= GATHER
                    && let Some(end) = waiting.iter().rposition(|byte| *byte == b'\n')
                {
                    terminal::bytes(&waiting[..=end]);
                    waiting.drain(..=end);
                }
                Ok(bytes.len())
            }
            Self::File(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(waiting) => {
                terminal::bytes(waiting);
                waiting.clear();
                Ok(())
            }
            Self::File(file, _) => file.flush(),
        }
    }
}
