//! What a run has beside its rows: files, and their way to the controller. Called by `run`: a row
//! that is logged passes by here, and values that are files become the JSON that stands for them.
//! Costs a row of numbers nothing.

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

/// The files of a run's process.
#[derive(Debug)]
pub(crate) struct Attached {
    files: Arc<Files>,
    uploads: Arc<Uploads>,
    identity: Identity,
    writer: String,
    /// None: nothing is sent.
    endpoint: Option<Endpoint>,
}

impl Attached {
    /// Of this writer, in the run's folder. Makes no file and no thread before they are needed.
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

    /// Takes one row, as [`RowBuffer::push`]; values that are files are written first.
    pub(crate) fn push<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        buffer: &RowBuffer,
        stream: Stream,
        step: Option<u64>,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        let step = Cell::new(step);
        // The file's name has the row's step, so a row with files cannot wait for its step any
        // longer.
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

    /// A value without files in it; `None` when it was one that the disk does not take.
    fn settled<'a>(&self, key: &str, value: Value<'a>, at: &impl Fn() -> u64) -> Option<Value<'a>> {
        match value {
            Value::Media(media) => self.media(key, at(), &media),
            Value::Map(values) => {
                let settled = values.into_iter().filter_map(|(name, value)| {
                    // Most have no file, and need no name.
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

    /// Keeps a file as it is now under a name of its own.
    pub(crate) fn save(&self, path: &Path, name: &str) -> io::Result<()> {
        let saved = self.files.keep("file", Source::File(path), |_| name.to_owned());
        self.ship();
        saved.map(drop)
    }

    /// Keeps a version of an artifact; answers its digest, and how many rows of files there are
    /// with it.
    pub(crate) fn artifact(&self, artifact: &Artifact) -> Result<(String, u64), ArtifactError> {
        let digest = artifact.keep(&self.files)?;
        self.ship();
        Ok((digest, self.files.rows()))
    }

    /// What is kept on this machine.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// How the controller is reached; none offline.
    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// Waits until the controller has this many rows of files, or nothing has moved for `wait`.
    pub(crate) fn reach(&self, rows: u64, wait: Duration) -> Result<(), String> {
        self.uploads.reach(rows, wait)
    }

    /// The uploader has something to do.
    pub(crate) fn ship(&self) {
        let Some(endpoint) = self.endpoint.as_ref().filter(|_| self.files.rows() > 0) else {
            return;
        };
        let (identity, writer) = (&self.identity, self.writer.as_str());
        if let Err(error) = self.uploads.grown(&self.files, identity, writer, endpoint) {
            warn(&format!("files stay in the run's folder: {error}"));
        }
    }

    /// The run is over: waits until all files are shipped, or nothing has moved for `wait`. An
    /// error says why not.
    pub(crate) fn end(&self, wait: Duration) -> Result<(), String> {
        self.files.close();
        self.uploads.end(wait)
    }

    /// Rows of files that the controller is not known to have.
    pub(crate) fn waiting(&self) -> u64 {
        self.files.rows().saturating_sub(self.uploads.stored())
    }

    /// Values that are left out, since the disk did not take their files.
    pub(crate) fn lost(&self) -> u64 {
        self.files.lost()
    }
}
