//! Decides which contents a caller may name. A run may name the contents of its project. A project
//! has a content if one of its runs has sent the content, or if a row of its runs names it. A
//! caller that knows only the hash of another project's content cannot find out whether the content
//! is stored. A caller that has the content gets the right to name it by sending it.
//! `app::files::blobs` uses this module, and so does everything that keeps rows which name
//! contents.

use record::ids::{ProjectId, RunId};

use super::room::Bound;
use crate::{
    app::{
        App,
        error::{Error, Why},
        people::caller::Caller,
        runs::lookup,
    },
    store::{self, Tx, runs::Run},
};

/// The beginning of the owners that are no projects, but users who have sent contents.
const OF_USER: char = '~';

/// Returns whether this is no project, but a user who has sent contents.
pub(in crate::app) fn is_of_user(project: &ProjectId) -> bool {
    project.as_str().starts_with(OF_USER)
}

/// The owner of contents: the project of a run, or a user who has sent contents that no row names
/// yet.
#[derive(Clone, Debug)]
pub(in crate::app) struct Owner {
    /// The project. The contents that the user `ann` has sent belong to `~ann`, which no project
    /// can be called.
    pub(in crate::app) project: ProjectId,
    /// The run whose token sends the contents; `None` for a user.
    run: Option<(i64, RunId)>,
}

impl Owner {
    /// Returns the owner for this caller. Returns `None` for the administrator, who may name every
    /// content.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the caller's run does not exist.
    pub(in crate::app) fn of(tx: &Tx<'_>, caller: &Caller) -> Result<Option<Self>, Error> {
        Ok(match caller {
            Caller::Admin => None,
            Caller::Person(person) => {
                let project = ProjectId::from(format!("{OF_USER}{}", person.user.name));
                Some(Self { project, run: None })
            }
            Caller::Run(attempt) => {
                let Run { key, id, project, .. } = lookup::find(tx, &attempt.run)?;
                Some(Self { project, run: Some((key, id)) })
            }
        })
    }

    /// Returns the internal key of the run whose token sends the contents.
    pub(in crate::app) fn run(&self) -> Option<i64> {
        self.run.as_ref().map(|(key, _)| *key)
    }

    /// Returns the limits on the bytes that the owner may store.
    pub(in crate::app) fn bounds(&self, tx: &Tx<'_>, app: &App) -> Result<Vec<Bound>, Error> {
        let settings = &app.settings;
        let (has, of_run) = store::holdings::bytes(tx, &self.project, self.run())?;
        let of = match self.project.as_str().strip_prefix(OF_USER) {
            Some(user) => format!("the user `{user}`"),
            None => format!("the project `{}`", self.project),
        };
        let project = Bound { of, has, most: settings.project_bytes, flag: "--project-gib" };
        let run = self.run.as_ref().map(|(_, run)| Bound {
            of: format!("the run `{run}`"),
            has: of_run,
            most: settings.run_bytes,
            flag: "--run-gib",
        });
        Ok(run.into_iter().chain([project]).collect())
    }
}

/// Returns the size of a stored blob that the owner may name. Returns `None` for a blob of another
/// owner, as for a blob that is not stored. Without an owner, every stored blob may be named.
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

/// The right to name contents in rows of a project.
#[derive(Clone, Debug)]
pub(in crate::app) struct Names {
    /// The owner of the contents; `None` if the caller may name every content.
    owner: Option<Owner>,
    /// The project that the rows belong to.
    pub(in crate::app) project: ProjectId,
}

impl Names {
    /// Returns the caller's right to name contents in the rows of this project's runs.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the caller's run does not exist.
    pub(in crate::app) fn of(
        tx: &Tx<'_>,
        caller: &Caller,
        project: &ProjectId,
    ) -> Result<Self, Error> {
        Ok(Self { owner: Owner::of(tx, caller)?, project: project.clone() })
    }

    /// Passes if the blob is stored, the caller may name it, and it has the announced size. `name`
    /// identifies the blob in errors.
    ///
    /// # Errors
    /// Fails with [`Error::Invalid`] if the size differs. Fails with [`Why::Blob`] if the blob is
    /// not stored or the caller may not name it.
    pub(in crate::app) fn check(
        &self,
        tx: &Tx<'_>,
        name: &str,
        sha256: &str,
        size: u64,
    ) -> Result<(), Error> {
        let mut known = known(tx, self.owner.as_ref(), sha256)?;
        if known.is_none() && store::holdings::has(tx, &self.project, sha256)? {
            known = store::files::blob(tx, sha256)?;
        }
        match known {
            Some(here) if here == size => Ok(()),
            Some(here) => Err(Error::invalid(format!("`{name}` has {here} bytes, not {size}"))),
            None => {
                let message = format!("the blob `{sha256}` of `{name}` is not here");
                Err(Error::refused(Why::Blob, message).hint("put the blob and send the row again"))
            }
        }
    }

    /// Does the same as [`Names::check`], and records that the project has the blob.
    ///
    /// # Errors
    /// Fails as [`Names::check`] does.
    pub(in crate::app) fn claim(
        &self,
        tx: &Tx<'_>,
        name: &str,
        sha256: &str,
        size: u64,
    ) -> Result<(), Error> {
        self.check(tx, name, sha256, size)?;
        Ok(store::holdings::add(tx, &self.project, sha256, size, None)?)
    }
}
