//! Counts the distinct points of a space with conditions, and finds one by its number without
//! enumerating the others. The grid and the Bayesian search call this module, each with its own
//! levels. The forest holds only levels, never a value.
//!
//! A parameter has levels 0, 1, .., and some of its levels make other parameters active. The number
//! of points of a level is the product of the numbers of points of the parameters that it makes
//! active, or 1. The number of points of a parameter is the sum over its levels. The number of
//! points of the space is the product over the parameters without a condition.
//!
//! Points are numbered from 0, and the last parameter of a given order varies fastest. The
//! parameters that a level makes active vary within that level, faster than the level itself.

use crate::space::Space;

/// The bound at which counts of points saturate: a `u64` cannot number more points.
const MANY: u128 = 1 << 64;

/// The parameters of a space as a forest: each parameter has its dependents below it.
#[derive(Clone)]
pub(crate) struct Forest {
    /// The parameters without a condition, slowest first.
    roots: Vec<usize>,
    nodes: Vec<Node>,
}

#[derive(Clone)]
struct Node {
    levels: u64,
    /// The levels that make a parameter active, in rising order, each with the parameters that it
    /// makes active, slowest first.
    special: Vec<(u64, Vec<usize>)>,
    /// The number of combinations of levels of this parameter and the parameters below it, at most
    /// [`MANY`].
    points: u128,
}

impl Forest {
    /// Builds the forest of a space. `levels` has the number of levels of each parameter, and
    /// `order` the parameters from the slowest to the fastest. `level` returns the level of a
    /// parameter's value, or `None` if no level has this value. A parameter that no level makes
    /// active adds no points.
    pub(crate) fn new<'v>(
        space: &'v Space,
        levels: &[u64],
        order: &[usize],
        level: impl Fn(usize, &'v serde_json::Value) -> Option<u64>,
    ) -> Forest {
        let mut nodes: Vec<Node> =
            levels.iter().map(|&levels| Node { levels, special: Vec::new(), points: 0 }).collect();
        let mut roots = Vec::new();
        for &index in order {
            let Some(condition) = &space.parameters[index].condition else {
                roots.push(index);
                continue;
            };
            let mut wanted: Vec<u64> = condition
                .values
                .iter()
                .filter_map(|value| level(condition.parent, value))
                .collect();
            wanted.sort_unstable();
            wanted.dedup();
            let special = &mut nodes[condition.parent].special;
            for level in wanted {
                let place = special.partition_point(|(other, _)| *other < level);
                if special.get(place).is_none_or(|(other, _)| *other != level) {
                    special.insert(place, (level, Vec::new()));
                }
                special[place].1.push(index);
            }
        }
        let mut forest = Forest { roots, nodes };
        let mut deepest_first = order.to_vec();
        deepest_first.sort_by_cached_key(|&index| std::cmp::Reverse(space.depth(index)));
        for index in deepest_first {
            forest.nodes[index].points = forest.count(index);
        }
        forest
    }

    /// Counts the points of a parameter. All parameters below it must be counted before.
    fn count(&self, index: usize) -> u128 {
        let Node { levels, special, .. } = &self.nodes[index];
        let plain = u128::from(*levels).saturating_sub(special.len() as u128);
        special.iter().fold(plain, |points, (_, active)| (points + self.product(active)).min(MANY))
    }

    fn product(&self, all: &[usize]) -> u128 {
        all.iter().fold(1, |product: u128, &index| {
            product.saturating_mul(self.nodes[index].points).min(MANY)
        })
    }

    /// Returns the number of points, or `None` if a `u64` cannot hold it.
    pub(crate) fn size(&self) -> Option<u64> {
        u64::try_from(self.product(&self.roots)).ok()
    }

    /// Returns the levels of the point with this number, which must be below the size. The level of
    /// an inactive parameter is `None`.
    pub(crate) fn nth(&self, number: u64) -> Vec<Option<u64>> {
        let mut levels = vec![None; self.nodes.len()];
        // Groups of parameters whose levels are not yet found, each with the number of the group's
        // point.
        let mut open = vec![(u128::from(number), self.roots.as_slice())];
        while let Some((mut rest, group)) = open.pop() {
            for &index in group.iter().rev() {
                let node = &self.nodes[index];
                if node.points == 0 {
                    continue;
                }
                let (level, within, active) = self.split(node, rest % node.points);
                rest /= node.points;
                levels[index] = Some(level);
                open.push((within, active));
            }
        }
        levels
    }

    /// Inverts [`Forest::nth`]: returns the number of the point with these levels. Returns `None`
    /// if an active parameter has no level, or if a `u64` cannot hold the number.
    pub(crate) fn rank(&self, levels: &[Option<u64>]) -> Option<u64> {
        u64::try_from(self.rank_within(&self.roots, levels)?).ok()
    }

