//! Parses the name of an artifact's version, and finds this version at the controller. All
//! subcommands of `sweep artifact` use this module.

use proto::v1::{Artifact, ArtifactRef, ListArtifacts};
use terminal::{Exit, Failure};

use crate::{
    connect::{Controller, within_patience},
    view,
};

/// A version as users write it: `digits`, `digits:v3`, `digits:best` or `mnist/digits:v3`.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    project: String,
    pub(super) name: String,
    /// The version: a number as in `v3`, an alias, or an empty text for the newest version.
    pub(super) version: String,
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
    pub(super) async fn find(&self, controller: &Controller) -> Result<ArtifactRef, Failure> {
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

    /// Requests the version's properties from the controller. Fails as [`Name::find`] does, or if
    /// the artifact has no such version.
    pub(super) async fn get(&self, controller: &Controller) -> Result<Artifact, Failure> {
        let wanted = self.find(controller).await?;
        let got = controller.dial().artifacts().get(within_patience(wanted)).await;
        Ok(got.map_err(|status| controller.failure(&status))?.into_inner())
    }
}

/// Lists versions in the order of project and name. Of each artifact, the newest version comes
/// first. An empty `project` or `name` matches all.
pub(super) async fn versions(
    controller: &Controller,
    project: &str,
    name: &str,
) -> Result<Vec<Artifact>, Failure> {
    let wanted = ListArtifacts { project: project.to_owned(), name: name.to_owned() };
    controller.all(controller.dial().artifacts().list(wanted).await).await
}
