//! `sweep import`: imports runs that other programs have logged. `main` calls this module. Each
//! importer is a subfolder with its sources and readers. The module `send` sends the runs of all
//! importers to the controller.

mod artifacts;
mod calls;
mod files;
mod past;
mod paths;
mod send;
mod source;
mod streams;
mod tensorboard;
#[cfg(test)]
mod tests;
mod walk;
mod wandb;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use serde_json::{Value, json};
use terminal::{Exit, Failure};

use self::{
    paths::{shown, unreadable},
    source::{Losses, Source},
};
pub(crate) use self::{send::Sent, source::Found};
use crate::{connect::Controller, source::why, view};

/// The subcommands of `sweep import`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Import the event files of a folder and its subfolders
    Tensorboard(Tensorboard),
    /// Import runs that W&B logged offline
    Wandb(Wandb),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each folder with event files is a run, as in TensorBoard. Scalars, texts and histograms become
rows, images and audio clips become files of the run, and hyperparameters become its config. The
import counts the records that it cannot store (graphs, meshes, profiles) and reports them. If a
training was restarted at a step (`purge_step`), earlier values from that step on do not count. A
repeated import adds what was written since the last one and never creates a second run.

Examples:
  sweep import tensorboard runs --dry-run
  sweep import tensorboard runs --project digits")]
