//! Provides the parts of the synthetic families: an optimum and a rotation for each surface, drawn
//! from its name, and random smooth surfaces. The families call this module, which does not depend
//! on a problem's space.

use std::f64::consts::TAU;

use crate::chance::Chance;

/// A rotation of the space; its rows are orthonormal.
pub(crate) struct Turn(Vec<Vec<f64>>);

impl Turn {
    /// Returns a uniformly drawn rotation: Gaussian rows, each made orthogonal to those before it.
    pub(crate) fn new(name: &str, axes: usize) -> Self {
        let mut chance = Chance::new(name, 1);
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for _ in 0..axes {
            let mut row = chance.normals(axes);
            for other in &rows {
                let along = dot(&row, other);
                row.iter_mut().zip(other).for_each(|(value, by)| *value -= along * by);
            }
            let length = dot(&row, &row).sqrt();
            row.iter_mut().for_each(|value| *value /= length);
            rows.push(row);
        }
        Self(rows)
    }

    pub(crate) fn apply(&self, vector: &[f64]) -> Vec<f64> {
        self.0.iter().map(|row| dot(row, vector)).collect()
    }
}

/// Returns a place for an optimum, with each coordinate between `min` and `max`.
pub(crate) fn somewhere(name: &str, axes: usize, min: f64, max: f64) -> Vec<f64> {
    let mut chance = Chance::new(name, 2);
    // Five decimals make a place readable and exact.
    (0..axes).map(|_| (chance.between(min, max) * 1e5).round() / 1e5).collect()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub(crate) fn less(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x - y).collect()
}

pub(crate) fn square(value: f64) -> f64 {
    value * value
}

/// Returns one weight per axis: a geometric sequence from 1 to `last`.
pub(crate) fn weights(axes: usize, last: f64) -> Vec<f64> {
    let steps = axes.saturating_sub(1).max(1) as f64;
    (0..axes).map(|axis| last.powf(axis as f64 / steps)).collect()
}

/// The smoothness of a random surface.
#[derive(Clone, Copy)]
pub(crate) enum Grain {
    /// As smooth as a draw with a squared exponential kernel.
    Fine,
    /// As rough as a draw with a Matern 5/2 kernel.
    Rough,
}

/// A draw from a Gaussian process with mean 0 and variance 1, approximated by a sum of random
/// waves.
pub(crate) struct Surface {
    waves: Vec<(Vec<f64>, f64, f64)>,
}

impl Surface {
    /// Draws a surface. `lengths` has one lengthscale per axis, in the axis's units.
    pub(crate) fn new(name: &str, lengths: &[f64], grain: Grain) -> Self {
        const WAVES: usize = 200;
        let mut chance = Chance::new(name, 3);
        let height = (2.0 / WAVES as f64).sqrt();
        let mut wave = || {
            let stretch = match grain {
                Grain::Fine => 1.0,
                // The spectrum of a Matern kernel is a Student t distribution. Its degrees of
                // freedom are twice the kernel's smoothness of 5/2.
                Grain::Rough => (5.0 / chance.normals(5).iter().map(|z| z * z).sum::<f64>()).sqrt(),
            };
            let direction =
                lengths.iter().map(|length| stretch * chance.normal() / length).collect();
            (direction, chance.between(0.0, TAU), height * chance.normal())
        };
        Self { waves: (0..WAVES).map(|_| wave()).collect() }
    }

    pub(crate) fn at(&self, x: &[f64]) -> f64 {
        self.waves
            .iter()
            .map(|(direction, phase, height)| height * (dot(direction, x) + phase).cos())
            .sum()
    }
}
