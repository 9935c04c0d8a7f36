//! Tests the conversion between values and JSON.

#![allow(clippy::unwrap_used)]

use record::{
    Value,
    json::{from_json, to_json},
};
use serde_json::json;

#[test]
fn values_convert_to_json() {
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0];
    let printed: Vec<_> =
        floats.iter().map(|number| to_json(&Value::F64(*number)).to_string()).collect();
    assert_eq!(printed, ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "1.0"]);
    for json in [json!(null), json!([1]), json!({"a": 1})] {
        assert_eq!(from_json(&json), None);
    }
}

#[test]
fn whole_numbers_of_64_bits_are_exact() {
    for (text, value) in [
        ("9007199254740993", Value::I64(9_007_199_254_740_993)),
        ("-9223372036854775808", Value::I64(i64::MIN)),
        ("9223372036854775808", Value::U64(9_223_372_036_854_775_808)),
        ("18446744073709551615", Value::U64(u64::MAX)),
    ] {
        assert_eq!(from_json(&serde_json::from_str(text).unwrap()), Some(value.clone()));
        assert_eq!(to_json(&value).to_string(), text);
    }
    let beyond = serde_json::from_str("18446744073709551616").unwrap();
    assert_eq!(from_json(&beyond), Some(Value::F64(18_446_744_073_709_551_616.0)));
}
