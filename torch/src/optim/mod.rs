//! Implements SGD, Adam and AdamW with a state that can be saved and loaded. A resumed run needs
//! that state, and libtorch's optimisers do not give it to Rust programs. Trainers and `state` call
//! this module. The update formulas are those of torch. The trainer chooses the learning rate.

use std::collections::HashMap;

use tch::{Kind, TchError, Tensor, nn, nn::OptimizerConfig as _};

use crate::error::StateError;

/// The update rule of an optimiser with its settings. A trainer makes it from tch's types:
/// `nn::AdamW::default().wd(0.1).into()`.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd(nn::Sgd),
    /// Adam, which adds the weight decay times the variable to the gradient.
    Adam(nn::Adam),
    /// Adam with decoupled weight decay.
    AdamW(nn::AdamW),
}

impl From<nn::Sgd> for Rule {
    fn from(rule: nn::Sgd) -> Self {
        Self::Sgd(rule)
    }
}

impl From<nn::Adam> for Rule {
    fn from(rule: nn::Adam) -> Self {
        Self::Adam(rule)
    }
}

impl From<nn::AdamW> for Rule {
    fn from(rule: nn::AdamW) -> Self {
        Self::AdamW(rule)
    }
}

/// An optimiser of the variables of a store, with methods like those of `tch::nn::Optimizer`.
#[derive(Debug)]
pub struct Optim {
    rule: Rule,
    learning_rate: f64,
    slots: Vec<Slot>,
    /// A tch optimiser that only clears gradients and never makes a step. In Rust, libtorch offers
    /// this only through its optimisers.
    clearing: nn::Optimizer,
}

/// A variable, and what the optimiser remembers of its gradients.
#[derive(Debug)]
struct Slot {
    name: String,
    variable: Tensor,
    memory: Memory,
}

#[derive(Debug)]
enum Memory {
    /// Nothing: before the first step, and always if the rule needs no memory.
    Empty,
    Momentum(Tensor),
    Moments {
        steps: u64,
        mean: Tensor,
        square: Tensor,
        /// The largest value of `square` so far, element by element; `None` without AMSGrad.
        largest: Option<Tensor>,
    },
}

impl Optim {
    /// Returns an optimiser of all variables that `store` has now. `learning_rate` must be at least
    /// 0.
    ///
    /// # Errors
    /// Fails if torch refuses the learning rate.
    pub fn new(
        store: &nn::VarStore,
        rule: impl Into<Rule>,
        learning_rate: f64,
    ) -> Result<Self, TchError> {
        let clearing = nn::Sgd::default().build(store, learning_rate)?;
        let slot = |(name, variable)| Slot { name, variable, memory: Memory::Empty };
        let mut slots: Vec<Slot> = store.variables().into_iter().map(slot).collect();
        slots.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { rule: rule.into(), learning_rate, slots, clearing })
    }

    /// Returns the learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Sets the learning rate of the next step and all later steps.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    /// Sets the weight decay of the next step and all later steps.
    pub fn set_weight_decay(&mut self, decay: f64) {
        match &mut self.rule {
            Rule::Sgd(rule) => rule.wd = decay,
            Rule::Adam(rule) => rule.wd = decay,
            Rule::AdamW(rule) => rule.wd = decay,
        }
    }

    /// Clears all gradients.
    pub fn zero_grad(&mut self) {
        self.clearing.zero_grad();
    }

    /// Makes one step: updates each variable that has a gradient.
    ///
    /// # Errors
    /// Fails if torch fails. Some variables can already have changed in that case.
    pub fn step(&mut self) -> Result<(), TchError> {
        let (rule, rate) = (self.rule, self.learning_rate);
        tch::no_grad(|| self.slots.iter_mut().try_for_each(|slot| slot.step(rule, rate)))
    }

    /// Clears all gradients, computes the gradients of `loss`, and makes a step.
    ///
    /// # Errors
    /// Fails if torch fails.
    pub fn backward_step(&mut self, loss: &Tensor) -> Result<(), TchError> {
        self.zero_grad();
        loss.f_backward()?;
        self.step()
    }

    /// Returns the whole state of the optimiser as named tensors.
    pub(crate) fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = vec![(RATE.to_owned(), Tensor::from(self.learning_rate))];
        for Slot { name, memory, .. } in &self.slots {
            let mut tell =
                |what: &str, tensor: Tensor| state.push((format!("{name}/{what}"), tensor));
            match memory {
                Memory::Empty => {}
                Memory::Momentum(momentum) => tell(MOMENTUM, momentum.shallow_clone()),
                Memory::Moments { steps, mean, square, largest } => {
                    tell(STEPS, Tensor::from(steps.cast_signed()));
                    tell(MEAN, mean.shallow_clone());
                    tell(SQUARE, square.shallow_clone());
                    if let Some(largest) = largest {
                        tell(LARGEST, largest.shallow_clone());
                    }
                }
            }
        }
        state
    }

    /// Sets the state to one that [`Optim::state`] returned, from an optimiser of the same rule and
    /// the same variables. Fails, and changes nothing, if a tensor is missing, is unknown, or has
    /// another kind or shape.
    pub(crate) fn set_state(
        &mut self,
        mut state: HashMap<String, Tensor>,
    ) -> Result<(), StateError> {
        let rate = state.remove(RATE).ok_or_else(|| StateError::Missing(RATE.to_owned()))?;
        let rate = f64::try_from(&rate)?;
        let recall = |slot: &Slot| slot.recall(self.rule, &mut state);
        let memories = self.slots.iter().map(recall).collect::<Result<Vec<_>, _>>()?;
        if let Some(name) = state.into_keys().next() {
            return Err(StateError::Unknown(name));
        }
        for (slot, memory) in self.slots.iter_mut().zip(memories) {
            slot.memory = memory;
        }
        self.learning_rate = rate;
        Ok(())
    }
}

