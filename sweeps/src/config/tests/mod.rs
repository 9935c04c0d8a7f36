//! Tests the whole check: every key and distribution in `valid`, wrong files with all that is
//! reported about them in `wrong`, argv in `argv`, and properties over arbitrary and generated
//! texts in `properties`.

#![allow(clippy::unwrap_used)]

mod argv;
mod docs;
mod properties;
mod valid;
mod wrong;

use super::{Checked, Config, Severity, check};

/// Returns the configuration of a text without problems.
fn good(text: &str) -> Config {
    let Checked { config, problems } = check(text);
    assert!(problems.is_empty(), "{problems:#?}\n{text}");
    config.unwrap()
}

/// Returns the messages of the errors and warnings, with their lines.
fn told(text: &str) -> Vec<String> {
    let Checked { config, problems } = check(text);
    assert_eq!(config.is_none(), problems.iter().any(|p| p.severity == Severity::Error), "{text}");
    problems.iter().map(|p| format!("{}: {}", p.line, p.message)).collect()
}
