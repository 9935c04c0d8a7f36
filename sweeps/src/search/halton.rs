//! Fills the unit cube evenly with points: a Halton sequence with randomised digits. The Bayesian
//! search uses it for its initial design and for the candidates of the acquisition function. The
//! points never depend on a history.
//!
//! The i-th coordinate is the point's index, written in the i-th prime base, with its digits
//! mirrored at the radix point. Random permutations of the digits (Owen, "A randomized Halton
//! algorithm in R", 2017) break up the diagonal stripes that large bases have at first. The
//! permutations also make each point uniformly distributed.

use crate::rng::Stream;

/// A randomised Halton sequence.
pub(super) struct Halton {
    /// For each axis its base and, digit by digit, the permutation of `0..base`.
    axes: Vec<(u64, Vec<Vec<u64>>)>,
}

impl Halton {
    /// Returns a sequence of `points` points in `dimensions` dimensions, randomised by the stream.
    /// Random permutations apply to the digits that distinguish these points. A uniform random
    /// number supplies all further digits.
    pub(super) fn new(dimensions: usize, points: u64, stream: &mut Stream) -> Halton {
        let axis = |base: u64| {
            let digits =
                (1..).take_while(|&digit| digit == 1 || capacity(base, digit - 1) < points);
            (base, digits.map(|_| permutation(base, stream)).collect())
        };
        Halton { axes: primes().take(dimensions).map(axis).collect() }
    }

    /// Returns the point with this index, each coordinate in [0, 1). `jitter` supplies the digits
    /// past the permuted ones.
    pub(super) fn point(&self, index: u64, jitter: &mut Stream) -> Vec<f64> {
        let coordinate = |(base, permutations): &(u64, Vec<Vec<u64>>)| {
            let (mut rest, mut place, mut x) = (index, 1.0, 0.0);
            for permutation in permutations {
                place /= *base as f64;
                x += place * permutation[(rest % base) as usize] as f64;
                rest /= base;
            }
            (x + place * jitter.uniform()).min(1.0 - f64::EPSILON / 2.0)
        };
        self.axes.iter().map(coordinate).collect()
    }
}

/// Returns base^digits, or the largest `u64` if that is less.
fn capacity(base: u64, digits: u32) -> u64 {
    base.saturating_pow(digits)
}

/// Returns a random order of `0..count` (Fisher and Yates).
fn permutation(count: u64, stream: &mut Stream) -> Vec<u64> {
    let mut order: Vec<u64> = (0..count).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, stream.below(last as u64 + 1) as usize);
    }
    order
}

/// Iterates over the primes 2, 3, 5, ...
fn primes() -> impl Iterator<Item = u64> {
    (2_u64..).filter(|&n| (2..).take_while(|d| d * d <= n).all(|d| n % d != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    fn stream(seed: u64) -> Stream {
        Stream::new(seed, 0, Purpose::Design)
    }

    #[test]
    fn every_digit_box_gets_its_share() {
        let sequence = Halton::new(3, 900, &mut stream(1));
        let mut jitter = stream(2);
        let points: Vec<Vec<f64>> =
            (0..900).map(|index| sequence.point(index, &mut jitter)).collect();
        // 900 = 4 x 9 x 25: each elementary box of that shape holds exactly one point.
        let mut boxes = vec![0; 900];
        for p in &points {
            assert!(p.iter().all(|x| (0.0..1.0).contains(x)));
            boxes[(p[0] * 4.0) as usize * 225
                + (p[1] * 9.0) as usize * 25
                + (p[2] * 25.0) as usize] += 1;
        }
        assert!(boxes.iter().all(|&count| count == 1));
    }

    #[test]
    fn high_dimensions_have_no_stripes() {
        let sequence = Halton::new(40, 64, &mut stream(3));
        let mut jitter = stream(4);
        let points: Vec<Vec<f64>> =
            (0..64).map(|index| sequence.point(index, &mut jitter)).collect();
        // In a Halton sequence without permutations, 64 points have a correlation near 1 between
        // neighbouring large bases.
        for axis in 30..39 {
            let covariance: f64 =
                points.iter().map(|p| (p[axis] - 0.5) * (p[axis + 1] - 0.5)).sum();
            assert!((covariance * 12.0 / 64.0).abs() < 0.4, "axis {axis}");
        }
    }

    #[test]
    fn another_seed_gives_another_sequence() {
        let point = |seed| Halton::new(2, 8, &mut stream(seed)).point(0, &mut stream(9));
        assert_eq!(point(1), point(1));
        assert_ne!(point(1), point(2));
    }
}
