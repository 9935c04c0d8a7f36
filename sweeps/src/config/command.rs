//! Reads the keys `program` and `command`, which define the argv of a trial's process. Most of
//! W&B's macros in `command` expand to the trial's parameters, the others to the program or to what
//! starts it. `top` calls this module when a sweep is checked, and the controller calls it when a
//! trial starts. This module never starts a process. The agent expands environment variables and
//! writes files, since only the agent's node has them.

use serde_json::{Map, Value};

use super::{
    fields::{Field, describe},
    hydra,
    leaf::Leaf,
    nearest,
    problem::{At, Report},
    python,
    schema::{Argument, Command, Config, Piece},
    slips::{self, MACROS},
    text::{code, shorten},
    tree::{Kind, Node},
};

/// The start of the macro for an environment variable. This macro, unlike the others, may stand
/// inside a longer item.
const ENVVAR: &str = "${envvar:";
/// The warning about a sweep without a program.
pub const NO_PROGRAM: &str =
    "no `program`: only a function agent in your own code can run this sweep";

impl Config {
    /// Returns the argv of a trial with these parameters (a JSON object, nested as in the YAML).
    /// The arguments of a macro such as `${args}` come in the order of the parameters' names, and a
    /// nested group is one argument. The argv is empty if only a function agent can run the sweep.
    pub fn argv(&self, params: &Value) -> Vec<Argument> {
        let none = Map::new();
        let params = params.as_object().unwrap_or(&none);
        self.command.items.iter().flat_map(|item| self.expand(item, params)).collect()
    }

    fn expand(&self, item: &str, params: &Map<String, Value>) -> Vec<Argument> {
        let text = |text: &str| vec![plain(text.to_owned())];
        match whole(item) {
            Some("env") => text("/usr/bin/env"),
            Some("interpreter") => text("python"),
            Some("program") => self.program.iter().map(|program| plain(program.clone())).collect(),
            Some("args_json") => {
                text(&Value::Object(sorted(params).into_iter().collect()).to_string())
            }
            Some("args_json_file") => vec![Argument { pieces: vec![Piece::ArgsJsonFile] }],
            Some(name) if MACROS.contains(&name) => sorted(params)
                .iter()
                .flat_map(|(key, value)| argument(name, key, value))
                .map(plain)
                .collect(),
            _ => vec![Argument { pieces: pieces(item).collect() }],
        }
    }
}

fn plain(text: String) -> Argument {
    Argument { pieces: vec![Piece::Text(text)] }
}

/// Returns the first-level parameters in the order of their names. W&B's server sends them in the
/// same order.
fn sorted(params: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut params: Vec<_> =
        params.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    params.sort_by(|(a, _), (b, _)| a.cmp(b));
    params
}

/// Returns the arguments to which a macro such as `${args}` expands one parameter.
fn argument(name: &str, key: &str, value: &Value) -> Vec<String> {
    let text = python::str(value);
    match (name, value) {
        ("args_no_boolean_flags", Value::Bool(true)) => vec![format!("--{key}")],
        ("args_no_boolean_flags", Value::Bool(false)) => Vec::new(),
        ("args_no_hyphens", _) => vec![format!("{key}={text}")],
        ("args_no_equals", _) => vec![format!("--{key}"), text],
        ("args_append_hydra", _) => vec![hydra::argument("+", key, value)],
        ("args_override_hydra", _) => vec![hydra::argument("++", key, value)],
        _ => vec![format!("--{key}={text}")],
    }
}

/// Returns `name` if the item is `${name}` and nothing else.
fn whole(item: &str) -> Option<&str> {
    item.strip_prefix("${")?
        .strip_suffix('}')
        .filter(|name| !name.contains('}') && !name.starts_with("envvar:"))
}

/// Splits an item into text and environment variables.
fn pieces(item: &str) -> impl Iterator<Item = Piece> + '_ {
    let mut rest = item;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, behind)) = variable(rest) {
            rest = behind;
            return Some(Piece::EnvVar(name.to_owned()));
        }
        // The text has at least one character, so a broken macro becomes text and the loop ends.
        let skip = rest.chars().next().map_or(0, char::len_utf8);
        let end = (skip..rest.len())
            .find(|at| rest.is_char_boundary(*at) && variable(&rest[*at..]).is_some());
        let (text, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(Piece::Text(text.to_owned()))
    })
}

/// Returns the environment variable that the text begins with, and the rest of the text.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.strip_prefix(ENVVAR)?.split_once('}')?;
    let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid.then_some((name, behind))
}

