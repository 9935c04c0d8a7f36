//! Provides the random numbers that spread the agent's repeated calls over time. They come from the
//! operating system.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one place where entropy enters"
)]

use rand::{TryRng as _, rngs::SysRng};

/// Returns a random number in [0, 1). If the operating system has no random numbers, returns 0.5: a
/// pause of the middle length is better than no agent.
pub(crate) fn jitter() -> f64 {
    SysRng.try_next_u32().map_or(0.5, |drawn| f64::from(drawn) / (f64::from(u32::MAX) + 1.0))
}
