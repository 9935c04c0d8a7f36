//! One point of a space: a value for each of its parameters. Made by `search`, stored as JSON with the trial.
//! Never knows how the point came about.

use serde_json::{Map, Value};

use crate::space::Space;

/// A value for each parameter of a space, in the space's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// As many as the space has parameters.
    pub values: Vec<Value>,
}

impl Point {
    /// The point as a trial's program receives it: one object, nested as in the YAML.
    pub fn to_json(&self, space: &Space) -> Value {
        let mut root = Map::new();
        for (parameter, value) in space.parameters.iter().zip(&self.values) {
            let (leaf, groups) = parameter.path.split_last().expect("a path has at least one key");
            let mut map = &mut root;
            for group in groups {
                map = map
                    .entry(group.clone())
                    .or_insert_with(|| Value::Object(Map::new()))
                    .as_object_mut()
                    .expect("config refuses a parameter that is a group and a leaf");
            }
            map.insert(leaf.clone(), value.clone());
        }
        Value::Object(root)
    }

    /// The inverse of [`Point::to_json`]; `None` when a parameter of the space is missing.
    pub fn from_json(space: &Space, json: &Value) -> Option<Point> {
        let leaf = |path: &[String]| path.iter().try_fold(json, |at, key| at.get(key)).cloned();
        let values = space.parameters.iter().map(|p| leaf(&p.path)).collect::<Option<Vec<_>>>()?;
        Some(Point { values })
    }
}
