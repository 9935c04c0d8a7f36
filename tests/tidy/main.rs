//! The architecture as a test: who may import whom, as the tables of ARCHITECTURE.md say, no
//! circles of imports, and the habits that hold everywhere. Each rule has a fixture that breaks it,
//! so that none can be fooled.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

mod circles;
mod imports;
mod project;
mod rules;

use std::{process::Command, sync::LazyLock};

use circles::circles;
use project::{Project, files, read, root};
use rules::Tables;

/// Folders in which no file imports, over any number of others, a file that imports it.
const WITHOUT_CIRCLES: [&str; 4] = ["agent/src/", "controller/src/", "record/src/", "sweeps/src/"];
/// The only file that knows which database we use.
const DATABASE: &str = "controller/src/store/database.rs";
/// The longest file, in lines.
const LONGEST: usize = 500;

/// The project as it stands.
static PROJECT: LazyLock<Project> = LazyLock::new(project::project);

fn complain(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn imports_only_point_down() {
    complain(&Tables::read(&read("ARCHITECTURE.md")).problems(&PROJECT));
}

#[test]
fn no_imports_run_in_circles() {
    let mut problems = Vec::new();
    for folder in WITHOUT_CIRCLES {
        let graph = PROJECT.imports_below(folder);
        assert!(!graph.is_empty(), "there is nothing in {folder}");
        problems.extend(circles(&graph).iter().map(|circle| format!("a circle: {}", circle.join(", "))));
    }
    complain(&problems);
}

#[test]
fn only_one_file_knows_the_database() {
    complain(&knowing_the_database(&PROJECT));
}

fn knowing_the_database(project: &Project) -> Vec<String> {
    let sources = project.sources.iter().filter(|source| {
        let names = source.named.iter().any(|path| path[0] == "rusqlite");
        source.file.starts_with("controller/src/") && source.file != DATABASE && names
    });
    sources.map(|source| format!("{}: only {DATABASE} may name `rusqlite`", source.file)).collect()
}

#[test]
fn a_door_begins_no_transaction() {
    complain(&doors_with_transactions(&PROJECT));
}

fn doors_with_transactions(project: &Project) -> Vec<String> {
    let doors = project.sources.iter().filter(|source| source.file.starts_with("controller/src/api/"));
    doors
        .filter(|source| source.text.contains(".write(") || source.text.contains(".read("))
        .map(|source| format!("{}: a door must not begin a transaction", source.file))
        .collect()
}

#[test]
fn files_are_short_and_say_what_they_are() {
    complain(&long_or_silent(&PROJECT));
}

fn long_or_silent(project: &Project) -> Vec<String> {
    let mut problems = Vec::new();
    for source in &project.sources {
        let lines = source.text.lines().count();
        if lines > LONGEST {
            problems.push(format!("{}: {lines} lines, {LONGEST} at most", source.file));
        }
        if !source.text.trim_start_matches("#![allow(").starts_with("//!") {
            problems.push(format!("{}: does not open with a module comment", source.file));
        }
    }
    problems
}

/// The example of the front page is the one that `cargo test` compiles: the first of the SDK's
/// documentation.
#[test]
fn the_front_page_shows_the_example_that_is_compiled() {
    let between = |text: &str, from: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once("```").unwrap().0.trim().to_owned()
    };
    let documented: Vec<String> = read("sdk/src/lib.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned())
        .collect();
    let compiled = between(&documented.join("\n"), "```no_run\n");
    assert!(compiled.contains("besom::init()"), "{compiled}");
    assert_eq!(between(&read("README.md"), "```rust\n"), compiled);
}

#[test]
fn the_sdk_stays_light() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "besom", "--edges", "normal", "--prefix", "none", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("proto"), "cargo tree shows the SDK's crates");
    for heavy in ["rusqlite", "faer", "argmin", "axum", "clap", "tch", "sweeps"] {
        assert!(!tree.lines().any(|line| line.split(' ').next() == Some(heavy)), "the SDK pulls in {heavy}");
    }
}

