//! Tests the whole check. `valid` tests every key and distribution, `wrong` has snapshots of all
//! problems of wrong files, and `argv` tests the expansion of commands. `properties` tests
//! arbitrary and generated texts, and `docs` tests the examples of the reference.

#![allow(clippy::unwrap_used)]

mod argv;
mod docs;
mod properties;
mod valid;
mod wrong;

use super::{Checked, Config, Severity, check};

/// Returns the configuration of a text. Fails if the text has a problem.
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
