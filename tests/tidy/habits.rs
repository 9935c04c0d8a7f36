//! Checks rules about single files: which files may name the database's crate, open transactions or
//! save runs, how long and wide a file may be, and how it begins.

use crate::project::Project;

/// The only folder of the controller whose files may name the database's crate.
const DATABASE: &str = "controller/src/store/database/";
/// The only file of `app` that may save runs.
const DRAFT: &str = "controller/src/app/change/draft.rs";
/// The longest file, in lines.
pub(crate) const LONGEST: usize = 500;
/// The widest line, in columns.
pub(crate) const WIDEST: usize = 100;

/// Returns the files that name the database's crate without permission.
pub(crate) fn knowing_the_database(project: &Project) -> Vec<String> {
    let sources = project.sources.iter().filter(|source| {
        let names = source.named.iter().any(|path| path[0] == "rusqlite");
        source.file.starts_with("controller/src/") && !source.file.starts_with(DATABASE) && names
    });
    sources.map(|source| format!("{}: only {DATABASE} may name `rusqlite`", source.file)).collect()
}

/// Returns the doors that open a transaction; only `app` may do that.
pub(crate) fn doors_with_transactions(project: &Project) -> Vec<String> {
    let doors =
        project.sources.iter().filter(|source| source.file.starts_with("controller/src/api/"));
    doors
        .filter(|source| source.text.contains(".write(") || source.text.contains(".read("))
        .map(|source| format!("{}: a door must not begin a transaction", source.file))
        .collect()
}

/// Returns the files that save a run themselves, although only a change saves the runs that it
/// edits.
pub(crate) fn saving_runs(project: &Project) -> Vec<String> {
    let sources = project
        .sources
        .iter()
        .filter(|source| source.file.starts_with("controller/src/app/") && source.file != DRAFT);
    sources
        .filter(|source| source.text.contains("runs::save"))
        .map(|source| format!("{}: only {DRAFT} may save a run", source.file))
        .collect()
}

/// Returns the files that are too long, have a line that is too wide, or have no module comment.
pub(crate) fn shape(project: &Project) -> Vec<String> {
    let mut problems = Vec::new();
    for source in &project.sources {
        let lines = source.text.lines().count();
        if lines > LONGEST {
            problems.push(format!(
                "{}: the file has {lines} lines; the limit is {LONGEST}",
                source.file
            ));
        }
        let wide = |(_, line): &(usize, &str)| line.chars().count() > WIDEST;
        let wide = source.text.lines().enumerate().filter(wide);
        problems.extend(wide.map(|(at, _)| {
            format!("{}:{}: a line of more than {WIDEST} columns", source.file, at + 1)
        }));
        if !source.text.trim_start_matches("#![allow(").starts_with("//!") {
            problems.push(format!("{}: does not open with a module comment", source.file));
        }
    }
    problems
}
