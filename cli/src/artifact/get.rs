//! `sweep artifact get`: downloads a version into a folder. Whatever paths the controller names,
//! the command writes only into that folder and into the user's cache of contents.

use std::path::PathBuf;

use blobs::{Cache, Folder, fetch};
use record::artifact::Content;
use terminal::{Exit, Failure, progress};

use super::name::Name;
use crate::{connect::Controller, pattern::fits, source, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files that this machine has downloaded before come from its cache: `besom/contents` in the user's
cache folder, at most 20 GiB or BESOM_CACHE_GIB. References are not downloaded.

Examples:
  sweep artifact get digits
  sweep artifact get digits:best --to data
  sweep artifact get digits:v3 --files 'train/*'")]
pub(crate) struct Args {
    /// Version: NAME, NAME:v3 or NAME:ALIAS, with PROJECT/ in front if needed
    #[arg(value_name = "NAME[:VERSION]")]
    name: Name,
    /// Folder to download to, created if it is missing [default: NAME-vN]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Download only the files whose path matches this pattern
    #[arg(long, value_name = "PATTERN")]
    files: Option<String>,
}

/// Downloads a version.
pub(super) async fn get(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let version = args.name.get(controller).await?;
    let title = view::artifact::title(&version);
    let mut client = controller.dial().artifacts();
    let manifest = fetch::manifest(&mut client, &version).await;
    let mut entries = manifest.map_err(|trouble| controller.trouble(&trouble))?;
    let all = entries.len();
    if let Some(pattern) = &args.files {
        entries.retain(|entry| fits(pattern.as_bytes(), entry.path.as_bytes()));
    }
    if entries.is_empty() && all > 0 {
        let pattern = args.files.as_deref().unwrap_or_default();
        let all = view::count(all as u64, "file");
        let message = format!("none of the {all} of `{title}` fits `{pattern}`");
        return Err(Failure::new(Exit::Input, message)
            .hint(format!("`sweep artifact show {title}` lists them")));
    }
    // The default folder takes its name from the user's argument, which was checked. A name from
    // the controller might contain a path that leads elsewhere.
    let to = args
        .to
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}-v{}", args.name.name, version.version)));
    let unwritable = |error: &std::io::Error| {
        let message = format!("cannot write to `{}`: {}", to.display(), source::why(error));
        Failure::new(Exit::Input, message)
    };
    let folder = Folder::open(&to).map_err(|error| unwritable(&error))?;
    let blobs = entries.iter().filter_map(|entry| match &entry.content {
        Content::Blob { size, .. } => Some(*size),
        Content::Reference { .. } => None,
    });
    let (files, total) =
        blobs.fold((0, 0_u64), |(files, total), size| (files + 1, total.saturating_add(size)));
    let bar = progress::bar(total, "downloading");
    let cache = Cache::of_user();
    let written =
        fetch::write(&mut client, &version, &entries, &folder, &cache, |bytes| bar.inc(bytes))
            .await;
    bar.finish_and_clear();
    written.map_err(|trouble| match &trouble {
        blobs::Trouble::Local(error) => unwritable(error),
        trouble => controller.trouble(trouble),
    })?;
    let count = view::count(files, "file");
    let size = terminal::size(total);
    terminal::say(format_args!("{title}: {count}, {size}, in {}", to.display()));
    if entries.len() as u64 > files {
        let references = view::count(entries.len() as u64 - files, "reference");
        terminal::hint(format!("{references} kept elsewhere: `sweep artifact show {title}`"));
    }
    Ok(())
}
