//! Identifies the caller of a use case. Use cases take the [`Caller`], which the handlers in `api`
//! get from a token or a key. `app::people::permit` decides with it about runs and sweeps.

use std::sync::Arc;

use record::ids::{Attempt, HOME, ProjectId, RunId};

use super::things::{self, Thing};
use crate::{
    app::error::{Error, Why},
    store::{
        people::{Grant, Key, Kind, Only, Role, User},
        reports::Shown,
    },
};

/// The name of the project of runs that name none, as in W&B.
pub(crate) const NO_PROJECT: &str = "uncategorized";

/// The caller of a use case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The administrator, who may do everything: the controller's own token, or anybody if the
    /// controller needs neither a token nor a key.
    Admin,
    /// A user, through one of the user's keys or in a session.
    Person(Arc<Person>),
    /// The program of a run, or its agent on its behalf. This caller may read this run and the
    /// artifacts of its project, and write as this attempt. It may do nothing else.
    Run(Attempt),
}

/// A role of a user, as callers see it.
pub(crate) type GrantView = Grant;

/// A user who calls with a key, or in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// The user.
    pub(crate) user: User,
    /// The roles of the user.
    pub(crate) grants: Vec<Grant>,
    /// The key of this call, or the one that opened its session. `None`: the user's password
    /// opened the session.
    pub(crate) key: Option<Key>,
    /// What the panels of a report show, if the key opens only this report.
    pub(crate) shown: Shown,
    /// The hash of the session of this call; `None` if the call shows the key itself.
    pub(crate) session: Option<Vec<u8>>,
}

/// What a caller wants to do in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// See sweeps, runs and artifacts.
    See,
    /// Begin runs, and log rows and files.
    Log,
    /// Get trials, as an agent does.
    Pull,
    /// Create sweeps, change their states, name and remove versions of artifacts.
    Steer,
    /// Make keys, and read the audit.
    Manage,
}

impl Right {
    /// Returns what the right lets a caller do, as the end of a sentence.
    fn deed(self) -> &'static str {
        match self {
            Self::See => "read anything",
            Self::Log => "log runs",
            Self::Pull => "get trials",
            Self::Steer => "create or change anything",
            Self::Manage => "manage keys or read the audit",
        }
    }

    /// Returns the weakest role that has the right.
    fn needs(self) -> Role {
        match self {
            Self::See => Role::Viewer,
            Self::Log | Self::Pull | Self::Steer => Role::Member,
            Self::Manage => Role::Admin,
        }
    }
}

impl Person {
    /// Returns whether this is an administrator with a key for everything.
    pub(crate) fn is_admin(&self) -> bool {
        self.user.admin && self.kind() == Kind::Full
    }

    /// Returns what the call opens. A password opens everything, as a key of the kind `full` does.
    fn kind(&self) -> Kind {
        self.key.as_ref().map_or(Kind::Full, |key| key.kind)
    }

    /// Returns the one thing that the key of the call opens, if it does not open more.
    pub(crate) fn only(&self) -> Option<&Only> {
        self.key.as_ref()?.only.as_ref()
    }

    /// Returns the roles of the user that the caller may know of. Who calls with a key for one
    /// thing learns of no other.
    pub(crate) fn known_grants(&self) -> &[Grant] {
        if self.only().is_some() { &[] } else { &self.grants }
    }

    /// Returns whether the user has this right in any project.
    pub(in crate::app) fn has(&self, right: Right) -> bool {
        self.user.admin || self.grants.iter().any(|grant| grant.role >= right.needs())
    }

    /// Returns the role of the user in this project.
    fn role(&self, project: &ProjectId) -> Option<Role> {
        if self.user.admin {
            return Some(Role::Admin);
        }
        let here = |grant: &&Grant| {
            grant.team == project.team()
                && (grant.project.is_empty() || grant.project == project.name())
        };
        self.grants.iter().filter(here).map(|grant| grant.role).max()
    }

    /// Returns whether the key opens this right in any project at all.
    fn has_kind(&self, right: Right) -> bool {
        match self.kind() {
            Kind::Full => true,
            Kind::Read => right == Right::See,
            Kind::Agent => matches!(right, Right::Pull | Right::Log),
            Kind::Ingest => right == Right::Log,
        }
    }

