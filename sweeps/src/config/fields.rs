//! Reads the keys of a mapping, and each key's value by type. Every reader of the configuration
//! calls this module. So unknown keys, repeated keys and wrong types have the same messages
//! everywhere. This module contains no key of the configuration.

use super::{
    nearest::{nearest, suggestion},
    problem::{At, Report, Span},
    scalar::{self, Core},
    text::{code, shorten},
    tree::{Kind, Node},
};

const TEXT: &str = "text";
const NUMBER: &str = "a number";
const WHOLE_NUMBER: &str = "a whole number";
const BOOLEAN: &str = "`true` or `false`";

/// A key of a mapping and its value.
pub(super) struct Field<'t> {
    /// The key.
    pub(super) key: &'t str,
    /// The place of the key.
    pub(super) key_span: Span,
    /// The value of the key.
    pub(super) value: &'t Node,
    /// The path of the key in the configuration, such as `parameters.lr.min`.
    pub(super) path: String,
}

/// The keys of one mapping, each once.
pub(super) struct Fields<'t> {
    fields: Vec<Field<'t>>,
    /// The place of the mapping as a whole, at which missing keys are reported.
    pub(super) span: Span,
    /// The path of the mapping in the configuration; empty at the top level.
    pub(super) path: String,
}

/// A number, and how it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    /// The value.
    pub(super) value: f64,
    /// Whether the number was written without a point and without an exponent.
    pub(super) integer: bool,
}

impl<'t> Fields<'t> {
    /// Reads the entries of a mapping. Reports repeated keys, and keys that are lists or mappings.
    /// Returns `None`, and reports nothing, if `node` is not a mapping.
    pub(super) fn of(
        node: &'t Node,
        span: Span,
        path: &str,
        report: &mut Report,
    ) -> Option<Fields<'t>> {
        let Kind::Map(entries) = &node.kind else { return None };
        let mut lines = std::collections::BTreeMap::new();
        let mut fields: Vec<Field<'t>> = Vec::with_capacity(entries.len());
        for (key, value) in entries.iter() {
            let Some(name) = key.text() else {
                let at = At { path, span: key.span };
                report.error(at, "a list or mapping cannot be a key").hint("write `key: value`");
                continue;
            };
            let path = join(path, name);
            if let Some(line) = lines.insert(name, key.span.line) {
                repeated(At { path: &path, span: key.span }, name, line, report);
                continue;
            }
            fields.push(Field { key: name, key_span: key.span, value, path });
        }
        Some(Fields { fields, span, path: path.to_owned() })
    }

    /// Returns the field with this key, or `None` if the mapping lacks the key.
    pub(super) fn get(&self, key: &str) -> Option<&Field<'t>> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// Returns whether the mapping has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Returns whether the key is missing and no unknown key of the mapping looks like it. An
    /// unknown key that looks like the missing one is probably a slip, and is reported on its own.
    pub(super) fn lacks(&self, key: &str, known: &[&str]) -> bool {
        let meant = |field: &Field<'_>| {
            !known.contains(&field.key) && nearest(field.key, known) == Some(key)
        };
        !self.has(key) && !self.fields.iter().any(meant)
    }

    /// Iterates over all fields in order.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Field<'t>> {
        self.fields.iter()
    }

    /// Returns the place of the mapping as a whole.
    pub(super) fn at(&self) -> At<'_> {
        At { path: &self.path, span: self.span }
    }

    /// Reports every key that is not among `known`, with keys of `obeyed` that the mapping lacks as
    /// suggestions. `place` names the mapping in the message: " in `metric`", or empty at the top
    /// level.
    pub(super) fn refuse_unknown(
        &self,
        known: &[&str],
        obeyed: &[&str],
        place: &str,
        report: &mut Report,
    ) {
        let free: Vec<&str> = obeyed.iter().copied().filter(|key| !self.has(key)).collect();
        for field in self.fields.iter().filter(|field| !known.contains(&field.key)) {
            report
                .error(field.at_key(), format!("unknown key {}{place}", code(field.key)))
                .hint(suggestion(field.key, &free));
        }
    }
}

