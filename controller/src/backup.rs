//! Runs `controller backup` and `controller restore`, for people and for scripts. `main` calls it.

use std::path::PathBuf;

use controller::{Copied, Progress, StartError};
use terminal::{Exit, Failure, count, one_line, progress, size};

/// The longest line of the report, in columns.
const WIDTH: usize = 200;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The controller may run during the backup. The command copies the database as it is at one moment,
and every content that this database names. It copies no content that an earlier backup in the same
folder has. It checks the new backup as `controller fsck` does before the new one replaces the
earlier one. If the command is killed before that, the earlier backup stays as it was.

Examples:
  controller backup /backups/besom --data /srv/besom
  controller backup /backups/besom --json | jq .copied_bytes

Exit codes: 0 the backup is whole, 1 the backup is not whole or cannot be made, 2 the folders
are wrong")]
pub(crate) struct BackupArgs {
    /// The folder of the backup; made when missing
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The folder of the database
    #[arg(long, value_name = "DIR", default_value = "besom-data")]
    data: PathBuf,
    /// Print {"runs": ..., "copied_bytes": ..., "problems": [...]}
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The data folder must be missing or empty. The command checks the restored folder as
`controller fsck` does. If the command is killed, the same command continues the restore.

Examples:
  controller restore /backups/besom --data /srv/besom

Exit codes: 0 everything is intact, 1 something is missing or damaged, 2 the folders are wrong")]
pub(crate) struct RestoreArgs {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The folder of the database; made when missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print {"runs": ..., "copied_bytes": ..., "problems": [...]}
    #[arg(long)]
    json: bool,
}

pub(crate) async fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let spinner = progress::spinner("reading");
    let seen = |progress| spinner.set_message(words(progress));
    let copied = controller::backup(&args.data, &args.dir, &seen).await;
    spinner.finish_and_clear();
    let copied = copied.map_err(|error| match error {
        StartError::InUse(_) => Failure::new(Exit::Refused, error.to_string()).hint(
            "the controller does not answer in its folder: it may be older than \
             `controller backup` or run as another user, or another backup may be running",
        ),
        error => crate::failure(error),
    })?;
    tell(&copied, args.json)
}

pub(crate) async fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let spinner = progress::spinner("reading");
    let seen = |progress| spinner.set_message(words(progress));
    let copied = controller::restore(&args.dir, &args.data, &seen).await;
    spinner.finish_and_clear();
    tell(&copied.map_err(crate::failure)?, args.json)
}

fn words(progress: Progress) -> String {
    match progress {
        Progress::Database(done, of) => format!("copying the database: {done} of {of} pages"),
        Progress::Contents(seen, bytes) => {
            format!("copying contents: {seen} seen, {} copied", size(bytes))
        }
        Progress::Check(runs, bytes) => {
            format!("checking the copy: {}, {}", count(runs, "run"), size(bytes))
        }
    }
}

fn tell(copied: &Copied, as_json: bool) -> Result<(), Failure> {
    let Copied { report, contents, bytes } = copied;
    if as_json {
        let mut json = crate::fsck::json(report);
        json["copied_contents"] = (*contents).into();
        json["copied_bytes"] = (*bytes).into();
        terminal::print(json);
    } else {
        for problem in &report.problems {
            terminal::print(one_line(&format!("{}: {}", problem.place, problem.what), WIDTH));
        }
        terminal::say(format_args!(
            "{}; new: {} of {}",
            crate::fsck::holds(report),
            count(*contents, "content"),
            size(*bytes)
        ));
    }
    match report.problems.len() {
        0 => Ok(()),
        found => {
            let problems = count(found, "problem");
            Err(Failure::new(
                Exit::Refused,
                format!("the copy is made, but its source has {problems}"),
            )
            .hint(
                "what is damaged or missing in the source is damaged or missing in the copy too; \
                everything else is whole",
            ))
        }
    }
}
