//! Reads what W&B's client keeps about itself in the config of a run, under the key `_wandb`: the
//! custom charts, and the names of the classes of boxes and masks. A program may write anything
//! there, so what has another form is left out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// What stands between the key of an image and the name of its boxes or masks.
const BETWEEN: &str = "_wandb_delimeter_";
/// The most charts, and the most lists of classes.
const MOST: usize = 1000;

/// A chart of a logged table.
#[derive(Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct CustomChart {
    /// The key under which the program logged the chart.
    key: String,
    /// The key under which the history has the chart's table.
    table: String,
    /// The name of the chart's kind, such as `wandb/line/v0`.
    kind: String,
    /// The columns of the table, by the names that the chart's kind has for them.
    fields: BTreeMap<String, String>,
    /// Texts, such as the title.
    texts: BTreeMap<String, String>,
}

/// The names of the classes in a group of boxes or masks.
#[derive(Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct ClassNames {
    /// The key of the images, or the name of their column in a table.
    pub(super) key: String,
    /// The name of the boxes or masks on the images.
    pub(super) group: String,
    /// The names, by the numbers of the classes.
    pub(super) names: BTreeMap<String, String>,
}

/// Reads the custom charts.
pub(super) fn charts(client: &Map<String, Json>) -> Vec<CustomChart> {
    let shown = client.get("visualize").and_then(Json::as_object).into_iter().flatten();
    let chart = |(key, chart): (&String, &Json)| {
        let config = chart.get("panel_config")?;
        let queries = config.pointer("/userQuery/queryFields")?.as_array()?;
        let fields = queries.iter().filter_map(|query| query.get("fields")?.as_array()).flatten();
        let tables = fields.filter(|field| text(field, "name") == "summaryTable");
        let arguments = tables.filter_map(|field| field.get("args")?.as_array()).flatten();
        let mut named = arguments.filter(|argument| text(argument, "name") == "tableKey");
        Some(CustomChart {
            key: key.clone(),
            table: text(named.next()?, "value").to_owned(),
            kind: text(config, "panelDefId").to_owned(),
            fields: texts(config.get("fieldSettings")),
            texts: texts(config.get("stringSettings")),
        })
    };
    shown.filter_map(chart).take(MOST).collect()
}

/// Reads the names of classes.
pub(super) fn classes(client: &Map<String, Json>) -> Vec<ClassNames> {
    let kinds = ["bounding_box/class_labels", "mask/class_labels"].into_iter();
    let told = kinds.filter_map(|kind| client.get(kind)?.as_object()).flatten();
    let one = |(key, told): (&String, &Json)| {
        let (key, group) = key.split_once(BETWEEN)?;
        let names = texts(told.get("value"));
        Some(ClassNames { key: key.to_owned(), group: group.to_owned(), names })
    };
    told.filter_map(one).take(MOST).collect()
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).and_then(Json::as_str).unwrap_or_default()
}

/// Reads the texts of an object. Numbers become texts.
fn texts(json: Option<&Json>) -> BTreeMap<String, String> {
    let pairs = json.and_then(Json::as_object).into_iter().flatten();
    let text = |(key, value): (&String, &Json)| match value {
        Json::String(text) => Some((key.clone(), text.clone())),
        Json::Number(number) => Some((key.clone(), number.to_string())),
        _ => None,
    };
    pairs.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(json: Json) -> Map<String, Json> {
        serde_json::from_value(json).unwrap()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn charts_are_read_as_the_client_writes_them() {
        let arguments = json!([{ "name": "tableKey", "value": "roc_table" }]);
        let table = json!({ "name": "summaryTable", "args": arguments, "fields": [] });
        let query = json!({ "name": "runSets", "fields": [{ "name": "id", "fields": [] }, table] });
        let config = json!({
            "panelDefId": "wandb/area-under-curve/v0",
            "fieldSettings": { "x": "fpr", "y": "tpr", "stroke": null },
            "stringSettings": { "title": "ROC" },
            "userQuery": { "queryFields": [query] },
        });
        let shown = json!({ "roc": { "panel_type": "Vega2", "panel_config": config }, "x": 1 });
        let found = charts(&client(json!({ "visualize": shown })));
        let chart = CustomChart {
            key: "roc".to_owned(),
            table: "roc_table".to_owned(),
            kind: "wandb/area-under-curve/v0".to_owned(),
            fields: map(&[("x", "fpr"), ("y", "tpr")]),
            texts: map(&[("title", "ROC")]),
        };
        assert_eq!(found, [chart]);
        for other in [json!({}), json!({ "visualize": [1] }), json!({ "visualize": { "a": {} } })] {
            assert_eq!(charts(&client(other)), []);
        }
    }

    #[test]
    fn classes_are_read_as_the_client_writes_them() {
        let value = json!({ "value": { "0": "road", "7": "car", "8": ["x"] } });
        let told = json!({ "street_wandb_delimeter_truth": value, "other": value });
        let found = classes(&client(json!({ "mask/class_labels": told })));
        let names = map(&[("0", "road"), ("7", "car")]);
        let (key, group) = ("street".to_owned(), "truth".to_owned());
        assert_eq!(found, [ClassNames { key, group, names }]);
        assert_eq!(classes(&client(json!({ "bounding_box/class_labels": 3 }))), []);
    }
}
