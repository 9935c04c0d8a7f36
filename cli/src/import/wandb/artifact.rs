//! Reads the artifacts that a run has logged. The client has put copies of their files into a
//! folder of the user (`~/.local/share/wandb/artifacts/staging`). The records name these copies.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use md5::{Digest as _, Md5};
use record::artifact::{
    self, ArtifactRow, BadArtifact, Content, LATEST, MAX_ALIASES, MAX_ENTRIES, check_alias,
    check_name,
};

use super::message::{Artifact, Entry as Said, Manifest};
use crate::{
    import::source::{Entry, Losses, Origin, Version},
    source::why,
};

/// Returns the version that a record logs, or `None` if the import cannot store it. Then it counts
/// as a loss, with a note that says why. Descriptions and tags are losses too.
pub(super) fn version(artifact: Artifact, losses: &mut Losses) -> Option<Version> {
    let name = artifact.name.clone();
    let description = usize::from(!artifact.description.is_empty());
    let tags = artifact.tags.len();
    match read(artifact) {
        Ok(version) => {
            (0..description).for_each(|_| losses.skip("artifact description"));
            (0..tags).for_each(|_| losses.skip("artifact tag"));
            Some(version)
        }
        Err(reason) => {
            losses.skip("artifact");
            losses.notes.push(format!("the artifact `{name}` is left out: {reason}"));
            None
        }
    }
}

/// Reads a version. Fails with the reason why it cannot be stored.
fn read(artifact: Artifact) -> Result<Version, String> {
    let Artifact { kind, name, metadata, aliases, manifest, .. } = artifact;
    if artifact.incremental || !artifact.base.is_empty() || !artifact.finalize {
        return Err("it only adds to another version".to_owned());
    }
    check_name("name", &name)
        .and(check_name("type", &kind))
        .and(ArtifactRow::check_metadata(&metadata))
        .map_err(|bad| bad.to_string())?;
    let said = contents(manifest.unwrap_or_default())
        .map_err(|error| format!("the list of its files cannot be read: {}", why(&error)))?;
    let entries = said.into_iter().map(entry).collect::<Result<Vec<Entry>, String>>()?;
    check(&entries).map_err(|bad| bad.to_string())?;
    let is_kept = |alias: &String| alias != LATEST && check_alias(alias).is_ok();
    let aliases: Vec<String> = aliases.into_iter().filter(is_kept).take(MAX_ALIASES).collect();
    Ok(Version { name, kind, metadata, aliases, entries })
}

/// Returns what a manifest says. Fails if its file cannot be read.
fn contents(manifest: Manifest) -> io::Result<Vec<Said>> {
    if manifest.file.is_empty() {
        return Ok(manifest.contents);
    }
    let lines = BufReader::new(GzDecoder::new(File::open(manifest.file)?)).lines();
    // One entry above the limit is enough to see that there are too many.
    lines.take(MAX_ENTRIES + 1).map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

/// Returns an entry. Fails if its file is gone, or has changed since it was logged.
fn entry(said: Said) -> Result<Entry, String> {
    let Said { path, digest, reference, local_path } = said;
    if !reference.is_empty() {
        // A digest that is the URL itself says nothing about the data.
        let digest = Some(digest).filter(|digest| !digest.is_empty() && *digest != reference);
        return Ok(Entry { path, origin: Origin::Reference { url: reference, digest } });
    }
    let place = PathBuf::from(local_path);
    let found = md5(&place)
        .map_err(|error| format!("cannot read `{}`: {}", place.display(), why(&error)))?;
    if STANDARD.encode(found) != digest {
        return Err(format!("`{}` has changed since it was logged", place.display()));
    }
    Ok(Entry { path, origin: Origin::File(place) })
}

fn md5(path: &Path) -> io::Result<Vec<u8>> {
    let mut hasher = Md5::new();
    let mut file = BufReader::with_capacity(256 << 10, File::open(path)?);
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hasher.finalize().to_vec());
        }
        hasher.update(bytes);
        let taken = bytes.len();
        file.consume(taken);
    }
}

/// Checks that a manifest can list these entries. The hashes of their files play no role here.
fn check(entries: &[Entry]) -> Result<(), BadArtifact> {
    let listed = |entry: &Entry| {
        let content = match &entry.origin {
            Origin::File(_) => Content::Blob { sha256: "0".repeat(64), size: 0 },
            Origin::Reference { url, digest } => {
                Content::Reference { url: url.clone(), digest: digest.clone() }
            }
        };
        artifact::Entry { path: entry.path.clone(), content }
    };
    artifact::manifest(&mut entries.iter().map(listed).collect::<Vec<_>>()).map(drop)
}
