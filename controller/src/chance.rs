//! Provides all randomness of the controller: ids, the seed of a sweep, the secret of a data
//! folder. `app` calls it. The search never calls it, because it derives all of its draws from the
//! sweep's seed.

use std::sync::{Mutex, PoisonError};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

/// A source of random numbers that tests can seed.
#[derive(Debug)]
pub struct Chance(Mutex<StdRng>);

impl Chance {
    /// Makes a source that the operating system seeds.
    ///
    /// # Panics
    /// Panics if the operating system has no entropy; the controller can do nothing without
    /// entropy.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place where entropy enters")]
        let rng = StdRng::try_from_rng(&mut rand::rngs::SysRng);
        Self(Mutex::new(rng.expect("the operating system gives entropy")))
    }

    /// Makes a source that always gives the same numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Draws an id: eight characters of `[a-z0-9]`, of which the first is a letter.
    pub fn id(&self) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
        const ALL: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut rng = self.lock();
        (0..8)
            .map(|place| {
                let set = if place == 0 { LETTERS } else { ALL };
                char::from(set[rng.random_range(0..set.len())])
            })
            .collect()
    }

    /// Draws the seed of a sweep. The seed is below 2^53, so that programs that read numbers as
    /// 64-bit floats show the same seed.
    pub fn seed(&self) -> u64 {
        self.lock().next_u64() >> 11
    }

    /// Draws a secret that cannot be guessed.
    pub fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.lock().fill_bytes(&mut bytes);
        bytes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_well_formed_and_a_seed_repeats_them() {
        let (one, two) = (Chance::seeded(7), Chance::seeded(7));
        for _ in 0..1000 {
            let id = one.id();
            assert_eq!(id, two.id());
            assert_eq!(id.len(), 8);
            assert!(id.starts_with(|first: char| first.is_ascii_lowercase()), "{id}");
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{id}");
        }
    }
}
