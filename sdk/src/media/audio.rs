//! Makes audio values from a file, or from samples, which become a 16-bit WAV.

use std::{io, path::Path, sync::Arc};

use record::sniff;
use serde_json::Value as Json;

use super::{
    error::MediaError,
    keeper::{Keeper, insert_text, read},
};
use crate::files::store::Source;

/// A piece of audio. In a row, it has the form `{"_type": "audio-file", ...}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    bytes: Arc<[u8]>,
    format: &'static str,
    /// The sample rate in hertz, the number of channels, and the length in seconds; `None` if the
    /// audio comes from a file.
    shape: Option<(u32, u16, f64)>,
    caption: Option<String>,
}

impl Audio {
    /// Reads the current content of a WAV, FLAC, Ogg or MP3 file into memory. The file's first
    /// bytes decide its format.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or if its first bytes are not those of WAV, FLAC, Ogg or
    /// MP3.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        let path = path.as_ref();
        let bytes = read(path)?;
        let unknown =
            || MediaError::Format(format!("`{}` is not WAV, FLAC, Ogg or MP3", path.display()));
        let format = sniff::audio(&bytes).ok_or_else(unknown)?;
        Ok(Self { bytes, format, shape: None, caption: None })
    }

    /// Encodes samples from -1 to 1 as a 16-bit WAV in memory. The samples of all channels at one
    /// moment lie side by side, and `rate` is the number of moments per second. A sample outside -1
    /// to 1 is clipped, and NaN becomes silence.
    ///
    /// # Errors
    /// Fails if the number of samples is not a multiple of `channels`, or if `channels` or `rate`
    /// is 0. Also fails if the WAV would exceed 4 GiB, or if its header cannot hold `channels` or
    /// the bytes per second.
    pub fn from_samples(samples: &[f32], rate: u32, channels: u16) -> Result<Self, MediaError> {
        if channels == 0 || rate == 0 || !samples.len().is_multiple_of(usize::from(channels)) {
            let length = samples.len();
            return Err(MediaError::Shape(format!(
                "{length} samples do not make audio of {channels} channels at {rate} Hz"
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

    /// Sets the text to show below the audio.
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

/// Encodes a WAV file: a header of 44 bytes, then the samples with 16 bits each. Returns `None` if
/// a size does not fit into the header's fields.
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
    // The cast to `i16` clips the value to the range of `i16`, and turns NaN into 0.
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

    #[test]
    fn first_bytes_decide_the_format() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut cases = vec![
            (&b"RIFF\x24\0\0\0WAVEfmt "[..], Some("wav")),
            (b"RIFF\x24\0\0\0AVI LIST", None),
            (b"RIFF\x24\0\0\0WEBPVP8 ", None),
            (b"RIFF", None),
            (b"fLaC\0\0", Some("flac")),
            (b"OggS\0\x02", Some("ogg")),
            (b"ID3\x04\0", Some("mp3")),
        ];
        // MPEG 1, 2 and 2.5, with and without a checksum.
        let mp3 = [b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2"];
        cases.extend(mp3.map(|bytes| (&bytes[..], Some("mp3"))));
        // AAC, a reserved version, MPEG audio of layers 1 and 2, JPEG, and UTF-16.
        let other = [b"\xff\xf1", b"\xff\xeb", b"\xff\xff", b"\xff\xfd", b"\xff\xd8", b"\xff\xfe"];
        cases.extend(other.map(|bytes| (&bytes[..], None)));
        for (bytes, want) in cases {
            std::fs::write(&path, bytes).unwrap();
            let format = Audio::from_path(&path).ok().map(|audio| audio.format);
            assert_eq!(format, want, "{}", bytes.escape_ascii());
        }
    }
}
