//! Changes what people say about versions of artifacts: aliases, descriptions, tags and metadata.
//! The handlers in `api` call this module.

use std::sync::Arc;

use record::{
    artifact::{ArtifactRow, LATEST, check_alias},
    ids::ProjectId,
};

use super::{
    artifacts::{self, ArtifactView},
    versions::{self, Wanted},
};
use crate::{
    app::{
        App,
        change::Change,
        error::Error,
        limits::{check_list, check_name},
        people::caller::{Caller, Right},
    },
    store,
};

/// Gives aliases to a version, even those that another version has, and removes others from it.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if a name cannot be an alias, if a name is `latest`, or if the
///   artifact would have too many aliases.
/// - Fails with [`Error::Missing`] if the version does not exist.
pub(crate) async fn alias(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    add: Vec<String>,
    remove: Vec<String>,
) -> Result<ArtifactView, Error> {
    caller.admits(Right::Steer)?;
    check_aliases(app, &add, &remove)?;
    let caller = caller.clone();
    let name = move |change: &mut Change<'_>| {
        let version = versions::find(change.tx, change.app, &caller, Right::Steer, &wanted)?;
        check_room(change, &version.project, &version.name, &add)?;
        add.iter().try_for_each(|alias| store::artifacts::set_alias(change.tx, &version, alias))?;
        remove
            .iter()
            .try_for_each(|alias| store::artifacts::drop_alias(change.tx, &version, alias))?;
        artifacts::view(change.tx, change.app, version)
    };
    app.change(name).await
}

/// Checks the aliases to give and to take away.
pub(super) fn check_aliases(app: &App, add: &[String], remove: &[String]) -> Result<(), Error> {
    check_list(&app.settings.limits, "aliases to give", add)?;
    check_list(&app.settings.limits, "aliases to take away", remove)?;
    for alias in add.iter().chain(remove) {
        check_alias(alias).map_err(|bad| Error::invalid(bad.to_string()))?;
        if alias == LATEST {
            return Err(Error::invalid(format!("`{LATEST}` always means the newest version")));
        }
    }
    Ok(())
}

/// Checks that an artifact or a portfolio has room for more aliases.
pub(super) fn check_room(
    change: &Change<'_>,
    project: &ProjectId,
    name: &str,
    add: &[String],
) -> Result<(), Error> {
    let known = store::artifacts::aliases_of_name(change.tx, project, name)?;
    let most = change.app.settings.limits.aliases;
    if add.len() as u32 + known <= most {
        return Ok(());
    }
    let message = format!("`{name}` has {known} aliases; the limit is {most}");
    Err(Error::invalid(message).hint("`sweep artifact alias --remove` takes some away"))
}

/// What a caller wants to change. A field that is `None` or empty stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// The description.
    pub(crate) description: Option<String>,
    /// The metadata as a JSON object.
    pub(crate) metadata: Option<String>,
    /// The tags to add.
    pub(crate) add_tags: Vec<String>,
    /// The tags to remove.
    pub(crate) remove_tags: Vec<String>,
}

/// Changes the description, the metadata and the tags of a version.
///
/// # Errors
/// Fails with [`Error::Invalid`] if a text is too long or the metadata is no JSON object, and with
/// [`Error::Missing`] if the version does not exist.
pub(crate) async fn edit(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    edit: Edit,
) -> Result<ArtifactView, Error> {
    caller.admits(Right::Steer)?;
    check(app, &edit)?;
    let caller = caller.clone();
    let write = move |change: &mut Change<'_>| {
        let mut version = versions::find(change.tx, change.app, &caller, Right::Steer, &wanted)?;
        let mut tags = version.tags();
        tags.retain(|tag| !edit.remove_tags.contains(tag));
        for tag in &edit.add_tags {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        check_list(&change.app.settings.limits, "tags", &tags)?;
        version.tags = serde_json::json!(tags).to_string();
        if let Some(description) = edit.description {
            version.description = description;
        }
        store::artifacts::describe(change.tx, version.key, &version.description, &version.tags)?;
        if let Some(metadata) = edit.metadata {
            store::artifacts::set_metadata(change.tx, version.key, &metadata)?;
            version.metadata = metadata;
        }
        artifacts::view(change.tx, change.app, version)
    };
    app.change(write).await
}

fn check(app: &App, edit: &Edit) -> Result<(), Error> {
    let limits = &app.settings.limits;
    for tag in edit.add_tags.iter().chain(&edit.remove_tags) {
        check_name(limits, "a tag", tag)?;
    }
    if edit.description.as_ref().is_some_and(|text| text.len() > limits.text_bytes) {
        let most = limits.text_bytes;
        return Err(Error::invalid(format!("the description has more than {most} bytes")));
    }
    let metadata = edit.metadata.as_deref().unwrap_or_default();
    ArtifactRow::check_metadata(metadata).map_err(|bad| Error::invalid(bad.to_string()))
}
