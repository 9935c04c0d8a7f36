//! `sweep share`: makes a key that only reads one project, sweep or run for some time, and prints a
//! link with it. The key stands behind the `#` of the link, which a browser never sends. So no log
//! of a server or a proxy gets it.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proto::v1::{NewKey, Only, only::Thing};
use record::ids::{ProjectId, last_part};
use terminal::{Exit, Failure, one_line};

use crate::{
    connect::{Controller, within_patience},
    show::{self, Found},
};

/// The bytes of a name that stand for themselves in an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The widest name that is shown, in columns.
const CELL: usize = 60;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Whoever has the link can read the project, the sweep with its trials, or the run, and nothing else.
`sweep key rm` ends the link earlier.

Examples:
  sweep share vision/digits
  sweep share k3x9abcd-7 --expires 12h --label 'review of the paper'")]
pub(crate) struct Args {
    /// A project as TEAM/PROJECT, or the id of a sweep or a run
    #[arg(value_name = "PROJECT|SWEEP|RUN")]
    what: String,
    /// How long the link is valid, such as 12h or 7d
    #[arg(long, value_name = "TERM", default_value = "7d", value_parser = terminal::term)]
    expires: Duration,
    /// The user whose key the link holds, for administrators [default: you]
    #[arg(long, value_name = "USER", default_value = "", hide_default_value = true)]
    user: String,
    /// What the link is for
    #[arg(long, value_name = "TEXT", default_value = "a link", hide_default_value = true)]
    label: String,
}

/// What a link opens.
enum Shared {
    Project,
    Sweep(String),
    Run(String),
}

impl Shared {
    /// Returns the letter of its page in an address, and its id.
    fn page(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Project => None,
            Self::Sweep(id) => Some(("s", id)),
            Self::Run(id) => Some(("r", id)),
        }
    }

    fn thing(&self) -> Option<Thing> {
        match self {
            Self::Project => None,
            Self::Sweep(id) => Some(Thing::Sweep(id.clone())),
            Self::Run(id) => Some(Thing::Run(id.clone())),
        }
    }
}

/// Finds what a person wants to share, and its project.
async fn find(controller: &Controller, what: &str) -> Result<(ProjectId, Shared), Failure> {
    if let [team, name] = what.split('/').collect::<Vec<_>>()[..]
        && !team.is_empty()
        && !name.is_empty()
    {
        return Ok((ProjectId::new(team, name), Shared::Project));
    }
    let id = last_part(what).map_err(|wrong| Failure::new(Exit::Input, wrong))?;
    Ok(match show::find(controller, id).await? {
        Found::Sweep(sweep) => (ProjectId::from(sweep.project), Shared::Sweep(sweep.id)),
        Found::Run(run) => (ProjectId::from(run.project), Shared::Run(run.id)),
    })
}

/// Makes the key and prints the link.
pub(crate) async fn share(controller: &Controller, args: &Args) -> Result<(), Failure> {
    let (project, shared) = find(controller, &args.what).await?;
    let named = format!("{}/{}", project.team(), project.name());
    let said = match &shared {
        Shared::Project => format!("the project {named}"),
        Shared::Sweep(id) => format!("the sweep {id} and its trials"),
        Shared::Run(id) => format!("the run {id}"),
    };
    let thing = shared.thing();
    let new = NewKey {
        user: args.user.clone(),
        label: args.label.clone(),
        kind: "read".to_owned(),
        projects: if thing.is_none() { vec![named] } else { Vec::new() },
        only: thing.map(|thing| Only { thing: Some(thing) }),
        lasts_s: args.expires.as_secs(),
        ..NewKey::default()
    };
    let added = controller.dial().people().add_key(within_patience(new)).await;
    let added = added.map_err(|status| controller.failure(&status))?.into_inner();
    let id = added.key.unwrap_or_default().id;
    let lasts = i64::try_from(args.expires.as_millis()).unwrap_or(i64::MAX);
    terminal::say(format_args!(
        "the link opens {} for {}, with the key {id}",
        one_line(&said, CELL),
        terminal::duration(lasts)
    ));
    terminal::print(link(controller.address(), &project, &shared, &added.secret));
    Ok(())
}

/// Returns the link to what is shared.
fn link(controller: &str, project: &ProjectId, shared: &Shared, key: &str) -> String {
    let scheme = if controller.contains("://") { "" } else { "http://" };
    let address = controller.trim_end_matches('/');
    let place = ["p", project.team(), project.name()];
    let page = shared.page().map(|(letter, id)| [letter, id]);
    let parts = place.into_iter().chain(page.into_iter().flatten());
    let parts = parts.map(|part| format!("/{}", quoted(part)));
    format!("{scheme}{address}/share?next={}#{key}", quoted(&parts.collect::<String>()))
}

fn quoted(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_its_key_behind_the_hash() {
        let digits = ProjectId::new("vision", "digits");
        assert_eq!(
            link("https://head:7070/", &digits, &Shared::Run("abcd-7".to_owned()), "besom-x"),
            "https://head:7070/share?next=%2Fp%2Fvision%2Fdigits%2Fr%2Fabcd-7#besom-x"
        );
        let odd = ProjectId::from("a b?");
        assert_eq!(
            link("127.0.0.1:7070", &odd, &Shared::Project, "besom-x"),
            "http://127.0.0.1:7070/share?next=%2Fp%2Fhome%2Fa%2520b%253F#besom-x"
        );
    }
}
