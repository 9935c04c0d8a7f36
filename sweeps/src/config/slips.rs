//! Finds probable mistakes in items of `command`. Examples are a parameter in place of a macro,
//! syntax that only a shell expands, and several arguments in one item. `command` calls this
//! module, which never expands an item.

use super::{
    leaf::Leaf,
    problem::{At, Report},
    text::{code, shorten},
};

/// The macros that stand for a whole item, without `${` and `}`.
pub(super) const MACROS: [&str; 11] = [
    "env",
    "interpreter",
    "program",
    "args",
    "args_no_hyphens",
    "args_no_equals",
    "args_no_boolean_flags",
    "args_append_hydra",
    "args_override_hydra",
    "args_json",
    "args_json_file",
];

/// The shells, which run the item behind their option `-c` as a script.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "zsh", "ksh"];

/// The hint that says how to pass parameters.
const INSTEAD: &str =
    "write `${args}` as an item in its place: it becomes `--name=value` for each parameter";

/// The probable meaning of a name behind `$`.
enum Meant<'i> {
    /// A parameter, as it was written.
    Parameter(&'i str),
    /// A macro without its braces.
    Macro(&'i str),
    /// A macro in braces that is only a part of its item.
    Inside(&'i str),
    /// A shell's variable, as it was written, and its name.
    Variable(&'i str, &'i str),
}

/// Warns if the user probably expects another effect of this item. `before` are the items before
/// it.
pub(super) fn tell(item: &str, before: &[&str], leaves: &[Leaf], at: At<'_>, report: &mut Report) {
    if is_script(before) {
        script(item, leaves, at, report);
        return;
    }
    if let Some(words) = several(item) {
        report
            .warning(at, format!("{} is one item, and so one argument of the program", code(item)))
            .hint(format!("write an item for each: {}", listed(&words)));
    } else if before.is_empty() && is_line(item) {
        let words: Vec<&str> = item.split_whitespace().collect();
        report
            .warning(at, format!("{} is one item, and so the name of one program", code(item)))
            .hint(format!("write an item for each: {}", listed(&words)));
    }
    let no_shell = "no shell reads the command";
    match meant(item, leaves).next() {
        Some(Meant::Parameter(written)) => report
            .warning(
                at,
                format!("a parameter is no macro: {} reaches the program as it is", code(written)),
            )
            .hint(INSTEAD),
        Some(Meant::Macro(name)) => report
            .warning(at, format!("`${name}` is no macro without its braces"))
            .hint(format!("write `${{{name}}}` as an item of its own")),
        Some(Meant::Inside(name)) => inside(name, at, report),
        Some(Meant::Variable(written, name)) => report
            .warning(at, format!("{no_shell}: {} reaches the program as it is", code(written)))
            .hint(format!(
                "write `${{envvar:{}}}` for the node's environment variable",
                shorten(name)
            )),
        None if has_home(item) => report
            .warning(at, format!("{no_shell}: `~` reaches the program as it is"))
            .hint("write `${envvar:HOME}` for the home directory on the node"),
        None => {}
    }
}

/// Reports an error for an item that is a parameter in the form of a macro.
pub(super) fn parameter(item: &str, at: At<'_>, report: &mut Report) {
    report
        .error(at, format!("a parameter is no macro: {} stands for nothing", code(item)))
        .hint(INSTEAD);
}

/// Returns whether a name is that of a parameter, with or without its groups, or that of a
/// top-level group.
pub(super) fn is_parameter(name: &str, leaves: &[Leaf]) -> bool {
    leaves.iter().any(|leaf| {
        let path = &leaf.parameter.path;
        leaf.name() == name || path[0] == name || (name.contains('.') && path.join(".") == name)
    })
}

/// Warns if the first item of a command is an argument. The first item, apart from `${env}`, is the
/// program that is started.
pub(super) fn first(items: &[&str], at: At<'_>, report: &mut Report) {
    let Some(item) = items.iter().find(|item| **item != "${env}") else { return };
    let is_macro = |name: &&str| name.starts_with("args") && *item == format!("${{{name}}}");
    if item.starts_with('-') || MACROS.iter().any(is_macro) {
        report
            .warning(
                at,
                format!(
                    "`command` begins with an argument, {}, and not with a program",
                    code(item)
                ),
            )
            .hint(
                "begin with what is to be started, such as `[python, \"${program}\", \"${args}\"]`",
            );
    }
}

fn inside(name: &str, at: At<'_>, report: &mut Report) {
    report
        .warning(at, format!("`${{{name}}}` is not expanded inside of a longer item"))
        .hint("make it an item of its own; only `${envvar:NAME}` may stand inside of another");
}

/// Checks an item that is a shell's script. The shell can expand environment variables, and a trial
/// has one for each parameter.
fn script(item: &str, leaves: &[Leaf], at: At<'_>, report: &mut Report) {
    let knows = item.contains("BESOM_PARAM");
    match meant(item, leaves).find(|meant| !matches!(meant, Meant::Variable(..))) {
        Some(Meant::Inside(name)) => inside(name, at, report),
        Some(Meant::Parameter(written)) if !knows => report
            .warning(at, format!("{} is no variable of the shell", code(written)))
            .hint("a parameter is `$BESOM_PARAM_` and its name there"),
        _ => {}
    }
}

/// Returns whether the items before this one end in a shell and its option `-c`.
fn is_script(before: &[&str]) -> bool {
    let [.., shell, option] = before else { return false };
    let name = shell.rsplit('/').next().unwrap_or_default();
    SHELLS.contains(&name) && option.starts_with('-') && option.ends_with('c')
}

/// Iterates over every `$name` and `${name}` of an item by which a user probably means a parameter,
/// a macro or a variable.
fn meant<'i>(item: &'i str, leaves: &[Leaf]) -> impl Iterator<Item = Meant<'i>> {
    item.match_indices('$').filter_map(|(start, _)| {
        let rest = &item[start + 1..];
        if let Some(braced) = rest.strip_prefix('{') {
            let name = braced.split_once('}')?.0;
            let written = &item[start..start + name.len() + 3];
            return if is_parameter(name, leaves) {
                Some(Meant::Parameter(written))
            } else if MACROS.contains(&name) {
                Some(Meant::Inside(name))
            } else {
                is_variable(name).then_some(Meant::Variable(written, name))
            };
        }
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let (name, written) = (&rest[..length], &item[start..start + 1 + length]);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            None
        } else if MACROS.contains(&name) {
            Some(Meant::Macro(name))
        } else if is_parameter(name, leaves) {
            Some(Meant::Parameter(written))
        } else {
            Some(Meant::Variable(written, name))
        }
    })
}

