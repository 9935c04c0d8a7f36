//! Maps a number in the unit interval to a parameter's value, with W&B's exact meaning, and back.
//! `search` calls this module, which never draws the number itself.
//!
//! A value is the inverse distribution function at u, so equal steps of u are equally likely. A
//! model uses u as a parameter's coordinate. So the coordinate of a log-uniform parameter is linear
//! in the parameter's logarithm.

use serde_json::{Number, Value};

use crate::{
    decimal::multiple,
    quantile::{beta_cdf, beta_quantile, normal_cdf, normal_quantile},
    space::{Distribution, Law, Quantum},
};

/// The smallest distance between u and the ends 0 and 1. A nearer u is moved to this distance,
/// since some laws are infinite at the ends.
const END: f64 = f64::EPSILON / 2.0;

impl Distribution {
    /// Returns the value at `u` in [0, 1]. A `u` outside of [0, 1] counts as the nearer end.
    pub(crate) fn value(&self, u: f64) -> Value {
        match self {
            Distribution::Constant(value) => value.clone(),
            Distribution::Categorical { values, probabilities } => {
                values[category(u, values.len(), probabilities.as_deref())].clone()
            }
            Distribution::IntUniform { min, max } => Value::from(integer(u, *min, *max)),
            Distribution::Real { law, quantum } => real(law, u, quantum.as_ref()),
        }
    }

    /// Returns the value that stands for an inactive parameter. For a list, this is the first value
    /// with a probability above 0. For other distributions, it is the value at u = 1/2.
    pub(crate) fn canonical(&self) -> Value {
        match self {
            Distribution::Categorical { values, probabilities } => {
                let weights = probabilities.as_deref().unwrap_or_default();
                values[weights.iter().position(|&p| p > 0.0).unwrap_or(0)].clone()
            }
            other => other.value(0.5),
        }
    }
}

/// Returns the index of the category at `u`: floor(u n), or the first index whose cumulated
/// probability exceeds u.
fn category(u: f64, count: usize, probabilities: Option<&[f64]>) -> usize {
    let Some(probabilities) = probabilities else {
        return ((u.clamp(0.0, 1.0) * count as f64) as usize).min(count - 1);
    };
    let mut cumulated = 0.0;
    let found = probabilities.iter().position(|p| {
        cumulated += p;
        cumulated > u
    });
    // The sum of the probabilities may be a little below 1. A `u` above the sum gives the last
    // category with a probability above 0.
    found.or_else(|| probabilities.iter().rposition(|&p| p > 0.0)).unwrap_or(count - 1)
}

/// Returns the integer at `u` among `min..=max`.
pub(crate) fn integer(u: f64, min: i64, max: i64) -> i64 {
    let count = i128::from(max) - i128::from(min) + 1;
    let offset = ((u.clamp(0.0, 1.0) * count as f64) as i128).min(count - 1);
    i64::try_from(i128::from(min) + offset).unwrap_or(max)
}

/// Returns the value of a law at `u` as JSON, rounded if there is a quantum. The value is not
/// rounded if the multiple is too large for a finite double.
pub(crate) fn real(law: &Law, u: f64, quantum: Option<&Quantum>) -> Value {
    let x = law.quantile(u);
    match quantum {
        None => float(x),
        Some(quantum) => quantum.value(quantum.steps(law, u)).unwrap_or_else(|| float(x)),
    }
}

/// Returns a finite float as JSON. 2.0 stays a float.
fn float(x: f64) -> Value {
    Value::Number(Number::from_f64(x).expect("laws give finite values"))
}

impl Quantum {
    /// Returns the number of steps of q at `u`: x / q rounded half to even, then clamped to the
    /// multiples within the limits of the law, if there are any.
    pub(crate) fn steps(&self, law: &Law, u: f64) -> f64 {
        let steps = self.nearest(law.quantile(u));
        self.inside(law).map_or(steps, |(least, most)| steps.clamp(least, most))
    }

