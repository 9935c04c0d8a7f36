//! Walks an operation over objects. The depth of an operation and the number of its fields are
//! bounded, so that a small document cannot ask for an endless answer.

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_graphql_parser::types::{Field, OperationType, Selection, SelectionSet};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};
use tonic::async_trait;

use super::document::{Asked, Document};
use crate::api::wandb::{error::Fault, link::Link, session::Session};

/// The most levels of an operation.
const MOST_LEVELS: usize = 24;
/// The most fields of an answer.
const MOST_FIELDS: usize = 500_000;

/// The key of a known object that names its kind.
const TYPE: &str = "__typename";
/// The kind of a known object that does not name its kind. It has the fields of every type.
const ANY: &str = "Object";

/// A value that is being found.
type Walking<'a> = Pin<Box<dyn Future<Output = Result<Json, Fault>> + Send + 'a>>;

/// The value of a field.
pub(in crate::api::wandb) enum Answer {
    /// A value without fields of its own, or an object all of whose fields are known. The key
    /// `__typename` of such an object names its kind.
    Json(Json),
    /// An object whose fields are found when they are asked for.
    Object(Box<dyn Object>),
    /// Another object of the graph.
    Link(Link),
    /// Several values.
    List(Vec<Answer>),
}

impl Answer {
    /// Makes the answer that there is nothing.
    pub(in crate::api::wandb) fn null() -> Self {
        Self::Json(Json::Null)
    }
}

impl<T: Into<Json>> From<T> for Answer {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}

/// An object of the graph.
#[async_trait]
pub(in crate::api::wandb) trait Object: Send + Sync {
    /// Returns the name of its type.
    fn kind(&self) -> &'static str;

    /// Returns the value of a field; `None` if Besom does not serve the field.
    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault>;
}

/// All objects.
pub(in crate::api::wandb) trait Graph: Sync {
    /// Returns the object at which every query begins.
    fn query(&self) -> &dyn Object;

    /// Returns the object at which every mutation begins.
    fn mutation(&self) -> &dyn Object;

    /// Returns the object of a link.
    fn open(&self, link: Link) -> Box<dyn Object>;
}

/// Carries out the operation of a document over the objects of a graph.
///
/// # Errors
/// Fails with the first error of a field. An operation whose first field is not served fails too,
/// because the client would take null for a success.
pub(in crate::api::wandb) async fn run(
    graph: &dyn Graph,
    session: &Session,
    document: &Document,
) -> Result<Json, Fault> {
    let walk = Walk { graph, session, document, left: AtomicUsize::new(MOST_FIELDS) };
    let sets = vec![&document.operation.selection_set.node];
    let root = match document.operation.ty {
        OperationType::Mutation => graph.mutation(),
        _ => graph.query(),
    };
    walk.object(root, sets, 0).await
}

struct Walk<'a> {
    graph: &'a dyn Graph,
    session: &'a Session,
    document: &'a Document,
    /// The number of fields that the answer may still have.
    left: AtomicUsize,
}

/// The fields of one object in the answer, by the name that the caller wants for each. The same
/// field may be asked for in several places, which share one value.
type Fields<'a> = IndexMap<&'a str, Vec<&'a Field>>;

impl<'a> Walk<'a> {
    fn fields(
        &self,
        kind: &str,
        set: &'a SelectionSet,
        level: usize,
        fields: &mut Fields<'a>,
    ) -> Result<(), Fault> {
        if level > MOST_LEVELS {
            return Err(Fault::wrong(format!("the document has more than {MOST_LEVELS} levels")));
        }
        for selection in &set.items {
            let directives = selection.node.directives().iter().map(|directive| &directive.node);
            if self.document.is_left_out(directives) {
                continue;
            }
            let (on, set) = match &selection.node {
                Selection::Field(field) => {
                    fields
                        .entry(field.node.response_key().node.as_str())
                        .or_default()
                        .push(&field.node);
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    (inline.type_condition.as_ref().map(|on| &on.node), &inline.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.document.fragments.get(name).ok_or_else(|| {
                        Fault::wrong(format!("the document has no fragment `{name}`"))
                    })?;
                    (Some(&fragment.type_condition.node), &fragment.selection_set.node)
                }
            };
            if on.is_none_or(|on| is_a(kind, on.on.node.as_str())) {
                self.fields(kind, set, level + 1, fields)?;
            }
        }
        Ok(())
    }

    fn chosen(
        &self,
        kind: &str,
        sets: Vec<&'a SelectionSet>,
        level: usize,
    ) -> Result<Fields<'a>, Fault> {
        let mut fields = Fields::new();
        for set in sets {
            self.fields(kind, set, level, &mut fields)?;
        }
        let count = fields.len();
        let take = |left: usize| left.checked_sub(count);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .map_err(|_| Fault::wrong(format!("the answer has more than {MOST_FIELDS} fields")))?;
        Ok(fields)
    }

