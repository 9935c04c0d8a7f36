//! Chooses a few values of a run's config and summary, so that a table of runs carries no whole
//! configs. `api::web` calls this module. It does no I/O.

use record::json;
use serde_json::{Map, Value as Json};

use super::{filter::Name, path, views::RunView};

/// Returns the values of the config and of the summary under these names, or everything if there
/// are no names. Names of fields play no role.
pub(crate) fn chosen(view: &RunView, names: &[Name]) -> (Map<String, Json>, Map<String, Json>) {
    let (mut config, mut summary) = (Map::new(), Map::new());
    let texts = [&view.run.config, &view.about.added];
    if names.is_empty() {
        let mut whole = Json::Object(Map::new());
        for text in texts {
            if let Ok(part @ Json::Object(_)) = serde_json::from_str(text) {
                json::overlay(&mut whole, part);
            }
        }
        let summary = serde_json::from_str(&view.summary_json).unwrap_or_default();
        return (whole.as_object().cloned().unwrap_or_default(), summary);
    }
    for name in names {
        match name {
            Name::Config(key) => {
                let value = texts.iter().find_map(|text| path::value(text, key));
                config.extend(value.map(|value| (key.clone(), json::to_json(&value))));
            }
            Name::Summary(key) => {
                let value = path::value(&view.summary_json, key);
                summary.extend(value.map(|value| (key.clone(), json::to_json(&value))));
            }
            Name::Field(_) => {}
        }
    }
    (config, summary)
}
