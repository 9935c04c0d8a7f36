//! Encodes and decodes the two records of an artifact's version: the row with which a run announces
//! the version, and the manifest, which lists the version's paths and their contents. The clients
//! and the controller share this module, so that equal paths and contents have the same digest
//! everywhere. The module is pure: it computes no hash and opens no file.
//!
//! ```text
//! besom manifest 1
//! blob <tab> SHA-256 <tab> size <tab> path
//! reference <tab> URL <tab> path
//! pinned <tab> URL <tab> digest <tab> path
//! ```
//!
//! The manifest has one line for each path, in the order of the paths' bytes. Each line ends with a
//! line feed. The SHA-256 of this text is the version's digest.

use std::{fmt::Write as _, str::Lines};

use crate::{
    Row, Value,
    file::{BadFile, check_content, check_hash, check_path},
};

/// The maximum number of paths in one version of an artifact.
pub const MAX_ENTRIES: usize = 100_000;
/// The size of the largest manifest, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 32 << 20;
/// The length of the longest reference, in bytes.
pub const MAX_REFERENCE_BYTES: usize = 4096;
/// The maximum length of an artifact's name, type or alias, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// The maximum number of aliases in one row of an artifact.
pub const MAX_ALIASES: usize = 32;
/// The maximum size of a version's metadata, in bytes.
pub const MAX_METADATA_BYTES: usize = 64 << 10;
/// The alias of the version that a run announced last. A version that is announced again gets it
/// back.
pub const LATEST: &str = "latest";

/// The manifest's first line.
const HEADER: &str = "besom manifest 1";

/// One path of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path: relative, with `/` between its parts. The path passes [`check_path`].
    pub path: String,
    /// The content at this path.
    pub content: Content,
}

/// The content of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A blob.
    Blob {
        /// The SHA-256 of the blob: 64 hexadecimal digits in lower case.
        sha256: String,
        /// The size of the blob in bytes.
        size: u64,
    },
    /// Data outside Besom. Only the program that uses the artifact opens the URL.
    Reference {
        /// The URL.
        url: String,
        /// What identifies the data at the URL, such as an ETag; `None` if the program that logged
        /// the artifact did not ask. A reference with a digest is called pinned.
        digest: Option<String>,
    },
}

impl Content {
    /// Makes a reference whose data the caller has not looked at.
    pub fn reference(url: impl Into<String>) -> Self {
        Self::Reference { url: url.into(), digest: None }
    }
}

/// A reason why the row or the manifest of an artifact is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadArtifact {
    /// A path, a hash or a size is wrong. [`crate::content_row::ContentRow::of`] also fails with
    /// this for the row of a file or a checkpoint.
    #[error(transparent)]
    File(#[from] BadFile),
    /// The same path occurs twice.
    #[error("the artifact has the path `{0}` twice")]
    Twice(String),
    /// A path is a file and also the folder of another path.
    #[error("the artifact has `{0}` both as a file and as a folder")]
    Folder(String),
    /// A reference cannot be stored.
    #[error(
        "the URL or the digest of the reference `{0}` is empty, longer than \
        {MAX_REFERENCE_BYTES} bytes or has a control character"
    )]
    Reference(String),
    /// The artifact has more than [`MAX_ENTRIES`] paths.
    #[error(
        "the artifact has {0} files; the limit is {MAX_ENTRIES}: pack them into fewer files, such \
        as a tar or a Parquet file"
    )]
    Entries(usize),
    /// The manifest is too large.
    #[error(
        "the manifest has {0} bytes; the limit is {MAX_MANIFEST_BYTES}: use shorter paths or \
        fewer files"
    )]
    Large(u64),
    /// A line differs from every line that [`manifest`] writes, or is out of order. The value is
    /// the number of the line, from 1. Line 1 also stands for a manifest that has a carriage
    /// return, or no line feed at its end.
    #[error("line {0} of the manifest is invalid")]
    Line(usize),
    /// A name, a type or an alias is malformed.
    #[error(
        "an artifact's {what} has 1 to {MAX_NAME_BYTES} bytes of letters, digits, `-`, `_` and \
        `.`, not `{name}`"
    )]
    Name {
        /// The part that is wrong: `name`, `type` or `alias`.
        what: &'static str,
        /// The text that was given, escaped and cut.
        name: String,
    },
    /// The alias has the form of a version's number.
    #[error("`{0}` is the number of a version, not an alias")]
    Number(String),
    /// The row gives more than [`MAX_ALIASES`] aliases.
    #[error("the artifact has {0} aliases; the limit is {MAX_ALIASES}")]
    Aliases(usize),
    /// The metadata is not a JSON object, or is too large.
    #[error("the metadata must be a JSON object of {MAX_METADATA_BYTES} bytes at most")]
    Metadata,
    /// A value of the row is missing, has another type, or is a negative size.
    #[error("the value `{0}` in an artifact's row is missing or invalid")]
    Value(&'static str),
}

