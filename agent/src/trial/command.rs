//! Turns a start order into the command that a shim executes: argv and environment. The module also
//! checks that the program exists on the disk. The working folder, the search path and the agent's
//! environment come from a [`Node`], which tests make up. `launch.rs` calls it.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use proto::{
    dial::{self, Reach},
    v1::{Argument, Start, piece::Piece},
};
use serde_json::Value;

use super::{outcome::Unstartable, spec, wandb};

/// The variable that makes Python write its output at once, if it is set to any non-empty text.
const UNBUFFERED_VAR: &str = "PYTHONUNBUFFERED";

/// The facts about the node and the agent that a command depends on.
#[derive(Clone, Debug)]
pub struct Node {
    /// The folder that trials run in: the one in which the agent was started.
    pub cwd: PathBuf,
    /// The search path of programs.
    pub path: OsString,
    /// Returns a variable of the agent's environment.
    pub variable: fn(&str) -> Option<String>,
    /// How the trial reaches the controller. The trial gets its own token instead of the agent's.
    pub reach: Reach,
}

/// The command that a shim executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables added to the agent's environment.
    pub env: Vec<(String, String)>,
    /// The files with the trial's parameters, each with its content.
    pub files: Vec<(PathBuf, String)>,
}

/// Builds the command of a trial whose attempt lives in `dir`. `devices` are the UUIDs of its GPUs.
/// `devices` is `None` on a node without GPUs, where the trial inherits the agent's
/// `CUDA_VISIBLE_DEVICES`.
///
/// # Errors
/// Fails with [`Unstartable`], which says what to do, if this node cannot run the command.
pub fn build(
    start: &Start,
    dir: &Path,
    devices: Option<&[String]>,
    node: &Node,
) -> Result<Command, Unstartable> {
    let params_path = dir.join(spec::PARAMS);
    let mut wants_file = false;
    let mut argv: Vec<String> = Vec::with_capacity(start.command.len());
    for argument in &start.command {
        argv.push(expand(argument, node, &params_path, &mut wants_file));
    }
    let executable = find_executable(&mut argv, node)?;
    find_script(&argv[executable..], node)?;
    let params = serde_json::from_str(&start.params_json).map_err(|error| {
        Unstartable::new(format!("the parameters of `{}` are not JSON: {error}", start.run))
    })?;
    let mut files = vec![(dir.join(spec::WANDB_PARAMS), wandb::parameters(&params))];
    if wants_file {
        files.push((params_path, start.params_json.clone()));
    }
    Ok(Command { argv, env: environment(start, &params, dir, devices, node), files })
}

fn expand(argument: &Argument, node: &Node, params: &Path, wants_file: &mut bool) -> String {
    let mut text = String::new();
    for piece in argument.pieces.iter().filter_map(|piece| piece.piece.as_ref()) {
        match piece {
            Piece::Text(plain) => text += plain,
            Piece::Envvar(name) => text += &(node.variable)(name).unwrap_or_else(|| name.clone()),
            Piece::ArgsJsonFile(_) => {
                text += &params.display().to_string();
                *wants_file = true;
            }
        }
    }
    text
}

/// The interpreters, besides Python, that open their first argument as a file.
const INTERPRETERS: [&str; 9] =
    ["sh", "bash", "dash", "zsh", "ksh", "perl", "ruby", "Rscript", "julia"];

/// Checks that the script of an interpreter exists. Arguments of other programs are not checked:
/// only the program knows which of them are files on this node. For example, a module or a path
/// within a container is no such file.
fn find_script(argv: &[String], node: &Node) -> Result<(), Unstartable> {
    let Some(script) = script(argv) else { return Ok(()) };
    // A shell also looks for its script on the PATH.
    if node.cwd.join(script).exists() || on_path(script, node) {
        return Ok(());
    }
    let message = format!("program `{script}` not found in {}", node.cwd.display());
    Err(Unstartable::new(message).hint(
        "trials run in the folder that the agent was started in: start it where the program is",
    ))
}

