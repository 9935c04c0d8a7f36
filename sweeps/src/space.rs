//! The space that a sweep searches: its parameters and their distributions. Built by `config`, read
//! by `search`. Never reads YAML and never draws a random number: a value is made from a `u` in [0,
//! 1) that the caller brings.

use serde_json::Value;

use crate::identity::Identity;

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
    /// When it is active at all; `None`: always.
    pub condition: Option<Condition>,
}

/// A parameter is active only while another one is active and has one of these values. `config`
/// sees to it that the conditions of a space make a forest: no parameter depends on itself, over
/// however many others.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The other parameter: its index in the space.
    pub parent: usize,
    /// Values that the other one can have; never empty.
    pub values: Vec<Value>,
}

impl Space {
    /// Whether some parameter is not always active.
    pub fn is_conditional(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.condition.is_some())
    }

    /// Which parameters are active at these values, one for each parameter.
    pub fn active(&self, values: &[Value]) -> Vec<bool> {
        (0..self.parameters.len())
            .map(|index| self.is_active(index, |parent| values.get(parent)))
            .collect()
    }

    /// Gives every inactive parameter its canonical value, so that points that differ in nothing
    /// active are equal.
    pub fn settle(&self, values: &mut [Value]) {
        if !self.is_conditional() {
            return;
        }
        let active = self.active(values);
        for ((parameter, value), active) in self.parameters.iter().zip(values).zip(active) {
            if !active {
                *value = parameter.distribution.canonical();
            }
        }
    }

    /// How many other parameters a parameter depends on, one over the other.
    pub(crate) fn depth(&self, index: usize) -> usize {
        let parent = |&index: &usize| Some(self.parameters[index].condition.as_ref()?.parent);
        std::iter::successors(Some(index), parent).count() - 1
    }

    /// Whether all conditions from this parameter upwards hold. An ancestor's value is asked for
    /// only while those below it hold, and counts only if the ancestor is active itself.
    pub(crate) fn is_active<'v>(
        &self,
        index: usize,
        value: impl Fn(usize) -> Option<&'v Value>,
    ) -> bool {
        let mut condition = self.parameters[index].condition.as_ref();
        while let Some(wanted) = condition {
            if !value(wanted.parent).is_some_and(|value| wanted.holds(value)) {
                return false;
            }
            condition = self.parameters[wanted.parent].condition.as_ref();
        }
        true
    }
}

impl Condition {
    /// Whether the other parameter has one of the values; 1 and 1.0 are one value.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        let identity = Identity::of(value);
        self.values.iter().any(|wanted| Identity::of(wanted) == identity)
    }
}

impl Parameter {
    /// A parameter that is always active.
    pub fn new(path: Vec<String>, distribution: Distribution) -> Parameter {
        Parameter { path, distribution, condition: None }
    }
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
