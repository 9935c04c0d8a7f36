//! Trains real models on small data made from a seed: kernel ridge regression, logistic regression,
//! a neural network, random Fourier features, nearest neighbours, and boosted stumps. The same
//! settings always give the same value, in a few milliseconds at most. `problem::all` calls this
//! module. No noise is added: the models themselves make the values rough.

use super::learners::{Data, Network, Steps, cross_entropy, mean_loss, solve};
use crate::{
    chance::Chance,
    problem::{Params, Problem, int, log_int, log_uniform, named, steps, uniform, words},
};

const FAMILY: &str = "models";

pub(crate) fn problems() -> Vec<Problem> {
    vec![kernel_ridge(), logistic(), network(), fourier(), neighbours(), stumps()]
        .into_iter()
        .map(Problem::slow)
        .collect()
}

fn kernel_ridge() -> Problem {
    let data = Data::regression("kernel ridge", 60, 5);
    let objective = move |p: &Params<'_>| {
        let (gamma, rest, alpha) = (p.number("gamma"), p.number("rest"), p.number("alpha"));
        let kind = p.word("kernel");
        let near = |a: &[f64], b: &[f64]| {
            let weigh = |(axis, (a, b)): (usize, (&f64, &f64))| {
                (a - b) * (a - b) * if axis < 2 { 1.0 } else { rest }
            };
            let far: f64 = gamma * a.iter().zip(b).enumerate().map(weigh).sum::<f64>();
            match kind {
                "gauss" => (-far).exp(),
                "laplace" => (-far.sqrt()).exp(),
                _ => 1.0 / (1.0 + far),
            }
        };
        let row = |(i, (a, _)): (usize, &(Vec<f64>, f64))| -> Vec<f64> {
            data.train
                .iter()
                .enumerate()
                .map(|(j, (b, _))| near(a, b) + if i == j { alpha } else { 0.0 })
                .collect()
        };
        let matrix = data.train.iter().enumerate().map(row).collect();
        let Some(weights) = solve(matrix, data.train.iter().map(|(_, y)| *y).collect()) else {
            return 5.0;
        };
        mean_loss(&data, 5.0, |x, y| {
            let told: f64 =
                data.train.iter().zip(&weights).map(|((a, _), weight)| weight * near(a, x)).sum();
            (told - y) * (told - y)
        })
    };
    let space = [
        named("alpha", log_uniform(1e-6, 100.0)),
        named("gamma", log_uniform(1e-3, 100.0)),
        named("rest", log_uniform(1e-3, 10.0)),
        named("kernel", words(&["gauss", "laplace", "cauchy"])),
    ];
    Problem::new(FAMILY, "kernel-ridge-4", space, objective)
}

fn logistic() -> Problem {
    let data = Data::plane("logistic", 120, 10);
    let objective = move |p: &Params<'_>| {
        let (batch, epochs, fade) =
            (p.number("batch") as usize, p.number("epochs") as usize, p.number("fade"));
        let mut weights = vec![0.0; 11];
        let mut steps =
            Steps::new(11, p.number("lr"), p.number("momentum"), p.number("decay"), false);
        let mut chance = Chance::new("logistic order", 0);
        let mut order: Vec<usize> = (0..data.train.len()).collect();
        let logit = |weights: &[f64], x: &[f64]| {
            x.iter().zip(weights).map(|(x, weight)| x * weight).sum::<f64>() + weights[10]
        };
        for epoch in 0..epochs {
            chance.shuffle(&mut order);
            for rows in order.chunks(batch.max(1)) {
                let mut slope = vec![0.0; 11];
                for (x, class) in rows.iter().map(|row| &data.train[*row]) {
                    let error =
                        (1.0 / (1.0 + (-logit(&weights, x)).exp()) - class) / rows.len() as f64;
                    slope
                        .iter_mut()
                        .zip(x.iter().chain(&[1.0]))
                        .for_each(|(slope, x)| *slope += error * x);
                }
                steps.step(&mut weights, &slope, fade.powi(epoch as i32));
            }
        }
        mean_loss(&data, 5.0, |x, class| cross_entropy(logit(&weights, x), class))
    };
    let space = [
        named("lr", log_uniform(1e-5, 10.0)),
        named("momentum", uniform(0.0, 0.99)),
        named("decay", log_uniform(1e-6, 1.0)),
        named("batch", log_int(1, 120)),
        named("epochs", int(1, 20)),
        named("fade", uniform(0.5, 1.0)),
    ];
    Problem::new(FAMILY, "logistic-6", space, objective)
}

