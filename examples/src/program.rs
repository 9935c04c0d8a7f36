//! Parses the only flag of an example program, and prints its errors. The binaries call it. The
//! parameters of a sweep do not come through flags but through the SDK.

use std::{error::Error, ffi::OsString, io::Write as _, path::PathBuf, process::ExitCode};

use tch::TchError;

/// The result type of a trainer's functions. Any error ends the trainer.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Returns the folder that follows `--data` in the program's arguments; `None` without that flag.
/// Any other argument is an error.
pub fn data_folder() -> Result<Option<PathBuf>> {
    parse(std::env::args_os().skip(1))
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Option<PathBuf>> {
    let mut folder = None;
    while let Some(argument) = arguments.next() {
        if argument != "--data" {
            return Err(format!(
                "unknown argument `{}`; the only argument is --data DIR",
                argument.display()
            )
            .into());
        }
        folder = Some(arguments.next().ok_or("--data needs a folder")?.into());
    }
    Ok(folder)
}

/// Prints a line for the user to stderr, because stdout is for results.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Returns the exit code for the end of `main`. Prints an error and its causes, each on a line of
/// its own. Torch's errors are printed without their C++ stack trace.
pub fn end(result: Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let text = match error.downcast_ref::<TchError>() {
        Some(error) => besom_tch::brief(error),
        None => error.to_string(),
    };
    say(format_args!("error: {text}"));
    let mut cause = error.source();
    while let Some(error) = cause {
        say(format_args!("  because: {error}"));
        cause = error.source();
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_data_flag_is_accepted() {
        let parse = |line: &str| parse(line.split_whitespace().map(OsString::from));
        assert_eq!(parse("").expect("nothing"), None);
        assert_eq!(parse("--data a/b").expect("a folder"), Some("a/b".into()));
        assert_eq!(parse("--data").expect_err("no folder").to_string(), "--data needs a folder");
        assert!(parse("--lr 3").expect_err("unknown").to_string().contains("`--lr`"));
    }
}
