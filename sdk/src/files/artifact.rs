//! Artifacts: named, versioned sets of files that runs make and use. Logged as any file of a run:
//! contents and manifest into the run's folder, then a row that names them, so that a version
//! survives whatever the rows survive. Using one asks the controller. Never opens a reference.

use std::{
    fmt, fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use blobs::{Cache, Folder, Hashed, Trouble, fetch};
use proto::{
    dial::{Authorized, BadAddress, Dial},
    v1::{self, ArtifactRef, UseArtifact, artifacts_client::ArtifactsClient},
};
use record::artifact::{ArtifactRow, Content, Entry, manifest};
use serde::{Serialize, de::DeserializeOwned};
use tonic::{Response, Status};

use super::{
    attached::Attached,
    store::{Files, Source},
};
use crate::{
    rows::sender::{aside, reason},
    run::{Run, init::Way},
};

/// How long [`Logged::wait`] waits when nothing moves any more.
const WAIT: Duration = Duration::from_secs(60);

/// A version of an artifact in the making: what it is called and what is in it. The files are read
/// when it is logged.
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
    name: String,
    kind: String,
    metadata: Result<String, String>,
    aliases: Vec<String>,
    entries: Vec<(String, Input)>,
}

/// Where the content of an entry comes from.
#[derive(Clone, Debug)]
enum Input {
    File(PathBuf),
    Bytes(Arc<[u8]>),
    Reference(String),
}

/// What can go wrong with an artifact.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name, a path, an alias or the metadata cannot be kept.
    #[error("the artifact `{name}`: {reason}")]
    Content {
        /// The artifact.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The run has no controller: it is offline or disabled.
    #[error(
        "a run without a controller cannot use an artifact, nor learn the number of one that it \
        has logged"
    )]
    NoController,
    /// The address or the token has no valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// The controller does not answer, or refuses.
    #[error("{0}")]
    Controller(String),
}

