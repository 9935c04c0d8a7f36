//! What to tell a person whose run ended without a value of the sweep's metric: what it logged instead, and which of those
//! names is near. Used by `app::runs` when a run ends.

/// How many of the logged names are told.
const TOLD: usize = 8;

/// The note of a run that ended without a finite value of `metric`. `logged` rows held it, finite or not.
pub(crate) fn note<'a>(metric: &str, logged: u64, keys: impl Iterator<Item = &'a str>) -> String {
    if logged > 0 {
        return format!("`{metric}` was logged {logged} times and never as a finite number");
    }
    let keys: Vec<&str> = keys.collect();
    if keys.is_empty() {
        return format!("`{metric}` was never logged; the run logged nothing");
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
            note("val/loss", 0, ["epoch", "val_loss"].into_iter()),
            "`val/loss` was never logged; the run logged `val_loss`, `epoch`: did you mean `val_loss`?"
        );
    }

    #[test]
    fn a_typing_error_is_seen_and_another_name_is_not() {
        assert!(note("accuracy", 0, ["acuracy"].into_iter()).ends_with("did you mean `acuracy`?"));
        assert_eq!(
            note("accuracy", 0, ["loss"].into_iter()),
            "`accuracy` was never logged; the run logged `loss`"
        );
    }

    #[test]
    fn a_metric_that_was_never_finite_says_so() {
        assert_eq!(
            note("loss", 12, ["loss"].into_iter()),
            "`loss` was logged 12 times and never as a finite number"
        );
    }

    #[test]
    fn many_names_are_cut() {
        let keys: Vec<String> = (0..20).map(|n| format!("layer{n}/norm")).collect();
        let note = note("loss", 0, keys.iter().map(String::as_str));
        assert!(note.ends_with("`layer7/norm` and 12 more"), "{note}");
    }

    #[test]
    fn nothing_logged_says_so() {
        assert_eq!(note("loss", 0, [].into_iter()), "`loss` was never logged; the run logged nothing");
    }
}
