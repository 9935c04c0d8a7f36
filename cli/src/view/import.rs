//! What an import found and what became of it: a line per run, and what was left out.

use terminal::{
    one_line,
    style::{self, paint},
    table::Table,
};

use super::{SENTENCE, count, one_word, state};
use crate::import::{Found, Sent};

/// Widest name of a run.
const NAME: usize = 40;
/// Runs that are named where something was left out.
const SHOWN: usize = 3;

/// A line per run. What was not sent has no id, and its rows are those that the source has.
pub(crate) fn table(found: &[Found], sent: &[Option<Sent>]) -> String {
    let mut table = Table::new(["run", "name", "project", "state", ">rows", ">keys", ""]);
    for (found, sent) in found.iter().zip(sent) {
        let id = sent.as_ref().map(|sent| paint(style::STRONG, one_word(&sent.run)));
        let news = match sent {
            Some(Sent { known: true, rows: 0, .. }) => "was here already".to_owned(),
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

/// A line for each kind of thing that was left out, with the runs that had it, and a line per note.
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
