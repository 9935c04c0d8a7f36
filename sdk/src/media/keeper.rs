//! Keeps the content of a value as a file of its run, and makes the JSON that names the file.

use std::{io, path::Path, sync::Arc};

use serde_json::{Map, Value as Json};

use super::error::MediaError;
use crate::files::store::{Files, Source};

/// How many characters of a key a file's name keeps.
const KEY_CHARS: usize = 100;
/// How many digits of its hash a file's name has.
const HASH_DIGITS: usize = 12;

/// Where a value's files go: the run, the key and the step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeper<'a> {
    pub(crate) files: &'a Files,
    pub(crate) key: &'a str,
    pub(crate) step: u64,
}

impl Keeper<'_> {
    /// Keeps one file below `media/<kind>s/`; answers the beginning of its JSON.
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

/// A key as part of a path: its `/` stay, what could be trouble in a file's name becomes `_`.
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

/// The whole content of a file.
pub(super) fn read(path: &Path) -> Result<Arc<[u8]>, MediaError> {
    let read = std::fs::read(path);
    read.map(Arc::from).map_err(|source| MediaError::Read { path: path.to_owned(), source })
}

/// With a text under a name, if there is one.
pub(super) fn insert_text(json: &mut Map<String, Json>, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        json.insert(name.to_owned(), text.as_str().into());
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn keys_become_names_that_lead_nowhere() {
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
