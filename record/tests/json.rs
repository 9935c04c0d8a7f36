//! Rows that programs print, and values as JSON.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use record::{
    Value,
    json::{from_json, row_from_line, to_json},
};
use serde_json::json;

fn pairs(values: &[(&str, Value)]) -> Vec<(String, Value)> {
    values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

#[test]
fn an_object_of_scalars_is_a_row() {
    let line =
        r#"  {"_step": 7, "val/loss": 0.25, "n":3,"ok" : true, "what":"a \"b\" \u00e4", "none": null}  "#;
    let want = [
        ("val/loss", Value::F64(0.25)),
        ("n", Value::I64(3)),
        ("ok", Value::Bool(true)),
        ("what", Value::Text("a \"b\" ä".to_owned())),
    ];
    assert_eq!(row_from_line(line).unwrap(), (Some(7), pairs(&want)));
}

#[test]
fn python_prints_numbers_that_json_has_not() {
    let (step, values) =
        row_from_line(r#"{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e-05, "e": 1E+16}"#).unwrap();
    assert_eq!(step, None);
    assert!(matches!(values[0].1, Value::F64(number) if number.is_nan()));
    let want = [("b", f64::INFINITY), ("c", f64::NEG_INFINITY), ("d", 1e-5), ("e", 1e16)];
    assert_eq!(values[1..], pairs(&want.map(|(key, number)| (key, Value::F64(number)))));
}

#[test]
fn other_lines_are_no_rows() {
    let lines = [
        "",
        "{",
        "{}",
        "}",
        "epoch 1: loss 0.5",
        "[1]",
        "1",
        r#"{"a": "x"}"#,
        r#"{"a": true}"#,
        r#"{"_step": 1}"#,
        r#"{"a": {"b": 1}}"#,
        r#"{"a": [1]}"#,
        r#"{"a": 1} x"#,
        r#"{"a": 1}}"#,
        r#"{"a": 1,}"#,
        r#"{a: 1}"#,
        r#"{"a" 1}"#,
        r#"{"a": 01}"#,
        r#"{"a": +1}"#,
        r#"{"a": .5}"#,
        r#"{"a": 1.}"#,
        r#"{"a": nan}"#,
        r#"{"a": 1"#,
        r#"{"a": -NaN}"#,
        r#"{"a": "\x"  , "b": 1}"#,
        r#"{"a": 1 2}"#,
        r#"{"a": }"#,
        r#"{'a': 1}"#,
    ];
    for line in lines {
        assert_eq!(row_from_line(line), None, "{line}");
    }
    assert_eq!(row_from_line(&format!(r#"{{"{}": 1}}"#, "k".repeat(record::MAX_KEY_BYTES + 1))), None);
}

#[test]
fn steps_keys_and_large_numbers() {
    assert_eq!(row_from_line(r#"{"_step": 3.0, "a": 1}"#).unwrap().0, Some(3));
    assert_eq!(
        row_from_line(r#"{"_step": -1, "a": 1}"#).unwrap(),
        (None, pairs(&[("_step", Value::I64(-1)), ("a", Value::I64(1))]))
    );
    assert_eq!(
        row_from_line(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap().1,
        pairs(&[("a", Value::I64(3)), ("b", Value::I64(2))])
    );
    let (_, values) = row_from_line(r#"{"a": 9223372036854775807, "b": 9223372036854775808}"#).unwrap();
    assert_eq!(values, pairs(&[("a", Value::I64(i64::MAX)), ("b", Value::F64(9_223_372_036_854_775_808.0))]));
}

#[test]
fn values_as_json() {
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0];
    let printed: Vec<_> = floats.iter().map(|number| to_json(&Value::F64(*number)).to_string()).collect();
    assert_eq!(printed, ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "1.0"]);
    for json in [json!(null), json!([1]), json!({"a": 1})] {
        assert_eq!(from_json(&json), None);
    }
}

proptest! {
    #[test]
    fn no_line_panics(line in ".{0,60}", tail in r#"[{}":,\\ a-f0-9NI.e+-]{0,40}"#) {
        let _ = (row_from_line(&line), row_from_line(&format!("{{{tail}")), row_from_line(&format!("{{\"a\":{tail}}}")));
    }

    #[test]
    fn what_serde_json_prints_is_read_as_it_was(number: f64, whole: i64, text in ".{0,30}", flag: bool, key in ".{1,20}") {
        prop_assume!(number.is_finite() && key != "_step" && key != "t");
        let want = [("t", Value::Text(text)), ("i", Value::I64(whole)), ("b", Value::Bool(flag)), (&key, Value::F64(number))];
        prop_assume!(key != "i" && key != "b");
        let object: serde_json::Map<_, _> = want.iter().map(|(key, value)| ((*key).to_owned(), to_json(value))).collect();
        let (step, values) = row_from_line(&serde_json::Value::Object(object).to_string()).unwrap();
        prop_assert_eq!((step, values), (None, pairs(&want)));
    }
}