/// Sorts the entries by path and returns the text of the manifest.
///
/// # Errors
/// Fails with a [`BadArtifact`] that names the first thing that is wrong.
pub fn manifest(entries: &mut [Entry]) -> Result<String, BadArtifact> {
    if entries.len() > MAX_ENTRIES {
        return Err(BadArtifact::Entries(entries.len()));
    }
    entries.sort_by(|one, two| one.path.cmp(&two.path));
    let mut text = format!("{HEADER}\n");
    for Entry { path, content } in entries.iter() {
        // `check` below refuses control characters in paths and references, so tabs only separate
        // fields, and line feeds only end lines.
        let written = match content {
            Content::Blob { sha256, size } => writeln!(text, "blob\t{sha256}\t{size}\t{path}"),
            Content::Reference { url, digest: None } => {
                writeln!(text, "reference\t{url}\t{path}")
            }
            Content::Reference { url, digest: Some(digest) } => {
                writeln!(text, "pinned\t{url}\t{digest}\t{path}")
            }
        };
        // Writing to a string cannot fail.
        let _ = written;
    }
    check(entries)?;
    match text.len() as u64 {
        large if large > MAX_MANIFEST_BYTES => Err(BadArtifact::Large(large)),
        _ => Ok(text),
    }
}

/// Returns the entries of a manifest, sorted by path. Accepts only texts that [`manifest`] writes,
/// so that a list of entries has exactly one digest. Only the size is not checked: the caller
/// compares it with [`MAX_MANIFEST_BYTES`].
///
/// # Errors
/// Fails with a [`BadArtifact`] that names the first thing that is wrong.
pub fn entries(manifest: &str) -> Result<Vec<Entry>, BadArtifact> {
    let lines = || -> Lines<'_> { manifest.lines() };
    let whole =
        manifest.ends_with('\n') && !manifest.contains('\r') && lines().next() == Some(HEADER);
    if !whole {
        return Err(BadArtifact::Line(1));
    }
    let count = lines().count() - 1;
    if count > MAX_ENTRIES {
        return Err(BadArtifact::Entries(count));
    }
    let numbered = lines().enumerate().skip(1);
    let entries: Vec<Entry> = numbered
        .map(|(at, line)| entry(line).ok_or(BadArtifact::Line(at + 1)))
        .collect::<Result<_, _>>()?;
    if let Some(at) = entries.windows(2).position(|two| two[0].path > two[1].path) {
        return Err(BadArtifact::Line(at + 3));
    }
    check(&entries)?;
    Ok(entries)
}

fn entry(line: &str) -> Option<Entry> {
    let mut parts = line.split('\t');
    let content = match parts.next()? {
        "blob" => {
            let (sha256, digits) = (parts.next()?.to_owned(), parts.next()?);
            let size: u64 = digits.parse().ok()?;
            // `parse` also accepts `007` and `+7`; this comparison refuses all spellings but `7`.
            (size.to_string() == digits).then_some(Content::Blob { sha256, size })?
        }
        "reference" => Content::reference(parts.next()?),
        "pinned" => {
            let (url, digest) = (parts.next()?.to_owned(), parts.next()?.to_owned());
            Content::Reference { url, digest: Some(digest) }
        }
        _ => return None,
    };
    let path = parts.next()?.to_owned();
    parts.next().is_none().then_some(Entry { path, content })
}

/// Checks that sorted entries can be stored, and can be written into one folder.
fn check(entries: &[Entry]) -> Result<(), BadArtifact> {
    for Entry { path, content } in entries {
        check_path(path)?;
        match content {
            Content::Blob { sha256, size } => check_content(sha256, *size)?,
            Content::Reference { url, digest } => {
                let fits = |text: &String| {
                    (1..=MAX_REFERENCE_BYTES).contains(&text.len())
                        && !text.chars().any(char::is_control)
                };
                if !fits(url) || !digest.as_ref().is_none_or(fits) {
                    return Err(BadArtifact::Reference(path.clone()));
                }
            }
        }
    }
    if let Some(two) = entries.windows(2).find(|two| two[0].path == two[1].path) {
        return Err(BadArtifact::Twice(two[0].path.clone()));
    }
    match folder(entries) {
        Some(folder) => Err(BadArtifact::Folder(folder.to_owned())),
        None => Ok(()),
    }
}

/// Returns the path of an entry that is also a folder on the path of another entry; `None` if there
/// is none. The function does not look up every folder of every path: a path can have hundreds of
/// folders, and a manifest a hundred thousand paths.
fn folder(entries: &[Entry]) -> Option<&str> {
    // Paths with a common prefix are neighbours in sorted order. `open` holds the earlier paths
    // that are a prefix of the current path.
    let mut open: Vec<&str> = Vec::new();
    for Entry { path, .. } in entries {
        while open.pop_if(|before| !path.starts_with(*before)).is_some() {}
        if let Some(folder) =
            open.iter().find(|before| path.as_bytes().get(before.len()) == Some(&b'/'))
        {
            return Some(folder);
        }
        open.push(path);
    }
    None
}

