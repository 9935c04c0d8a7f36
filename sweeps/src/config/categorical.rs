//! Reads the keys `values` and `probabilities` of a parameter's entry. `distribution` calls this
//! module. This module never draws a value.

use std::collections::{BTreeMap, btree_map::Entry};

use serde_json::Value;

use super::{
    fields::{Field, Fields, describe, inline, number},
    problem::{At, Report},
    scalar::rounded,
    text::code,
    tree::Node,
    value,
};
use crate::identity::Identity;

/// Reads the list of values. Repeated values give a warning and stay in the list.
pub(super) fn values(fields: &Fields<'_>, report: &mut Report) -> Option<Vec<Value>> {
    let field = fields.get("values")?;
    let Some(items) = field.list() else {
        let text = inline(field.value);
        report
            .error(field.at(), format!("`values` must be a list, not {}", describe(field.value)))
            .hint(format!("write `values: [{text}]`, or `value: {text}` for a constant"));
        return None;
    };
    if items.is_empty() {
        report
            .error(field.at(), "`values` is empty")
            .hint("list at least one value, or remove the parameter");
        return None;
    }
    let Value::Array(values) = value::json(field.value, &field.path, report)? else { return None };
    let mut seen: BTreeMap<Identity<'_>, (&Node, &Value)> = BTreeMap::new();
    for (item, value) in items.iter().zip(&values) {
        let at = At { path: &field.path, span: item.span };
        let written = code(&inline(item));
        match seen.entry(Identity::of(value)) {
            Entry::Vacant(place) => drop(place.insert((item, value))),
            Entry::Occupied(place) if place.get().1 == value => report
                .warning(at, format!("{written} is listed twice"))
                .hint("remove one; `probabilities` make a value more likely"),
            Entry::Occupied(place) => report
                .warning(
                    at,
                    format!(
                        "{written} equals {}: they are one value",
                        code(&inline(place.get().0))
                    ),
                )
                .hint("remove one, or quote it to have text"),
        }
    }
    Some(values)
}

/// Reads the probabilities: one per value, none below 0, with a sum within 1e-6 of 1.
pub(super) fn probabilities(fields: &Fields<'_>, report: &mut Report) -> Option<Vec<f64>> {
    let field = fields.get("probabilities")?;
    let Some(items) = field.list() else {
        report
            .error(
                field.at(),
                format!("`probabilities` must be a list, not {}", describe(field.value)),
            )
            .hint("write one number for each value, such as `[0.5, 0.3, 0.2]`");
        return None;
    };
    let mut numbers = Vec::with_capacity(items.len());
    for item in items {
        match number(item)
            .map(|number| number.value)
            .filter(|value| value.is_finite() && *value >= 0.0)
        {
            Some(value) => numbers.push(value),
            None => {
                let at = At { path: &field.path, span: item.span };
                report
                    .error(at, format!("{} is not a probability", code(&inline(item))))
                    .hint("write a number from 0 to 1");
            }
        }
    }
    if numbers.len() < items.len() {
        return None;
    }
    let values = fields.get("values").and_then(Field::list).map_or(numbers.len(), <[_]>::len);
    if numbers.len() != values {
        report
            .error(
                field.at(),
                format!("there are {} probabilities for {values} values", numbers.len()),
            )
            .hint("write one probability for each value, in the same order");
        return None;
    }
    let sum: f64 = numbers.iter().sum();
    if (sum - 1.0).abs() > 1e-6 {
        // Numbers with seven digits behind the point have a sum that is near enough to 1 for this
        // check.
        let share = |value: &f64| format!("{:.7}", value / sum).trim_end_matches('0').to_owned();
        let scaled =
            format!("write `[{}]`", numbers.iter().map(share).collect::<Vec<_>>().join(", "));
        let fits = sum > 0.0 && sum.is_finite() && numbers.len() <= 8;
        report
            .error(field.at(), format!("the probabilities sum to {}, not to 1", rounded(sum)))
            .hint(if fits { scaled } else { "scale them so that they sum to 1".to_owned() });
        return None;
    }
    Some(numbers)
}
