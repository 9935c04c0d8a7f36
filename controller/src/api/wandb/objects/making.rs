//! Carries out what the client does with artifacts: announces, sends and commits them, uses them,
//! and changes what is said about them.

use record::artifact::LATEST;
use serde_json::{Value as Json, json};
use tonic::async_trait;

use super::forms::connection;
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::{Link, Member, Name},
        manifest, names,
        session::Session,
        storage,
    },
    app::{
        error::Error,
        files::{
            announced::{self, New},
            artifacts::{self, ArtifactView},
            commit::{self, Said},
            labels::{self, Edit},
            links::{self, Target},
            signed::{self, Opens, Ticket},
            versions::{Key, Wanted},
        },
        runs::lookup::Named,
    },
};

/// The kinds of manifests: of all files of a version, of files to add to the newest version, and of
/// the files of one of several processes.
const KINDS: [&str; 3] = ["FULL", "INCREMENTAL", "PATCH"];
/// The name of the only place where contents are stored.
const REGION: &str = "default";
/// The type of the answer to an announcement. The client asks for fields of this type.
const CREATED: &str = "CreateArtifactPayload";

/// Returns the run that the arguments name.
fn run_of(input: &Asked<'_>) -> Named {
    Named {
        id: None,
        project: names::project(input.text("entityName"), input.text("projectName")),
        name: input.text("runName").unwrap_or_default().to_owned(),
    }
}

/// Returns the version that the arguments name.
fn key(input: &Asked<'_>) -> Result<Key, Fault> {
    let id = input.text("artifactID").unwrap_or_default();
    names::artifact(id).ok_or_else(|| Fault::wrong(format!("`{id}` is no id of an artifact")))
}

/// Returns the key of the announced artifact that the arguments name.
fn announced_key(input: &Asked<'_>) -> Result<i64, Fault> {
    match key(input)? {
        Key::Announced(key) => Ok(key),
        Key::Version(_) => Err(Fault::wrong("this version of an artifact is complete")),
    }
}

/// An artifact that is announced and no version yet.
#[derive(Clone)]
struct Pending {
    key: i64,
    name: Name,
}

#[async_trait]
impl Object for Pending {
    fn kind(&self) -> &'static str {
        "Artifact"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "id" => names::of_announced(self.key).into(),
            "state" => "PENDING".into(),
            "artifactSequence" => Answer::Link(Link::Collection(self.name.clone())),
            _ => return Ok(None),
        }))
    }
}

/// The artifact of an answer.
enum Made {
    Pending(Pending),
    Version(Box<ArtifactView>),
}

/// The answer to a mutation of an artifact.
struct Payload {
    kind: &'static str,
    made: Made,
}

#[async_trait]
impl Object for Payload {
    fn kind(&self) -> &'static str {
        self.kind
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match (asked.name, &self.made) {
            ("artifact", Made::Pending(pending)) => Answer::Object(Box::new(pending.clone())),
            ("artifact", Made::Version(view)) => Answer::Link(Link::Artifact(view.clone())),
            ("success", _) => true.into(),
            _ => return Ok(None),
        }))
    }
}

fn payload(kind: &'static str, made: Made) -> Answer {
    Answer::Object(Box::new(Payload { kind, made }))
}

fn done(view: ArtifactView) -> Answer {
    payload("ArtifactPayload", Made::Version(Box::new(view)))
}

/// Announces a version.
pub(super) async fn create(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let text = |name: &str| input.text(name).unwrap_or_default().to_owned();
    // Old clients send a list of names.
    let names = input.texts("artifactCollectionNames").unwrap_or_default();
    let name = input.text("artifactCollectionName").map(str::to_owned);
    let name = name.or_else(|| names.into_iter().next()).unwrap_or_default();
    if let Some(region) = input.text("storageRegion").filter(|region| *region != REGION) {
        return Err(Fault::wrong(format!("Besom has no storage region `{region}`")));
    }
    let new = New {
        run: run_of(input),
        name: name.clone(),
        kind: text("artifactTypeName"),
        digest: text("digest"),
        metadata: text("metadata"),
        aliases: words(input, "aliases", "alias"),
        description: text("description"),
        tags: words(input, "tags", "tagName"),
        step: input.json("historyStep").and_then(Json::as_i64),
        client: input.text("clientID").map(str::to_owned),
        shared: input.text("distributedID").filter(|id| !id.is_empty()).map(str::to_owned),
    };
    let (app, caller) = (session.app(), &session.caller);
    let (key, project) = announced::create(app, caller, new).await?;
    if let Some(known) = announced::version(app, caller, key).await? {
        return Ok(payload(CREATED, Made::Version(Box::new(known))));
    }
    let name = Name { project, name, portfolio: false };
    Ok(payload(CREATED, Made::Pending(Pending { key, name })))
}

