//! Implements small learners in plain Rust and makes data for them. Each result is a function of
//! its settings alone. `models` calls this module, which never reads a file and draws only from
//! fixed streams.

use crate::chance::Chance;

/// Rows of inputs with their expected outputs, for training and for validation.
pub(crate) struct Data {
    pub(crate) train: Vec<(Vec<f64>, f64)>,
    pub(crate) valid: Vec<(Vec<f64>, f64)>,
}

impl Data {
    fn new(rows: usize, mut row: impl FnMut() -> (Vec<f64>, f64)) -> Self {
        let mut draw = || (0..rows).map(|_| row()).collect();
        Self { train: draw(), valid: draw() }
    }

    /// Makes noisy data of a smooth function of `axes` inputs, of which two matter.
    pub(crate) fn regression(name: &str, rows: usize, axes: usize) -> Self {
        let mut chance = Chance::new(name, 5);
        Self::new(rows, || {
            let x = chance.normals(axes);
            let y = (1.5 * x[0]).sin() + 0.4 * x[1] * x[1] - 0.4 + 0.2 * chance.normal();
            (x, y)
        })
    }

    /// Makes data of two classes, 0 and 1. The first two inputs form two moons, and the other
    /// inputs are noise.
    pub(crate) fn moons(name: &str, rows: usize, axes: usize) -> Self {
        let mut chance = Chance::new(name, 6);
        Self::new(rows, || {
            let class = (chance.unit() < 0.5) as u8;
            let angle = chance.between(0.0, std::f64::consts::PI);
            let (x, y) = if class == 0 {
                (angle.cos(), angle.sin())
            } else {
                (1.0 - angle.cos(), 0.5 - angle.sin())
            };
            let mut row = chance.normals(axes);
            row[0] = 1.5 * x - 0.75 + 0.35 * row[0];
            row[1] = 2.0 * y - 0.5 + 0.35 * row[1];
            (row, f64::from(class))
        })
    }

    /// Makes data of two classes on the two sides of a plane, with inputs of very different sizes.
    /// About one label in twelve is wrong.
    pub(crate) fn plane(name: &str, rows: usize, axes: usize) -> Self {
        let mut chance = Chance::new(name, 7);
        let normal = chance.normals(axes);
        Self::new(rows, || {
            let x = chance.normals(axes);
            let side = x.iter().zip(&normal).map(|(x, weight)| x * weight).sum::<f64>() > 0.3;
            let class = side != (chance.unit() < 0.08);
            let sized =
                x.iter().enumerate().map(|(axis, x)| x * 2f64.powf(axis as f64 / 2.0 - 2.0));
            (sized.collect(), f64::from(u8::from(class)))
        })
    }
}

/// Returns the cross entropy of a logit.
pub(crate) fn cross_entropy(logit: f64, class: f64) -> f64 {
    let margin = if class > 0.5 { logit } else { -logit };
    if margin > 0.0 { (-margin).exp().ln_1p() } else { margin.exp().ln_1p() - margin }
}

/// Returns the mean loss over the validation rows; `cap` if the mean is larger or not finite.
pub(crate) fn mean_loss(data: &Data, cap: f64, mut loss: impl FnMut(&[f64], f64) -> f64) -> f64 {
    let total: f64 = data.valid.iter().map(|(x, y)| loss(x, *y)).sum();
    let mean = total / data.valid.len() as f64;
    if mean.is_finite() { mean.min(cap) } else { cap }
}

/// Solves `matrix x = right` for a symmetric matrix by Cholesky; returns `None` if the matrix is
/// not positive definite.
pub(crate) fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        for row in column..size {
            let done: f64 = (0..column).map(|k| matrix[row][k] * matrix[column][k]).sum();
            let value = matrix[row][column] - done;
            matrix[row][column] = match row == column {
                true if value > 1e-12 => value.sqrt(),
                true => return None,
                false => value / matrix[column][column],
            };
        }
    }
    for row in 0..size {
        let done: f64 = (0..row).map(|k| matrix[row][k] * right[k]).sum();
        right[row] = (right[row] - done) / matrix[row][row];
    }
    for row in (0..size).rev() {
        let done: f64 = (row + 1..size).map(|k| matrix[k][row] * right[k]).sum();
        right[row] = (right[row] - done) / matrix[row][row];
    }
    Some(right)
}

