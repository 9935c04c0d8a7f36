//! Provides the only randomness in the SDK, for ids and for the pauses between retries. The random
//! numbers come from the operating system through the small crate `getrandom`, because users
//! compile the SDK. The crate `rand` would bring more crates, and generators that the SDK does not
//! need.

/// Returns 64 random bits. In practice, no other call in any process returns the same bits.
///
/// # Panics
/// Panics if the operating system has no random numbers, as a hash map of the standard library
/// does.
#[expect(clippy::disallowed_methods, reason = "this is the one place where entropy enters")]
pub(crate) fn unique() -> u64 {
    getrandom::u64().expect("the operating system gives random numbers")
}

/// Returns a new idempotency key: 32 random hexadecimal digits.
pub(crate) fn key() -> String {
    format!("{:016x}{:016x}", unique(), unique())
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

/// Returns a random fraction in [0, 1). It varies the pause before a retry, so that many processes
/// do not call at the same moment.
pub(crate) fn jitter() -> f64 {
    (unique() >> 11) as f64 / (1_u64 << 53) as f64
}
