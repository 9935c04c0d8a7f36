//! Checkpoints of a training, in two calls: what `state` writes goes into a checkpoint of the run,
//! and the next attempt reads it back. Called by trainers; it never decides when a checkpoint is
//! made.

use besom::{CheckpointError, Run};
use serde::{Serialize, de::DeserializeOwned};
use tch::nn;

use crate::{
    optim::Optim,
    state::{self, StateError},
};

/// Why a training cannot be saved or taken up again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What is in it.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Makes checkpoints of a training and goes on from them:
///
/// ```no_run
/// use besom_tch::ResumeExt as _;
/// # fn train(run: &besom::Run, store: &tch::nn::VarStore, optimizer: &mut besom_tch::Optim, seed: u32)
/// # -> Result<(), besom_tch::ResumeError> {
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
    /// Makes a checkpoint of the weights, the optimiser's memory and the loop's own `progress`, as
    /// [`state::save`] writes them.
    ///
    /// # Errors
    /// When it cannot be written: then there is no checkpoint.
    fn save_training(
        &self,
        store: &nn::VarStore,
        optimizer: &Optim,
        progress: &impl Serialize,
    ) -> Result<(), ResumeError>;

    /// Goes on from the run's newest checkpoint, if there is one: answers the loop's progress. To
    /// be called before the first row is logged.
    ///
    /// # Errors
    /// When the checkpoint does not come, or is of another model or optimizer.
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