/// The row of the stream `files` with which a run announces a version of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRow {
    /// The artifact's name in the run's project.
    pub name: String,
    /// The artifact's type, such as `model` or `dataset`.
    pub kind: String,
    /// The SHA-256 of the manifest.
    pub digest: String,
    /// The size of the manifest in bytes.
    pub size: u64,
    /// The metadata as a JSON object; empty if there is none.
    pub metadata: String,
    /// The aliases that the controller moves to this version. `latest` moves to it anyway.
    pub aliases: Vec<String>,
}

impl ArtifactRow {
    /// The key that marks the row of an artifact; the rows of files and checkpoints do not have it.
    const NAME: &str = "artifact";

    /// Returns whether a row announces an artifact.
    pub fn is_one(row: &Row) -> bool {
        row.values.iter().any(|(key, _)| key == Self::NAME)
    }

    /// Returns the keys and values of the row.
    pub fn values(&self) -> Vec<(&'static str, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        vec![
            (Self::NAME, text(&self.name)),
            ("type", text(&self.kind)),
            ("sha256", text(&self.digest)),
            // No manifest is larger than 2^63 bytes.
            ("size", Value::I64(i64::try_from(self.size).unwrap_or(i64::MAX))),
            ("metadata", text(&self.metadata)),
            // No alias has a comma.
            ("aliases", text(&self.aliases.join(","))),
        ]
    }

    /// Reads the artifact that a row announces.
    ///
    /// # Errors
    /// Fails with [`BadArtifact`] if a value is missing or has another type, or if the row does not
    /// pass [`ArtifactRow::check`].
    pub fn of(row: &Row) -> Result<Self, BadArtifact> {
        let value = |name| row.values.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let text = |name| match value(name) {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => Err(BadArtifact::Value(name)),
        };
        let size = match value("size") {
            Some(Value::I64(size)) => {
                u64::try_from(*size).map_err(|_| BadArtifact::Value("size"))?
            }
            _ => return Err(BadArtifact::Value("size")),
        };
        let aliases = text("aliases")?;
        let artifact = Self {
            name: text(Self::NAME)?,
            kind: text("type")?,
            digest: text("sha256")?,
            size,
            metadata: text("metadata")?,
            aliases: aliases
                .split(',')
                .filter(|alias| !alias.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        artifact.check()?;
        Ok(artifact)
    }

    /// Checks every value of the row against its format and its limit. A reader must do this before
    /// it uses a row from another program.
    ///
    /// # Errors
    /// Fails with a [`BadArtifact`] that names the first thing that is wrong.
    pub fn check(&self) -> Result<(), BadArtifact> {
        check_name("name", &self.name)?;
        check_name("type", &self.kind)?;
        check_hash(&self.digest)?;
        if self.size > MAX_MANIFEST_BYTES {
            return Err(BadArtifact::Large(self.size));
        }
        if self.aliases.len() > MAX_ALIASES {
            return Err(BadArtifact::Aliases(self.aliases.len()));
        }
        self.aliases.iter().try_for_each(|alias| check_alias(alias))?;
        Self::check_metadata(&self.metadata)
    }

    /// Checks that a version can have this metadata: a JSON object, or nothing.
    ///
    /// # Errors
    /// Fails with [`BadArtifact::Metadata`] otherwise.
    pub fn check_metadata(metadata: &str) -> Result<(), BadArtifact> {
        let is_object =
            || serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(metadata).is_ok();
        let fits = metadata.is_empty() || metadata.len() <= MAX_METADATA_BYTES && is_object();
        if fits { Ok(()) } else { Err(BadArtifact::Metadata) }
    }
}

/// Checks a name, a type or an alias. `what` tells the error which of the three the text is:
/// `name`, `type` or `alias`.
///
/// # Errors
/// Fails with [`BadArtifact::Name`] if the text is empty, is too long, or has a character that is
/// not allowed.
pub fn check_name(what: &'static str, name: &str) -> Result<(), BadArtifact> {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if (1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(BadArtifact::Name {
        what,
        name: name.chars().take(80).flat_map(char::escape_debug).collect(),
    })
}

/// Checks that an alias is a valid name and does not look like the number of a version (`v3`).
///
/// # Errors
/// Fails with [`BadArtifact::Name`] if the name is invalid, and with [`BadArtifact::Number`] if it
/// looks like a version's number.
pub fn check_alias(alias: &str) -> Result<(), BadArtifact> {
    check_name("alias", alias)?;
    if number(alias).is_some() { Err(BadArtifact::Number(alias.to_owned())) } else { Ok(()) }
}

/// Returns the number of a version: 3 for `v3`. A number above `u64::MAX` becomes `u64::MAX`.
/// Returns `None` if the text is not `v` and digits.
pub fn number(version: &str) -> Option<u64> {
    let digits = version.strip_prefix('v')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { Some(digits.parse().unwrap_or(u64::MAX)) } else { None }
}

#[cfg(test)]
mod tests;
