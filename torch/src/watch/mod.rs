//! Logs histograms of the gradients and parameters of every variable at regular steps, like
//! `wandb.watch`. A training loop calls [`Watching::step`] after each backward pass. It does not
//! change the model.

use besom::{Run, Value};
use tch::{TchError, Tensor, nn};

use crate::histogram;

/// The number of bins of each histogram, the same as in W&B.
const BINS: usize = 64;

/// The tensors that are watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// Gradients, as `gradients/<variable>`.
    #[default]
    Gradients,
    /// Parameters, as `parameters/<variable>`.
    Parameters,
    /// Both.
    All,
    /// Nothing.
    None,
}

impl Watch {
    fn has_gradients(self) -> bool {
        matches!(self, Self::Gradients | Self::All)
    }

    fn has_parameters(self) -> bool {
        matches!(self, Self::Parameters | Self::All)
    }
}

/// Adds `run.watch(&store, Watch::All, 100)`.
pub trait WatchExt {
    /// Watches the trainable variables that `store` has now, at the first step and then at every
    /// `log_freq`-th step; 0 counts as 1. Call [`Watching::step`] on the result at each step.
    fn watch(&self, store: &nn::VarStore, what: Watch, log_freq: u64) -> Watching;
}

impl WatchExt for Run {
    fn watch(&self, store: &nn::VarStore, what: Watch, log_freq: u64) -> Watching {
        let named = store.variables().into_iter();
        let mut variables: Vec<_> =
            named.filter(|(_, variable)| variable.requires_grad()).collect();
        variables.sort_by(|one, two| one.0.cmp(&two.0));
        Watching { run: self.clone(), variables, what, log_freq: log_freq.max(1), steps: 0 }
    }
}

/// Variables that are watched.
#[derive(Debug)]
pub struct Watching {
    run: Run,
    /// The variables with their names, in the order of the names.
    variables: Vec<(String, Tensor)>,
    what: Watch,
    log_freq: u64,
    steps: u64,
}

impl Watching {
    /// Call this after each backward pass, before the gradients are set to zero; right after
    /// `backward_step` is fine too. If a step is due, its histograms join the next row that the
    /// program logs; all other steps cost nothing. A variable without a gradient gets no histogram
    /// of it.
    ///
    /// # Errors
    /// Fails if torch cannot count a variable's numbers.
    pub fn step(&mut self) -> Result<(), TchError> {
        let due = self.steps.is_multiple_of(self.log_freq) && self.what != Watch::None;
        self.steps += 1;
        if !due {
            return Ok(());
        }
        let mut row: Vec<(String, Value<'static>)> = Vec::new();
        for (name, variable) in &self.variables {
            // The names in a store are already separated by dots, as in W&B.
            if self.what.has_gradients() {
                let gradient = variable.f_grad()?;
                if gradient.defined() {
                    row.push((format!("gradients/{name}"), histogram(&gradient, BINS)?.into()));
                }
            }
            if self.what.has_parameters() {
                row.push((format!("parameters/{name}"), histogram(variable, BINS)?.into()));
            }
        }
        if !row.is_empty() {
            self.run.log_ahead(row);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