impl Artifact {
    /// An artifact without files. `name` is what versions are counted by within a project, `kind`
    /// what it is: "model", "dataset". Both have letters, digits, `-`, `_` and `.`, which
    /// [`Run::log_artifact`] checks.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        let (name, kind) = (name.into(), kind.into());
        Self { name, kind, metadata: Ok(String::new()), aliases: Vec::new(), entries: Vec::new() }
    }

    /// What else is known of it: anything that is a JSON object, in place of what was said before.
    pub fn set_metadata(&mut self, metadata: &impl Serialize) {
        self.metadata = serde_json::to_string(metadata).map_err(|error| error.to_string());
    }

    /// Another name for this version, beside its number and `latest`; it moves here from the
    /// version that had it.
    pub fn add_alias(&mut self, alias: impl Into<String>) {
        self.aliases.push(alias.into());
    }

    /// A file, under its own name.
    ///
    /// # Errors
    /// When there is none, or its name is no UTF-8.
    pub fn add_file(&mut self, path: impl AsRef<Path>) -> Result<(), ArtifactError> {
        let path = path.as_ref();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| unreadable(path, "its name is no UTF-8"))?;
        self.add_file_as(path, name)
    }

    /// A file, under a path of its own in the artifact: relative, `/` between its parts.
    ///
    /// # Errors
    /// When there is none.
    pub fn add_file_as(&mut self, path: impl AsRef<Path>, name: &str) -> Result<(), ArtifactError> {
        let path = path.as_ref();
        let about = fs::metadata(path)
            .map_err(|source| ArtifactError::Read { path: path.into(), source })?;
        if !about.is_file() {
            return Err(unreadable(path, "it is no file"));
        }
        self.entries.push((name.to_owned(), Input::File(path.to_owned())));
        Ok(())
    }

    /// Every file below a folder, under its path from there.
    ///
    /// # Errors
    /// When the folder cannot be read, or has something in it that is neither a file nor a folder,
    /// or a link to a folder, which could lead round in a circle.
    pub fn add_dir(&mut self, folder: impl AsRef<Path>) -> Result<(), ArtifactError> {
        self.add_below(folder.as_ref(), "")
    }

    /// As [`Artifact::add_dir`], below a folder `name` of the artifact.
    ///
    /// # Errors
    /// As [`Artifact::add_dir`].
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
            let name = name.to_str().ok_or_else(|| unreadable(&path, "its name is no UTF-8"))?;
            match kind.is_dir() {
                true => self.add_below(&path, &format!("{prefix}{name}/"))?,
                false => self.add_file_as(&path, &format!("{prefix}{name}"))?,
            }
        }
        Ok(())
    }

    /// A file from memory.
    pub fn add_bytes(&mut self, name: &str, content: impl Into<Arc<[u8]>>) {
        self.entries.push((name.to_owned(), Input::Bytes(content.into())));
    }

    /// Something that is kept elsewhere, by its URL. Nobody opens it: the version changes when the
    /// URL does.
    pub fn add_reference(&mut self, url: impl Into<String>, name: &str) {
        self.entries.push((name.to_owned(), Input::Reference(url.into())));
    }

    fn wrong(&self, reason: impl ToString) -> ArtifactError {
        ArtifactError::Content { name: self.name.clone(), reason: reason.to_string() }
    }

    /// Keeps contents, manifest and row; answers the digest.
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
        // Before anything is copied.
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
    /// An entry with what is known before anything is read.
    fn named(&self, path: &str) -> Entry {
        let content = match self {
            Self::Reference(url) => Content::Reference(url.clone()),
            Self::File(_) | Self::Bytes(_) => {
                Content::Blob { sha256: Hashed::of(b"").sha256, size: 0 }
            }
        };
        Entry { path: path.to_owned(), content }
    }

    fn keep(&self, files: &Files) -> Result<Content, ArtifactError> {
        let (kept, path) = match self {
            Self::Reference(url) => return Ok(Content::Reference(url.clone())),
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

/// A version that was logged: it is on this machine's disk, and on its way to the controller, which
/// gives it a number.
#[derive(Clone, Debug)]
pub struct Logged {
    run: Run,
    name: String,
    /// SHA-256 of its manifest; empty in a run of which nothing is kept.
    digest: String,
    /// Rows of files that the controller has once it has this one.
    rows: u64,
}

impl Logged {
    /// Waits until the controller has it, as long as something moves and up to a minute more.
    ///
    /// # Errors
    /// [`ArtifactError::NoController`] offline; else when the controller does not answer or
    /// refuses.
    pub fn wait(&self) -> Result<ArtifactVersion, ArtifactError> {
        let shared = self.run.shared();
        let attached = shared.attached().ok_or(ArtifactError::NoController)?;
        let way = attached.way().ok_or(ArtifactError::NoController)?;
        attached.reach(self.rows, WAIT).map_err(ArtifactError::Controller)?;
        let wanted = ArtifactRef {
            run: shared.identity.run.clone(),
            name: self.name.clone(),
            digest: self.digest.clone(),
            ..ArtifactRef::default()
        };
        let version = ArtifactVersion::ask(way, async |client| client.get(wanted).await)?;
        if version.digest() == self.digest {
            Ok(version)
        } else {
            Err(ArtifactError::Controller(format!(
                "the controller has another content as {version}"
            )))
        }
    }
}

/// A version of an artifact, as the controller has it.
#[derive(Clone, Debug)]
pub struct ArtifactVersion {
    way: Way,
    about: v1::Artifact,
    entries: Vec<Entry>,
}

impl ArtifactVersion {
    /// Asks for a version, and for what is in it.
    fn ask(
        way: &Way,
        call: impl AsyncFnOnce(&mut Client) -> Result<Response<v1::Artifact>, Status> + Send,
    ) -> Result<Self, ArtifactError> {
        let asked = with_client(way, async |mut client| {
            let about = call(&mut client).await?.into_inner();
            let entries = fetch::manifest(&mut client, &about).await?;
            Ok((about, entries))
        });
        let (about, entries) = asked?.map_err(|trouble| said(&trouble))?;
        Ok(Self { way: way.clone(), about, entries })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// What it is: "model", "dataset".
    pub fn kind(&self) -> &str {
        &self.about.r#type
    }

    /// Its number among the versions of its name: 0, 1, ..., which people write `v0`, `v1`.
    pub fn version(&self) -> u64 {
        self.about.version
    }

    /// SHA-256 of its manifest: the same content has the same digest, whoever logged it.
    pub fn digest(&self) -> &str {
        &self.about.digest
    }

    /// What it was called when it was asked for, beside its number.
    pub fn aliases(&self) -> &[String] {
        &self.about.aliases
    }

    /// What else is known of it.
    ///
    /// # Errors
    /// When it does not fit `T`; the error names the field.
    pub fn metadata<T: DeserializeOwned>(&self) -> Result<T, ArtifactError> {
        serde_json::from_str(&self.about.metadata_json).map_err(|error| ArtifactError::Content {
            name: self.to_string(),
            reason: format!("its metadata: {error}"),
        })
    }

    /// Its files and references by path.
    pub fn files(&self) -> Vec<ArtifactFile> {
        let file = |Entry { path, content }: &Entry| match content {
            Content::Blob { size, .. } => {
                ArtifactFile { path: path.clone(), size: *size, reference: None }
            }
            Content::Reference(url) => {
                ArtifactFile { path: path.clone(), size: 0, reference: Some(url.clone()) }
            }
        };
        self.entries.iter().map(file).collect()
    }

    /// Writes its files below `folder`, which is made when it is missing, in place of files that
    /// have their names. Each is verified by its hash; what this machine has had before comes from
    /// its cache. References are not opened.
    ///
    /// # Errors
    /// When a file does not come or cannot be written; those before it are whole.
    pub fn download(&self, folder: impl AsRef<Path>) -> Result<(), ArtifactError> {
        let path = folder.as_ref();
        let unwritable = |source| ArtifactError::Write { path: path.to_owned(), source };
        let folder = Folder::open(path).map_err(unwritable)?;
        let (about, entries, cache) = (&self.about, &self.entries, Cache::of_user());
        let written = with_client(&self.way, async |mut client| {
            fetch::write(&mut client, about, entries, &folder, &cache, |_| {}).await
        });
        written?.map_err(|trouble| match trouble {
            Trouble::Local(source) => unwritable(source),
            trouble => said(&trouble),
        })
    }

    /// The content of one file.
    ///
    /// # Errors
    /// When there is no such file, it is a reference, or it does not come.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, ArtifactError> {
        let wrong = |reason: String| ArtifactError::Content { name: self.to_string(), reason };
        let entry = self.entries.iter().find(|entry| entry.path == path);
        let content = match entry.map(|entry| &entry.content) {
            Some(Content::Blob { sha256, size }) => Hashed { sha256: sha256.clone(), size: *size },
            Some(Content::Reference(url)) => {
                return Err(wrong(format!("`{path}` is a reference to {url}, which nobody opens")));
            }
            None => return Err(wrong(format!("it has no file `{path}`"))),
        };
        let (about, cache) = (&self.about, Cache::of_user());
        let read = with_client(&self.way, async |mut client| {
            fetch::read(&mut client, about, path, &content, &cache).await
        });
        read?.map_err(|trouble| said(&trouble))
    }
}

impl fmt::Display for ArtifactVersion {
    /// `name:v3`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:v{}", self.about.name, self.about.version)
    }
}

impl Run {
    /// Logs a version of an artifact: a new one if the newest with this name and content is none
    /// yet, else that one. Reads and copies its files into the run's folder, from where they are
    /// sent; whatever this returns for is not lost.
    ///
    /// # Errors
    /// When a file cannot be read or copied, or a name, a path, an alias or the metadata cannot be
    /// kept: then nothing is logged.
    pub fn log_artifact(&self, artifact: &Artifact) -> Result<Logged, ArtifactError> {
        let (digest, rows) = match self.shared().attached() {
            Some(attached) => attached.artifact(artifact)?,
            None => Default::default(),
        };
        Ok(Logged { run: self.clone(), name: artifact.name.clone(), digest, rows })
    }

    /// A version that this run uses, which the controller notes: `digits`, `digits:v3`,
    /// `digits:best`, or with another project's name before it, `shared/digits:v3`, for which the
    /// program needs the controller's token. Without a version it is the latest.
    ///
    /// # Errors
    /// [`ArtifactError::NoController`] offline; else when there is no such version, or the
    /// controller does not answer.
    pub fn use_artifact(&self, name: &str) -> Result<ArtifactVersion, ArtifactError> {
        let shared = self.shared();
        let way = shared.attached().and_then(Attached::way).ok_or(ArtifactError::NoController)?;
        let (project, rest) = name.rsplit_once('/').unwrap_or(("", name));
        let (name, version) = rest.split_once(':').unwrap_or((rest, ""));
        let artifact = ArtifactRef {
            project: project.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            ..ArtifactRef::default()
        };
        let (run, attempt) = (shared.identity.run.clone(), shared.identity.attempt);
        let call = UseArtifact { run, attempt, artifact: Some(artifact) };
        ArtifactVersion::ask(way, async |client| client.r#use(call).await)
    }
}

type Client = ArtifactsClient<Authorized>;

/// Calls the controller and waits for what it says.
fn with_client<T: Send>(
    way: &Way,
    calls: impl AsyncFnOnce(Client) -> Result<T, Trouble> + Send,
) -> Result<Result<T, Trouble>, ArtifactError> {
    let made = aside(|runtime| {
        let dial = {
            let _inside = runtime.enter();
            Dial::new(&way.controller, way.token.as_deref())?
        };
        Ok(runtime.block_on(calls(dial.artifacts())))
    });
    made.map_err(|error| ArtifactError::Controller(format!("cannot start a thread: {error}")))?
}

fn said(trouble: &Trouble) -> ArtifactError {
    ArtifactError::Controller(match trouble {
        Trouble::Remote(status) => reason(status),
        trouble => trouble.to_string(),
    })
}

/// A file of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArtifactFile {
    /// Its path in the artifact.
    pub path: String,
    /// Its size in bytes; 0 for a reference.
    pub size: u64,
    /// The URL, if it is a reference: its content is kept elsewhere.
    pub reference: Option<String>,
}
