//! Where the SDK keeps runs that no agent has made a folder for.

use std::{env, path::PathBuf};

use crate::identity::Identity;

/// Where runs are kept that no agent has made a folder for.
pub(super) fn data(dir: Option<PathBuf>) -> PathBuf {
    let state = || match (env::var_os("XDG_STATE_HOME"), env::var_os("HOME")) {
        (Some(state), _) => PathBuf::from(state).join("besom"),
        (None, Some(home)) => PathBuf::from(home).join(".local/state/besom"),
        (None, None) => env::temp_dir().join("besom"),
    };
    dir.or_else(|| env::var_os("BESOM_DATA").map(PathBuf::from)).unwrap_or_else(state)
}

/// Where the journal of a run is kept that no agent has made a folder for.
pub(crate) fn of(dir: Option<PathBuf>, identity: &Identity) -> PathBuf {
    data(dir).join("runs").join(&identity.run).join(identity.attempt.to_string())
}
