//! Tests the architecture: the imports that the tables of ARCHITECTURE.md allow, the absence of
//! circles of imports, and the rules that hold everywhere. Files in `broken.rs` break the rules
//! about code, to prove that these rules can fail.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

mod broken;
mod circles;
mod habits;
mod imports;
mod project;
mod rules;

use std::{process::Command, sync::LazyLock};

use circles::circles;
use habits::{doors_with_transactions, knowing_the_database, saving_runs, shape};
use project::{Project, files, read, root};
use rules::Tables;

/// The project in its current state.
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
    for folder in PROJECT.crates() {
        let graph = PROJECT.imports_below(&folder);
        problems.extend(
            circles(&graph).iter().map(|circle| format!("a circle: {}", circle.join(", "))),
        );
    }
    complain(&problems);
}

#[test]
fn only_one_file_knows_the_database() {
    complain(&knowing_the_database(&PROJECT));
}

#[test]
fn a_door_begins_no_transaction() {
    complain(&doors_with_transactions(&PROJECT));
}

#[test]
fn only_a_change_saves_runs() {
    complain(&saving_runs(&PROJECT));
}

#[test]
fn files_are_short_and_have_a_module_comment() {
    complain(&shape(&PROJECT));
}

/// The example of the front page equals the one that `cargo test` compiles: the first in the SDK's
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
fn the_sdk_has_no_heavy_dependencies() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "besom", "--edges", "normal", "--prefix", "none", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("proto"), "cargo tree shows the SDK's crates");
    for heavy in ["rusqlite", "faer", "argmin", "axum", "clap", "tch", "sweeps"] {
        assert!(
            !tree.lines().any(|line| line.split(' ').next() == Some(heavy)),
            "the SDK pulls in {heavy}"
        );
    }
}

#[test]
fn no_file_contains_a_path_of_a_machine() {
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
