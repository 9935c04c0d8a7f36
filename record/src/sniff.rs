//! Recognizes the formats of images and audio files from their first bytes. For PNG, GIF and JPEG,
//! it also reads the size in pixels from the header. The module decodes no pixels and no samples.

/// Returns the image's format and, if the header has them, its width and height in pixels. Returns
/// `None` if the format is unknown.
pub fn image(bytes: &[u8]) -> Option<(&'static str, Option<(u32, u32)>)> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        return Some(("png", number(16).zip(number(20))));
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        let number = |at: usize| {
            Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
        };
        return Some(("gif", number(6).zip(number(8))));
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some(("jpg", jpeg(bytes)));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some(("webp", None));
    }
    bytes.starts_with(b"BM").then_some(("bmp", None))
}

/// Returns the format of an audio file with these bytes; `None` if the format is unknown.
pub fn audio(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") {
        return Some("wav");
    }
    if bytes.starts_with(b"fLaC") {
        return Some("flac");
    }
    if bytes.starts_with(b"OggS") {
        return Some("ogg");
    }
    (bytes.starts_with(b"ID3") || is_mp3_frame(bytes)).then_some("mp3")
}

/// Returns whether the bytes begin with the header of an MP3 frame: 11 set bits, two bits of the
/// MPEG version (1 is reserved), and two bits of the layer (1 is layer III).
fn is_mp3_frame(bytes: &[u8]) -> bool {
    let [0xff, second, ..] = bytes else { return false };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    second >> 5 == 7 && version != 1 && layer == 1
}

/// Returns the width and height from a JPEG's frame header. Before this header, there are segments
/// that each state their length.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let mut at = 2;
    loop {
        let marker = number(at)?;
        // The markers from 0xffc0 to 0xffcf start a frame header, except three markers that start
        // tables or are reserved.
        if (0xffc0..=0xffcf).contains(&marker) && !matches!(marker, 0xffc4 | 0xffc8 | 0xffcc) {
            return Some((number(at + 7)?.into(), number(at + 5)?.into()));
        }
        if marker < 0xff00 {
            return None;
        }
        at += 2 + usize::from(number(at + 2)?.max(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_give_format_and_size() {
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x07\x00\x09\x01";
        assert_eq!(image(jpeg), Some(("jpg", Some((9, 7)))));
        assert_eq!(image(b"GIF89a\x05\x00\x04\x00"), Some(("gif", Some((5, 4)))));
        assert_eq!(image(b"RIFF\0\0\0\0WEBPxx"), Some(("webp", None)));
        assert_eq!(image(b"\xff\xd8\xff\xe0\x00"), Some(("jpg", None)));
        assert_eq!(image(b"hello"), None);
    }
}
