//! Treats SIGTERM as a request to end. From a program's first call of `should_stop` on, SIGTERM
//! makes `should_stop` return true and does not end the program. SIGTERM ends a program that has
//! never called `should_stop`, which is the system's default. `run` and `function_agent` call this
//! module, which ends no process.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{consts::SIGTERM, flag};

static TOLD: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Returns true if this process has received SIGTERM since the handler was installed. The first
/// call installs the handler. After that call, SIGTERM only makes this function return true.
pub(crate) fn is_told() -> bool {
    let told = TOLD.get_or_init(|| {
        let told = Arc::new(AtomicBool::new(false));
        // If the handler cannot be registered, SIGTERM still ends the process.
        let _ = flag::register(SIGTERM, Arc::clone(&told));
        told
    });
    told.load(Ordering::Relaxed)
}

/// Returns the same as [`is_told`], but installs no handler. Before the first call of [`is_told`],
/// this function returns false.
pub(crate) fn was_told() -> bool {
    TOLD.get().is_some_and(|told| told.load(Ordering::Relaxed))
}
