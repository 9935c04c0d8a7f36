//! Represents one point of a space: a value for each of its parameters. `search` makes points, and
//! the controller stores them as JSON with their trials. A point never records how it was chosen.

use serde_json::{Map, Value};

use crate::space::Space;

/// A value for each parameter of a space, in the space's order. Inactive parameters hold their
/// canonical values ([`Space::settle`]), so two points are equal if their active values are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// One value per parameter of the space.
    pub values: Vec<Value>,
}

impl Point {
    /// Returns the point as a trial's program receives it: one object, nested as in the YAML,
    /// without the inactive parameters.
    pub fn to_json(&self, space: &Space) -> Value {
        let mut root = Map::new();
        let active = space.active(&self.values);
        let all = space.parameters.iter().zip(&self.values).zip(active);
        for (parameter, value) in all.filter_map(|(pair, active)| active.then_some(pair)) {
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

    /// Inverts [`Point::to_json`]. Returns `None` if an active parameter is missing. An inactive
    /// parameter gets its canonical value, whatever the JSON says.
    pub fn from_json(space: &Space, json: &Value) -> Option<Point> {
        let leaf = |index: usize| {
            space.parameters[index].path.iter().try_fold(json, |at, key| at.get(key))
        };
        let value = |index: usize| match space.is_active(index, leaf) {
            true => leaf(index).cloned(),
            false => Some(space.parameters[index].distribution.canonical()),
        };
        let values = (0..space.parameters.len()).map(value).collect::<Option<Vec<_>>>()?;
        Some(Point { values })
    }
}
