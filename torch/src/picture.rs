//! Converts tensors to images: `besom::log!(run, "samples" => image(&batch.get(0), Layout::Chw)?)`.
//! [`besom::Image::from_floats`] describes how numbers become brightness.

use besom::{Image, Layout};
use tch::{Device, Kind, TchError, Tensor};

/// Converts a tensor to an image. If the tensor has three dimensions, `layout` is their order. A
/// tensor with two dimensions, height and width, is a grey image. Bytes stay as they are, and all
/// other numbers are treated as floats. Floats that all lie in 0 to 1, or in -1 to 1, are scaled to
/// the range of bytes. Other floats are rounded and clipped to bytes. The call waits for the
/// device.
///
/// # Errors
/// Fails if the tensor does not have two or three dimensions, has no pixel, or does not have 1 to 4
/// channels.
pub fn image(tensor: &Tensor, layout: Layout) -> Result<Image, TchError> {
    let shape = match (tensor.size().as_slice(), layout) {
        ([height, width], _) => [*height, *width, 1],
        ([channels, height, width], Layout::Chw) => [*height, *width, *channels],
        ([height, width, channels], Layout::Hwc) => [*height, *width, *channels],
        (other, _) => {
            return Err(TchError::Shape(format!("an image has 2 or 3 dimensions, not {other:?}")));
        }
    };
    let [height, width, channels] = shape.map(|side| side as usize);
    let flat = tensor.detach().f_to_device(Device::Cpu)?.f_reshape([-1])?;
    let image = if tensor.kind() == Kind::Uint8 {
        Image::from_slice(height, width, channels, layout, &Vec::<u8>::try_from(flat)?)
    } else {
        let values = Vec::<f32>::try_from(flat.f_to_kind(Kind::Float)?)?;
        Image::from_floats(height, width, channels, layout, &values)
    };
    image.map_err(|error| TchError::Shape(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_take_any_kind_and_order_of_pixels() -> Result<(), TchError> {
        let floats = Tensor::rand([3, 4, 5], (Kind::Float, Device::Cpu));
        assert!(image(&floats, Layout::Chw).is_ok());
        assert!(image(&floats.permute([1, 2, 0]), Layout::Hwc).is_ok(), "whatever its strides");
        assert!(image(&(&floats * 255).to_kind(Kind::Uint8), Layout::Chw).is_ok());
        assert!(image(&floats.get(0), Layout::Chw).is_ok(), "a grey one");
        for bad in [&[3][..], &[5, 4, 4], &[3, 0, 4], &[1, 3, 4, 4]] {
            let tensor = Tensor::zeros(bad, (Kind::Float, Device::Cpu));
            assert!(image(&tensor, Layout::Chw).is_err(), "{bad:?}");
        }
        Ok(())
    }
}
