//! Writes a set of drawn digits into a folder: `cargo run -p examples --bin digits -- DIR`. The
//! image trainers write the same set into their default folder themselves. Use this program to look
//! at the set, or to pass it to another program.

use std::{path::Path, process::ExitCode};

use examples::{digits, program};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        return program::end(Err("usage: digits DIR".into()));
    };
    let written = digits::write(Path::new(&folder));
    program::end(
        written.map_err(|error| format!("cannot write `{}`: {error}", folder.display()).into()),
    )
}
