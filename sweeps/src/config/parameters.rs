//! Reads the key `parameters`: names, nested groups, and the entry of each parameter. `top` calls
//! this module, and `distribution` reads the distribution of each entry. This module never draws a
//! value.

use std::collections::BTreeMap;

use crate::space::Parameter;

use super::{
    distribution,
    fields::{Field, Fields, describe, inline},
    leaf::Leaf,
    problem::Report,
    text::{code, is_printable, listed},
    tree::{Kind, Node},
    value, when,
};

/// The largest number of parameters of one sweep, constants included.
const MOST: usize = 1000;
/// The longest name, in characters.
const LONGEST_NAME: usize = 128;

/// All parameters of a sweep.
#[derive(Default)]
pub(super) struct Parameters {
    /// The parameters in the order of the YAML. Parameters that cannot be read are left out.
    pub(super) leaves: Vec<Leaf>,
    /// Whether no error was found in any parameter.
    pub(super) complete: bool,
}

/// Reads all parameters and reports their problems.
pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Parameters {
    let before = report.errors();
    let mut reader = Reader {
        leaves: Vec::new(),
        dotted: BTreeMap::new(),
        variables: BTreeMap::new(),
        told: false,
        report,
    };
    reader.group(field, &[]);
    value::exponents(field.value, &field.path, reader.report);
    let Reader { mut leaves, dotted, .. } = reader;
    when::resolve(&mut leaves, &dotted, report);
    Parameters { leaves, complete: report.errors() == before }
}

struct Reader<'r> {
    leaves: Vec<Leaf>,
    /// The line of every parameter and group. The key is its path, joined with dots.
    dotted: BTreeMap<String, usize>,
    /// The dotted name of every parameter. The key is the name of the parameter's environment
    /// variable.
    variables: BTreeMap<String, String>,
    /// Whether it was already reported that there are too many parameters.
    told: bool,
    report: &'r mut Report,
}

impl Reader<'_> {
    /// Reads the parameters below a key `parameters`, at the top level or in a group.
    fn group(&mut self, field: &Field<'_>, groups: &[String]) {
        let Some(fields) = field.fields(self.report) else {
            self.report
                .error(
                    field.at(),
                    format!(
                        "`parameters` must be a mapping of names, not {}",
                        describe(field.value)
                    ),
                )
                .hint("write one parameter per line, such as `lr: {min: 0.001, max: 0.1}`");
            return;
        };
        if fields.iter().len() == 0 {
            self.report
                .error(fields.at(), "`parameters` is empty")
                .hint("add a parameter, such as `lr: {min: 0.001, max: 0.1}`");
        }
        for field in fields.iter() {
            self.entry(field, groups);
        }
    }

    /// Reads one name and its value: a parameter, or a group of parameters.
    fn entry(&mut self, field: &Field<'_>, groups: &[String]) {
        if self.leaves.len() >= MOST {
            if !std::mem::replace(&mut self.told, true) {
                let message = format!("this sweep has more than {MOST} parameters");
                self.report.error(field.at_key(), message).hint("leave constants to the program");
            }
            return;
        }
        if !self.name(field) {
            return;
        }
        let Some(fields) = field.fields(self.report) else {
            bare(field, self.report);
            return;
        };
        let mut path = groups.to_vec();
        path.push(field.key.to_owned());
        self.collisions(field, &path);
        if let Some(nested) = fields.get("parameters") {
            self.beside_group(&fields, field.key);
            self.group(nested, &path);
            return;
        }
        if is_bare_group(&fields) {
            self.bare_group(&fields, field.key, &path);
            return;
        }
        self.environment(field, &path);
        let when = fields.get("when").and_then(|field| when::read(field, self.report));
        if let Some((distribution, name)) = distribution::read(&fields, field.key, self.report) {
            let parameter = Parameter::new(path, distribution);
            let (path, span) = (field.path.clone(), field.key_span);
            self.leaves.push(Leaf { parameter, distribution: name, when, path, span });
        }
    }

    /// Reports a group without the key `parameters`. The members of the group are not checked
    /// further.
    fn bare_group(&mut self, fields: &Fields<'_>, name: &str, path: &[String]) {
        for member in fields.iter() {
            self.dotted.insert(format!("{}.{}", path.join("."), member.key), member.key_span.line);
        }
        let members = match fields.iter().len() {
            count @ 5.. => format!("its {count} entries"),
            _ => listed(fields.iter().map(|member| member.key), "and"),
        };
        self.report
            .error(
                fields.at(),
                format!("{} is a group, and a group needs `parameters`", code(name)),
            )
            .hint(format!("put {members} under `parameters:`, indented below {}", code(name)));
    }

    /// Returns whether a parameter's name is allowed, and reports a name that is not. A name is
    /// allowed if a command line can carry it, since W&B accepts every name and Hydra's names use
    /// many kinds of characters.
    fn name(&mut self, field: &Field<'_>) -> bool {
        if let Some((why, hint)) = unusable(field.key) {
            let message = format!("{} is not a valid parameter name: {why}", code(field.key));
            self.report.error(field.at_key(), message).hint(hint);
            return false;
        }
        let length = field.key.chars().count();
        if length > LONGEST_NAME {
            let message = format!("this parameter name has {length} characters");
            self.report.error(field.at_key(), message).hint(format!("use at most {LONGEST_NAME}"));
            return false;
        }
        true
    }

    /// Reports a parameter `a.b` beside a parameter `b` in a group `a`: both would have the same
    /// dotted name.
    fn collisions(&mut self, field: &Field<'_>, path: &[String]) {
        let dotted = path.join(".");
        if let Some(line) = self.dotted.insert(dotted.clone(), field.key_span.line) {
            self.report
                .error(
                    field.at_key(),
                    format!("{} is also the name of the parameter on line {line}", code(&dotted)),
                )
                .hint("rename one: a dot in a name and a nested group read alike");
        }
    }

    /// Reports parameters that get the same environment variable, since their names differ only in
    /// characters that a variable cannot have.
    fn environment(&mut self, field: &Field<'_>, path: &[String]) {
        let clean = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let variable: String = path.join("__").chars().map(clean).collect();
        let dotted = path.join(".");
        if let Some(other) =
            self.variables.insert(variable.clone(), dotted.clone()).filter(|other| *other != dotted)
        {
            self.report
                .warning(
                    field.at_key(),
                    format!(
                        "{} and {} share the variable `BESOM_PARAM_{variable}`",
                        code(&other),
                        code(&dotted)
                    ),
                )
                .hint("read `BESOM_PARAMS` or the arguments instead, or rename one");
        }
    }

    /// Reports keys of a group that are not allowed beside `parameters`.
    fn beside_group(&mut self, fields: &Fields<'_>, name: &str) {
        for field in fields.iter().filter(|field| field.key != "parameters") {
            self.report
                .error(
                    field.at_key(),
                    format!(
                        "{} is a group, and {} belongs to a parameter",
                        code(name),
                        code(field.key)
                    ),
                )
                .hint(format!(
                    "move it into a parameter of the group, or remove `parameters` from {}",
                    code(name)
                ));
        }
    }
}

