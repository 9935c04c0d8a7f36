//! Tests the reader of printed rows with lines that are rows, lines that only look like rows, and
//! plain text.

#![allow(clippy::unwrap_used)]

use proptest::{collection::vec, prelude::*};
use record::{
    Row, Value, Writer,
    console::{Lines, Seen},
    printed::{Doubt, Loss, Printed, PrintedRow, Reader},
};
use serde_json::{Map, Value as Json, json};

fn pairs(values: &[(&str, Value)]) -> Vec<(String, Value)> {
    values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn read(piece: &str) -> Printed {
    Reader::default().read(piece, 0)
}

/// Reads a program's output as the agent does, and returns the rows and problems in it.
fn printed(output: &[u8]) -> Vec<Printed> {
    let (mut lines, mut reader, mut found) = (Lines::default(), Reader::default(), Vec::new());
    let mut each = |seen: Seen<'_>| {
        if let Seen::Piece(text, beyond) = seen {
            found.push(reader.read(text, beyond));
        }
    };
    lines.push(output, &mut each);
    if lines.is_open() {
        lines.finish(&mut each);
    }
    found.retain(|printed| *printed != Printed::default());
    found
}

fn losses(printed: &[Printed]) -> Vec<f64> {
    let rows = printed.iter().flat_map(|printed| &printed.rows);
    let loss =
        |row: &PrintedRow| row.values.iter().find(|(key, _)| key == "loss").unwrap().1.clone();
    rows.map(|row| match loss(row) {
        Value::F64(number) => number,
        other => panic!("{other:?}"),
    })
    .collect()
}

fn only(piece: &str) -> PrintedRow {
    let Printed { mut rows, doubt: None, loss: None } = read(piece) else {
        panic!("{:?}", read(piece))
    };
    assert_eq!(rows.len(), 1, "{piece}");
    rows.remove(0)
}

