//! Describes the space that a sweep searches: its parameters and their distributions. `config`
//! builds a space, and `search` reads it. This module never reads YAML, and never draws a random
//! number. `encode` computes the values of a distribution.

use serde_json::Value;

use crate::identity::Identity;

/// The parameters in the order of the YAML. Nested groups are flattened to their leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Space {
    /// Every parameter, constants included.
    pub parameters: Vec<Parameter>,
}

/// One parameter of the space: a leaf of the YAML's nested groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The keys from the top to the leaf, at least one: `["optimizer", "lr"]`.
    pub path: Vec<String>,
    /// The distribution of the parameter's values.
    pub distribution: Distribution,
    /// The condition under which the parameter is active; `None` if the parameter is always active.
    pub condition: Option<Condition>,
}

/// The condition of a parameter. The condition holds if another parameter is active and has one of
/// these values. `config` ensures that the conditions of a space form a forest. So no parameter
/// depends on itself, directly or through others.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The index of the other parameter in the space.
    pub parent: usize,
    /// The values of the other parameter under which the condition holds; never empty.
    pub values: Vec<Value>,
}

impl Space {
    /// Returns whether some parameter has a condition.
    pub fn is_conditional(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.condition.is_some())
    }

    /// Returns for each parameter whether it is active at these values.
    pub fn active(&self, values: &[Value]) -> Vec<bool> {
        (0..self.parameters.len())
            .map(|index| self.is_active(index, |parent| values.get(parent)))
            .collect()
    }

    /// Gives every inactive parameter its canonical value, so that points with equal active values
    /// are equal.
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

    /// Returns the number of parameters that this one depends on, directly or through others.
    pub(crate) fn depth(&self, index: usize) -> usize {
        let parent = |&index: &usize| Some(self.parameters[index].condition.as_ref()?.parent);
        std::iter::successors(Some(index), parent).count() - 1
    }

    /// Returns whether a parameter is active: its condition and the conditions of all its ancestors
    /// hold. `value` returns the value of a parameter. The function calls `value` for an ancestor
    /// only if all conditions below the ancestor hold.
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
    /// Returns whether `value`, the value of the other parameter, is one of the wanted values; 1
    /// and 1.0 are one value.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        let identity = Identity::of(value);
        self.values.iter().any(|wanted| Identity::of(wanted) == identity)
    }
}

impl Parameter {
    /// Returns a parameter that is always active.
    pub fn new(path: Vec<String>, distribution: Distribution) -> Parameter {
        Parameter { path, distribution, condition: None }
    }
}

/// The law of one parameter, with W&B's exact meaning.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// A single value. The search has no axis for a constant.
    Constant(Value),
    /// One of these values, each of any JSON type.
    Categorical {
        /// The values in the YAML's order, never empty.
        values: Vec<Value>,
        /// One probability per value, with the sum 1; `None` if all are equally likely.
        probabilities: Option<Vec<f64>>,
    },
    /// A whole number between two limits, both included.
    IntUniform {
        /// The smallest value.
        min: i64,
        /// The largest value, at least `min`.
        max: i64,
    },
    /// A real number, possibly rounded to a multiple of a quantum.
    Real {
        /// The law before rounding.
        law: Law,
        /// The `q` of the `q_` distributions; `None` for the others.
        quantum: Option<Quantum>,
    },
}

/// A continuous law. The value for a uniform number u is the law's inverse distribution function at
/// u.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// The uniform law: min + u (max - min).
    Uniform {
        /// The lower limit.
        min: f64,
        /// The upper limit.
        max: f64,
    },
    /// The exponential of a uniform number between the two natural logarithms.
    LogUniform {
        /// The natural logarithm of the lower limit.
        min_ln: f64,
        /// The natural logarithm of the upper limit.
        max_ln: f64,
    },
    /// ln(1/x) is uniform. The value is exp(-uniform(min_ln, max_ln)) taken at 1 - u, so that it
    /// rises with u.
    InvLogUniform {
        /// The lower exponent: the largest value is exp(-min_ln).
        min_ln: f64,
        /// The upper exponent: the smallest value is exp(-max_ln).
        max_ln: f64,
    },
    /// The normal law.
    Normal {
        /// The mean.
        mu: f64,
        /// The standard deviation, above 0.
        sigma: f64,
    },
    /// The exponential of a normal number.
    LogNormal {
        /// The mean of ln x.
        mu: f64,
        /// The standard deviation of ln x, above 0.
        sigma: f64,
    },
    /// The beta law on [0, 1].
    Beta {
        /// The first shape parameter, above 0.
        a: f64,
        /// The second shape parameter, above 0.
        b: f64,
    },
}

/// The rounding of a real number to the nearest multiple of a step. A tie goes to the even
/// multiple.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantum {
    /// The step, above 0.
    pub step: f64,
    /// Whether the YAML wrote `q` as an integer. If so, values without a fraction are integers and
    /// not floats.
    pub integer: bool,
}