/// Returns the address to which the client sends its manifest.
pub(super) async fn create_manifest(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let [full, incremental, patch] = KINDS;
    let kind = input.text("type").unwrap_or(full);
    if !KINDS.contains(&kind) {
        return Err(Fault::wrong(format!("Besom knows no kind `{kind}` of manifests")));
    }
    let key = announced_key(input)?;
    announced::adopt(session.app(), &session.caller, key, run_of(input)).await?;
    if kind == incremental {
        announced::add_only(session.app(), &session.caller, key).await?;
    }
    if kind == patch {
        announced::check_shared(session.app(), &session.caller, key).await?;
    }
    manifest_of(session, input, key).await
}

/// Returns the address to which the client sends a manifest that adds to the newest version.
pub(super) async fn update_manifest(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let id = input.text("artifactManifestID").unwrap_or_default();
    let key = names::manifest(id);
    let key = key.ok_or_else(|| Fault::wrong(format!("`{id}` is no id of a manifest")))?;
    manifest_of(session, input, key).await
}

async fn manifest_of(session: &Session, input: &Asked<'_>, key: i64) -> Result<Answer, Fault> {
    let of = announced::making(session.app(), &session.caller, key).await?;
    let id = names::of_manifest(key);
    let mut file = json!({ "id": id, "uploadUrl": null, "uploadHeaders": [] });
    // The client asks twice: before it sends the files, and again when it has its manifest.
    if let Some(md5) = input.text("digest").filter(|md5| !md5.is_empty()) {
        let opens = Opens::SendManifest { of, key, md5: manifest::from_base64(md5)? };
        let ticket = Ticket::new(session.app(), opens);
        file["uploadUrl"] = storage::address(&session.base, &ticket).into();
    }
    Ok(json!({ "artifactManifest": { "id": id, "file": file } }).into())
}

