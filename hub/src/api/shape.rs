//! Pure. What an operation takes, by its schema: so that a text of an address becomes the number or the flag that is wanted, and what
//! nobody asked for is refused instead of passed over.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Schemas by name, as a document has them.
pub type Schemas = BTreeMap<String, Value>;

/// One thing that is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub schema: Value,
    pub required: bool,
    /// It may be a list. A reader of records takes a list of a record's fields too, which is nothing that the document says.
    pub list: bool,
}

/// All that an operation asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    pub fields: Vec<Field>,
    /// What it does, as its own comment says.
    pub about: Option<String>,
}

/// Where schemas that are named lie.
pub const SCHEMAS: &str = "#/components/schemas/";

impl Shape {
    pub fn of<T: ToSchema>() -> Self {
        let (schema, schemas) = schema::<T>();
        let mut shape = Self {
            about: text(&schema, "description"),
            ..Self::default()
        };
        shape.add(&schema, &schemas);
        shape
    }

    /// An object's fields, and those of the objects that are part of it.
    fn add(&mut self, schema: &Value, schemas: &Schemas) {
        let schema = named(schema, schemas);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.add(part, schemas);
        }
        let required = schema["required"].as_array();
        let required = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
        for (name, value) in schema["properties"].as_object().into_iter().flatten() {
            let mut schema = value.clone();
            bounded(&mut schema);
            self.fields.push(Field {
                name: name.clone(),
                schema,
                required: required(name),
                list: may_be_list(value, schemas),
            });
        }
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// A text of an address as what is wanted there. One that is nothing of the kind stays what it is, and is refused by whoever reads it.
    pub fn value(&self, name: &str, text: String) -> Value {
        let wanted = self.field(name).map_or(&Value::Null, |f| &f.schema["type"]);
        let is = |kind: &str| match wanted {
            Value::Array(kinds) => kinds.iter().any(|k| k == kind),
            one => one == kind,
        };
        let read = match () {
            () if is("integer") => text.parse::<u64>().ok().map(Value::from),
            () if is("boolean") => text.parse::<bool>().ok().map(Value::from),
            () => None,
        };
        read.unwrap_or(Value::String(text))
    }

    /// The first that is beyond its bounds, and the greatest number that is not.
    pub fn beyond(&self, asked: &Map<String, Value>) -> Option<(&str, u64)> {
        self.fields.iter().find_map(|field| {
            let most = field.schema["maximum"].as_u64()?;
            let n = asked.get(&field.name).filter(|n| n.is_number())?;
            let beyond = n.as_u64().is_none_or(|n| n > most);
            beyond.then_some((field.name.as_str(), most))
        })
    }

    /// The first that is a list where none is wanted.
    pub fn no_list(&self, asked: &Map<String, Value>) -> Option<&str> {
        let listed = |field: &&Field| asked.get(&field.name).is_some_and(Value::is_array);
        let wrong = self.fields.iter().filter(listed).find(|field| !field.list);
        wrong.map(|field| field.name.as_str())
    }

    /// The object that a request's body is. `named`: what the path says.
    pub fn body(&self, named: &[&str]) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in self.fields.iter().filter(|f| !named.contains(&&*f.name)) {
            properties.insert(field.name.clone(), field.schema.clone());
            if field.required {
                required.push(json!(field.name));
            }
        }
        let mut body =
            json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            body["required"] = required.into();
        }
        body
    }
}

/// The greatest whole number that every reader of JSON reads as what it is. The hub's records hold all of these.
const MOST: u64 = (1 << 53) - 1;

/// A whole number has an end, which is the one that its format says where nothing else does.
fn bounded(schema: &mut Value) {
    let most = match schema["format"].as_str() {
        Some("int32") => i32::MAX as u64,
        Some("int64") => MOST,
        _ => return,
    };
    if schema.get("maximum").is_none() {
        schema["maximum"] = most.into();
    }
}

/// Whether a list is among what a schema takes. One that says no type takes all.
fn may_be_list(schema: &Value, schemas: &Schemas) -> bool {
    let schema = named(schema, schemas);
    let mut parts = ["oneOf", "anyOf", "allOf"]
        .iter()
        .filter_map(|of| schema[of].as_array())
        .flatten()
        .peekable();
    match &schema["type"] {
        Value::String(kind) => kind == "array",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "array"),
        _ if parts.peek().is_some() => parts.any(|part| may_be_list(part, schemas)),
        _ => schema.get("enum").is_none(),
    }
}

/// A type's schema, and those that it names.
pub fn schema<T: ToSchema>() -> (Value, Schemas) {
    let json = |schema| serde_json::to_value(schema).unwrap_or_default();
    let mut all = Vec::new();
    T::schemas(&mut all);
    let all = all.into_iter().map(|(name, schema)| (name, json(schema)));
    (json(T::schema()), all.collect())
}

/// The schema itself, where it is a name.
fn named<'a>(schema: &'a Value, schemas: &'a Schemas) -> &'a Value {
    let name = schema["$ref"].as_str();
    let name = name.and_then(|name| name.strip_prefix(SCHEMAS));
    name.and_then(|name| schemas.get(name)).unwrap_or(schema)
}

pub fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}
