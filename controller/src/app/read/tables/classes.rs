//! Reads the names of classes from the types of a table's columns, as W&B's client writes them. A
//! program may write anything there, so what has another form is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// The most bytes of the types of all columns that are read.
const BYTES: usize = 1 << 20;
/// The most groups of a table.
const GROUPS: usize = 1000;

/// The names of the classes in a group of boxes or masks on the images of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classes {
    /// The name of the column.
    pub(crate) column: String,
    /// The name of the boxes or masks on the images.
    pub(crate) group: String,
    /// The names, by the numbers of the classes.
    pub(crate) names: BTreeMap<String, String>,
}

/// Reads the names of classes in these columns from the text of the types.
pub(super) fn read(types: &str, columns: &[String]) -> Vec<Classes> {
    if types.len() > BYTES {
        return Vec::new();
    }
    let types: Json = serde_json::from_str(types).unwrap_or_default();
    let Some(map) = types.pointer("/params/type_map") else { return Vec::new() };
    let typed = columns.iter().filter_map(|column| Some((column, image(map.get(column)?)?)));
    typed.flat_map(|(column, image)| groups(column, image)).take(GROUPS).collect()
}

/// Returns what a type says about images; `None` if it allows none.
fn image(kind: &Json) -> Option<&Json> {
    let params = kind.get("params")?;
    if kind.get("wb_type").and_then(Json::as_str) == Some("image-file") {
        return Some(params);
    }
    // A column with empty cells allows several types.
    let allowed = params.get("allowed_types")?.as_array()?.iter();
    allowed.filter(|one| one["wb_type"] == "image-file").find_map(|one| one.get("params"))
}

/// Returns the names in each group. A class without a name in its group has that for all groups.
fn groups(column: &str, image: &Json) -> Vec<Classes> {
    let value = |part: &str| image.get(part).and_then(|part| part.pointer("/params/val"));
    let all = names(value("class_map"));
    let mut found = Vec::new();
    for kind in ["box", "mask"] {
        let told = value(&format!("{kind}_class_maps"));
        let layers = value(&format!("{kind}_layers"));
        let groups = [told, layers].into_iter().filter_map(|part| part?.as_object());
        let groups: BTreeSet<&String> = groups.flat_map(|part| part.keys()).collect();
        for group in groups {
            let mut names_here = all.clone();
            names_here.extend(names(told.and_then(|told| told.get(group))));
            let (column, group) = (column.to_owned(), group.clone());
            found.push(Classes { column, group, names: names_here });
        }
    }
    found
}

fn names(json: Option<&Json>) -> BTreeMap<String, String> {
    let pairs = json.and_then(Json::as_object).into_iter().flatten();
    pairs.filter_map(|(id, name)| Some((id.clone(), name.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_read_as_the_client_writes_them() {
        let held = |value: Json| json!({ "params": { "is_set": false, "val": value } });
        let params = json!({
            "box_class_maps": held(json!({ "found": { "1": "car" } })),
            "box_layers": held(json!({ "found": [1], "more": [0] })),
            "class_map": held(json!({ "0": "ground", "1": "road", "2": 3 })),
            "mask_class_maps": held(json!({ "truth": { "1": "lane" } })),
        });
        let image = json!({ "params": params, "wb_type": "image-file" });
        let allowed = json!({ "params": { "allowed_types": [{ "wb_type": "none" }, image] } });
        let map = json!({ "a": image, "b": allowed, "c": { "wb_type": "number" }, "d": 1 });
        let types = json!({ "params": { "type_map": map } }).to_string();
        let columns = ["c", "b", "none"].map(str::to_owned);
        let expected = [
            ("found", [("0", "ground"), ("1", "car")]),
            ("more", [("0", "ground"), ("1", "road")]),
            ("truth", [("0", "ground"), ("1", "lane")]),
        ];
        let expected = expected.map(|(group, names)| Classes {
            column: "b".to_owned(),
            group: group.to_owned(),
            names: names.map(|(id, name)| (id.to_owned(), name.to_owned())).into(),
        });
        assert_eq!(read(&types, &columns), expected);
        assert_eq!(read(&types, &["a".to_owned()]).len(), 3);
        for other in ["", "[]", r#"{"params": {"type_map": {"b": {"params": [1]}}}}"#] {
            assert_eq!(read(other, &columns), []);
        }
    }
}
