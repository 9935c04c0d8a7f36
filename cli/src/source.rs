//! Reads a sweep's YAML from a file or from stdin, for `create` and `check`. This module does not
//! interpret the text. Other commands use [`why`].

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use terminal::{Exit, Failure, sanitise};

use crate::connect::nearest;

/// The size limit of the text in bytes, far above that of a real configuration. The limit keeps a
/// wrong file from filling the memory.
const LARGEST: u64 = 16 << 20;

/// The text of a configuration, with its name.
pub(crate) struct Source {
    /// The path as the user typed it, or `<stdin>` for `-`.
    pub(crate) name: String,
    /// The whole text.
    pub(crate) text: String,
}

/// Reads the file, or stdin if the path is `-`.
pub(crate) fn read(path: &Path) -> Result<Source, Failure> {
    let from_stdin = path.as_os_str() == "-";
    let name =
        if from_stdin { "<stdin>".to_owned() } else { sanitise(&path.display().to_string()) };
    let bytes = if from_stdin { all(io::stdin().lock()) } else { File::open(path).and_then(all) };
    let bytes = bytes.map_err(|error| unreadable(path, &name, &error))?;
    if bytes.len() as u64 > LARGEST {
        let failure =
            Failure::new(Exit::Input, format!("`{name}` is larger than {} MiB", LARGEST >> 20));
        return Err(failure.hint("a sweep's YAML is a page or two; is this the right file?"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Failure::new(Exit::Input, format!("`{name}` is not text in UTF-8, from line {line} on"))
            .hint("save it as UTF-8; is this the right file?")
    })?;
    Ok(Source { name, text })
}

fn all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, name: &str, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::Input, format!("cannot read `{name}`: {}", why(error)));
    if error.kind() != io::ErrorKind::NotFound {
        return failure;
    }
    match neighbour(path) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("give the path of the sweep's YAML file"),
    }
}

/// Returns the reason of a file system error in plain words.
pub(crate) fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        _ => error.to_string(),
    }
}

/// Returns the path of an entry in the same folder whose name is almost that of the missing file.
/// Returns `None` if there is none.
fn neighbour(path: &Path) -> Option<String> {
    let typed = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let names = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let near = nearest(typed, names)?;
    Some(sanitise(
        &folder.map_or_else(|| near.clone(), |folder| folder.join(&near).display().to_string()),
    ))
}
