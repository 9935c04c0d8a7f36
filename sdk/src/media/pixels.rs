//! Checks, reorders and encodes arrays of pixels.

use super::error::MediaError;

/// Checks that `shape` (height, width, channels) is that of an image with `length` numbers, at
/// least one pixel and 1 to 4 channels.
pub(super) fn check(shape: [usize; 3], length: usize) -> Result<(), MediaError> {
    let [height, width, channels] = shape;
    let wanted = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    if !(1..=4).contains(&channels) {
        return Err(MediaError::Shape(format!("an image has 1 to 4 channels, not {channels}")));
    }
    if wanted != Some(length) || length == 0 {
        let message = format!(
            "an image of {height} x {width} pixels with {channels} channels does not have {length} \
            numbers"
        );
        return Err(MediaError::Shape(message));
    }
    Ok(())
}

/// Reorders an image that has one plane per channel, so that the channels of each pixel lie side by
/// side.
pub(super) fn interleaved([height, width, channels]: [usize; 3], planes: &[u8]) -> Vec<u8> {
    let area = height * width;
    (0..area)
        .flat_map(|pixel| (0..channels).map(move |channel| planes[channel * area + pixel]))
        .collect()
}

/// Encodes a PNG with 8 bits per channel. The caller must check the length of `pixels` before.
pub(super) fn png(
    (width, height): (u32, u32),
    channels: usize,
    pixels: &[u8],
) -> Result<Vec<u8>, MediaError> {
    let failed = |error: png::EncodingError| MediaError::Encode(error.to_string());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(match channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Converts the length of one side of an image, in pixels. Fails if a PNG cannot hold this length.
pub(super) fn side(pixels: usize) -> Result<u32, MediaError> {
    u32::try_from(pixels)
        .map_err(|_| MediaError::Shape(format!("a side of {pixels} pixels is too long")))
}
