//! Defines surfaces with the shape of a validation loss. They have valleys in the logarithm of a
//! rate, cliffs, caps, plateaus or stairs. Some optima are at an edge or in a corner, and some
//! values range over many decades. `problem::all` calls this module, which never trains a model.

use serde_json::json;

use super::shapes::{Grain, Surface, somewhere, square};
use crate::problem::{
    Params, Problem, cube, int, log_int, log_uniform, named, place, steps, uniform, words,
};

const FAMILY: &str = "loss-like";

pub(crate) fn problems() -> Vec<Problem> {
    vec![
        valley("valley-6").spiky(0.02),
        cliff(),
        capped(),
        plateau(),
        corner(),
        edge(),
        wrong_scale(),
        decades(),
        stairs(),
        spikes().spiky(0.05),
    ]
}

/// A valley in the learning rate: the loss rises gently below the best rate and steeply above it.
/// The best rate moves with optimiser, momentum, batch and depth.
fn valley(name: &'static str) -> Problem {
    let objective = |p: &Params<'_>| {
        let (depth, momentum) = (p.number("depth"), p.number("momentum"));
        let (base, pull, offset) = match p.word("optimizer") {
            "sgd" => (-0.7, 1.0, 0.03),
            "adam" => (-2.6, 0.2, 0.0),
            _ => (-3.6, 0.3, 0.015),
        };
        let doublings = (p.number("batch") / 32.0).log2();
        let rate = p.log10("lr") - pull * (1.0 - momentum).log10();
        let off = rate - base - 0.15 * doublings + 0.06 * (depth - 1.0);
        let step = if off < 0.0 {
            0.22 * off * off
        } else {
            0.5 * off * off + 1.4 * (1.0 - (-4.0 * (off - 0.7).max(0.0)).exp())
        };
        let size = 0.5 * (-depth / 2.5).exp() + 0.012 * depth;
        0.3 + offset
            + step.min(2.0)
            + size
            + 0.004 * square(doublings - 1.0)
            + 0.1 * square(momentum - 0.85)
    };
    let space = [
        named("lr", log_uniform(1e-6, 3.0)),
        named("optimizer", words(&["sgd", "adam", "lion"])),
        named("momentum", uniform(0.0, 0.98)),
        named("batch", log_int(8, 1024)),
        named("depth", int(1, 14)),
        named("idle", uniform(0.0, 1.0)),
    ];
    Problem::new(FAMILY, name, space, objective)
}

/// A loss whose optimum is a tenth of a decade below the rate at which training diverges. A
/// diverged training has the value 1e8.
fn cliff() -> Problem {
    let objective = |p: &Params<'_>| {
        let (init, clip, depth) = (p.log10("init"), p.log10("clip"), p.number("depth"));
        let limit = 0.3 - 0.4 * clip.max(0.0);
        let strain = p.log10("lr") + 2.0 * init.max(0.0) + 0.5 * depth.log10() - limit;
        if strain > 0.0 {
            return 1e8;
        }
        0.5 + 0.15 * square(strain + 0.1)
            + 0.1 * square(init)
            + 0.02 * square((depth - 8.0) / 4.0)
            + 0.05 * square(clip)
    };
    let space = [
        named("lr", log_uniform(1e-4, 10.0)),
        named("clip", log_uniform(0.01, 100.0)),
        named("init", log_uniform(0.1, 10.0)),
        named("depth", int(2, 24)),
    ];
    let rate = 10f64.powf(0.2 - 0.5 * 8f64.log10());
    let best = [("lr", rate), ("clip", 1.0), ("init", 1.0), ("depth", 8.0)];
    Problem::new(FAMILY, "cliff-4", space, objective)
        .known(0.5, best.map(|(name, at)| named(name, json!(at))))
}

/// A loss with a cap of 3, which it reaches in most of the space.
fn capped() -> Problem {
    let centre = somewhere("capped-5", 5, 0.15, 0.85);
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        let distance: f64 = p.vector().iter().zip(&centre).map(|(x, at)| square(x - at)).sum();
        (0.2 + 6.0 * distance).min(3.0)
    };
    Problem::new(FAMILY, "capped-5", cube(5, 0.0, 1.0), objective).known(0.2, place(&best))
}

/// A loss at chance level nearly everywhere, with a very slight slope towards a narrow well.
fn plateau() -> Problem {
    let centre = somewhere("plateau-3", 3, 0.2, 0.8);
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        let distance: f64 =
            p.vector().iter().zip(&centre).map(|(x, at)| square((x - at) / 0.13)).sum();
        2.303 - 2.1 * (-0.5 * distance).exp() + 0.002 * distance.sqrt()
    };
    Problem::new(FAMILY, "plateau-3", cube(3, 0.0, 1.0), objective).known(0.203, place(&best))
}

