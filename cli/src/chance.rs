//! Provides the only randomness in the command, which makes keys. It comes from the operating
//! system.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one place where entropy enters"
)]

use rand::{TryRng as _, rngs::SysRng};
use terminal::{Exit, Failure};

/// Draws an idempotency key: 32 hexadecimal digits that no other call has.
pub(crate) fn key() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
        Failure::new(Exit::Bug, format!("this machine cannot provide random numbers: {error}"))
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
