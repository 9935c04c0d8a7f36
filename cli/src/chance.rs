//! Makes random idempotency keys from the operating system's entropy. `sweep` uses no other random
//! numbers.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one place where entropy enters"
)]

use rand::{TryRng as _, rngs::SysRng};
use terminal::{Exit, Failure};

/// Draws an idempotency key: 32 hexadecimal digits. No other call draws the same key, except by a
/// chance of about 1 in 2^128.
pub(crate) fn key() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
        Failure::new(Exit::Bug, format!("this machine cannot provide random numbers: {error}"))
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
