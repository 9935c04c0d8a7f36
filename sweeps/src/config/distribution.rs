//! Reads one parameter's entry: the distribution that the entry names or implies, and the keys of
//! this distribution. `parameters` calls this module. The meanings and the defaults of all
//! distributions are W&B's. The module `method` checks whether the sweep's method can use the
//! distribution.

use crate::space::Distribution;

use super::{
    categorical,
    fields::{Field, Fields, describe, number},
    nearest,
    problem::Report,
    real,
    scalar::number as yaml,
    text::{code, listed},
    value,
};

/// A distribution's name, and the keys that its entry must and can have.
struct Shape {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

impl Shape {
    fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.required.iter().chain(self.optional).copied()
    }
}

const fn shape(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Shape {
    Shape { name, required, optional }
}

const LIMITS: &[&str] = &["min", "max"];

/// Every distribution. The deprecated distributions come last, so that a hint for a misspelt name
/// prefers the others.
const SHAPES: [Shape; 18] = [
    shape("constant", &["value"], &[]),
    shape("categorical", &["values"], &[]),
    shape("categorical_w_probabilities", &["values", "probabilities"], &[]),
    shape("int_uniform", LIMITS, &[]),
    shape("uniform", LIMITS, &[]),
    shape("q_uniform", LIMITS, &["q"]),
    shape("log_uniform_values", LIMITS, &[]),
    shape("q_log_uniform_values", LIMITS, &["q"]),
    shape("inv_log_uniform_values", LIMITS, &[]),
    shape("normal", &[], &["mu", "sigma"]),
    shape("q_normal", &[], &["mu", "sigma", "q"]),
    shape("log_normal", &[], &["mu", "sigma"]),
    shape("q_log_normal", &[], &["mu", "sigma", "q"]),
    shape("beta", &[], &["a", "b"]),
    shape("q_beta", &[], &["a", "b", "q"]),
    shape("log_uniform", LIMITS, &[]),
    shape("q_log_uniform", LIMITS, &["q"]),
    shape("inv_log_uniform", LIMITS, &[]),
];

/// The keys that have a meaning with every distribution.
const ANYWHERE: [&str; 2] = ["distribution", "when"];

/// All keys that the entry of a parameter can have.
pub(super) const KEYS: [&str; 13] = [
    "distribution",
    "value",
    "values",
    "probabilities",
    "min",
    "max",
    "q",
    "mu",
    "sigma",
    "a",
    "b",
    "parameters",
    "when",
];

/// Returns the entry's distribution and the distribution's name, and reports problems. Returns
/// `None` if the distribution cannot be read.
pub(super) fn read(
    fields: &Fields<'_>,
    name: &str,
    report: &mut Report,
) -> Option<(Distribution, &'static str)> {
    let shape = match fields.get("distribution") {
        Some(field) => named(field, report),
        None => inferred(fields, name, report),
    };
    let Some(shape) = shape else {
        fields.refuse_unknown(&KEYS, &KEYS, &format!(" in parameter {}", code(name)), report);
        return None;
    };
    refuse_foreign(fields, name, shape, report);
    if shape.required.iter().any(|key| !fields.has(key)) {
        let own: Vec<&str> = shape.keys().collect();
        let missing: Vec<&str> =
            shape.required.iter().copied().filter(|key| fields.lacks(key, &own)).collect();
        if missing.is_empty() {
            return None;
        }
        let message = format!("parameter {} has no {}", code(name), listed(missing, "and no"));
        report.error(fields.at(), message).hint(format!(
            "`{}` needs {}",
            shape.name,
            listed(shape.required.iter().copied(), "and")
        ));
        return None;
    }
    Some((build(shape.name, fields, name, report)?, shape.name))
}

fn find(name: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| shape.name == name)
}

