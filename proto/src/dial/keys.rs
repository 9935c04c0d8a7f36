//! Keeps the keys of a person in a file that only this person can read: one key for each address of
//! a controller. `sweep login` writes it. The `sweep` command, the agent and the SDK read it if
//! neither a flag nor the environment has a token.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The file's name in the folder of the person's settings.
const FILE: &str = "besom/keys.json";

/// Returns the path of the file: in `XDG_CONFIG_HOME`, or else in `~/.config`. `None` if the person
/// has no home.
pub fn path() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    folder.map(|folder| folder.join(FILE))
}

/// Returns the key for a controller, if the file has one.
pub fn stored(controller: &str) -> Option<String> {
    // A file that cannot be read has no key. The controller then says that one is needed.
    read(&path()?).ok()?.remove(address(controller))
}

/// Stores the key for a controller, in place of an older one. If `key` is `None`, removes it.
///
/// # Errors
/// Fails if the file cannot be read or written.
pub fn store(path: &Path, controller: &str, key: Option<&str>) -> io::Result<()> {
    let mut keys = read(path)?;
    match key {
        Some(key) => keys.insert(address(controller).to_owned(), key.to_owned()),
        None => keys.remove(address(controller)),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(serde_json::to_string_pretty(&keys)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(part, path)
}

fn read(path: &Path) -> io::Result<BTreeMap<String, String>> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Returns the address as the file names it.
fn address(controller: &str) -> &str {
    let controller = controller.trim().trim_end_matches('/');
    controller.strip_prefix("http://").unwrap_or(controller)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_kept_by_address_in_a_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/keys.json");
        store(&path, "http://one:7070/", Some("first")).unwrap();
        store(&path, "https://two:7070", Some("second")).unwrap();
        store(&path, "one:7070", Some("newer")).unwrap();
        let of = |path: &Path| read(path).unwrap().into_iter().collect::<Vec<_>>();
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let both = [pair("https://two:7070", "second"), pair("one:7070", "newer")];
        assert_eq!(of(&path), both);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        store(&path, "one:7070", None).unwrap();
        assert_eq!(of(&path).len(), 1);
        fs::write(&path, "no JSON").unwrap();
        assert!(store(&path, "one:7070", Some("key")).is_err(), "a damaged file is not replaced");
    }
}
