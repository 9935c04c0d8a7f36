//! SIGTERM as a wish. A program that asks `should_stop` hears of it there and is not ended by it;
//! one that never asks is ended, as by the system's default. Called by `run` and `function_agent`;
//! ends nothing itself.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use signal_hook::{consts::SIGTERM, flag};

static TOLD: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Whether this process has been told to end. From the first call on SIGTERM does no more than to
/// make this true.
pub(crate) fn is_told() -> bool {
    let told = TOLD.get_or_init(|| {
        let told = Arc::new(AtomicBool::new(false));
        // Where it cannot be registered, SIGTERM goes on to end the process.
        let _ = flag::register(SIGTERM, Arc::clone(&told));
        told
    });
    told.load(Ordering::Relaxed)
}

/// As [`is_told`], but changes nothing where nobody has asked yet.
pub(crate) fn was_told() -> bool {
    TOLD.get().is_some_and(|told| told.load(Ordering::Relaxed))
}
