//! `sweep open`: prints the address of the dashboard, or of the page of a sweep or a run, and opens
//! it in a browser.

use std::io::{IsTerminal as _, stdout};

use terminal::Failure;

use crate::{connect::Controller, show};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The address goes to standard output. A browser opens only if this is a terminal.

Examples:
  sweep open
  sweep open k3x9abcd
  sweep open k3x9abcd-17")]
pub(crate) struct Args {
    /// Id of a sweep or a run [default: the first page]
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// Prints the address of the page, and opens it if a person looks on.
pub(crate) async fn open(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let address = controller.address();
    let page = match &args.id {
        Some(id) => {
            // A wrong id is answered here, with a hint, and not by an empty page.
            show::find(controller, id).await?;
            format!("{address}/open/{id}")
        }
        None => format!("{address}/"),
    };
    terminal::print(&page);
    if stdout().is_terminal() && ::open::that_detached(&page).is_err() {
        terminal::say("no browser opens here; the address works wherever it is reachable");
        if let Some(id) = &args.id {
            terminal::hint(format!("`sweep plot {id}` draws charts without a browser"));
        }
    }
    Ok(())
}
