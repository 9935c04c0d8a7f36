//! `sweep password`: sets the password of a user, for logins in a browser.

use proto::v1::NewPassword;
use terminal::{Failure, one_line, secret};

use crate::connect::{Controller, within_patience};

/// The widest name that is shown, in columns.
const CELL: usize = 40;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The command asks for your old password and twice for the new one, and shows none of them. A password
has 8 to 1024 bytes. A new password ends all sessions in browsers. An administrator can set the
password of another user without the old one. Programs use keys and no passwords.

Examples:
  sweep password
  sweep password bob                  for administrators
  sweep password --stdin < lines.txt  the old password, then the new one")]
pub(crate) struct Args {
    /// The user whose password it is, for administrators [default: you]
    #[arg(value_name = "USER", default_value = "", hide_default_value = true)]
    user: String,
    /// Read the old password and the new one from two lines of the input; only the new one for
    /// another user
    #[arg(long)]
    stdin: bool,
}

/// Sets the password.
pub(crate) async fn password(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let is_own = args.user.is_empty();
    let old = match (is_own, args.stdin) {
        (false, _) => String::new(),
        (true, true) => secret::line("old password")?,
        (true, false) => secret::ask("old password (empty if you have none)")?,
    };
    let password = match args.stdin {
        true => secret::line("new password")?,
        false => secret::ask_twice("new password")?,
    };
    let new = NewPassword { user: args.user.clone(), password, old };
    let set = controller.dial().people().set_password(within_patience(new)).await;
    set.map_err(|status| controller.failure(&status))?;
    let whose =
        if is_own { "your".to_owned() } else { format!("{}'s", one_line(&args.user, CELL)) };
    terminal::say(format_args!("set {whose} password"));
    Ok(())
}
