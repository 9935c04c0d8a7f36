//! Writes the note on a run that ended without a value of the sweep's metric. The note says what
//! the run logged instead, and which logged name is similar to the metric's name. `app::runs::end`
//! calls this module when a run ends.

use record::Value;

use crate::app::text::cut;

/// The most logged names that a note lists.
const TOLD: usize = 8;
/// The most bytes of a text that a note shows.
const TEXT: usize = 40;

/// Returns the note on a run that ended without a finite value of `metric`. `logged` is the number
/// of rows that held the metric, finite or not, and `last` is the last value in these rows.
/// `printed` means that the program printed lines that look like rows; another note reports them.
pub(crate) fn note<'a>(
    metric: &str,
    logged: u64,
    last: Option<&Value>,
    keys: impl Iterator<Item = &'a str>,
    printed: bool,
) -> String {
    if let Some(last) = last.filter(|_| logged > 0) {
        let last = shown(last);
        return match logged {
            1 => format!("`{metric}` was logged once, as {last}, which is no finite number"),
            _ => format!(
                "`{metric}` was logged {logged} times, never as a finite number; its last value \
                is {last}"
            ),
        };
    }
    let keys: Vec<&str> = keys.collect();
    if keys.is_empty() {
        let nothing = if printed { "" } else { "; the run logged nothing" };
        return format!("`{metric}` was never logged{nothing}");
    }
    let near = nearest(metric, &keys);
    // The nearest name comes first, so that it is always among the listed names.
    let first = near.into_iter().chain(keys.iter().copied().filter(|key| Some(*key) != near));
    let listed: Vec<String> = first.take(TOLD).map(|key| format!("`{key}`")).collect();
    let more = keys.len().saturating_sub(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let question = near.map(|near| format!(": did you mean {}?", told(near))).unwrap_or_default();
    format!("`{metric}` was never logged; the run logged {}{more}{question}", listed.join(", "))
}

/// Returns a value in words.
fn shown(value: &Value) -> String {
    match value {
        Value::F64(number) => number.to_string().to_lowercase(),
        Value::I64(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Text(text) => format!("the text `{}`", cut(text, TEXT)),
        Value::Json(_) => "an object".to_owned(),
    }
}

/// Returns a name in backticks, and mentions blanks at the start or end of the name, because users
/// cannot see them.
fn told(name: &str) -> String {
    let blank = |at: &str| format!("`{name}`, with a space at its {at}");
    match (name.starts_with(char::is_whitespace), name.ends_with(char::is_whitespace)) {
        (false, false) => format!("`{name}`"),
        (true, false) => blank("start"),
        (false, true) => blank("end"),
        (true, true) => blank("start and its end"),
    }
}

/// Returns the logged name that is most similar to the metric's name, or `None` if no name is
/// similar.
fn nearest<'a>(metric: &str, keys: &[&'a str]) -> Option<&'a str> {
    let wanted = plain(metric);
    keys.iter()
        .map(|key| (strsim::generic_levenshtein(&wanted, &plain(key)), *key))
        .filter(|(distance, _)| *distance <= (wanted.len() / 4).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

/// Returns the letters and digits of a name in lower case, because people write case and separators
/// in different ways.
fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_for_an_underscore_suggests_the_logged_name() {
        assert_eq!(
            note("val/loss", 0, None, ["epoch", "val_loss"].into_iter(), false),
            "`val/loss` was never logged; the run logged `val_loss`, `epoch`: did you mean \
            `val_loss`?"
        );
    }

    #[test]
    fn a_typing_error_gets_a_suggestion_and_another_name_does_not() {
        assert!(
            note("accuracy", 0, None, ["acuracy"].into_iter(), false)
                .ends_with("did you mean `acuracy`?")
        );
        assert_eq!(
            note("accuracy", 0, None, ["loss"].into_iter(), false),
            "`accuracy` was never logged; the run logged `loss`"
        );
    }

    #[test]
    fn a_metric_that_was_never_finite_says_what_it_was() {
        let note =
            |logged, last: Value| note("loss", logged, Some(&last), ["loss"].into_iter(), false);
        assert_eq!(
            note(12, Value::F64(f64::NAN)),
            "`loss` was logged 12 times, never as a finite number; its last value is nan"
        );
        assert_eq!(
            note(1, Value::F64(f64::NEG_INFINITY)),
            "`loss` was logged once, as -inf, which is no finite number"
        );
        assert_eq!(
            note(1, Value::Text("0.5".to_owned())),
            "`loss` was logged once, as the text `0.5`, which is no finite number"
        );
    }

    #[test]
    fn a_note_mentions_an_invisible_blank() {
        let near = note("test_acc", 0, None, ["epoch", "test_acc "].into_iter(), false);
        assert!(near.ends_with("did you mean `test_acc `, with a space at its end?"), "{near}");
    }

    #[test]
    fn many_names_are_cut() {
        let keys: Vec<String> = (0..20).map(|n| format!("layer{n}/norm")).collect();
        let note = note("loss", 0, None, keys.iter().map(String::as_str), true);
        assert!(note.ends_with("`layer7/norm` and 12 more"), "{note}");
    }

    #[test]
    fn nothing_logged_says_so_unless_something_was_printed() {
        let note = |printed| note("loss", 0, None, [].into_iter(), printed);
        assert_eq!(note(false), "`loss` was never logged; the run logged nothing");
        assert_eq!(note(true), "`loss` was never logged");
    }
}
