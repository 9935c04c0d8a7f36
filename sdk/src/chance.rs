//! Provides the only randomness in the SDK: it makes ids and spreads retries. It comes from the
//! operating system through `getrandom`, one small crate, because users compile the SDK. `rand`
//! would bring more crates, and generators that nothing here needs.

/// Returns a random number that no other process has in practice.
///
/// # Panics
/// Panics if the operating system has no random numbers, as a hash map of the standard library
/// does.
#[expect(clippy::disallowed_methods, reason = "this is the one place where entropy enters")]
pub(crate) fn unique() -> u64 {
    getrandom::u64().expect("the operating system gives random numbers")
}

/// Returns an idempotency key: 32 hexadecimal digits that no other call has.
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

/// Returns a fraction in [0, 1) that spreads the retries of many processes.
pub(crate) fn jitter() -> f64 {
    (unique() >> 11) as f64 / (1_u64 << 53) as f64
}
