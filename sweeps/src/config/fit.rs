//! Decides whether a parameter can have a value that people give, and says what is wrong if it
//! cannot. `points` calls this module, which reads no YAML.

use serde_json::{Number, Value};

use crate::{
    identity::Identity,
    search::Method,
    space::{Distribution, Law, Quantum},
};

use super::{
    method,
    scalar::number,
    text::{bare, code},
    when::{one_of, possible_values},
};

/// The largest relative difference between equal numbers. A limit on a logarithmic scale, and a
/// multiple of `q`, can differ from the number that a person writes by rounding.
const ROUNDING: f64 = 1e-9;

/// Why a parameter cannot have a value: the end of the sentence that begins with the parameter's
/// name, and a hint.
pub(super) struct Misfit {
    /// What is wrong, such as "is never `adm`".
    pub(super) why: String,
    /// What to write instead.
    pub(super) hint: String,
}

/// Returns the value as the search itself proposes it: 1 becomes 1.0 for a real number. `written`
/// is the value as its author wrote it.
pub(super) fn fit(
    distribution: &Distribution,
    value: &Value,
    written: &str,
    method: Method,
) -> Result<Value, Misfit> {
    match distribution {
        Distribution::Constant(only) => match Identity::of(only) == Identity::of(value) {
            true => Ok(only.clone()),
            false => Err(Misfit {
                why: format!("is always {}", code(&bare(only))),
                hint: "remove it from the point".to_owned(),
            }),
        },
        Distribution::Categorical { .. } => {
            let listed = possible_values(distribution);
            let identity = Identity::of(value);
            let found = listed.iter().find(|other| Identity::of(other) == identity);
            found.map(|value| (*value).clone()).ok_or_else(|| Misfit {
                why: format!("is never {}", code(written)),
                hint: one_of(value, &listed),
            })
        }
        Distribution::IntUniform { min, max } => match Identity::of(value) {
            Identity::Whole(whole) if (i128::from(*min)..=i128::from(*max)).contains(&whole) => {
                Ok(Value::from(i64::try_from(whole).unwrap_or(*min)))
            }
            _ => Err(Misfit {
                why: format!("cannot be {}", code(written)),
                hint: format!("it is a whole number from {min} to {max}"),
            }),
        },
        Distribution::Real { law, quantum } => {
            let wrong = |hint| Misfit { why: format!("cannot be {}", code(written)), hint };
            let x = value.as_f64().filter(|x| x.is_finite()).ok_or_else(|| wrong(range(law)))?;
            let nearest = match quantum {
                None => float(x),
                Some(quantum) => nearest(distribution, law, quantum, x, method),
            };
            match nearest.as_f64().is_some_and(|nearest| equal(nearest, x)) {
                true if quantum.is_some() || is_inside(law, x) => Ok(nearest),
                false if is_inside(law, x) => Err(wrong(format!(
                    "it is rounded to steps of `q`: the nearest value is {nearest}"
                ))),
                _ => Err(wrong(range(law))),
            }
        }
    }
}

/// Returns whether a number lies within the limits of a law.
fn is_inside(law: &Law, x: f64) -> bool {
    let (min, max) = match (law, law.limits()) {
        (Law::LogNormal { .. }, _) => (f64::MIN_POSITIVE, f64::MAX),
        (_, None) => (f64::MIN, f64::MAX),
        (_, Some(limits)) => limits,
    };
    (min..=max).contains(&x) || equal(x, min) || equal(x, max)
}

/// Returns the nearest multiple of `q` that the parameter can have.
fn nearest(
    distribution: &Distribution,
    law: &Law,
    quantum: &Quantum,
    x: f64,
    method: Method,
) -> Value {
    let nearest = match (method, law) {
        (Method::Grid, Law::Uniform { min, .. }) => {
            let last = method::alone(distribution).unwrap_or(1).saturating_sub(1) as f64;
            let steps = ((x - min) / quantum.step).round().clamp(0.0, last);
            quantum.from(*min, steps)
        }
        _ => {
            // Without a multiple within the limits, the search proposes the nearest ones outside.
            let ends = |(min, max)| (quantum.nearest(min), quantum.nearest(max));
            let limits = quantum.inside(law).or_else(|| law.limits().map(ends));
            let steps = quantum.nearest(x);
            quantum.value(limits.map_or(steps, |(least, most)| steps.clamp(least, most)))
        }
    };
    nearest.unwrap_or_else(|| float(x))
}

fn equal(a: f64, b: f64) -> bool {
    (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
}

fn float(x: f64) -> Value {
    Number::from_f64(x).map_or(Value::Null, Value::Number)
}

/// Returns the hint that says which numbers a law has.
fn range(law: &Law) -> String {
    let figure = |x: f64| number(format!("{x:.8e}").parse().unwrap_or(x));
    match (law, law.limits()) {
        (Law::LogNormal { .. }, _) => "it is a number above 0".to_owned(),
        (_, None) => "it is a number".to_owned(),
        (_, Some((min, max))) => format!("it is a number from {} to {}", figure(min), figure(max)),
    }
}
