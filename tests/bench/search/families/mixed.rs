//! Defines spaces of several kinds: categories that move the optimum, whole numbers, steps, and
//! whole numbers on a logarithmic scale. `problem::all` calls this module. The categories never
//! have an order.

use serde_json::{Value, json};

use super::shapes::{Turn, dot, somewhere, square};
use crate::{
    chance::Chance,
    problem::{
        Params, Problem, cube, int, level, levels, log_int, log_uniform, named, place, steps,
        uniform,
    },
};

const FAMILY: &str = "mixed";

pub(crate) fn problems() -> Vec<Problem> {
    vec![
        moved(),
        tables(),
        whole(),
        quanta(),
        everything("everything-8"),
        everything("everything-8-noisy").noisy(0.05),
    ]
}

/// A category of six levels, and three numbers. Each level has its own best numbers and its own
/// least value.
fn moved() -> Problem {
    let mut chance = Chance::new("levels-6", 0);
    let centres: Vec<Vec<f64>> =
        (0..6).map(|_| (0..3).map(|_| chance.between(0.1, 0.9)).collect()).collect();
    let mut heights: Vec<f64> = (0..6).map(|rank| 0.06 * f64::from(rank)).collect();
    chance.shuffle(&mut heights);
    let winner = heights.iter().position(|height| *height == 0.0).unwrap_or(0);
    let best = [place(&centres[winner]), vec![named("kind", json!(level(winner)))]].concat();
    let objective = move |p: &Params<'_>| {
        let kind = p.level("kind");
        let (Some(centre), Some(height)) = (centres.get(kind), heights.get(kind)) else {
            return f64::NAN;
        };
        height + p.vector().iter().zip(centre).map(|(x, at)| square(x - at)).sum::<f64>()
    };
    let space = [cube(3, 0.0, 1.0), vec![named("kind", levels(6))]].concat();
    Problem::new(FAMILY, "levels-6", space, objective).known(0.0, best)
}

/// Categories of eight, four and two levels with tables of effects and of interactions, and two
/// numbers.
fn tables() -> Problem {
    let mut chance = Chance::new("tables-5", 0);
    let eight: Vec<f64> = (0..8).map(|_| chance.unit()).collect();
    let pairs: Vec<f64> = (0..32).map(|_| 0.6 * chance.unit()).collect();
    let centres: Vec<f64> = (0..4).map(|_| chance.between(0.1, 0.9)).collect();
    let height = move |a: usize, b: usize| Some(eight.get(a)? + pairs.get(4 * a + b)?);
    let (mut least, mut winner) = (f64::INFINITY, (0, 0));
    for (a, b) in (0..32).map(|cell| (cell / 4, cell % 4)) {
        let here = height(a, b).unwrap_or(f64::INFINITY);
        if here < least {
            (least, winner) = (here, (a, b));
        }
    }
    let best = [
        place(&[centres[winner.1], 0.3]),
        vec![
            named("a", json!(level(winner.0))),
            named("b", json!(level(winner.1))),
            named("c", json!(level(0))),
        ],
    ];
    let objective = move |p: &Params<'_>| {
        let (b, x) = (p.level("b"), p.vector());
        let (Some(height), Some(centre)) = (height(p.level("a"), b), centres.get(b)) else {
            return f64::NAN;
        };
        let c = p.level("c") as f64;
        height + 0.15 * c + 2.0 * square(x[0] - centre) + (1.0 + 2.0 * c) * (x[1] - 0.3).abs()
    };
    let kinds = vec![named("a", levels(8)), named("b", levels(4)), named("c", levels(2))];
    let space = [cube(2, 0.0, 1.0), kinds].concat();
    Problem::new(FAMILY, "tables-5", space, objective).known(least, best.concat())
}