#[test]
fn an_object_is_a_row() {
    let line = r#"  {"_step": 7, "val/loss": 0.25, "n":3,"ok" : true, "what":"a \"b\" \u00e4",
        "none": null, "val": {"acc": 0.5, "of": {"top5": 1}, "no": {}},
        "lrs": [0.1, {"a": NaN}, "]"], "_step.": 1}  "#;
    let want = [
        ("val/loss", Value::F64(0.25)),
        ("n", Value::I64(3)),
        ("ok", Value::Bool(true)),
        ("what", Value::Text("a \"b\" ä".to_owned())),
        ("val.acc", Value::F64(0.5)),
        ("val.of.top5", Value::I64(1)),
        ("lrs", Value::Text(r#"[0.1, {"a": NaN}, "]"]"#.to_owned())),
        ("_step.", Value::I64(1)),
    ];
    assert_eq!(only(&line.replace('\n', "")), PrintedRow { step: Some(7), values: pairs(&want) });
    for (one, value) in [("true", Value::Bool(true)), (r#""0.75""#, Value::Text("0.75".to_owned()))]
    {
        assert_eq!(only(&format!(r#"{{"m": {one}}}"#)).values, pairs(&[("m", value)]));
    }
}

#[test]
fn numbers_that_only_python_prints_are_read() {
    let values =
        only(r#"{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e-05, "e": 1E+16}"#).values;
    assert!(matches!(values[0].1, Value::F64(number) if number.is_nan()));
    let want = [("b", f64::INFINITY), ("c", f64::NEG_INFINITY), ("d", 1e-5), ("e", 1e16)];
    assert_eq!(values[1..], pairs(&want.map(|(key, number)| (key, Value::F64(number)))));
}

#[test]
fn steps_repeated_names_and_large_numbers_are_read() {
    assert_eq!(only(r#"{"_step": 3.0, "a": 1}"#).step, Some(3));
    let below = only(r#"{"_step": -1, "a": 1}"#);
    assert_eq!((below.step, below.values.len()), (None, 2));
    assert_eq!(
        only(r#"{"a": 1, "b": 2, "a": 3}"#).values,
        pairs(&[("a", Value::I64(3)), ("b", Value::I64(2))])
    );
    let many: Vec<String> = (0..200).map(|n| format!(r#""k{}": {n}"#, n % 100)).collect();
    let values = only(&format!("{{{}}}", many.join(","))).values;
    assert_eq!((values.len(), &values[7]), (100, &("k7".to_owned(), Value::I64(107))));
    let large =
        only(r#"{"a": 9007199254740993, "b": 18446744073709551615, "c": 18446744073709551616}"#);
    let want = [
        ("a", Value::I64(9_007_199_254_740_993)),
        ("b", Value::U64(u64::MAX)),
        ("c", Value::F64(18_446_744_073_709_551_616.0)),
    ];
    assert_eq!(large.values, pairs(&want));
}

#[test]
fn a_row_may_follow_a_prefix_a_progress_bar_or_another_row() {
    for (output, want) in [
        (&b"INFO:root:{\"loss\": 0.5}\n"[..], vec![0.5]),
        (b"\x1b[32m2026-01-02 [INFO]\x1b[0m \x1b[1m{\"loss\": 0.5}\x1b[0m\n", vec![0.5]),
        (b" 50%|## | 1/2 [00:01<00:01]{\"loss\": 0.5}\n", vec![0.5]),
        (b"\r  0%|  | 0/2\r{\"loss\": 0.5}\r 50%|# | 1/2\r{\"loss\": 0.25}\n", vec![0.5, 0.25]),
        (b"{\"loss\": 0.5}\r\n{\"loss\": 0.25}\r\n", vec![0.5, 0.25]),
        (b"{\"loss\": 0.5} {\"loss\": 0.25}\n", vec![0.5, 0.25]),
        (b"step {\"loss\": 0.5}{\"loss\": 0.25}", vec![0.5, 0.25]),
        (b"{brackets} and {more} {\"loss\": 0.5}\n", vec![0.5]),
        (b"moved {\"a\": 1} to the front {\"loss\": 0.5}\n", vec![0.5]),
    ] {
        let found = printed(output);
        assert_eq!(losses(&found), want, "{}", output.escape_ascii());
        assert!(found.iter().all(|printed| printed.doubt.is_none()), "{}", output.escape_ascii());
    }
}

#[test]
fn text_is_not_a_row() {
    for line in [
        "",
        "{",
        "}",
        "{}",
        "{} {}",
        "epoch 1: loss 0.5",
        "[1]",
        "1",
        "\"loss\": 0.5",
        "a set {'a', 'b'} and {\"a\", \"b\"}",
        "sent {\"a\": 1} to the server",
        "Namespace(lr=0.1, betas={'a': 1})",
        "f(x) = { x: x > 0 } ",
        "for (;;) { \"use strict\" }",
        "curl -d '{\"a\": 1}'",
        "fn main() { let a: i64 = 1; }",
        "fmt.Printf({\"a\": x})",
        "\\frac{a}{b}",
    ] {
        assert_eq!(read(line), Printed::default(), "{line}");
    }
}

#[test]
fn text_that_only_looks_like_a_row_has_a_reason() {
    for (line, want) in [
        ("{'loss': 0.5}", Doubt::Python),
        ("INFO:root:{'loss': 0.5}", Doubt::Python),
        ("{\"loss\": 'x'}", Doubt::Python),
        ("{\"a\": 1, 'b': 2}", Doubt::Python),
        ("{ loss: 0.5 }", Doubt::Bare),
        ("{0: 0.5}", Doubt::Bare),
        ("{\"loss\": np.float64(0.5)}", Doubt::Word("np.float64(0.5)".to_owned())),
        ("{\"loss\": None, \"a\": 1}", Doubt::Word("None".to_owned())),
        ("{\"a\": {\"loss\": nan}}", Doubt::Word("nan".to_owned())),
        ("{\"a\": .5}", Doubt::Word(".5".to_owned())),
        ("{\"a\": 1.}", Doubt::Word("1.".to_owned())),
        ("{\"a\": 01}", Doubt::Word("01".to_owned())),
        ("{\"a\": -NaN}", Doubt::Word("-NaN".to_owned())),
        ("{\"a\": [1, inf]}", Doubt::Word("inf".to_owned())),
        ("{\"loss\": 1e400}", Doubt::Large("1e400".to_owned())),
        ("{\"loss\": -1e999}", Doubt::Large("-1e999".to_owned())),
        ("{\"loss\": 0.5} # epoch 3", Doubt::Followed),
        ("{\"loss\": 0.5},", Doubt::Followed),
        ("{\"a\": 1}}", Doubt::Followed),
        ("[{\"loss\": 0.5}, {\"loss\": 0.4}]", Doubt::Followed),
        ("{\"loss\": 0.5", Doubt::Open),
        ("{\"loss\": ", Doubt::Open),
        ("{\"loss\": \"x}", Doubt::Open),
        ("{\"loss\": 1, ", Doubt::Open),
        ("INFO {\"loss\": 0.5", Doubt::Open),
        ("{\"a\": 1,}", Doubt::Syntax("}".to_owned())),
        ("{\"a\": 1 2}", Doubt::Syntax("2".to_owned())),
        ("{\"a\": }", Doubt::Syntax("}".to_owned())),
        ("{\"a\": [1 2]}", Doubt::Syntax("2".to_owned())),
        ("{\"a\": \"\\x\"}", Doubt::Syntax("\"\\x\"".to_owned())),
        ("{\"a\": null}", Doubt::Empty),
        ("{\"_step\": 3}", Doubt::Empty),
        ("{\"a\": {\"b\": {}}}", Doubt::Empty),
    ] {
        assert_eq!(read(line).doubt, Some(want), "{line}");
        assert!(read(line).rows.is_empty(), "{line}");
    }
    let mixed = read("{\"loss\": 0.5} and {\"loss\": 0.25}");
    assert_eq!((mixed.rows.len(), mixed.doubt), (1, Some(Doubt::Followed)));
    let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
    assert_eq!(read(&deep).doubt, Some(Doubt::Deep));
    let doubts: Vec<_> =
        printed(b"{\n  \"loss\": 0.5,\n  \"acc\": {\n    \"x\": 1\n  }\n}\n").into_iter().collect();
    assert_eq!(doubts, [Printed { doubt: Some(Doubt::Lines), ..Printed::default() }]);
}

#[test]
fn values_that_are_too_long_are_cut_and_reported() {
    let key = "k".repeat(record::MAX_KEY_BYTES + 1);
    let found = read(&format!(r#"{{"{key}": 1, "loss": 0.5, "a": {{"{key}": {{"b": 1}}}}}}"#));
    assert_eq!((losses(std::slice::from_ref(&found)), found.loss), (vec![0.5], Some(Loss::Key)));
    let text = json!({"loss": 0.5, "s": "y".repeat(3_000_000)}).to_string();
    let found = read(&text);
    assert_eq!((losses(std::slice::from_ref(&found)), found.loss), (vec![0.5], Some(Loss::Text)));
    let many: Map<String, Json> = (0..20_000).map(|n| (format!("k{n}"), json!(n))).collect();
    assert_eq!(only(&Json::Object(many).to_string()).values.len(), 20_000);
    let huge = format!("{{\"loss\": 0.5, \"s\": \"{}\"}}\n", "y".repeat(9_000_000));
    assert_eq!(printed(huge.as_bytes())[0].doubt, Some(Doubt::Long));
    assert_eq!(printed(&vec![b'x'; 9_000_000]), []);
}

/// Reads texts that would take hours if the parser read each byte again for every `{` before it.
#[test]
fn reading_time_grows_with_the_length_alone() {
    let times = 300_000;
    for piece in [
        "{\"a\":",
        "{\"",
        "{'",
        "{'a':",
        "{",
        "{ ",
        "{\"a\":[",
        "{\"a\":1}",
        "{\"a\":1},",
        "{\"a\":1} x ",
        "{\"a\\",
        "{a:",
        "[{\"a\":",
        "{\"a\":\"",
        "\"{",
        "{\"a\":{}},",
    ] {
        let blanks = " ".repeat(10 * times);
        for (head, tail) in [("", ""), ("x", "}"), ("{\"a\":[", ""), (&blanks, "")] {
            read(&format!("{head}{}{tail}", piece.repeat(times)));
        }
    }
    let names = (0..times).map(|n| format!("\"{n}\":1")).collect::<Vec<_>>().join(",");
    read(&format!("{{\"{}\":{{{names}}}}}", "k".repeat(times)));
}

/// Formats a number as Python's `json` module prints it.
fn number(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => Json::from(number).to_string(),
    }
}

/// Formats a text as Python's `json` module prints it. `ascii` is the module's option
/// `ensure_ascii`, which is true by default.
fn text(text: &str, ascii: bool) -> String {
    let escaped = |letter: char| letter.is_control() || (ascii && !letter.is_ascii());
    let mut out = String::new();
    for letter in json!(text).to_string().chars() {
        if escaped(letter) {
            let mut units = [0; 2];
            letter
                .encode_utf16(&mut units)
                .iter()
                .for_each(|unit| out += &format!("\\u{unit:04x}"));
        } else {
            out.push(letter);
        }
    }
    out
}

/// Formats a value as Python's `json` module prints it.
fn as_json(value: &Value, ascii: bool) -> String {
    match value {
        Value::F64(float) => number(*float),
        Value::Text(plain) => text(plain, ascii),
        other => record::json::to_json(other).to_string(),
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(Value::F64),
        prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]
            .prop_map(Value::F64),
        any::<i64>().prop_map(Value::I64),
        (1 << 63..=u64::MAX).prop_map(Value::U64),
        any::<bool>().prop_map(Value::Bool),
        any::<String>().prop_map(Value::Text),
    ]
}

/// Generates the text before a row. It has no random control characters, because loggers print none
/// and `clean` removes them.
fn around() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("INFO:root:".to_owned()),
        Just("2026-01-02 03:04:05,678 - train - INFO - ".to_owned()),
        Just("\r 50%|#####     | 5/10 [00:01<00:01, 4.9it/s]".to_owned()),
        Just("\x1b[32m[I 12:00]\x1b[0m ".to_owned()),
        "[^{\\p{Cc}]{0,20}",
    ]
}

proptest! {
    #[test]
    fn no_line_panics(line in ".{0,60}", tail in r#"[{}\[\]'":,\\ a-f0-9NI.e+-]{0,40}"#) {
        for piece in [line, format!("{{{tail}"), format!("{{\"a\":{tail}}}"), tail] {
            let _ = (read(&piece), Reader::default().read(&piece, 1));
        }
    }

    /// Any map of scalars that a program prints comes back unchanged, after text without `{` on the
    /// same line. The map passes through the reader of lines, the reader of rows, and frames.
    #[test]
    fn every_map_of_scalars_comes_back(
        values in vec(("[^.]{0,20}", value()), 1..8),
        (nested, ascii) in any::<(bool, bool)>(),
        before in around(),
        end in prop_oneof![
            Just("\n"),
            Just("\r\n"),
            Just(" \n"),
            Just("\r 60%|######\n"),
            Just("\x1b[0m\n"),
            Just(""),
        ],
        cut in any::<prop::sample::Index>(),
    ) {
        let mut map: Vec<(String, Value)> = Vec::new();
        for (key, value) in values {
            if key != "_step" && map.iter().all(|(known, _)| *known != key) {
                map.push((key, value));
            }
        }
        prop_assume!(!map.is_empty());
        let inner: Vec<String> = map
            .iter()
            .map(|(key, value)| format!("{}: {}", text(key, ascii), as_json(value, ascii)))
            .collect();
        let mut line = format!("{{{}}}", inner.join(", "));
        if nested {
            line = format!("{{\"val\": {line}}}");
            map.iter_mut().for_each(|(key, _)| *key = format!("val.{key}"));
        }
        let output = format!("{before}{line}{end}").into_bytes();
        let cut = cut.index(output.len());
        let (mut lines, mut reader, mut found) = (Lines::default(), Reader::default(), Vec::new());
        for bytes in [&output[..cut], &output[cut..]] {
            lines.push(bytes, |seen| if let Seen::Piece(text, beyond) = seen {
                found.push(reader.read(text, beyond))
            });
        }
        if lines.is_open() {
            lines.finish(|seen| if let Seen::Piece(text, beyond) = seen {
                found.push(reader.read(text, beyond))
            });
        }
        let rows: Vec<Row> = found
            .into_iter()
            .flat_map(|printed| printed.rows)
            .map(|row| Row { step: 0, wall_ms: 0, values: row.values })
            .collect();
        let mut frames = Vec::new();
        prop_assert_eq!(Writer::default().frame(&rows, &mut frames), 0);
        let back = record::rows(&frames).unwrap();
        prop_assert_eq!(back.len(), 1);
        // The test compares debug texts, which show every float exactly, because NaN is not equal
        // to itself.
        prop_assert_eq!(format!("{:?}", back[0].values), format!("{:?}", map));
    }
}
