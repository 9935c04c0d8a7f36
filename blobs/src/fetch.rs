//! Downloads versions of artifacts: first the manifest, then the files into a folder, each verified
//! by its hash. The SDK and the `sweep` command use it. The module does not trust the controller:
//! every content must match its hash, and no path can lead out of the folder.

use std::io::{self, Write};

use proto::{
    dial::Authorized,
    v1::{Artifact, ArtifactFile, ArtifactRef, artifacts_client::ArtifactsClient},
};
use record::{
    artifact::{Content, Entry, MAX_MANIFEST_BYTES, entries},
    file::check_hash,
};

use crate::{Cache, Folder, Hashed, Trouble, cache, copy, download};

type Client = ArtifactsClient<Authorized>;

/// Downloads the manifest of a version, whose hash is the version's digest, and returns its entries
/// in order of their paths.
///
/// # Errors
/// Fails with [`Trouble`], which is [`Trouble::Damaged`] if the controller sends another content or
/// an invalid manifest.
pub async fn manifest(client: &mut Client, version: &Artifact) -> Result<Vec<Entry>, Trouble> {
    let damaged = |reason| Trouble::Damaged(version.digest.clone(), reason);
    check_hash(&version.digest).map_err(|_| damaged("it is not a digest"))?;
    if version.manifest_size > MAX_MANIFEST_BYTES {
        return Err(damaged("its manifest is too large"));
    }
    let (hashed, mut text) =
        (Hashed { sha256: version.digest.clone(), size: version.manifest_size }, Vec::new());
    download(client.read(file(version, "")), &hashed, &mut text, |_| {}).await?;
    let text = String::from_utf8(text).map_err(|_| damaged("its manifest is not UTF-8 text"))?;
    entries(&text).map_err(|_| damaged("its manifest is not a valid list of files"))
}

/// Returns the bytes of one file of a version, from the cache if the cache has them.
///
/// # Errors
/// Fails with [`Trouble`] if the file cannot be fetched.
pub async fn read(
    client: &mut Client,
    version: &Artifact,
    path: &str,
    content: &Hashed,
    cache: &Cache,
) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    if !cached(cache, content, &mut bytes)? {
        bytes.clear();
        fetch(client, version, path, content, cache, &mut bytes, |_| {}).await?;
        cache.trim();
    }
    Ok(bytes)
}

/// Writes the given entries of a version below a folder, and replaces files with the same paths.
/// The function skips references, which have no content in Besom. `progress` receives the number of
/// bytes of each piece after the function has written it.
///
/// # Errors
/// Fails with [`Trouble`] at the first file that cannot be fetched or written. All files of earlier
/// entries are complete then.
pub async fn write(
    client: &mut Client,
    version: &Artifact,
    entries: &[Entry],
    folder: &Folder,
    cache: &Cache,
    mut progress: impl FnMut(u64),
) -> Result<(), Trouble> {
    for Entry { path, content } in entries {
        let Content::Blob { sha256, size } = content else { continue };
        let content = Hashed { sha256: sha256.clone(), size: *size };
        let mut out = folder.create(path)?;
        if cached(cache, &content, &mut out)? {
            progress(content.size);
        } else {
            out = folder.create(path)?;
            fetch(client, version, path, &content, cache, &mut out, &mut progress).await?;
        }
        out.keep()?;
    }
    cache.trim();
    Ok(())
}

async fn fetch(
    client: &mut Client,
    version: &Artifact,
    path: &str,
    content: &Hashed,
    cache: &Cache,
    out: &mut impl Write,
    progress: impl FnMut(u64),
) -> Result<(), Trouble> {
    let mut both = Both { out, entry: cache.begin(content) };
    download(client.read(file(version, path)), content, &mut both, progress).await?;
    if let Some(entry) = both.entry {
        entry.keep();
    }
    Ok(())
}

/// Copies a content from the cache to `out`. Returns false if the cache does not have the content,
/// or has other bytes under its hash. If the result is false, the bytes written to `out` are
/// useless.
fn cached(cache: &Cache, content: &Hashed, out: &mut impl Write) -> io::Result<bool> {
    let Some(mut file) = cache.open(content) else { return Ok(false) };
    let is_right = copy(&mut file, out)? == *content;
    if !is_right {
        cache.forget(content);
    }
    Ok(is_right)
}

fn file(version: &Artifact, path: &str) -> ArtifactFile {
    let artifact = ArtifactRef {
        project: version.project.clone(),
        name: version.name.clone(),
        version: format!("v{}", version.version),
        ..ArtifactRef::default()
    };
    ArtifactFile { artifact: Some(artifact), path: path.to_owned() }
}

/// A writer that writes to the output and to a cache entry. If writing to the entry fails, it drops
/// the entry and continues with the output.
struct Both<'a, W> {
    out: &'a mut W,
    entry: Option<cache::Entry>,
}

impl<W: Write> Write for Both<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.out.write(bytes)?;
        self.entry = self
            .entry
            .take()
            .and_then(|mut entry| entry.write_all(&bytes[..length]).is_ok().then_some(entry));
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
