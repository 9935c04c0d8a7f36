//! Reads the key `when` of a parameter's entry. The key names another parameter, and the values of
//! that parameter under which this one is active. `parameters` calls this module to read the key
//! with the entry. After all parameters are read, it calls this module again to find the other
//! parameter. This module never decides which value an inactive parameter has.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    identity::Identity,
    space::{Condition, Distribution, Parameter},
};

use super::{
    fields::{Field, describe, inline},
    leaf::{Leaf, When},
    nearest::nearest,
    problem::{At, Report},
    text::{bare, code, shorten},
    tree::{Kind, Node},
    value,
};

/// Reads `when` and reports problems. Returns `None` if `when` has an error.
pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Option<When> {
    let Some(fields) = field.fields(report) else {
        report
            .error(field.at(), format!("`when` must be a mapping, not {}", describe(field.value)))
            .hint(
                "write `when: {optimizer: sgd}` with the name of another parameter and its value",
            );
        return None;
    };
    let mut all = fields.iter();
    let Some(parent) = all.next() else {
        report
            .error(field.at_key(), "`when` is empty")
            .hint("name another parameter and its value, or remove `when`");
        return None;
    };
    if let Some(second) = all.next() {
        let (one, other) = (code(parent.key), code(second.key));
        report
            .error(
                second.at_key(),
                format!("`when` names {one} and {other}: a parameter depends on one other"),
            )
            .hint(format!(
                "keep one here, and give {one} or {other} a `when` of its own that names the other"
            ));
        return None;
    }
    let nodes: Vec<&Node> = match &parent.value.kind {
        Kind::List(items) => items.iter().collect(),
        _ => vec![parent.value],
    };
    if nodes.is_empty() {
        report
            .error(
                parent.at(),
                format!("no value of {} makes this parameter active", code(parent.key)),
            )
            .hint("list at least one, or remove the parameter");
        return None;
    }
    let mut read = |node: &&Node| {
        let value = value::json(node, &parent.path, report)?;
        Some((value, node.span, inline(node)))
    };
    let values: Vec<_> = nodes.iter().map(&mut read).collect();
    let values = values.into_iter().collect::<Option<Vec<_>>>()?;
    Some(When {
        parent: parent.key.to_owned(),
        parent_span: parent.key_span,
        values,
        path: parent.path.clone(),
    })
}

/// Gives the parameters their conditions. `names` has every parameter and group of the file by its
/// dotted name. A name in `names` that is not a leaf is a group, or a parameter whose own error was
/// already reported.
pub(super) fn resolve(leaves: &mut [Leaf], names: &BTreeMap<String, usize>, report: &mut Report) {
    let places: BTreeMap<String, usize> = leaves
        .iter()
        .enumerate()
        .map(|(index, leaf)| (leaf.parameter.path.join("."), index))
        .collect();
    for index in 0..leaves.len() {
        let Some(when) = &leaves[index].when else { continue };
        let condition = match places.get(&when.parent) {
            Some(&parent) => possible(when, &leaves[parent].parameter, report).then(|| Condition {
                parent,
                values: when.values.iter().map(|(value, ..)| value.clone()).collect(),
            }),
            None => {
                unknown(when, &places, names, report);
                None
            }
        };
        leaves[index].parameter.condition = condition;
    }
    for index in 0..leaves.len() {
        cycle(index, leaves, report);
    }
}

/// Reports a `when` whose name is not that of a parameter.
fn unknown(
    when: &When,
    places: &BTreeMap<String, usize>,
    names: &BTreeMap<String, usize>,
    report: &mut Report,
) {
    let prefix = format!("{}.", when.parent);
    let member = names.keys().find(|name| name.starts_with(&prefix));
    if let Some(member) = member {
        report
            .error(
                when.at_parent(),
                format!("{} is a group, and `when` names a parameter", code(&when.parent)),
            )
            .hint(format!("name one of its parameters, such as {}", code(member)));
        return;
    }
    if names.contains_key(&when.parent) {
        return;
    }
    let known: Vec<&str> = places.keys().map(String::as_str).collect();
    report
        .error(when.at_parent(), format!("no parameter is called {}", code(&when.parent)))
        .hint(meant(&when.parent, &known, "another parameter"));
}

