//! Reads the key `warm_start`: the ids of the earlier sweeps whose trials the search starts with.
//! `top` calls this module. The module never looks a sweep up: only the controller has the list of
//! sweeps.

use crate::search::Method;

use super::{
    fields::{Field, describe},
    problem::{At, Report},
    text::{code, shorten},
    tree::{Kind, Node},
};

/// The largest number of earlier sweeps.
const MOST: usize = 32;
/// The longest id, in characters.
const LONGEST: usize = 64;

/// Reads the ids of the earlier sweeps and reports problems. Returns `None` if one of the problems
/// is an error.
pub(super) fn read(
    field: &Field<'_>,
    method: Option<Method>,
    report: &mut Report,
) -> Option<Vec<String>> {
    let nodes: Vec<&Node> = match &field.value.kind {
        Kind::List(nodes) => nodes.iter().collect(),
        _ => vec![field.value],
    };
    if method.is_some_and(|method| method != Method::Bayes) {
        report
            .warning(
                field.at_key(),
                "`warm_start` has no effect: only `method: bayes` learns from earlier trials",
            )
            .hint("remove it, or write `method: bayes`");
    }
    if nodes.len() > MOST {
        report
            .error(field.at_key(), format!("`warm_start` names {} sweeps", nodes.len()))
            .hint(format!("name at most {MOST}: 200 trials are taken over in all"));
        return None;
    }
    let mut ids: Vec<String> = Vec::new();
    let mut whole = true;
    for node in nodes {
        let at = At { path: &field.path, span: node.span };
        let Some(id) = id(node, at, report) else {
            whole = false;
            continue;
        };
        if ids.iter().any(|other| other == id) {
            report
                .warning(at, format!("{} is named twice", code(id)))
                .hint("remove one of the two");
        } else {
            ids.push(id.to_owned());
        }
    }
    whole.then_some(ids)
}

/// Reads one id. An id may be written without quotes even if YAML reads its characters as a number.
fn id<'t>(node: &'t Node, at: At<'_>, report: &mut Report) -> Option<&'t str> {
    let Kind::Scalar(scalar) = &node.kind else {
        report
            .error(at, format!("the id of a sweep must be text, not {}", describe(node)))
            .hint("write `warm_start: k3x9abcd`, or a list of such ids");
        return None;
    };
    let text = scalar.text.trim();
    let plain = |text: &str| {
        (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if plain(text) {
        return Some(text);
    }
    let hint = match text.split_once('-') {
        Some((sweep, trial)) if plain(sweep) && trial.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("that is a run; its sweep is {}", code(sweep))
        }
        _ => "ids have lowercase letters and digits: `sweep ls` shows them".to_owned(),
    };
    report.error(at, format!("`{}` is not the id of a sweep", shorten(text))).hint(hint);
    None
}
