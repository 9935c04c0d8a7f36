//! Sends versions of artifacts that imported runs have logged: the files, then the manifest.

use std::collections::HashSet;

use blobs::Hashed;
use proto::v1::RunRef;
use record::artifact::{self, ArtifactRow, Content, Entry};
use terminal::{Exit, Failure};

use super::{
    files,
    source::{self, Origin, Version},
};
use crate::connect::Controller;

/// Returns the names and digests of the versions that a run has made.
pub(super) async fn known(
    controller: &Controller,
    run: &str,
) -> Result<HashSet<(String, String)>, Failure> {
    let request = RunRef { run: run.to_owned() };
    let found = controller.all(controller.dial().artifacts().of_run(request).await).await?;
    let made = found.into_iter().filter(|found| found.made).filter_map(|found| found.artifact);
    Ok(made.map(|version| (version.name, version.digest)).collect())
}

/// Sends the contents of a version, unless the controller has them. Returns the version's row.
pub(super) async fn send(
    controller: &Controller,
    version: Version,
) -> Result<ArtifactRow, Failure> {
    let Version { name, kind, metadata, aliases, entries } = version;
    let mut listed = Vec::new();
    for source::Entry { path, origin } in entries {
        let content = match origin {
            Origin::Reference { url, digest } => Content::Reference { url, digest },
            Origin::File(place) => {
                let file = source::Content::File(place);
                let Hashed { sha256, size } = files::content(controller, &file).await?;
                Content::Blob { sha256, size }
            }
        };
        listed.push(Entry { path, content });
    }
    let text = artifact::manifest(&mut listed).map_err(|bad| {
        Failure::new(Exit::Input, format!("the artifact `{name}` cannot be stored: {bad}"))
    })?;
    let manifest = source::Content::Bytes(text.into_bytes());
    let Hashed { sha256: digest, size } = files::content(controller, &manifest).await?;
    Ok(ArtifactRow { name, kind, digest, size, metadata, aliases })
}