/// Four whole numbers in a rotated bowl.
fn whole() -> Problem {
    let centre = [14.0, 3.0, 9.0, 6.0];
    let turn = Turn::new("whole-4", 4);
    let objective = move |p: &Params<'_>| {
        let offset: Vec<f64> =
            (0..4).map(|axis| (p.number(&format!("n{axis}")) - centre[axis]) / 20.0).collect();
        let z = turn.apply(&offset);
        dot(&z, &[z[0], 4.0 * z[1], 10.0 * z[2], 0.5 * z[3]])
    };
    let names = |axis: usize, value: Value| named(&format!("n{axis}"), value);
    let space: Vec<_> = (0..4).map(|axis| names(axis, int(1, 20))).collect();
    let best: Vec<_> = (0..4).map(|axis| names(axis, json!(centre[axis] as i64))).collect();
    Problem::new(FAMILY, "whole-4", space, objective).known(0.0, best)
}

/// A problem with steps of several sizes, and whole numbers on a logarithmic scale.
fn quanta() -> Problem {
    let objective = |p: &Params<'_>| {
        let (fine, coarse) = (p.number("fine") - 0.7, (p.number("coarse") - 3.5) / 5.0);
        let width = (p.number("width") / 96.0).log2() / 5.0;
        let batch = (p.number("batch") / 512.0).log2() / 4.0;
        let rate = p.number("rate") - 0.35;
        square(fine)
            + (coarse - 0.5 * fine).abs()
            + square(width + batch)
            + 0.5 * square(width)
            + 3.0 * square(rate - 0.3 * width)
    };
    let space = [
        named("fine", steps(0.0, 2.0, 0.1)),
        named("coarse", steps(-5.0, 5.0, 0.5)),
        named("width", log_int(1, 1024)),
        named("batch", log_int(16, 4096)),
        named("rate", uniform(0.0, 1.0)),
    ];
    let best = [("fine", 0.7), ("coarse", 3.5), ("width", 96.0), ("batch", 512.0), ("rate", 0.35)];
    let best = best.map(|(name, value)| named(name, json!(value)));
    Problem::new(FAMILY, "quanta-5", space, objective).known(0.0, best)
}

/// Parameters of every kind. The best `rate`, `depth`, `drop` and `width` differ between the levels
/// of the category `kind`.
fn everything(name: &'static str) -> Problem {
    let at = somewhere("everything-8", 8, 0.2, 0.8);
    let heights = [0.25, 0.0, 0.12, 0.2];
    let goal = move |kind: usize| {
        [-3.4 + 0.8 * kind as f64, 2.0 + 3.0 * kind as f64, at[kind], 64.0 - 12.0 * kind as f64]
    };
    let [rate, depth, drop, width] = goal(1);
    let objective = move |p: &Params<'_>| {
        let kind = p.level("kind");
        let Some(height) = heights.get(kind) else { return f64::NAN };
        let [rate, depth, drop, width] = goal(kind);
        let rate = p.log10("rate") - rate;
        let gate = if p.word("gate") == "open" { 0.0 } else { 0.08 };
        height
            + gate
            + 0.12 * square(rate)
            + 0.01 * square(p.number("depth") - depth)
            + 0.8 * square(p.number("drop") - drop)
            + 0.06 * square((p.number("width") / width).log2())
            + 0.02 * square(p.log10("decay") + 4.0 + rate)
            + 0.3 * (p.number("share") - 0.6).abs()
    };
    let space = [
        named("kind", levels(4)),
        named("gate", crate::problem::words(&["open", "shut"])),
        named("rate", log_uniform(1e-5, 1.0)),
        named("depth", int(1, 16)),
        named("drop", uniform(0.0, 1.0)),
        named("width", log_int(4, 512)),
        named("decay", log_uniform(1e-7, 1e-1)),
        named("share", steps(0.0, 1.0, 0.05)),
    ];
    let best = [
        named("kind", json!(level(1))),
        named("gate", json!("open")),
        named("rate", json!(10f64.powf(rate))),
        named("depth", json!(depth as i64)),
        named("drop", json!(drop)),
        named("width", json!(width as i64)),
        named("decay", json!(1e-4)),
        named("share", json!(0.6)),
    ];
    Problem::new(FAMILY, name, space, objective).known(0.0, best)
}
