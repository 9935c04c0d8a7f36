//! Fills the unit cube evenly with Sobol points, scrambled so that each point by itself is uniform.
//! The method `sobol` and the explanations of a sweep use these points. The points never depend on
//! a history.
//!
//! The direction numbers are those of Joe and Kuo, and the scrambling is Owen's scheme as a hash
//! (Burley, "Practical Hash-based Owen Scrambling", 2020). The crate `sobol_burley` provides both.
//! It uses integers only, so the points are the same on every machine. The scrambles themselves
//! come from a stream of this crate, since the seed of `sobol_burley` has only 32 bits.
//!
//! The direction numbers suffice for 2^16 points in 256 dimensions. Each further block of points
//! repeats the sequence with new scrambles. Each further group of dimensions repeats the first
//! group in another order, with new scrambles. So every block and every group fills its own cube
//! evenly, and blocks and groups are independent of each other.

use serde_json::Value;
use sobol_burley::{
    NUM_DIMENSIONS,
    parts::{owen_scramble_rev, sobol_rev},
};

use super::{Origin, Study, Suggestion};
use crate::{
    point::Point,
    rng::{Purpose, Stream},
    space::Distribution,
};

/// The number of points of a block, as a power of two.
const BLOCK_BITS: u32 = 16;

/// A scrambled Sobol sequence.
#[derive(Debug)]
pub(super) struct Sobol {
    dimensions: usize,
    seed: u64,
    /// The scrambles of the first block, which is nearly always the only one.
    first: Vec<Scramble>,
}

/// The scramble of one coordinate.
#[derive(Clone, Copy, Debug)]
struct Scramble {
    /// The scramble of the order of the points. This scramble is the same for all dimensions of a
    /// group, and `None` for the first group.
    order: Option<u32>,
    /// The scramble of the coordinate's bits.
    value: u32,
}

impl Sobol {
    /// Returns the sequence of this seed in `dimensions` dimensions. A larger number of dimensions
    /// does not change the coordinates in the first ones.
    pub(super) fn new(dimensions: usize, seed: u64) -> Sobol {
        Sobol { dimensions, seed, first: scrambles(dimensions, seed, 0).collect() }
    }

    /// Returns the point with this index, each coordinate a multiple of 2^-32 in [0, 1).
    pub(super) fn point(&self, index: u64) -> Vec<f64> {
        let place = (index % (1 << BLOCK_BITS)) as u32;
        match index >> BLOCK_BITS {
            0 => coordinates(place, self.first.iter().copied()),
            block => coordinates(place, scrambles(self.dimensions, self.seed, block)),
        }
    }
}

/// Returns the scrambles of a block, dimension by dimension.
fn scrambles(dimensions: usize, seed: u64, block: u64) -> impl Iterator<Item = Scramble> {
    let mut stream = Stream::new(seed, block, Purpose::Scramble);
    let mut order = None;
    (0..dimensions).map(move |dimension| {
        let mut word = || stream.below(1 << 32) as u32;
        if dimension > 0 && dimension % NUM_DIMENSIONS as usize == 0 {
            order = Some(word());
        }
        Scramble { order, value: word() }
    })
}

fn coordinates(place: u32, scrambles: impl Iterator<Item = Scramble>) -> Vec<f64> {
    let mirrored = place.reverse_bits();
    let coordinate = |(dimension, scramble): (usize, Scramble)| {
        // Scrambling the mirrored index permutes the points of the block: halves with halves,
        // quarters with quarters.
        let at = scramble.order.map_or(mirrored, |order| owen_scramble_rev(mirrored, order));
        let bits = sobol_rev(at, dimension as u32 % NUM_DIMENSIONS);
        f64::from(owen_scramble_rev(bits, scramble.value).reverse_bits()) / 4_294_967_296.0
    };
    scrambles.enumerate().map(coordinate).collect()
}

/// Returns the point of trial `number`.
pub(super) fn propose(study: &Study, number: u64) -> Suggestion {
    let mut values = values(study, number);
    study.space.settle(&mut values);
    Suggestion { point: Point { values }, origin: Origin::Sobol, fit: None }
}