/// The names of the tensors of the state, as in PyTorch's `state_dict`.
const RATE: &str = "lr";
const STEPS: &str = "step";
const MEAN: &str = "exp_avg";
const SQUARE: &str = "exp_avg_sq";
const LARGEST: &str = "max_exp_avg_sq";
const MOMENTUM: &str = "momentum_buffer";

impl Slot {
    fn step(&mut self, rule: Rule, rate: f64) -> Result<(), TchError> {
        let gradient = self.variable.f_grad()?;
        if !gradient.defined() {
            return Ok(());
        }
        match rule {
            Rule::Sgd(rule) => self.sgd(&gradient, &rule, rate),
            Rule::Adam(rule) => {
                let gradient = decayed(gradient, &self.variable, rule.wd)?;
                self.adam(&gradient, [rule.beta1, rule.beta2], rule.eps, rule.amsgrad, rate)
            }
            Rule::AdamW(rule) => {
                if rule.wd != 0.0 {
                    let _ = self.variable.f_mul_scalar_(1.0 - rate * rule.wd)?;
                }
                self.adam(&gradient, [rule.beta1, rule.beta2], rule.eps, rule.amsgrad, rate)
            }
        }
    }

    fn sgd(&mut self, gradient: &Tensor, rule: &nn::Sgd, rate: f64) -> Result<(), TchError> {
        let mut way = decayed(gradient.shallow_clone(), &self.variable, rule.wd)?;
        if rule.momentum != 0.0 {
            let momentum = match &mut self.memory {
                Memory::Momentum(momentum) => {
                    let _ = momentum.f_mul_scalar_(rule.momentum)?;
                    let _ = momentum.f_add_(&way.f_mul_scalar(1.0 - rule.dampening)?)?;
                    momentum.shallow_clone()
                }
                // The first momentum is a copy of the gradient, because a later backward pass
                // changes the gradient itself.
                memory => {
                    let momentum = way.f_detach_copy()?;
                    *memory = Memory::Momentum(momentum.shallow_clone());
                    momentum
                }
            };
            way = match rule.nesterov {
                true => way.f_add(&momentum.f_mul_scalar(rule.momentum)?)?,
                false => momentum,
            };
        }
        self.variable.f_add_(&way.f_mul_scalar(-rate)?).map(drop)
    }

