//! Counts printed lines that look like rows but are not, and rows that have lost values. The module
//! keeps the first line of each kind, and describes the lines for people. The description depends
//! only on the lines, so a restarted agent writes the same one. `tail` calls it.

use std::fmt::Display;

use record::printed::{Loss, Printed};

/// The longest quote of a line, in characters.
const QUOTED: usize = 60;

/// The doubtful lines of a console.
#[derive(Debug, Default)]
pub struct Doubts {
    none: Tally,
    lost: Tally,
    on_stderr: Tally,
}

/// The number of lines of one kind, and a sentence about the first line.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    first: String,
}

impl Tally {
    fn add(&mut self, line: &str, why: impl Display) {
        if self.count == 0 {
            self.first = format!("`{}`: {why}", quoted(line));
        }
        self.count += 1;
    }
}

impl Doubts {
    /// Counts the doubts about a piece of standard output. `cut`: a row of the piece did not fit
    /// into a frame as a whole.
    pub fn add(&mut self, piece: &str, printed: &Printed, cut: bool) {
        if let Some(doubt) = &printed.doubt {
            self.none.add(piece, doubt);
        }
        if let Some(loss) = printed.loss.or(cut.then_some(Loss::Row)) {
            self.lost.add(piece, loss);
        }
    }

    /// Counts a piece of standard error that holds rows.
    pub fn add_stderr(&mut self, piece: &str, printed: &Printed) {
        if !printed.rows.is_empty() {
            self.on_stderr.add(piece, "print it to standard output");
        }
    }

    /// Returns a note on all doubts, or `None` if there are none. If the run has rows elsewhere,
    /// the note ignores rows on standard error: they are just a log.
    pub fn told(&self, has_rows: bool) -> Option<String> {
        let mut told = Vec::new();
        let (none, lost, on_stderr) = (&self.none, &self.lost, &self.on_stderr);
        match none.count {
            0 => {}
            1 => told.push(format!("1 printed line looks like a row but is not: {}", none.first)),
            count => told.push(format!(
                "{count} printed lines look like rows but are not, first {}",
                none.first
            )),
        }
        match lost.count {
            0 => {}
            1 => told.push(format!("1 printed row has lost a value: {}", lost.first)),
            count => {
                told.push(format!("{count} printed rows have lost values, first {}", lost.first))
            }
        }
        match on_stderr.count {
            0 => {}
            _ if has_rows => {}
            1 => told.push(format!(
                "1 row is on standard error and does not count: {}",
                on_stderr.first
            )),
            count => told.push(format!(
                "{count} rows are on standard error and do not count, first {}",
                on_stderr.first
            )),
        }
        (!told.is_empty()).then(|| told.join("; "))
    }
}

fn quoted(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use record::printed::Reader;

    use super::*;

    #[test]
    fn the_first_of_each_kind_is_quoted() {
        let mut doubts = Doubts::default();
        assert_eq!(doubts.told(false), None);
        let mut add = |line: &str| {
            let printed = Reader::default().read(line, 0);
            doubts.add(line, &printed, false);
            doubts.told(true).unwrap_or_default()
        };
        assert_eq!(add(r#"{"loss": 0.5}"#), "");
        assert_eq!(
            add("  {'loss': 0.5}"),
            "1 printed line looks like a row but is not: `{'loss': 0.5}`: it is a Python dict; \
             print json.dumps(...) of it"
        );
        let long = format!(r#"{{"loss": 1e400, "x": "{}"}}"#, "é".repeat(100));
        assert!(
            add(&long)
                .starts_with("2 printed lines look like rows but are not, first `{'loss': 0.5}`: ")
        );
        let key = format!(r#"{{"{}": 1, "loss": 0.5}}"#, "k".repeat(600));
        let told = add(&key);
        let lost = format!(
            "; 1 printed row has lost a value: `{{\"{}…`: a name is longer",
            "k".repeat(58)
        );
        assert!(told.contains(&lost), "{told}");
    }

    #[test]
    fn rows_on_standard_error_are_reported_only_without_other_rows() {
        let mut doubts = Doubts::default();
        for line in [r#"INFO:root:{"loss": 0.5}"#, "{'no': 'row'}", r#"{"loss": 0.4}"#] {
            doubts.add_stderr(line, &Reader::default().read(line, 0));
        }
        assert_eq!(doubts.told(true), None);
        assert_eq!(
            doubts.told(false).unwrap(),
            "2 rows are on standard error and do not count, first `INFO:root:{\"loss\": 0.5}`: \
             print it to standard output"
        );
    }
}
