//! Keeps what people change about the summaries of runs beside what the programs logged. So readers
//! show the person's value, and the program's value stays. `app::runs::edit` writes the changes,
//! and `app::read` lays them over the summaries. The search and early stopping never see them. This
//! module does no I/O.

use record::Value;
use serde_json::{Map, Value as Json, json};

use crate::{
    app::{error::Error, read::path},
    settings::PageLimits,
};

/// A value of a summary that a person has set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edited {
    /// The key of the summary.
    pub(crate) key: String,
    /// The person's value.
    pub(crate) value: Json,
    /// Who set the value.
    pub(crate) who: String,
    /// When it was set, in milliseconds since the epoch.
    pub(crate) at_ms: i64,
}

fn object(stored: &str) -> Option<Map<String, Json>> {
    // The only JSON object of at most 2 bytes is the empty one.
    if stored.len() <= 2 { None } else { serde_json::from_str(stored).ok() }
}

/// Returns the changes in the stored text.
pub(in crate::app) fn all(stored: &str) -> Vec<Edited> {
    let changes = object(stored).unwrap_or_default().into_iter().map(|(key, mut change)| Edited {
        key,
        value: change["value"].take(),
        who: change["who"].as_str().unwrap_or_default().to_owned(),
        at_ms: change["at_ms"].as_i64().unwrap_or_default(),
    });
    changes.collect()
}

/// Returns the person's value of a key; `None` if nobody has set one.
pub(in crate::app) fn value(stored: &str, key: &str) -> Option<Value> {
    path::json_value(object(stored)?.get(key)?.get("value")?)
}

/// Lays new values over the stored text. A null removes the person's value, so that the program's
/// value shows again.
///
/// # Errors
/// Fails with [`Error::Invalid`] if a key is empty, or if the changes exceed a limit.
pub(in crate::app) fn lay(
    stored: &mut String,
    new: &Map<String, Json>,
    who: &str,
    at_ms: i64,
    limits: &PageLimits,
) -> Result<(), Error> {
    let mut object = object(stored).unwrap_or_default();
    for (key, value) in new {
        if key.is_empty() {
            return Err(Error::invalid("a value of the summary has no name"));
        }
        match value {
            Json::Null => drop(object.remove(key)),
            value => {
                let change = json!({ "value": value, "who": who, "at_ms": at_ms });
                object.insert(key.clone(), change);
            }
        }
    }
    let text = Json::Object(object).to_string();
    let (bytes, most) = (text.len(), limits.edited_bytes);
    if bytes > most {
        let message = format!("the changed values of the summary have {bytes} bytes");
        return Err(Error::invalid(message).hint(format!("the limit is {most}")));
    }
    *stored = text;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(stored: &str, new: Json) -> Result<String, Error> {
        let mut stored = stored.to_owned();
        let pages = PageLimits { edited_bytes: 100, ..PageLimits::default() };
        lay(&mut stored, new.as_object().unwrap(), "ann", 7, &pages)?;
        Ok(stored)
    }

    #[test]
    fn a_change_is_kept_with_its_person_until_a_null_removes_it() {
        let one = laid("{}", json!({ "val/acc.top": 0.5 })).unwrap();
        let (key, who) = ("val/acc.top".to_owned(), "ann".to_owned());
        assert_eq!(all(&one), [Edited { key, value: json!(0.5), who, at_ms: 7 }]);
        assert_eq!(value(&one, "val/acc.top"), Some(Value::F64(0.5)));
        assert_eq!(value(&one, "val/acc"), None);
        assert_eq!(laid(&one, json!({ "val/acc.top": null, "other": null })).unwrap(), "{}");
        assert!(all("{}").is_empty());
    }

    #[test]
    fn too_large_changes_and_empty_names_are_refused() {
        assert!(laid("{}", json!({ "": 1 })).is_err());
        assert!(laid("{}", json!({ "a": "x".repeat(100) })).is_err());
    }
}
