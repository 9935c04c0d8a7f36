//! Formats a terminal session as text: the command, its output and its exit code. Placeholders
//! replace what differs from run to run.

use std::process::{Command, Output};

use tests::Lab;

/// Returns the command that a user typed, the output, and the exit code.
pub(crate) fn show(typed: &str, output: &Output) -> String {
    let mut text = format!("$ {typed}\n");
    text += &String::from_utf8_lossy(&output.stdout);
    text += &String::from_utf8_lossy(&output.stderr);
    text + &exit(output.status.code())
}

/// Returns the last line of a session, which names the exit code.
pub(crate) fn exit(code: Option<i32>) -> String {
    format!("[exit {}]", code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string()))
}

/// Runs a command line in the lab: the program, then its arguments, separated by spaces.
pub(crate) fn type_in(lab: &Lab, typed: &str) -> String {
    let mut words = typed.split(' ');
    let mut command: Command = lab.command(words.next().unwrap());
    show(typed, &command.args(words).output().unwrap())
}

/// Asserts a snapshot in which placeholders replace ports, folders, ids, times and process numbers.
macro_rules! assert_session {
    ($lab:expr, $text:expr) => {{
        let mut settings = insta::Settings::clone_current();
        let dir = std::fs::canonicalize($lab.dir()).unwrap();
        settings.add_filter(&dir.to_string_lossy(), "[DIR]");
        settings.add_filter(&format!("127\\.0\\.0\\.1:{}", $lab.port()), "127.0.0.1:[PORT]");
        settings.add_filter(r"\b[a-z][a-z0-9]{7}-(\d+)\b", "[SWEEP]-$1");
        settings.add_filter(r"\b\d+(\.\d+)?(ms|s)\b", "[TIME]");
        settings.add_filter(r"\bpid \d+", "pid [PID]");
        // Only some machines let an agent make cgroups, so the message about them is removed.
        settings.add_filter(r"no cgroups for trials: .*\n", "");
        settings.set_snapshot_path("snapshots");
        settings.bind(|| insta::assert_snapshot!($text));
    }};
}
pub(crate) use assert_session;
