//! Whose contents a caller may name. A run may name what its project has: what one of its runs has
//! sent, or a row of it names. Whoever knows the hash of another's content learns nothing of it,
//! not even that it is here; whoever has the content itself sends it. Used by `app::files::blobs`
//! and by what keeps rows that name contents.

use super::room::Bound;
use crate::{
    app::{
        App,
        caller::Caller,
        error::{Error, Why},
        runs::lookup,
    },
    store::{self, Tx, runs::Run},
};

/// Whose contents are meant: the project of a run, and the run.
#[derive(Clone, Debug)]
pub(in crate::app) struct Owner {
    /// The project.
    pub(in crate::app) project: String,
    /// Internal key of the run.
    pub(in crate::app) run: i64,
    id: String,
}

impl Owner {
    /// Of a caller who may do everything there is none: it may name every content.
    ///
    /// # Errors
    /// Missing when the caller's run is not there.
    pub(in crate::app) fn of(tx: &Tx<'_>, caller: &Caller) -> Result<Option<Self>, Error> {
        let Caller::Run { run, .. } = caller else { return Ok(None) };
        let Run { key, id, project, .. } = lookup::find(tx, run)?;
        Ok(Some(Self { project, run: key, id }))
    }

    /// How much more it may have.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::app) fn bounds(&self, tx: &Tx<'_>, app: &App) -> Result<Vec<Bound>, Error> {
        let (of_project, of_run) = store::holdings::bytes(tx, &self.project, self.run)?;
        let (project, run) =
            (format!("the project `{}`", self.project), format!("the run `{}`", self.id));
        Ok(vec![
            Bound { of: run, has: of_run, most: app.settings.run_bytes, flag: "--run-gib" },
            Bound {
                of: project,
                has: of_project,
                most: app.settings.project_bytes,
                flag: "--project-gib",
            },
        ])
    }
}

/// The size of a blob that is here and that its owner may name. One that is here and is another's
/// is answered like one that is not here.
///
/// # Errors
/// When the database fails.
pub(in crate::app) fn known(
    tx: &Tx<'_>,
    owner: Option<&Owner>,
    sha256: &str,
) -> Result<Option<u64>, Error> {
    match owner {
        Some(owner) if !store::holdings::has(tx, &owner.project, sha256)? => Ok(None),
        _ => Ok(store::files::blob(tx, sha256)?),
    }
}

/// Who names contents, for a project.
#[derive(Clone, Debug)]
pub(in crate::app) struct Names {
    /// None: who may name every content.
    owner: Option<Owner>,
    /// The project.
    pub(in crate::app) project: String,
}

impl Names {
    /// What this caller may name in rows of a project's run.
    ///
    /// # Errors
    /// Missing when the caller's run is not there.
    pub(in crate::app) fn of(tx: &Tx<'_>, caller: &Caller, project: &str) -> Result<Self, Error> {
        Ok(Self { owner: Owner::of(tx, caller)?, project: project.to_owned() })
    }

    /// Passes when the blob of `name` is here, may be named, and is as long as it was said to be.
    ///
    /// # Errors
    /// Invalid when it is longer or shorter; refused with [`Why::Blob`] when it is not here or is
    /// another project's.
    pub(in crate::app) fn check(
        &self,
        tx: &Tx<'_>,
        name: &str,
        sha256: &str,
        size: u64,
    ) -> Result<(), Error> {
        match known(tx, self.owner.as_ref(), sha256)? {
            Some(here) if here == size => Ok(()),
            Some(here) => Err(Error::invalid(format!("`{name}` has {here} bytes, not {size}"))),
            None => {
                let message = format!("the blob `{sha256}` of `{name}` is not here");
                Err(Error::refused(Why::Blob, message).hint("put the blob and send the row again"))
            }
        }
    }

    /// The same; from now on the project has the blob.
    ///
    /// # Errors
    /// Those of [`Names::check`].
    pub(in crate::app) fn claim(
        &self,
        tx: &Tx<'_>,
        name: &str,
        sha256: &str,
        size: u64,
    ) -> Result<(), Error> {
        self.check(tx, name, sha256, size)?;
        // What another caller may name, the project has already.
        if self.owner.is_none() {
            store::holdings::add(tx, &self.project, sha256, size, None)?;
        }
        Ok(())
    }
}
