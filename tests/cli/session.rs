//! A terminal session as text: the command, what it said, its exit code. What differs from run to
//! run is named.

use std::process::{Command, Output};

use tests::Lab;

/// What a person typed, and what they saw.
pub(crate) fn show(typed: &str, output: &Output) -> String {
    let mut text = format!("$ {typed}\n");
    text += &String::from_utf8_lossy(&output.stdout);
    text += &String::from_utf8_lossy(&output.stderr);
    text + &exit(output.status.code())
}

/// The last line of a session.
pub(crate) fn exit(code: Option<i32>) -> String {
    format!("[exit {}]", code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string()))
}

/// Runs what a person would type in the lab: the program, then its arguments, parted by spaces.
pub(crate) fn type_in(lab: &Lab, typed: &str) -> String {
    let mut words = typed.split(' ');
    let mut command: Command = lab.command(words.next().unwrap());
    show(typed, &command.args(words).output().unwrap())
}

/// Asserts a snapshot with ports, folders, ids, times and process numbers replaced by their names.
macro_rules! assert_session {
    ($lab:expr, $text:expr) => {{
        let mut settings = insta::Settings::clone_current();
        let dir = std::fs::canonicalize($lab.dir()).unwrap();
        settings.add_filter(&dir.to_string_lossy(), "[DIR]");
        settings.add_filter(&format!("127\\.0\\.0\\.1:{}", $lab.port()), "127.0.0.1:[PORT]");
        settings.add_filter(r"\b[a-z][a-z0-9]{7}-(\d+)\b", "[SWEEP]-$1");
        settings.add_filter(r"\b\d+(\.\d+)?(ms|s)\b", "[TIME]");
        settings.add_filter(r"\bpid \d+", "pid [PID]");
        // Only some machines let an agent make any.
        settings.add_filter(r"no cgroups for trials: .*\n", "");
        settings.set_snapshot_path("snapshots");
        settings.bind(|| insta::assert_snapshot!($text));
    }};
}
pub(crate) use assert_session;
