//! Provides the only randomness in the SDK: it makes ids and spreads retries.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
};

/// Returns a random number that no other process has in practice. It uses the seed of a hasher,
/// which is the only entropy that the standard library offers.
pub(crate) fn unique() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns an id in the controller's form: eight letters and digits, of which the first is a
/// letter.
pub(crate) fn id() -> String {
    let mut rest = unique();
    let mut digit = |base: u64| {
        let digit = rest % base;
        rest /= base;
        char::from(if digit < 26 { b'a' + digit as u8 } else { b'0' + (digit - 26) as u8 })
    };
    std::iter::once(26).chain([36; 7]).map(&mut digit).collect()
}

/// Returns a fraction in [0, 1) that spreads the retries of many processes. Its exact value does
/// not matter.
pub(crate) fn jitter(tries: u32) -> f64 {
    let mixed = std::process::id().wrapping_add(tries).wrapping_mul(0x9E37_79B9);
    f64::from(mixed) / (f64::from(u32::MAX) + 1.0)
}
