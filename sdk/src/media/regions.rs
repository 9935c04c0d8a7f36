//! Defines the regions that lie over an image: bounding boxes and segmentation masks.

use std::{collections::BTreeMap, io, sync::Arc};

use serde_json::{Map, Value as Json, json};

use super::{
    error::MediaError,
    keeper::Keeper,
    pixels::{png, side},
};
use crate::files::store::Source;

/// The unit of a bounding box's edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Pixels from the left and from the top.
    Pixel,
    /// Fractions of the image's width and height, from 0 to 1.
    Fraction,
}

/// A bounding box over an image.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundingBox {
    corners: [f64; 4],
    domain: Domain,
    class: i64,
    caption: Option<String>,
    scores: Vec<(String, f64)>,
}

impl BoundingBox {
    /// Makes a box from its left, right, top and bottom edges in the unit of `domain`. `class` is
    /// the box's class, whose name [`Image::class_labels`](crate::Image::class_labels) sets.
    ///
    /// # Errors
    /// Fails if an edge is not finite, if left exceeds right or top exceeds bottom, or if a
    /// fraction is not in 0 to 1.
    pub fn new(
        domain: Domain,
        [left, right, top, bottom]: [f64; 4],
        class: i64,
    ) -> Result<Self, MediaError> {
        let corners = [left, right, top, bottom];
        let within = |edge: &f64| {
            edge.is_finite() && (domain == Domain::Pixel || (0.0..=1.0).contains(edge))
        };
        if !corners.iter().all(within) || left > right || top > bottom {
            let message =
                format!("left {left}, right {right}, top {top}, bottom {bottom} do not form a box");
            return Err(MediaError::Shape(message));
        }
        Ok(Self { corners, domain, class, caption: None, scores: Vec::new() })
    }

    /// Sets the text to show beside the box.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Adds a score of the box, such as `confidence`. A score that is NaN or infinite is left out.
    #[must_use]
    pub fn score(mut self, name: impl Into<String>, score: f64) -> Self {
        self.scores.push((name.into(), score));
        self
    }

    pub(super) fn to_json(&self) -> Json {
        let [left, right, top, bottom] = self.corners;
        let scores = self.scores.iter().filter(|(_, score)| score.is_finite());
        let scores: Map<String, Json> =
            scores.map(|(name, score)| (name.clone(), (*score).into())).collect();
        json!({
            "position": { "minX": left, "maxX": right, "minY": top, "maxY": bottom },
            "domain": match self.domain {
                Domain::Pixel => "pixel",
                Domain::Fraction => "fraction",
            },
            "class_id": self.class,
            "box_caption": self.caption,
            "scores": scores,
        })
    }
}

/// A segmentation mask: the class of each pixel of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    bytes: Arc<[u8]>,
    classes: BTreeMap<i64, String>,
}

impl Mask {
    /// Makes a mask from one class per pixel, in rows from the top of the image. Encodes the mask
    /// in memory as a grey PNG whose pixels are the classes.
    ///
    /// # Errors
    /// Fails if `classes` does not have `height * width` numbers, or if `classes` is empty.
    pub fn new(height: usize, width: usize, classes: &[u8]) -> Result<Self, MediaError> {
        if height.checked_mul(width) != Some(classes.len()) || classes.is_empty() {
            let message =
                format!("a mask of {height} x {width} does not have {} pixels", classes.len());
            return Err(MediaError::Shape(message));
        }
        let bytes = png((side(width)?, side(height)?), 1, classes)?;
        Ok(Self { bytes: bytes.into(), classes: BTreeMap::new() })
    }

    /// Sets the names of the mask's classes. They replace the names of an earlier call.
    #[must_use]
    pub fn class_labels<T: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (i64, T)>,
    ) -> Self {
        self.classes = labels.into_iter().map(|(class, label)| (class, label.into())).collect();
        self
    }

    pub(super) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        let mut json = keeper.file("mask", "png", Source::Bytes(&self.bytes))?;
        json.insert("class_labels".to_owned(), labels(&self.classes));
        Ok(Json::Object(json))
    }
}

/// Returns the names of classes as a JSON object whose keys are the classes' numbers.
pub(super) fn labels(classes: &BTreeMap<i64, String>) -> Json {
    classes.iter().map(|(class, label)| (class.to_string(), Json::from(label.as_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_checked() {
        assert!(BoundingBox::new(Domain::Pixel, [10.0, 200.0, 0.0, 5.0], 1).is_ok());
        for corners in [[0.5, 0.1, 0.0, 1.0], [0.0, 1.5, 0.0, 1.0], [0.0, f64::NAN, 0.0, 1.0]] {
            assert!(BoundingBox::new(Domain::Fraction, corners, 1).is_err(), "{corners:?}");
        }
        assert!(Mask::new(2, 2, &[0, 1, 2]).is_err());
    }
}
