//! Writes values as Python's `str` and `repr` write them. W&B's agent puts such text on a command
//! line, and scripts that were written for W&B parse it. `command` calls this module, which never
//! parses such text.

use serde_json::{Number, Value};

use super::text::is_printable;

/// Returns `str(value)`: text unchanged, and every other value as [`repr`] writes it.
pub(super) fn str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ => repr(value),
    }
}

/// Returns `repr(value)`.
fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => numeral(number),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let entry =
                |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), repr(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns the number as Python prints it.
pub(super) fn numeral(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => float(value),
        _ => number.to_string(),
    }
}

/// Returns the shortest digits that denote the number. Magnitudes below 1e-4 and from 1e16 on have
/// an exponent of at least two digits.
fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(-4..16) => {
            let plain = value.to_string();
            if plain.contains('.') { plain } else { format!("{plain}.0") }
        }
        Ok(power) => format!("{mantissa}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs()),
        Err(_) => scientific,
    }
}

/// Returns the text in single quotes. If the text has single quotes and no double ones, returns it
/// in double quotes.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == '\\' || c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&match u32::from(c) {
                code @ 0..=0xff => format!("\\x{code:02x}"),
                code @ 0x100..=0xffff => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// CPython 3.11 printed the expected texts.
    #[test]
    fn values_are_written_as_cpython_prints_them() {
        for (value, text) in [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(0.1), "0.1"),
            (json!(1.0), "1.0"),
            (json!(-0.0), "-0.0"),
            (json!(1e-4), "0.0001"),
            (json!(9.999e-5), "9.999e-05"),
            (json!(1e-5), "1e-05"),
            (json!(1.5e-7), "1.5e-07"),
            (json!(1e15), "1000000000000000.0"),
            (json!(1e16), "1e+16"),
            (json!(1.25e22), "1.25e+22"),
            (json!(1e100), "1e+100"),
            (json!(5e-324), "5e-324"),
            (json!(1.7976931348623157e308), "1.7976931348623157e+308"),
            (json!(123456789.123), "123456789.123"),
            (json!(18446744073709551615u64), "18446744073709551615"),
            (json!(-7), "-7"),
            (json!("a 'b'"), "a 'b'"),
            (
                json!([
                    "a",
                    "it's",
                    "\"it's\"",
                    "a\\b\n\t\u{1b}\u{e9}\u{200b}\u{e000}\u{1f600}\u{10ffff}"
                ]),
                "['a', \"it's\", '\"it\\'s\"', 'a\\\\b\\n\\t\\x1bé\\u200b\\ue000😀\\U0010ffff']",
            ),
            (
                json!({"name": "sgd", "lr": 0.01, "x": [1, null, {}]}),
                "{'name': 'sgd', 'lr': 0.01, 'x': [1, None, {}]}",
            ),
        ] {
            assert_eq!(str(&value), text);
        }
    }
}
