//! Records how a run was made: the command, the state of the code in git, and the machine. The run
//! records these facts once, at its start. The facts about the process are recorded before the
//! start returns; a separate thread records the facts from git. The module removes texts that look
//! like secrets. It reads no environment variable and no user name.

pub(crate) mod redact;

use std::{
    env, fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
};

use serde_json::{Map, Value as Json, json};

use crate::rows::row_buffer::RowBuffer;

/// The largest size of the stored diff, in bytes.
const DIFF_BYTES: usize = 64 << 10;
/// The largest size of git's output for every command but the diff, in bytes. The rest is ignored.
const ANSWER_BYTES: usize = 4 << 10;
/// The largest size of the stored command line, in bytes.
const COMMAND_BYTES: usize = 16 << 10;
/// The largest number of packages of `Cargo.lock` that are stored.
const PACKAGES: usize = 2000;

/// Writes the facts about the process into the buffer and starts the thread for git. The call does
/// not wait for this thread. The returned receiver disconnects when the thread has ended.
pub(crate) fn tell(rows: &Arc<RowBuffer>) -> Receiver<()> {
    rows.say("code", &Json::Object(process()).to_string());
    let (told, telling) = mpsc::sync_channel::<()>(1);
    let rows = Arc::downgrade(rows);
    let body = move || {
        if let Some(repository) = repository()
            && let Some(rows) = rows.upgrade()
        {
            rows.say("code", &Json::Object(repository).to_string());
        }
        drop(told);
    };
    // If the thread cannot be started, the run continues without the facts from git.
    let _ = thread::Builder::new().name("besom-code".to_owned()).spawn(body);
    telling
}

/// Returns the facts about the process and its machine.
fn process() -> Map<String, Json> {
    let arguments =
        redact::arguments(env::args_os().map(|argument| argument.to_string_lossy().into_owned()));
    let mut command = arguments.join(" ");
    if command.len() > COMMAND_BYTES {
        let end = (0..=COMMAND_BYTES).rev().find(|at| command.is_char_boundary(*at)).unwrap_or(0);
        command.truncate(end);
        command.push('…');
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = thread::available_parallelism().map_or(0, usize::from);
    let said = json!({
        "_type": "code",
        "command": command,
        "host": host.trim(),
        "os": format!("{} {}", env::consts::OS, kernel.trim()),
        "architecture": env::consts::ARCH,
        "cpus": cpus,
        "sdk": concat!("besom ", env!("CARGO_PKG_VERSION")),
    });
    match said {
        Json::Object(said) => said,
        _ => Map::new(),
    }
}

/// Returns the state of the working directory in git; `None` outside a repository, or if git is not
/// installed.
fn repository() -> Option<Map<String, Json>> {
    let folder = env::current_dir().ok()?;
    let (root, _) = git(&folder, &["rev-parse", "--show-toplevel"], ANSWER_BYTES)?;
    let root = Path::new(root.trim_end());
    let one = |arguments: &[&str]| {
        git(&folder, arguments, ANSWER_BYTES).map(|(text, _)| text.trim().to_owned())
    };
    let mut said = Map::from_iter([("_type".to_owned(), json!("code"))]);
    let mut say = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            said.insert(key.to_owned(), Json::from(value));
        }
    };
    say("git_commit", one(&["rev-parse", "--verify", "HEAD"]));
    say("git_branch", one(&["symbolic-ref", "--short", "-q", "HEAD"]));
    say("git_remote", one(&["remote", "get-url", "origin"]).map(|url| redact::text(&url)));
    let inside = folder.strip_prefix(root).ok().map(|inside| inside.to_string_lossy().into_owned());
    say("directory", inside.map(|inside| if inside.is_empty() { ".".to_owned() } else { inside }));
    let changed = git(&folder, &["status", "--porcelain", "--untracked-files=no"], ANSWER_BYTES);
    let dirty = changed.is_some_and(|(text, _)| !text.is_empty());
    if dirty {
        let diff = git(
            &folder,
            &["diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD"],
            DIFF_BYTES,
        );
        if let Some((diff, whole)) = diff {
            let cut = if whole { "" } else { "\n[the rest of the diff is left out]\n" };
            say("git_diff", Some(redact::text(&diff) + cut));
        }
    }
    said.insert("git_dirty".to_owned(), Json::Bool(dirty));
    let packages =
        fs::read_to_string(root.join("Cargo.lock")).map(|lock| packages(&lock)).unwrap_or_default();
    if !packages.is_empty() {
        said.insert("packages".to_owned(), Json::Object(packages));
    }
    Some(said)
}

/// Returns the first `most` bytes of git's output, and true if this is the whole output; `None` if
/// git fails. Git runs without a file-system monitor, asks for no password, and takes no optional
/// lock.
fn git(folder: &Path, arguments: &[&str], most: usize) -> Option<(String, bool)> {
    let mut child = Command::new("git")
        .args(["-c", "core.fsmonitor=false", "--no-pager"])
        .args(arguments)
        .current_dir(folder)
        .envs([("GIT_OPTIONAL_LOCKS", "0"), ("GIT_TERMINAL_PROMPT", "0")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut bytes = Vec::new();
    let read = child.stdout.take()?.take(most as u64 + 1).read_to_end(&mut bytes);
    let whole = bytes.len() <= most;
    if !whole {
        // This function does not read the rest of git's output, so git may end at once.
        let _ = child.kill();
    }
    let ended = child.wait().ok()?;
    bytes.truncate(most);
    let good = read.is_ok() && (ended.success() || !whole);
    good.then(|| (String::from_utf8_lossy(&bytes).into_owned(), whole))
}

/// Returns the names and versions of at most [`PACKAGES`] packages in a `Cargo.lock`. If a package
/// has several versions, the last version in the file counts.
fn packages(lock: &str) -> Map<String, Json> {
    let mut found = Map::new();
    let mut name = None;
    for line in lock.lines() {
        let quoted = |key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
        if let Some(found_name) = quoted("name") {
            name = Some(found_name);
        } else if let (Some(version), Some(package)) = (quoted("version"), name)
            && found.len() < PACKAGES
        {
            found.insert(package.to_owned(), Json::from(version));
            name = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_a_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \
            \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
        assert_eq!(Json::Object(packages(lock)), json!({"a": "1.0.0", "b": "2.0.0"}));
    }

    #[test]
    fn git_answers_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        assert!(git(folder.path(), &["rev-parse", "--verify", "HEAD"], 10).is_none());
        let (help, whole) = git(folder.path(), &["help"], 10).unwrap();
        assert_eq!((help.len(), whole), (10, false));
    }
}
