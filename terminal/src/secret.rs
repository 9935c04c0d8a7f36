//! Reads secrets: from a terminal without showing them, or from the input of a script.

use std::io::{self, BufRead as _};

use crate::failure::{Exit, Failure};

/// Reads the next line of stdin, without its end. `what` says what the secret is.
///
/// # Errors
/// Fails if there is no further line, or the line is no text.
pub fn line(what: &str) -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let read = read.map_err(|error| {
        Failure::new(Exit::Input, format!("the {what} cannot be read from the input: {error}"))
    })?;
    if read == 0 {
        return Err(Failure::new(Exit::Input, format!("the input has no line for the {what}")));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks for a secret on the terminal. `what` says what the secret is.
///
/// # Errors
/// Fails if the program has no terminal.
pub fn ask(what: &str) -> Result<String, Failure> {
    rpassword::prompt_password(format!("{what}: ")).map_err(|error| {
        Failure::new(Exit::Input, format!("there is no terminal to ask for the {what}: {error}"))
            .hint("`--stdin` reads it from the input")
    })
}

/// Asks twice for a new secret on the terminal. `what` says what the secret is.
///
/// # Errors
/// Fails if the program has no terminal, or the two answers differ.
pub fn ask_twice(what: &str) -> Result<String, Failure> {
    let first = ask(what)?;
    if first == ask(&format!("{what} again"))? {
        return Ok(first);
    }
    Err(Failure::new(Exit::Input, format!("the two answers for the {what} differ"))
        .hint("the same command asks again"))
}
