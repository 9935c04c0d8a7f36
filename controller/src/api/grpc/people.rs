//! Serves the People service. The `sweep` command calls it. Every method translates its request,
//! calls `app`, and translates the answer.

use std::time::Duration;

use proto::v1::{
    AddedKey, Caller, Deed, Deeds, GetAudit, GetMe, Grant, Key, KeyList, KeyRef, ListKeysRequest,
    NewKey, NewPassword, Only, PasswordSet, only::Thing, people_server::People,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Door, error::status};
use crate::app::people::{
    audit::{self, DeedView},
    caller::{GrantView, Person},
    keys::{self, KeyView, OnlyView},
    passwords,
};

#[async_trait]
impl People for Door {
    async fn me(&self, request: Request<GetMe>) -> Result<Response<Caller>, Status> {
        let (caller, GetMe {}) = self.enter(request).await?;
        let person = keys::me(&caller).map_err(status)?;
        let admin = Caller { admin: true, ..Caller::default() };
        Ok(Response::new(person.map_or(admin, |person| (*person).clone().into())))
    }

    async fn add_key(&self, request: Request<NewKey>) -> Result<Response<AddedKey>, Status> {
        let (caller, NewKey { user, label, kind, sweeps, projects, lasts_s, only }) =
            self.enter(request).await?;
        let sweeps = sweeps.into_iter().map(Into::into).collect();
        let lasts = (lasts_s > 0).then(|| Duration::from_secs(lasts_s));
        let only = only.and_then(|only| only.thing).map(|thing| match thing {
            Thing::Run(id) => OnlyView::Run(id.into()),
            Thing::Sweep(id) => OnlyView::Sweep(id.into()),
            Thing::Report(id) => OnlyView::Report(id),
        });
        let new = keys::NewKey { user, label, kind, sweeps, projects, only, lasts };
        let (secret, key) = keys::add(&self.app, &caller, new).await.map_err(status)?;
        Ok(Response::new(AddedKey { secret, key: Some(key.into()) }))
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<KeyList>, Status> {
        let (caller, ListKeysRequest {}) = self.enter(request).await?;
        let found = keys::list(&self.app, &caller).map_err(status)?;
        Ok(Response::new(KeyList { keys: found.into_iter().map(Into::into).collect() }))
    }

    async fn remove_key(&self, request: Request<KeyRef>) -> Result<Response<Key>, Status> {
        let (caller, KeyRef { id }) = self.enter(request).await?;
        let gone = keys::remove(&self.app, &caller, &id).await.map_err(status)?;
        Ok(Response::new(gone.into()))
    }

    async fn set_password(
        &self,
        request: Request<NewPassword>,
    ) -> Result<Response<PasswordSet>, Status> {
        let (caller, NewPassword { user, password, old }) = self.enter(request).await?;
        passwords::set(&self.app, &caller, &user, password, old).await.map_err(status)?;
        Ok(Response::new(PasswordSet {}))
    }

    async fn audit(&self, request: Request<GetAudit>) -> Result<Response<Deeds>, Status> {
        let (caller, GetAudit { limit }) = self.enter(request).await?;
        let found = audit::list(&self.app, &caller, limit).await.map_err(status)?;
        Ok(Response::new(Deeds { deeds: found.into_iter().map(Into::into).collect() }))
    }
}

impl From<Person> for Caller {
    fn from(person: Person) -> Self {
        let admin = person.is_admin();
        let grant =
            |grant: &GrantView| Grant { role: grant.role.name().to_owned(), place: grant.place() };
        let grants = person.known_grants().iter().map(grant).collect();
        let Person { user, key, .. } = person;
        Self { user: user.name, team: user.team, admin, grants, key: key.map(Into::into) }
    }
}

impl From<KeyView> for Key {
    fn from(key: KeyView) -> Self {
        Self {
            id: key.id,
            user: key.user,
            label: key.label,
            kind: key.kind.name().to_owned(),
            sweeps: key.sweeps.into_iter().map(Into::into).collect(),
            projects: key.projects.into_iter().map(Into::into).collect(),
            created_ms: key.created_ms,
            expires_ms: key.expires_ms,
            only: key.only.map(|only| Only {
                thing: Some(match only {
                    OnlyView::Run(id) => Thing::Run(id.into()),
                    OnlyView::Sweep(id) => Thing::Sweep(id.into()),
                    OnlyView::Report(id) => Thing::Report(id),
                }),
            }),
        }
    }
}

impl From<DeedView> for Deed {
    fn from(deed: DeedView) -> Self {
        Self {
            at_ms: deed.at_ms,
            who: deed.who,
            what: deed.what,
            object: deed.object,
            project: deed.project.map(Into::into).unwrap_or_default(),
        }
    }
}
