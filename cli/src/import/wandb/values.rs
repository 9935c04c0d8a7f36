//! Converts the items of W&B's records to values: flattens nested maps to keys such as `val.acc`
//! and joins the parts of each media object into one JSON value. The conversion only counts losses;
//! it accesses no file.

use record::Value;
use serde_json::{Map, Value as Json};

use super::message::Item;
use crate::import::source::Losses;

/// The key that names the type of a JSON object.
const TYPE: &str = "_type";

/// One value at the end of a path.
enum Leaf {
    Scalar(Value),
    /// A list or null.
    Json(Json),
}

impl Leaf {
    fn json(self) -> Json {
        match self {
            Self::Scalar(value) => record::json::to_json(&value),
            Self::Json(json) => json,
        }
    }
}

/// Returns the flat keys and the values of these items, in the order of the items. An object with a
/// `_type` becomes one JSON value, and a list becomes text. A null (`None` in Python) counts as a
/// loss.
pub(super) fn values(items: &[Item], losses: &mut Losses) -> Vec<(String, Value)> {
    let leaves = leaves(items, losses);
    let typed: Vec<Vec<String>> = leaves
        .iter()
        .filter(|(path, leaf)| {
            path.last().is_some_and(|last| last == TYPE)
                && matches!(leaf, Leaf::Scalar(Value::Text(_)))
        })
        .map(|(path, _)| path[..path.len() - 1].to_vec())
        .filter(|path| !path.is_empty())
        .collect();
    let mut values: Vec<(String, Value)> = Vec::new();
    let mut objects: Vec<(usize, &[String], Map<String, Json>)> = Vec::new();
    for (path, leaf) in leaves {
        // A leaf belongs to its outermost object: an image inside a table's description is part of
        // the table.
        let around = typed
            .iter()
            .filter(|prefix| path.starts_with(prefix))
            .min_by_key(|prefix| prefix.len());
        if let Some(prefix) = around {
            let at =
                objects.iter().position(|(_, known, _)| known == prefix).unwrap_or_else(|| {
                    values.push((prefix.join("."), Value::Json(String::new())));
                    objects.push((values.len() - 1, prefix, Map::new()));
                    objects.len() - 1
                });
            insert(&mut objects[at].2, &path[prefix.len()..], leaf.json());
            continue;
        }
        match leaf {
            Leaf::Scalar(value) => values.push((path.join("."), value)),
            Leaf::Json(Json::Null) => losses.skip("value of nothing"),
            Leaf::Json(json) => values.push((path.join("."), Value::Text(json.to_string()))),
        }
    }
    for (at, _, object) in objects {
        values[at].1 = Value::Json(Json::Object(object).to_string());
    }
    values
}

/// Applies changes to a config. The keys of a path lead through nested objects.
pub(super) fn apply(config: &mut Map<String, Json>, items: &[Item], losses: &mut Losses) {
    for (path, leaf) in leaves(items, losses) {
        insert(config, &path, leaf.json());
    }
}

/// Removes paths from a config.
pub(super) fn remove(config: &mut Map<String, Json>, items: &[Item]) {
    for item in items {
        let path = path(item);
        let Some((last, inner)) = path.split_last() else { continue };
        let inner =
            inner.iter().try_fold(&mut *config, |object, key| object.get_mut(key)?.as_object_mut());
        inner.and_then(|object| object.shift_remove(last));
    }
}

/// Returns the keys that lead to the item, at least one.
pub(super) fn path(item: &Item) -> Vec<String> {
    if item.path.is_empty() { vec![item.key.clone()] } else { item.path.clone() }
}