/// An optimiser with momentum, plain or with Adam's scaling.
pub(crate) struct Steps {
    pub(crate) rate: f64,
    pub(crate) momentum: f64,
    pub(crate) decay: f64,
    pub(crate) scaled: bool,
    pub(crate) speed: Vec<f64>,
    pub(crate) power: Vec<f64>,
    pub(crate) count: i32,
}

impl Steps {
    pub(crate) fn new(weights: usize, rate: f64, momentum: f64, decay: f64, scaled: bool) -> Self {
        let zeros = vec![0.0; weights];
        Self { rate, momentum, decay, scaled, speed: zeros.clone(), power: zeros, count: 0 }
    }

    /// Makes one step of `share` times the rate.
    pub(crate) fn step(&mut self, weights: &mut [f64], slope: &[f64], share: f64) {
        self.count += 1;
        let (warm, warm_power) =
            (1.0 - self.momentum.powi(self.count), 1.0 - 0.99f64.powi(self.count));
        for index in 0..weights.len() {
            let slope = slope[index] + self.decay * weights[index];
            if self.scaled {
                self.speed[index] =
                    self.momentum * self.speed[index] + (1.0 - self.momentum) * slope;
                self.power[index] = 0.99 * self.power[index] + 0.01 * slope * slope;
                let size = (self.power[index] / warm_power).sqrt() + 1e-8;
                weights[index] -= share * self.rate * self.speed[index] / warm / size;
            } else {
                self.speed[index] = self.momentum * self.speed[index] + slope;
                weights[index] -= share * self.rate * self.speed[index];
            }
        }
    }
}

/// A network with one hidden layer and one logit.
pub(crate) struct Network {
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    /// Whether the hidden layer uses tanh. If not, it uses a hinge (ReLU).
    pub(crate) bent: bool,
    /// For each hidden unit, the weights of its inputs, its bias and its outgoing weight; then the
    /// bias of the logit.
    pub(crate) weights: Vec<f64>,
}

impl Network {
    pub(crate) fn new(inputs: usize, hidden: usize, bent: bool, scale: f64) -> Self {
        let mut chance = Chance::new("network", 0);
        let mut weights = Vec::with_capacity(hidden * (inputs + 2) + 1);
        for _ in 0..hidden {
            weights.extend((0..inputs).map(|_| scale * chance.normal() / (inputs as f64).sqrt()));
            weights.extend([0.0, scale * chance.normal() / (hidden as f64).sqrt()]);
        }
        weights.push(0.0);
        Self { inputs, hidden, bent, weights }
    }

    fn unit(&self, unit: usize, x: &[f64]) -> f64 {
        let at = unit * (self.inputs + 2);
        let sum: f64 = x.iter().zip(&self.weights[at..]).map(|(x, weight)| x * weight).sum();
        let sum = sum + self.weights[at + self.inputs];
        if self.bent { sum.tanh() } else { sum.max(0.0) }
    }

    pub(crate) fn logit(&self, x: &[f64]) -> f64 {
        let out = |unit: usize| {
            self.unit(unit, x) * self.weights[unit * (self.inputs + 2) + self.inputs + 1]
        };
        (0..self.hidden).map(out).sum::<f64>() + self.weights[self.weights.len() - 1]
    }

    /// Adds the gradient of one row's loss to `into`. Backpropagation computes the gradient.
    pub(crate) fn slope(&self, x: &[f64], class: f64, into: &mut [f64]) {
        let error = 1.0 / (1.0 + (-self.logit(x)).exp()) - class;
        for unit in 0..self.hidden {
            let at = unit * (self.inputs + 2);
            let value = self.unit(unit, x);
            let bend =
                if self.bent { 1.0 - value * value } else { f64::from(u8::from(value > 0.0)) };
            let back = error * self.weights[at + self.inputs + 1] * bend;
            into[at..at + self.inputs].iter_mut().zip(x).for_each(|(slope, x)| *slope += back * x);
            into[at + self.inputs] += back;
            into[at + self.inputs + 1] += error * value;
        }
        let last = into.len() - 1;
        into[last] += error;
    }
}
