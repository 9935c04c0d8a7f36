//! `sweep artifact show`: shows one version with its files, and the runs that made and used it.

use blobs::fetch;
use record::artifact::{Content, Entry};
use serde_json::{Value, json};
use terminal::Failure;

use super::name::Name;
use crate::{clock, connect::Controller, json, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Write a version as NAME, NAME:v3 or NAME:ALIAS, with PROJECT/ before it if two projects have the
name. NAME alone means the latest version.

Examples:
  sweep artifact show digits
  sweep artifact show mnist/digits:v3 --json")]
pub(crate) struct Args {
    /// Version to show
    #[arg(value_name = "NAME[:VERSION]")]
    name: Name,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the properties of the version, its files, and the runs that made and used it.
pub(super) async fn show(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let version = args.name.get(controller).await?;
    let manifest = fetch::manifest(&mut controller.dial().artifacts(), &version).await;
    let entries = manifest.map_err(|trouble| controller.trouble(&trouble))?;
    if args.json {
        let mut shown = json::artifact(&version);
        shown["files"] = entries.iter().map(entry).collect::<Vec<_>>().into();
        shown["made_by"] = json!(version.made_by);
        shown["used_by"] = json!(version.used_by);
        shown["deleted_runs"] = json!(version.deleted_runs);
        terminal::print(json::text(&shown));
    } else {
        terminal::print(view::artifact::one(&version, &entries, clock::wall_ms()));
    }
    Ok(())
}

fn entry(Entry { path, content }: &Entry) -> Value {
    match content {
        Content::Blob { sha256, size } => json!({ "path": path, "size": size, "sha256": sha256 }),
        Content::Reference { url, digest: None } => json!({ "path": path, "reference": url }),
        Content::Reference { url, digest } => {
            json!({ "path": path, "reference": url, "digest": digest })
        }
    }
}