/// Returns the distribution that the key `distribution` names, or reports that there is none with
/// this name.
fn named(field: &Field<'_>, report: &mut Report) -> Option<&'static Shape> {
    let typed = field.value.text().unwrap_or("");
    let shape = find(typed);
    if shape.is_none() {
        let names: Vec<&str> = SHAPES.iter().map(|shape| shape.name).collect();
        let hint = match nearest::nearest(typed, &names) {
            Some(name) => format!("did you mean {}?", code(name)),
            None => format!("the distributions are {}", names[..15].join(", ")),
        };
        let message = format!("no distribution is called {}", code(typed));
        let message = if typed.is_empty() {
            format!("`distribution` is {}", describe(field.value))
        } else {
            message
        };
        report.error(field.at(), message).hint(hint);
    }
    shape
}

/// Returns the distribution that the keys of an entry without `distribution` imply. If they imply
/// none, reports what is missing and returns `None`.
fn inferred(fields: &Fields<'_>, name: &str, report: &mut Report) -> Option<&'static Shape> {
    let has = |key| fields.has(key);
    if has("values") {
        return find(if has("probabilities") {
            "categorical_w_probabilities"
        } else {
            "categorical"
        });
    }
    if has("value") {
        return find("constant");
    }
    let suggestion = if has("min") || has("max") {
        if !has("q") {
            return between(fields, name, report);
        }
        "q_uniform"
    } else if has("mu") || has("sigma") {
        if has("q") { "q_normal" } else { "normal" }
    } else if has("a") || has("b") {
        if has("q") { "q_beta" } else { "beta" }
    } else {
        if ["value", "values", "min", "distribution", "parameters"]
            .iter()
            .all(|key| fields.lacks(key, &KEYS))
        {
            let message = format!("parameter {} does not say which values it takes", code(name));
            report.error(fields.at(), message).hint("add `value`, `values`, or `min` and `max`");
        }
        return None;
    };
    if fields.lacks("distribution", &KEYS) {
        let message = format!(
            "parameter {} needs a `distribution`: its keys alone do not tell which",
            code(name)
        );
        report.error(fields.at(), message).hint(format!("add `distribution: {suggestion}`"));
    }
    None
}

/// Returns the distribution of an entry with `min` and `max` alone: whole numbers if both limits
/// are whole, else real numbers.
fn between(fields: &Fields<'_>, name: &str, report: &mut Report) -> Option<&'static Shape> {
    let limit = |key| fields.get(key).and_then(|field| number(field.value));
    let (Some(min), Some(max)) = (limit("min"), limit("max")) else { return find("uniform") };
    if !(min.integer || max.integer) {
        return find("uniform");
    }
    if min.integer && max.integer {
        if min.value == 0.0 && max.value == 1.0 {
            report.warning(fields.at(), format!("{} takes only the whole numbers 0 and \
                1", code(name))).hint(
                "write `min: 0.0` and `max: 1.0` for all numbers between, or `values: [0, 1]` if \
                you mean it",
            );
        }
        return find("int_uniform");
    }
    let whole = if min.integer { ("min", min.value) } else { ("max", max.value) };
    report
        .warning(
            fields.at(),
            format!("{} has one whole and one real limit: real numbers are drawn", code(name)),
        )
        .hint(format!("write `{}: {}`; W&B's client refuses the mix", whole.0, yaml(whole.1)));
    find("uniform")
}

/// Reports every key that is unknown, or that this distribution does not have.
fn refuse_foreign(fields: &Fields<'_>, name: &str, shape: &Shape, report: &mut Report) {
    let own: Vec<&str> = shape.keys().collect();
    let free: Vec<&str> = shape.keys().chain(["when"]).filter(|key| !fields.has(key)).collect();
    let takes = format!("{} takes {}", code(shape.name), listed(shape.keys(), "and"));
    for field in
        fields.iter().filter(|field| !ANYWHERE.contains(&field.key) && !own.contains(&field.key))
    {
        if !KEYS.contains(&field.key) {
            let message = format!("unknown key {} in parameter {}", code(field.key), code(name));
            let others: Vec<&str> = KEYS.into_iter().filter(|key| !fields.has(key)).collect();
            let word =
                nearest::nearest(field.key, &free).or_else(|| nearest::nearest(field.key, &others));
            let hint = word.map(|word| format!("did you mean {}?", code(word)));
            report.error(field.at_key(), message).hint(hint.unwrap_or_else(|| takes.clone()));
            continue;
        }
        let quantised = format!("q_{}", shape.name);
        let hint = match (field.key, shape.name) {
            ("probabilities", "categorical") => {
                "write `distribution: categorical_w_probabilities`, or leave `distribution` out"
                    .to_owned()
            }
            ("q", _) if find(&quantised).is_some() => {
                format!("write `distribution: {quantised}`, or remove it")
            }
            ("q", "int_uniform") => "write `distribution: q_uniform`, or remove it".to_owned(),
            _ => format!("remove it: {takes}"),
        };
        let message = format!("{} has no meaning with {}", code(field.key), reason(fields, shape));
        report.error(field.at_key(), message).hint(hint);
    }
}

/// Returns the part of the entry that decides the distribution, for messages:
/// `distribution: normal`, or the keys that imply the distribution.
fn reason(fields: &Fields<'_>, shape: &Shape) -> String {
    if fields.has("distribution") {
        format!("`distribution: {}`", shape.name)
    } else {
        listed(shape.required.iter().copied(), "and")
    }
}

/// Reads the keys of the distribution with the name `shape`.
fn build(
    shape: &str,
    fields: &Fields<'_>,
    name: &str,
    report: &mut Report,
) -> Option<Distribution> {
    match shape {
        "constant" => {
            let field = fields.get("value")?;
            value::json(field.value, &field.path, report).map(Distribution::Constant)
        }
        "categorical" => {
            let values = categorical::values(fields, report)?;
            Some(Distribution::Categorical { values, probabilities: None })
        }
        "categorical_w_probabilities" => {
            let probabilities = categorical::probabilities(fields, report);
            let values = categorical::values(fields, report);
            Some(Distribution::Categorical { values: values?, probabilities: Some(probabilities?) })
        }
        "int_uniform" => real::whole(fields, name, report),
        _ => real::read(shape, fields, name, report),
    }
}
