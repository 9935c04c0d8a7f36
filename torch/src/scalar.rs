//! Reads numbers from tensors for `Run::log`. Trainers call [`Mean::add`] after every batch, so
//! [`Mean::add`] does not wait for the device. [`Mean::value`] and [`scalar`] wait for the device.

use tch::{Kind, TchError, Tensor};

/// Returns the number in a tensor that has exactly one, whatever its shape and kind. Waits for the
/// device. Fails if the tensor does not have exactly one number.
pub fn scalar(tensor: &Tensor) -> Result<f64, TchError> {
    if tensor.numel() != 1 {
        return Err(TchError::Shape(format!(
            "the tensor must have exactly one number; its shape is {:?}",
            tensor.size()
        )));
    }
    let number = tensor.f_reshape([-1])?.f_double_value(&[0])?;
    // A 32-bit float becomes the 64-bit float with the same shortest decimal, so 0.9 stays 0.9.
    Ok(if tensor.kind() == Kind::Float { besom::widen(number as f32) } else { number })
}

/// The mean of a loss over batches, weighted by the sizes of the batches. The sum stays on the
/// device, so adding a batch does not wait for the device.
#[derive(Debug, Default)]
pub struct Mean {
    sum: Option<Tensor>,
    samples: i64,
}

impl Mean {
    /// Adds a batch of `samples` samples whose mean loss is `loss`.
    pub fn add(&mut self, loss: &Tensor, samples: i64) -> Result<(), TchError> {
        // The sum is a 64-bit float, because a large 32-bit sum would lose the small losses at the
        // end of a long epoch.
        let part = loss.detach().f_to_kind(Kind::Double)?.f_mul_scalar(samples as f64)?;
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum.f_add(&part)?,
            None => part,
        });
        self.samples += samples;
        Ok(())
    }

    /// Returns the mean over all samples; NaN before the first sample. Waits for the device.
    pub fn value(&self) -> Result<f64, TchError> {
        match &self.sum {
            Some(sum) => Ok(scalar(sum)? / self.samples as f64),
            None => Ok(f64::NAN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn scalar_reads_one_number_of_any_shape_and_kind() -> Result<(), TchError> {
        assert_eq!((scalar(&Tensor::from(2.5f32))?, scalar(&Tensor::from(0.9f32))?), (2.5, 0.9));
        assert_eq!(scalar(&Tensor::from_slice(&[7i64]).reshape([1, 1]))?, 7.0);
        assert!(scalar(&Tensor::from_slice(&[1f32, 2.0])).is_err());
        assert!(scalar(&Tensor::zeros([0], (Kind::Float, Device::Cpu))).is_err());
        Ok(())
    }

    #[test]
    fn a_mean_weighs_batches_by_their_size() -> Result<(), TchError> {
        let mut mean = Mean::default();
        assert!(mean.value()?.is_nan());
        mean.add(&Tensor::from(1f32), 3)?;
        mean.add(&Tensor::from(5f32), 1)?;
        assert_eq!(mean.value()?, 2.0);
        mean.add(&Tensor::from(f32::NAN), 1)?;
        assert!(mean.value()?.is_nan());
        Ok(())
    }
}
