//! Reads the tables of ARCHITECTURE.md, which say what each crate and room may import. Finds the
//! imports that the tables do not allow.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::{Project, Source};

/// The tables of ARCHITECTURE.md.
pub(crate) struct Tables {
    /// For each crate, the crates of the project that it may import.
    crates: BTreeMap<String, BTreeSet<String>>,
    /// For each room of the controller, the rooms and crates that it may import.
    rooms: BTreeMap<String, BTreeSet<String>>,
}

/// The words that a cell may have in place of names: no import is allowed, or every import is.
const NOTHING: &str = "nothing of ours";
const EVERYTHING: &str = "everything";

impl Tables {
    /// Reads the tables whose heads begin with `| crate |` and `| room |`.
    pub(crate) fn read(architecture: &str) -> Self {
        let crates = table(architecture, "crate");
        let all: BTreeSet<String> = crates.keys().cloned().collect();
        let crates = crates.into_iter().map(|(name, allowed)| {
            (name, if allowed.contains(EVERYTHING) { all.clone() } else { allowed })
        });
        Self { crates: crates.collect(), rooms: table(architecture, "room") }
    }

    /// Returns the room of the controller that contains a module.
    fn room_of(&self, module: &[String]) -> Option<&String> {
        let ["controller", inside @ ..] =
            &module.iter().map(String::as_str).collect::<Vec<_>>()[..]
        else {
            return None;
        };
        (1..=inside.len()).rev().find_map(|length| {
            self.rooms.get_key_value(&inside[..length].join("::")).map(|(room, _)| room)
        })
    }

    /// Returns every import that the tables do not allow.
    pub(crate) fn problems(&self, project: &Project) -> Vec<String> {
        let mut problems = BTreeSet::new();
        for source in project.sources.iter().filter(|source| !source.is_test()) {
            let Some((own, allowed)) = self.crates.get_key_value(&source.package) else {
                problems.insert(format!("{}: `{}` is in no table", source.file, source.package));
                continue;
            };
            for path in source.named.iter().filter(|path| path[0] != *own) {
                if self.crates.contains_key(&path[0]) && !allowed.contains(&path[0]) {
                    problems
                        .insert(format!("{}: `{own}` must not import `{}`", source.file, path[0]));
                }
            }
            problems.extend(self.problems_of_room(project, source));
        }
        problems.into_iter().collect()
    }

    fn problems_of_room(&self, project: &Project, source: &Source) -> Vec<String> {
        let Some(room) = self.room_of(&source.module) else { return Vec::new() };
        let allowed = &self.rooms[room];
        let imported = source.named.iter().filter_map(|path| match project.target(path) {
            Some(target) if target.package == "controller" => self.room_of(&target.module),
            _ => self.crates.get_key_value(&path[0]).map(|(name, _)| name),
        });
        imported
            .filter(|other| *other != room && *other != "controller" && !allowed.contains(*other))
            .map(|other| format!("{}: `{room}` must not see `{other}`", source.file))
            .collect()
    }
}

/// Returns the rows of a table: each name in the first cell, with the names in the second.
fn table(text: &str, head: &str) -> BTreeMap<String, BTreeSet<String>> {
    let begins = format!("| {head} |");
    let rows = text.lines().skip_while(|line| !line.starts_with(&begins)).skip(2);
    let mut table = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let mut cells = row.trim_matches('|').split(" | ");
        let names = quoted(cells.next().unwrap_or_default());
        let second = cells.next().unwrap_or_default().trim();
        // Words around the names could reverse the meaning of a cell, so a cell must not have any.
        let allowed = match second {
            NOTHING | EVERYTHING => Some(BTreeSet::from([second.to_owned()])),
            names => names.split(", ").map(name).collect(),
        };
        let allowed =
            allowed.unwrap_or_else(|| panic!("a cell holds names and commas alone: {row}"));
        assert!(!names.is_empty(), "a row without names: {row}");
        table.extend(names.into_iter().map(|name| (name, allowed.clone())));
    }
    assert!(!table.is_empty(), "ARCHITECTURE.md has no table of each {head}");
    table
}

/// Returns the words in backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the word in backticks, if the text has nothing else.
fn name(text: &str) -> Option<String> {
    let name = text.strip_prefix('`')?.strip_suffix('`')?;
    (!name.contains('`')).then(|| name.to_owned())
}