/// A loss that falls with three parameters and rises with two, so the optimum is in a corner.
fn corner() -> Problem {
    let objective = |p: &Params<'_>| {
        let towards = |(axis, x): (usize, &f64)| if axis % 2 == 0 { 1.0 - x } else { *x };
        let away: Vec<f64> = p.vector().iter().enumerate().map(towards).collect();
        let far =
            away.iter().enumerate().map(|(axis, x)| (1.0 - (-2.5 * x).exp()) / (axis + 1) as f64);
        far.sum::<f64>() + 0.5 * away[0] * away[1]
    };
    let best = place(&[1.0, 0.0, 1.0, 0.0, 1.0]);
    Problem::new(FAMILY, "corner-5", cube(5, 0.0, 1.0), objective).known(0.0, best)
}

/// A loss with two parameters that are best at an end of their range, and four that are best
/// inside.
fn edge() -> Problem {
    let objective = |p: &Params<'_>| {
        let rate = -p.log10("lr");
        let drop = p.number("dropout");
        0.9 + 0.25 * rate
            + 0.6 * drop
            + 0.06 * square(p.log10("decay") + 3.5 - 0.4 * rate)
            + 0.5 * square(p.number("warmup") - 0.3 - 0.5 * drop)
            + 0.05 * square((p.number("width") / 128.0).log2())
            + 0.8 * square(p.number("smooth") - 0.1)
    };
    let space = [
        named("lr", log_uniform(1e-4, 1.0)),
        named("dropout", uniform(0.0, 0.7)),
        named("decay", log_uniform(1e-6, 1e-1)),
        named("warmup", uniform(0.0, 1.0)),
        named("width", log_int(8, 1024)),
        named("smooth", steps(0.0, 0.5, 0.05)),
    ];
    let best = [
        ("lr", 1.0),
        ("dropout", 0.0),
        ("decay", 10f64.powf(-3.5)),
        ("warmup", 0.3),
        ("width", 128.0),
        ("smooth", 0.1),
    ];
    Problem::new(FAMILY, "edge-6", space, objective)
        .known(0.9, best.map(|(name, at)| named(name, json!(at))))
}

/// A loss of a momentum and two rates. The ranges of the rates are wrongly declared linear: their
/// optima lie in the lowest fiftieth.
fn wrong_scale() -> Problem {
    let objective = |p: &Params<'_>| {
        let decades = |name, at: f64| ((p.number(name) + 1e-5) / (at + 1e-5)).log10();
        let (lr, decay) = (decades("lr", 0.004), decades("decay", 0.02));
        0.4 + 0.3 * square(lr)
            + 0.1 * square(decay + 0.5 * lr)
            + 0.5 * square(p.number("momentum") - 0.8)
    };
    let space = [
        named("lr", uniform(0.0, 1.0)),
        named("decay", uniform(0.0, 1.0)),
        named("momentum", uniform(0.0, 1.0)),
    ];
    let best = [("lr", 0.004), ("decay", 0.02), ("momentum", 0.8)];
    Problem::new(FAMILY, "linear-rate-3", space, objective)
        .known(0.4, best.map(|(name, at)| named(name, json!(at))))
}

/// A loss whose values range over many decades: the exponential of three times a random surface.
fn decades() -> Problem {
    let surface = Surface::new("decades-4", &[0.4; 4], Grain::Rough);
    Problem::new(FAMILY, "decades-4", cube(4, 0.0, 1.0), move |p: &Params<'_>| {
        (3.0 * surface.at(&p.vector())).exp()
    })
}

/// An error rate on sixty examples: flat steps of a sixtieth.
fn stairs() -> Problem {
    let centre = somewhere("stairs-4", 4, 0.2, 0.8);
    let best = centre.clone();
    let objective = move |p: &Params<'_>| {
        let x = p.vector();
        let far: f64 = x.iter().zip(&centre).map(|(x, at)| square(x - at)).sum::<f64>()
            + square(x[0] - centre[0] + x[1] - centre[1]);
        (60.0 * (1.0 - (-1.5 * far).exp())).floor() / 60.0
    };
    Problem::new(FAMILY, "stairs-4", cube(4, 0.0, 1.0), objective).known(0.0, place(&best))
}

/// A bowl in the logarithms of rates. With the spikes that `problems` adds, one training in eight
/// goes badly for no reason.
fn spikes() -> Problem {
    let objective = |p: &Params<'_>| {
        let (actor, critic) = (p.log10("actor") + 3.3, p.log10("critic") + 2.8);
        1.0 - (-0.5 * (square(actor - 0.6 * critic) + 0.5 * square(critic))).exp()
            + 0.4 * square(p.number("gamma") - 0.97).sqrt()
            + 0.05 * square(p.log10("entropy") + 2.0)
            + 0.02 * square((p.number("rollout") / 256.0).log2())
    };
    let space = [
        named("actor", log_uniform(1e-6, 1e-1)),
        named("critic", log_uniform(1e-6, 1e-1)),
        named("gamma", uniform(0.8, 0.999)),
        named("entropy", log_uniform(1e-5, 1.0)),
        named("rollout", log_int(8, 4096)),
    ];
    let best = [
        ("actor", 10f64.powf(-3.3)),
        ("critic", 10f64.powf(-2.8)),
        ("gamma", 0.97),
        ("entropy", 0.01),
        ("rollout", 256.0),
    ];
    Problem::new(FAMILY, "spikes-5", space, objective)
        .known(0.0, best.map(|(name, at)| named(name, json!(at))))
}
