//! Parses the Rust files of the project, and finds their modules and the files that they import.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path as FilePath, PathBuf},
    process::Command,
};

use crate::{
    circles::Graph,
    imports::{Path, named, renamed},
};

/// A parsed file.
pub(crate) struct Source {
    /// The path of the file from the project's root.
    pub(crate) file: String,
    /// The package of the file, by the name of its library.
    pub(crate) package: String,
    /// The path of the file's module, beginning with its crate. A program is a crate of its own.
    pub(crate) module: Path,
    /// The text of the file.
    pub(crate) text: String,
    /// The paths that the file names, each beginning with its crate.
    pub(crate) named: BTreeSet<Path>,
    /// The names that the file's `use` items import, each with its path.
    renamed: BTreeMap<String, Path>,
}

impl Source {
    /// Returns whether the file holds only tests.
    pub(crate) fn is_test(&self) -> bool {
        ["/tests.rs", "/tests/"].iter().any(|part| self.file.contains(part))
    }
}

/// All Rust files of the project.
pub(crate) struct Project {
    /// The files, in the order in which they were given.
    pub(crate) sources: Vec<Source>,
    /// The index of a file in `sources`, by module.
    modules: BTreeMap<Path, usize>,
}

impl Project {
    /// Parses these files; each comes with its text.
    pub(crate) fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files = files.into_iter().map(|(file, text)| {
            let code = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            (module(&file), file, text, code)
        });
        let files: Vec<_> = files.collect();
        let known: BTreeSet<Path> = files.iter().map(|(module, ..)| module.clone()).collect();
        let sources: Vec<Source> = files
            .into_iter()
            .map(|(module, file, text, code)| Source {
                named: named(&module, &known, &code),
                renamed: renamed(&module, &known, &code),
                package: package(&file).to_owned(),
                file,
                module,
                text,
            })
            .collect();
        let modules =
            sources.iter().enumerate().map(|(index, source)| (source.module.clone(), index));
        let modules = modules.collect();
        Self { sources, modules }
    }

    /// Returns the file of the project that a path leads to: the file that defines the name, not
    /// one that re-exports it.
    pub(crate) fn target(&self, path: &[String]) -> Option<&Source> {
        let mut path = path.to_vec();
        // A name is re-exported a few times at most; a circle of re-exports does not compile.
        for _ in 0..8 {
            let known = (1..=path.len()).rev().find_map(|length| {
                self.modules.get(&path[..length]).map(|index| (length, &self.sources[*index]))
            });
            let (length, source) = known?;
            match path.get(length).and_then(|name| source.renamed.get(name)) {
                Some(from) => path = [&from[..], &path[length + 1..]].concat(),
                None => return Some(source),
            }
        }
        None
    }

    /// Returns the folders of the crates' files, such as `controller/src/`.
    pub(crate) fn crates(&self) -> BTreeSet<String> {
        let parts = self.sources.iter().filter_map(|source| source.file.split_once("/src/"));
        parts.map(|(folder, _)| format!("{folder}/src/")).collect()
    }

    /// Returns the graph of the imports among the files below a folder.
    pub(crate) fn imports_below(&self, folder: &str) -> Graph {
        let mut graph = Graph::new();
        let is_inside = |source: &&Source| source.file.starts_with(folder) && !source.is_test();
        for source in self.sources.iter().filter(is_inside) {
            let targets = source.named.iter().filter_map(|path| self.target(path));
            let inside = targets.filter(is_inside).map(|target| target.file.clone());
            let others = inside.filter(|file| *file != source.file).collect();
            graph.insert(source.file.clone(), others);
        }
        graph
    }
}

/// Returns the root of the project.
pub(crate) fn root() -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the files of the project that match a pattern of git, as paths from the root.
pub(crate) fn files(pattern: &str) -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", pattern])
        .current_dir(root())
        .output()
        .unwrap();
    let files = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<String> =
        files.lines().filter(|file| root().join(file).exists()).map(str::to_owned).collect();
    assert!(!files.is_empty(), "git lists no file like `{pattern}`");
    files
}

/// Reads a file of the project.
pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Parses the project in its current state.
pub(crate) fn project() -> Project {
    Project::new(files("*.rs").into_iter().map(|file| {
        let text = read(&file);
        (file, text)
    }))
}

/// Returns the package of a file, by the name of its library.
fn package(file: &str) -> &str {
    match file.split_once('/').map_or(file, |(folder, _)| folder) {
        "sdk" => "besom",
        "torch" => "besom_tch",
        other => other,
    }
}

/// Returns the path of a file's module: `controller/src/app/runs/end.rs` is
/// `controller::app::runs::end`.
fn module(file: &str) -> Path {
    let package = package(file);
    let Some((_, inside)) = file.split_once("/src/") else {
        // A test, a bench or an example is a crate of its own.
        return vec![file.to_owned()];
    };
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    match inside {
        "lib" => vec![package.to_owned()],
        // A program is a separate crate beside its library, and refers to the library by name.
        "main" => vec![format!("{package} (program)")],
        _ => [package].into_iter().chain(inside.split('/')).map(str::to_owned).collect(),
    }
}