fn insert(object: &mut Map<String, Json>, path: &[String], value: Json) {
    match path {
        [] => {}
        [last] => drop(object.insert(last.clone(), value)),
        [first, rest @ ..] => {
            let inner = object.entry(first.clone()).or_insert_with(|| Json::Object(Map::new()));
            if !inner.is_object() {
                *inner = Json::Object(Map::new());
            }
            if let Json::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Returns all leaves of the items with their paths. Counts an item that is not JSON as a loss.
fn leaves(items: &[Item], losses: &mut Losses) -> Vec<(Vec<String>, Leaf)> {
    let mut found = Vec::new();
    for item in items {
        let text = item.json.as_deref().unwrap_or(&item.value_json);
        let leaf = match (item.flag, item.whole, item.number, &item.text) {
            (Some(flag), ..) => Leaf::Scalar(Value::Bool(flag)),
            (_, Some(whole), ..) => Leaf::Scalar(Value::I64(whole)),
            (_, _, Some(number), _) => Leaf::Scalar(Value::F64(number)),
            (.., Some(text)) => Leaf::Scalar(Value::Text(text.clone())),
            _ if text.is_empty() => Leaf::Json(Json::Null),
            _ => match parse(text) {
                Some(leaf) => leaf,
                None => {
                    losses.skip("damaged value");
                    continue;
                }
            },
        };
        spread(path(item), leaf, &mut found);
    }
    found
}

fn spread(path: Vec<String>, leaf: Leaf, found: &mut Vec<(Vec<String>, Leaf)>) {
    match leaf {
        Leaf::Json(Json::Object(object)) => {
            for (key, value) in object {
                let leaf = record::json::from_json(&value).map_or(Leaf::Json(value), Leaf::Scalar);
                spread(path.iter().cloned().chain([key]).collect(), leaf, found);
            }
        }
        leaf => found.push((path, leaf)),
    }
}

/// Parses JSON as Python writes it. Inside lists and maps, a number that is not finite is a text,
/// as in all of Besom's JSON.
fn parse(text: &str) -> Option<Leaf> {
    let parsed = record::python::parse(text)?;
    Some(parsed.scalar().map_or_else(|| Leaf::Json(parsed.into_json()), Leaf::Scalar))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(path: &[&str], json: &str) -> Item {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Item { path, value_json: json.to_owned(), ..Item::default() }
    }

    #[test]
    fn items_become_values_of_rows() {
        let mut losses = Losses::default();
        let items = [
            item(&["loss"], "-Infinity"),
            item(&["h", "bins"], "[1,2]"),
            item(&["n"], "3"),
            item(&["h", "_type"], "\"histogram\""),
            item(&["val", "acc"], "0.5"),
            item(&["list"], "[1, NaN, \"NaN \\\" NaN\"]"),
            item(&["none"], "null"),
            item(&["map"], r#"{"a": {"b": true}, "image": {"_type": "image-file", "size": 3}}"#),
            item(&["broken"], "{"),
        ];
        let values = values(&items, &mut losses);
        let text = |text: &str| Value::Text(text.to_owned());
        let json = |text: &str| Value::Json(text.to_owned());
        let expected = [
            ("loss", Value::F64(f64::NEG_INFINITY)),
            ("h", json(r#"{"bins":[1,2],"_type":"histogram"}"#)),
            ("n", Value::I64(3)),
            ("val.acc", Value::F64(0.5)),
            ("list", text(r#"[1,"NaN","NaN \" NaN"]"#)),
            ("map.a.b", Value::Bool(true)),
            ("map.image", json(r#"{"_type":"image-file","size":3}"#)),
        ];
        assert_eq!(values, expected.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!(
            losses.skipped.into_iter().collect::<Vec<_>>(),
            [("damaged value", 1), ("value of nothing", 1)]
        );
    }

    #[test]
    fn newer_items_have_types() {
        let of =
            |item: Item| values(&[Item { key: "k".to_owned(), ..item }], &mut Losses::default());
        let is = |value| vec![("k".to_owned(), value)];
        assert_eq!(of(Item { whole: Some(0), ..Item::default() }), is(Value::I64(0)));
        assert_eq!(of(Item { flag: Some(false), ..Item::default() }), is(Value::Bool(false)));
        assert_eq!(
            of(Item { text: Some("x".to_owned()), ..Item::default() }),
            is(Value::Text("x".to_owned()))
        );
    }

    #[test]
    fn changes_of_a_config_follow_nested_paths() {
        let mut config = Map::new();
        apply(
            &mut config,
            &[item(&["opt"], r#"{"lr": 0.1}"#), item(&["opt", "name"], "\"adam\"")],
            &mut Losses::default(),
        );
        remove(&mut config, &[item(&["opt", "lr"], ""), item(&["nonesuch", "x"], "")]);
        assert_eq!(Json::Object(config).to_string(), r#"{"opt":{"name":"adam"}}"#);
    }
}
