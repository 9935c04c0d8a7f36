//! Embeds the dashboard: copies the files of `dashboard/dist` into the folder of the build, and
//! writes a table of them for `api::web::assets`. It never builds the dashboard, so a build of the
//! controller needs no Node.js and no network. `cargo xtask web` builds the dashboard.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[path = "../xtask/src/stamp.rs"]
mod stamp;

/// The variable that makes a missing or stale dashboard an error.
const REQUIRED: &str = "BESOM_REQUIRE_WEB";

/// The page of a controller that was built without the dashboard.
const FALLBACK: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <title>Besom</title>\n<h1>The dashboard was not built</h1>\n\
    <p>This controller works, and so does its API. To build the dashboard, run \
    <code>cargo xtask web</code>, then build the controller again.</p>\n</html>\n";

fn main() -> Result<(), Box<dyn Error>> {
    let dashboard = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../dashboard");
    let (dist, out) = (dashboard.join("dist"), PathBuf::from(env::var("OUT_DIR")?));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../xtask/src/stamp.rs");
    println!("cargo::rerun-if-env-changed={REQUIRED}");
    let sources = if dashboard.is_dir() { stamp::sources(&dashboard)? } else { Vec::new() };
    for source in &sources {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    let copied = out.join("web");
    if copied.exists() {
        fs::remove_dir_all(&copied)?;
    }
    fs::create_dir_all(&copied)?;
    let problem = if dist.join("index.html").is_file() {
        println!("cargo::rerun-if-changed={}", dist.display());
        copy(&dist, &copied)?;
        let written = fs::read_to_string(dist.join(stamp::FILE)).unwrap_or_default();
        (written != stamp::of(&dashboard)?).then_some("older than its sources")
    } else {
        fs::write(copied.join("index.html"), FALLBACK)?;
        Some("not built")
    };
    match problem {
        Some(problem) if env::var(REQUIRED).is_ok_and(|set| set == "1") => {
            return Err(format!("the dashboard is {problem}: run `cargo xtask web`").into());
        }
        // A missing dashboard has its own page, so it needs no warning in each build.
        Some(problem) if dist.is_dir() => {
            println!("cargo::warning=the dashboard is {problem}: run `cargo xtask web`");
        }
        _ => {}
    }
    fs::write(out.join("web.rs"), table(&copied)?)?;
    Ok(())
}

/// Copies the files of a folder, without the stamp.
fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else if entry.file_name() != stamp::FILE {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Returns the Rust expression of a list of all files in the folder, sorted by path.
fn table(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for path in stamp::sources(folder)? {
        let parts = path.strip_prefix(folder)?.iter().map(|part| part.to_string_lossy());
        files.push((parts.collect::<Vec<_>>().join("/"), path));
    }
    files.sort();
    let mut table = "&[\n".to_owned();
    for (name, path) in files {
        writeln!(table, "    ({name:?}, include_bytes!({path:?}).as_slice()),")?;
    }
    table.push_str("]\n");
    Ok(table)
}
