//! Reads the numeric distributions: the keys `min`, `max`, `mu`, `sigma`, `a`, `b` and `q`.
//! `distribution` calls this module, which never draws a value.

use crate::space::{Distribution, Law, Quantum};

use super::{
    fields::{Fields, inline, number},
    problem::Report,
    scalar::rounded,
    text::{code, shorten},
};

/// Reads `min` and `max` of whole numbers, both included.
pub(super) fn whole(fields: &Fields<'_>, name: &str, report: &mut Report) -> Option<Distribution> {
    let (low, high) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let min = fields.get("min")?.integer(low, high, report);
    let max = fields.get("max")?.integer(low, high, report);
    let (min, max) = (i64::try_from(min?).ok()?, i64::try_from(max?).ok()?);
    ordered(min < max, min == max, fields, name, report)
        .then_some(Distribution::IntUniform { min, max })
}

/// Returns whether `max` is above `min`, as W&B demands, and reports limits that are equal or in
/// the wrong order.
fn ordered(less: bool, equal: bool, fields: &Fields<'_>, name: &str, report: &mut Report) -> bool {
    let (Some(min), Some(max)) = (fields.get("min"), fields.get("max")) else { return false };
    let (low, high) = (inline(min.value), inline(max.value));
    if equal {
        report
            .error(min.at(), format!("`min` and `max` of {} are both {low}", code(name)))
            .hint(format!("write `{}: {{value: {low}}}` for a constant", shorten(name)));
    } else if !less {
        report
            .error(
                min.at(),
                format!("`min` ({low}) is above `max` ({high}) in parameter {}", code(name)),
            )
            .hint(format!("swap them: `min: {high}` and `max: {low}`"));
    }
    less
}

/// Reads a law, and its rounding if the distribution's name begins with `q_`.
pub(super) fn read(
    shape: &str,
    fields: &Fields<'_>,
    name: &str,
    report: &mut Report,
) -> Option<Distribution> {
    let base = shape.strip_prefix("q_");
    let quantum = if base.is_some() { quantum(fields, report).map(Some) } else { Some(None) };
    let law = law(base.unwrap_or(shape), fields, name, report)?;
    let quantum = quantum?;
    sound(&law, quantum, fields, name, report).then_some(Distribution::Real { law, quantum })
}

/// Reads the law before rounding.
fn law(law: &str, fields: &Fields<'_>, name: &str, report: &mut Report) -> Option<Law> {
    match law {
        "uniform" => limits(fields, name, report).map(|(min, max)| Law::Uniform { min, max }),
        "log_uniform_values" => positive(fields, name, report)
            .map(|(min, max)| Law::LogUniform { min_ln: libm::log(min), max_ln: libm::log(max) }),
        "inv_log_uniform_values" => positive(fields, name, report).map(|(min, max)| {
            Law::InvLogUniform { min_ln: -libm::log(max), max_ln: -libm::log(min) }
        }),
        "log_uniform" => {
            exponents(fields, name, report, |min, max| (libm::exp(min), libm::exp(max)))
                .map(|(min_ln, max_ln)| Law::LogUniform { min_ln, max_ln })
        }
        "inv_log_uniform" => {
            exponents(fields, name, report, |min, max| (libm::exp(-max), libm::exp(-min)))
                .map(|(min_ln, max_ln)| Law::InvLogUniform { min_ln, max_ln })
        }
        "beta" => {
            let a = above_zero(fields, "a", report);
            let b = above_zero(fields, "b", report);
            Some(Law::Beta { a: a?, b: b? })
        }
        _ => {
            let mu =
                fields.get("mu").map_or(Some(0.0), |field| field.number(report).map(|mu| mu.value));
            let sigma = above_zero(fields, "sigma", report);
            let (mu, sigma) = (mu?, sigma?);
            Some(if law == "normal" {
                Law::Normal { mu, sigma }
            } else {
                Law::LogNormal { mu, sigma }
            })
        }
    }
}

/// Reads `min` and `max` in order.
fn limits(fields: &Fields<'_>, name: &str, report: &mut Report) -> Option<(f64, f64)> {
    let min = fields.get("min")?.number(report);
    let max = fields.get("max")?.number(report);
    let (min, max) = (min?.value, max?.value);
    ordered(min < max, min == max, fields, name, report).then_some((min, max))
}

