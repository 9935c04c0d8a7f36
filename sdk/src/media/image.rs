//! Makes images from a file, from encoded bytes, or from pixels, which become a PNG. An image may
//! have a caption, bounding boxes and masks.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use record::sniff;
use serde_json::{Value as Json, json};

use super::{
    error::MediaError,
    keeper::{Keeper, insert_text, read},
    pixels::{check, interleaved, png, side},
    regions::{BoundingBox, Mask, labels},
};
use crate::files::store::Source;

/// The order of an image's numbers in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Height, width, channels: the channels of a pixel lie side by side.
    Hwc,
    /// Channels, height, width: one plane per channel, as in torch.
    Chw,
}

/// An image. In a row, it has the form `{"_type": "image-file", ...}`. Clones of an image share its
/// encoded bytes.
///
/// ```
/// # let run = besom::init().mode(besom::Mode::Disabled).start()?;
/// let image = besom::Image::from_pixels(1, 2, 3, &[255, 0, 0, 0, 0, 255])?;
/// besom::log!(run, "examples" => image.caption("red and blue"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    bytes: Arc<[u8]>,
    format: &'static str,
    size: Option<(u32, u32)>,
    caption: Option<String>,
    boxes: Vec<(String, Vec<BoundingBox>)>,
    masks: Vec<(String, Mask)>,
    classes: BTreeMap<i64, String>,
}

