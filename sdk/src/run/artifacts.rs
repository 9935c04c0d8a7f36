//! Logs, uses and downloads artifacts of a run. A logged version goes into the run's folder. Using
//! a version asks the controller. The module never opens a reference.

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

/// The time that [`Logged::wait`] waits after the last progress.
const WAIT: Duration = Duration::from_secs(60);

/// A version that was logged. It is on this machine's disk and on its way to the controller, which
/// numbers it.
#[derive(Clone, Debug)]
pub struct Logged {
    run: Run,
    name: String,
    /// The SHA-256 of the manifest; empty in a disabled run.
    digest: String,
    /// The number of rows of files that the controller must have to have this version.
    rows: u64,
}

impl Logged {
    /// Waits until the controller has the version. The wait continues while data moves, and gives
    /// up a minute after the last progress.
    ///
    /// # Errors
    /// Fails with [`ArtifactError::NoController`] if the run is offline or disabled. Otherwise
    /// fails if the controller does not answer or refuses, or if the run ends first.
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

/// A version of an artifact that the controller has.
#[derive(Clone, Debug)]
pub struct ArtifactVersion {
    endpoint: Endpoint,
    about: v1::Artifact,
    entries: Vec<Entry>,
}

impl ArtifactVersion {
    /// Asks the controller for a version and for its manifest.
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

    /// Returns the number of the version among the versions of its name, from 0. Its written form
    /// is `v0`, `v1`, ...
    pub fn version(&self) -> u64 {
        self.about.version
    }

    /// Returns the SHA-256 of the manifest. The same content has the same digest in every run.
    pub fn digest(&self) -> &str {
        &self.about.digest
    }

    /// Returns the aliases that the version had when the controller was asked.
    pub fn aliases(&self) -> &[String] {
        &self.about.aliases
    }

    /// Returns the metadata that the program set with [`Artifact::set_metadata`].
    ///
    /// # Errors
    /// Fails if the metadata does not fit `T`; the error names the field.
    pub fn metadata<T: DeserializeOwned>(&self) -> Result<T, ArtifactError> {
        serde_json::from_str(&self.about.metadata_json).map_err(|error| ArtifactError::Content {
            name: self.to_string(),
            reason: format!("its metadata does not fit: {error}"),
        })
    }

    /// Returns the files and references, in the order of their paths.
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

    /// Downloads the files into `folder`, which is made if it is missing. Existing files with the
    /// same names are replaced. The hash of each file is verified. Files that this machine had
    /// before come from the cache. References are not opened.
    ///
    /// # Errors
    /// Fails if a file cannot be fetched or written. The files before it are intact.
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

    /// Returns the content of one file, from the cache or from the controller.
    ///
    /// # Errors
    /// Fails if there is no such file, if it is a reference, or if it cannot be fetched.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, ArtifactError> {
        let wrong = |reason: String| ArtifactError::Content { name: self.to_string(), reason };
        let entry = self.entries.iter().find(|entry| entry.path == path);
        let content = match entry.map(|entry| &entry.content) {
            Some(Content::Blob { sha256, size }) => Hashed { sha256: sha256.clone(), size: *size },
            Some(Content::Reference(url)) => {
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
    /// Logs a version of an artifact. If the newest version of this name has the same content, no
    /// new version is made. The call reads the artifact's files and copies them into the run's
    /// folder; a thread sends them from there. Once the call has returned, the version is as
    /// durable as the run's rows.
    ///
    /// # Errors
    /// Fails if a file cannot be read or copied, or if a name, a path, an alias or the metadata is
    /// not valid. Then nothing is logged.
    pub fn log_artifact(&self, artifact: &Artifact) -> Result<Logged, ArtifactError> {
        let (digest, rows) = match self.shared().attached() {
            Some(attached) => attached.artifact(artifact)?,
            None => Default::default(),
        };
        Ok(Logged { run: self.clone(), name: artifact.name.clone(), digest, rows })
    }

    /// Returns a version for this run to use; the controller records the use. `name` is `digits`,
    /// `digits:v3` or `digits:best`, where `best` is an alias. Without a version it is the latest.
    /// `shared/digits:v3` names an artifact of the project `shared`; another project needs the
    /// controller's token. The call waits for the controller and fetches the manifest, but no file.
    ///
    /// # Errors
    /// Fails with [`ArtifactError::NoController`] if the run is offline or disabled. Otherwise
    /// fails if there is no such version, or if the controller does not answer.
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

/// Makes calls to the controller and waits for their result.
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
    /// The path in the artifact.
    pub path: String,
    /// The size in bytes; 0 for a reference.
    pub size: u64,
    /// The URL of a reference, whose content is stored elsewhere; `None` for a file.
    pub reference: Option<String>,
}
