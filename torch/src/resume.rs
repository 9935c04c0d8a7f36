//! Saves a training with one call, and resumes it with another. The checkpoint of the run is a file
//! that `state` writes, and the run's next attempt reads it. Trainers call this module, and decide
//! when to make a checkpoint.

use besom::{CheckpointError, Run};
use serde::{Serialize, de::DeserializeOwned};
use tch::nn;

use crate::{error::StateError, optim::Optim, state};

/// A reason why a training cannot be saved or resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The SDK cannot make or fetch the checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The state cannot be written to the checkpoint, or the state in the checkpoint does not fit
    /// the model or the optimiser.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Adds methods to [`Run`] that make checkpoints of a training and resume from them:
///
/// ```no_run
/// use besom_tch::ResumeExt as _;
/// # fn train(
/// #     run: &besom::Run,
/// #     store: &tch::nn::VarStore,
/// #     optimizer: &mut besom_tch::Optim,
/// #     seed: u32,
/// # ) -> Result<(), besom_tch::ResumeError> {
/// let done = run.resume_training(store, optimizer)?.unwrap_or(0);
/// for epoch in done + 1..=10 {
///     besom_tch::reseed(seed, epoch);
///     // ... train for an epoch and log it ...
///     run.save_training(store, optimizer, &epoch)?;
/// }
/// # Ok(())
/// # }
/// ```
pub trait ResumeExt {
    /// Makes a checkpoint of the weights, the optimiser's state and the training loop's `progress`,
    /// in the format of [`state::save`].
    ///
    /// # Errors
    /// Fails like [`Run::checkpoint`], also if torch cannot write the state.
    fn save_training(
        &self,
        store: &nn::VarStore,
        optimizer: &Optim,
        progress: &impl Serialize,
    ) -> Result<(), ResumeError>;

    /// Resumes from the run's newest checkpoint. Returns the training loop's progress, or `None` if
    /// there is no checkpoint. Call this method before the first row is logged.
    ///
    /// # Errors
    /// Fails if the checkpoint cannot be fetched, if it belongs to another model or optimizer, or
    /// if its progress is not a `T`.
    fn resume_training<T: DeserializeOwned>(
        &self,
        store: &nn::VarStore,
        optimizer: &mut Optim,
    ) -> Result<Option<T>, ResumeError>;
}

impl ResumeExt for Run {
    fn save_training(
        &self,
        store: &nn::VarStore,
        optimizer: &Optim,
        progress: &impl Serialize,
    ) -> Result<(), ResumeError> {
        Ok(self.checkpoint(|file| state::save(file, store, optimizer, progress))?)
    }

    fn resume_training<T: DeserializeOwned>(
        &self,
        store: &nn::VarStore,
        optimizer: &mut Optim,
    ) -> Result<Option<T>, ResumeError> {
        let Some(checkpoint) = self.resume()? else { return Ok(None) };
        Ok(Some(state::load(checkpoint.path(), store, optimizer)?))
    }
}
