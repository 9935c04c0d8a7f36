//! Provides values to log from a training with tch's optimisers: gradient norms before and after
//! clipping, and the learning rates of several parameter groups.

use tch::{Kind, TchError, Tensor, nn};

use crate::scalar;

/// The L2 norm of all gradients together, before and after clipping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norms {
    /// The norm of the gradients before clipping. It is not finite if any gradient is not finite.
    pub before: f64,
    /// The norm of the gradients after clipping. The optimiser's step uses these gradients.
    pub after: f64,
}

/// Scales the gradients of `store` down so that the L2 norm of all of them together is at most
/// `max`, as PyTorch's `clip_grad_norm_` does. Returns the norm before and after. Call it between
/// the backward pass and the optimiser's step. If the norm is not finite, the gradients stay
/// unchanged. The call waits for the device once.
///
/// ```no_run
/// # fn step(
/// #     run: &besom::Run,
/// #     store: &tch::nn::VarStore,
/// #     optimizer: &mut tch::nn::Optimizer,
/// #     loss: &tch::Tensor,
/// # ) -> Result<(), tch::TchError> {
/// optimizer.zero_grad();
/// loss.backward();
/// let norms = besom_tch::clip_grad_norm(store, 1.0)?;
/// optimizer.step();
/// besom::log!(run, "grad/norm" => norms.before, "grad/clipped" => norms.after);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Fails if torch cannot compute a norm.
pub fn clip_grad_norm(store: &nn::VarStore, max: f64) -> Result<Norms, TchError> {
    tch::no_grad(|| {
        let mut gradients = Vec::new();
        for variable in store.trainable_variables() {
            let gradient = variable.f_grad()?;
            if gradient.defined() {
                gradients.push(gradient);
            }
        }
        if gradients.is_empty() {
            return Ok(Norms { before: 0.0, after: 0.0 });
        }
        let norms: Result<Vec<Tensor>, TchError> =
            gradients.iter().map(|gradient| gradient.f_norm()?.f_to_kind(Kind::Double)).collect();
        let before = scalar(&Tensor::f_stack(&norms?, 0)?.f_norm()?)?;
        let factor = max / (before + 1e-6);
        if !before.is_finite() || factor >= 1.0 {
            return Ok(Norms { before, after: before });
        }
        for gradient in &mut gradients {
            // `gradient` shares its memory with the variable's gradient, so the multiplication in
            // place changes the latter.
            let _ = gradient.f_mul_scalar_(factor)?;
        }
        Ok(Norms { before, after: before * factor })
    })
}

/// The learning rates of an optimiser's parameter groups. tch can set learning rates but cannot
/// return them, so this type sets and stores them.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningRates(Vec<f64>);

impl LearningRates {
    /// Sets the rate of each group, from group 0 on.
    pub fn new(optimizer: &mut nn::Optimizer, rates: &[f64]) -> Self {
        for (group, rate) in rates.iter().enumerate() {
            optimizer.set_lr_group(group, *rate);
        }
        Self(rates.to_vec())
    }

    /// Multiplies the rates of all groups by `factor`, as a learning-rate schedule does.
    pub fn scale(&mut self, optimizer: &mut nn::Optimizer, factor: f64) {
        for (group, rate) in self.0.iter_mut().enumerate() {
            *rate *= factor;
            optimizer.set_lr_group(group, *rate);
        }
    }

    /// Returns the rates with the names `lr/group0`, `lr/group1`, ..., for `Run::log`.
    pub fn row(&self) -> impl Iterator<Item = (String, f64)> + '_ {
        self.0.iter().enumerate().map(|(group, rate)| (format!("lr/group{group}"), *rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, nn::OptimizerConfig as _};

    #[test]
    fn clipping_returns_both_norms() -> Result<(), TchError> {
        let store = nn::VarStore::new(Device::Cpu);
        assert_eq!(clip_grad_norm(&store, 1.0)?, Norms { before: 0.0, after: 0.0 });
        let x = store.root().f_var_copy("x", &Tensor::from_slice(&[3f32, 4.0]))?;
        (x.square().sum(Kind::Float) * 0.5).backward();
        assert_eq!(clip_grad_norm(&store, 10.0)?, Norms { before: 5.0, after: 5.0 });
        let norms = clip_grad_norm(&store, 1.0)?;
        assert_eq!(norms.before, 5.0);
        assert!((norms.after - 1.0).abs() < 1e-5);
        assert!(
            (scalar(&x.grad().norm())? - norms.after).abs() < 1e-5,
            "the gradient itself is clipped"
        );
        let bad = Tensor::from_slice(&[f32::NAN, 1.0]);
        x.grad().copy_(&bad);
        assert!(clip_grad_norm(&store, 1.0)?.before.is_nan());
        Ok(())
    }

    #[test]
    fn groups_have_rates_of_their_own() -> Result<(), TchError> {
        let store = nn::VarStore::new(Device::Cpu);
        let root = store.root();
        let one = root.f_var_copy("one", &Tensor::from_slice(&[1f32]))?;
        let two = root.set_group(1).f_var_copy("two", &Tensor::from_slice(&[1f32]))?;
        let mut optimizer = nn::Sgd::default().build(&store, 1.0)?;
        let mut rates = LearningRates::new(&mut optimizer, &[0.5, 0.25]);
        optimizer.backward_step(&(&one + &two).sum(Kind::Float));
        assert_eq!((scalar(&one)?, scalar(&two)?), (0.5, 0.75));
        rates.scale(&mut optimizer, 0.5);
        let row: Vec<_> = rates.row().collect();
        assert_eq!(row, [("lr/group0".to_owned(), 0.25), ("lr/group1".to_owned(), 0.125)]);
        Ok(())
    }
}