impl Image {
    /// Reads the current content of a PNG, JPEG, GIF, WebP or BMP file into memory. The file's
    /// first bytes decide its format.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or if it is not PNG, JPEG, GIF, WebP or BMP.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        let path = path.as_ref();
        Self::encoded(read(path)?).ok_or_else(|| {
            MediaError::Format(format!("`{}` is not PNG, JPEG, GIF, WebP or BMP", path.display()))
        })
    }

    /// Makes an image from the bytes of a PNG, JPEG, GIF, WebP or BMP file.
    ///
    /// # Errors
    /// Fails if the bytes are not PNG, JPEG, GIF, WebP or BMP.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, MediaError> {
        let unknown =
            || MediaError::Format("the bytes are not PNG, JPEG, GIF, WebP or BMP".to_owned());
        Self::encoded(bytes.into().into()).ok_or_else(unknown)
    }

    /// Encodes pixels as a PNG in memory. The pixels lie in rows from the top of the image, with
    /// the channels of each pixel side by side. `channels` is 1 (grey), 2 (grey, alpha), 3 (RGB) or
    /// 4 (RGBA).
    ///
    /// # Errors
    /// Fails if `pixels` does not have `height * width * channels` numbers, if `channels` is not 1
    /// to 4, or if there is no pixel.
    pub fn from_pixels(
        height: usize,
        width: usize,
        channels: usize,
        pixels: &[u8],
    ) -> Result<Self, MediaError> {
        Self::from_slice(height, width, channels, Layout::Hwc, pixels)
    }

    /// Encodes pixels in the order of `layout` as a PNG in memory.
    ///
    /// # Errors
    /// Fails like [`Image::from_pixels`].
    pub fn from_slice(
        height: usize,
        width: usize,
        channels: usize,
        layout: Layout,
        pixels: &[u8],
    ) -> Result<Self, MediaError> {
        let shape = [height, width, channels];
        check(shape, pixels.len())?;
        let size = (side(width)?, side(height)?);
        let bytes = match layout {
            Layout::Hwc => png(size, channels, pixels)?,
            Layout::Chw => png(size, channels, &interleaved(shape, pixels))?,
        };
        Ok(Self::png(bytes, size))
    }

    /// Encodes floats in the order of `layout` as a PNG in memory. The range of the finite values
    /// decides the scale. If all finite values lie in 0 to 1, the range from 0 to 1 is mapped to 0
    /// to 255. If some are negative and all lie in -1 to 1, the range from -1 to 1 is mapped to 0
    /// to 255. In all other cases, the values are not scaled. Results are rounded and clipped to 0
    /// to 255, and NaN becomes 0.
    ///
    /// # Errors
    /// Fails like [`Image::from_pixels`].
    pub fn from_floats(
        height: usize,
        width: usize,
        channels: usize,
        layout: Layout,
        values: &[f32],
    ) -> Result<Self, MediaError> {
        check([height, width, channels], values.len())?;
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let least = finite().fold(f32::INFINITY, f32::min);
        let most = finite().fold(f32::NEG_INFINITY, f32::max);
        let (factor, shift) = match (least, most) {
            (least, most) if least >= 0.0 && most <= 1.0 => (255.0, 0.0),
            (least, most) if least >= -1.0 && most <= 1.0 => (127.5, 127.5),
            _ => (1.0, 0.0),
        };
        // The cast to `u8` clips the value at 0 and 255, and turns NaN into 0.
        let pixels: Vec<u8> =
            values.iter().map(|value| (value * factor + shift).round() as u8).collect();
        Self::from_slice(height, width, channels, layout, &pixels)
    }

    fn encoded(bytes: Arc<[u8]>) -> Option<Self> {
        let (format, size) = sniff::image(&bytes)?;
        Some(Self { format, size, ..Self::png(bytes, (0, 0)) })
    }

    fn png(bytes: impl Into<Arc<[u8]>>, size: (u32, u32)) -> Self {
        Self {
            bytes: bytes.into(),
            format: "png",
            size: Some(size),
            caption: None,
            boxes: Vec::new(),
            masks: Vec::new(),
            classes: BTreeMap::new(),
        }
    }

    /// Sets the text to show below the image.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    /// Adds a group of bounding boxes under a key, such as `predictions` or `ground_truth`. The
    /// group replaces an earlier group under the same key.
    #[must_use]
    pub fn boxes(
        mut self,
        key: impl Into<String>,
        boxes: impl IntoIterator<Item = BoundingBox>,
    ) -> Self {
        self.boxes.push((key.into(), boxes.into_iter().collect()));
        self
    }

    /// Adds a segmentation mask under a key, such as `predictions` or `ground_truth`. The mask
    /// replaces an earlier mask under the same key.
    #[must_use]
    pub fn masks(mut self, key: impl Into<String>, mask: Mask) -> Self {
        self.masks.push((key.into(), mask));
        self
    }

    /// Sets the names of the classes of the image's boxes. They replace the names of an earlier
    /// call.
    #[must_use]
    pub fn class_labels<T: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = (i64, T)>,
    ) -> Self {
        self.classes = labels.into_iter().map(|(class, label)| (class, label.into())).collect();
        self
    }

    pub(crate) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        let mut json = keeper.file("image", self.format, Source::Bytes(&self.bytes))?;
        if let Some((width, height)) = self.size {
            json.insert("width".to_owned(), width.into());
            json.insert("height".to_owned(), height.into());
        }
        insert_text(&mut json, "caption", self.caption.as_ref());
        if !self.boxes.is_empty() {
            let labels = labels(&self.classes);
            let group = |boxes: &Vec<BoundingBox>| {
                let data: Vec<Json> = boxes.iter().map(BoundingBox::to_json).collect();
                json!({ "box_data": data, "class_labels": labels })
            };
            let groups = self.boxes.iter().map(|(key, boxes)| (key.clone(), group(boxes)));
            json.insert("boxes".to_owned(), Json::Object(groups.collect()));
        }
        if !self.masks.is_empty() {
            let masks = self.masks.iter().map(|(key, mask)| Ok((key.clone(), mask.keep(keeper)?)));
            json.insert("masks".to_owned(), Json::Object(masks.collect::<io::Result<_>>()?));
        }
        Ok(Json::Object(json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(image: &Image) -> Vec<u8> {
        let mut reader =
            png::Decoder::new(std::io::Cursor::new(&image.bytes[..])).read_info().unwrap();
        let mut out = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut out).unwrap();
        out
    }

    #[test]
    fn both_orders_give_the_same_image() {
        let hwc = Image::from_pixels(1, 2, 3, &[1, 2, 3, 4, 5, 6]).unwrap();
        let chw = Image::from_slice(1, 2, 3, Layout::Chw, &[1, 4, 2, 5, 3, 6]).unwrap();
        assert_eq!((pixels(&hwc), hwc.size), (vec![1, 2, 3, 4, 5, 6], Some((2, 1))));
        assert_eq!(hwc, chw);
        assert_eq!(Image::from_bytes(hwc.bytes.to_vec()).unwrap(), hwc);
    }

    #[test]
    fn floats_are_scaled_by_their_range() {
        let grey = |values: &[f32]| {
            pixels(&Image::from_floats(1, values.len(), 1, Layout::Chw, values).unwrap())
        };
        assert_eq!(grey(&[0.0, 0.5, 1.0, f32::NAN]), [0, 128, 255, 0]);
        assert_eq!(grey(&[-1.0, 0.0, 1.0]), [0, 128, 255]);
        assert_eq!(grey(&[-3.0, 17.0, 300.0]), [0, 17, 255]);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        for (height, width, channels, length) in
            [(2, 2, 3, 11), (0, 2, 3, 0), (1, 1, 5, 5), (usize::MAX, 2, 3, 6)]
        {
            assert!(Image::from_pixels(height, width, channels, &vec![0; length]).is_err());
        }
        assert!(Image::from_bytes(b"no image".to_vec()).is_err());
        assert!(Image::from_path("nowhere.png").is_err());
    }
}