/// Returns whether a mapping is a group without the key `parameters`. Such a mapping has a
/// parameter's entry below an unknown key. Each key of an entry that it has, apart from `when`, is
/// the name of a parameter: the value of the key is an entry too.
fn is_bare_group(fields: &Fields<'_>) -> bool {
    let is_known = |key: &str| distribution::KEYS.contains(&key);
    let plain =
        |field: &Field<'_>| is_known(field.key) && field.key != "when" && !is_entry(field.value);
    fields.iter().any(|field| !is_known(field.key) && is_entry(field.value))
        && !fields.iter().any(plain)
}

/// Returns whether the node is a parameter's entry, or a mapping of entries.
fn is_entry(node: &Node) -> bool {
    let Kind::Map(entries) = &node.kind else { return false };
    entries.iter().any(|(key, value)| {
        key.text().is_some_and(|key| distribution::KEYS.contains(&key)) || is_entry(value)
    })
}

/// Returns why no program can get an argument of this name, and a hint. Returns `None` if the name
/// is usable.
fn unusable(name: &str) -> Option<(&'static str, &'static str)> {
    if name.is_empty() {
        Some(("it is empty", "write a name, such as `lr`"))
    } else if name.trim() != name {
        Some(("it begins or ends with a blank", "remove the blank"))
    } else if name.starts_with('-') {
        Some((
            "it begins with a hyphen",
            "leave the hyphens out: `${args}` writes them before every name",
        ))
    } else if name.contains('=') {
        Some(("a program reads what follows `=` as the value", "leave `=` out of the name"))
    } else if !name.chars().all(is_printable) {
        Some(("it has a character that cannot be shown", "remove that character"))
    } else {
        None
    }
}

/// Reports a bare value in place of a parameter's entry, such as `lr: 0.1` or `lr: [0.1, 0.2]`.
fn bare(field: &Field<'_>, report: &mut Report) {
    let name = code(field.key);
    let told = report
        .error(field.at(), format!("{name} must be a mapping, not {}", describe(field.value)));
    let value = |node: &Node| inline(node);
    match &field.value.kind {
        Kind::List(_) => {
            told.hint(format!("write `{}: {{values: {}}}`", field.key, value(field.value)))
        }
        _ if field.value.text() == Some("") => {
            told.hint(format!(
                "give it `value`, `values`, or `min` and `max`, indented below {name}"
            ));
        }
        _ => told.hint(format!(
            "write `{}: {{value: {}}}` for a constant",
            field.key,
            value(field.value)
        )),
    }
}
