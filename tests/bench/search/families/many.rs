//! Defines problems of twelve to twenty axes, of which few or all are relevant. `problem::all`
//! calls this module. An engine never receives the list of relevant axes.

use super::{
    shapes::{Grain, Surface, less, somewhere, square, weights},
    smooth::{ellipsoid, hump},
};
use crate::{
    chance::Chance,
    problem::{Params, Problem, cube, place},
};

const FAMILY: &str = "many axes";

pub(crate) fn problems() -> Vec<Problem> {
    vec![
        hidden_bowl(),
        hidden_camel(),
        hidden_draw(),
        ellipsoid(FAMILY, "ellipsoid-12", 12, 20.0),
        fading(),
        sums(),
    ]
}

/// Returns the relevant axes: `count` of `of` axes, in a random order.
fn relevant(name: &str, count: usize, of: usize) -> Vec<usize> {
    let mut axes: Vec<usize> = (0..of).collect();
    Chance::new(name, 4).shuffle(&mut axes);
    axes.truncate(count);
    axes
}

/// Returns the relevant coordinates.
fn pick(p: &Params<'_>, axes: &[usize]) -> Vec<f64> {
    let x = p.vector();
    axes.iter().map(|axis| x.get(*axis).copied().unwrap_or(f64::NAN)).collect()
}

fn hidden_bowl() -> Problem {
    let (axes, centre) = (relevant("bowl-4-of-16", 4, 16), somewhere("bowl-4-of-16", 4, 0.1, 0.9));
    let mut best = vec![0.5; 16];
    axes.iter().zip(&centre).for_each(|(axis, at)| best[*axis] = *at);
    let objective = move |p: &Params<'_>| {
        let z = less(&pick(p, &axes), &centre);
        z.iter().map(|z| z * z).sum::<f64>() + square(z[0] + z[1]) + 0.5 * square(z[2] - z[3])
    };
    Problem::new(FAMILY, "bowl-4-of-16", cube(16, 0.0, 1.0), objective).known(0.0, place(&best))
}

fn hidden_camel() -> Problem {
    let axes = relevant("camel-2-of-20", 2, 20);
    let mut best = vec![0.0; 20];
    best[axes[0]] = 0.089_842_013_1;
    best[axes[1]] = -0.712_656_403_0;
    let objective = move |p: &Params<'_>| {
        let x = pick(p, &axes);
        hump(x[0], x[1])
    };
    Problem::new(FAMILY, "camel-2-of-20", cube(20, -1.7, 1.7), objective)
        .known(-1.031_628_453_489_877, place(&best))
}

/// A surface on which three axes matter and the others have a tiny effect.
fn hidden_draw() -> Problem {
    let axes = relevant("gp-3-of-12", 3, 12);
    let loud = Surface::new("gp-3-of-12", &[0.3; 3], Grain::Fine);
    let quiet = Surface::new("gp-3-of-12 whisper", &[1.0; 12], Grain::Fine);
    let objective = move |p: &Params<'_>| loud.at(&pick(p, &axes)) + 0.05 * quiet.at(&p.vector());
    Problem::new(FAMILY, "gp-3-of-12", cube(12, 0.0, 1.0), objective)
}

/// A surface on which every axis matters, each about a third less than the one before.
fn fading() -> Problem {
    let (centre, weights) = (somewhere("fading-20", 20, 0.05, 0.95), weights(20, 5e-4));
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        let z = less(&p.vector(), &centre);
        z.iter().zip(&weights).map(|(z, weight)| weight * z.abs().powf(1.5)).sum()
    };
    Problem::new(FAMILY, "fading-20", cube(20, 0.0, 1.0), objective).known(0.0, place(&best))
}

/// A sum of random curves, one per axis.
fn sums() -> Problem {
    let curve = |axis: usize| Surface::new(&format!("sums-14 {axis}"), &[0.4], Grain::Fine);
    let curves: Vec<Surface> = (0..14).map(curve).collect();
    let least = |curve: &Surface| {
        (0..=2_000).map(|n| curve.at(&[f64::from(n) / 2e3])).fold(f64::INFINITY, f64::min)
    };
    let best = curves.iter().map(least).sum();
    let objective = move |p: &Params<'_>| {
        p.vector().iter().zip(&curves).map(|(x, curve)| curve.at(&[*x])).sum::<f64>()
    };
    Problem::new(FAMILY, "sums-14", cube(14, 0.0, 1.0), objective).least(best)
}
