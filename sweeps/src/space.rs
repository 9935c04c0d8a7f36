//! The space that a sweep searches: its parameters and their distributions. Built by `config`, read by `search`.
//! Never reads YAML and never draws a random number: a value is made from a `u` in [0, 1) that the caller brings.

use serde_json::Value;

/// Parameters in the order of the YAML; nested groups are flattened to their leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    /// Every leaf, constants included.
    pub parameters: Vec<Parameter>,
}

/// One leaf of the space.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Keys from the top to the leaf: `["optimizer", "lr"]`. At least one.
    pub path: Vec<String>,
    /// Where its values come from.
    pub distribution: Distribution,
}

/// The law of one parameter, with W&B's exact meaning.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always this value; no axis of the search.
    Constant(Value),
    /// One of these values, each any JSON; equally likely without `probabilities`, which sum to 1.
    Categorical {
        /// In the YAML's order, never empty.
        values: Vec<Value>,
        /// As long as `values`.
        probabilities: Option<Vec<f64>>,
    },
    /// A whole number, both ends included.
    IntUniform {
        /// Smallest value.
        min: i64,
        /// Largest value, at least `min`.
        max: i64,
    },
    /// A real number, possibly rounded to a multiple of a quantum.
    Real {
        /// The law before rounding.
        law: Law,
        /// The `q` of the `q_` distributions.
        quantum: Option<Quantum>,
    },
}

/// A continuous law; a value is its inverse CDF at u.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// min + u (max - min).
    Uniform {
        /// Lower limit.
        min: f64,
        /// Upper limit.
        max: f64,
    },
    /// exp of a uniform between the two natural logarithms.
    LogUniform {
        /// ln of the lower limit.
        min_ln: f64,
        /// ln of the upper limit.
        max_ln: f64,
    },
    /// ln(1/x) is uniform: exp(-uniform(min_ln, max_ln)) taken at 1 - u, so that it rises with u.
    InvLogUniform {
        /// Lower exponent: the largest value is exp(-min_ln).
        min_ln: f64,
        /// Upper exponent: the smallest value is exp(-max_ln).
        max_ln: f64,
    },
    /// Gaussian.
    Normal {
        /// Mean.
        mu: f64,
        /// Standard deviation, above 0.
        sigma: f64,
    },
    /// exp of a Gaussian.
    LogNormal {
        /// Mean of ln x.
        mu: f64,
        /// Standard deviation of ln x, above 0.
        sigma: f64,
    },
    /// Beta on [0, 1].
    Beta {
        /// First shape, above 0.
        a: f64,
        /// Second shape, above 0.
        b: f64,
    },
}

/// Rounding to multiples, half to even.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantum {
    /// The step, above 0.
    pub step: f64,
    /// The YAML wrote `q` as an integer: values are integers too.
    pub integer: bool,
}