/// Returns the file that an interpreter opens. `None` if the program is no interpreter, or if an
/// option decides what it runs.
fn script(argv: &[String]) -> Option<&str> {
    let (interpreter, arguments) = argv.split_first()?;
    let name = Path::new(interpreter).file_name()?.to_str()?;
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
    let first = if version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    {
        python_script(arguments)?
    } else {
        INTERPRETERS.contains(&name).then(|| arguments.first())??
    };
    (!first.is_empty() && !first.starts_with('-')).then_some(first)
}

/// Returns the argument after Python's options, or `None` after `-m`, `-c` and every unknown
/// option.
fn python_script(arguments: &[String]) -> Option<&String> {
    let mut arguments = arguments.iter();
    loop {
        let argument = arguments.next()?;
        let Some(option) = argument.strip_prefix('-') else { return Some(argument) };
        match option {
            // The options `-W` and `-X` take the next argument.
            "W" | "X" => drop(arguments.next()),
            _ if option.starts_with(['W', 'X']) => {}
            _ if !option.is_empty() && option.chars().all(|c| "bBdEiIOPqsSuvx".contains(c)) => {}
            _ => return None,
        }
    }
}

/// Checks that the program exists and is executable, so that the person reads a sentence instead of
/// an exit code. After `env`, checks the program that `env` executes. Replaces `python` with
/// `python3` if the node has only that. Returns the index of the program in argv.
fn find_executable(argv: &mut [String], node: &Node) -> Result<usize, Unstartable> {
    let Some(first) = argv.first() else {
        return Err(Unstartable::new("the sweep's command is empty"));
    };
    let by_env = first == "env" || first.ends_with("/env");
    let plain = |argument: &String| !argument.starts_with('-') && !argument.contains('=');
    let index = usize::from(by_env && argv.get(1).is_some_and(plain));
    let name = argv[index].clone();
    if is_executable(&node.cwd.join(&name)) && name.contains('/') || on_path(&name, node) {
        return Ok(index);
    }
    if name == "python" && on_path("python3", node) {
        "python3".clone_into(&mut argv[index]);
        return Ok(index);
    }
    let path = node.cwd.join(&name);
    Err(match (name.contains('/'), path.exists()) {
        (true, true) => Unstartable::new(format!("`{name}` is not executable"))
            .hint(format!("`chmod +x {name}`, or name its interpreter in the sweep's `command`")),
        (true, false) => Unstartable::new(format!("`{name}` not found in {}", node.cwd.display())),
        (false, true) => Unstartable::new(format!("`{name}` not found on the PATH"))
            .hint(format!("write `./{name}` for the file in this folder")),
        (false, false) => Unstartable::new(format!("`{name}` not found on the PATH"))
            .hint("install it on this node, or change the sweep's `command`"),
    })
}