    /// Returns an object with the chosen fields.
    fn object<'b>(
        &'b self,
        object: &'b dyn Object,
        sets: Vec<&'a SelectionSet>,
        level: usize,
    ) -> Walking<'b> {
        Box::pin(async move {
            let mut chosen = Map::new();
            for (key, fields) in self.chosen(object.kind(), sets, level)? {
                let asked = self.document.asked(fields[0]);
                let value = match (asked.name, object.field(self.session, &asked).await?) {
                    ("__typename", _) => Json::from(object.kind()),
                    (_, Some(answer)) => self.complete(answer, &fields, level + 1).await?,
                    (name, None) if level == 0 => {
                        self.session.door.unserved.note(object.kind(), name);
                        return Err(Fault::wrong(format!("Besom does not serve `{name}`")));
                    }
                    (name, None) => {
                        self.session.door.unserved.note(object.kind(), name);
                        Json::Null
                    }
                };
                chosen.insert(key.to_owned(), value);
            }
            Ok(Json::Object(chosen))
        })
    }

    /// Returns a value with the fields that are chosen for it.
    fn complete<'b>(
        &'b self,
        answer: Answer,
        fields: &'b [&'a Field],
        level: usize,
    ) -> Walking<'b> {
        Box::pin(async move {
            match answer {
                Answer::Json(json) => self.known(json, fields, level),
                Answer::Object(object) => {
                    let sets = fields.iter().map(|field| &field.selection_set.node).collect();
                    self.object(&*object, sets, level).await
                }
                Answer::List(items) => {
                    let mut list = Vec::with_capacity(items.len());
                    for item in items {
                        list.push(self.complete(item, fields, level).await?);
                    }
                    Ok(Json::Array(list))
                }
                Answer::Link(link) => {
                    let opened = Answer::Object(self.graph.open(link));
                    self.complete(opened, fields, level).await
                }
            }
        })
    }

    /// Returns a known value with the fields that are chosen for it. If none are chosen, the whole
    /// value is meant.
    fn known(&self, json: Json, fields: &[&'a Field], level: usize) -> Result<Json, Fault> {
        if fields.iter().all(|field| field.selection_set.node.items.is_empty()) {
            return Ok(json);
        }
        match json {
            Json::Array(items) => {
                items.into_iter().map(|item| self.known(item, fields, level)).collect()
            }
            Json::Object(object) => {
                let kind = object.get(TYPE).and_then(Json::as_str).unwrap_or(ANY).to_owned();
                let sets = fields.iter().map(|field| &field.selection_set.node).collect();
                let mut chosen = Map::new();
                for (key, fields) in self.chosen(&kind, sets, level)? {
                    let name = fields[0].name.node.as_str();
                    // The same value may be asked for under several names.
                    let value = object.get(name).cloned();
                    if value.is_none() {
                        self.session.door.unserved.note(&kind, name);
                    }
                    let value = value.unwrap_or(Json::Null);
                    chosen.insert(key.to_owned(), self.known(value, &fields, level + 1)?);
                }
                Ok(Json::Object(chosen))
            }
            scalar => Ok(scalar),
        }
    }
}

/// Returns whether an object of this kind has the type `name`, which may be an interface.
fn is_a(kind: &str, name: &str) -> bool {
    let is_list = ["Connection", "Edge"].iter().any(|list| kind == *list && name.ends_with(list));
    kind == name
        || kind == ANY
        || is_list
        || matches!(
            (name, kind),
            ("ArtifactCollection", "ArtifactSequence" | "ArtifactPortfolio") | ("Node", _)
        )
}
