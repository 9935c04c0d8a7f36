//! Arrays of pixels: their shapes, their order, and their encoding as PNG.

use super::error::MediaError;

/// Checks that an array of this shape is an image and has so many numbers.
pub(super) fn check(shape: [usize; 3], length: usize) -> Result<(), MediaError> {
    let [height, width, channels] = shape;
    let wanted = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    if !(1..=4).contains(&channels) {
        return Err(MediaError::Shape(format!("an image has 1 to 4 channels, not {channels}")));
    }
    if wanted != Some(length) || length == 0 {
        let message =
            format!("{height} x {width} pixels of {channels} channels are not {length} numbers");
        return Err(MediaError::Shape(message));
    }
    Ok(())
}

/// Planes as pixels.
pub(super) fn interleaved([height, width, channels]: [usize; 3], planes: &[u8]) -> Vec<u8> {
    let area = height * width;
    (0..area)
        .flat_map(|pixel| (0..channels).map(move |channel| planes[channel * area + pixel]))
        .collect()
}

/// A PNG of 8 bits a channel. The numbers were counted before.
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

/// A side of a picture.
pub(super) fn side(pixels: usize) -> Result<u32, MediaError> {
    u32::try_from(pixels)
        .map_err(|_| MediaError::Shape(format!("{pixels} pixels are too many for one side")))
}