fn on_path(name: &str, node: &Node) -> bool {
    !name.is_empty()
        && !name.contains('/')
        && std::env::split_paths(&node.path).any(|folder| is_executable(&folder.join(name)))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn environment(
    start: &Start,
    params: &Value,
    dir: &Path,
    devices: Option<&[String]>,
    node: &Node,
) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = [
        (dial::CONTROLLER_VAR, node.reach.controller.clone()),
        (dial::TOKEN_VAR, start.token.clone()),
        (dial::TRUST_VAR, node.reach.trust.clone().unwrap_or_default()),
        (dial::INSECURE_VAR, if node.reach.insecure { "1" } else { "" }.to_owned()),
        ("BESOM_RUN", start.run.clone()),
        ("BESOM_ATTEMPT", start.attempt.to_string()),
        ("BESOM_SWEEP", start.sweep.clone()),
        ("BESOM_TRIAL", start.trial.to_string()),
        ("BESOM_PROJECT", start.project.clone()),
        ("BESOM_METRIC", start.metric.clone()),
        ("BESOM_PARAMS", start.params_json.clone()),
        (spec::DIR_VAR, dir.display().to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    leaves("", params, &mut env);
    env.extend(wandb::variables(start, dir, &node.reach.controller, node.variable));
    if let Some(devices) = devices {
        env.push(("CUDA_VISIBLE_DEVICES".to_owned(), devices.join(",")));
    }
    // Without the variable, Python keeps printed rows in a buffer of 8 KiB: early stopping sees
    // them late, and a killed program loses them. If the user has set the variable, even to an
    // empty text, the agent leaves it alone.
    if (node.variable)(UNBUFFERED_VAR).is_none() {
        env.push((UNBUFFERED_VAR.to_owned(), "1".to_owned()));
    }
    // An empty token means that the trial gets no token, and likewise for the others.
    let optional = [dial::TOKEN_VAR, dial::TRUST_VAR, dial::INSECURE_VAR];
    env.retain(|(key, value)| !optional.contains(&key.as_str()) || !value.is_empty());
    env
}

/// Adds one variable for each leaf of the parameters. The variable's name is `BESOM_PARAM_` and the
/// keys that lead to the leaf, joined by `__`. In the keys, `_` replaces everything but ASCII
/// letters and digits. A text is written as it is, and any other value as JSON.
fn leaves(path: &str, value: &Value, env: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let key: String =
                    key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
                leaves(&if path.is_empty() { key } else { format!("{path}__{key}") }, value, env);
            }
        }
        Value::String(text) => env.push((format!("BESOM_PARAM_{path}"), text.clone())),
        other => env.push((format!("BESOM_PARAM_{path}"), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(cwd: &Path) -> Node {
        let variable = |name: &str| (name == "DATA").then(|| "/data".to_owned());
        let path = cwd.join("bin").into_os_string();
        let reach = Reach { trust: Some("/ca.pem".to_owned()), ..Reach::default() };
        Node { cwd: cwd.to_owned(), path, variable, reach }
    }

    fn text(text: &str) -> Argument {
        Argument { pieces: vec![proto::v1::Piece { piece: Some(Piece::Text(text.to_owned())) }] }
    }

    fn executable(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn start(command: Vec<Argument>) -> Start {
        let params_json = r#"{"lr":0.1,"opt":"sgd","a b":{"c":[1],"d-e":true}}"#.to_owned();
        Start { run: "s-1".to_owned(), command, params_json, ..Start::default() }
    }

    #[test]
    fn pieces_become_one_argument_and_parameters_become_variables() {
        let home = tempfile::tempdir().unwrap();
        let node = node(home.path());
        executable(&home.path().join("bin/run"));
        let piece = |piece| proto::v1::Piece { piece: Some(piece) };
        let pieces = vec![
            piece(Piece::Text("--d=".to_owned())),
            piece(Piece::Envvar("DATA".to_owned())),
            piece(Piece::Envvar("GONE".to_owned())),
        ];
        let file = Argument { pieces: vec![piece(Piece::ArgsJsonFile(true))] };
        let start = start(vec![text("run"), Argument { pieces }, file]);
        let command = build(&start, Path::new("/d"), Some(&["GPU-1".to_owned()]), &node).unwrap();
        assert_eq!(command.argv, ["run", "--d=/dataGONE", "/d/params.json"]);
        let files: Vec<_> = command.files.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        assert_eq!(files, ["/d/wandb-params.yaml", "/d/params.json"]);
        let value = |key: &str| {
            command.env.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("BESOM_PARAM_lr"), Some("0.1"));
        assert_eq!(value("BESOM_PARAM_opt"), Some("sgd"));
        assert_eq!(value("BESOM_PARAM_a_b__c"), Some("[1]"));
        assert_eq!(value("BESOM_PARAM_a_b__d_e"), Some("true"));
        assert_eq!(value("CUDA_VISIBLE_DEVICES"), Some("GPU-1"));
        assert_eq!(value("BESOM_TOKEN"), None);
        assert_eq!(value("BESOM_TRUST"), Some("/ca.pem"));
        assert_eq!(value("BESOM_INSECURE"), None);
    }

    #[test]
    fn a_node_without_gpus_keeps_its_own_cuda_visible_devices() {
        let home = tempfile::tempdir().unwrap();
        executable(&home.path().join("bin/run"));
        let command =
            build(&start(vec![text("run")]), Path::new("/d"), None, &node(home.path())).unwrap();
        assert!(command.env.iter().all(|(key, _)| key != "CUDA_VISIBLE_DEVICES"));
    }

    #[test]
    fn python_prints_at_once_unless_the_user_has_decided() {
        let home = tempfile::tempdir().unwrap();
        executable(&home.path().join("bin/run"));
        let set = |variable: fn(&str) -> Option<String>| {
            let node = Node { variable, ..node(home.path()) };
            let command = build(&start(vec![text("run")]), Path::new("/d"), None, &node).unwrap();
            command.env.into_iter().find(|(key, _)| key == UNBUFFERED_VAR).map(|(_, value)| value)
        };
        assert_eq!(set(|_| None).as_deref(), Some("1"));
        assert_eq!(set(|name| (name == UNBUFFERED_VAR).then(String::new)), None);
    }

    #[test]
    fn python3_stands_in_for_python() {
        let home = tempfile::tempdir().unwrap();
        executable(&home.path().join("bin/python3"));
        fs::write(home.path().join("train.py"), "").unwrap();
        executable(&home.path().join("bin/env"));
        let start = start(vec![text("env"), text("python"), text("train.py")]);
        let command = build(&start, Path::new("/d"), None, &node(home.path())).unwrap();
        assert_eq!(command.argv, ["env", "python3", "train.py"]);
    }

    /// A file that only another program opens may be anywhere: a module, a container's file, a
    /// wrapper's argument.
    #[test]
    fn files_that_other_programs_open_are_not_checked() {
        let home = tempfile::tempdir().unwrap();
        for name in ["env", "python", "accelerate", "docker", "sh"] {
            executable(&home.path().join("bin").join(name));
        }
        fs::write(home.path().join("there.py"), "").unwrap();
        for command in [
            &["env", "python", "-m", "scripts.train", "--lr=1"][..],
            &["python", "-um", "scripts.train"],
            &["python", "-c", "print()"],
            &["python", "-"],
            &["python"],
            &["python", "-Wignore", "-u", "there.py"],
            &["accelerate", "launch", "train.py"],
            &["docker", "run", "image", "python", "/app/train.py"],
            &["sh", "-c", "python train.py"],
            &["env", "A=1", "python", "train.py"],
        ] {
            let start = start(command.iter().copied().map(text).collect());
            let built = build(&start, Path::new("/d"), None, &node(home.path()));
            assert_eq!(built.unwrap().argv, command);
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let home = tempfile::tempdir().unwrap();
        let node = node(home.path());
        fs::write(home.path().join("plain"), "").unwrap();
        let problem = |command: &[&str]| {
            let start = start(command.iter().copied().map(text).collect());
            build(&start, Path::new("/d"), None, &node).unwrap_err().message
        };
        let cwd = home.path().display();
        executable(&home.path().join("bin/python3.12"));
        let missing = |file: &str| format!("program `{file}` not found in {cwd}");
        assert_eq!(problem(&["python3.12", "-u", "-X", "dev", "train.py"]), missing("train.py"));
        assert_eq!(problem(&["env", "python3.12", "a/train.py", "--lr=1"]), missing("a/train.py"));
        assert_eq!(problem(&["nothing"]), "`nothing` not found on the PATH");
        assert_eq!(problem(&["plain"]), "`plain` not found on the PATH");
        assert_eq!(problem(&["./plain"]), "`./plain` is not executable");
        assert_eq!(problem(&["/usr/bin/env", "pythn"]), "`pythn` not found on the PATH");
        assert_eq!(problem(&[]), "the sweep's command is empty");
    }
}
