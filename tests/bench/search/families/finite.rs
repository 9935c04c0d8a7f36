//! Defines problems whose spaces have about three hundred points. This module finds each optimum by
//! evaluating every point. `problem::all` calls it.

use super::shapes::{Grain, Surface};
use crate::{
    chance::Chance,
    problem::{Params, Problem, int, levels, named, steps},
};

const FAMILY: &str = "finite";

pub(crate) fn problems() -> Vec<Problem> {
    vec![table(), lattice()]
}

/// A space of 5 x 6 x 10 levels. A value is the sum of an effect of each level, effects of pairs of
/// levels, and a random remainder.
fn table() -> Problem {
    let mut chance = Chance::new("table-300", 0);
    let (a, b, c) = (chance.normals(5), chance.normals(6), chance.normals(10));
    let (ab, bc) = (chance.normals(30), chance.normals(60));
    let mut cells = Vec::with_capacity(300);
    for cell in 0..300 {
        let (i, j, k) = (cell / 60, cell / 10 % 6, cell % 10);
        cells.push(
            a[i] + b[j] + c[k] + 0.5 * ab[6 * i + j] + 0.5 * bc[10 * j + k] + 0.3 * chance.normal(),
        );
    }
    let least = cells.iter().copied().fold(f64::INFINITY, f64::min);
    let objective = move |p: &Params<'_>| {
        let cell = p.level("a").saturating_mul(60).saturating_add(p.level("b").saturating_mul(10));
        cells.get(cell.saturating_add(p.level("c"))).copied().unwrap_or(f64::NAN)
    };
    let space = [named("a", levels(5)), named("b", levels(6)), named("c", levels(10))];
    Problem::new(FAMILY, "table-300", space, objective).least(least)
}

/// A space of 4 x 5 x 4 x 4 whole numbers and steps, with the values of a rough surface.
fn lattice() -> Problem {
    let surface = Surface::new("lattice-320", &[2.0, 3.0, 1.5, 1.0], Grain::Rough);
    let point =
        |cell: u32| [cell / 80 + 1, cell / 16 % 5 + 1, cell / 4 % 4 + 1, cell % 4].map(f64::from);
    let least = (0..320)
        .map(|cell| {
            let [layers, heads, blocks, share] = point(cell);
            surface.at(&[layers, heads, blocks, share])
        })
        .fold(f64::INFINITY, f64::min);
    let objective = move |p: &Params<'_>| {
        surface.at(&[
            p.number("layers"),
            p.number("heads"),
            p.number("blocks"),
            (4.0 * p.number("share")).round(),
        ])
    };
    let space = [
        named("layers", int(1, 4)),
        named("heads", int(1, 5)),
        named("blocks", int(1, 4)),
        named("share", steps(0.0, 0.75, 0.25)),
    ];
    Problem::new(FAMILY, "lattice-320", space, objective).least(least)
}