/// Returns whether a name looks like that of an environment variable: capitals, digits and `_`.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Returns whether the item has `~` where a shell would put the home directory.
fn has_home(item: &str) -> bool {
    item.match_indices('~').any(|(at, _)| {
        let (before, behind) = (&item[..at], &item[at + 1..]);
        (before.is_empty() || before.ends_with(['=', ':']))
            && (behind.is_empty() || behind.starts_with('/'))
    })
}

/// Returns the words of an item that holds several flags, or a flag and its value.
fn several(item: &str) -> Option<Vec<&str>> {
    let is_flag =
        |word: &&str| word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic());
    let is_flag = |word: &&str| word.starts_with('-') && is_flag(word);
    let words: Vec<&str> = item.split_whitespace().collect();
    let (first, rest) = words.split_first()?;
    let value = !first.contains('=') && !rest.is_empty();
    (is_flag(first) && (value || rest.iter().any(is_flag))).then_some(words)
}

/// Returns whether the item looks like a command line, such as `python train.py`, rather than a
/// path with a blank.
fn is_line(item: &str) -> bool {
    item.split_once(' ').is_some_and(|(first, _)| !first.contains('/') && !first.starts_with("${"))
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    code(&quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_one_item_are_seen_and_values_with_blanks_are_not() {
        for item in ["--size=256 --epochs=15", "--lr 0.1", "-a -b", "-x 1"] {
            assert!(several(item).is_some(), "{item}");
        }
        for item in ["--note=two words", "--range=-1 -2", "two --words", "-", "--a", "--msg=a - b"]
        {
            assert_eq!(several(item), None, "{item}");
        }
    }

    #[test]
    fn a_tilde_counts_where_a_shell_expands_it() {
        assert!(["~", "~/x", "--out=~/x", "a:~/x"].into_iter().all(has_home));
        assert!(!["a~", "x~/y", "~name", "--x=~db"].into_iter().any(has_home));
    }
}
