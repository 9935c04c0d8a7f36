//! Saves the runs that have not ended when the process exits. `std::process::exit` runs no
//! destructors, so an `atexit` hook of the C library writes the buffered rows to the journals. The
//! first run registers the hook. The hook holds only weak references to runs, so it keeps no run
//! alive. This is the only module of the crate with unsafe code.

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

/// Registers a run, so that the hook saves it when the process exits.
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
    // no other code of the SDK. If the C library takes no further hook, only `finish` and `drop`
    // save runs.
    unsafe {
        libc::atexit(save);
    }
}

extern "C" fn save() {
    let runs = std::mem::take(&mut *RUNS.lock().unwrap_or_else(PoisonError::into_inner));
    for run in runs.iter().filter_map(Weak::upgrade) {
        // A panic that unwinds out of a C callback would abort the process before the other runs
        // are saved.
        let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| run.exit()));
    }
}