fn network() -> Problem {
    let data = Data::moons("network", 100, 3);
    let objective = move |p: &Params<'_>| {
        let (hidden, batch) = (p.number("hidden") as usize, p.number("batch") as usize);
        let mut network = Network::new(3, hidden, p.word("curve") == "tanh", p.number("init"));
        let count = network.weights.len();
        let (rate, momentum) = (p.number("lr"), p.number("momentum"));
        let mut steps =
            Steps::new(count, rate, momentum, p.number("decay"), p.word("optimizer") == "adam");
        let mut chance = Chance::new("network order", 0);
        let mut order: Vec<usize> = (0..data.train.len()).collect();
        for _ in 0..12 {
            chance.shuffle(&mut order);
            for rows in order.chunks(batch.max(1)) {
                let mut slope = vec![0.0; count];
                rows.iter().for_each(|row| {
                    network.slope(&data.train[*row].0, data.train[*row].1, &mut slope)
                });
                slope.iter_mut().for_each(|slope| *slope /= rows.len() as f64);
                steps.step(&mut network.weights, &slope, 1.0);
            }
        }
        mean_loss(&data, 4.0, |x, class| cross_entropy(network.logit(x), class))
    };
    let space = [
        named("lr", log_uniform(1e-5, 10.0)),
        named("hidden", log_int(2, 32)),
        named("momentum", uniform(0.0, 0.98)),
        named("decay", log_uniform(1e-6, 1.0)),
        named("batch", log_int(2, 100)),
        named("init", log_uniform(0.03, 10.0)),
        named("curve", words(&["tanh", "hinge"])),
        named("optimizer", words(&["sgd", "adam"])),
    ];
    Problem::new(FAMILY, "network-8", space, objective)
}

fn fourier() -> Problem {
    let data = Data::regression("fourier", 100, 3);
    let objective = move |p: &Params<'_>| {
        let count = p.number("features") as usize;
        let mut chance = Chance::new("fourier waves", 0);
        let scales = [p.number("width"), p.number("width"), p.number("width") * p.number("third")];
        let waves: Vec<(Vec<f64>, f64)> = (0..count)
            .map(|_| {
                (
                    scales.iter().map(|scale| chance.normal() * scale).collect(),
                    chance.between(0.0, std::f64::consts::TAU),
                )
            })
            .collect();
        let expand = |x: &[f64]| -> Vec<f64> {
            let wave = |(w, phase): &(Vec<f64>, f64)| {
                w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + phase
            };
            waves.iter().map(|each| wave(each).cos()).collect()
        };
        let (mut matrix, mut right) = (vec![vec![0.0; count]; count], vec![0.0; count]);
        (0..count).for_each(|i| matrix[i][i] = p.number("ridge"));
        for (x, y) in &data.train {
            let features = expand(x);
            for i in 0..count {
                right[i] += features[i] * y;
                (0..=i).for_each(|j| matrix[i][j] += features[i] * features[j]);
            }
        }
        let Some(weights) = solve(matrix, right) else { return 5.0 };
        mean_loss(&data, 5.0, |x, y| {
            let told: f64 =
                expand(x).iter().zip(&weights).map(|(feature, weight)| feature * weight).sum();
            (told - y) * (told - y)
        })
    };
    let space = [
        named("features", log_int(2, 80)),
        named("width", log_uniform(0.01, 30.0)),
        named("third", log_uniform(0.001, 10.0)),
        named("ridge", log_uniform(1e-6, 100.0)),
    ];
    Problem::new(FAMILY, "fourier-4", space, objective)
}