    /// Returns whether the user may do this to this thing with this key.
    fn may(&self, right: Right, project: &ProjectId, thing: Thing<'_>) -> bool {
        let is_opened =
            |key: &Key| self.has_kind(right) && things::opens(key, &self.shown, project, thing);
        self.role(project).is_some_and(|role| role >= right.needs())
            && self.key.as_ref().is_none_or(is_opened)
    }
}

impl Caller {
    /// Returns the caller for the audit.
    pub(crate) fn who(&self) -> String {
        match self {
            Caller::Admin => "the administrator".to_owned(),
            Caller::Person(person) => match &person.key {
                Some(key) => format!("{}, key {}", person.user.name, key.id),
                None => format!("{}, by password", person.user.name),
            },
            Caller::Run(own) => format!("the run {}", own.run),
        }
    }

    /// Returns the user who calls; `None` for the administrator.
    ///
    /// # Errors
    /// Refuses the token of a run.
    pub(in crate::app) fn person(&self) -> Result<Option<Arc<Person>>, Error> {
        match self {
            Caller::Admin => Ok(None),
            Caller::Person(person) => Ok(Some(person.clone())),
            Caller::Run(own) => Err(only(own)),
        }
    }

    /// Returns whether the caller is an administrator with a key or token for everything.
    pub(in crate::app) fn is_admin(&self) -> bool {
        match self {
            Caller::Admin => true,
            Caller::Person(person) => person.is_admin(),
            Caller::Run(_) => false,
        }
    }

    /// Returns whether the caller may read the audit of any project.
    pub(in crate::app) fn manages(&self) -> bool {
        match self {
            Caller::Admin => true,
            Caller::Person(person) => person.has(Right::Manage),
            Caller::Run(_) => false,
        }
    }

    /// Returns whether the caller may change sweeps and runs in any project.
    pub(crate) fn steers(&self) -> bool {
        match self {
            Caller::Admin => true,
            Caller::Person(person) => person.has(Right::Steer) && person.has_kind(Right::Steer),
            Caller::Run(_) => false,
        }
    }

    /// Passes if the caller's token or key opens this right in some place.
    ///
    /// # Errors
    /// Refuses the token of a run, except for what it may do with its own run. Refuses a key of a
    /// kind without this right.
    pub(in crate::app) fn admits(&self, right: Right) -> Result<(), Error> {
        match self {
            Caller::Admin => Ok(()),
            Caller::Person(person) => match &person.key {
                Some(Key { id, kind, .. }) if !person.has_kind(right) => {
                    let (kind, deed) = (kind.name(), right.deed());
                    let message = format!("the key {id} is of the kind `{kind}`: it cannot {deed}");
                    Err(Error::refused(Why::Forbidden, message))
                }
                _ => Ok(()),
            },
            Caller::Run(own) => Err(only(own)),
        }
    }

    /// Returns whether the caller may do this to a thing in this project. The token of a run may do
    /// nothing in a project.
    pub(crate) fn may(&self, right: Right, project: &ProjectId, thing: Thing<'_>) -> bool {
        match self {
            Caller::Admin => true,
            Caller::Person(person) => person.may(right, project, thing),
            Caller::Run(_) => false,
        }
    }

    /// Passes if the caller may do this to a thing in this project. `missing` makes the error of a
    /// thing that does not exist.
    ///
    /// # Errors
    /// Fails with `missing` if the caller may not even see the thing, so that nobody learns of
    /// projects of others. Otherwise refuses a caller without this right.
    pub(in crate::app) fn check(
        &self,
        right: Right,
        project: &ProjectId,
        thing: Thing<'_>,
        missing: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        self.admits(right)?;
        let Caller::Person(person) = self else { return Ok(()) };
        if person.may(right, project, thing) {
            return Ok(());
        }
        if !person.may(Right::See, project, thing) {
            return Err(missing());
        }
        let role = person.role(project).map_or("viewer", Role::name);
        let message = format!(
            "{} is {role} of the project `{project}` and cannot {}",
            person.user.name,
            right.deed()
        );
        let hint = format!("an administrator can give the role `{}`", right.needs().name());
        Err(Error::refused(Why::Forbidden, message).hint(hint))
    }

    /// Returns an idempotency key as it is stored, so that no user meets the key of another.
    pub(in crate::app) fn own_key(&self, key: String) -> String {
        match self {
            Caller::Person(person) if !key.is_empty() => format!("{}: {key}", person.user.name),
            _ => key,
        }
    }

