//! Chooses the folder of a run for which no agent has made a folder.

use std::{env, path::PathBuf};

use crate::identity::Identity;

/// Returns the folder that contains the folders of runs without an agent: `dir`, else `BESOM_DATA`,
/// else `besom` in the user's state folder. Without a home folder, it is `besom` in the temporary
/// folder.
pub(super) fn data(dir: Option<PathBuf>) -> PathBuf {
    let state = || match (env::var_os("XDG_STATE_HOME"), env::var_os("HOME")) {
        (Some(state), _) => PathBuf::from(state).join("besom"),
        (None, Some(home)) => PathBuf::from(home).join(".local/state/besom"),
        (None, None) => env::temp_dir().join("besom"),
    };
    dir.or_else(|| env::var_os("BESOM_DATA").map(PathBuf::from)).unwrap_or_else(state)
}

/// Returns the folder of one attempt of an online run for which no agent has made a folder.
pub(crate) fn of(dir: Option<PathBuf>, identity: &Identity) -> PathBuf {
    data(dir).join("runs").join(&identity.run).join(identity.attempt.to_string())
}
