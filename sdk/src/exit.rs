//! Saves living runs when the process exits. `std::process::exit` runs no destructors, so a hook of
//! the C library writes the rows in the buffers to the journals. The first run registers the hook.
//! The hook keeps no run alive. This is the only module of the crate with unsafe code.

use std::{
    panic,
    sync::{Mutex, Once, PoisonError, Weak},
};

/// A run that has something to save when the process exits.
pub(crate) trait AtExit: Send + Sync {
    /// Saves the run, within a bounded time.
    fn exit(&self);
}

static RUNS: Mutex<Vec<Weak<dyn AtExit>>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

/// Makes sure that the exit of the process saves this run.
pub(crate) fn watch(run: Weak<dyn AtExit>) {
    HOOK.call_once(register);
    let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
    runs.retain(|run| run.strong_count() > 0);
    runs.push(run);
}

#[allow(unsafe_code)]
fn register() {
    // SAFETY: `atexit` only stores the address of a function, which stays valid for the whole life
    // of the program. The function never unwinds. Rust has no safe call for this, and `exit` runs
    // none of our other code. If the C library has no room for another hook, only `finish` and
    // `drop` save runs.
    unsafe {
        libc::atexit(save);
    }
}

extern "C" fn save() {
    let runs = std::mem::take(&mut *RUNS.lock().unwrap_or_else(PoisonError::into_inner));
    for run in runs.iter().filter_map(Weak::upgrade) {
        // Unwinding out of a C callback would abort the process before the other runs are saved.
        let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| run.exit()));
    }
}
