//! Gives the fuzz targets the `sweep` command's readers of W&B's and TensorBoard's files. The
//! command is a program without a library, so the targets compile its source files themselves.

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

    /// Replaces `paths.rs`, which depends on the command's messages.
    pub(crate) mod paths {
        pub(crate) fn shown(path: &std::path::Path) -> String {
            path.display().to_string()
        }
    }

    use std::path::{Path, PathBuf};

    use source::Source;

    const READABLE: &str = "the file can be read";

    /// Reads all runs in one file of W&B to their end. Panics if the reader fails.
    pub(crate) fn read_wandb(path: PathBuf) {
        wandb::group(vec![path], None).expect(READABLE).iter().for_each(read);
    }

    /// Reads all runs in one folder of TensorBoard to their end. Panics if the reader fails.
    pub(crate) fn read_tensorboard(folder: &Path) {
        tensorboard::find(folder, "p", "n").expect(READABLE).iter().for_each(read);
    }

    fn read(run: &impl Source) {
        let mut reader = run.open(run.parts()).expect(READABLE);
        while reader.next().expect(READABLE).is_some() {}
        let _ = reader.losses();
    }
}