/// Returns the value of each parameter at the point of trial `number`, as if all of them were
/// active.
pub(super) fn values(study: &Study, number: u64) -> Vec<Value> {
    let parameters = &study.space.parameters;
    let varies = |distribution: &Distribution| !matches!(distribution, Distribution::Constant(_));
    // The first dimensions of a Sobol sequence are the most even ones, so constants use up none of
    // them.
    let dimensions = parameters.iter().filter(|parameter| varies(&parameter.distribution)).count();
    let mut cube = Sobol::new(dimensions, study.seed).point(number).into_iter();
    let value = |distribution: &Distribution| {
        distribution.value(if varies(distribution) { cube.next().unwrap_or(0.5) } else { 0.5 })
    };
    parameters.iter().map(|parameter| &parameter.distribution).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether each of 2^`bits` equal boxes of two axes holds one of 2^`bits` points. The
    /// sides of the boxes are powers of two.
    fn is_even(points: &[Vec<f64>], one: usize, other: usize, bits: u32, split: u32) -> bool {
        let (across, down) = ((1_u64 << split) as f64, (1_u64 << (bits - split)) as f64);
        let mut boxes = vec![0; points.len()];
        for point in points {
            boxes[((point[one] * across).floor() * down + (point[other] * down).floor())
                as usize] += 1;
        }
        boxes.iter().all(|&count| count == 1)
    }

    #[test]
    fn every_power_of_two_of_points_is_even_on_every_axis() {
        let sobol = Sobol::new(600, 3);
        for bits in [1, 4, 8] {
            let points: Vec<Vec<f64>> = (0..1 << bits).map(|index| sobol.point(index)).collect();
            assert!(
                (0..600).all(|axis| is_even(&points, axis, axis.saturating_sub(1), bits, bits)),
                "{bits}"
            );
            // The first two axes of a group form a net: boxes of every shape hold one point each.
            assert!((0..=bits).all(|split| is_even(&points, 0, 1, bits, split)));
            assert!((0..=bits).all(|split| is_even(&points, 256, 257, bits, split)));
        }
    }

    #[test]
    fn blocks_and_groups_are_independent_and_neither_repeats() {
        let sobol = Sobol::new(600, 4);
        let points: Vec<Vec<f64>> = (0..1024).map(|index| sobol.point(index)).collect();
        let correlation = |one: usize, other: usize| {
            points.iter().map(|x| (x[one] - 0.5) * (x[other] - 0.5)).sum::<f64>() * 12.0 / 1024.0
        };
        assert!((correlation(0, 0) - 1.0).abs() < 0.01);
        for (one, other) in [(0, 256), (1, 513), (256, 512), (255, 511)] {
            assert!(correlation(one, other).abs() < 0.12, "{one} and {other}");
        }
        let second: Vec<Vec<f64>> =
            (1 << 16..(1 << 16) + 1024).map(|index| sobol.point(index)).collect();
        assert!((0..599).all(|axis| is_even(&second, axis, axis + 1, 10, 10)));
        assert!(points.iter().zip(&second).all(|(one, other)| one[0] != other[0]));
        let last = sobol.point(u64::MAX);
        assert!(last.len() == 600 && last.iter().all(|x| (0.0..1.0).contains(x)));
    }

    #[test]
    fn further_dimensions_leave_the_others_as_they_are() {
        let point = |dimensions, seed| Sobol::new(dimensions, seed).point(5);
        assert_eq!(point(2, 1), point(2, 1));
        assert_ne!(point(2, 1), point(2, 2));
        assert_eq!(point(2, 1), point(300, 1)[..2]);
        assert_eq!(Sobol::new(0, 1).point(9), Vec::<f64>::new());
    }

    /// The sequence must stay the same on every machine and with every version of every library. A
    /// replay computes the points of old sweeps again.
    #[test]
    fn the_sequence_is_fixed() {
        let bits = |x: f64| (x * 4_294_967_296.0) as u64;
        let of = |index: u64| {
            Sobol::new(258, 42).point(index).into_iter().map(bits).collect::<Vec<u64>>()
        };
        let chosen = [0, 1, 70_000].map(|index| [of(index)[0], of(index)[1], of(index)[257]]);
        assert_eq!(
            chosen,
            [
                [38179587, 3337906036, 1480075476],
                [4110499863, 1245895220, 3711652246],
                [1198801310, 265202595, 447894159]
            ]
        );
    }
}
