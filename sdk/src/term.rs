//! Treats SIGTERM as a request to end. A program that calls `should_stop` learns of the signal
//! there, and the signal does not end it. A program that never calls `should_stop` ends by the
//! system's default. `run` and `function_agent` call this module, which ends nothing itself.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{consts::SIGTERM, flag};

static TOLD: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Returns true once this process has received SIGTERM. The first call installs the handler: from
/// then on SIGTERM only makes this function return true.
pub(crate) fn is_told() -> bool {
    let told = TOLD.get_or_init(|| {
        let told = Arc::new(AtomicBool::new(false));
        // If the handler cannot be registered, SIGTERM still ends the process.
        let _ = flag::register(SIGTERM, Arc::clone(&told));
        told
    });
    told.load(Ordering::Relaxed)
}

/// Returns the same as [`is_told`], but installs no handler: without an earlier call of [`is_told`]
/// it returns false.
pub(crate) fn was_told() -> bool {
    TOLD.get().is_some_and(|told| told.load(Ordering::Relaxed))
}
