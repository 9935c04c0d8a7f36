//! Decides which JSON values count as the same value of a parameter. Every module that compares or
//! counts such values calls this module.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

/// The identity of a value, by the rules of W&B's grid. Integral floats equal integers, and the
/// order of an object's keys does not count. `true`, `1` and `"1"` are three different values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity<'a> {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number without a fraction, between -2^100 and 2^100.
    Whole(i128),
    /// Any other number, by its bits.
    Fraction(u64),
    /// Text.
    Text(&'a str),
    /// A list or an object in a canonical spelling.
    Nested(String),
}

impl<'a> Identity<'a> {
    /// Returns the identity of a value.
    pub(crate) fn of(value: &'a Value) -> Identity<'a> {
        match value {
            Value::Null => Identity::Null,
            Value::Bool(value) => Identity::Bool(*value),
            Value::Number(number) => Identity::of_number(number),
            Value::String(text) => Identity::Text(text),
            Value::Array(_) | Value::Object(_) => {
                let mut spelling = String::new();
                spell(value, &mut spelling);
                Identity::Nested(spelling)
            }
        }
    }

    fn of_number(number: &Number) -> Identity<'static> {
        if let Some(whole) = number.as_i128() {
            return Identity::Whole(whole);
        }
        let x = number.as_f64().unwrap_or(f64::NAN);
        // A double represents 2^100 exactly, and 2^100 is above every integer that the JSON parser
        // returns.
        if x.fract() == 0.0 && x.abs() < (1_u128 << 100) as f64 {
            Identity::Whole(x as i128)
        } else {
            Identity::Fraction(x.to_bits())
        }
    }
}

/// Writes a value so that two values have the same spelling exactly if they have the same identity.
fn spell(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                spell(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, item) in entries {
                *out += &format!("{key:?}:");
                spell(item, out);
                out.push(',');
            }
            out.push('}');
        }
        scalar => *out += &format!("{:?}", Identity::of(scalar)),
    }
}

/// Returns, in ascending order, the indices of the values that differ from every earlier value.
pub(crate) fn distinct(values: &[Value]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    (0..values.len()).filter(|&index| seen.insert(Identity::of(&values[index]))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn identity_folds_integral_floats_and_nothing_else() {
        let values: Vec<Value> = vec![
            json!(1),
            json!(1.0),
            json!(true),
            json!("1"),
            json!(null),
            json!("null"),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!([1, 2]),
            json!([1.0, 2]),
            json!({"a": 1, "b": 2}),
            json!({"b": 2, "a": 1.0}),
            json!("[1, 2]"),
            json!(false),
            json!(0),
            json!(-0.0),
            json!(""),
        ];
        assert_eq!(distinct(&values), [0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 17]);
    }
}