/// Returns the addresses to which the client sends the contents that the project lacks.
pub(super) async fn create_files(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let files = input.objects("artifactFiles");
    let Some(first) = files.first() else {
        return Ok(json!({ "files": connection(Vec::new()) }).into());
    };
    let (app, caller) = (session.app(), &session.caller);
    let key = announced_key(first)?;
    let md5s = files.iter().map(|file| manifest::from_base64(file.text("md5").unwrap_or_default()));
    let md5s: Vec<String> = md5s.collect::<Result<_, _>>()?;
    let of = announced::making(app, caller, key).await?;
    let has = announced::has(app, caller, key, md5s.clone()).await?;
    let id = names::of_announced(key);
    let file = |((file, md5), has): ((&Asked<'_>, String), bool)| {
        let name = file.text("name").unwrap_or_default();
        let opens = Opens::SendContent { of: of.clone(), md5 };
        let address = || storage::address(&session.base, &Ticket::new(app, opens));
        json!({
            "__typename": "File",
            "id": names::id("File", &[name]),
            "name": name,
            "displayName": name,
            "storagePath": name,
            "uploadUrl": (!has).then(address),
            "uploadHeaders": [],
            "uploadMultipartUrls": null,
            "artifact": { "id": id },
        })
    };
    let files = files.iter().zip(md5s).zip(has).map(file).collect();
    Ok(json!({ "files": connection(files) }).into())
}

/// Makes the announced version.
pub(super) async fn commit(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let (app, caller) = (session.app(), &session.caller);
    let key = announced_key(input)?;
    if let Some(made) = announced::version(app, caller, key).await? {
        return Ok(done(made));
    }
    let parts = commit::manifests(app, caller, key).await?;
    // A manifest may have megabytes of JSON, which would keep other calls waiting.
    let read = move || {
        let said = parts.iter().map(|part| manifest::read(&part.bytes));
        let said: Result<Vec<Vec<Said>>, Fault> = said.collect();
        said.map(|said| (parts, said.concat()))
    };
    let read = app.threads().run(read).await;
    let (parts, said) =
        read.map_err(|error| Fault::torn(format!("the manifest was not read: {error}")))??;
    Ok(done(commit::commit(app, caller, key, parts, said).await?))
}

/// Notes that a run uses a version.
pub(super) async fn use_one(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let (app, caller) = (session.app(), &session.caller);
    let of = signed::attempt(app, caller, run_of(input)).await?;
    let wanted = Wanted::of(key(input)?);
    Ok(done(artifacts::use_one(app, caller, of, wanted).await?))
}

/// Gives aliases to a version, or takes them away.
pub(super) async fn alias(
    session: &Session,
    input: &Asked<'_>,
    add: bool,
) -> Result<Answer, Fault> {
    let mut aliases = words(input, "aliases", "alias");
    // This alias moves by itself.
    aliases.retain(|alias| alias != LATEST);
    let (add, remove) = if add { (aliases, Vec::new()) } else { (Vec::new(), aliases) };
    let (app, caller, wanted) = (session.app(), &session.caller, Wanted::of(key(input)?));
    Ok(done(match collection(input) {
        Some(named) => links::alias(app, caller, wanted, named, add, remove).await?,
        None => labels::alias(app, caller, wanted, add, remove).await?,
    }))
}

/// Returns the project and the name of the artifact or the portfolio in which a version gets or
/// loses aliases. The client names the same one with each alias.
fn collection(input: &Asked<'_>) -> Option<(String, String)> {
    let objects = input.objects("aliases");
    let first = objects.first()?;
    let name = first.text("artifactCollectionName")?.to_owned();
    Some((names::project(first.text("entityName"), first.text("projectName")), name))
}

/// Changes what is said about a version.
pub(super) async fn update(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let edit = Edit {
        description: input.text("description").map(str::to_owned),
        metadata: input.text("metadata").map(str::to_owned),
        add_tags: words(input, "tagsToAdd", "tagName"),
        remove_tags: words(input, "tagsToDelete", "tagName"),
    };
    let wanted = Wanted::of(key(input)?);
    Ok(done(labels::edit(session.app(), &session.caller, wanted, edit).await?))
}

/// Removes a version.
pub(super) async fn delete(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let (app, caller) = (session.app(), &session.caller);
    let wanted = Wanted::of(key(input)?);
    let view = artifacts::get(app, caller, wanted.clone()).await?;
    let named = view.aliases.iter().any(|alias| alias != LATEST);
    let delete_named = input.json("deleteAliases").and_then(Json::as_bool).unwrap_or(false);
    if named && !delete_named {
        let message = format!(
            "the version has the aliases {}: delete it with `delete_aliases=True`",
            view.aliases.join(", ")
        );
        return Err(Fault::wrong(message));
    }
    Ok(done(artifacts::remove(app, caller, wanted).await?))
}

/// Returns the id that Besom has for an id of the client's own.
pub(super) async fn client_id(session: &Session, asked: &Asked<'_>) -> Result<Answer, Fault> {
    let client = asked.text("clientID").unwrap_or_default().to_owned();
    let key = announced::of_client(session.app(), &session.caller, client).await?;
    Ok(match key {
        Some(key) => json!({ "serverID": names::of_announced(key) }).into(),
        None => Answer::null(),
    })
}

/// Returns the version with this id; null if there is none.
pub(super) async fn by_id(session: &Session, asked: &Asked<'_>) -> Result<Answer, Fault> {
    let Some(key) = asked.text("id").and_then(names::artifact) else { return Ok(Answer::null()) };
    let (app, caller) = (session.app(), &session.caller);
    // A key that opens nothing but logging opens the versions that it has made.
    if let Key::Announced(key) = key
        && let Ok(Some(made)) = announced::version(app, caller, key).await
    {
        return Ok(Answer::Link(Link::Artifact(Box::new(made))));
    }
    match artifacts::get(app, caller, Wanted::of(key)).await {
        Err(Error::Missing(_)) => Ok(Answer::null()),
        found => Ok(Answer::Link(Link::Artifact(Box::new(found?)))),
    }
}

/// Links a version into a portfolio.
pub(super) async fn link(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let (app, caller) = (session.app(), &session.caller);
    let key = match input.text("clientID") {
        Some(client) => announced::of_client(app, caller, client.to_owned()).await?,
        None => None,
    };
    let key = key.map_or_else(|| self::key(input), |key| Ok(Key::Announced(key)))?;
    let target = Target {
        project: names::project(input.text("entityName"), input.text("projectName")),
        name: input.text("artifactPortfolioName").unwrap_or_default().to_owned(),
        aliases: words(input, "aliases", "alias"),
    };
    let member = Member::linked(links::link(app, caller, Wanted::of(key), target).await?);
    Ok(Answer::Object(Box::new(Linking(member))))
}

/// The answer to a link.
struct Linking(Member);

#[async_trait]
impl Object for Linking {
    fn kind(&self) -> &'static str {
        "LinkArtifactPayload"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "versionIndex" => self.0.number.into(),
            "artifactMembership" => Answer::Link(Link::Membership(Box::new(self.0.clone()))),
            _ => return Ok(None),
        }))
    }
}

/// Removes a version from a portfolio.
pub(super) async fn unlink(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let id = input.text("artifactPortfolioID").unwrap_or_default();
    let Some(Name { project, name, portfolio: true }) = names::collection(id) else {
        return Err(Fault::wrong(format!("`{id}` is no id of a portfolio")));
    };
    let wanted = Wanted::of(key(input)?);
    links::unlink(session.app(), &session.caller, wanted, project, name).await?;
    Ok(json!({ "success": true }).into())
}

/// Returns the texts under a key of the objects in a list.
fn words(input: &Asked<'_>, list: &str, word: &str) -> Vec<String> {
    let objects = input.objects(list);
    objects.iter().filter_map(|object| object.text(word).map(str::to_owned)).collect()
}
