//! Logs, uses and downloads artifacts. `log_artifact` writes a version into the run's folder, and
//! `use_artifact` fetches a version's description from the controller. The module never opens a
//! reference.

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

/// The time without progress after which [`Logged::wait`] gives up.
const WAIT: Duration = Duration::from_secs(60);

/// A version of an artifact that the run has logged. The version is on this machine's disk. A
/// thread sends it to the controller, which gives it a number.
#[derive(Clone, Debug)]
pub struct Logged {
    run: Run,
    name: String,
    /// The SHA-256 of the manifest; empty in a disabled run.
    digest: String,
    /// The number of rows of the stream `files` up to and including this version's row.
    rows: u64,
}

impl Logged {
    /// Waits until the controller has the version, and returns it. The wait continues while uploads
    /// make progress, and fails after a minute without progress.
    ///
    /// # Errors
    /// Fails with [`ArtifactError::NoController`] if the run is offline or disabled. Also fails if
    /// the controller does not answer or refuses, if it has other content for the version, or if
    /// the run ends before the version is sent.
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
                "the controller has different content for {version}"
            )))
        }
    }
}

/// A version of an artifact that the controller has stored, with its manifest.
#[derive(Clone, Debug)]
pub struct ArtifactVersion {
    endpoint: Endpoint,
    about: v1::Artifact,
    entries: Vec<Entry>,
}

impl ArtifactVersion {
    /// Fetches the description of a version and its manifest from the controller.
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

    /// Returns the artifact's name.
    pub fn name(&self) -> &str {
        &self.about.name
    }

    /// Returns the artifact's kind, such as "model" or "dataset".
    pub fn kind(&self) -> &str {
        &self.about.r#type
    }

    /// Returns the version's number, counted from 0 for each artifact name. People write it as
    /// `v0`, `v1`, ...
    pub fn version(&self) -> u64 {
        self.about.version
    }

    /// Returns the SHA-256 of the manifest. The same content has the same digest in every run.
    pub fn digest(&self) -> &str {
        &self.about.digest
    }

    /// Returns the aliases that the version had when the SDK fetched it.
    pub fn aliases(&self) -> &[String] {
        &self.about.aliases
    }

    /// Returns the metadata that [`Artifact::set_metadata`] gave the version.
    ///
    /// # Errors
    /// Fails if the metadata cannot be deserialized as a `T`; the error names the field.
    pub fn metadata<T: DeserializeOwned>(&self) -> Result<T, ArtifactError> {
        serde_json::from_str(&self.about.metadata_json).map_err(|error| ArtifactError::Content {
            name: self.to_string(),
            reason: format!("its metadata does not fit: {error}"),
        })
    }

    /// Returns the version's files and references, in the order of their paths.
    pub fn files(&self) -> Vec<ArtifactFile> {
        let file = |Entry { path, content }: &Entry| match content {
            Content::Blob { size, .. } => {
                ArtifactFile { path: path.clone(), size: *size, reference: None }
            }
            Content::Reference { url, .. } => {
                ArtifactFile { path: path.clone(), size: 0, reference: Some(url.clone()) }
            }
        };
        self.entries.iter().map(file).collect()
    }

    /// Downloads the files of the version into `folder`, which the call makes if it is missing. The
    /// call replaces existing files with the same names, and verifies the hash of each file.
    /// Contents in this machine's cache are not downloaded again. The call does not open
    /// references.
    ///
    /// # Errors
    /// Fails if a file cannot be fetched or written. Files that the call wrote before the failure
    /// are intact.
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

    /// Returns the content of one file of the version, from this machine's cache or from the
    /// controller.
    ///
    /// # Errors
    /// Fails if the version has no such file, if the path is a reference, or if the file cannot be
    /// fetched.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, ArtifactError> {
        let wrong = |reason: String| ArtifactError::Content { name: self.to_string(), reason };
        let entry = self.entries.iter().find(|entry| entry.path == path);
        let content = match entry.map(|entry| &entry.content) {
            Some(Content::Blob { sha256, size }) => Hashed { sha256: sha256.clone(), size: *size },
            Some(Content::Reference { url, .. }) => {
                return Err(wrong(format!(
                    "`{path}` is a reference to {url}, which Besom does not open"
                )));
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
    /// Writes the name and the version's number, such as `digits:v3`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:v{}", self.about.name, self.about.version)
    }
}

impl Run {
    /// Logs a version of an artifact. If the project has a version of this name with the same
    /// content, the controller makes no new version. The call copies the artifact's files into the
    /// run's folder, and a separate thread sends them. Once the call has returned, the version is
    /// as durable as the run's rows.
    ///
    /// # Errors
    /// Fails if a file cannot be read or copied, or if a name, a path, an alias or the metadata is
    /// not valid. After an error, usually nothing is logged. If only the version's row could not be
    /// written, the next stored file may still write this row, which logs the version.
    pub fn log_artifact(&self, artifact: &Artifact) -> Result<Logged, ArtifactError> {
        let (digest, rows) = match self.shared().attached() {
            Some(attached) => attached.artifact(artifact)?,
            None => Default::default(),
        };
        Ok(Logged { run: self.clone(), name: artifact.name.clone(), digest, rows })
    }

    /// Returns a version for this run to use; the controller records that the run uses it. `name`
    /// is `digits`, `digits:v3` or `digits:best`, where `best` is an alias. A name without a
    /// version means the version with the alias `latest`. `shared/digits:v3` names an artifact of
    /// the project `shared`; reading from another project needs the controller's token. The call
    /// waits for the controller and fetches the manifest, but no file.
    ///
    /// # Errors
    /// Fails with [`ArtifactError::NoController`] if the run is offline or disabled. Also fails if
    /// the version does not exist, or if the controller does not answer.
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

/// Runs `calls` with a client of the controller on a separate thread, and waits for the result.
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

/// A file or reference in a version of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArtifactFile {
    /// The path of the file or reference in the artifact.
    pub path: String,
    /// The size in bytes; 0 for a reference.
    pub size: u64,
    /// The URL of a reference, whose content is stored elsewhere; `None` for a file.
    pub reference: Option<String>,
}
