//! Stores the content of a logged value as a file of its run, and makes the JSON that names the
//! file.

use std::{io, path::Path, sync::Arc};

use serde_json::{Map, Value as Json};

use super::error::MediaError;
use crate::files::store::{Files, Source};

/// The largest number of characters that a file's name takes from the value's key.
const KEY_CHARS: usize = 100;
/// The number of hexadecimal digits of the content's hash in a file's name.
const HASH_DIGITS: usize = 12;

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
        let name = plain(self.key);
        let (kind_folder, step) =
            (if kind == "html" { "html".to_owned() } else { format!("{kind}s") }, self.step);
        let file = self.files.keep(kind, source, |hashed| {
            format!("media/{kind_folder}/{name}_{step}_{}.{format}", &hashed.sha256[..HASH_DIGITS])
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

/// Returns the first [`KEY_CHARS`] characters of the key as part of a path. ASCII letters, digits,
/// `.`, `-`, `_` and `/` stay, and other characters become `_`. Parts that are empty, `.` or `..`
/// are dropped. If no part is left, the result is `_`.
fn plain(key: &str) -> String {
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '/');
    let letters =
        key.chars().take(KEY_CHARS).map(|letter| if is_plain(letter) { letter } else { '_' });
    let name: String = letters.collect();
    let parts: Vec<&str> =
        name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    if parts.is_empty() { "_".to_owned() } else { parts.join("/") }
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

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn keys_become_names_that_stay_inside_the_folder() {
        for (key, name) in [
            ("val/examples", "val/examples"),
            ("../../etc/x", "etc/x"),
            ("/a//b/", "a/b"),
            ("..", "_"),
            ("", "_"),
            ("a b\\c\0é", "a_b_c__"),
        ] {
            assert_eq!(plain(key), name);
            assert!(
                record::file::check_path(&format!("media/images/{}_0.png", plain(key))).is_ok()
            );
        }
    }
}
