//! Shows the result of an import: one line per run, and warnings about records that were left out.

use terminal::{
    one_line,
    style::{self, paint},
    table::Table,
};

use super::{SENTENCE, count, one_word, state};
use crate::import::{Found, Sent};

/// The most terminal columns that a run's name takes.
const NAME: usize = 40;
/// The most runs that a line about left-out records names.
const SHOWN: usize = 3;

/// Returns one line per run. A run that was not sent has no id. The row count is always that of the
/// source.
pub(crate) fn table(found: &[Found], sent: &[Option<Sent>]) -> String {
    let mut table = Table::new(["run", "name", "project", "state", ">rows", ">keys", ""]);
    for (found, sent) in found.iter().zip(sent) {
        let id = sent.as_ref().map(|sent| paint(style::STRONG, one_word(&sent.run)));
        let news = match sent {
            Some(Sent { known: true, rows: 0, .. }) => "already imported".to_owned(),
            Some(Sent { known: true, rows, .. }) => format!("{} new", count(*rows, "row")),
            _ => String::new(),
        };
        table.row([
            id.unwrap_or_default(),
            one_line(&found.about.name, NAME),
            one_word(&found.about.project),
            state(&found.outcome.state),
            found.rows.to_string(),
            found.keys.to_string(),
            paint(style::FAINT, news),
        ]);
    }
    table.to_string()
}

/// Returns one line for each kind of record that was left out, with its runs, and one line per
/// note.
pub(crate) fn losses(found: &[Found]) -> Vec<String> {
    let mut skipped = std::collections::BTreeMap::<&str, (u64, Vec<String>)>::new();
    for found in found {
        for (what, number) in &found.losses.skipped {
            let (all, runs) = skipped.entry(what).or_default();
            *all += number;
            runs.push(format!("`{}`", one_line(&found.about.name, NAME)));
        }
    }
    let warning = |text: String| format!("{} {text}", paint(style::WARNING, "warning:"));
    let mut lines = Vec::new();
    for (what, (number, runs)) in skipped {
        let more = match runs.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {}", count(more as u64, "more run")),
        };
        let runs = runs[..runs.len().min(SHOWN)].join(", ");
        lines.push(warning(format!("left out: {} of {runs}{more}", count(number, what))));
    }
    for found in found {
        let name = one_line(&found.about.name, NAME);
        let notes = found.losses.notes.iter();
        lines
            .extend(notes.map(|note| warning(format!("{name}: {}", one_line(note, 2 * SENTENCE)))));
    }
    lines
}