    fn adam(
        &mut self,
        gradient: &Tensor,
        betas: [f64; 2],
        eps: f64,
        amsgrad: bool,
        rate: f64,
    ) -> Result<(), TchError> {
        if !matches!(self.memory, Memory::Moments { .. }) {
            let zeros = || self.variable.f_zeros_like();
            let largest = if amsgrad { Some(zeros()?) } else { None };
            self.memory = Memory::Moments { steps: 0, mean: zeros()?, square: zeros()?, largest };
        }
        let Memory::Moments { steps, mean, square, largest } = &mut self.memory else {
            return Ok(());
        };
        *steps += 1;
        let [bias, square_bias] = betas.map(|beta| 1.0 - beta.powf(*steps as f64));
        let _ = mean.f_lerp_(gradient, 1.0 - betas[0])?;
        let _ = square.f_mul_scalar_(betas[1])?;
        let _ = square.f_addcmul_(gradient, &gradient.f_mul_scalar(1.0 - betas[1])?)?;
        if let Some(largest) = largest {
            *largest = largest.f_maximum(square)?;
        }
        let mut root = largest.as_ref().unwrap_or(square).f_sqrt()?;
        let _ = root.f_div_scalar_(square_bias.sqrt())?.f_add_scalar_(eps)?;
        self.variable.f_addcdiv_(&mean.f_mul_scalar(-rate / bias)?, &root).map(drop)
    }

    /// Takes this variable's memory out of a saved state and returns it.
    fn recall(
        &self,
        rule: Rule,
        state: &mut HashMap<String, Tensor>,
    ) -> Result<Memory, StateError> {
        let mut part = |what: &str| {
            let name = format!("{}/{what}", self.name);
            let found = state.remove(&name).map(|saved| fitting(&name, &saved, &self.variable));
            found.transpose().map(|found| (name, found))
        };
        let amsgrad = match rule {
            Rule::Sgd(rule) if rule.momentum == 0.0 => return Ok(Memory::Empty),
            Rule::Sgd(_) => return Ok(part(MOMENTUM)?.1.map_or(Memory::Empty, Memory::Momentum)),
            Rule::Adam(rule) => rule.amsgrad,
            Rule::AdamW(rule) => rule.amsgrad,
        };
        let (_, Some(mean)) = part(MEAN)? else { return Ok(Memory::Empty) };
        let mut wanted = |what| {
            let (name, found) = part(what)?;
            found.ok_or(StateError::Missing(name))
        };
        let square = wanted(SQUARE)?;
        let largest = if amsgrad { Some(wanted(LARGEST)?) } else { None };
        let name = format!("{}/{STEPS}", self.name);
        let steps = state.remove(&name).ok_or(StateError::Missing(name))?;
        Ok(Memory::Moments { steps: i64::try_from(&steps)?.cast_unsigned(), mean, square, largest })
    }
}

/// Returns the gradient plus the weight decay times the variable.
fn decayed(gradient: Tensor, variable: &Tensor, decay: f64) -> Result<Tensor, TchError> {
    if decay == 0.0 { Ok(gradient) } else { gradient.f_add(&variable.f_mul_scalar(decay)?) }
}

/// Returns a copy of a saved tensor on the variable's device. Fails if the kinds or shapes differ.
pub(crate) fn fitting(name: &str, saved: &Tensor, variable: &Tensor) -> Result<Tensor, StateError> {
    let about = |tensor: &Tensor| -> (Kind, Vec<i64>) { (tensor.kind(), tensor.size()) };
    if about(saved) != about(variable) {
        return Err(StateError::Shape {
            name: name.to_owned(),
            saved: format!("{:?} {:?}", saved.kind(), saved.size()),
            here: format!("{:?} {:?}", variable.kind(), variable.size()),
        });
    }
    let mut here = variable.f_zeros_like()?;
    here.f_copy_(saved)?;
    Ok(here)
}

#[cfg(test)]
mod tests;
