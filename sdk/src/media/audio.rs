//! Sound: from a file, or from samples, which become a WAV of 16 bits.

use std::{io, path::Path, sync::Arc};

use serde_json::Value as Json;

use super::{
    error::MediaError,
    keeper::{Keeper, insert_text, read},
};
use crate::files::store::Source;

/// The formats that are told apart, by their first bytes.
const FORMATS: [(&[u8], &str); 5] =
    [(b"RIFF", "wav"), (b"fLaC", "flac"), (b"OggS", "ogg"), (b"ID3", "mp3"), (b"\xff\xfb", "mp3")];

/// Sound. Logged as `{"_type": "audio-file", ...}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    bytes: Arc<[u8]>,
    format: &'static str,
    /// Hertz, channels, seconds.
    shape: Option<(u32, u16, f64)>,
    caption: Option<String>,
}

impl Audio {
    /// A WAV, FLAC, Ogg or MP3 file, as it is now.
    ///
    /// # Errors
    /// When it cannot be read, or is no such file.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        let path = path.as_ref();
        let bytes = read(path)?;
        let format =
            FORMATS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, format)| *format);
        let unknown =
            || MediaError::Format(format!("`{}` is no WAV, FLAC, Ogg or MP3", path.display()));
        Ok(Self { bytes, format: format.ok_or_else(unknown)?, shape: None, caption: None })
    }

    /// Samples from -1 to 1, the channels of each moment side by side. What is beyond is cut off,
    /// NaN is silence.
    ///
    /// # Errors
    /// When the samples are no whole number of moments, there is no channel or no rate, or a WAV
    /// cannot hold them (4 GiB).
    pub fn from_samples(samples: &[f32], rate: u32, channels: u16) -> Result<Self, MediaError> {
        if channels == 0 || rate == 0 || !samples.len().is_multiple_of(usize::from(channels)) {
            let length = samples.len();
            return Err(MediaError::Shape(format!(
                "{length} samples of {channels} channels at {rate} Hz"
            )));
        }
        let bytes = wav(samples, rate, channels)
            .ok_or_else(|| MediaError::Shape("a WAV holds at most 4 GiB".to_owned()))?;
        let seconds = (samples.len() / usize::from(channels)) as f64 / f64::from(rate);
        Ok(Self {
            bytes: bytes.into(),
            format: "wav",
            shape: Some((rate, channels, seconds)),
            caption: None,
        })
    }

    /// A text below it.
    #[must_use]
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = Some(caption.into());
        self
    }

    pub(super) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        let mut json = keeper.file("audio", self.format, Source::Bytes(&self.bytes))?;
        if let Some((rate, channels, seconds)) = self.shape {
            json.insert("sample_rate".to_owned(), rate.into());
            json.insert("channels".to_owned(), channels.into());
            json.insert("duration".to_owned(), seconds.into());
        }
        insert_text(&mut json, "caption", self.caption.as_ref());
        Ok(Json::Object(json))
    }
}

/// RIFF: a header of 44 bytes, then the samples in 16 bits.
fn wav(samples: &[f32], rate: u32, channels: u16) -> Option<Vec<u8>> {
    let data = u32::try_from(samples.len().checked_mul(2)?).ok()?;
    let frame = channels.checked_mul(2)?;
    let mut bytes = Vec::with_capacity(44 + samples.len() * 2);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&data.checked_add(36)?.to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&channels.to_le_bytes());
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&rate.checked_mul(frame.into())?.to_le_bytes());
    bytes.extend_from_slice(&frame.to_le_bytes());
    bytes.extend_from_slice(&16_u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&data.to_le_bytes());
    // A cast cuts off, and makes 0 of NaN.
    let sample = |sample: &f32| ((sample * 32767.0).round() as i16).to_le_bytes();
    bytes.extend(samples.iter().flat_map(sample));
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_a_wav() {
        let audio = Audio::from_samples(&[0.0, 1.0, -1.0, f32::NAN, 2.0, 0.5], 8_000, 2).unwrap();
        let (header, data) = audio.bytes.split_at(44);
        assert_eq!(
            (&header[..4], &header[8..16], header[22], header[40]),
            (&b"RIFF"[..], &b"WAVEfmt "[..], 2, 12)
        );
        let samples: Vec<i16> =
            data.chunks(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        assert_eq!(samples, [0, 32767, -32767, 0, 32767, 16384]);
        assert!(Audio::from_samples(&[0.0; 3], 8_000, 2).is_err());
        assert!(Audio::from_samples(&[], 8_000, 0).is_err());
    }
}
