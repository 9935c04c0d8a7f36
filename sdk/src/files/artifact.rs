//! Builds artifacts: named, versioned sets of files. A run stores an artifact like its other files:
//! the contents and the manifest go into the run's folder, then a row names them. So a version is
//! as durable as the run's rows. The module never opens a reference and never calls the controller.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use blobs::Hashed;
use proto::dial::BadAddress;
use record::artifact::{ArtifactRow, Content, Entry, manifest};
use serde::Serialize;

use super::store::{Files, Source};
use crate::error::speak;

/// A version of an artifact that a program builds: a name with a list of files and references.
/// [`Run::log_artifact`](crate::Run::log_artifact) reads the files and logs the version.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let run = besom::init().start()?;
/// let mut model = besom::Artifact::new("digits", "model");
/// model.add_file("model.ot")?;
/// model.add_alias("best");
/// run.log_artifact(&model)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Artifact {
    pub(crate) name: String,
    kind: String,
    metadata: Result<String, String>,
    aliases: Vec<String>,
    entries: Vec<(String, Input)>,
}

/// The source of an entry's content.
#[derive(Clone, Debug)]
enum Input {
    File(PathBuf),
    Bytes(Arc<[u8]>),
    Reference(String),
}

/// The error of building, logging, using or downloading an artifact.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// A file or folder cannot be read, is not of the expected kind, has a name that is not UTF-8,
    /// or cannot be copied into the run's folder.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// A downloaded file cannot be written, or the folder for the download cannot be made.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// A name, a path, an alias or the metadata is not valid. Or the path to read is no file of the
    /// artifact, or the artifact's manifest or row cannot be stored.
    #[error("the artifact `{name}`: {reason}")]
    Content {
        /// The artifact's name.
        name: String,
        /// The part of the artifact that is wrong, and the reason.
        reason: String,
    },
    /// The run has no controller, because the run is offline or disabled.
    #[error(
        "a run without a controller cannot use an artifact, and cannot get the number of a version \
        that it has logged"
    )]
    NoController,
    /// The address of the controller, or the token, does not have a valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// The controller does not answer, refuses, or sends other content than the version has. The
    /// field is the reason.
    #[error("{0}")]
    Controller(String),
}

speak!(ArtifactError);

