//! Tests the rules with files that break them, one file for each way to break a rule. Each file
//! comes with a part of the expected complaint. A rule that cannot fail proves nothing.

use crate::{
    circles::circles,
    habits::{LONGEST, WIDEST, doors_with_transactions, knowing_the_database, saving_runs, shape},
    project::Project,
    rules::Tables,
};

const TABLES: &str = "\
| crate | may import |
|---|---|
| `sweeps`, `proto` | nothing of ours |
| `controller` | `sweeps`, `proto` |

| room | may import |
|---|---|
| `store` | nothing of ours |
| `app` | `store`, `sweeps` |
| `api::grpc` | `app`, `proto` |
";
const APP: (&str, &str) = ("controller/src/app/mod.rs", "pub mod one;");
const STORE: (&str, &str) = ("controller/src/store/mod.rs", "pub mod rows;");
const ROWS: (&str, &str) = ("controller/src/store/rows.rs", "");
const DOOR: (&str, &str) = ("controller/src/api/grpc/mod.rs", "");
const FACADE: (&str, &str) = ("sweeps/src/gp/mod.rs", "mod a;\nmod b;\npub use b::B;\nuse a::A;");

/// Files with a forbidden import, and a file of a crate that no table has: the path, the code, and
/// a part of the complaint.
const IMPORTS: [(&str, &str, &str); 11] = [
    ("sweeps/src/a.rs", "use proto::{self as p};", "`sweeps` must not import `proto`"),
    ("sweeps/src/a.rs", "use proto::v1::Run;", "`sweeps` must not import `proto`"),
    ("sweeps/src/a.rs", "use ::proto::{v1::Run};", "`sweeps` must not import `proto`"),
    ("sweeps/src/a.rs", "fn f() { drop(proto::v1::Run::default()) }", "must not import `proto`"),
    ("sweeps/src/a.rs", "fn f() { print!(\"{}\", proto::v1::NAME) }", "must not import `proto`"),
    ("controller/src/api/grpc/a.rs", "use crate::{store::rows};", "must not see `store`"),
    ("controller/src/api/grpc/a.rs", "use crate::store as s;", "must not see `store`"),
    (
        "controller/src/api/grpc/a.rs",
        "use super::super::super::store::rows;",
        "must not see `store`",
    ),
    ("controller/src/app/a.rs", "type T = crate::api::grpc::Door;", "must not see `api::grpc`"),
    ("controller/src/app/a.rs", "use proto::v1;", "`app` must not see `proto`"),
    ("newcomer/src/lib.rs", "", "`newcomer` is in no table"),
];

/// Returns the problems that the rules find in these files.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let text = |(file, text): &(&str, &str)| ((*file).to_owned(), format!("//! A file.\n{text}"));
    let project = Project::new(files.iter().map(text));
    let mut problems = Tables::read(TABLES).problems(&project);
    problems.extend(knowing_the_database(&project));
    problems.extend(doors_with_transactions(&project));
    problems.extend(saving_runs(&project));
    problems.extend(shape(&project));
    for folder in project.crates() {
        let graph = project.imports_below(&folder);
        problems.extend(circles(&graph).iter().map(|circle| circle.join(" <-> ")));
    }
    problems
}

fn must_fail(file: &str, text: &str, wanted: &str) {
    let problems = problems(&[APP, STORE, ROWS, DOOR, (file, text)]);
    assert!(problems.iter().any(|problem| problem.contains(wanted)), "{text}: {problems:?}");
}

#[test]
fn a_forbidden_import_is_found_however_it_is_written() {
    for (file, text, wanted) in IMPORTS {
        must_fail(file, text, wanted);
    }
    let fine = ("controller/src/app/one.rs", "use crate::store::rows;");
    assert_eq!(problems(&[APP, STORE, ROWS, DOOR, fine]), [""; 0]);
}

#[test]
#[should_panic = "a cell holds names and commas alone"]
fn a_table_with_words_in_it_is_refused() {
    Tables::read(&TABLES.replace("| `app`, `proto` |", "| `app`, `proto`, and never `store` |"));
}

#[test]
fn a_bad_habit_is_found() {
    let door = "fn f(a: App) { a.store.read(1) }";
    must_fail("controller/src/app/a.rs", "use rusqlite::Row;", "may name `rusqlite`");
    must_fail("controller/src/app/a.rs", "// store::runs::save(tx)", "may save a run");
    must_fail("controller/src/api/grpc/a.rs", door, "must not begin a transaction");
    must_fail("sweeps/src/a.rs", &"\n".repeat(LONGEST), "the limit is 500");
    must_fail("sweeps/src/a.rs", &format!("// {}", "é".repeat(WIDEST)), ":2: a line of more than");
}

#[test]
fn a_circle_of_imports_is_found() {
    let b = ("sweeps/src/gp/b.rs", "use super::A;");
    let round = problems(&[FACADE, ("sweeps/src/gp/a.rs", "use super::B;"), b]);
    assert_eq!(round, ["sweeps/src/gp/a.rs <-> sweeps/src/gp/b.rs"]);
    // An import of a re-exported name leads to the file that defines the name, not to the facade.
    // So these files form no circle.
    let b = ("sweeps/src/gp/b.rs", "");
    assert_eq!(problems(&[FACADE, ("sweeps/src/gp/a.rs", "use super::B;"), b]), [""; 0]);
}
