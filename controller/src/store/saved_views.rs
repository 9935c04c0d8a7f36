//! Stores the views of pages that people save. `app::saved_views` calls it and decides who may do
//! what. Every function fails only if the database does.

use record::ids::ProjectId;

use super::database::{Result, Row, Tx, columns};

/// A saved view of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedView {
    /// The view's id.
    pub(crate) id: String,
    /// The project that the view belongs to.
    pub(crate) project: ProjectId,
    /// The page that the view is of: `project` or `sweep`.
    pub(crate) page: String,
    /// The view's name, which no other view of the page in this project has.
    pub(crate) name: String,
    /// The part of the page's address behind the `?`.
    pub(crate) query: String,
    /// Whether the page opens with this view.
    pub(crate) standard: bool,
    /// Who changed the view last.
    pub(crate) who: String,
    /// When the view was changed last, in milliseconds since the epoch.
    pub(crate) changed_ms: i64,
}

columns! {
    /// Reads a view.
    macro view_columns, fn read() -> SavedView {
        id: get, project: get, page: get, name: get, query: get, standard: get, who: get,
        changed_ms: get,
    } => SavedView { id, project, page, name, query, standard, who, changed_ms }
}

/// Reads the views of a project, by their names.
pub(crate) fn of_project(tx: &Tx<'_>, project: &ProjectId) -> Result<Vec<SavedView>> {
    let sql = concat!(
        "SELECT ",
        view_columns!(),
        " FROM saved_views WHERE project = ?1 ORDER BY page, name"
    );
    tx.all(sql, &[&project.as_str()], read)
}

/// Writes a view, in place of the one with its id.
pub(crate) fn save(tx: &Tx<'_>, view: &SavedView) -> Result<()> {
    let SavedView { id, project, page, name, query, standard, who, changed_ms } = view;
    tx.run(
        "INSERT OR REPLACE INTO saved_views
             (id, project, page, name, query, standard, who, changed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[id, &project.as_str(), page, name, query, standard, who, changed_ms],
    )?;
    Ok(())
}

/// Removes a view, if it is there.
pub(crate) fn remove(tx: &Tx<'_>, id: &str) -> Result<()> {
    tx.run("DELETE FROM saved_views WHERE id = ?1", &[&id])?;
    Ok(())
}
