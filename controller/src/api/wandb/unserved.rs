//! Counts the fields that clients ask for and Besom does not serve. Each gets one line in the log,
//! so that a person learns why a value is missing.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The most names that are counted. A caller can make up any number of names.
const MOST: usize = 1000;

/// The fields that are not served, and how often clients have asked for each.
#[derive(Debug, Default)]
pub(super) struct Unserved(Mutex<BTreeMap<String, u64>>);

impl Unserved {
    /// Counts one more question for a field of this kind of object.
    pub(super) fn note(&self, kind: &str, field: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{kind}.{field}");
        if let Some(count) = counts.get_mut(&name) {
            *count += 1;
        } else if counts.len() < MOST {
            tracing::info!(
                "a client of W&B asks for `{name}`, which Besom does not serve: it gets null"
            );
            counts.insert(name, 1);
        }
    }
}
