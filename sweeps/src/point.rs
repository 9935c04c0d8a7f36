//! Represents one point of a space: a value for each of its parameters. `search` makes points, and
//! the controller stores them as JSON with their trials. A point never records how it was chosen.
//! A wanted point is one that people bring, perhaps without some of the values.

use serde_json::{Map, Value};

use crate::space::{Distribution, Parameter, Space};

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
        let active = space.active(&self.values);
        let all = space.parameters.iter().zip(&self.values).zip(active);
        nested(all.filter_map(|(pair, active)| active.then_some(pair)))
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

/// A point that people want tried: the values that they give. The method chooses the other values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// One entry per parameter of the space, in the space's order; `None` if no value is given.
    /// Each value is one that the parameter can have, and belongs to an active parameter.
    pub values: Vec<Option<Value>>,
}

impl Wanted {
    /// Returns the given values as one object, nested as in the YAML.
    pub fn to_json(&self, space: &Space) -> Value {
        let all = space.parameters.iter().zip(&self.values);
        nested(all.filter_map(|(parameter, value)| Some((parameter, value.as_ref()?))))
    }

    /// Inverts [`Wanted::to_json`].
    pub fn from_json(space: &Space, json: &Value) -> Wanted {
        let leaf = |parameter: &Parameter| {
            parameter.path.iter().try_fold(json, |at, key| at.get(key)).cloned()
        };
        Wanted { values: space.parameters.iter().map(leaf).collect() }
    }

    /// Returns the given value of a parameter, or that of a constant.
    pub(crate) fn value<'a>(&'a self, space: &'a Space, index: usize) -> Option<&'a Value> {
        match (self.values.get(index), space.parameters.get(index)) {
            (Some(Some(value)), _) => Some(value),
            (_, Some(Parameter { distribution: Distribution::Constant(value), .. })) => Some(value),
            _ => None,
        }
    }

    /// Returns the point, if every active parameter that varies is given.
    pub fn whole(&self, space: &Space) -> Option<Point> {
        let value = |index: usize| self.value(space, index);
        let settled = |index: usize| match space.is_active(index, value) {
            true => value(index).cloned(),
            false => Some(space.parameters[index].distribution.canonical()),
        };
        let values = (0..space.parameters.len()).map(settled).collect::<Option<Vec<_>>>()?;
        Some(Point { values })
    }

    /// Returns the point that has the given values, and `others` for all other parameters.
    pub(crate) fn completed(&self, space: &Space, others: Vec<Value>) -> Point {
        let given = self.values.iter().cloned().chain(std::iter::repeat(None));
        let mut values: Vec<Value> =
            given.zip(others).map(|(given, other)| given.unwrap_or(other)).collect();
        space.settle(&mut values);
        Point { values }
    }
}

/// Returns one object with these values, nested as in the YAML.
fn nested<'a>(values: impl Iterator<Item = (&'a Parameter, &'a Value)>) -> Value {
    let mut root = Map::new();
    for (parameter, value) in values {
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