/// Returns the hint for a name that no parameter has. `what` says whose name is missing.
pub(super) fn meant(unknown: &str, known: &[&str], what: &str) -> String {
    // People often write the name of a parameter in a group without the group.
    let ending = format!(".{unknown}");
    let member = known.iter().find(|name| name.ends_with(&ending)).copied();
    match member.or_else(|| nearest(unknown, known)) {
        Some(name) => format!("did you mean {}?", code(name)),
        None => format!("write the name of {what}, with its groups before it and dots between"),
    }
}

/// Returns the values that a category or a constant can have: all of them but those of probability
/// 0. Other distributions have none.
pub(super) fn possible_values(distribution: &Distribution) -> Vec<&Value> {
    match distribution {
        Distribution::Constant(value) => vec![value],
        Distribution::Categorical { values, probabilities } => {
            let occurs = |index: usize| probabilities.as_ref().is_none_or(|all| all[index] > 0.0);
            let listed = values.iter().enumerate().filter(|(index, _)| occurs(*index));
            listed.map(|(_, value)| value).collect()
        }
        Distribution::IntUniform { .. } | Distribution::Real { .. } => Vec::new(),
    }
}

/// Returns the hint for a value that is none of the listed ones.
pub(super) fn one_of(value: &Value, listed: &[&Value]) -> String {
    let words: Vec<String> = listed.iter().copied().map(bare).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match nearest(&bare(value), &words) {
        Some(word) => format!("did you mean {}?", code(word)),
        None => format!("it is {}", shorten(&words.join(", "))),
    }
}

/// Returns whether the other parameter can have all values of `when`, and reports the values that
/// it cannot have.
fn possible(when: &When, parent: &Parameter, report: &mut Report) -> bool {
    let name = code(&when.parent);
    let listed = possible_values(&parent.distribution);
    let range = match &parent.distribution {
        Distribution::Constant(_) | Distribution::Categorical { .. } => None,
        Distribution::IntUniform { min, max } => Some((*min, *max)),
        Distribution::Real { .. } => {
            report
                .error(
                    when.at_parent(),
                    format!("{name} has real numbers, which `when` cannot name"),
                )
                .hint("depend on a parameter with `values`, or with whole `min` and `max`");
            return false;
        }
    };
    let can_have = |value: &Value| match (range, Identity::of(value)) {
        (Some((min, max)), Identity::Whole(whole)) => {
            (i128::from(min)..=i128::from(max)).contains(&whole)
        }
        (Some(_), _) => false,
        (None, identity) => listed.iter().any(|other| Identity::of(other) == identity),
    };
    let mut all = true;
    for (value, span, written) in when.values.iter().filter(|(value, ..)| !can_have(value)) {
        let hint = match range {
            Some((min, max)) => format!("it is a whole number from {min} to {max}"),
            None => one_of(value, &listed),
        };
        report
            .error(
                At { path: &when.path, span: *span },
                format!("{name} is never {}", code(written)),
            )
            .hint(hint);
        all = false;
    }
    all
}

/// Reports a parameter that depends on itself, directly or through others. Removes this parameter's
/// condition, which ends the circle.
fn cycle(index: usize, leaves: &mut [Leaf], report: &mut Report) {
    let parent = |&at: &usize| Some(leaves[at].parameter.condition.as_ref()?.parent);
    // A circle without this parameter is reported for one of its own parameters, so this search
    // only bounds its length.
    let chain: Vec<usize> =
        std::iter::successors(Some(index), parent).take(leaves.len() + 1).collect();
    let Some(length) = chain.iter().skip(1).position(|&at| at == index) else { return };
    let names: Vec<String> =
        chain[..=length + 1].iter().map(|&at| leaves[at].parameter.path.join(".")).collect();
    if let Some(when) = &leaves[index].when {
        let circle =
            if length == 0 { String::new() } else { format!(": {}", shorten(&names.join(" -> "))) };
        report
            .error(when.at_parent(), format!("{} depends on itself{circle}", code(&names[0])))
            .hint("remove one `when`: one of the parameters must come first");
    }
    leaves[index].parameter.condition = None;
}
