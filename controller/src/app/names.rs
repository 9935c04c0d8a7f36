//! What to tell a person whose run ended without a value of the sweep's metric: what it logged instead, and which of those
//! names is near. Used by `app::runs` when a run ends.

use record::Value;

/// How many of the logged names are told.
const TOLD: usize = 8;

/// The note of a run that ended without a finite value of `metric`. `held`: how many rows held it, and its last value.
/// `printed`: something was printed that looks like a row, and another note says so.
pub(crate) fn note<'a>(
    metric: &str,
    held: Option<(u64, Option<&Value>)>,
    keys: impl Iterator<Item = &'a str>,
    printed: bool,
) -> String {
    if let Some((rows, last)) = held {
        let last = match last {
            Some(Value::F64(number)) if number.is_nan() => "NaN",
            Some(Value::F64(_) | Value::I64(_) | Value::U64(_)) => "infinite",
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::Text(_)) => "a text",
            Some(Value::Json(_)) => "an object",
            None => "unknown",
        };
        return match rows {
            1 => format!("`{metric}` is no finite number: its only value is {last}"),
            rows => format!("`{metric}` is no finite number in any of {rows} rows: its last value is {last}"),
        };
    }
    let keys: Vec<&str> = keys.collect();
    if keys.is_empty() {
        let nothing = if printed { "" } else { "; the run logged nothing" };
        return format!("`{metric}` was never logged{nothing}");
    }
    let near = nearest(metric, &keys);
    // The near name is told even when it is the thousandth.
    let first = near.into_iter().chain(keys.iter().copied().filter(|key| Some(*key) != near));
    let listed: Vec<String> = first.take(TOLD).map(|key| format!("`{key}`")).collect();
    let more = keys.len().saturating_sub(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let question = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
    format!("`{metric}` was never logged; the run logged {}{more}{question}", listed.join(", "))
}

/// The name that was most likely meant.
fn nearest<'a>(metric: &str, keys: &[&'a str]) -> Option<&'a str> {
    let wanted = plain(metric);
    keys.iter()
        .map(|key| (strsim::generic_levenshtein(&wanted, &plain(key)), *key))
        .filter(|(distance, _)| *distance <= (wanted.len() / 4).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

/// Without what people write differently: case and separators.
fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_for_an_underscore_is_seen() {
        assert_eq!(
            note("val/loss", None, ["epoch", "val_loss"].into_iter(), false),
            "`val/loss` was never logged; the run logged `val_loss`, `epoch`: did you mean `val_loss`?"
        );
    }

    #[test]
    fn a_typing_error_is_seen_and_another_name_is_not() {
        assert!(note("accuracy", None, ["acuracy"].into_iter(), false).ends_with("did you mean `acuracy`?"));
        assert_eq!(
            note("accuracy", None, ["loss"].into_iter(), false),
            "`accuracy` was never logged; the run logged `loss`"
        );
    }

    #[test]
    fn a_metric_that_was_never_finite_says_what_it_was() {
        for (rows, last, want) in [
            (12, Value::F64(f64::NAN), "`m` is no finite number in any of 12 rows: its last value is NaN"),
            (1, Value::Text("0.54".to_owned()), "`m` is no finite number: its only value is a text"),
            (2, Value::Bool(true), "`m` is no finite number in any of 2 rows: its last value is a boolean"),
        ] {
            assert_eq!(note("m", Some((rows, Some(&last))), ["m"].into_iter(), false), want);
        }
    }

    #[test]
    fn many_names_are_cut() {
        let keys: Vec<String> = (0..20).map(|n| format!("layer{n}/norm")).collect();
        let note = note("loss", None, keys.iter().map(String::as_str), true);
        assert!(note.ends_with("`layer7/norm` and 12 more"), "{note}");
    }

    #[test]
    fn nothing_logged_says_so_unless_something_was_printed() {
        let note = |printed| note("loss", None, [].into_iter(), printed);
        assert_eq!(note(false), "`loss` was never logged; the run logged nothing");
        assert_eq!(note(true), "`loss` was never logged");
    }
}
