//! Reads the values that trials receive, and converts any YAML to JSON. The readers of `value`,
//! `values` and `when` call this module. In such a value, YAML 1.1 and 1.2 can give the same
//! characters two different valid meanings. So this module reports the differences between the two
//! versions.

use serde_json::{Map, Number, Value};

use super::{
    fields::{join, repeated},
    problem::{At, Report, Span},
    scalar::{Core, Elsewhere, core, elsewhere},
    text::{code, shorten},
    tree::{Kind, Node, Scalar},
};

/// Returns the node as JSON, and reports all that is wrong in it. Returns `None` if JSON or a
/// program's arguments cannot represent the node.
pub(super) fn json(node: &Node, path: &str, report: &mut Report) -> Option<Value> {
    match &node.kind {
        Kind::Scalar(scalar) => leaf(scalar, At { path, span: node.span }, report),
        Kind::List(items) => {
            // All items are read before the result is known, so that all problems are reported.
            let items: Vec<Option<Value>> = items
                .iter()
                .enumerate()
                .map(|(index, item)| json(item, &format!("{path}[{index}]"), report))
                .collect();
            items.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        Kind::Map(entries) => object(entries, path, report),
    }
}

fn object(entries: &[(Node, Node)], path: &str, report: &mut Report) -> Option<Value> {
    let mut map = Map::new();
    let mut lines = std::collections::BTreeMap::new();
    let mut whole = true;
    for (key, value) in entries {
        let Some(name) = key.text() else {
            report
                .error(At { path, span: key.span }, "a list or mapping cannot be a key")
                .hint("write `key: value`");
            whole = false;
            continue;
        };
        let path = join(path, name);
        if let Some(line) = lines.insert(name, key.span.line) {
            repeated(At { path: &path, span: key.span }, name, line, report);
            whole = false;
        }
        match json(value, &path, report) {
            Some(value) => drop(map.insert(name.to_owned(), value)),
            None => whole = false,
        }
    }
    whole.then_some(Value::Object(map))
}

fn leaf(scalar: &Scalar, at: At<'_>, report: &mut Report) -> Option<Value> {
    let different = if scalar.plain { elsewhere(&scalar.text) } else { None };
    if let Some(difference) = different.filter(|difference| !difference.exponent) {
        warn(&scalar.text, &difference, at, report);
    }
    match scalar.core {
        Core::Null => Some(Value::Null),
        Core::Bool(truth) => Some(Value::Bool(truth)),
        Core::Integer(whole) => {
            let number = i64::try_from(whole)
                .map(Number::from)
                .or_else(|_| u64::try_from(whole).map(Number::from));
            if number.is_err() {
                let message = format!("the number {} does not fit in 64 bits", code(&scalar.text));
                report.error(at, message).hint("quote it: the program receives it as text");
            }
            number.ok().map(Value::Number)
        }
        Core::Float(value) => {
            let number = Number::from_f64(value);
            if number.is_none() {
                let message = format!(
                    "{} is not a finite number, and JSON cannot carry it",
                    code(&scalar.text)
                );
                let hint = "quote it: the program receives text, as in `float(\"inf\")`";
                report.error(at, message).hint(hint);
            }
            number.map(Value::Number)
        }
        Core::Text if scalar.text.contains('\0') => {
            let message =
                "this text holds a NUL character, which no argument of a program can hold";
            report.error(at, message).hint("remove the `\\0`");
            None
        }
        Core::Text => {
            if scalar.plain {
                tuple(&scalar.text, at, report);
            }
            Some(Value::String(scalar.text.clone()))
        }
    }
}

/// Warns of tuples in Python's syntax. YAML reads a tuple as text, and inside of a YAML list it
/// splits the tuple at its commas.
fn tuple(text: &str, at: At<'_>, report: &mut Report) {
    let Some(inner) = text.strip_prefix('(') else { return };
    if let Some(inner) = inner.strip_suffix(')').filter(|inner| inner.contains(',')) {
        let list = code(&format!("[{}]", inner.trim_end_matches([',', ' '])));
        report
            .warning(at, format!("{} is text: YAML has no tuples", code(text)))
            .hint(format!("write {list} for a list, or quote it for the text"));
    } else if matches!(core(inner), Core::Integer(_) | Core::Float(_)) {
        report
            .warning(
                at,
                format!("{} is text: YAML has no tuples, and a comma ends an item", code(text)),
            )
            .hint(format!(
                "write a list, such as `[{}, ...]`, in place of the tuple",
                shorten(inner)
            ));
    }
}

fn warn(text: &str, difference: &Elsewhere, at: At<'_>, report: &mut Report) {
    let Elsewhere { here, there, write, .. } = difference;
    report
        .warning(
            at,
            format!("{} is {here} here, and {there} for W&B's client (YAML 1.1)", code(text)),
        )
        .hint(format!("write {write}: both read that alike"));
}

/// Reports that numbers such as `1e-4` are text in YAML 1.1, once per file, at the first such
/// number. Nearly every sweep has such numbers, and the difference matters only if W&B reads the
/// same file.
pub(super) fn exponents(parameters: &Node, path: &str, report: &mut Report) {
    let mut found = Vec::new();
    collect(parameters, &mut found);
    let Some((text, span, difference)) = found.first() else { return };
    let others = match found.len() - 1 {
        0 => String::new(),
        1 => ", as is one more below".to_owned(),
        more => format!(", as are {more} more below"),
    };
    let message =
        format!("{} is a number here, and text for W&B's client (YAML 1.1){others}", code(text));
    let hint = format!("nothing to do here; write {} if the file is for W&B too", difference.write);
    report.warning(At { path, span: *span }, message).hint(hint);
}

fn collect<'t>(node: &'t Node, found: &mut Vec<(&'t str, Span, Elsewhere)>) {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.plain => {
            let difference = elsewhere(&scalar.text).filter(|difference| difference.exponent);
            found
                .extend(difference.map(|difference| (scalar.text.as_str(), node.span, difference)));
        }
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| collect(item, found)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| collect(value, found)),
    }
}
