//! Stores the content of a logged value as a file of its run, and makes the JSON that names the
//! file.

use std::{io, path::Path, sync::Arc};

use record::file::media_path;
use serde_json::{Map, Value as Json};

use super::error::MediaError;
use crate::files::store::{Files, Source};

/// The data from which a value's files get their names: the value's key and the row's step. Also
/// the run's files, which store them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeper<'a> {
    pub(crate) files: &'a Files,
    pub(crate) key: &'a str,
    pub(crate) step: u64,
}

impl Keeper<'_> {
    /// Stores one file under the path `media/<kind>s/...`, or `media/html/...` for an HTML page.
    /// Returns a JSON object that names the file. The caller adds the members that are special to
    /// the kind.
    pub(crate) fn file(
        &self,
        kind: &str,
        format: &str,
        source: Source<'_>,
    ) -> io::Result<Map<String, Json>> {
        let file = self.files.keep(kind, source, |hashed| {
            media_path(kind, self.key, self.step, &hashed.sha256, format)
        })?;
        let mut json = Map::new();
        json.insert("_type".to_owned(), format!("{kind}-file").into());
        json.insert("sha256".to_owned(), file.sha256.into());
        json.insert("size".to_owned(), file.size.into());
        json.insert("path".to_owned(), file.path.into());
        json.insert("format".to_owned(), format.into());
        Ok(json)
    }
}

/// Reads the whole content of a file.
pub(super) fn read(path: &Path) -> Result<Arc<[u8]>, MediaError> {
    let read = std::fs::read(path);
    read.map(Arc::from).map_err(|source| MediaError::Read { path: path.to_owned(), source })
}

/// Inserts the text into the object under the name, if there is a text.
pub(super) fn insert_text(json: &mut Map<String, Json>, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        json.insert(name.to_owned(), text.as_str().into());
    }
}
