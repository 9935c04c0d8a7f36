//! Shortens the messages of torch's errors for people. Trainers call it before they print an error.

use tch::TchError;

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
