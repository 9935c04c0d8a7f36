//! Saves the state of a training in one file: the weights, the optimiser's state, and the progress
//! of the training loop. Trainers that make checkpoints and resume from them call this module. The
//! format is safetensors: a header in JSON and the bytes of the tensors. Many frameworks read this
//! format, and a file cannot contain code. If the names, kinds and shapes in a file do not all fit,
//! loading it changes nothing.

use std::{collections::HashMap, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use tch::{Device, TchError, Tensor, nn};

use crate::{
    error::StateError,
    optim::{Optim, fitting},
};

/// The prefix of the names of the model's variables.
const MODEL: &str = "model/";
/// The prefix of the names of the optimiser's tensors.
const OPTIMIZER: &str = "optimizer/";
/// The name of the tensor that holds the training loop's progress, as the bytes of a JSON text.
const PROGRESS: &str = "progress";

/// Writes the variables of `store`, the state of `optimizer` and the training loop's `progress`
/// (such as a number of epochs) to a file.
///
/// # Errors
/// Fails if torch or the disk fails, or if `progress` cannot be written as JSON.
pub fn save(
    file: &Path,
    store: &nn::VarStore,
    optimizer: &Optim,
    progress: &impl Serialize,
) -> Result<(), StateError> {
    let model =
        store.variables().into_iter().map(|(name, tensor)| (format!("{MODEL}{name}"), tensor));
    let state =
        optimizer.state().into_iter().map(|(name, tensor)| (format!("{OPTIMIZER}{name}"), tensor));
    let at_hand = |(name, tensor): (String, Tensor)| -> Result<(String, Tensor), TchError> {
        Ok((name, tensor.f_to_device(Device::Cpu)?.f_contiguous()?))
    };
    let mut all = model.chain(state).map(at_hand).collect::<Result<Vec<_>, _>>()?;
    all.push((PROGRESS.to_owned(), Tensor::f_from_slice(&serde_json::to_vec(progress)?)?));
    // The tensors are sorted by name, so that the same state always becomes the same bytes.
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(Tensor::write_safetensors(&all, file)?)
}

/// Reads a file that [`save`] wrote into `store` and `optimizer`, on any device, and returns the
/// training loop's progress. The variables and the optimiser's rule must be the same as when the
/// file was written.
///
/// # Errors
/// Fails if the file cannot be read, if it belongs to another model or optimizer, or if its
/// progress is not a `T`. In these cases `store` and `optimizer` have not changed.
pub fn load<T: DeserializeOwned>(
    file: &Path,
    store: &nn::VarStore,
    optimizer: &mut Optim,
) -> Result<T, StateError> {
    let (mut model, mut state) = (HashMap::new(), HashMap::new());
    let mut progress = None;
    for (name, tensor) in Tensor::read_safetensors(file)? {
        if let Some(name) = name.strip_prefix(MODEL) {
            model.insert(name.to_owned(), tensor);
        } else if let Some(name) = name.strip_prefix(OPTIMIZER) {
            state.insert(name.to_owned(), tensor);
        } else if name == PROGRESS {
            progress = Some(tensor);
        } else {
            return Err(StateError::Unknown(name));
        }
    }
    let progress = progress.ok_or_else(|| StateError::Missing(PROGRESS.to_owned()))?;
    let progress = serde_json::from_slice(&Vec::<u8>::try_from(&progress)?)?;
    let mut variables = Vec::new();
    for (name, variable) in store.variables() {
        let saved =
            model.remove(&name).ok_or_else(|| StateError::Missing(format!("{MODEL}{name}")))?;
        variables.push((fitting(&name, &saved, &variable)?, variable));
    }
    if let Some(name) = model.into_keys().next() {
        return Err(StateError::Unknown(format!("{MODEL}{name}")));
    }
    optimizer.set_state(state)?;
    tch::no_grad(|| {
        variables.iter_mut().try_for_each(|(saved, variable)| variable.f_copy_(saved))
    })?;
    Ok(progress)
}
