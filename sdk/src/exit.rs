//! `std::process::exit` runs no destructors, so a hook of the C library writes what the buffers of
//! living runs hold to their journals. Registered when the first run starts; holds no run alive.
//! The one place of this crate with unsafe code.

use std::{
    panic,
    sync::{Mutex, Once, PoisonError, Weak},
};

/// A run that has something to save when the process exits.
pub(crate) trait AtExit: Send + Sync {
    /// Saves it, for a bounded time.
    fn exit(&self);
}

static RUNS: Mutex<Vec<Weak<dyn AtExit>>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

/// From now on an exit of the process saves this run.
pub(crate) fn watch(run: Weak<dyn AtExit>) {
    HOOK.call_once(register);
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    runs.retain(|run| run.strong_count() > 0);
    runs.push(run);
}

#[allow(unsafe_code)]
fn register() {
    // SAFETY: `atexit` only stores the address of a function, which is valid as long as the
    // program. The function never unwinds. Rust has no safe call for this, and `exit` runs nothing
    // else of ours. Should there be no room for another hook, runs are saved by `finish` and `drop`
    // alone.
    unsafe {
        libc::atexit(save);
    }
}

extern "C" fn save() {
    let runs = std::mem::take(&mut *RUNS.lock().unwrap_or_else(PoisonError::into_inner));
    for run in runs.iter().filter_map(Weak::upgrade) {
        // Unwinding out of a C callback would abort and take the other runs along.
        let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| run.exit()));
    }
}
