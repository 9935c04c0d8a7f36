//! Artifacts of a run: logging a version, using one, and downloading its files. A version that is
//! logged is kept in the run's folder; using one asks the controller. Never opens a reference.

use std::{fmt, path::Path, time::Duration};

use blobs::{Cache, Folder, Hashed, Trouble, fetch};
use proto::{
    dial::Authorized,
    v1::{self, ArtifactRef, UseArtifact, artifacts_client::ArtifactsClient},
};
use record::artifact::{Content, Entry};
use serde::de::DeserializeOwned;
use tonic::{Response, Status};

use super::Run;
use crate::{
    calls::{aside, reason},
    endpoint::Endpoint,
    files::{
        artifact::{Artifact, ArtifactError},
        attached::Attached,
    },
};

/// How long [`Logged::wait`] waits when nothing moves any more.
const WAIT: Duration = Duration::from_secs(60);

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
        let endpoint = attached.endpoint().ok_or(ArtifactError::NoController)?;
        attached.reach(self.rows, WAIT).map_err(ArtifactError::Controller)?;
        let wanted = ArtifactRef {
            run: shared.identity.run.clone(),
            name: self.name.clone(),
            digest: self.digest.clone(),
            ..ArtifactRef::default()
        };
        let version = ArtifactVersion::ask(endpoint, async |client| client.get(wanted).await)?;
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
    endpoint: Endpoint,
    about: v1::Artifact,
    entries: Vec<Entry>,
}

impl ArtifactVersion {
    /// Asks for a version, and for what is in it.
    fn ask(
        endpoint: &Endpoint,
        call: impl AsyncFnOnce(&mut Client) -> Result<Response<v1::Artifact>, Status> + Send,
    ) -> Result<Self, ArtifactError> {
        let asked = with_client(endpoint, async |mut client| {
            let about = call(&mut client).await?.into_inner();
            let entries = fetch::manifest(&mut client, &about).await?;
            Ok((about, entries))
        });
        let (about, entries) = asked?.map_err(|trouble| said(&trouble))?;
        Ok(Self { endpoint: endpoint.clone(), about, entries })
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
        let written = with_client(&self.endpoint, async |mut client| {
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
        let read = with_client(&self.endpoint, async |mut client| {
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
        let endpoint =
            shared.attached().and_then(Attached::endpoint).ok_or(ArtifactError::NoController)?;
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
        ArtifactVersion::ask(endpoint, async |client| client.r#use(call).await)
    }
}

type Client = ArtifactsClient<Authorized>;

/// Calls the controller and waits for what it says.
fn with_client<T: Send>(
    endpoint: &Endpoint,
    calls: impl AsyncFnOnce(Client) -> Result<T, Trouble> + Send,
) -> Result<Result<T, Trouble>, ArtifactError> {
    let made = aside(|runtime| {
        let dial = endpoint.dial(runtime)?;
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