impl Artifact {
    /// Makes an artifact without files. `name` identifies the artifact within a project, and the
    /// controller numbers the versions of each name. `kind` is the kind of the artifact, such as
    /// "model" or "dataset". A name and a kind may have letters, digits, `-`, `_` and `.`;
    /// [`Run::log_artifact`](crate::Run::log_artifact) checks this.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        let (name, kind) = (name.into(), kind.into());
        Self { name, kind, metadata: Ok(String::new()), aliases: Vec::new(), entries: Vec::new() }
    }

    /// Sets the metadata of the artifact, such as a report. The call replaces the metadata of an
    /// earlier call. `metadata` must serialize as a JSON object;
    /// [`Run::log_artifact`](crate::Run::log_artifact) checks this.
    pub fn set_metadata(&mut self, metadata: &impl Serialize) {
        self.metadata = serde_json::to_string(metadata).map_err(|error| error.to_string());
    }

    /// Adds an alias: another name for this version, besides its number and `latest`. If an older
    /// version has the alias, the alias moves from it to this version.
    pub fn add_alias(&mut self, alias: impl Into<String>) {
        self.aliases.push(alias.into());
    }

    /// Adds a file under the last part of its path. The file is read when the artifact is logged.
    ///
    /// # Errors
    /// Fails if the file does not exist, if it is not a regular file, or if its name is not UTF-8.
    pub fn add_file(&mut self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        let path = path.as_ref();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| unreadable(path, "its name is not UTF-8"))?;
        self.add_file_as(path, name)
    }

    /// Adds a file under the path `name` in the artifact. The path `name` is relative, with `/`
    /// between its parts. The file is read when the artifact is logged.
    ///
    /// # Errors
    /// Fails if the file does not exist, or if it is not a regular file.
    pub fn add_file_as(&mut self, path: impl AsRef<Path>, name: &str) -> Result<(), ArtifactError> {
        let path = path.as_ref();
        let about = fs::metadata(path)
            .map_err(|source| ArtifactError::Read { path: path.into(), source })?;
        if !about.is_file() {
            return Err(unreadable(path, "it is not a file"));
        }
        self.entries.push((name.to_owned(), Input::File(path.to_owned())));
        Ok(())
    }

    /// Adds every file in a folder and its sub-folders, under the file's path relative to that
    /// folder.
    ///
    /// # Errors
    /// Fails if the folder cannot be read, or if a name is not UTF-8. Also fails if the folder
    /// contains anything other than files and folders. A link to a folder is an error too, because
    /// such links could form a cycle.
    pub fn add_dir(&mut self, folder: impl AsRef<Path>) -> Result<(), ArtifactError> {
        self.add_below(folder.as_ref(), "")
    }

    /// Adds every file in `folder` and its sub-folders like [`Artifact::add_dir`], under the folder
    /// `name` of the artifact.
    ///
    /// # Errors
    /// Fails like [`Artifact::add_dir`].
    pub fn add_dir_as(
        &mut self,
        folder: impl AsRef<Path>,
        name: &str,
    ) -> Result<(), ArtifactError> {
        self.add_below(folder.as_ref(), &format!("{}/", name.trim_end_matches('/')))
    }

    fn add_below(&mut self, folder: &Path, prefix: &str) -> Result<(), ArtifactError> {
        let read = |source| ArtifactError::Read { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(read)?);
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| unreadable(&path, "its name is not UTF-8"))?;
            match kind.is_dir() {
                true => self.add_below(&path, &format!("{prefix}{name}/"))?,
                false => self.add_file_as(&path, &format!("{prefix}{name}"))?,
            }
        }
        Ok(())
    }

    /// Adds a file with content from memory, under the path `name` in the artifact.
    pub fn add_bytes(&mut self, name: &str, content: impl Into<Arc<[u8]>>) {
        self.entries.push((name.to_owned(), Input::Bytes(content.into())));
    }

    /// Adds a reference under the path `name`: the URL of data that is stored elsewhere. The SDK
    /// never opens the URL. A different URL makes a different version.
    pub fn add_reference(&mut self, url: impl Into<String>, name: &str) {
        self.entries.push((name.to_owned(), Input::Reference(url.into())));
    }

    fn wrong(&self, reason: impl ToString) -> ArtifactError {
        ArtifactError::Content { name: self.name.clone(), reason: reason.to_string() }
    }

    /// Stores the artifact's contents, its manifest and its row. Returns the digest of the
    /// manifest.
    pub(crate) fn keep(&self, files: &Files) -> Result<String, ArtifactError> {
        let metadata = self.metadata.clone().map_err(|error| self.wrong(error))?;
        let mut row = ArtifactRow {
            name: self.name.clone(),
            kind: self.kind.clone(),
            digest: Hashed::of(b"").sha256,
            size: 0,
            metadata,
            aliases: self.aliases.clone(),
        };
        // The names are checked before any file is copied, so an invalid artifact fails at once.
        row.check().map_err(|bad| self.wrong(bad))?;
        let mut named: Vec<Entry> =
            self.entries.iter().map(|(name, input)| input.named(name)).collect();
        manifest(&mut named).map_err(|bad| self.wrong(bad))?;
        let mut entries = Vec::new();
        for (path, input) in &self.entries {
            let content = input.keep(files)?;
            entries.push(Entry { path: path.clone(), content });
        }
        let text = manifest(&mut entries).map_err(|bad| self.wrong(bad))?;
        let kept =
            files.content(Source::Bytes(text.as_bytes())).map_err(|error| self.wrong(error))?;
        (row.digest, row.size) = (kept.sha256, kept.size);
        files.artifact(&row).map_err(|error| self.wrong(error))?;
        Ok(row.digest)
    }
}

impl Input {
    /// Returns a manifest entry for the check of the paths. The content is not read yet, so the
    /// entry has the hash and size of an empty file.
    fn named(&self, path: &str) -> Entry {
        let content = match self {
            Self::Reference(url) => Content::reference(url),
            Self::File(_) | Self::Bytes(_) => {
                Content::Blob { sha256: Hashed::of(b"").sha256, size: 0 }
            }
        };
        Entry { path: path.to_owned(), content }
    }

    fn keep(&self, files: &Files) -> Result<Content, ArtifactError> {
        let (kept, path) = match self {
            Self::Reference(url) => return Ok(Content::reference(url)),
            Self::Bytes(bytes) => (files.content(Source::Bytes(bytes)), Path::new("(bytes)")),
            Self::File(path) => (files.content(Source::File(path)), path.as_path()),
        };
        let Hashed { sha256, size } =
            kept.map_err(|source| ArtifactError::Read { path: path.to_owned(), source })?;
        Ok(Content::Blob { sha256, size })
    }
}

fn unreadable(path: &Path, reason: &str) -> ArtifactError {
    ArtifactError::Read {
        path: path.to_owned(),
        source: io::Error::new(ErrorKind::InvalidInput, reason),
    }
}
