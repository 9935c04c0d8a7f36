//! Reads JSON as Python's `json` module writes it: with the bare words NaN, Infinity and -Infinity.
//! Turns such JSON into the values of a row. W&B's client writes everything so; the controller and
//! `sweep import` read it.

use serde_json::{Map, Value as Json};

use crate::{Value, json};

/// The key that names the type of a JSON object.
const TYPE: &str = "_type";
/// The bare words of Python's JSON.
const WORDS: [(&str, f64); 3] =
    [("NaN", f64::NAN), ("-Infinity", f64::NEG_INFINITY), ("Infinity", f64::INFINITY)];
/// The first character of the text that stands for a bare word after parsing. A program that logs a
/// text of this character and one of the words gets a number; no program is known to do so.
const MARK: char = '\0';

/// JSON in which marked texts stand for numbers that are not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed(Json);

/// Parses one JSON value. Returns `None` if the text is not JSON of this kind.
pub fn parse(text: &str) -> Option<Parsed> {
    // A text without bare words is the usual case, and plain JSON.
    let plain = serde_json::from_str(text);
    plain.or_else(|_| serde_json::from_str(&replaced(text, "\\u0000"))).ok().map(Parsed)
}

/// Returns plain JSON, in which a number that is not finite is a text: `NaN`, `Infinity` or
/// `-Infinity`. Unlike [`parse`], this function keeps no values, so it suits texts of many
/// megabytes. If the text is not JSON of this kind, then the result is not plain JSON.
pub fn plain(text: &str) -> String {
    replaced(text, "")
}

impl Parsed {
    /// Returns plain JSON, in which a number that is not finite is a text: `NaN`, `Infinity` or
    /// `-Infinity`.
    pub fn into_json(self) -> Json {
        let mut json = self.0;
        unmark(&mut json);
        json
    }

    /// Returns the value of a scalar; `None` for null, lists and objects.
    pub fn scalar(&self) -> Option<Value> {
        scalar(&self.0)
    }

    /// Returns the values of an object, in the order of its keys; `None` if it is no object. The
    /// keys of nested objects are joined with dots. An object with a `_type`, such as an image,
    /// becomes one JSON value, and so does a list. A null has no value.
    pub fn into_values(self) -> Option<Vec<(String, Value)>> {
        let Json::Object(object) = self.0 else { return None };
        let mut values = Vec::with_capacity(object.len());
        spread(object, &mut values);
        Some(values)
    }

    /// Takes the scalar at this key out of an object.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        let taken = self.0.as_object_mut()?.shift_remove(key)?;
        scalar(&taken)
    }
}

/// Adds the values of an object.
fn spread(object: Map<String, Json>, values: &mut Vec<(String, Value)>) {
    for (key, mut json) in object {
        if let Some(value) = scalar(&json) {
            values.push((key, value));
            continue;
        }
        match json {
            Json::Object(inner) if !inner.contains_key(TYPE) => {
                let at = values.len();
                spread(inner, values);
                for (inner, _) in &mut values[at..] {
                    *inner = format!("{key}.{inner}");
                }
            }
            Json::Object(_) | Json::Array(_) => {
                unmark(&mut json);
                values.push((key, Value::Json(json.to_string())));
            }
            // The scalars were handled above.
            _ => {}
        }
    }
}

fn scalar(json: &Json) -> Option<Value> {
    let word = json.as_str().and_then(word);
    word.map(|(_, number)| Value::F64(number)).or_else(|| json::from_json(json))
}

/// Returns the bare word that a text stands for; `None` for an ordinary text.
fn word(text: &str) -> Option<(&'static str, f64)> {
    let word = text.strip_prefix(MARK)?;
    WORDS.into_iter().find(|(name, _)| *name == word)
}

fn unmark(json: &mut Json) {
    match json {
        Json::String(text) => {
            if let Some((word, _)) = word(text) {
                *text = word.to_owned();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(unmark),
        Json::Object(object) => object.values_mut().for_each(unmark),
        _ => {}
    }
}

/// Replaces the bare words by texts that begin with this mark.
fn replaced(text: &str, mark: &str) -> String {
    let (mut out, mut rest, mut inside) = (String::with_capacity(text.len() + 32), text, false);
    while let Some(letter) = rest.chars().next() {
        let word = WORDS.iter().find(|(word, _)| !inside && rest.starts_with(word));
        let taken = match (word, letter) {
            (Some((word, _)), _) => {
                out.push('"');
                out.push_str(mark);
                out.push_str(word);
                out.push('"');
                word.len()
            }
            (None, '\\') if inside => {
                let taken = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..taken]);
                taken
            }
            (None, letter) => {
                inside ^= letter == '"';
                out.push(letter);
                letter.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_becomes_the_values_of_a_row() {
        let line = r#"{"loss": NaN, "n": 3, "big": 18446744073709551615, "ok": true, "none": null,
            "word": "NaN", "val": {"acc": 0.5, "deep": {"x": -Infinity}}, "list": [1, NaN],
            "image": {"_type": "image-file", "sizes": [Infinity]}, "empty": {}}"#;
        let values = parse(line).unwrap().into_values().unwrap();
        let text = |text: &str| Value::Text(text.to_owned());
        let expected = [
            ("loss", Value::F64(f64::NAN)),
            ("n", Value::I64(3)),
            ("big", Value::U64(u64::MAX)),
            ("ok", Value::Bool(true)),
            ("word", text("NaN")),
            ("val.acc", Value::F64(0.5)),
            ("val.deep.x", Value::F64(f64::NEG_INFINITY)),
            ("list", Value::Json(r#"[1,"NaN"]"#.to_owned())),
            ("image", Value::Json(r#"{"_type":"image-file","sizes":["Infinity"]}"#.to_owned())),
        ];
        assert_eq!(
            format!("{values:?}"),
            format!("{:?}", expected.map(|(k, v)| (k.to_owned(), v)))
        );
    }

    #[test]
    fn bare_words_are_numbers_and_become_texts_in_plain_json() {
        for (text, number) in WORDS {
            let Some(Value::F64(value)) = parse(text).unwrap().scalar() else { panic!("{text}") };
            assert_eq!(value.to_bits(), number.to_bits());
            assert_eq!(parse(text).unwrap().into_json(), json!(text));
            assert_eq!(plain(text), json!(text).to_string());
        }
        for wrong in ["", "{", "nan", "NaNa", "[NaN", "{\"a\": Nan}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        let mut line = parse(r#"{"_step": 7, "x": {"y": 1}}"#).unwrap();
        assert_eq!(line.take("_step"), Some(Value::I64(7)));
        assert_eq!((line.take("_step"), line.take("x")), (None, None));
    }

    proptest! {
        #[test]
        fn texts_with_words_stay_as_they_are(text in "(NaN|Infinity|[\"\\\\a{,é])*") {
            let line = format!("{{\"word\": NaN, \"text\": {}}}", json!(text));
            let values = parse(&line).unwrap().into_values().unwrap();
            prop_assert_eq!(&values[1].1, &Value::Text(text));
        }
    }
}