    /// Returns x / q, rounded half to even.
    pub(crate) fn nearest(&self, x: f64) -> f64 {
        (x / self.step).round_ties_even()
    }

    /// Returns the fewest and the most steps within the limits of a law. Returns `None` if the law
    /// has no limits, or if no multiple lies within them.
    pub(crate) fn inside(&self, law: &Law) -> Option<(f64, f64)> {
        let (min, max) = law.limits()?;
        // A limit that is itself a multiple counts, even if the division rounds it outwards.
        let (least, most) = ((min / self.step - 1e-9).ceil(), (max / self.step + 1e-9).floor());
        (least <= most).then_some((least, most))
    }

    /// Returns the value `steps` steps from 0, or `None` if it is too large for a number.
    pub(crate) fn value(&self, steps: f64) -> Option<Value> {
        self.from(0.0, steps)
    }

    /// Returns the value `steps` steps from `start`, or `None` if it is too large for a number.
    pub(crate) fn from(&self, start: f64, steps: f64) -> Option<Value> {
        let x = multiple(start, steps, self.step);
        let fits = x.fract() == 0.0 && x.abs() < -(i64::MIN as f64);
        if self.integer && fits {
            Some(Value::from(x as i64))
        } else {
            Number::from_f64(x).map(Value::Number)
        }
    }
}

impl Law {
    /// Returns the inverse distribution function at `u` in [0, 1]. The result is finite for every
    /// law, even at both ends.
    pub(crate) fn quantile(&self, u: f64) -> f64 {
        let u = u.clamp(END, 1.0 - END);
        let x = match *self {
            Law::Uniform { min, max } => between(min, max, u),
            Law::LogUniform { min_ln, max_ln } => libm::exp(between(min_ln, max_ln, u)),
            Law::InvLogUniform { min_ln, max_ln } => libm::exp(-between(min_ln, max_ln, 1.0 - u)),
            Law::Normal { mu, sigma } => mu + sigma * normal_quantile(u),
            Law::LogNormal { mu, sigma } => libm::exp(mu + sigma * normal_quantile(u)),
            Law::Beta { a, b } => beta_quantile(a, b, u),
        };
        if x.is_nan() { 0.0 } else { x.clamp(f64::MIN, f64::MAX) }
    }

    /// Returns the probability of a value up to `x`: the distribution function at `x`. The result
    /// lies in [0, 1], and is 0.5 if the computation gives NaN.
    pub(crate) fn cdf(&self, x: f64) -> f64 {
        let u = match *self {
            Law::Uniform { min, max } => fraction(min, max, x),
            Law::LogUniform { min_ln, max_ln } => fraction(min_ln, max_ln, ln(x)),
            Law::InvLogUniform { min_ln, max_ln } => fraction(-max_ln, -min_ln, ln(x)),
            Law::Normal { mu, sigma } => normal_cdf((x - mu) / sigma),
            Law::LogNormal { mu, sigma } => normal_cdf((ln(x) - mu) / sigma),
            Law::Beta { a, b } => beta_cdf(a, b, x),
        };
        if u.is_nan() { 0.5 } else { u.clamp(0.0, 1.0) }
    }

    /// Returns the lower and the upper limit of the values, or `None` if the law has no limits.
    pub fn limits(&self) -> Option<(f64, f64)> {
        match *self {
            Law::Uniform { min, max } => Some((min, max)),
            Law::LogUniform { min_ln, max_ln } => Some((libm::exp(min_ln), libm::exp(max_ln))),
            Law::InvLogUniform { min_ln, max_ln } => Some((libm::exp(-max_ln), libm::exp(-min_ln))),
            Law::Beta { .. } => Some((0.0, 1.0)),
            Law::Normal { .. } | Law::LogNormal { .. } => None,
        }
    }

