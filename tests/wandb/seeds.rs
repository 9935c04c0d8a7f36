//! The snippets of two documents that people read before they write their scripts.

use tests::Lab;

use crate::client::{run, script};

/// Runs each snippet of a document as it stands, and reads its runs back. The client refuses some
/// snippets by itself; `prelude.py` says which. Snippets that need torch are left out if the folder
/// of the client lacks it.
fn run_snippets(document: &str, least: usize) {
    let lab = Lab::with_controller();
    let path = format!("{}/wandb/scripts/seeds/{document}", env!("CARGO_MANIFEST_DIR"));
    let mut command = script(&lab, "seeds/snippets.py");
    let printed = run(command.args([&path, "--read-back", "--allow-refused"]));
    let passed = printed.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(passed >= least, "{printed}");
}

#[test]
fn the_snippets_about_logging_run() {
    run_snippets("logging-with-weights-and-biases.md", 4);
}

#[test]
fn the_snippets_about_pytorch_run() {
    run_snippets("manual-pytorch-wandb-logging.md", 15);
}
