//! Serves the files of runs and of artifacts, with their signed addresses.

use record::{
    artifact::Content,
    ids::{Attempt, RunId},
};
use serde_json::{Value as Json, json};
use tokio_stream::StreamExt as _;
use tonic::async_trait;

use super::forms::{connection, time};
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        manifest, names,
        session::Session,
        storage,
    },
    app::files::{
        blobs::{self, FileView},
        entries::Listed,
        md5,
        signed::{Opens, Ticket},
    },
};

/// Returns the files of a run that a question means: by their names, or by a pattern with `%`.
pub(super) async fn list(
    session: &Session,
    run: &RunId,
    asked: &Asked<'_>,
) -> Result<Answer, Fault> {
    let names = asked.texts("names").unwrap_or_default();
    let names: Vec<&str> = names.iter().map(|name| normal(name)).collect();
    let pattern = asked.text("pattern").filter(|pattern| !pattern.is_empty());
    let mut found = Vec::new();
    let mut all = blobs::list(session.app(), &session.caller, run.clone()).await?;
    while let Some(file) = all.next().await {
        let file = file?;
        let path = file.file.path.as_str();
        let is_named = names.is_empty() || names.contains(&path);
        if is_named && pattern.is_none_or(|pattern| is_like(path, pattern)) {
            found.push(describe(session, run, &file));
        }
    }
    Ok(connection(found).into())
}

/// Returns the number of a run's files.
pub(super) async fn count(session: &Session, run: &RunId) -> Result<u64, Fault> {
    let mut all = blobs::list(session.app(), &session.caller, run.clone()).await?;
    let mut count = 0;
    while let Some(file) = all.next().await {
        file?;
        count += 1;
    }
    Ok(count)
}

fn describe(session: &Session, run: &RunId, file: &FileView) -> Json {
    let (path, size) = (&file.file.path, file.file.size);
    let opens = Opens::FetchFile { run: run.clone(), path: path.clone() };
    let ticket = Ticket::new(session.app(), opens);
    let address = storage::address(&session.base, &ticket);
    json!({
        "__typename": "File",
        "id": names::of_file(run, path),
        "name": path,
        "displayName": path,
        "url": address,
        "directUrl": address,
        "sizeBytes": size,
        "mimetype": null,
        "updatedAt": time(file.logged_ms),
        "md5": null,
        "digest": null,
        "storagePath": path,
    })
}

/// Returns the address to which the client sends a file, for each path in this order.
pub(super) fn uploads(
    session: &Session,
    of: &Attempt,
    paths: &[String],
) -> Result<Vec<Json>, Fault> {
    let upload = |path: &String| {
        let path = normal(path);
        record::file::check_path(path).map_err(|bad| Fault::wrong(bad.to_string()))?;
        let opens = Opens::SendFile { of: of.clone(), path: path.to_owned() };
        let ticket = Ticket::new(session.app(), opens);
        Ok(json!({ "name": path, "uploadUrl": storage::address(&session.base, &ticket) }))
    };
    paths.iter().map(upload).collect()
}

/// A file of a version of an artifact.
pub(super) struct Entry(pub(super) Listed);

impl Entry {
    /// Returns the address of the content. A reference has the address that its program has said.
    fn address(&self, session: &Session) -> String {
        match &self.0.entry.content {
            Content::Blob { sha256, .. } => {
                let (sha256, name) = (sha256.clone(), self.place());
                let opens = Opens::FetchContent { sha256, name };
                storage::address(&session.base, &Ticket::new(session.app(), opens))
            }
            Content::Reference { url, .. } => url.clone(),
        }
    }

    /// Returns the place of the file in the client's view of the storage.
    fn place(&self) -> String {
        format!("wandb_artifacts/{}", self.0.entry.path)
    }

    /// Returns what the client knows the content by.
    async fn digest(&self, session: &Session) -> Result<String, Fault> {
        Ok(match &self.0.entry.content {
            Content::Blob { sha256, size } => {
                manifest::to_base64(&md5::of(session.app(), sha256.clone(), *size).await?)
            }
            Content::Reference { url, digest } => digest.clone().unwrap_or_else(|| url.clone()),
        })
    }
}

#[async_trait]
impl Object for Entry {
    fn kind(&self) -> &'static str {
        "File"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Listed { entry, created_ms } = &self.0;
        Ok(Some(match asked.name {
            "id" => names::id("File", &[&entry.path]).into(),
            "name" | "displayName" => entry.path.clone().into(),
            "storagePath" => self.place().into(),
            "url" | "directUrl" => self.address(session).into(),
            "sizeBytes" => match entry.content {
                Content::Blob { size, .. } => size.into(),
                Content::Reference { .. } => 0.into(),
            },
            "updatedAt" => time(*created_ms).into(),
            "digest" | "md5" => self.digest(session).await?.into(),
            "mimetype" => Answer::null(),
            _ => return Ok(None),
        }))
    }
}

/// Returns a path without `./` at its start, as the client sometimes writes it.
fn normal(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// Returns whether a path matches a pattern, in which `%` stands for any text.
fn is_like(path: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, inner)) = parts.split_last() else { return rest.is_empty() };
    for part in inner {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_any_text_at_its_marks() {
        for (path, pattern, matches) in [
            ("media/images/a.png", "media/%", true),
            ("media/images/a.png", "%.png", true),
            ("media/images/a.png", "media/%/a%", true),
            ("media/images/a.png", "images/%", false),
            ("a.png", "a.png", true),
            ("a.pngx", "a.png", false),
            ("ab", "ab%b", false),
        ] {
            assert_eq!(is_like(path, pattern), matches, "{path} {pattern}");
        }
    }
}
