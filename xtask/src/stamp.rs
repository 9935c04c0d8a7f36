//! Computes the stamp of the dashboard: a hash of its sources and of its lockfile. `cargo xtask
//! web` writes the stamp beside the built files, and `controller/build.rs` compares it, so that
//! nobody embeds a dashboard that is older than its sources. Both compile this file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The name of the file with the stamp, in the folder of the built files.
pub(crate) const FILE: &str = "stamp";

/// The folders of the dashboard that hold no sources.
const OUTPUTS: [&str; 3] = ["dist", "node_modules", "test-results"];

/// Returns the paths of the dashboard's sources, sorted. Hidden files and Markdown are no sources.
///
/// # Errors
/// Fails if a folder cannot be read.
pub(crate) fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            if name.starts_with('.') || name.ends_with(".md") || OUTPUTS.contains(&name.as_str()) {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the stamp of the sources in `folder`: 16 hexadecimal digits.
///
/// # Errors
/// Fails if a source cannot be read.
pub(crate) fn of(folder: &Path) -> io::Result<String> {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for path in sources(folder)? {
        let content = fs::read(&path)?;
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        for part in [name.as_bytes(), &content] {
            hash.add(&part.len().to_le_bytes());
            hash.add(part);
        }
    }
    Ok(format!("{:016x}", hash.0))
}

/// The hash FNV-1a. The stamp tells mistakes and not attacks, and neither program that computes it
/// has another use for a hash.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