    /// Returns the project that the caller means. `said` is its name in the caller's own team, or
    /// `TEAM/NAME`. If it is empty, the project is the one that a key for logging opens, or else
    /// W&B's `uncategorized`.
    ///
    /// # Errors
    /// Fails with [`Error::Invalid`] if `said` has another form.
    pub(in crate::app) fn project(&self, said: &str) -> Result<ProjectId, Error> {
        if let Caller::Person(person) = self
            && let Some(Key { kind: Kind::Ingest, projects, .. }) = &person.key
            && said.is_empty()
            && let [only] = &projects[..]
        {
            return Ok(only.clone());
        }
        project(self.team(), said)
    }

    /// Returns the name of the user who calls; empty if the caller is no user.
    pub(in crate::app) fn user(&self) -> &str {
        match self {
            Caller::Admin | Caller::Run(_) => "",
            Caller::Person(person) => &person.user.name,
        }
    }

    /// Returns the caller's own team.
    pub(crate) fn team(&self) -> &str {
        match self {
            Caller::Admin | Caller::Run(_) => HOME,
            Caller::Person(person) => &person.user.team,
        }
    }

    /// Passes if the caller may read this run, as far as its token says.
    ///
    /// # Errors
    /// Refuses the token of another run.
    pub(in crate::app) fn run(&self, run: &RunId) -> Result<(), Error> {
        match self {
            Caller::Run(own) if own.run != *run => Err(only(own)),
            _ => Ok(()),
        }
    }

    /// Passes if the caller may write as this attempt, as far as its token says.
    ///
    /// # Errors
    /// Refuses the token of another run, or of another attempt of the same run.
    pub(in crate::app) fn attempt(&self, attempt: &Attempt) -> Result<(), Error> {
        let Attempt { run, number } = attempt;
        self.run(run)?;
        match self {
            Caller::Run(Attempt { number: own, .. }) if own != number => Err(Error::refused(
                Why::Forbidden,
                format!("this token opens attempt {own} of the run `{run}`, not attempt {number}"),
            )),
            _ => Ok(()),
        }
    }
}

fn only(own: &Attempt) -> Error {
    let message = format!("this token opens the run `{}` and nothing else", own.run);
    Error::refused(Why::Forbidden, message)
}

/// Returns the project that `said` means to a member of `team`.
///
/// # Errors
/// Fails with [`Error::Invalid`] if `said` is neither `NAME` nor `TEAM/NAME`.
pub(in crate::app) fn project(team: &str, said: &str) -> Result<ProjectId, Error> {
    let (team, name) = said.split_once('/').unwrap_or((team, said));
    if said.is_empty() {
        return Ok(ProjectId::new(team, NO_PROJECT));
    }
    // Contents that no row names yet belong to `~USER`.
    let is_free = !team.starts_with('~') && !name.starts_with('~');
    if team.is_empty() || name.is_empty() || name.contains('/') || !is_free {
        return Err(Error::invalid(format!("`{said}` is no project"))
            .hint("a project is written as NAME or TEAM/NAME"));
    }
    Ok(ProjectId::new(team, name))
}

#[cfg(test)]
mod tests {
    use record::ids::SweepId;

    use super::*;

    fn person(kind: Kind, grants: &[(&str, &str, Role)]) -> Person {
        let grant = |&(team, project, role): &(&str, &str, Role)| Grant {
            user: "ann".to_owned(),
            team: team.to_owned(),
            project: project.to_owned(),
            role,
        };
        Person {
            user: User {
                name: "ann".to_owned(),
                team: "vision".to_owned(),
                admin: false,
                created_ms: 0,
            },
            grants: grants.iter().map(grant).collect(),
            key: Some(Key {
                id: "k3x9abcd".to_owned(),
                hash: Vec::new(),
                user: "ann".to_owned(),
                label: String::new(),
                kind,
                sweeps: vec![SweepId::from("swept")],
                projects: vec![ProjectId::new("vision", "digits")],
                only: None,
                created_ms: 0,
                expires_ms: None,
            }),
            shown: Shown::default(),
            session: None,
        }
    }

    const ALL: [Right; 5] = [Right::See, Right::Log, Right::Pull, Right::Steer, Right::Manage];

    fn rights(person: &Person, project: &str, sweep: Option<&str>) -> Vec<Right> {
        let (project, sweep) = (ProjectId::from(project), sweep.map(SweepId::from));
        let thing = sweep.as_ref().map_or(Thing::Project, Thing::Sweep);
        ALL.into_iter().filter(|&right| person.may(right, &project, thing)).collect()
    }

