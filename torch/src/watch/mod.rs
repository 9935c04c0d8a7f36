//! Logs histograms of the gradients and parameters of every trainable variable at regular steps,
//! like `wandb.watch`. A training loop calls [`Watching::step`] after each backward pass. The
//! module does not change the model.

use besom::{Run, Value};
use tch::{TchError, Tensor, nn};

use crate::histogram;

/// The number of bins of each histogram, the same as in W&B.
const BINS: usize = 64;

/// The tensors of which histograms are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// Gradients, as `gradients/<variable>`.
    #[default]
    Gradients,
    /// Parameters, as `parameters/<variable>`.
    Parameters,
    /// Gradients and parameters.
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

/// Adds the method `watch` to [`Run`]: `run.watch(&store, Watch::All, 100)`.
pub trait WatchExt {
    /// Returns a [`Watching`] of the trainable variables that `store` has now. The training loop
    /// must call [`Watching::step`] at each step. Histograms are logged at the first step and at
    /// every `log_freq`-th step after it; 0 counts as 1.
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

/// The variables whose histograms are logged.
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
    /// Counts a training step, and computes the histograms at the first step and at every
    /// `log_freq`-th step after it. Call this method after each backward pass, before the gradients
    /// are set to zero. A call right after `backward_step` is also right. The histograms get the
    /// step of the next row that the program logs. A variable without a gradient gets no histogram
    /// of gradients.
    ///
    /// # Errors
    /// Fails if torch cannot compute the histogram of a variable.
    pub fn step(&mut self) -> Result<(), TchError> {
        let due = self.steps.is_multiple_of(self.log_freq) && self.what != Watch::None;
        self.steps += 1;
        if !due {
            return Ok(());
        }
        let mut row: Vec<(String, Value<'static>)> = Vec::new();
        for (name, variable) in &self.variables {
            // The parts of a variable's name in a store have dots between them, as in W&B.
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
