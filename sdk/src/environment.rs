//! Reads the environment variables that set up a run.

use std::{env, str::FromStr};

use crate::error::InitError;

/// Returns the value of an environment variable, or `None` if the variable is unset, empty or not
/// UTF-8.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the value of an environment variable as a `T`, or `None` if the variable is unset, empty
/// or not UTF-8.
///
/// Fails if the value cannot be parsed as a `T`.
pub(crate) fn parsed<T: FromStr>(name: &'static str) -> Result<Option<T>, InitError> {
    let parse = |value: String| value.parse().map_err(|_| InitError::Environment { name, value });
    variable(name).map(parse).transpose()
}