impl<'t> Field<'t> {
    /// Returns the place of the key, for problems with the key.
    pub(super) fn at_key(&self) -> At<'_> {
        At { path: &self.path, span: self.key_span }
    }

    /// Returns the place of the value, for problems with the value.
    pub(super) fn at(&self) -> At<'_> {
        At { path: &self.path, span: self.value.span }
    }

    /// Reads the value as a mapping. Returns `None`, and reports nothing, if the value is not a
    /// mapping.
    pub(super) fn fields(&self, report: &mut Report) -> Option<Fields<'t>> {
        Fields::of(self.value, self.key_span, &self.path, report)
    }

    /// Returns the items of a list. Returns `None`, and reports nothing, if the value is not a
    /// list.
    pub(super) fn list(&self) -> Option<&'t [Node]> {
        match &self.value.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// Reads the value as text that is not blank and that can be an argument of a program.
    pub(super) fn text(&self, report: &mut Report) -> Option<&'t str> {
        let Kind::Scalar(scalar) = &self.value.kind else {
            self.wrong_type(TEXT, report);
            return None;
        };
        match scalar.core {
            Core::Text if scalar.text.contains('\0') => {
                let message = format!("{} holds a NUL character", code(self.key));
                report
                    .error(self.at(), message)
                    .hint("remove the `\\0`: no program can receive it");
                None
            }
            Core::Text if !scalar.text.trim().is_empty() => Some(&scalar.text),
            Core::Text | Core::Null => {
                report
                    .error(self.at(), format!("{} is empty", code(self.key)))
                    .hint("write something, or remove it");
                None
            }
            _ => {
                let hint = format!("quote it: `{}: \"{}\"`", self.key, shorten(&scalar.text));
                let message =
                    format!("{} must be text, not {}", code(self.key), describe(self.value));
                report.error(self.at(), message).hint(hint);
                None
            }
        }
    }

    /// Reads a finite number.
    pub(super) fn number(&self, report: &mut Report) -> Option<Number> {
        match number(self.value) {
            Some(number) if number.value.is_finite() => Some(number),
            Some(_) => {
                report
                    .error(self.at(), format!("{} must be a finite number", code(self.key)))
                    .hint("write a number between -1.7e+308 and 1.7e+308");
                None
            }
            None => {
                self.wrong_type(NUMBER, report);
                None
            }
        }
    }

    /// Reads a whole number from `least` to `most`, written without a point and an exponent.
    pub(super) fn integer(&self, least: i128, most: i128, report: &mut Report) -> Option<i128> {
        let Kind::Scalar(scalar) = &self.value.kind else {
            self.wrong_type(WHOLE_NUMBER, report);
            return None;
        };
        match scalar.core {
            Core::Integer(whole) if (least..=most).contains(&whole) => Some(whole),
            Core::Integer(whole) => {
                let message =
                    format!("{} is {}, out of range", code(self.key), shorten(&scalar.text));
                let hint = if whole < least {
                    format!("the least is {least}")
                } else {
                    format!("the most is {most}")
                };
                report.error(self.at(), message).hint(hint);
                None
            }
            Core::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                let message =
                    format!("{} must be a whole number, written without point", code(self.key));
                report.error(self.at(), message).hint(format!("write `{}: {value}`", self.key));
                None
            }
            _ => {
                self.wrong_type(WHOLE_NUMBER, report);
                None
            }
        }
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&self, report: &mut Report) -> Option<bool> {
        match &self.value.kind {
            Kind::Scalar(scalar) if matches!(scalar.core, Core::Bool(_)) => {
                Some(scalar.core == Core::Bool(true))
            }
            _ => {
                self.wrong_type(BOOLEAN, report);
                None
            }
        }
    }

    /// Reads the value as one of the given words.
    pub(super) fn choice<'w>(&self, words: &[&'w str], report: &mut Report) -> Option<&'w str> {
        let typed = self.value.text().unwrap_or("");
        let found = words.iter().copied().find(|word| *word == typed);
        if found.is_none() {
            let message = format!("{} cannot be {}", code(self.key), shown(self.value));
            report.error(self.at(), message).hint(suggestion(typed, words));
        }
        found
    }

    /// Reports that another type is needed. The hint corrects a probable slip, or gives an example.
    fn wrong_type(&self, wanted: &str, report: &mut Report) {
        let message = format!("{} must be {wanted}, not {}", code(self.key), describe(self.value));
        let key = shorten(self.key);
        report.error(self.at(), message).hint(match meant(self.value, wanted) {
            Some(text) => format!("write `{key}: {text}`"),
            None => format!("write {wanted}, such as `{key}: {}`", example(wanted)),
        });
    }
}

