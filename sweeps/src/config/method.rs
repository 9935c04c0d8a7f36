//! Reads the key `method`, and checks whether the method fits the other keys: a grid needs a
//! countable space, and `bayes` needs a metric. For every method but `grid`, the check warns if no
//! parameter varies. `top` calls this module, which never searches.

use serde_json::Value;

use crate::{
    search::{Method, bound},
    space::{Distribution, Law, Parameter, Quantum, Space},
};

use super::{
    fields::{Field, shown},
    leaf::Leaf,
    nearest::suggestion,
    parameters::Parameters,
    problem::{At, Report},
    scalar::rounded,
    text::code,
};

const METHODS: [&str; 4] = ["grid", "random", "sobol", "bayes"];

/// Reads the method.
pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Option<Method> {
    let typed = field.value.text().unwrap_or("");
    match typed {
        "grid" => return Some(Method::Grid),
        "random" => return Some(Method::Random),
        "sobol" => return Some(Method::Sobol),
        "bayes" => return Some(Method::Bayes),
        "custom" => report
            .error(
                field.at(),
                "`method: custom` is not supported: it searches in your own process, and here the \
                controller searches",
            )
            .hint("write `grid`, `random`, `sobol` or `bayes`"),
        _ => report
            .error(field.at(), format!("`method` cannot be {}", shown(field.value)))
            .hint(suggestion(typed, &METHODS)),
    }
    None
}

/// Reports the parameters that do not fit the method, and a metric that `bayes` lacks. `at` is the
/// place of the method.
pub(super) fn agree(
    method: Method,
    has_metric: bool,
    parameters: &Parameters,
    at: At<'_>,
    report: &mut Report,
) {
    let leaves = &parameters.leaves;
    if method == Method::Grid {
        for leaf in leaves {
            countable(leaf, report);
        }
        size(leaves, at, report);
        return;
    }
    for leaf in leaves {
        rounding(leaf, report);
    }
    if method == Method::Bayes && !has_metric {
        report
            .error(at, "`method: bayes` needs a `metric` to learn from")
            .hint("add `metric: {name: loss, goal: minimize}` with a name that the program logs");
    }
    let constant = |leaf: &Leaf| matches!(leaf.parameter.distribution, Distribution::Constant(_));
    if parameters.complete && leaves.iter().all(constant) {
        report
            .warning(
                at,
                "nothing varies: every parameter is a constant, so all trials are the same",
            )
            .hint("give a parameter `values`, or `min` and `max`");
    }
}

/// Reports a parameter whose values a grid cannot count, or whose grid ends below `max`.
fn countable(leaf: &Leaf, report: &mut Report) {
    let name = code(leaf.name());
    match &leaf.parameter.distribution {
        Distribution::Constant(_)
        | Distribution::Categorical { probabilities: None, .. }
        | Distribution::IntUniform { .. } => {}
        Distribution::Real {
            law: Law::Uniform { min, max },
            quantum: Some(Quantum { step, .. }),
        } => {
            let steps = (max - min) / step;
            if (steps - steps.round()).abs() < 1e-9 && is_told_apart(&leaf.parameter.distribution) {
                report
                    .warning(
                        leaf.at(),
                        format!("the grid of {name} stops one `q` below `max`, as W&B's does"),
                    )
                    .hint(format!(
                        "write `max: {}` to have {} in it",
                        rounded(max + step),
                        rounded(*max)
                    ));
            }
        }
        Distribution::Categorical { probabilities: Some(_), .. } => report
            .error(
                leaf.at(),
                format!("{name} has probabilities, and a grid tries every value once"),
            )
            .hint("remove `probabilities`, or write `method: random`"),
        Distribution::Real { law, quantum } => {
            let kind = if quantum.is_some() { "has no countable grid" } else { "is continuous" };
            report
                .error(
                    leaf.at(),
                    format!(
                        "{name} {kind} ({}), and a grid tries every value once",
                        code(leaf.distribution)
                    ),
                )
                .hint(format!(
                    "list what to try, such as `values: {}`, or write `method: random`",
                    three(law)
                ));
        }
    }
}