    /// Returns whether the law spreads its values over orders of magnitude, so that a log axis
    /// shows them evenly.
    pub fn is_logarithmic(&self) -> bool {
        match self {
            Law::LogUniform { .. } | Law::InvLogUniform { .. } | Law::LogNormal { .. } => true,
            Law::Uniform { .. } | Law::Normal { .. } | Law::Beta { .. } => false,
        }
    }
}

/// Returns min + u (max - min) without an overflow on the way.
fn between(min: f64, max: f64, u: f64) -> f64 {
    let span = max - min;
    let x = if span.is_finite() { min + u * span } else { min * (1.0 - u) + max * u };
    x.max(min).min(max)
}

/// Returns the u for which [`between`] gives `x`.
fn fraction(min: f64, max: f64, x: f64) -> f64 {
    let span = max - min;
    if span.is_finite() {
        (x - min) / span
    } else {
        (x / 2.0 - min / 2.0) / (max / 2.0 - min / 2.0)
    }
}

/// Returns the natural logarithm, or minus infinity for every `x` up to zero.
fn ln(x: f64) -> f64 {
    if x > 0.0 { libm::log(x) } else { f64::NEG_INFINITY }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn laws() -> Vec<Law> {
        vec![
            Law::Uniform { min: -3.0, max: 5.0 },
            Law::Uniform { min: -1e308, max: 1e308 },
            Law::LogUniform { min_ln: -9.0, max_ln: 2.0 },
            Law::InvLogUniform { min_ln: -2.0, max_ln: 9.0 },
            Law::Normal { mu: 3.0, sigma: 2.0 },
            Law::LogNormal { mu: -1.0, sigma: 0.7 },
            Law::Beta { a: 0.5, b: 3.0 },
        ]
    }

    #[test]
    fn quantile_and_cdf_are_inverses() {
        for law in laws() {
            for i in 0..1000 {
                let u = (f64::from(i) + 0.5) / 1000.0;
                assert!((law.cdf(law.quantile(u)) - u).abs() < 1e-12, "{law:?} {u}");
            }
        }
    }

    #[test]
    fn quantiles_have_known_values() {
        let at = |law: Law, u: f64, want: f64| {
            assert!((law.quantile(u) - want).abs() < 1e-12 * want.abs().max(1.0), "{law:?} {u}")
        };
        at(Law::Uniform { min: -3.0, max: 5.0 }, 0.25, -1.0);
        at(Law::LogUniform { min_ln: 0.0, max_ln: 100_f64.sqrt() }, 0.3, 20.085536923187668);
        // ln(1/x) is uniform, and x rises with u from e^-max to e^-min.
        at(Law::InvLogUniform { min_ln: 1.0, max_ln: 3.0 }, 0.25, 0.0820849986238988);
        at(Law::Normal { mu: 1.0, sigma: 2.0 }, 0.975, 4.919927969080108);
        at(Law::LogNormal { mu: 0.0, sigma: 1.0 }, 0.5, 1.0);
        at(Law::Beta { a: 2.0, b: 1.0 }, 0.25, 0.5);
    }

    #[test]
    fn values_at_both_ends_are_finite() {
        let mut all = laws();
        all.extend([
            Law::LogUniform { min_ln: -1e4, max_ln: 1e4 },
            Law::LogNormal { mu: 500.0, sigma: 400.0 },
            Law::Normal { mu: 1e308, sigma: 1e308 },
            Law::Beta { a: 1e-3, b: 1e-3 },
            Law::Beta { a: 1e9, b: 1e-9 },
        ]);
        for law in all {
            for u in [-1.0, 0.0, f64::MIN_POSITIVE, 0.5, 1.0, 2.0] {
                assert!(law.quantile(u).is_finite(), "{law:?} {u}");
                assert!((0.0..=1.0).contains(&law.cdf(law.quantile(u))));
            }
        }
    }

    #[test]
    fn rounding_is_half_to_even_and_keeps_the_limits() {
        let of = |min: f64, max: f64, step: f64, integer: bool| Distribution::Real {
            law: Law::Uniform { min, max },
            quantum: Some(Quantum { step, integer }),
        };
        assert_eq!(of(1.0, 10.5, 4.0, true).value(0.0), json!(4));
        assert_eq!(of(1.0, 10.5, 4.0, true).value(1.0), json!(8));
        // No multiple lies within the limits.
        assert_eq!(of(0.4, 0.9, 1.0, true).value(0.0), json!(0));
        assert_eq!(of(0.4, 0.9, 1.0, true).value(1.0), json!(1));
        assert_eq!(of(0.0, 1.0, 0.1, false).value(0.31), json!(0.3));
        assert_eq!(of(0.5, 0.95, 0.05, false).value(1.0), json!(0.95));
        let law = Law::LogUniform { min_ln: libm::log(0.001), max_ln: libm::log(0.9) };
        let logarithmic =
            Distribution::Real { law, quantum: Some(Quantum { step: 0.001, integer: false }) };
        assert_eq!([0.0, 1.0].map(|u| logarithmic.value(u)), [json!(0.001), json!(0.9)]);
        assert_eq!(of(0.0, 5.0, 1.0, true).value(0.5), json!(2));
        assert_eq!(of(0.0, 7.0, 1.0, false).value(0.5), json!(4.0));
        assert_eq!(of(-0.4, 0.4, 1.0, false).value(0.1).to_string(), "0.0");
        assert_eq!(of(0.0, 1.0, 0.25, false).value(0.6), json!(0.5));
        // A quantum so small that x / q overflows rounds nothing.
        assert_eq!(of(0.0, 1e300, 1e-300, false).value(0.5), json!(5e299));
    }

    #[test]
    fn categories_and_integers_have_their_values() {
        let values: Vec<Value> = vec![json!("a"), json!(null), json!([1, {"b": 2}])];
        let even = Distribution::Categorical { values: values.clone(), probabilities: None };
        assert_eq!(
            [0.0, 0.34, 0.999, 1.0].map(|u| even.value(u)),
            [0, 1, 2, 2].map(|i| values[i].clone())
        );
        let weighted = Distribution::Categorical {
            values: values.clone(),
            probabilities: Some(vec![0.2, 0.8, 0.0]),
        };
        assert_eq!(
            [0.0, 0.2, 0.5, 1.0].map(|u| weighted.value(u)),
            [0, 1, 1, 1].map(|i| values[i].clone())
        );
        let int = |min, max, u| Distribution::IntUniform { min, max }.value(u);
        assert_eq!([0.0, 0.32, 0.34, 1.0].map(|u| int(-1, 1, u)), [-1, -1, 0, 1].map(|i| json!(i)));
        assert_eq!(
            [0.0, 1.0].map(|u| int(i64::MIN, i64::MAX, u)),
            [json!(i64::MIN), json!(i64::MAX)]
        );
        assert_eq!(int(7, 7, 0.9), json!(7));
    }

    /// Counts draws in bins of equal probability, and compares the counts with the chi-squared law
    /// with 19 degrees of freedom.
    #[test]
    fn draws_follow_their_law() {
        for (number, law) in laws().into_iter().enumerate() {
            let mut stream = crate::rng::Stream::new(11, number as u64, crate::rng::Purpose::Draw);
            let (bins, draws) = (20_usize, 4000_usize);
            let mut counts = vec![0_usize; bins];
            for _ in 0..draws {
                let value = Distribution::Real { law, quantum: None }.value(stream.uniform());
                counts[(law.cdf(value.as_f64().unwrap()) * bins as f64) as usize] += 1;
            }
            let expected = draws as f64 / bins as f64;
            let statistic: f64 = counts
                .iter()
                .map(|&n| (n as f64 - expected) * (n as f64 - expected) / expected)
                .sum();
            assert!(statistic < 43.8, "{law:?}: {statistic}");
        }
    }
}
