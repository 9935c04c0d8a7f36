//! Defines the errors of saving and loading a state, and shortens torch's errors for people.
//! Trainers call [`brief`] before they print an error.

use tch::TchError;

/// A reason why a state cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A call of torch failed.
    #[error("{}", brief(.0))]
    Torch(#[from] TchError),
    /// The saved state lacks a tensor that this model or optimiser needs.
    #[error("the saved state has no `{0}`: it belongs to another model or optimizer")]
    Missing(String),
    /// The saved state has a tensor that does not exist in this model or optimiser.
    #[error(
        "the saved state has `{0}`, which does not exist here: it belongs to another model or \
        optimizer"
    )]
    Unknown(String),
    /// A tensor has another kind or shape in this model than in the saved state.
    #[error("`{name}` was saved as {saved}, but is {here} in this model")]
    Shape {
        /// The tensor's name.
        name: String,
        /// The kind and shape of the saved tensor.
        saved: String,
        /// The kind and shape of this model's tensor.
        here: String,
    },
    /// The training loop's progress cannot be converted to JSON, or the saved JSON does not fit its
    /// type.
    #[error("cannot convert the progress of the loop: {0}")]
    Progress(#[from] serde_json::Error),
}

/// Returns the message of a torch error without the C++ stack trace that torch appends.
pub fn brief(error: &TchError) -> String {
    let text = match error {
        TchError::Torch(text) => text.clone(),
        other => other.to_string(),
    };
    let first = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("torch failed and gave no reason");
    first.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    #[test]
    fn a_torch_error_is_one_line() {
        let (two, three) = (
            Tensor::ones([2], (Kind::Float, tch::Device::Cpu)),
            Tensor::ones([3], (Kind::Float, tch::Device::Cpu)),
        );
        let error = two.f_add(&three).expect_err("shapes differ");
        let text = brief(&error);
        assert!(
            text.starts_with("The size of tensor a (2) must match the size of tensor b (3)"),
            "{text}"
        );
        assert!(!text.contains('\n') && !text.contains("Exception raised from"), "{text}");
    }
}
