//! What `wandb.watch` does: histograms of the gradients and parameters of every variable, each so
//! many steps. A training loop calls [`Watching::step`] after each backward pass. Changes nothing
//! of the model.

use besom::{Run, Value};
use tch::{TchError, Tensor, nn};

use crate::histogram;

/// Bins of each histogram, as many as W&B has.
const BINS: usize = 64;

/// What is watched.
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

/// `run.watch(&store, Watch::All, 100)`.
pub trait WatchExt {
    /// Watches the trainable variables that `store` has now, at the first and then at every
    /// `log_freq`-th step; 0 is taken as 1. What it returns is to be told of the steps.
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
    /// With their names, by name.
    variables: Vec<(String, Tensor)>,
    what: Watch,
    log_freq: u64,
    steps: u64,
}

impl Watching {
    /// To be called after each backward pass, before gradients are set to zero: also right after
    /// `backward_step`. Where a step is due its histograms join the next row that the program logs;
    /// all other steps cost nothing. A variable without a gradient has none.
    ///
    /// # Errors
    /// When torch cannot count a variable's numbers.
    pub fn step(&mut self) -> Result<(), TchError> {
        let due = self.steps.is_multiple_of(self.log_freq) && self.what != Watch::None;
        self.steps += 1;
        if !due {
            return Ok(());
        }
        let mut row: Vec<(String, Value<'static>)> = Vec::new();
        for (name, variable) in &self.variables {
            // A store separates names by dots already, as W&B does.
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
