//! Writes parameters as overrides of Hydra (1.1 and later). Values as Python prints them would have
//! other meanings in Hydra's grammar: `x,y` is a sweep, `None` is text, and `True` from a text is a
//! boolean. So values are written in Hydra's syntax. `command` calls this module, which never
//! parses such text.

use serde_json::Value;

use super::{leaf::Leaf, problem::Report, python::numeral, text::code};

/// The words that Hydra does not read as text unless they are quoted, whatever the case of their
/// letters.
const RESERVED: [&str; 5] = ["null", "true", "false", "nan", "inf"];

/// Returns an override such as `++name=value`, where `prefix` is `+` or `++`. A name that begins
/// with `+` or `~` gets no further prefix. Names such as `model/encoder` and `db@backup` get no
/// `++`, since Hydra refuses `++` before a config group. `~name` with the value null becomes
/// `~name`, which deletes the name whatever its value.
pub(super) fn argument(prefix: &str, name: &str, value: &Value) -> String {
    let own = name.starts_with(['+', '~']) || (prefix == "++" && name.contains(['/', '@']));
    let prefix = if own { "" } else { prefix };
    match value {
        Value::Null if name.starts_with('~') => name.to_owned(),
        _ => format!("{prefix}{name}={}", element(value)),
    }
}

fn element(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => numeral(number),
        Value::String(text) if is_id(text) && !is_reserved(text) => text.clone(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(element).collect::<Vec<_>>().join(","))
        }
        Value::Object(map) => {
            let entry =
                |(key, value): (&String, &Value)| format!("{}:{}", escaped(key), element(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(","))
        }
    }
}

/// Returns the text in single quotes. Hydra reads a backslash as an escape only before a quote, so
/// only such backslashes are doubled.
fn quoted(text: &str) -> String {
    let mut out = String::from('\'');
    let mut backslashes = 0;
    for character in text.chars() {
        match character {
            '\\' => backslashes += 1,
            '\'' => {
                out += &"\\".repeat(backslashes + 1);
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        out.push(character);
    }
    out += &"\\".repeat(backslashes);
    out.push('\'');
    out
}

/// Escapes a key of a mapping, since Hydra's grammar does not allow quotes around keys.
fn escaped(key: &str) -> String {
    let mut out = String::new();
    for character in key.chars() {
        if matches!(character, '\\' | '(' | ')' | '[' | ']' | '{' | '}' | ':' | '=' | ',' | ' ') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Warns of parameters with names that no override can express.
pub(super) fn names(leaves: &[Leaf], report: &mut Report) {
    for leaf in leaves {
        let Some((first, below)) = leaf.parameter.path.split_first() else { continue };
        let told = match below.iter().find(|key| !is_mapping_key(key)) {
            _ if !is_key(first) => first,
            Some(key) => key,
            None => continue,
        };
        report.warning(leaf.at(), format!("Hydra cannot read the name {}", code(told))).hint(
            "begin it with a letter or `_`; then come letters, digits, `_`, `-` and dots between",
        );
    }
}

/// Returns whether the name is a key of Hydra's grammar: `group@package`, perhaps behind `+`, `++`
/// or `~`.
fn is_key(name: &str) -> bool {
    let name = ["++", "+", "~"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let (group, package) =
        name.split_once('@').map_or((name, None), |(group, rest)| (group, Some(rest)));
    let groups: Vec<&str> = group.split('/').collect();
    let is_group = groups.len() > 1 && groups.iter().all(|part| is_id(part));
    (is_group || is_package(group))
        && package.is_none_or(|name| name.is_empty() || is_package(name))
}

/// Returns whether the text is one name, or several names or indices with dots between.
fn is_package(name: &str) -> bool {
    let special = |part: &str| is_id(&part.replace('$', "_"));
    let index = |part: &str| {
        part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    match name.contains('.') {
        true => name.split('.').all(|part| !part.is_empty() && (special(part) || index(part))),
        false => special(name),
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Returns whether Hydra reads this key of a mapping as text.
fn is_mapping_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_/-\\+.$%*@?|()[]{}:=, ".contains(c);
    let number = key.replace('_', "").parse::<f64>().is_ok();
    !key.is_empty() && !number && !is_reserved(key) && key.chars().all(allowed)
}

fn is_reserved(text: &str) -> bool {
    RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Hydra 1.3 reads each text on the right as the value on the left.
    #[test]
    fn values_come_back_from_hydra() {
        for (value, text) in [
            (json!(null), "null"),
            (json!(true), "true"),
            (json!(-7), "-7"),
            (json!(1e-5), "1e-05"),
            (json!(1.0), "1.0"),
            (json!("adam"), "adam"),
            (json!("x,y"), "'x,y'"),
            (json!("two words"), "'two words'"),
            (json!("True"), "'True'"),
            (json!("null"), "'null'"),
            (json!("1e-3"), "'1e-3'"),
            (json!("[1,2]"), "'[1,2]'"),
            (json!(""), "''"),
            (json!("it's"), "'it\\'s'"),
            (json!("C:\\d"), "'C:\\d'"),
            (json!("C:\\"), "'C:\\\\'"),
            (json!("a\\'b"), "'a\\\\\\'b'"),
            (json!([1, "two", [null]]), "[1,two,[null]]"),
            (json!({"k": 1, "s": "a b", "a:b c": []}), "{k:1,s:'a b',a\\:b\\ c:[]}"),
        ] {
            assert_eq!(argument("++", "x", &value), format!("++x={text}"));
        }
    }

    #[test]
    fn a_name_may_bring_its_own_prefix() {
        let all = |name: &str, value: Value| {
            [argument("+", name, &value), argument("++", name, &value)].join(" ")
        };
        assert_eq!(all("model.lr", json!(1)), "+model.lr=1 ++model.lr=1");
        assert_eq!(all("+experiment", json!("a")), "+experiment=a +experiment=a");
        assert_eq!(all("++x", json!("a")), "++x=a ++x=a");
        assert_eq!(all("model/encoder", json!("vit")), "+model/encoder=vit model/encoder=vit");
        assert_eq!(all("db@backup", json!("pg")), "+db@backup=pg db@backup=pg");
        assert_eq!(all("~x", json!("a")), "~x=a ~x=a");
        assert_eq!(all("~x", json!(null)), "~x ~x");
    }

    #[test]
    fn keys_follow_the_grammar() {
        for name in
            ["lr", "+a", "++a.b", "~a", "a/b", "a/b@c.d", "a@_global_", "a.0.b", "a-b", "$a"]
        {
            assert!(is_key(name), "{name}");
        }
        for name in ["", "learning rate", "1st", "a..b", "a/", "a/1", "a@b@c", "é", "+++a"] {
            assert!(!is_key(name), "{name}");
        }
        for (key, is) in
            [("a", true), ("a b", true), ("3d", true), ("1", false), ("1_0", false), ("é", false)]
        {
            assert_eq!(is_mapping_key(key), is, "{key}");
        }
    }
}
