//! Defines the values that become files when they are logged: images, audio, video, HTML, tables
//! and charts. `log` writes the content of such a value into the run's folder, and the row gets one
//! JSON object that names the file. So the caller of `log` waits while a file is written. The
//! module also defines histograms, which stay in the row.

mod audio;
mod error;
pub(crate) mod histogram;
mod html;
mod image;
mod keeper;
mod pixels;
pub mod plot;
mod regions;
pub(crate) mod table;
mod video;

use std::io;

use serde_json::{Value as Json, json};

pub use audio::Audio;
pub use error::MediaError;
pub use html::Html;
pub use image::{Image, Layout};
pub use regions::{BoundingBox, Domain, Mask};
pub use video::{Video, VideoLayout};

pub(crate) use keeper::Keeper;
use plot::Chart;
use table::Table;

/// A value whose content becomes a file when it is logged.
#[derive(Clone, Debug, PartialEq)]
pub enum Media {
    /// One image.
    Image(Image),
    /// Several images under one key.
    Images(Vec<Image>),
    /// A piece of audio.
    Audio(Audio),
    /// A video.
    Video(Video),
    /// An HTML page.
    Html(Html),
    /// A table.
    Table(Table),
    /// A chart: a table and the description of how to draw it.
    Chart(Chart),
}

impl Media {
    /// Stores the value's content as one or more files of the run. Returns the JSON that represents
    /// the value in a row.
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
