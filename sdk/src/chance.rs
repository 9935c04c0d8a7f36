//! Provides all random numbers of the SDK, for ids and for the pauses between retries.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
};

/// Returns a random number of 64 bits, which in practice no other process gets. It derives the
/// number from the seed of a hasher, the only entropy that the standard library offers.
pub(crate) fn unique() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns a random id like those of the controller: a lower-case letter, then seven lower-case
/// letters or digits.
pub(crate) fn id() -> String {
    let mut rest = unique();
    let mut digit = |base: u64| {
        let digit = rest % base;
        rest /= base;
        char::from(if digit < 26 { b'a' + digit as u8 } else { b'0' + (digit - 26) as u8 })
    };
    std::iter::once(26).chain([36; 7]).map(&mut digit).collect()
}

/// Returns a fraction in [0, 1) from the process id and the number of tries. It spreads the retries
/// of many processes over time.
pub(crate) fn jitter(tries: u32) -> f64 {
    let mixed = std::process::id().wrapping_add(tries).wrapping_mul(0x9E37_79B9);
    f64::from(mixed) / (f64::from(u32::MAX) + 1.0)
}