pub(crate) struct Tensorboard {
    /// Folder that TensorBoard would read (its `--logdir`), or one event file
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    how: How,
    /// Name of the runs, before their subfolder [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
History, config, summary, console, system metrics, files, media and artifacts are imported, and the
name, tags, notes, group and job type. The files of artifacts are where the client has put them on
this machine. The import counts the records that it cannot store and reports them. A run keeps its
id. Folders with the same id are one resumed run: import them
together. A repeated import adds what was written since the last one and never creates a second
run.

Examples:
  sweep import wandb wandb --dry-run
  sweep import wandb wandb/offline-run-20260102_030405-a1b2c3d4 --project digits")]
pub(crate) struct Wandb {
    /// Folders of runs, folders that contain such folders, or files `run-ID.wandb`
    #[arg(value_name = "FOLDER", required = true)]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// The flags that all importers share.
#[derive(Debug, clap::Args)]
struct How {
    /// Project of the runs [default: as logged, or the folder's name]
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Only show what would be imported
    #[arg(long)]
    dry_run: bool,
    /// Print a JSON list of the runs
    #[arg(long)]
    json: bool,
}

/// Finds and surveys the runs, sends them unless this is a dry run, and prints a report. If one run
/// cannot be sent, the later runs are not sent either: the report shows them as not sent, and the
/// function fails.
pub(crate) async fn import(controller: &Controller, command: &Command) -> Result<(), Failure> {
    let (sources, how) = match command {
        Command::Tensorboard(args) => (event_folders(args)?, &args.how),
        Command::Wandb(args) => (offline_runs(args)?, &args.how),
    };
    let found = survey(sources)?;
    let mut sent: Vec<Option<Sent>> = Vec::new();
    let mut outcome = Ok(());
    if !how.dry_run {
        for one in &found {
            match send(controller, one).await {
                Ok(done) => sent.push(Some(done)),
                Err(failure) => {
                    outcome = Err(failure);
                    break;
                }
            }
        }
    }
    sent.resize_with(found.len(), || None);
    report(&found, &sent, how);
    outcome
}

fn event_folders(args: &Tensorboard) -> Result<Vec<Box<dyn Source>>, Failure> {
    let own_name = folder_name(&args.folder);
    let name = args.name.as_ref().unwrap_or(&own_name);
    let project = args.how.project.as_ref().unwrap_or(&own_name);
    let found = tensorboard::find(&args.folder, project, name)
        .map_err(|(path, error)| Failure::new(Exit::Input, unreadable(&path, &error)))?;
    if found.is_empty() {
        let message = format!("no event files in `{}`", shown(&args.folder));
        return Err(Failure::new(Exit::Input, message).hint(
            "give the folder that you give to `tensorboard --logdir`; event files have \
                `tfevents` in their names",
        ));
    }
    Ok(found.into_iter().map(|folder| Box::new(folder) as Box<dyn Source>).collect())
}

/// Finds the offline runs in all folders together, because the files of one run may be in several
/// folders. The failure lists all folders that are unusable.
fn offline_runs(args: &Wandb) -> Result<Vec<Box<dyn Source>>, Failure> {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for folder in &args.folders {
        match wandb::find(folder) {
            Ok(found) if found.is_empty() => {
                problems.push(format!("no offline run in `{}`", shown(folder)))
            }
            Ok(found) => files.extend(found),
            Err((path, error)) => problems.push(unreadable(&path, &error)),
        }
    }
    let found = match wandb::group(files, args.how.project.as_deref()) {
        Ok(found) => found,
        Err((path, error)) => {
            problems.push(unreadable(&path, &error));
            Vec::new()
        }
    };
    refuse(
        problems,
        "W&B writes `run-ID.wandb` into folders such as \
        `wandb/offline-run-20260102_030405-a1b2c3d4`",
    )?;
    Ok(found.into_iter().map(|run| Box::new(run) as Box<dyn Source>).collect())
}

/// Fails with all problems in one failure. Succeeds if there are none.
fn refuse(problems: Vec<String>, hint: &str) -> Result<(), Failure> {
    let mut problems = problems.into_iter();
    let Some(first) = problems.next() else { return Ok(()) };
    let failure = problems.fold(Failure::new(Exit::Input, first), |failure, problem| {
        failure.detail(format!("       {problem}"))
    });
    Err(failure.hint(hint))
}

fn survey(sources: Vec<Box<dyn Source>>) -> Result<Vec<Found>, Failure> {
    let bar = terminal::progress::bar(sources.len() as u64, "reading");
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for source in sources {
        let path = source.path();
        match Found::survey(source).and_then(|found| Ok((found.key()?, found))) {
            Ok(one) => found.push(one),
            Err(error) => problems.push(unreadable(&path, &error)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    refuse(problems, "nothing has been imported")?;
    let mut runs: Vec<(String, Found)> = Vec::new();
    for (key, one) in found {
        if one.rows == 0 && one.about.config.is_empty() {
            tell_empty(&shown(&one.source.path()), &one.losses);
        } else {
            add(&mut runs, key, one).map_err(|error| Failure::new(Exit::Input, why(&error)))?;
        }
    }
    if runs.is_empty() {
        return Err(Failure::new(Exit::Input, "there is nothing to import"));
    }
    Ok(runs.into_iter().map(|(_, found)| found).collect())
}

/// Adds a source unless it is a copy of another source with the same key. A source counts as a copy
/// if each of its files is the beginning of the other source's file of the same name. Only the
/// longer source stays.
fn add(runs: &mut Vec<(String, Found)>, key: String, one: Found) -> io::Result<()> {
    let tell = |copy: &Found, of: &Found| {
        let [copy, of] = [copy, of].map(|found| shown(&found.source.path()));
        terminal::warn(format_args!("`{copy}` is a copy of `{of}` and is left out"));
    };
    for (_, known) in runs.iter_mut().filter(|(known, _)| *known == key) {
        if one.is_copy_of(known)? {
            tell(&one, known);
            return Ok(());
        }
        if known.is_copy_of(&one)? {
            tell(known, &one);
            *known = one;
            return Ok(());
        }
    }
    runs.push((key, one));
    Ok(())
}

/// Warns that the import leaves out a source without rows and without a config. The warnings give
/// the reason: the source's notes, records that cannot be stored yet, or no content yet.
fn tell_empty(path: &str, losses: &Losses) {
    for note in &losses.notes {
        terminal::warn(note);
    }
    let kinds: Vec<String> =
        losses.skipped.iter().map(|(what, number)| terminal::count(*number, what)).collect();
    if !kinds.is_empty() {
        let kinds = kinds.join(", ");
        terminal::warn(format_args!(
            "`{path}` has only records that cannot be stored yet ({kinds}) and is left out"
        ));
    } else if losses.notes.is_empty() {
        terminal::warn(format_args!("`{path}` has neither rows nor a config yet and is left out"));
    }
}

async fn send(controller: &Controller, found: &Found) -> Result<Sent, Failure> {
    let bar = terminal::progress::bar(found.rows, &terminal::one_line(&found.about.name, 40));
    let sent = send::send(controller, found, &|rows| bar.set_position(rows)).await;
    bar.finish_and_clear();
    sent
}

fn report(found: &[Found], sent: &[Option<Sent>], how: &How) {
    if how.json {
        let list = found.iter().zip(sent).map(|(found, sent)| as_json(found, sent.as_ref()));
        terminal::print(crate::json::text(&list.collect::<Vec<_>>().into()));
        return;
    }
    terminal::print(view::import::table(found, sent));
    for line in view::import::losses(found) {
        terminal::say(line);
    }
    if how.dry_run {
        terminal::say("nothing has been imported; to import, leave out `--dry-run`");
    }
}

fn as_json(found: &Found, sent: Option<&Sent>) -> Value {
    let about = &found.about;
    json!({
        "run": sent.map(|sent| &sent.run),
        "path": found.source.path().display().to_string(),
        "name": about.name,
        "project": about.project,
        "config": about.config,
        "tags": about.tags,
        "state": found.outcome.state,
        "rows": found.rows,
        "keys": found.keys,
        "new_rows": sent.map(|sent| sent.rows),
        "skipped": found.losses.skipped,
        "notes": found.losses.notes,
    })
}

/// Returns the last part of the folder's path, with links and `..` resolved. If the path names a
/// file, returns the name of the file's folder. Returns `import` if there is no name.
fn folder_name(folder: &Path) -> String {
    let mut whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    if whole.is_file() {
        whole.pop();
    }
    whole
        .file_name()
        .map_or_else(|| "import".to_owned(), |name| name.to_string_lossy().into_owned())
}
