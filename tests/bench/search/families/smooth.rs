//! Defines continuous, mostly smooth problems of two to eight axes. Some are textbook surfaces; the
//! name decides where most of them have their optimum, and how some are rotated. Others are random
//! draws of Gaussian processes. Some of both kinds have noise. `problem::all` calls this module,
//! which only sets the size of the noise. The runner adds the noise.

use std::f64::consts::PI;

use super::shapes::{Grain, Surface, Turn, less, somewhere, square, weights};
use crate::problem::{Params, Problem, cube, place};

const FAMILY: &str = "smooth";
const NOISY: &str = "noisy";

/// The coordinate at which each term of Styblinski and Tang's function is least, and that minimum.
const VALLEY: (f64, f64) = (-2.903_534_027_771_177, -39.166_165_703_771_42);
/// One of the two lowest points of the six-hump camel, and its value.
const HUMPS: ([f64; 2], f64) = ([0.089_842_013_1, -0.712_656_403_0], -1.031_628_453_489_877);

pub(crate) fn problems() -> Vec<Problem> {
    vec![
        styblinski(),
        waves(FAMILY, "griewank-4", 4),
        rastrigin(),
        michalewicz(),
        camel(FAMILY, "camel-2"),
        cosines(),
        ellipsoid(FAMILY, "ellipsoid-8", 8, 300.0),
        ridge(),
        draw(FAMILY, "gp-2-short", &[0.15; 2], Grain::Fine),
        draw(FAMILY, "gp-4-rough", &[0.35; 4], Grain::Rough),
        draw(FAMILY, "gp-5-uneven", &[0.15, 0.3, 0.6, 1.2, 2.4], Grain::Fine),
        draw(FAMILY, "gp-6", &[0.5; 6], Grain::Fine),
        camel(NOISY, "camel-2-noisy").noisy(0.1),
        waves(NOISY, "griewank-3-noisy", 3).noisy(0.2),
        ellipsoid(NOISY, "ellipsoid-5-noisy", 5, 30.0).noisy(0.02),
        draw(NOISY, "gp-4-noisy", &[0.4; 4], Grain::Fine).noisy(0.05),
    ]
}

fn styblinski() -> Problem {
    let shift = somewhere("styblinski-3", 3, -1.5, 1.5);
    let best: Vec<f64> = shift.iter().map(|by| VALLEY.0 + by).collect();
    let objective = move |p: &Params<'_>| {
        less(&p.vector(), &shift).iter().map(|z| 0.5 * (z.powi(4) - 16.0 * z * z + 5.0 * z)).sum()
    };
    Problem::new(FAMILY, "styblinski-3", cube(3, -5.0, 5.0), objective)
        .known(3.0 * VALLEY.1, place(&best))
}

/// Griewank's bowl with a product of cosines on it, over a range where both matter.
fn waves(family: &'static str, name: &'static str, axes: usize) -> Problem {
    let (centre, turn) = (somewhere(name, axes, -8.0, 8.0), Turn::new(name, axes));
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        let z = turn.apply(&less(&p.vector(), &centre));
        let bowl: f64 = z.iter().map(|z| z * z / 80.0).sum();
        let ripple: f64 =
            z.iter().enumerate().map(|(axis, z)| (z / ((axis + 1) as f64).sqrt()).cos()).product();
        bowl + 1.0 - ripple
    };
    Problem::new(family, name, cube(axes, -12.0, 12.0), objective).known(0.0, place(&best))
}

/// Rastrigin's function with shallow ripples, rotated.
fn rastrigin() -> Problem {
    let (centre, turn) = (somewhere("rastrigin-3", 3, -2.0, 2.0), Turn::new("rastrigin-3", 3));
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        let z = turn.apply(&less(&p.vector(), &centre));
        z.iter().map(|z| z * z + 2.0 * (1.0 - (2.0 * PI * z / 1.5).cos())).sum()
    };
    Problem::new(FAMILY, "rastrigin-3", cube(3, -3.5, 3.5), objective).known(0.0, place(&best))
}

/// Michalewicz's function with gentle ravines: the exponent is 6 in place of the usual 20.
fn michalewicz() -> Problem {
    let objective = |p: &Params<'_>| {
        let ravine =
            |(axis, x): (usize, &f64)| x.sin() * ((axis + 1) as f64 * x * x / PI).sin().powi(6);
        -p.vector().iter().enumerate().map(ravine).sum::<f64>()
    };
    Problem::new(FAMILY, "michalewicz-5", cube(5, 0.0, PI), objective)
}

/// The six-hump camel in a box that is not centred on it.
fn camel(family: &'static str, name: &'static str) -> Problem {
    let shift = somewhere(name, 2, -0.5, 0.5);
    let best: Vec<f64> = HUMPS.0.iter().zip(&shift).map(|(x, by)| 2.0 * (x + by)).collect();
    let objective = move |p: &Params<'_>| {
        let x: Vec<f64> = p.vector().iter().zip(&shift).map(|(x, by)| x / 2.0 - by).collect();
        hump(x[0], x[1])
    };
    Problem::new(family, name, cube(2, -3.2, 3.2), objective).known(HUMPS.1, place(&best))
}

pub(super) fn hump(x: f64, y: f64) -> f64 {
    (4.0 - 2.1 * x * x + x.powi(4) / 3.0) * x * x + x * y + 4.0 * (y * y - 1.0) * y * y
}

/// A bowl with a cosine on each axis.
fn cosines() -> Problem {
    let centre = somewhere("cosines-6", 6, -0.6, 0.6);
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        less(&p.vector(), &centre).iter().map(|z| z * z - 0.1 * (5.0 * PI * z / 2.0).cos()).sum()
    };
    Problem::new(FAMILY, "cosines-6", cube(6, -1.0, 1.0), objective).known(-0.6, place(&best))
}

/// A rotated bowl whose curvature in the steepest direction is `condition` times the curvature in
/// the flattest direction.
pub(super) fn ellipsoid(
    family: &'static str,
    name: &'static str,
    axes: usize,
    condition: f64,
) -> Problem {
    let (centre, turn) = (somewhere(name, axes, -3.0, 3.0), Turn::new(name, axes));
    let (best, weights) = (centre.clone(), weights(axes, condition));
    let objective = move |p: &Params<'_>| {
        let z = turn.apply(&less(&p.vector(), &centre));
        z.iter().zip(&weights).map(|(z, weight)| weight * z * z).sum()
    };
    Problem::new(family, name, cube(axes, -5.0, 5.0), objective).known(0.0, place(&best))
}

/// A bent crease. The function has a kink across the crease and changes slowly along it.
fn ridge() -> Problem {
    let (centre, turn) = (somewhere("crease-4", 4, -0.5, 0.5), Turn::new("crease-4", 4));
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        let z = turn.apply(&less(&p.vector(), &centre));
        2.0 * (z[0] - 0.5 * z[1] * z[1]).abs() + square(z[1]) + square(z[2]) + 0.3 * z[3].abs()
    };
    Problem::new(FAMILY, "crease-4", cube(4, -1.0, 1.0), objective).known(0.0, place(&best))
}

fn draw(family: &'static str, name: &'static str, lengths: &[f64], grain: Grain) -> Problem {
    let surface = Surface::new(name, lengths, grain);
    Problem::new(family, name, cube(lengths.len(), 0.0, 1.0), move |p: &Params<'_>| {
        surface.at(&p.vector())
    })
}
