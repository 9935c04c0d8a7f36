//! The only source of chance in the SDK: ids, and the spread of retries.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
};

/// Returns a number that no other process has. The seed of a hasher is the entropy that the
/// standard library offers.
pub(crate) fn unique() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns an id as the controller makes them: eight letters and digits that begin with a letter.
pub(crate) fn id() -> String {
    let mut rest = unique();
    let mut digit = |base: u64| {
        let digit = rest % base;
        rest /= base;
        char::from(if digit < 26 { b'a' + digit as u8 } else { b'0' + (digit - 26) as u8 })
    };
    std::iter::once(26).chain([36; 7]).map(&mut digit).collect()
}

/// Returns a share from 0 to 1 that spreads the retries of many processes. Any number will do.
pub(crate) fn jitter(tries: u32) -> f64 {
    let mixed = std::process::id().wrapping_add(tries).wrapping_mul(0x9E37_79B9);
    f64::from(mixed) / (f64::from(u32::MAX) + 1.0)
}
