//! Provides the search's only randomness: a stream of numbers that is a function of (seed, trial
//! number, purpose). `search` calls this module. The module never holds state between calls of
//! `propose`, and never takes entropy from the machine.
//!
//! The stream is ChaCha8, keyed with the three numbers. The cipher is a published standard, so the
//! stream is the same with every version of every library and on every machine. Streams under
//! different keys are independent, unlike the streams of a small generator with consecutive seeds.
//! `rand`'s `StdRng` is not used, since its stream may differ between versions.

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

use crate::quantile::normal_quantile;

/// The purpose of a stream. Each purpose has its own stream, so that a change in one use never
/// shifts the numbers of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The coordinates of an independent draw.
    Draw = 1,
    /// The permutations of the initial design's digits. All trials of a sweep share this stream.
    Design = 2,
    /// The points at which the search evaluates the acquisition function.
    Candidates = 3,
    /// The draws of the surrogate's function, which give pending trials an outcome.
    Fantasies = 4,
    /// The draws of the surrogate that give the uncertainty of an explanation.
    Explanation = 24,
    /// The split of the trials into folds, each of which an explanation predicts from the others.
    Folds = 25,
    /// The scrambling of Sobol points. The number in the stream's key is that of a block of points,
    /// not that of a trial.
    Scramble = 16,
}

/// A stream of random numbers.
#[derive(Debug)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// Returns the stream of this trial for this purpose.
    pub(crate) fn new(seed: u64, number: u64, purpose: Purpose) -> Stream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&number.to_le_bytes());
        key[16..24].copy_from_slice(&(purpose as u64).to_le_bytes());
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// Draws a uniform number from [0, 1), a multiple of 2^-53.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0)
    }

    /// Draws a standard normal number.
    pub(crate) fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform().max(f64::EPSILON / 2.0))
    }

    /// Draws a uniform number from `0..count`; `count` is at least 1.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        // The result is the high half of a 128-bit product. The bias of this result is below count
        // / 2^64, too small to affect a search.
        ((u128::from(self.0.next_u64()) * u128::from(count)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_cipher() {
        // The first 16 bytes of ChaCha8's key stream, with a key and a nonce of zeros, are
        // 3e00ef2f895f40d67f5bb8e81f09a5a1.
        let mut rng = ChaCha8Rng::from_seed([0; 32]);
        assert_eq!(rng.next_u64().to_le_bytes(), [0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6]);
        assert_eq!(rng.next_u64().to_le_bytes(), [0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5, 0xa1]);
    }

    #[test]
    fn each_key_has_its_own_stream() {
        let first = |seed, number, purpose| Stream::new(seed, number, purpose).uniform();
        let one = first(1, 2, Purpose::Draw);
        assert_eq!(one, first(1, 2, Purpose::Draw));
        for other in
            [first(2, 2, Purpose::Draw), first(1, 3, Purpose::Draw), first(1, 2, Purpose::Design)]
        {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn draws_have_their_moments() {
        let mut stream = Stream::new(7, 0, Purpose::Draw);
        let n = 20_000;
        let mean = (0..n).map(|_| stream.uniform()).sum::<f64>() / f64::from(n);
        assert!((mean - 0.5).abs() < 0.01);
        let normals: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let variance = normals.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
        let mut counts = [0; 5];
        (0..n).for_each(|_| counts[stream.below(5) as usize] += 1);
        assert!(counts.iter().all(|&count: &i32| (count - n / 5).abs() < 300));
    }
}
