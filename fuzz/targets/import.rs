//! The readers of foreign files, as the `sweep` command has them. The command is a program without
//! a library, so the targets compile its files themselves.

#[path = "../../cli/src/stream.rs"]
pub(crate) mod stream;

#[path = "."]
pub(crate) mod import {
    #[path = "../../cli/src/import/source.rs"]
    pub(crate) mod source;
    #[path = "../../cli/src/import/tensorboard/mod.rs"]
    pub(crate) mod tensorboard;
    #[path = "../../cli/src/import/walk.rs"]
    pub(crate) mod walk;
    #[path = "../../cli/src/import/wandb/mod.rs"]
    pub(crate) mod wandb;

    pub(super) fn shown(path: &std::path::Path) -> String {
        path.display().to_string()
    }
}

use import::source::{Found, Source};

/// Reads a run to its end.
pub(crate) fn read(run: &impl Source) {
    let mut reader = run.open(run.parts()).expect("the file can be read");
    while reader.next().expect("the file can be read").is_some() {}
    let _ = reader.losses();
}
