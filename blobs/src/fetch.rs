//! Versions of artifacts on their way back: the manifest, then the files into a folder, each
//! verified by its hash. Used by the SDK and the `sweep` command. A controller that lies can fail
//! to deliver, and nothing else: no content passes that the digest does not vouch for, and no name
//! leads out of the folder.

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

/// What a version has in it, by path: its manifest, which has the version's digest.
///
/// # Errors
/// [`Trouble`]; damaged when the controller sends something else.
pub async fn manifest(client: &mut Client, version: &Artifact) -> Result<Vec<Entry>, Trouble> {
    let damaged = |reason| Trouble::Damaged(version.digest.clone(), reason);
    check_hash(&version.digest).map_err(|_| damaged("it is no digest"))?;
    if version.manifest_size > MAX_MANIFEST_BYTES {
        return Err(damaged("its manifest is too large"));
    }
    let (hashed, mut text) =
        (Hashed { sha256: version.digest.clone(), size: version.manifest_size }, Vec::new());
    download(client.read(file(version, "")), &hashed, &mut text, |_| {}).await?;
    let text = String::from_utf8(text).map_err(|_| damaged("its manifest is no text"))?;
    entries(&text).map_err(|_| damaged("its manifest makes no sense"))
}

/// The bytes of one file of a version.
///
/// # Errors
/// [`Trouble`].
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

/// Writes these entries of a version below a folder, in place of files that have their names;
/// references are passed over, since nobody opens them. `progress` is told the bytes that are done.
///
/// # Errors
/// [`Trouble`] at the first file that does not come; those before it are whole.
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

/// Copies a content out of the cache; false when it is not there, or something else is: then what
/// was written is worth nothing.
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

/// Writes to both; the second is given up when it fails.
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
