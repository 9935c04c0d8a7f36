//! Which contents have to be at the controller before rows of the stream `files` are. Asked by
//! `wire`.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use record::{
    artifact::{ArtifactRow, Content, MAX_MANIFEST_BYTES, entries},
    file::Told,
};

use crate::Hashed;

/// The contents that the rows in these frames name, each once and by hash: files, manifests of artifacts, and what the manifests list, which
/// are read in `folder`, where the contents lie under their hashes. Rows that tell of nothing, and whatever is damaged, name
/// nothing: who stores them says so.
///
/// # Errors
/// When a manifest cannot be read, or is none.
pub(crate) fn named(frames: &[u8], folder: &Path) -> io::Result<Vec<Hashed>> {
    let mut contents = Vec::new();
    for told in record::rows(frames).unwrap_or_default().iter().filter_map(|row| Told::of(row).ok()) {
        match told {
            Told::File(file) => contents.push(Hashed { sha256: file.sha256, size: file.size }),
            Told::Artifact(artifact) => {
                contents.extend(listed(&artifact, folder)?);
                contents.push(Hashed { sha256: artifact.digest, size: artifact.size });
            }
        }
    }
    contents.sort_by(|one, two| one.sha256.cmp(&two.sha256));
    contents.dedup();
    Ok(contents)
}

fn listed(artifact: &ArtifactRow, folder: &Path) -> io::Result<Vec<Hashed>> {
    let mut manifest = String::new();
    File::open(folder.join(&artifact.digest))?.take(MAX_MANIFEST_BYTES).read_to_string(&mut manifest)?;
    let entries = entries(&manifest).map_err(|bad| io::Error::new(io::ErrorKind::InvalidData, bad))?;
    let blobs = entries.into_iter().filter_map(|entry| match entry.content {
        Content::Blob { sha256, size } => Some(Hashed { sha256, size }),
        Content::Reference(_) => None,
    });
    Ok(blobs.collect())
}
