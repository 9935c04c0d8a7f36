//! The search's only randomness: a stream of numbers that is a function of (seed, trial number,
//! purpose). Called by `search`. Never holds state between calls of `propose`, and never asks the
//! machine for entropy.
//!
//! ChaCha8 keyed with the three numbers. The cipher is a published standard, so the stream is the
//! same with every version of every library and on every machine; and streams under different keys
//! are independent, which consecutive seeds of a small generator are not. `rand`'s `StdRng`
//! promises neither.

use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

use crate::quantile::normal_quantile;

/// What a stream is for, so that one use never shifts another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The coordinates of an independent draw.
    Draw = 1,
    /// The scrambling of the initial design: of the sweep, not of one trial.
    Design = 2,
    /// Where the acquisition function is looked at.
    Candidates = 3,
    /// Imagined outcomes of pending trials.
    Fantasies = 4,
    /// Draws of the surrogate from which the uncertainty of an explanation is read.
    Explanation = 24,
    /// Which trials an explanation foretells from which others.
    Folds = 25,
    /// The scrambling of Sobol points: of the sweep and a block of points, not of one trial.
    Scramble = 16,
}

/// A stream of random numbers.
#[derive(Debug)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of this trial for this purpose.
    pub(crate) fn new(seed: u64, number: u64, purpose: Purpose) -> Stream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&number.to_le_bytes());
        key[16..24].copy_from_slice(&(purpose as u64).to_le_bytes());
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// Uniform on [0, 1), a multiple of 2^-53.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0)
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform().max(f64::EPSILON / 2.0))
    }

    /// Uniform on `0..count`; `count` is at least 1.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        // The high half of a 128-bit product: its bias, below count / 2^64, is far under what a
        // search can see.
        ((u128::from(self.0.next_u64()) * u128::from(count)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_cipher() {
        // ChaCha8, key and nonce all zero, first 16 bytes of the key stream:
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
    fn moments() {
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
