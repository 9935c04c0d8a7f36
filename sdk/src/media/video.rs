//! Makes video values from a file, or from frames, which become a GIF.

use std::{io, path::PathBuf, sync::Arc};

use serde_json::Value as Json;

use super::{
    error::MediaError,
    keeper::{Keeper, insert_text},
    pixels::interleaved,
};
use crate::files::store::Source;

/// The speed at which the GIF encoder chooses colors, from 1 (best colors) to 30 (fastest).
const GIF_SPEED: i32 = 10;
/// The endings of the names of video files. Such files are stored without any conversion.
const FORMATS: [&str; 6] = ["gif", "mp4", "webm", "ogg", "mov", "mkv"];

/// The order of a video's numbers in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoLayout {
    /// Time, height, width, channels.
    Thwc,
    /// Time, channels, height, width, as in torch.
    Tchw,
}

/// A video. In a row, it has the form `{"_type": "video-file", ...}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    content: Content,
    format: &'static str,
    /// The width and height in pixels, the number of frames, and the frames per second; `None` if
    /// the video comes from a file.
    shape: Option<(u16, u16, usize, u32)>,
    caption: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Bytes(Arc<[u8]>),
    File(PathBuf),
}

impl Video {
    /// Makes a video from a GIF, MP4, WebM, Ogg, MOV or MKV file. The ending of the file's name
    /// decides the format. The file is copied when the video is logged, so the file must exist
    /// until then.
    ///
    /// # Errors
    /// Fails if the file does not exist, or if its name does not end in one of these formats.
    pub fn from_path(path: impl Into<PathBuf>) -> Result<Self, MediaError> {
        let path: PathBuf = path.into();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let format = FORMATS.into_iter().find(|format| ending.as_deref() == Some(*format));
        let unknown = || {
            MediaError::Format(format!(
                "`{}` does not end in {}",
                path.display(),
                FORMATS.join(", ")
            ))
        };
        let format = format.ok_or_else(unknown)?;
        if let Err(source) = std::fs::metadata(&path) {
            return Err(MediaError::Read { path, source });
        }
        Ok(Self { content: Content::File(path), format, shape: None, caption: None })
    }

    /// Encodes frames with 1 (grey) or 3 (RGB) channels as a GIF in memory. `shape` has the order
    /// of `layout`, and `fps` is 1 to 100 frames per second. A GIF stores the time per frame in
    /// whole hundredths of a second. This time is rounded down, so a video plays faster than `fps`
    /// if 100 is not a multiple of `fps`.
    ///
    /// # Errors
    /// Fails if the numbers do not fit `shape`, if there is no frame, or if a side exceeds 65,535
    /// pixels. Also fails if `fps` or the number of channels is out of range.
    pub fn from_frames(
        frames: &[u8],
        shape: [usize; 4],
        layout: VideoLayout,
        fps: u32,
    ) -> Result<Self, MediaError> {
        let [times, height, width, channels] = match (layout, shape) {
            (VideoLayout::Thwc, shape) => shape,
            (VideoLayout::Tchw, [times, channels, height, width]) => {
                [times, height, width, channels]
            }
        };
        let length = shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side));
        if length != Some(frames.len())
            || frames.is_empty()
            || !matches!(channels, 1 | 3)
            || !(1..=100).contains(&fps)
        {
            let message = format!(
                "{} numbers do not make a video of shape {shape:?} at {fps} frames per second: \
                it needs 1 or 3 channels and 1 to 100 frames per second",
                frames.len()
            );
            return Err(MediaError::Shape(message));
        }
        let side = |pixels: usize| {
            u16::try_from(pixels)
                .map_err(|_| MediaError::Shape(format!("a side of {pixels} pixels is too long")))
        };
        let (width, height) = (side(width)?, side(height)?);
        let frame_of = |frame: &[u8]| {
            let hwc = [usize::from(height), usize::from(width), channels];
            let pixels =
                if layout == VideoLayout::Tchw { interleaved(hwc, frame) } else { frame.to_vec() };
            if channels == 3 {
                pixels
            } else {
                pixels.into_iter().flat_map(|grey| [grey; 3]).collect()
            }
        };
        let bytes = gif(frames.chunks(frames.len() / times).map(frame_of), width, height, fps)
            .map_err(|error| MediaError::Encode(error.to_string()))?;
        let shape = Some((width, height, times, fps));
        Ok(Self { content: Content::Bytes(bytes.into()), format: "gif", shape, caption: None })
    }

    /// Sets the text to show below the video.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    pub(super) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        let source = match &self.content {
            Content::Bytes(bytes) => Source::Bytes(bytes),
            Content::File(path) => Source::File(path),
        };
        let mut json = keeper.file("video", self.format, source)?;
        if let Some((width, height, frames, fps)) = self.shape {
            json.insert("width".to_owned(), width.into());
            json.insert("height".to_owned(), height.into());
            json.insert("frames".to_owned(), frames.into());
            json.insert("fps".to_owned(), fps.into());
        }
        insert_text(&mut json, "caption", self.caption.as_ref());
        Ok(Json::Object(json))
    }
}

/// Encodes RGB frames as a GIF that repeats forever.
fn gif(
    frames: impl Iterator<Item = Vec<u8>>,
    width: u16,
    height: u16,
    fps: u32,
) -> Result<Vec<u8>, gif::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for pixels in frames {
        let mut frame = gif::Frame::from_rgb_speed(width, height, &pixels, GIF_SPEED);
        // `delay` counts hundredths of a second: 1 at 100 frames per second, the highest allowed
        // rate.
        frame.delay = u16::try_from(100 / fps).unwrap_or(1);
        encoder.write_frame(&frame)?;
    }
    drop(encoder);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_become_a_gif_in_either_order() {
        let thwc: Vec<u8> = (0..2 * 2 * 2 * 3).map(|at| at * 10).collect();
        let tchw: Vec<u8> = thwc
            .chunks(12)
            .flat_map(|frame| {
                (0..3).flat_map(move |channel| (0..4).map(move |pixel| frame[pixel * 3 + channel]))
            })
            .collect();
        let one = Video::from_frames(&thwc, [2, 2, 2, 3], VideoLayout::Thwc, 10).unwrap();
        let two = Video::from_frames(&tchw, [2, 3, 2, 2], VideoLayout::Tchw, 10).unwrap();
        assert_eq!(one, two);
        let Content::Bytes(bytes) = &one.content else { panic!("it was encoded") };
        assert_eq!(record::sniff::image(bytes), Some(("gif", Some((2, 2)))));
        assert!(Video::from_frames(&thwc, [2, 2, 2, 2], VideoLayout::Thwc, 10).is_err());
        assert!(Video::from_path("x.exe").is_err());
    }
}
