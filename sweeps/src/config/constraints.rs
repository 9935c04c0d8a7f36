//! Reads the key `constraints`: limits on other metrics. A trial beyond a limit does not count.
//! `top` calls this module, which never compares a value with a limit.

use crate::search::{Constraint, Side};

use super::{
    fields::{Field, Fields, describe},
    problem::{At, Report},
    text::code,
};

const KEYS: [&str; 3] = ["metric", "min", "max"];
/// The largest number of limits of one sweep. The Bayesian search fits one model per limit.
const MOST: usize = 16;

/// Reads the constraints and reports their problems. Returns `None` if one of the problems is an
/// error.
pub(super) fn read(
    field: &Field<'_>,
    has_metric: bool,
    report: &mut Report,
) -> Option<Vec<Constraint>> {
    let Some(nodes) = field.list() else {
        report
            .error(
                field.at(),
                format!("`constraints` must be a list, not {}", describe(field.value)),
            )
            .hint("write `constraints: [{metric: latency_ms, max: 20}]`");
        return None;
    };
    if !has_metric {
        report
            .warning(
                field.at_key(),
                "`constraints` have no effect without a `metric`: no trial is the best then",
            )
            .hint("add `metric: {name: loss, goal: minimize}` with a name that the program logs");
    }
    let before = report.errors();
    let mut all: Vec<Constraint> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let path = format!("{}[{index}]", field.path);
        let at = At { path: &path, span: node.span };
        let Some(fields) = Fields::of(node, node.span, &path, report) else {
            report
                .error(at, format!("a constraint must be a mapping, not {}", describe(node)))
                .hint("write `{metric: latency_ms, max: 20}`");
            continue;
        };
        for limit in limits(&fields, report) {
            if all.iter().any(|other| (&other.metric, other.side) == (&limit.metric, limit.side)) {
                report
                    .error(at, format!("{} has two limits on the same side", code(&limit.metric)))
                    .hint("keep the narrower one");
            }
            all.push(limit);
        }
    }
    if all.len() > MOST {
        report
            .error(field.at_key(), format!("`constraints` has {} limits", all.len()))
            .hint(format!("write at most {MOST}: those that decide whether a trial is of use"));
    }
    (report.errors() == before).then_some(all)
}

/// Reads one entry of `constraints`: a limit on one side, or one on each side.
fn limits(fields: &Fields<'_>, report: &mut Report) -> Vec<Constraint> {
    fields.refuse_unknown(&KEYS, &KEYS, " in a constraint", report);
    let metric = fields.get("metric").and_then(|field| field.text(report));
    if fields.lacks("metric", &KEYS) {
        report
            .error(fields.at(), "a constraint needs a `metric`")
            .hint("add `metric:` with the key that the program logs, such as `metric: latency_ms`");
    }
    if fields.lacks("min", &KEYS) && fields.lacks("max", &KEYS) {
        report
            .error(fields.at(), "a constraint needs a limit: `min` or `max`")
            .hint("add `max: 20`, or `min: 0.9`");
    }
    let mut number = |key: &str| {
        fields.get(key).and_then(|field| field.number(report)).map(|number| number.value)
    };
    let (min, max) = (number("min"), number("max"));
    if let (Some(least), Some(most), Some(field)) = (min, max, fields.get("max"))
        && least > most
    {
        report
            .error(field.at(), "`max` is below `min`, so no trial could count")
            .hint("swap them, or remove one");
    }
    let limit = |side: Side, limit: Option<f64>| {
        Some(Constraint { metric: metric?.to_owned(), side, limit: limit? })
    };
    [limit(Side::AtLeast, min), limit(Side::AtMost, max)].into_iter().flatten().collect()
}
