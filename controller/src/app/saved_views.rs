//! Keeps the views that people save: what the address of a page holds, under a name. A view belongs
//! to a project. A view of a sweep's page fits every sweep of the project. The handlers in
//! `api::web` call this module. Whoever sees the project may open its views, and whoever may change
//! its runs may save, rename and remove them.

use std::sync::Arc;

use record::ids::ProjectId;

use super::{
    App,
    change::Change,
    error::{Error, Why},
    limits::check_name,
    people::{
        audit,
        caller::{Caller, Right},
        permit,
        things::Thing,
    },
    read::projects,
};
use crate::{
    settings::Limits,
    store::{self, Tx},
};

/// A saved view, as clients see it.
pub(crate) type ViewView = store::saved_views::SavedView;

/// The pages that have views.
const PAGES: [&str; 2] = ["project", "sweep"];

/// What a caller says about a view. A field that is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// Its name.
    pub(crate) name: Option<String>,
    /// The part of the page's address behind the `?`.
    pub(crate) query: Option<String>,
    /// Whether the page opens with this view.
    pub(crate) standard: Option<bool>,
}

/// Returns the views of a project, by their names.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such project that the caller may see.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
) -> Result<Vec<ViewView>, Error> {
    let project = projects::find(app, caller, project, Thing::Project).await?;
    app.read(move |tx, _| Ok(store::saved_views::of_project(tx, &project)?)).await
}

/// Saves a new view of a page.
///
/// # Errors
/// - Fails with [`Error::Missing`] if there is no such project that the caller may see.
/// - Fails with [`Error::Invalid`] if the page has no views, or a limit is exceeded.
/// - Refuses a caller who may not change runs, and a name that is taken.
pub(crate) async fn create(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    page: String,
    said: Said,
) -> Result<ViewView, Error> {
    permits(caller, &project)?;
    check(&app.settings.limits, &said)?;
    if !PAGES.contains(&page.as_str()) {
        let message = format!("there are no views of `{page}`: {}", PAGES.join(", "));
        return Err(Error::invalid(message));
    }
    let project = projects::find(app, caller, project, Thing::Project).await?;
    let (who, most) = (caller.who(), app.settings.limits.pages.saved_views);
    app.change(move |change| {
        if store::saved_views::of_project(change.tx, &project)?.len() >= most {
            let message = format!("the project has {most} saved views, which is the limit");
            return Err(Error::refused(Why::State, message).hint("remove one that nobody needs"));
        }
        let view = ViewView {
            id: change.app.chance.id(),
            project,
            page,
            name: String::new(),
            query: String::new(),
            standard: false,
            who: String::new(),
            changed_ms: 0,
        };
        save(change, view, said, who, "save view")
    })
    .await
}

/// Changes a view.
///
/// # Errors
/// - Fails with [`Error::Missing`] if there is no such view, or the caller may not see it.
/// - Fails with [`Error::Invalid`] if a limit is exceeded.
/// - Refuses a caller who may not change runs, and a name that is taken.
pub(crate) async fn change(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    id: String,
    said: Said,
) -> Result<ViewView, Error> {
    permits(caller, &project)?;
    check(&app.settings.limits, &said)?;
    let who = caller.who();
    app.change(move |change| {
        let view = find(change.tx, &project, &id)?;
        save(change, view, said, who, "change view")
    })
    .await
}

/// Removes a view.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such view, or the caller may not see it. Refuses a
/// caller who may not change runs.
pub(crate) async fn remove(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    id: String,
) -> Result<(), Error> {
    permits(caller, &project)?;
    let who = caller.who();
    app.change(move |change| {
        let view = find(change.tx, &project, &id)?;
        store::saved_views::remove(change.tx, &view.id)?;
        audit::note(change, who, "remove view", view.name, Some(view.project))
    })
    .await
}

fn permits(caller: &Caller, project: &ProjectId) -> Result<(), Error> {
    caller.check(Right::Steer, project, Thing::Project, || permit::no_project(project))
}

fn check(limits: &Limits, said: &Said) -> Result<(), Error> {
    if let Some(name) = &said.name {
        if name.trim().is_empty() {
            return Err(Error::invalid("a saved view needs a name"));
        }
        check_name(limits, "the name of the view", name)?;
    }
    let (bytes, most) = (said.query.as_ref().map_or(0, String::len), limits.pages.saved_view_bytes);
    if bytes > most {
        let message = format!("the view has {bytes} bytes; the limit is {most}");
        return Err(Error::invalid(message).hint("remove filters or columns from it"));
    }
    Ok(())
}

fn find(tx: &Tx<'_>, project: &ProjectId, id: &str) -> Result<ViewView, Error> {
    let views = store::saved_views::of_project(tx, project)?;
    let found = views.into_iter().find(|view| view.id == id);
    found.ok_or_else(|| Error::missing(format!("`{project}` has no saved view `{id}`")))
}

/// Writes what the caller says about a view.
fn save(
    change: &mut Change<'_>,
    view: ViewView,
    said: Said,
    who: String,
    deed: &str,
) -> Result<ViewView, Error> {
    let view = ViewView {
        name: said.name.map_or(view.name, |name| name.trim().to_owned()),
        query: said.query.unwrap_or(view.query),
        standard: said.standard.unwrap_or(view.standard),
        who: who.clone(),
        changed_ms: change.now_ms,
        ..view
    };
    if view.name.is_empty() {
        return Err(Error::invalid("a saved view needs a name"));
    }
    let others = store::saved_views::of_project(change.tx, &view.project)?;
    for other in others.into_iter().filter(|other| other.id != view.id && other.page == view.page) {
        if other.name == view.name {
            let message = format!("there is a view `{}` already", view.name);
            return Err(Error::refused(Why::State, message).hint("give another name"));
        }
        // A page opens with one view.
        if view.standard && other.standard {
            store::saved_views::save(change.tx, &ViewView { standard: false, ..other })?;
        }
    }
    store::saved_views::save(change.tx, &view)?;
    audit::note(change, who, deed, view.name.clone(), Some(view.project.clone()))?;
    Ok(view)
}
