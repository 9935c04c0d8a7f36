//! Where an export goes: stdout, or a file that appears under its name when it is whole and not
//! before. Used by the writers of this folder.

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
/// So many bytes are gathered before they are written to stdout.
const GATHER: usize = 64 << 10;

/// Takes the bytes of an export. Call [`Output::finish`] at its end; what is dropped before leaves
/// no file behind.
pub(crate) enum Output {
    /// What waits for stdout.
    Stdout(Vec<u8>),
    /// The file under its temporary name, and the name that it will have.
    File(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    /// Opens a file beside the one that is to be; `None` and `-` are stdout.
    ///
    /// # Errors
    /// When the folder does not exist or takes no file, or when the path is of something else than
    /// a file.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != STDOUT) else {
            return Ok(Self::Stdout(Vec::new()));
        };
        // A link stays one: the file that it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if target.exists() && !target.is_file() {
            return Err(io::Error::other("it is a device or a pipe"));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        // What a new file may be is the person's umask to say.
        let file = Builder::new()
            .prefix(".sweep-export-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self::File(BufWriter::new(file), target))
    }

    /// Gives the file its name, with everything on the disk. An earlier file of that name is
    /// replaced.
    ///
    /// # Errors
    /// When the file system takes no more.
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

/// What it means that writing there failed.
pub(crate) fn failure(path: Option<&Path>, error: &io::Error) -> Failure {
    let Some(path) = path.filter(|path| path.as_os_str() != STDOUT) else {
        return Failure::new(Exit::Refused, format!("cannot write: {error}"));
    };
    let message =
        format!("cannot write `{}`: {}", sanitise(&path.display().to_string()), source::why(error));
    Failure::new(Exit::Input, message)
        .hint("`--output` wants the path of a file in a folder that exists")
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(waiting) => {
                waiting.extend_from_slice(bytes);
                // Whole lines, so that a terminal gets whole letters.
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