    #[test]
    fn the_strongest_role_in_the_team_or_the_project_counts() {
        let grants = [
            ("vision", "", Role::Viewer),
            ("vision", "digits", Role::Member),
            ("nlp", "", Role::Admin),
        ];
        let ann = person(Kind::Full, &grants);
        let member = [Right::See, Right::Log, Right::Pull, Right::Steer];
        assert_eq!(rights(&ann, "vision/digits", None), member);
        assert_eq!(rights(&ann, "vision/faces", None), [Right::See]);
        assert_eq!(rights(&ann, "nlp/any", None), ALL);
        assert_eq!(
            rights(&ann, "digits", None),
            [],
            "the team home has a project of this name too"
        );
    }

    #[test]
    fn a_key_opens_no_more_than_its_kind() {
        let grants = [("vision", "", Role::Admin)];
        let may = |kind, project, sweep| rights(&person(kind, &grants), project, sweep);
        assert_eq!(may(Kind::Read, "vision/digits", None), [Right::See]);
        assert_eq!(may(Kind::Read, "vision/faces", None), []);
        assert_eq!(may(Kind::Ingest, "vision/digits", None), [Right::Log]);
        assert_eq!(may(Kind::Ingest, "vision/faces", None), []);
        let agent = [Right::Log, Right::Pull];
        assert_eq!(may(Kind::Agent, "vision/digits", Some("other")), agent);
        assert_eq!(may(Kind::Agent, "vision/faces", Some("swept")), agent);
        assert_eq!(may(Kind::Agent, "vision/faces", Some("other")), []);
        assert_eq!(may(Kind::Agent, "vision/digits", None), [], "a run outside of sweeps");
    }

    #[test]
    fn a_viewer_and_a_key_for_less_steer_nothing() {
        let steers = |person| Caller::Person(Arc::new(person)).steers();
        let member = [("nlp", "", Role::Viewer), ("vision", "", Role::Member)];
        assert!(steers(person(Kind::Full, &member)));
        assert!(steers(Person { key: None, ..person(Kind::Read, &member) }));
        for kind in [Kind::Read, Kind::Agent, Kind::Ingest] {
            assert!(!steers(person(kind, &member)), "{kind:?}");
        }
        assert!(!steers(person(Kind::Full, &member[..1])));
    }

    #[test]
    fn a_password_opens_what_its_user_may_do() {
        let grants = [("vision", "", Role::Member)];
        let ann = Person { key: None, ..person(Kind::Read, &grants) };
        let member = [Right::See, Right::Log, Right::Pull, Right::Steer];
        assert_eq!(rights(&ann, "vision/digits", None), member);
        assert_eq!(rights(&ann, "nlp/words", None), []);
        assert!(!ann.is_admin());
        let user = User { admin: true, ..ann.user.clone() };
        assert!(Person { user, ..ann }.is_admin());
    }

    #[test]
    fn an_invisible_project_does_not_exist_and_a_visible_one_says_what_is_missing() {
        let ann = Caller::Person(Arc::new(person(Kind::Full, &[("vision", "", Role::Viewer)])));
        let check = |project: &str| {
            let missing = || Error::missing("nothing");
            ann.check(Right::Steer, &ProjectId::from(project), Thing::Project, missing)
        };
        assert_eq!(check("nlp/words"), Err(Error::missing("nothing")));
        let refused = check("vision/digits").unwrap_err();
        assert!(matches!(refused, Error::Refused(Why::Forbidden, _)), "{refused:?}");
    }

    #[test]
    fn a_project_without_a_team_is_in_the_callers_own() {
        let ann = Caller::Person(Arc::new(person(Kind::Full, &[])));
        let said = |caller: &Caller, said| caller.project(said).map(String::from);
        assert_eq!(said(&ann, "digits"), Ok("vision/digits".to_owned()));
        assert_eq!(said(&ann, "home/digits"), Ok("digits".to_owned()));
        assert_eq!(said(&ann, ""), Ok("vision/uncategorized".to_owned()));
        assert_eq!(said(&Caller::Admin, "digits"), Ok("digits".to_owned()));
        let script = Caller::Person(Arc::new(person(Kind::Ingest, &[])));
        assert_eq!(said(&script, ""), Ok("vision/digits".to_owned()));
        for wrong in ["/", "/digits", "vision/", "a/b/c", "~ann"] {
            assert!(said(&Caller::Admin, wrong).is_err(), "{wrong}");
        }
    }
}
