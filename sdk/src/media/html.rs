//! Pages. Whoever shows one does so in a box of its own: it was written by a program.

use std::{io, path::Path, sync::Arc};

use serde_json::Value as Json;

use super::{
    error::MediaError,
    keeper::{Keeper, read},
};
use crate::files::store::Source;

/// A page. Logged as `{"_type": "html-file", ...}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Html(Arc<[u8]>);

impl Html {
    /// The page's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into_bytes().into())
    }

    /// A file, as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        Ok(Self(read(path.as_ref())?))
    }

    pub(super) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        Ok(Json::Object(keeper.file("html", "html", Source::Bytes(&self.0))?))
    }
}