    fn rank_within(&self, group: &[usize], levels: &[Option<u64>]) -> Option<u128> {
        let mut number = 0_u128;
        for &index in group {
            let Node { points, special, .. } = &self.nodes[index];
            if *points == 0 {
                continue;
            }
            let level = levels[index]?;
            let (mut before, mut next, mut within) = (0_u128, 0, 0);
            for (other, active) in special.iter().take_while(|(other, _)| *other <= level) {
                before += u128::from(other - next);
                if *other == level {
                    within = self.rank_within(active, levels)?;
                } else {
                    before += self.product(active);
                }
                next = other + 1;
            }
            // From `next` on, each level has one point.
            before += u128::from(level.saturating_sub(next)) + within;
            number = number.checked_mul(*points)?.checked_add(before)?;
        }
        Some(number)
    }

    /// Splits the number of a parameter's point into the level and the number within that level.
    /// Returns both, and the parameters that the level makes active.
    fn split<'n>(&self, node: &'n Node, number: u128) -> (u64, u128, &'n [usize]) {
        let (mut rest, mut next) = (number, 0);
        for (level, active) in &node.special {
            let plain = u128::from(level - next);
            if rest < plain {
                break;
            }
            rest -= plain;
            let points = self.product(active);
            if rest < points {
                return (*level, rest, active);
            }
            rest -= points;
            next = level + 1;
        }
        // From `next` on, each level has one point.
        (next + rest as u64, 0, &[])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::space::{Condition, Distribution, Parameter};

    /// The number of levels of a parameter, and the levels of another parameter under which it is
    /// active.
    type Dependent<'a> = (u64, Option<(usize, &'a [u64])>);

    /// Builds the forest of parameters with these levels and conditions.
    fn forest(parameters: &[Dependent<'_>]) -> Forest {
        let parameter = |(_, condition): &Dependent<'_>| Parameter {
            condition: condition.map(|(parent, values)| Condition {
                parent,
                values: values.iter().map(|&v| json!(v)).collect(),
            }),
            ..Parameter::new(vec!["p".to_owned()], Distribution::Constant(Value::Null))
        };
        let space = Space { parameters: parameters.iter().map(parameter).collect() };
        let levels: Vec<u64> = parameters.iter().map(|(levels, _)| *levels).collect();
        let order: Vec<usize> = (0..parameters.len()).collect();
        Forest::new(&space, &levels, &order, |_, value| value.as_u64())
    }

    #[test]
    fn parameters_of_a_level_vary_within_it() {
        // Parameter 1 is active under levels 0 and 2 of parameter 0, and parameter 2 under level 1
        // of parameter 1. Parameter 3 is always active.
        let forest = forest(&[(3, None), (2, Some((0, &[2, 0]))), (2, Some((1, &[1]))), (2, None)]);
        let expected = [
            "00.0", "00.1", "0100", "0101", "0110", "0111", "1..0", "1..1", "20.0", "20.1", "2100",
            "2101", "2110", "2111",
        ];
        assert_eq!(forest.size(), Some(expected.len() as u64));
        let shown = |levels: Vec<Option<u64>>| {
            levels
                .iter()
                .map(|level| level.map_or(".".to_owned(), |level| level.to_string()))
                .collect::<String>()
        };
        let all: Vec<String> = (0..14).map(|number| shown(forest.nth(number))).collect();
        assert_eq!(all, expected);
        for number in 0..14 {
            assert_eq!(forest.rank(&forest.nth(number)), Some(number));
        }
        assert_eq!(forest.rank(&[Some(2), Some(1), None, Some(0)]), None);
    }

    #[test]
    fn very_many_points_are_counted_and_found() {
        let large = u64::MAX - 2;
        let one = forest(&[(large, None), (3, Some((0, &[7])))]);
        assert_eq!(one.size(), Some(u64::MAX));
        assert_eq!(one.nth(8), [Some(7), Some(1)]);
        assert_eq!(one.nth(10), [Some(8), None]);
        assert_eq!(one.nth(u64::MAX - 1), [Some(large - 1), None]);
        assert_eq!(one.rank(&[Some(large - 1), None]), Some(u64::MAX - 1));
        assert_eq!(forest(&[(large, None), (4, Some((0, &[7])))]).size(), None);
        let many = forest(&[(large, None), (large, None), (large, Some((1, &[0])))]);
        assert_eq!(many.size(), None);
        assert_eq!(many.nth(u64::MAX), [Some(0), Some(3), None]);
    }

    #[test]
    fn parameters_that_are_never_active_add_no_points() {
        assert_eq!(forest(&[(3, None), (5, Some((0, &[])))]).size(), Some(3));
        assert_eq!(forest(&[(3, None), (0, None)]).size(), Some(0));
        assert_eq!(forest(&[]).size(), Some(1));
    }
}