fn neighbours() -> Problem {
    let data = Data::moons("neighbours", 90, 5);
    let objective = move |p: &Params<'_>| {
        let scales = [1.0, p.number("s1"), p.number("s2"), p.number("s3"), p.number("s3")];
        let (count, sharp, smooth) =
            (p.number("k") as usize, p.word("weigh") == "near", p.number("smooth"));
        let power = p.number("power");
        mean_loss(&data, 4.0, |x, class| {
            let far = |other: &[f64]| -> f64 {
                let gap =
                    |((a, b), scale): ((&f64, &f64), &f64)| (scale * (a - b).abs()).powf(power);
                x.iter().zip(other).zip(&scales).map(gap).sum::<f64>().powf(1.0 / power)
            };
            let mut all: Vec<(f64, f64)> =
                data.train.iter().map(|(other, class)| (far(other), *class)).collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            let votes = all.iter().take(count).map(|(far, class)| {
                let weight = if sharp { 1.0 / (far + 0.05) } else { 1.0 };
                (weight, weight * class)
            });
            let (total, ones) =
                votes.fold((0.0, 0.0), |sum, vote| (sum.0 + vote.0, sum.1 + vote.1));
            let share = (ones + smooth) / (total + 2.0 * smooth);
            -(if class > 0.5 { share } else { 1.0 - share }).max(1e-6).ln()
        })
    };
    let space = [
        named("k", log_int(1, 60)),
        named("power", uniform(0.5, 4.0)),
        named("weigh", words(&["near", "even"])),
        named("smooth", log_uniform(1e-3, 10.0)),
        named("s1", log_uniform(0.05, 20.0)),
        named("s2", log_uniform(0.05, 20.0)),
        named("s3", log_uniform(0.05, 20.0)),
    ];
    Problem::new(FAMILY, "neighbours-7", space, objective)
}

/// Boosted stumps, each fitted to the residuals of a random subset of the rows. The parameter
/// `share` sets the size of the subset.
fn stumps() -> Problem {
    let data = Data::regression("stumps", 90, 4);
    let objective = move |p: &Params<'_>| {
        let (rounds, least) = (p.number("rounds") as usize, p.number("leaf") as usize);
        let (rate, shrink, share) = (p.number("rate"), p.number("shrink"), p.number("share"));
        let mut chance = Chance::new("stumps rows", 0);
        let mut left: Vec<f64> = data.train.iter().map(|(_, y)| *y).collect();
        let mut told = vec![0.0; data.valid.len()];
        let mut rows: Vec<usize> = (0..left.len()).collect();
        for _ in 0..rounds {
            chance.shuffle(&mut rows);
            let used = &rows[..((share * rows.len() as f64) as usize).max(2)];
            let Some(stump) = Stump::fit(&data, used, &left, least, shrink) else { continue };
            left.iter_mut().zip(&data.train).for_each(|(left, (x, _))| *left -= rate * stump.at(x));
            told.iter_mut().zip(&data.valid).for_each(|(told, (x, _))| *told += rate * stump.at(x));
        }
        let mut told = told.into_iter();
        mean_loss(&data, 5.0, |_, y| told.next().map_or(f64::NAN, |told| (told - y) * (told - y)))
    };
    let space = [
        named("rounds", log_int(2, 100)),
        named("rate", log_uniform(1e-3, 2.0)),
        named("leaf", int(1, 40)),
        named("shrink", log_uniform(1e-3, 100.0)),
        named("share", steps(0.1, 1.0, 0.05)),
    ];
    Problem::new(FAMILY, "stumps-5", space, objective)
}

/// A cut of one input, and the prediction on either side.
struct Stump {
    axis: usize,
    cut: f64,
    sides: (f64, f64),
}

impl Stump {
    fn at(&self, x: &[f64]) -> f64 {
        if x[self.axis] < self.cut { self.sides.0 } else { self.sides.1 }
    }

    fn fit(data: &Data, rows: &[usize], left: &[f64], least: usize, shrink: f64) -> Option<Self> {
        let total: f64 = rows.iter().map(|row| left[*row]).sum();
        let mut best: Option<(f64, Self)> = None;
        for axis in 0..data.train[0].0.len() {
            let mut order = rows.to_vec();
            order.sort_by(|a, b| data.train[*a].0[axis].total_cmp(&data.train[*b].0[axis]));
            let mut below = 0.0;
            for (count, row) in order.iter().enumerate() {
                let above = total - below;
                let (low, high) = (count as f64 + shrink, (order.len() - count) as f64 + shrink);
                let gain = below * below / low + above * above / high;
                let enough = count >= least && order.len() - count >= least;
                if enough && best.as_ref().is_none_or(|(most, _)| gain > *most) {
                    let cut = data.train[*row].0[axis];
                    best = Some((gain, Self { axis, cut, sides: (below / low, above / high) }));
                }
                below += left[*row];
            }
        }
        best.map(|(_, stump)| stump)
    }
}
