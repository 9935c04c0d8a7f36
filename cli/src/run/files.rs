//! `sweep run files`: lists the files of a run, downloads them, or deletes them. The command checks
//! every name from the controller before it writes a file. The command writes nothing outside the
//! folder that the user named.

use std::path::PathBuf;

use blobs::{Folder, Hashed, Trouble};
use proto::v1::{BlobRef, File, RemoveFiles, RunRef};
use serde_json::{Value, json};
use terminal::{Exit, Failure, one_line, progress, table::Table};

use crate::{
    connect::{Controller, within_patience},
    json,
    pattern::fits,
    source, view,
};

/// The most terminal columns that a path takes.
const PATH_WIDTH: usize = 100;
/// The most files that one call deletes.
const REMOVED: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sweep run files k3x9abcd-17
  sweep run files k3x9abcd-17 --get 'media/images/*' --to pictures
  sweep run files k3x9abcd-17 --get model.pt
  sweep run files k3x9abcd-17 --rm 'media/*'

Deleted files cannot be restored.

In a pattern, `*` stands for any text, `/` included, and `?` for one character.")]
pub(crate) struct Args {
    /// Id of a run
    #[arg(value_name = "RUN", value_parser = crate::args::id)]
    run: String,
    /// Download the files whose path matches this pattern
    #[arg(long, value_name = "PATTERN")]
    get: Option<String>,
    /// Folder to download to, created if it is missing
    #[arg(long, value_name = "DIR", default_value = ".", requires = "get")]
    to: PathBuf,
    /// Delete the files whose path matches this pattern, for good
    #[arg(long, value_name = "PATTERN", conflicts_with = "get")]
    rm: Option<String>,
    /// Print a JSON list of the files
    #[arg(long)]
    json: bool,
}

/// Lists the files, or downloads or deletes those that match the pattern.
pub(crate) async fn files(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let mut files = list(controller, &args.run).await?;
    if let Some(pattern) = args.get.as_ref().or(args.rm.as_ref()) {
        let all = files.len();
        files.retain(|file| fits(pattern.as_bytes(), file.path.as_bytes()));
        if files.is_empty() {
            let message = format!(
                "none of the {} of run `{}` fits `{pattern}`",
                view::count(all as u64, "file"),
                args.run
            );
            return Err(Failure::new(Exit::Input, message)
                .hint(format!("`sweep run files {}` lists them", args.run)));
        }
        match args.get {
            Some(_) => download(controller, args, &files).await?,
            None => remove(controller, args, &files).await?,
        }
    }
    let lists = args.get.is_none() && args.rm.is_none();
    if args.json {
        terminal::print(json::text(&files.iter().map(shown).collect::<Vec<_>>().into()));
    } else if lists && files.is_empty() {
        terminal::say(format_args!("run `{}` has no files", args.run));
    } else if lists {
        let mut table = Table::new(["path", "kind", ">size"]);
        for file in &files {
            table.row([
                one_line(&file.path, PATH_WIDTH),
                one_line(&file.kind, 32),
                terminal::size(file.size),
            ]);
        }
        terminal::print(table);
    }
    Ok(())
}

async fn list(controller: &Controller, run: &str) -> Result<Vec<File>, Failure> {
    // This request comes first because its failure has a hint for a user who typed a wrong id.
    controller.run(run).await?;
    let request = RunRef { run: run.to_owned() };
    controller.all(controller.dial().files().list(request).await).await
}

async fn remove(controller: &Controller, args: &Args, files: &[File]) -> Result<(), Failure> {
    let mut size = 0;
    for some in files.chunks(REMOVED) {
        let paths = some.iter().map(|file| file.path.clone()).collect();
        let wanted = RemoveFiles { run: args.run.clone(), paths };
        let removed = controller.dial().files().remove(within_patience(wanted)).await;
        size += removed.map_err(|status| controller.failure(&status))?.into_inner().size;
    }
    let count = view::count(files.len() as u64, "file");
    terminal::say(format_args!("deleted {count}, {}", terminal::size(size)));
    Ok(())
}

async fn download(controller: &Controller, args: &Args, files: &[File]) -> Result<(), Failure> {
    let unwritable = |error: &std::io::Error| {
        let message = format!("cannot write to `{}`: {}", args.to.display(), source::why(error));
        Failure::new(Exit::Input, message)
    };
    let folder = Folder::open(&args.to).map_err(|error| unwritable(&error))?;
    let total = files.iter().map(|file| file.size).sum();
    let bar = progress::bar(total, "downloading");
    let mut client = controller.dial().files();
    for file in files {
        let shown = one_line(&file.path, PATH_WIDTH);
        let mut out = folder.create(&file.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidInput => {
                let message =
                    format!("the controller names a file that could lead elsewhere: {error}");
                Failure::new(Exit::Refused, message)
                    .hint("nothing was written there; do not trust this controller")
            }
            _ => unwritable(&error),
        })?;
        let wanted =
            BlobRef { run: args.run.clone(), path: file.path.clone(), ..BlobRef::default() };
        let hashed = Hashed { sha256: file.sha256.clone(), size: file.size };
        let got =
            blobs::download(client.get(wanted), &hashed, &mut out, |bytes| bar.inc(bytes)).await;
        got.map_err(|trouble| match trouble {
            Trouble::Local(error) => unwritable(&error),
            Trouble::Remote(status) => controller.failure(&status),
            damaged @ Trouble::Damaged(..) => {
                Failure::new(Exit::Refused, format!("`{shown}`: {damaged}"))
            }
        })?;
        out.keep().map_err(|error| unwritable(&error))?;
    }
    bar.finish_and_clear();
    let count = view::count(files.len() as u64, "file");
    terminal::say(format_args!("{count}, {}, in {}", terminal::size(total), args.to.display()));
    Ok(())
}

fn shown(file: &File) -> Value {
    json!({
        "path": file.path,
        "kind": file.kind,
        "size": file.size,
        "sha256": file.sha256,
        "attempt": file.attempt,
        "logged": json::time(Some(file.logged_ms)),
    })
}