/// Warns of a parameter for which the multiples of `q` give a single value, or values that differ
/// from what the limits suggest.
fn rounding(leaf: &Leaf, report: &mut Report) {
    let Distribution::Real { law, quantum: Some(quantum) } = &leaf.parameter.distribution else {
        return;
    };
    let Some((min, max)) = law.limits() else { return };
    let written =
        |steps: f64| quantum.value(steps).map_or_else(String::new, |value| value.to_string());
    let nearest = (quantum.nearest(min), quantum.nearest(max));
    let (least, most) = quantum.inside(law).unwrap_or(nearest);
    let (low, high) = (written(least), written(most));
    let name = code(leaf.name());
    if least == most {
        report
            .warning(leaf.at(), format!("every value of {name} is rounded to {low}"))
            .hint(format!("write a `q` below {}; it is 1 when left out", rounded(max - min)));
    } else if quantum.inside(law).is_none() {
        report
            .warning(
                leaf.at(),
                format!(
                    "no multiple of `q` lies within the limits of {name}: it is {low} or {high}"
                ),
            )
            .hint(format!("write a `q` below {}", rounded(max - min)));
    } else if (least, most) != nearest {
        report
            .warning(
                leaf.at(),
                format!(
                    "the multiples of `q` within the limits of {name} run from {low} to {high}"
                ),
            )
            .hint("choose limits that are multiples of `q`; W&B rounds beyond them");
    }
}

/// Returns a list of three example values of a law: two at or near its ends, and one in its middle.
fn three(law: &Law) -> String {
    let values = match *law {
        Law::Uniform { min, max } => [min, min + (max - min) / 2.0, max],
        Law::LogUniform { min_ln, max_ln } => {
            [min_ln, f64::midpoint(min_ln, max_ln), max_ln].map(libm::exp)
        }
        Law::InvLogUniform { min_ln, max_ln } => {
            [-max_ln, -f64::midpoint(min_ln, max_ln), -min_ln].map(libm::exp)
        }
        Law::Normal { mu, sigma } => [mu - sigma, mu, mu + sigma],
        Law::LogNormal { mu, sigma } => [mu - sigma, mu, mu + sigma].map(libm::exp),
        Law::Beta { .. } => [0.1, 0.5, 0.9],
    };
    format!("[{}]", values.map(rounded).join(", "))
}

/// Reports a grid with more cells than a `u64` can count, or with steps that a double cannot count.
fn size(leaves: &[Leaf], at: At<'_>, report: &mut Report) {
    let fine = leaves.iter().find(|leaf| !is_told_apart(&leaf.parameter.distribution));
    if let Some(leaf) = fine {
        report
            .error(
                leaf.at(),
                format!(
                    "{} has more than 2^52 steps, which 64-bit numbers cannot tell apart",
                    code(leaf.name())
                ),
            )
            .hint("write a larger `q`, or whole `min` and `max` without `distribution`");
    } else if grid(leaves).is_none() {
        let large = leaves.iter().max_by_key(|leaf| cells(leaf)).map_or("", Leaf::name);
        report
            .error(at, "this grid has more than 18 quintillion cells (2^64)")
            .hint(format!("try fewer values, of {} first, or write `method: random`", code(large)));
    }
}

/// Returns whether a double can count the multiples of this distribution one by one.
fn is_told_apart(distribution: &Distribution) -> bool {
    match distribution {
        Distribution::Real {
            law: Law::Uniform { min, max },
            quantum: Some(Quantum { step, .. }),
        } => (max - min) / step <= 1.0 / f64::EPSILON,
        _ => true,
    }
}

/// Returns the number of cells of the grid, or `None` if they cannot be counted. A parameter
/// without a grid counts as one value, since `countable` reports it.
fn grid(leaves: &[Leaf]) -> Option<u64> {
    let mut parameters: Vec<Parameter> = leaves.iter().map(|leaf| leaf.parameter.clone()).collect();
    for parameter in &mut parameters {
        if alone(&parameter.distribution) == Some(0) {
            parameter.distribution = Distribution::Constant(Value::Null);
        }
    }
    bound(Method::Grid, &Space { parameters })
}

/// Returns the number of values of one parameter in a grid, or the largest number if they cannot be
/// counted.
fn cells(leaf: &Leaf) -> u64 {
    alone(&leaf.parameter.distribution).unwrap_or(u64::MAX)
}

/// Returns the number of cells of a grid over one parameter alone.
pub(super) fn alone(distribution: &Distribution) -> Option<u64> {
    bound(
        Method::Grid,
        &Space { parameters: vec![Parameter::new(Vec::new(), distribution.clone())] },
    )
}
