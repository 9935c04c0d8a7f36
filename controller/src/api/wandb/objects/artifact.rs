//! Serves versions of artifacts, and their places in their collections.

use record::ids::RunId;
use serde_json::{Value as Json, json};
use tonic::async_trait;

use super::forms::{tags, text, time};
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::{Link, Member, Name, Page},
        manifest, names,
        session::Session,
        storage,
    },
    app::{
        error::Error,
        files::{
            artifacts::ArtifactView,
            entries, links,
            signed::{MANIFEST, Opens, Ticket},
            versions::{Key, Wanted},
        },
        read::views,
        runs::lookup::Named,
    },
};

/// The time to live that means that the version is kept.
const KEPT: i64 = -2;
/// The digits of a version's digest that the client gets as the hash of its commit.
const HASH_DIGITS: usize = 20;

/// A version of an artifact.
pub(super) struct Artifact(pub(super) ArtifactView);

impl Artifact {
    /// Returns the places of the version: under its own name, and in portfolios.
    async fn memberships(&self, session: &Session) -> Result<Page, Fault> {
        let own = Member::own(self.0.clone());
        let key = self.0.version.key;
        let linked = links::of_version(session.app(), &session.caller, key).await?;
        let all = [own].into_iter().chain(linked.into_iter().map(Member::linked));
        Ok(Page::only(all.map(|member| Link::Membership(Box::new(member))).collect()))
    }

    /// Returns the digest of the client's manifest.
    async fn digest(&self, session: &Session) -> Result<String, Fault> {
        match &self.0.announced {
            Some(announced) => Ok(announced.digest.clone()),
            None => {
                let said = entries::described(session.app(), self.0.version.key).await?;
                Ok(manifest::digest(&said))
            }
        }
    }

    /// Returns the client's manifest, which has an address.
    fn manifest(&self, session: &Session) -> Json {
        let key = self.0.version.key;
        let whole = self.0.announced.as_ref().filter(|announced| announced.is_whole());
        let made = whole.and_then(|announced| announced.manifest.clone());
        let opens = match made {
            Some(sha256) => Opens::FetchContent { sha256, name: MANIFEST.to_owned() },
            None => Opens::FetchManifest { key },
        };
        let address = storage::address(&session.base, &Ticket::new(session.app(), opens));
        json!({
            "__typename": "ArtifactManifest",
            "id": names::id("VersionManifest", &[&key.to_string()]),
            "file": { "directUrl": address },
        })
    }

    /// Returns these runs, as far as the caller may see them.
    async fn runs(&self, session: &Session, ids: &[RunId]) -> Result<Page, Fault> {
        let mut runs = Vec::new();
        for id in ids {
            let named = Named { id: Some(id.clone()), ..Named::default() };
            match views::find_run(session.app(), &session.caller, named).await {
                // The token of a run opens no other run.
                Err(Error::Refused(..)) => {}
                found => runs.extend(found?.map(|view| Link::Run(Box::new(view)))),
            }
        }
        Ok(Page::only(runs))
    }
}

/// Returns the aliases of a version in a collection.
fn aliases(of: &Name, aliases: &[String]) -> Answer {
    let alias = |alias: &String| {
        let alias = Alias { of: of.clone(), alias: alias.clone() };
        Answer::Object(Box::new(alias))
    };
    Answer::List(aliases.iter().map(alias).collect())
}

