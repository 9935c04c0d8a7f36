//! Saves and resumes a training with one call each. A checkpoint of the run holds the file that
//! `state` writes, and the next attempt reads it back. Trainers call it; it never decides when to
//! make a checkpoint.

use besom::{CheckpointError, Run};
use serde::{Serialize, de::DeserializeOwned};
use tch::nn;

use crate::{
    optim::Optim,
    state::{self, StateError},
};

/// A reason why a training cannot be saved or resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The checkpoint cannot be made or fetched.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The state in the checkpoint cannot be written or does not fit.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Makes checkpoints of a training and resumes from them:
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
    /// Makes a checkpoint of the weights, the optimiser's state and the loop's own `progress`, in
    /// the format of [`state::save`].
    ///
    /// # Errors
    /// Fails if the checkpoint cannot be written; then there is no checkpoint.
    fn save_training(
        &self,
        store: &nn::VarStore,
        optimizer: &Optim,
        progress: &impl Serialize,
    ) -> Result<(), ResumeError>;

    /// Resumes from the run's newest checkpoint. Returns the loop's progress, or `None` if there is
    /// no checkpoint. Call it before the first row is logged.
    ///
    /// # Errors
    /// Fails if the checkpoint cannot be fetched, or is of another model or optimizer.
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
