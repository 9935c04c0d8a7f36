//! Reads a request: a document of GraphQL, the operation that is meant, and its variables.

use std::collections::HashMap;

use async_graphql_parser::{
    parse_query,
    types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition,
        OperationDefinition, OperationType,
    },
};
use async_graphql_value::{ConstValue, Name, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::api::wandb::error::Fault;

/// The most bytes of a document, without its variables.
const MOST_BYTES: usize = 256 << 10;

/// A request, as the client sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    query: String,
    operation_name: Option<String>,
    variables: Option<Map<String, Json>>,
}

/// The operation of a request.
pub(in crate::api::wandb) struct Document {
    /// The operation.
    pub(super) operation: OperationDefinition,
    /// The fragments, by name.
    pub(super) fragments: HashMap<Name, FragmentDefinition>,
    variables: Map<String, Json>,
}

/// Reads a request.
///
/// # Errors
/// Fails if the body is no request of GraphQL, or names no operation of its document.
pub(in crate::api::wandb) fn read(body: &[u8]) -> Result<Document, Fault> {
    let sent: Sent = serde_json::from_slice(body)
        .map_err(|error| Fault::wrong(format!("this is no request of GraphQL: {error}")))?;
    if sent.query.len() > MOST_BYTES {
        return Err(Fault::wrong(format!("the document has more than {MOST_BYTES} bytes")));
    }
    let parsed = parse_query(&sent.query)
        .map_err(|error| Fault::wrong(format!("this is no document of GraphQL: {error}")))?;
    let ExecutableDocument { operations, fragments } = parsed;
    // Some versions of the client send an empty name.
    let name = sent.operation_name.as_deref().filter(|name| !name.is_empty());
    let operation = match operations {
        DocumentOperations::Single(only) => Some(only),
        DocumentOperations::Multiple(mut several) => match name {
            Some(name) => several.remove(name),
            None if several.len() == 1 => several.drain().next().map(|(_, only)| only),
            None => None,
        },
    };
    let operation = operation.ok_or_else(|| {
        let name = name.unwrap_or_default();
        Fault::wrong(format!("the document has no operation `{name}`, or has several"))
    })?;
    let operation = operation.node;
    if operation.ty == OperationType::Subscription {
        return Err(Fault::wrong("Besom serves no subscriptions"));
    }
    let mut variables = sent.variables.unwrap_or_default();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        if let Some(default) = &definition.default_value {
            let name = definition.name.node.as_str();
            if !variables.contains_key(name) {
                variables.insert(name.to_owned(), plain(default.node.clone()));
            }
        }
    }
    let fragments = fragments.into_iter().map(|(name, fragment)| (name, fragment.node)).collect();
    Ok(Document { operation, fragments, variables })
}

/// A field that is asked for, with its arguments.
#[derive(Debug)]
pub(in crate::api::wandb) struct Asked<'a> {
    /// The name of the field.
    pub(in crate::api::wandb) name: &'a str,
    arguments: Map<String, Json>,
}

impl Document {
    /// Reads a field's arguments.
    pub(super) fn asked<'a>(&self, field: &'a Field) -> Asked<'a> {
        let value = |value: &Value| self.value(value);
        let arguments =
            field.arguments.iter().map(|(name, it)| (name.node.to_string(), value(&it.node)));
        Asked { name: field.name.node.as_str(), arguments: arguments.collect() }
    }

    /// Returns whether the directives of a selection leave it out.
    pub(super) fn is_left_out<'a>(
        &self,
        mut directives: impl Iterator<Item = &'a Directive>,
    ) -> bool {
        directives.any(|directive| {
            let condition = directive.arguments.first().map(|(_, value)| self.value(&value.node));
            let holds = condition.and_then(|condition| condition.as_bool()).unwrap_or(false);
            match directive.name.node.as_str() {
                "include" => !holds,
                "skip" => holds,
                _ => false,
            }
        })
    }

    fn value(&self, value: &Value) -> Json {
        let variable = |name: Name| {
            let known = self.variables.get(name.as_str()).cloned().unwrap_or(Json::Null);
            Ok::<_, ()>(ConstValue::from_json(known).unwrap_or(ConstValue::Null))
        };
        value.clone().into_const_with(variable).map_or(Json::Null, plain)
    }
}

fn plain(value: ConstValue) -> Json {
    value.into_json().unwrap_or(Json::Null)
}

impl Asked<'_> {
    /// Returns the arguments of a mutation, which the client sends in one object.
    pub(in crate::api::wandb) fn input(&self) -> Asked<'_> {
        let input = self.arguments.get("input").and_then(Json::as_object).cloned();
        Asked { name: self.name, arguments: input.unwrap_or_default() }
    }

    /// Returns an argument; `None` if it is missing or null.
    pub(in crate::api::wandb) fn json(&self, name: &str) -> Option<&Json> {
        self.arguments.get(name).filter(|json| !json.is_null())
    }

    /// Returns an argument that is a text; `None` if it is missing.
    pub(in crate::api::wandb) fn text(&self, name: &str) -> Option<&str> {
        self.json(name).and_then(Json::as_str)
    }

    /// Returns an argument that is a number; `None` if it is missing or negative.
    pub(in crate::api::wandb) fn number(&self, name: &str) -> Option<u64> {
        self.json(name).and_then(Json::as_u64)
    }

    /// Returns an argument that is a list of texts. A single text counts as a list of one, as
    /// GraphQL says.
    pub(in crate::api::wandb) fn texts(&self, name: &str) -> Option<Vec<String>> {
        Some(match self.json(name)? {
            Json::Array(items) => {
                items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
            }
            Json::String(only) => vec![only.clone()],
            _ => return None,
        })
    }

    /// Returns an argument that is a list of objects, each with its fields as arguments.
    pub(in crate::api::wandb) fn objects(&self, name: &str) -> Vec<Asked<'_>> {
        let items = self.json(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let object = |item: &Json| {
            let arguments = item.as_object().cloned().unwrap_or_default();
            Asked { name: self.name, arguments }
        };
        items.iter().map(object).collect()
    }

    /// Returns an argument that is a text of JSON.
    ///
    /// # Errors
    /// Fails if the text is not JSON, as Python writes it.
    pub(in crate::api::wandb) fn json_text(&self, name: &str) -> Result<Option<Json>, Fault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let parsed = record::python::parse(text)
            .ok_or_else(|| Fault::wrong(format!("the argument `{name}` is not JSON")))?;
        Ok(Some(parsed.into_json()))
    }
}