/// Reports a key that the mapping already has on line `line`.
pub(super) fn repeated(at: At<'_>, name: &str, line: usize, report: &mut Report) {
    let lines = match at.span.line {
        again if again == line => format!("on line {line}"),
        again => format!("on line {line} and again on line {again}"),
    };
    report.error(at, format!("{} is set twice, {lines}", code(name))).hint("remove one of the two");
}

/// Returns `path.key`.
pub(super) fn join(path: &str, key: &str) -> String {
    let key = shorten(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// Returns the number that a node holds, finite or not. Returns `None` for other nodes.
pub(super) fn number(node: &Node) -> Option<Number> {
    let Kind::Scalar(scalar) = &node.kind else { return None };
    match scalar.core {
        // A whole number beyond 2^53 loses digits, as in every double.
        Core::Integer(whole) => Some(Number { value: whole as f64, integer: true }),
        Core::Float(value) => Some(Number { value, integer: false }),
        _ => None,
    }
}

/// Describes a node for a message: "a list", "the number 5", "the text `abc`".
pub(super) fn describe(node: &Node) -> String {
    let scalar = match &node.kind {
        Kind::List(_) => return "a list".to_owned(),
        Kind::Map(_) => return "a mapping".to_owned(),
        Kind::Scalar(scalar) => scalar,
    };
    match scalar.core {
        Core::Null => "empty".to_owned(),
        Core::Bool(_) => format!("the boolean {}", code(&scalar.text)),
        Core::Integer(_) | Core::Float(_) => format!("the number {}", code(&scalar.text)),
        Core::Text if scalar.text.is_empty() => "empty text".to_owned(),
        Core::Text if scalar.plain => format!("the text {}", code(&scalar.text)),
        Core::Text => format!("the quoted text {}", code(&scalar.text)),
    }
}

/// Returns the node's characters, or the description of a node without characters, for messages
/// about words.
pub(super) fn shown(node: &Node) -> String {
    node.text().filter(|text| !text.is_empty()).map_or_else(|| describe(node), code)
}

/// Guesses the number or boolean that a person meant by a text: a quoted one, or one in the syntax
/// of YAML 1.1.
fn meant(node: &Node, wanted: &str) -> Option<String> {
    let text = node.text()?.trim();
    if wanted == BOOLEAN {
        return match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some("true".to_owned()),
            "false" | "no" | "off" | "0" => Some("false".to_owned()),
            _ => None,
        };
    }
    let plain = text.replace(['_', ','], "");
    match scalar::core(&plain) {
        Core::Integer(_) => Some(shorten(&plain)),
        Core::Float(value) if value.is_finite() && wanted == NUMBER => Some(shorten(&plain)),
        _ => None,
    }
}

/// Returns an example of a value of the wanted type.
fn example(wanted: &str) -> &'static str {
    match wanted {
        TEXT => "abc",
        NUMBER => "0.1",
        WHOLE_NUMBER => "10",
        _ => "true",
    }
}

/// Returns the node as one line of YAML for hints. If the line would be long, returns a shortened
/// text or a placeholder.
pub(super) fn inline(node: &Node) -> String {
    let mut text = String::new();
    write_inline(node, &mut text);
    if text.chars().count() <= 40 {
        return text;
    }
    match &node.kind {
        Kind::Scalar(_) => shorten(&text),
        Kind::List(_) => "[...]".to_owned(),
        Kind::Map(_) => "{...}".to_owned(),
    }
}

fn write_inline(node: &Node, out: &mut String) {
    // A long text is not shown whole, so its rest need not be written.
    if out.len() > 200 {
        return;
    }
    match &node.kind {
        Kind::Scalar(scalar) if scalar.plain || scalar.core != Core::Text => {
            out.push_str(&shorten(&scalar.text))
        }
        Kind::Scalar(scalar) => *out += &format!("\"{}\"", shorten(&scalar.text)),
        Kind::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_inline(item, out);
                if out.len() > 200 {
                    return;
                }
            }
            out.push(']');
        }
        Kind::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                *out += &format!("{}: ", shorten(key.text().unwrap_or("?")));
                write_inline(value, out);
                if out.len() > 200 {
                    return;
                }
            }
            out.push('}');
        }
    }
}
