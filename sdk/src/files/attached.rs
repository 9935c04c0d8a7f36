//! Connects the rows of a run with its files. `run` passes each logged row through this module,
//! which stores values that are files and puts JSON in their place. A row of numbers and texts
//! passes through unchanged. The uploader sends the files.

use std::{cell::Cell, io, path::Path, sync::Arc, time::Duration};

use super::{
    artifact::{Artifact, ArtifactError},
    store::{Files, Source},
    uploader::Uploads,
};
use crate::{
    endpoint::Endpoint,
    identity::Identity,
    media::{Keeper, Media},
    rows::row_buffer::{RowBuffer, Stream},
    value::{Loggable, Value},
    warning::warn,
};

/// The files of a run in this process.
#[derive(Debug)]
pub(crate) struct Attached {
    files: Arc<Files>,
    uploads: Arc<Uploads>,
    identity: Identity,
    writer: String,
    /// The controller that gets the files; `None` in an offline run, which sends nothing.
    endpoint: Option<Endpoint>,
}

impl Attached {
    /// Makes the value that stores and sends this writer's files. The call itself touches no disk
    /// and starts no thread. The first stored file opens the writer's journal of files and, unless
    /// the run is offline, starts the uploader.
    pub(crate) fn new(
        folder: &Path,
        writer: &str,
        identity: Identity,
        endpoint: Option<Endpoint>,
    ) -> Self {
        Self {
            files: Arc::new(Files::new(folder, writer)),
            uploads: Arc::default(),
            identity,
            writer: writer.to_owned(),
            endpoint,
        }
    }

    /// Takes one row like [`RowBuffer::push`], but first stores the values that are files.
    pub(crate) fn push<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        buffer: &RowBuffer,
        stream: Stream,
        step: Option<u64>,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        let step = Cell::new(step);
        // A file's name contains the row's step, so the step of a row with files is fixed before
        // the row enters the buffer.
        let at = || {
            let at = step.get().unwrap_or_else(|| buffer.reserve(stream));
            step.set(Some(at));
            at
        };
        let values = values.into_iter().filter_map(|(key, value)| {
            let value = self.settled(key.as_ref(), value.into_value(), &at)?;
            Some((key, value))
        });
        buffer.push_at(stream, &step, values);
    }

    /// Returns the value with JSON in place of files; `None` if the value is a file that could not
    /// be stored. A map only loses those of its values that could not be stored.
    fn settled<'a>(&self, key: &str, value: Value<'a>, at: &impl Fn() -> u64) -> Option<Value<'a>> {
        match value {
            Value::Media(media) => self.media(key, at(), &media),
            Value::Map(values) => {
                let settled = values.into_iter().filter_map(|(name, value)| {
                    // Only media and maps need the full name. Making the full name of every value
                    // would cost time.
                    let value = match value {
                        Value::Media(_) | Value::Map(_) => {
                            self.settled(&format!("{key}.{name}"), value, at)?
                        }
                        value => value,
                    };
                    Some((name, value))
                });
                Some(Value::Map(settled.collect()))
            }
            value => Some(value),
        }
    }

    fn media(&self, key: &str, step: u64, media: &Media) -> Option<Value<'static>> {
        let kept = media.keep(&Keeper { files: &self.files, key, step });
        self.ship();
        match kept {
            Ok(json) => Some(Value::Json(json.to_string().into())),
            Err(error) => {
                self.files.lose();
                warn(&format!("`{key}` at step {step} is left out: {error}"));
                None
            }
        }
    }

    /// Stores the current content of a file under the name `name`.
    pub(crate) fn save(&self, path: &Path, name: &str) -> io::Result<()> {
        let saved = self.files.keep("file", Source::File(path), |_| name.to_owned());
        self.ship();
        saved.map(drop)
    }

    /// Stores a version of an artifact. Returns the version's digest, and the number of rows in the
    /// journal of files up to and including the version's row.
    pub(crate) fn artifact(&self, artifact: &Artifact) -> Result<(String, u64), ArtifactError> {
        let digest = artifact.keep(&self.files)?;
        self.ship();
        Ok((digest, self.files.rows()))
    }

    /// Returns the run's files on this machine.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// Returns the controller's address and token; `None` in an offline run.
    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// Waits until the controller has this many rows of files. Fails if the uploads make no
    /// progress for the time `wait`, or if the uploader stops while files are unsent.
    pub(crate) fn reach(&self, rows: u64, wait: Duration) -> Result<(), String> {
        self.uploads.reach(rows, wait)
    }

    /// Wakes the uploader, or starts it if this is the first file. Does nothing in an offline run.
    pub(crate) fn ship(&self) {
        let Some(endpoint) = self.endpoint.as_ref().filter(|_| self.files.rows() > 0) else {
            return;
        };
        let (identity, writer) = (&self.identity, self.writer.as_str());
        if let Err(error) = self.uploads.grown(&self.files, identity, writer, endpoint) {
            warn(&format!("the files stay in the run's folder and are not sent: {error}"));
        }
    }

    /// Refuses further files and waits until all files are sent. Fails if the uploads make no
    /// progress for the time `wait`, or if the uploader stops before. The error is the reason why
    /// files are unsent.
    pub(crate) fn end(&self, wait: Duration) -> Result<(), String> {
        self.files.close();
        self.uploads.end(wait)
    }

    /// Returns the number of rows of files that the controller may not have.
    pub(crate) fn waiting(&self) -> u64 {
        self.files.rows().saturating_sub(self.uploads.stored())
    }

    /// Returns the number of values that were left out because their files could not be stored.
    pub(crate) fn lost(&self) -> u64 {
        self.files.lost()
    }
}
