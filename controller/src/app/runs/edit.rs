//! Changes what is said about runs, after they began: a person edits one run or many at once. The
//! handlers in `api::web` call this module; `app::runs::upsert` serves W&B's client.

use std::sync::Arc;

use record::ids::RunId;
use serde_json::{Map, Value as Json};

use super::{
    about, edited,
    upsert::{self, Upsert},
};
use crate::{
    app::{
        App,
        change::{Change, draft::Draft},
        error::Error,
        people::{
            audit,
            caller::{Caller, Right},
            permit,
        },
        sweeps::planning,
    },
    store,
};

/// What a person changes about each of some runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// What replaces the name, the notes, the group, the tags and the whole config.
    pub(crate) said: Upsert,
    /// The tags to add.
    pub(crate) add_tags: Vec<String>,
    /// The tags to remove.
    pub(crate) remove_tags: Vec<String>,
    /// The values to lay over the config. The parameters of a trial stay as the search chose them.
    pub(crate) set_config: Map<String, Json>,
    /// The values to set in the summary; null brings the program's value back.
    pub(crate) summary: Map<String, Json>,
}

/// Changes all of these runs, or none of them.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if there are too many runs, a name is too long, or the config,
///   the tags or the summary exceed a limit.
/// - Fails with [`Error::Missing`] if a run does not exist.
/// - Refuses a caller who may not change one of them.
pub(crate) async fn runs(
    app: &Arc<App>,
    caller: &Caller,
    ids: Vec<RunId>,
    edit: Edit,
) -> Result<(), Error> {
    let (count, most) = (ids.len(), app.settings.limits.pages.edited_runs);
    if count > most {
        return Err(Error::invalid(format!(
            "the request changes {count} runs; the limit is {most}"
        )));
    }
    check(app, &edit)?;
    for id in &ids {
        permit::run(app, caller, Right::Steer, id).await?;
        planning::of_run(app, id).await?;
    }
    let who = caller.who();
    app.change(move |change| {
        for id in ids {
            let mut run = change.run(&id)?;
            change.edit(&mut run, |change, run| apply(change, run, &edit, &who))?;
            change.wake_run(&run);
            let deed = if edit.summary.is_empty() { "edit run" } else { "edit summary" };
            audit::note(change, who.clone(), deed, id.to_string(), Some(run.project))?;
        }
        Ok(())
    })
    .await
}

fn check(app: &App, edit: &Edit) -> Result<(), Error> {
    upsert::check(app, &edit.said)?;
    upsert::check(app, &Upsert { tags: Some(edit.add_tags.clone()), ..Upsert::default() })
}

fn apply(
    change: &mut Change<'_>,
    run: &mut Draft<'_>,
    edit: &Edit,
    who: &str,
) -> Result<(), Error> {
    upsert::describe(change, run, &edit.said)?;
    change_tags(change.app, run, edit)?;
    if !edit.set_config.is_empty() {
        about::lay_over_config(change, run, edit.set_config.clone())?;
    }
    if edit.summary.is_empty() {
        return Ok(());
    }
    let (limits, now_ms) = (&change.app.settings.limits.pages, change.now_ms);
    let mut about = store::about::get(change.tx, run.key)?;
    edited::lay(&mut about.edited, &edit.summary, who, now_ms, limits)?;
    Ok(store::about::save(change.tx, run.key, &about)?)
}

/// Adds and removes tags; the others stay.
fn change_tags(app: &App, run: &mut Draft<'_>, edit: &Edit) -> Result<(), Error> {
    if edit.add_tags.is_empty() && edit.remove_tags.is_empty() {
        return Ok(());
    }
    let mut tags: Vec<String> = serde_json::from_str(&run.tags).unwrap_or_default();
    tags.retain(|tag| !edit.remove_tags.contains(tag));
    for tag in &edit.add_tags {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    upsert::check(app, &Upsert { tags: Some(tags.clone()), ..Upsert::default() })?;
    *run.introduction().tags = serde_json::json!(tags).to_string();
    Ok(())
}