/// Reads limits that must be above 0, since the law takes their logarithms.
fn positive(fields: &Fields<'_>, name: &str, report: &mut Report) -> Option<(f64, f64)> {
    let limits = limits(fields, name, report);
    let field = fields.get("min")?;
    let min = number(field.value)?.value;
    if min > 0.0 || !min.is_finite() {
        return limits;
    }
    let below = if min < 0.0 { "goes below zero" } else { "touches zero" };
    let small = limits.filter(|(_, max)| *max > 0.0).map_or(1e-5, |(_, max)| max / 1e4);
    report
        .error(
            field.at(),
            format!("the logarithmic range of {} {below}, where no logarithm exists", code(name)),
        )
        .hint(format!(
            "write a small number such as `min: {}`, or `distribution: uniform`",
            rounded(small)
        ));
    None
}

/// Reads limits that are exponents, and reports that such a distribution is deprecated, as in W&B.
/// Nearly all users mistake the exponents for the limits themselves.
fn exponents(
    fields: &Fields<'_>,
    name: &str,
    report: &mut Report,
    range: impl Fn(f64, f64) -> (f64, f64),
) -> Option<(f64, f64)> {
    let (min, max) = limits(fields, name, report)?;
    let (low, high) = range(min, max);
    let field = fields.get("distribution")?;
    let shape = shorten(field.value.text().unwrap_or(""));
    if !(low.is_normal() && high.is_finite()) {
        report
            .error(
                field.at(),
                format!(
                    "`{shape}` takes exponents, and e to the power of these is no 64-bit number"
                ),
            )
            .hint(format!("write `{shape}_values`, with the limits themselves as `min` and `max`"));
        return None;
    }
    report
        .warning(
            field.at(),
            format!(
                "`{shape}` is deprecated: it takes exponents, so {} runs from {} to {}",
                code(name),
                rounded(low),
                rounded(high)
            ),
        )
        .hint(format!("write `{shape}_values`, with the limits themselves as `min` and `max`"));
    Some((min, max))
}

/// Reads a number above 0. If the key is missing, returns 1.
fn above_zero(fields: &Fields<'_>, key: &str, report: &mut Report) -> Option<f64> {
    let Some(field) = fields.get(key) else { return Some(1.0) };
    let value = field.number(report)?.value;
    if value > 0.0 {
        return Some(value);
    }
    report.error(field.at(), format!("`{key}` must be above 0")).hint(match key {
        "sigma" => "write a positive spread, or `value: ...` for a constant",
        "q" => "write the step between two values, such as `q: 0.1`",
        _ => "write a positive number, such as `1.0`",
    });
    None
}

/// Reads `q`, the step of the `q_` distributions. If `q` is missing, the step is 1.0. If `q` is
/// written as a whole number, values are integers.
fn quantum(fields: &Fields<'_>, report: &mut Report) -> Option<Quantum> {
    let step = above_zero(fields, "q", report)?;
    let integer =
        fields.get("q").and_then(|field| number(field.value)).is_some_and(|number| number.integer);
    Some(Quantum { step, integer })
}

/// Returns whether every value that can be drawn is a finite number, and reports an overflow.
/// Rounding must not overflow either.
fn sound(
    law: &Law,
    quantum: Option<Quantum>,
    fields: &Fields<'_>,
    name: &str,
    report: &mut Report,
) -> bool {
    let (low, high) = extent(law);
    let most = low.abs().max(high.abs());
    let fits = (high - low).is_finite() && most.is_finite();
    let rounds = quantum.is_none_or(|quantum| {
        let steps = most / quantum.step;
        steps.is_finite() && (!quantum.integer || most < i64::MAX as f64)
    });
    if !fits {
        report
            .error(fields.at(), format!("values of {} can overflow a 64-bit number", code(name)))
            .hint("narrow its range");
    } else if !rounds {
        let message = format!(
            "values of {} can overflow when they are rounded to multiples of `q`",
            code(name)
        );
        report
            .error(fields.at(), message)
            .hint("narrow its range, or write a larger `q`, with a point: `q: 1.0`");
    }
    fits && rounds
}

/// Returns the least and the largest value that a law can yield. A law without limits has its
/// extent set at nine standard deviations from the middle. No u with 53 bits gives a value beyond
/// it.
fn extent(law: &Law) -> (f64, f64) {
    match *law {
        Law::Normal { mu, sigma } => (mu - 9.0 * sigma, mu + 9.0 * sigma),
        Law::LogNormal { mu, sigma } => (libm::exp(mu - 9.0 * sigma), libm::exp(mu + 9.0 * sigma)),
        bounded => bounded.limits().unwrap_or_default(),
    }
}