#[async_trait]
impl Object for Artifact {
    fn kind(&self) -> &'static str {
        "Artifact"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let view = &self.0;
        let version = &view.version;
        let of = || Name::own(view);
        Ok(Some(match asked.name {
            "id" => names::of_artifact(view).into(),
            "state" => "COMMITTED".into(),
            "digest" => self.digest(session).await?.into(),
            "digestAlgorithm" => "MANIFEST_MD5".into(),
            "versionIndex" => version.version.into(),
            "description" => text(&version.description).into(),
            "metadata" => version.metadata.clone().into(),
            "createdAt" | "updatedAt" => time(version.created_ms).into(),
            "artifactSequence" => Answer::Link(Link::Collection(of())),
            "artifactType" => {
                Answer::Link(Link::ArtifactType(version.project.clone(), version.kind.clone()))
            }
            "aliases" => aliases(&of(), &view.aliases),
            "tags" => tags(version.tags()).into(),
            "ttlDurationSeconds" => KEPT.into(),
            "ttlIsInherited" => true.into(),
            "historyStep" => view.announced.as_ref().and_then(|said| said.step).into(),
            "size" | "storageBytes" => version.size.into(),
            "fileCount" => version.files.into(),
            "commitHash" => version.digest.get(..HASH_DIGITS).into(),
            "currentManifest" => self.manifest(session).into(),
            "files" => Answer::Link(Link::Page(files(session, asked, view).await?)),
            "usedBy" => Answer::Link(Link::Page(self.runs(session, &view.used_by).await?)),
            "createdBy" => {
                let first = &view.made_by[..view.made_by.len().min(1)];
                let made = self.runs(session, first).await?.items.pop();
                made.map_or_else(Answer::null, |(_, run)| Answer::Link(run))
            }
            "artifactMemberships" => Answer::Link(Link::Page(self.memberships(session).await?)),
            _ => return Ok(None),
        }))
    }
}

/// Returns the files of a version that a question means: by their names, or a page of all.
async fn files(session: &Session, asked: &Asked<'_>, of: &ArtifactView) -> Result<Page, Fault> {
    let ArtifactView { version, .. } = of;
    let (app, caller, wanted) =
        (session.app(), &session.caller, Wanted::of(Key::Version(version.key)));
    let names = asked.texts("names").unwrap_or_default();
    let link = |listed: entries::Listed| (listed.entry.path.clone(), Link::Entry(Box::new(listed)));
    if names.is_empty() {
        let after = asked.text("after").unwrap_or_default().to_owned();
        let (listed, more) =
            entries::page(app, caller, wanted, after, asked.number("first")).await?;
        let items = listed.into_iter().map(link).collect();
        return Ok(Page { items, more, total: Some(version.files) });
    }
    let mut items = Vec::new();
    for name in names {
        let found = entries::find(app, caller, wanted.clone(), name).await?;
        items.extend(found.map(link));
    }
    Ok(Page { more: false, total: Some(items.len() as u64), items })
}

/// An alias of a version.
struct Alias {
    of: Name,
    alias: String,
}

#[async_trait]
impl Object for Alias {
    fn kind(&self) -> &'static str {
        "ArtifactAlias"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Self { of, alias } = self;
        Ok(Some(match asked.name {
            "id" => names::id("ArtifactAlias", &[alias, &of.name, of.project.as_str()]).into(),
            "alias" => alias.clone().into(),
            "artifactCollectionName" => of.name.clone().into(),
            "artifactCollection" => Answer::Link(Link::Collection(of.clone())),
            _ => return Ok(None),
        }))
    }
}

/// The place of a version in a collection.
pub(super) struct Membership(pub(super) Member);

#[async_trait]
impl Object for Membership {
    fn kind(&self) -> &'static str {
        "ArtifactCollectionMembership"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Member { view, of, number, aliases: named, since_ms } = &self.0;
        let key = view.version.key;
        Ok(Some(match asked.name {
            "id" => {
                names::id("Membership", &[&of.name, of.project.as_str(), &key.to_string()]).into()
            }
            "artifact" => Answer::Link(Link::Artifact(Box::new(view.clone()))),
            "artifactCollection" => Answer::Link(Link::Collection(of.clone())),
            "versionIndex" => (*number).into(),
            "createdAt" => time(*since_ms).into(),
            // Clients before 0.25 read the number in the collection from its alias.
            "aliases" => aliases(of, &[&named[..], &[format!("v{number}")]].concat()),
            "files" => Answer::Link(Link::Page(files(session, asked, view).await?)),
            _ => return Ok(None),
        }))
    }
}
