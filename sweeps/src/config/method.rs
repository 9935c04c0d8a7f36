//! The key `method`, and whether it agrees with the rest: a grid needs a countable space, a model needs a metric and
//! something to search. Called by `top`. Never searches.

use serde_json::Value;

use crate::{
    search::{Method, bound},
    space::{Distribution, Law, Parameter, Quantum, Space},
};

use super::{
    fields::{Field, shown},
    nearest::suggestion,
    parameters::{Leaf, Parameters},
    problem::{At, Report},
    real::extent,
    scalar::{number, rounded},
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
                "`method: custom` is not supported: it searches in your own process, and here the controller searches",
            )
            .hint("write `grid`, `random`, `sobol` or `bayes`"),
        _ => report
            .error(field.at(), format!("`method` cannot be {}", shown(field.value)))
            .hint(suggestion(typed, &METHODS)),
    }
    None
}

/// Tells what the method cannot do with these parameters, or without a metric. `at` is the method's place.
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
            .warning(at, "nothing varies: every parameter is a constant, so all trials are the same")
            .hint("give a parameter `values`, or `min` and `max`");
    }
}

/// Tells a parameter that has no first, second and third value.
fn countable(leaf: &Leaf, report: &mut Report) {
    let name = code(leaf.name());
    match &leaf.parameter.distribution {
        Distribution::Constant(_)
        | Distribution::Categorical { probabilities: None, .. }
        | Distribution::IntUniform { .. } => {}
        Distribution::Real { law: Law::Uniform { min, max }, quantum: Some(Quantum { step, .. }) } => {
            let steps = (max - min) / step;
            if (steps - steps.round()).abs() < 1e-9 {
                report
                    .warning(
                        leaf.at(),
                        format!("the grid of {name} stops one `q` below `max`, as W&B's does"),
                    )
                    .hint(format!("write `max: {}` to have {} in it", rounded(max + step), rounded(*max)));
            }
        }
        Distribution::Categorical { probabilities: Some(_), .. } => report
            .error(leaf.at(), format!("{name} has probabilities, and a grid tries every value once"))
            .hint("remove `probabilities`, or write `method: random`"),
        Distribution::Real { law, quantum } => {
            let kind = if quantum.is_some() { "has no countable grid" } else { "is continuous" };
            report
                .error(
                    leaf.at(),
                    format!("{name} {kind} ({}), and a grid tries every value once", code(leaf.distribution)),
                )
                .hint(format!(
                    "list what to try, such as `values: {}`, or write `method: random`",
                    three(law)
                ));
        }
    }
}

/// Tells a parameter whose rounded values leave its limits.
fn rounding(leaf: &Leaf, report: &mut Report) {
    let Distribution::Real { law, quantum: Some(Quantum { step, .. }) } = &leaf.parameter.distribution else {
        return;
    };
    if matches!(law, Law::Normal { .. } | Law::LogNormal { .. }) {
        return;
    }
    let (min, max) = extent(law);
    let multiple = |value: f64| (value / step).round_ties_even() * step;
    let (low, high) = (multiple(min), multiple(max));
    let name = code(leaf.name());
    if low == high {
        report
            .warning(leaf.at(), format!("every value of {name} is rounded to {}", number(low)))
            .hint(format!("write a `q` below {}; it is 1 when left out", rounded(max - min)));
    } else if low < min - step * 1e-9 || high > max + step * 1e-9 {
        report
            .warning(
                leaf.at(),
                format!("rounded to multiples of `q`, {name} runs from {} to {}", number(low), number(high)),
            )
            .hint("choose limits that are multiples of `q`");
    }
}

/// Three values that show the law: its ends and its middle.
fn three(law: &Law) -> String {
    let values = match *law {
        Law::Uniform { min, max } => [min, min + (max - min) / 2.0, max],
        Law::LogUniform { min_ln, max_ln } => [min_ln, f64::midpoint(min_ln, max_ln), max_ln].map(libm::exp),
        Law::InvLogUniform { min_ln, max_ln } => {
            [-max_ln, -f64::midpoint(min_ln, max_ln), -min_ln].map(libm::exp)
        }
        Law::Normal { mu, sigma } => [mu - sigma, mu, mu + sigma],
        Law::LogNormal { mu, sigma } => [mu - sigma, mu, mu + sigma].map(libm::exp),
        Law::Beta { .. } => [0.1, 0.5, 0.9],
    };
    format!("[{}]", values.map(rounded).join(", "))
}

/// Tells a grid with more cells than can be counted.
fn size(leaves: &[Leaf], at: At<'_>, report: &mut Report) {
    if leaves.iter().any(|leaf| cells(&leaf.parameter.distribution).is_none()) || grid(leaves).is_none() {
        let large = leaves.iter().max_by_key(|leaf| cells_or_most(leaf)).map_or("", Leaf::name);
        report
            .error(at, "this grid has more than 18 quintillion cells (2^64)")
            .hint(format!("try fewer values, of {} first, or write `method: random`", code(large)));
    }
}

/// The cells of the grid; `None` when they cannot be counted. What no grid can have counts as one value, since it is told
/// elsewhere.
fn grid(leaves: &[Leaf]) -> Option<u64> {
    let mut parameters: Vec<Parameter> = leaves.iter().map(|leaf| leaf.parameter.clone()).collect();
    for parameter in &mut parameters {
        if bound(
            Method::Grid,
            &Space { parameters: vec![Parameter::new(Vec::new(), parameter.distribution.clone())] },
        ) == Some(0)
        {
            parameter.distribution = Distribution::Constant(Value::Null);
        }
    }
    bound(Method::Grid, &Space { parameters })
}

fn cells_or_most(leaf: &Leaf) -> u64 {
    cells(&leaf.parameter.distribution).unwrap_or(u64::MAX)
}

/// Values of one parameter in a grid; `None` when they cannot be counted in 64 bits. What no grid can have counts as
/// one, since it is told elsewhere.
fn cells(distribution: &Distribution) -> Option<u64> {
    match distribution {
        Distribution::Categorical { values, .. } => u64::try_from(values.len()).ok(),
        Distribution::IntUniform { min, max } => u64::try_from(i128::from(*max) - i128::from(*min) + 1).ok(),
        Distribution::Real { law: Law::Uniform { min, max }, quantum: Some(Quantum { step, .. }) } => {
            let steps = ((max - min) / step).ceil();
            // Above 2^53 neighbouring steps are the same number.
            (steps <= 9_007_199_254_740_992.0).then_some(steps as u64)
        }
        Distribution::Constant(_) | Distribution::Real { .. } => Some(1),
    }
}
