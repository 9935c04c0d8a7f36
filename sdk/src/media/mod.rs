//! What can be logged beside numbers: images, audio, video, HTML, tables and charts. Each is made
//! in memory; `log` writes its content into the run's folder as a file of the run, and the row gets
//! one JSON object that names it. Unlike a number, such a value costs the caller the time of
//! writing a file.

mod audio;
pub(crate) mod histogram;
mod html;
mod image;
pub mod plot;
mod regions;
mod sniff;
pub(crate) mod table;
mod video;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value as Json, json};

pub use audio::Audio;
pub use html::Html;
pub use image::{Image, Layout};
pub use regions::{BoundingBox, Domain, Mask};
pub use video::{Video, VideoLayout};

use crate::{
    files::store::{Files, Source},
    media::{plot::Chart, table::Table},
    run::value::Value,
};

/// How many characters of a key a file's name keeps.
const KEY_CHARS: usize = 100;
/// How many digits of its hash a file's name has.
const HASH_DIGITS: usize = 12;

/// Why a value that is a file could not be made.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be kept in the run's folder.
    #[error("cannot keep `{}`: {source}", path.display())]
    Keep {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The bytes are of no format that is known.
    #[error("{0}")]
    Format(String),
    /// The numbers do not fit together.
    #[error("{0}")]
    Shape(String),
    /// The encoder did not take it.
    #[error("cannot encode: {0}")]
    Encode(String),
}

/// A value whose content becomes a file once it is logged.
#[derive(Clone, Debug, PartialEq)]
pub enum Media {
    /// One image.
    Image(Image),
    /// Several images under one key.
    Images(Vec<Image>),
    /// Sound.
    Audio(Audio),
    /// Moving pictures.
    Video(Video),
    /// A page.
    Html(Html),
    /// Typed columns.
    Table(Table),
    /// A table and how to draw it.
    Chart(Chart),
}

/// Where a value's files go: the run, the key and the step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeper<'a> {
    pub(crate) files: &'a Files,
    pub(crate) key: &'a str,
    pub(crate) step: u64,
}

impl Media {
    /// Writes the content; answers the JSON that stands for it.
    pub(crate) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        match self {
            Self::Image(image) => image.keep(keeper),
            Self::Images(images) => {
                let items: io::Result<Vec<Json>> =
                    images.iter().map(|image| image.keep(keeper)).collect();
                Ok(json!({ "_type": "images", "count": images.len(), "items": items? }))
            }
            Self::Audio(audio) => audio.keep(keeper),
            Self::Video(video) => video.keep(keeper),
            Self::Html(html) => html.keep(keeper),
            Self::Table(table) => table.keep(keeper),
            Self::Chart(chart) => chart.keep(keeper),
        }
    }
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
fn read(path: &Path) -> Result<Arc<[u8]>, MediaError> {
    let read = std::fs::read(path);
    read.map(Arc::from).map_err(|source| MediaError::Read { path: path.to_owned(), source })
}

/// With a text under a name, if there is one.
fn insert_text(json: &mut Map<String, Json>, name: &str, text: Option<&String>) {
    if let Some(text) = text {
        json.insert(name.to_owned(), text.as_str().into());
    }
}

/// Conversions into a value, so that `log!(run, "examples" => image)` works.
macro_rules! values {
    ($($type:ty => $variant:ident;)+) => {$(
        impl From<$type> for Value<'_> {
            fn from(value: $type) -> Self {
                Self::Media(Box::new(Media::$variant(value)))
            }
        }
        impl From<&$type> for Value<'_> {
            fn from(value: &$type) -> Self {
                Self::from(value.clone())
            }
        }
    )+};
}

values! {
    Image => Image;
    Vec<Image> => Images;
    Audio => Audio;
    Video => Video;
    Html => Html;
    Table => Table;
    Chart => Chart;
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