/// Reads `command`, or returns the default command for the program, and reports problems. Returns
/// `None` if `command` has an error. `no_program` is the place at which a missing program is
/// reported; `None` if it must not be reported.
pub(super) fn read(
    command: Option<&Field<'_>>,
    program: Option<&Field<'_>>,
    leaves: &[Leaf],
    no_program: Option<At<'_>>,
    report: &mut Report,
) -> Option<Command> {
    let Some(field) = command else { return Some(default(program, no_program, report)) };
    let Some(nodes) = field.list() else {
        let words: Vec<&str> =
            field.value.text().unwrap_or("python train.py").split_whitespace().collect();
        report
            .error(field.at(), format!("`command` must be a list, not {}", describe(field.value)))
            .hint(format!("write `command: [{}]`", shorten(&words.join(", "))));
        return None;
    };
    if nodes.is_empty() {
        report
            .error(field.at(), "`command` is empty")
            .hint("remove it for the usual command, or list its items");
        return None;
    }
    let texts: Vec<&str> = nodes.iter().map(|node| node.text().unwrap_or_default()).collect();
    slips::first(&texts, At { path: &field.path, span: nodes[0].span }, report);
    let context =
        |index: usize| Context { before: &texts[..index], leaves, has_program: program.is_some() };
    let items: Vec<Option<String>> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| item(node, &field.path, &context(index), report))
        .collect();
    let items = items.into_iter().collect::<Option<Vec<String>>>()?;
    if let Some(program) = program.filter(|_| !items.iter().any(|item| item == "${program}")) {
        report
            .warning(
                program.at_key(),
                "`program` is not used: `command` does not contain `${program}`",
            )
            .hint("add `${program}` to the command, or remove `program`");
    }
    if items.iter().any(|item| item.ends_with("_hydra}") && whole(item).is_some()) {
        hydra::names(leaves, report);
    }
    Some(Command { items })
}

fn default(
    program: Option<&Field<'_>>,
    no_program: Option<At<'_>>,
    report: &mut Report,
) -> Command {
    let items: &[&str] = match program.and_then(|field| field.value.text()) {
        Some(program) if program.ends_with(".py") => {
            &["${env}", "${interpreter}", "${program}", "${args}"]
        }
        Some(_) => &["${env}", "${program}", "${args}"],
        None => {
            if let Some(at) = no_program {
                report
                    .warning(at, NO_PROGRAM)
                    .hint("add `program: train.py` for agents that start a program");
            }
            &[]
        }
    };
    Command { items: items.iter().map(|item| (*item).to_owned()).collect() }
}

/// The data that decide the meaning of an item of `command`: the items before it, the sweep's
/// parameters, and whether there is a `program`.
struct Context<'c> {
    before: &'c [&'c str],
    leaves: &'c [Leaf],
    has_program: bool,
}

/// Reads one item as it is written. A number or boolean gives its characters.
fn item(node: &Node, path: &str, context: &Context<'_>, report: &mut Report) -> Option<String> {
    let at = At { path, span: node.span };
    let Kind::Scalar(scalar) = &node.kind else {
        report
            .error(at, format!("an item of `command` must be text, not {}", describe(node)))
            .hint("write every argument of the program as an item of its own");
        return None;
    };
    let item = scalar.text.as_str();
    if item.is_empty() && scalar.plain {
        report
            .error(at, "an item of `command` is empty")
            .hint("remove it, or write `\"\"` for an empty argument");
        return None;
    }
    if item.contains('\0') {
        report
            .error(at, "this text holds a NUL character, which no argument of a program can hold")
            .hint("remove the `\\0`");
        return None;
    }
    match whole(item) {
        Some("program") if !context.has_program => {
            report
                .error(at, "`${program}` stands for nothing: there is no `program`")
                .hint("add `program: train.py`");
        }
        Some(name) if MACROS.contains(&name) => return Some(item.to_owned()),
        Some(name) if slips::is_parameter(name, context.leaves) => {
            slips::parameter(item, at, report)
        }
        Some(name) => unknown(name, at, report),
        None => {
            slips::tell(item, context.before, context.leaves, at, report);
            if !broken_variable(item, at, report) {
                return Some(item.to_owned());
            }
        }
    }
    None
}

/// Reports an item `${x}` with an unknown `x`. W&B drops such items without a message.
fn unknown(name: &str, at: At<'_>, report: &mut Report) {
    let hint = match nearest::nearest(name, &MACROS) {
        Some(known) => format!(
            "did you mean `${{{known}}}`? W&B would drop the item without a \
            word"
        ),
        None if slips::is_variable(name) => {
            format!("write `${{envvar:{}}}` for the environment variable", shorten(name))
        }
        None => "the macros are ${env}, ${interpreter}, ${program}, ${args}, ${args_json} and \
            their like"
            .to_owned(),
    };
    report.error(at, format!("unknown macro {}", code(&format!("${{{name}}}")))).hint(hint);
}

/// Reports an item in which `${envvar:` lacks a valid name or the closing brace. Returns whether
/// the item is such an item.
fn broken_variable(item: &str, at: At<'_>, report: &mut Report) -> bool {
    let broken = item.match_indices(ENVVAR).any(|(index, _)| variable(&item[index..]).is_none());
    if broken {
        report
            .error(at, "`${envvar:...}` lacks the name of a variable")
            .hint("write `${envvar:NAME}`, with letters, digits and `_` in the name");
    }
    broken
}
