//! The Rust files of the project, parsed, with the modules that they are and the files that they
//! import.

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
    /// From the project's root.
    pub(crate) file: String,
    /// The package that it is part of, by the name of its library.
    pub(crate) package: String,
    /// The module that it is, from its crate on; of a program its own crate.
    pub(crate) module: Path,
    /// Its text.
    pub(crate) text: String,
    /// What it names, from a crate on.
    pub(crate) named: BTreeSet<Path>,
    /// What its `use` items give another module to name: by name, the path from a crate on.
    renamed: BTreeMap<String, Path>,
}

impl Source {
    /// Whether it holds nothing but tests.
    pub(crate) fn is_test(&self) -> bool {
        ["/tests.rs", "/tests/"].iter().any(|part| self.file.contains(part))
    }
}

/// All of it.
pub(crate) struct Project {
    /// By file.
    pub(crate) sources: Vec<Source>,
    /// The place of a file in `sources`, by module.
    modules: BTreeMap<Path, usize>,
}

impl Project {
    /// Parses the files, which are given with their texts.
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

    /// Which file of the project a path leads to: where the name is defined, not where it is handed
    /// on.
    pub(crate) fn target(&self, path: &[String]) -> Option<&Source> {
        let mut path = path.to_vec();
        // A name is handed on a few times at most; a circle of such names does not compile.
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

    /// Which file below a folder imports which others there.
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

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files of the project that match a pattern of git, by their paths from the root.
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

/// A file of the project.
pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The project as it stands.
pub(crate) fn project() -> Project {
    Project::new(files("*.rs").into_iter().map(|file| {
        let text = read(&file);
        (file, text)
    }))
}

/// The package of a file, by the name of its library.
fn package(file: &str) -> &str {
    match file.split_once('/').map_or(file, |(folder, _)| folder) {
        "sdk" => "besom",
        "torch" => "besom_tch",
        other => other,
    }
}

/// The module that a file is: `controller/src/app/runs/end.rs` is `controller::app::runs::end`.
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
        // A program is a crate beside its library, whose name it writes.
        "main" => vec![format!("{package} (program)")],
        _ => [package].into_iter().chain(inside.split('/')).map(str::to_owned).collect(),
    }
}
