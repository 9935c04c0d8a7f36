//! Compares the TypeScript types of the dashboard with the Rust types of the API. The Rust types
//! are the truth, and the file is written from them.

use std::{fs, path::Path};

use ts_rs::{Config, TS};

use super::{
    error::Problem,
    projects::{Best, Project, Projects},
    session::Session,
};

/// The variable that makes the test write the file.
const WRITE: &str = "BESOM_WRITE_TYPES";

/// Returns the declarations of types.
macro_rules! declarations {
    ($config:expr, $($name:ty),* $(,)?) => {
        [$(<$name>::decl($config)),*]
    };
}

fn text() -> String {
    // No number of the API is beyond what a number of JavaScript holds exactly, but seeds, which
    // are texts.
    let config = Config::new().with_large_int("number");
    let head = format!(
        "// The types of the controller's API. A test writes this file from the Rust types:\n// \
        {WRITE}=1 cargo test -p controller --lib api::web::types\n\n\
        export type Json = null | boolean | number | string | Json[] | {{ [key: string]: Json }};\n"
    );
    let types = declarations!(&config, Problem, Session, Projects, Project, Best);
    types.iter().fold(head, |text, one| format!("{text}\nexport {one}\n"))
}

#[test]
fn the_types_of_the_dashboard_are_those_of_the_api() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboard/src/api/types.ts");
    let (now, written) = (text(), fs::read_to_string(&file).unwrap_or_default());
    if std::env::var_os(WRITE).is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, now).unwrap();
        return;
    }
    assert!(
        now == written,
        "dashboard/src/api/types.ts differs from the types of the API; `{WRITE}=1 cargo test -p \
        controller --lib api::web::types` writes it"
    );
}