/// Files that break rules, each with the words of its problem.
#[test]
fn every_rule_can_be_broken() {
    let tables = Tables::read(
        "| crate | may import |\n|---|---|\n| `sweeps`, `proto` | nothing of ours |\n| `controller` | `sweeps`, `proto` |\n\n\
         | room | may import |\n|---|---|\n| `store` | nothing of ours |\n| `app` | `store`, `sweeps` |\n\
         | `api::grpc` | `app`, `proto` |\n",
    );
    let broken = |files: &[(&str, &str)]| {
        let text = |(file, text): &(&str, &str)| ((*file).to_owned(), format!("//! A file.\n{text}"));
        let project = Project::new(files.iter().map(text));
        let mut problems = tables.problems(&project);
        problems.extend(knowing_the_database(&project));
        problems.extend(doors_with_transactions(&project));
        problems.extend(long_or_silent(&project));
        for folder in ["controller/src/", "sweeps/src/"] {
            let graph = project.imports_below(folder);
            problems.extend(circles(&graph).iter().map(|circle| circle.join(" <-> ")));
        }
        problems
    };
    let app = ("controller/src/app/mod.rs", "pub mod one;");
    let store = ("controller/src/store/mod.rs", "pub mod rows;");
    let rows = ("controller/src/store/rows.rs", "");
    let cases: [(&str, &str, &str); 14] = [
        ("sweeps/src/a.rs", "use proto::{self as p};", "`sweeps` must not import `proto`"),
        ("sweeps/src/a.rs", "use proto::v1::Run;", "`sweeps` must not import `proto`"),
        ("sweeps/src/a.rs", "use ::proto::{v1::Run};", "`sweeps` must not import `proto`"),
        ("sweeps/src/a.rs", "fn f() { drop(proto::v1::Run::default()) }", "must not import `proto`"),
        ("sweeps/src/a.rs", "fn f() { print!(\"{}\", proto::v1::NAME) }", "must not import `proto`"),
        ("controller/src/api/grpc/a.rs", "use crate::{store::rows};", "`api::grpc` must not see `store`"),
        ("controller/src/api/grpc/a.rs", "use crate::store as s;", "`api::grpc` must not see `store`"),
        ("controller/src/api/grpc/a.rs", "use super::super::super::store::rows;", "must not see `store`"),
        ("controller/src/app/a.rs", "type T = crate::api::grpc::Door;", "`app` must not see `api::grpc`"),
        ("controller/src/app/a.rs", "use proto::v1;", "`app` must not see `proto`"),
        ("controller/src/app/a.rs", "use rusqlite::Row;", "may name `rusqlite`"),
        ("controller/src/api/grpc/a.rs", "fn f(a: App) { a.store.read(1) }", "must not begin a transaction"),
        ("newcomer/src/lib.rs", "", "`newcomer` is in no table"),
        ("sweeps/src/a.rs", &"\n".repeat(LONGEST), "500 at most"),
    ];
    let door = ("controller/src/api/grpc/mod.rs", "");
    for (file, text, wanted) in cases {
        let problems = broken(&[app, store, rows, door, (file, text)]);
        assert!(problems.iter().any(|problem| problem.contains(wanted)), "{text}: {problems:?}");
    }
    let fine = broken(&[app, store, rows, door, ("controller/src/app/one.rs", "use crate::store::rows;")]);
    assert!(fine.is_empty(), "{fine:?}");
    let facade = ("sweeps/src/gp/mod.rs", "mod a;\nmod b;\npub use b::B;\nuse a::A;");
    let round =
        broken(&[facade, ("sweeps/src/gp/a.rs", "use super::B;"), ("sweeps/src/gp/b.rs", "use super::A;")]);
    assert_eq!(round, ["sweeps/src/gp/a.rs <-> sweeps/src/gp/b.rs"]);
    let straight = broken(&[facade, ("sweeps/src/gp/a.rs", "use super::B;"), ("sweeps/src/gp/b.rs", "")]);
    assert!(straight.is_empty(), "a name that is handed on is no import: {straight:?}");
}

#[test]
fn nothing_names_a_machine() {
    let mut problems = Vec::new();
    for file in files("*").iter().filter(|file| *file != "tests/tidy/main.rs") {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        for path in ["/root/", "/home/", "/work/", "/Users/"] {
            if text.contains(path) {
                problems.push(format!("{file}: names `{path}`"));
            }
        }
    }
    complain(&problems);
}
