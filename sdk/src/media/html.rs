//! Makes HTML values. A page comes from a training program and may contain scripts, so a viewer
//! must show it in a sandbox.

use std::{io, path::Path, sync::Arc};

use serde_json::Value as Json;

use super::{
    error::MediaError,
    keeper::{Keeper, read},
};
use crate::files::store::Source;

/// An HTML page. In a row, a page has the form `{"_type": "html-file", ...}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Html(Arc<[u8]>);

impl Html {
    /// Makes a page from HTML text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_bytes().into())
    }

    /// Reads the current content of an HTML file into memory.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        Ok(Self(read(path.as_ref())?))
    }

    pub(super) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        Ok(Json::Object(keeper.file("html", "html", Source::Bytes(&self.0))?))
    }
}
