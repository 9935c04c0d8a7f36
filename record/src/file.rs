//! Encodes and decodes the row that announces a file of a run, and checks paths and hashes. The
//! clients and the controller share this module, because neither side trusts a name from the other.
//! The module is pure and joins no path to a folder.

use crate::{Row, Value};

/// The name of the stream whose rows announce files, artifacts and checkpoints.
pub const STREAM: &str = "files";

/// The maximum length of a path, in bytes.
pub const MAX_PATH_BYTES: usize = 1024;
/// The maximum length of one part of a path, in bytes. Most file systems have the same limit.
pub const MAX_NAME_BYTES: usize = 255;
/// The maximum size of a file, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 40;
/// The maximum length of a file's kind, in bytes.
pub const MAX_KIND_BYTES: usize = 32;

/// The row of the stream `files` that announces a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// The path below the run's folder: relative, with `/` between its parts. The path passes
    /// [`check_path`].
    pub path: String,
    /// The SHA-256 of the content: 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The size of the content in bytes.
    pub size: u64,
    /// The kind of the file. The SDK writes `image`, `mask`, `table`, `audio`, `video`, `html` or
    /// `file`.
    pub kind: String,
}

/// A reason why a row of the stream `files` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// The path breaks a rule of [`check_path`]: it could lead out of its folder, or cannot be
    /// printed or stored.
    #[error("`{path}` is not a valid path of a file: {reason}")]
    Path {
        /// The path, escaped and cut.
        path: String,
        /// The rule that the path breaks.
        reason: &'static str,
    },
    /// The hash is not 64 hexadecimal digits in lower case.
    #[error("a SHA-256 must have 64 hexadecimal digits in lower case")]
    Hash,
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("the file has {0} bytes; the limit is {MAX_FILE_BYTES}")]
    Size(u64),
    /// The kind is not one word of lower-case letters, digits and hyphens, or is longer than
    /// [`MAX_KIND_BYTES`].
    #[error(
        "the kind of a file must be one word of up to {MAX_KIND_BYTES} lower-case letters, digits \
        and hyphens"
    )]
    Kind,
    /// A value of a file's row is missing or has another type.
    #[error(
        "a row of files has the values path, sha256, size and kind: `{0}` is missing or has \
        another type"
    )]
    Value(&'static str),
    /// A value of a checkpoint's row is missing or invalid.
    #[error("the value `{0}` in a checkpoint's row is missing or invalid")]
    Checkpoint(&'static str),
}

impl FileRow {
    /// Returns the row that announces this file, with the given step and wall time.
    pub fn to_row(&self, step: u64, wall_ms: i64) -> Row {
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        // No file is larger than 2^63 bytes.
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        let values = vec![
            text("path", &self.path),
            text("sha256", &self.sha256),
            ("size".to_owned(), Value::I64(size)),
            text("kind", &self.kind),
        ];
        Row { step, wall_ms, values }
    }

    /// Reads the file that a row announces.
    ///
    /// # Errors
    /// Fails with [`BadFile`] if a value is missing or has another type, or if the row does not
    /// pass [`FileRow::check`].
    pub fn of(row: &Row) -> Result<Self, BadFile> {
        let value = |name| row.values.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let text = |name| match value(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(BadFile::Value(name)),
        };
        let size = match value("size") {
            Some(Value::I64(size)) => u64::try_from(*size).map_err(|_| BadFile::Value("size"))?,
            _ => return Err(BadFile::Value("size")),
        };
        let file = Self { path: text("path")?, sha256: text("sha256")?, size, kind: text("kind")? };
        file.check()?;
        Ok(file)
    }

    /// Checks every value of the row against its format and its limit. A reader must do this before
    /// it uses a row from another program.
    ///
    /// # Errors
    /// Fails with a [`BadFile`] that names the first thing that is wrong.
    pub fn check(&self) -> Result<(), BadFile> {
        check_path(&self.path)?;
        check_content(&self.sha256, self.size)?;
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let kind = self.kind.as_bytes();
        match (1..=MAX_KIND_BYTES).contains(&kind.len()) && kind.iter().copied().all(is_word) {
            true => Ok(()),
            false => Err(BadFile::Kind),
        }
    }
}

/// Checks that a path is relative and that, on Linux and macOS, it stays below the folder to which
/// a program joins it. The parts of the path have one `/` between them. No part is empty, `.`, `..`
/// or longer than [`MAX_NAME_BYTES`], and no character is a backslash or a control character.
/// `%2e%2e` is a name like any other, because no reader decodes percent escapes. `C:x` is a name as
/// well.
///
/// # Errors
/// Fails with [`BadFile::Path`], which names the rule that the path breaks.
pub fn check_path(path: &str) -> Result<(), BadFile> {
    let bad = |reason| {
        let shown: String = path.chars().take(80).flat_map(char::escape_debug).collect();
        Err(BadFile::Path { path: shown, reason })
    };
    if path.is_empty() {
        return bad("it is empty");
    }
    if path.len() > MAX_PATH_BYTES {
        return bad("it is longer than 1,024 bytes");
    }
    if path.starts_with('/') {
        return bad("it must be relative");
    }
    if path.chars().any(|letter| letter.is_control() || letter == '\\') {
        return bad("it has a backslash or a control character");
    }
    for part in path.split('/') {
        match part {
            "" | "." => return bad("a part of it is empty or `.`"),
            ".." => return bad("it must not lead upwards"),
            long if long.len() > MAX_NAME_BYTES => {
                return bad("a part of it is longer than 255 bytes");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks that a hash has 64 hexadecimal digits in lower case, so that a hash has one spelling.
///
/// # Errors
/// Fails with [`BadFile::Hash`] if the hash has another form.
pub fn check_hash(hash: &str) -> Result<(), BadFile> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if hash.len() == 64 && hash.bytes().all(is_digit) { Ok(()) } else { Err(BadFile::Hash) }
}

/// Checks the hash and the size of a content.
///
/// # Errors
/// Fails with [`BadFile::Hash`] if the hash is malformed, and with [`BadFile::Size`] if the content
/// is too large.
pub fn check_content(hash: &str, size: u64) -> Result<(), BadFile> {
    check_hash(hash)?;
    if size > MAX_FILE_BYTES { Err(BadFile::Size(size)) } else { Ok(()) }
}

/// The largest number of characters that a file's name takes from the key of its value.
const KEY_CHARS: usize = 100;
/// The number of hexadecimal digits of the content's hash in a file's name.
const HASH_DIGITS: usize = 12;

/// Returns the path in its run of a file that holds a logged value: `media/<kind>s/...`, or
/// `media/html/...` for an HTML page. The path names the value's key, its step, and the first
/// digits of its SHA-256.
pub fn media_path(kind: &str, key: &str, step: u64, sha256: &str, format: &str) -> String {
    let folder = if kind == "html" { "html".to_owned() } else { format!("{kind}s") };
    let digits = sha256.get(..HASH_DIGITS).unwrap_or(sha256);
    format!("media/{folder}/{}_{step}_{digits}.{format}", plain(key))
}

/// Returns the first [`KEY_CHARS`] characters of the key as part of a path. ASCII letters, digits,
/// `.`, `-`, `_` and `/` stay, and other characters become `_`. Parts that are empty, `.` or `..`
/// are dropped. If no part is left, the result is `_`.
fn plain(key: &str) -> String {
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '/');
    let letters =
        key.chars().take(KEY_CHARS).map(|letter| if is_plain(letter) { letter } else { '_' });
    let name: String = letters.collect();
    let parts: Vec<&str> =
        name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    if parts.is_empty() { "_".to_owned() } else { parts.join("/") }
}

/// Returns the kind of a file by its path, as W&B's client names its folders: `image`, `table`,
/// `audio`, `video` or `html`, else `file`.
pub fn media_kind(path: &str) -> &'static str {
    match path.strip_prefix("media/").and_then(|rest| rest.split('/').next()) {
        Some("images") => "image",
        Some("table") => "table",
        Some("audio") => "audio",
        Some("videos") => "video",
        Some("html") => "html",
        _ => "file",
    }
}

/// Formats the bytes of a hash as hexadecimal digits in lower case.
pub fn hex(hash: &[u8]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(hash.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let long_part = "x".repeat(256);
        let long = ["ab"; 400].join("/");
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "a/..",
            "./a",
            "a/./b",
            "a//b",
            "a/",
            "a\\b",
            "..\\x",
            "a\0b",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{85}b",
            &long_part,
            &long,
        ] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
        for path in [
            "a",
            "a/b.c",
            "media/images/x_1.png",
            "...",
            "..a",
            "%2e%2e%2fx",
            "ä ö/ü",
            "C:x",
            "-rf",
            "~",
        ] {
            assert_eq!(check_path(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn a_row_comes_back_and_an_invalid_row_is_refused() {
        let file = FileRow {
            path: "a/b.png".to_owned(),
            sha256: "0".repeat(64),
            size: 7,
            kind: "image".to_owned(),
        };
        let row = file.to_row(3, 4);
        assert_eq!(FileRow::of(&row), Ok(file.clone()));
        for at in 0..row.values.len() {
            let mut less = row.clone();
            less.values.remove(at);
            assert!(matches!(FileRow::of(&less), Err(BadFile::Value(_))));
        }
        for bad in [
            FileRow { path: "../x".to_owned(), ..file.clone() },
            FileRow { sha256: "A".repeat(64), ..file.clone() },
            FileRow { kind: "An Image".to_owned(), ..file.clone() },
            FileRow { size: MAX_FILE_BYTES + 1, ..file.clone() },
        ] {
            assert!(FileRow::of(&bad.to_row(0, 0)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn digits_are_in_lower_case() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert!(check_hash(&hex(&[171; 32])).is_ok());
    }

    #[test]
    fn keys_become_names_that_stay_inside_the_folder() {
        for (key, name) in [
            ("val/examples", "val/examples"),
            ("../../etc/x", "etc/x"),
            ("/a//b/", "a/b"),
            ("..", "_"),
            ("", "_"),
            ("a b\\c\0é", "a_b_c__"),
        ] {
            let path = media_path("image", key, 7, &"0".repeat(64), "png");
            assert_eq!(path, format!("media/images/{name}_7_000000000000.png"));
            assert!(check_path(&path).is_ok());
        }
    }
}
