//! `sweep artifact`: lists, shows, downloads and manages the versions of artifacts, which runs make
//! and use. `main` calls this module. Each subcommand has one file here, with its flags and its
//! help. This file parses the name of a version.

mod alias;
mod get;
mod list;
mod remove;
mod show;

use clap::Subcommand;
use proto::v1::{Artifact, ArtifactRef, ListArtifacts};
use terminal::{Exit, Failure};

use crate::{
    connect::{Controller, within_patience},
    view,
};

/// The subcommands of `sweep artifact`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the artifacts with their newest versions, or all versions of one
    Ls(list::Args),
    /// Show the files of a version and the runs that made and used it
    Show(show::Args),
    /// Download a version and verify the hash of every file
    Get(get::Args),
    /// Add aliases to a version, or remove them
    Alias(alias::Args),
    /// Remove a version
    Rm(remove::Args),
}

/// Runs the subcommand.
pub(crate) async fn artifact(controller: &Controller, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Ls(args) => list::list(controller, args).await,
        Command::Show(args) => show::show(controller, args).await,
        Command::Get(args) => get::get(controller, args).await,
        Command::Alias(args) => alias::alias(controller, args).await,
        Command::Rm(args) => remove::remove(controller, args).await,
    }
}

/// A version as users write it: `digits`, `digits:v3`, `digits:best` or `mnist/digits:v3`.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    project: String,
    name: String,
    version: String,
}

impl std::str::FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (project, rest) = text.rsplit_once('/').unwrap_or(("", text));
        let (name, version) = rest.split_once(':').unwrap_or((rest, ""));
        record::artifact::check_name("name", name).map_err(|bad| bad.to_string())?;
        Ok(Self { project: project.to_owned(), name: name.to_owned(), version: version.to_owned() })
    }
}

impl Name {
    /// Returns the reference of the version for the wire. If the user named no project, the
    /// reference names the only project with an artifact of this name. Fails if no project or
    /// several projects have such an artifact.
    async fn find(&self, controller: &Controller) -> Result<ArtifactRef, Failure> {
        let Self { project, name, version } = self;
        let project =
            if project.is_empty() { self.project(controller).await? } else { project.clone() };
        Ok(ArtifactRef {
            project,
            name: name.clone(),
            version: version.clone(),
            ..ArtifactRef::default()
        })
    }

    async fn project(&self, controller: &Controller) -> Result<String, Failure> {
        let mut found: Vec<String> = versions(controller, "", &self.name)
            .await?
            .into_iter()
            .map(|version| version.project)
            .collect();
        found.dedup();
        match found.as_slice() {
            [project] => Ok(project.clone()),
            [] => Err(Failure::new(Exit::Input, format!("no artifact `{}`", self.name))
                .hint("`sweep artifact ls` shows what there is")),
            several => {
                let message =
                    format!("{} projects have an artifact `{}`", several.len(), self.name);
                let names =
                    several.iter().map(|project| view::one_word(project)).collect::<Vec<_>>();
                Err(Failure::new(Exit::Input, message).hint(format!(
                    "name the project: `{}/{}`",
                    names.join(&format!("/{}` or `", self.name)),
                    self.name
                )))
            }
        }
    }

    /// Asks the controller for the version.
    async fn get(&self, controller: &Controller) -> Result<Artifact, Failure> {
        let wanted = self.find(controller).await?;
        let got = controller.dial().artifacts().get(within_patience(wanted)).await;
        Ok(got.map_err(|status| controller.failure(&status))?.into_inner())
    }
}

/// Lists versions in the order of project and name. Of each artifact, the newest version comes
/// first. An empty `project` or `name` matches all.
async fn versions(
    controller: &Controller,
    project: &str,
    name: &str,
) -> Result<Vec<Artifact>, Failure> {
    let wanted = ListArtifacts { project: project.to_owned(), name: name.to_owned() };
    controller.all(controller.dial().artifacts().list(wanted).await).await
}
