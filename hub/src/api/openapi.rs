//! Pure. The API as an OpenAPI 3.1 document, made from the table of operations and from the schemas of what each takes and gives.
//! `docs/openapi.json` is this document, and a test compares them.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    BASE,
    http::{self, Problem},
    shape::{SCHEMAS, Schemas, Shape, schema, text},
};
use crate::{
    model::{
        operation::{Method, Row, Second},
        role,
    },
    ops::{
        self, Visitor,
        operation::{Filmed, Followed, Operation},
    },
    reason::class::Class,
};

/// Where the document is, below [`BASE`].
pub const PATH: &str = "/openapi.json";

/// The document.
pub fn document() -> Value {
    made().0
}

/// The document, and the names under which two different schemas were found.
fn made() -> (Value, Vec<String>) {
    let mut all = Document::default();
    all.named::<Problem>("Problem");
    ops::visit(&mut all);
    let classes = Class::ALL.map(|class| (class.code(), class.what()));
    let of_the_door = OF_THE_DOOR.map(|(_, name, what)| (name, what));
    let responses: Map<String, Value> = classes
        .into_iter()
        .chain(of_the_door)
        .map(|(name, what)| (name.to_owned(), refusal(what)))
        .collect();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Beadle hub",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
            "description": "Every operation of a hub. Served on HTTPS to whoever has signed in or has a token, and on the hub machine at \
                `run/hub.sock`, where root is the console, or the person whose name and password are given. Who may do what: docs/roles.md.",
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}, {"session": []}],
        "paths": all.paths,
        "components": {
            "schemas": all.schemas,
            "responses": responses,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A program's token: `beadle-hub token add`."},
                "session": {"type": "apiKey", "in": "cookie", "name": super::COOKIE, "description": "Of a browser that has signed in."},
            },
        },
    });
    (document, all.twice)
}

/// What a request can end in before it is one of an operation: status, name, what it means.
const OF_THE_DOOR: [(u16, &str, &str); 2] = [
    (
        408,
        "too-slow",
        "What was sent took too long to arrive. Nothing was done.",
    ),
    (
        413,
        "too-large",
        "What was sent is larger than anything that is taken. Nothing was done.",
    ),
];

/// What a problem is answered with.
fn refusal(what: &str) -> Value {
    json!({
        "description": what,
        "content": {http::PROBLEM: {"schema": {"$ref": format!("{SCHEMAS}Problem")}}},
    })
}

#[derive(Default)]
struct Document {
    paths: Map<String, Value>,
    schemas: Schemas,
    /// Names of schemas that mean two things.
    twice: Vec<String>,
}

impl Document {
    fn keep(&mut self, schemas: Schemas) {
        for (name, mut schema) in schemas {
            plain(&mut schema);
            match self.schemas.get(&name) {
                Some(known) if *known != schema => self.twice.push(name),
                _ => {
                    self.schemas.insert(name, schema);
                }
            }
        }
    }

    fn named<T: ToSchema>(&mut self, name: &str) {
        let (own, others) = schema::<T>();
        self.keep(others);
        self.keep([(name.to_owned(), own)].into());
    }

    fn add<T: ToSchema>(&mut self, row: &Row, done: Value) {
        let (_, others) = schema::<T>();
        self.keep(others);
        let mut shape = Shape::of::<T>();
        for field in &mut shape.fields {
            plain(&mut field.schema);
        }
        let named = parameters(row.path);
        let mut operation = json!({
            "operationId": row.name,
            "tags": [row.name.split('.').next().unwrap_or_default()],
            "summary": row.what,
            "description": told(row, shape.about.as_deref()),
            "responses": answers(done),
        });
        let mut asked = Vec::new();
        for field in &shape.fields {
            let in_path = named.contains(&&*field.name);
            if in_path || row.method == Method::Get {
                asked.push(parameter(field, in_path));
            }
        }
        if !asked.is_empty() {
            operation["parameters"] = asked.into();
        }
        if row.method == Method::Post {
            let body = shape.body(&named);
            operation["requestBody"] = json!({
                "required": true,
                "content": {"application/json": {"schema": body}},
            });
        }
        let path = self.paths.entry(row.path).or_insert_with(|| json!({}));
        path[row.method.word().to_ascii_lowercase()] = operation;
    }
}

/// The name of a type, or of what it is a list of.
fn inner(name: &str) -> &str {
    let name = name.trim_end_matches('>');
    let name = name.rsplit('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

/// A schema as it is written for those who do not read Rust. What may be missing from the midst of an object is said to be any object.
fn plain(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(plain),
        Value::Object(fields) => {
            for part in fields
                .get_mut("allOf")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let Some(either) = part.get_mut("oneOf").and_then(Value::as_array_mut) else {
                    continue;
                };
                for one in either.iter_mut().filter(|one| one["type"] == "null") {
                    *one = json!({"type": "object"});
                }
                let either = std::mem::take(either);
                *part = json!({"anyOf": either});
            }
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if name == "description" => {
                        *text = text.replace("None", "null").replace('\n', " ");
                    }
                    other => plain(other),
                }
            }
        }
        _ => {}
    }
}

/// What an address says of an operation.
fn parameter(field: &super::shape::Field, in_path: bool) -> Value {
    let mut schema = field.schema.clone();
    let mut parameter = json!({
        "name": field.name,
        "in": if in_path { "path" } else { "query" },
        "required": in_path || field.required,
    });
    if let Some(what) = text(&schema, "description") {
        parameter["description"] = what.into();
    }
    // Left out is how an address says null.
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [one] = kinds.as_slice() {
            schema["type"] = one.clone();
        }
    }
    let either = schema["oneOf"].as_array().into_iter().flatten();
    if let Some(one) = either.clone().find(|one| one["type"] != "null") {
        schema = one.clone();
    }
    parameter["schema"] = schema;
    parameter
}

/// The names in a path.
pub fn parameters(path: &str) -> Vec<&str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

/// The answer of somebody who may, and those of every class of problem.
fn answers(done: Value) -> Value {
    let mut answers = json!({"200": done});
    for class in Class::ALL {
        let status = class.status().to_string();
        answers[status] = json!({"$ref": format!("#/components/responses/{}", class.code())});
    }
    for (status, name, _) in OF_THE_DOOR {
        answers[status.to_string()] = json!({"$ref": format!("#/components/responses/{name}")});
    }
    answers
}

/// Who may, and what has to be known besides.
fn told(row: &Row, about: Option<&str>) -> String {
    let mut told: Vec<String> = about.map(str::to_owned).into_iter().collect();
    let all = row.roles.len() == role::Role::ALL.len();
    told.push(match (row.roles.is_empty(), all) {
        (true, _) => "Nobody with an account may.".into(),
        (_, true) => "Every role may.".into(),
        _ => format!("Roles that may: {}.", role::list(row.roles)),
    });
    if row.console {
        told.push("Root at the hub machine may without naming a person.".into());
    }
    if row.purpose {
        told.push("A purpose and a reference have to be given.".into());
    }
    match row.second {
        Second::No => {}
        Second::Asks => told.push("It may only ask: another person has to approve it.".into()),
        Second::Approves => told.push("It is the second person's word.".into()),
        Second::Both => told.push("Two people say it at once.".into()),
    }
    if !row.lines.is_empty() {
        let lines: Vec<String> = row.lines.iter().map(|l| format!("`{l}`")).collect();
        told.push(format!(
            "On the hub's log before it is done: {}.",
            lines.join(", ")
        ));
    }
    told.join(" ")
}

impl Visitor for Document {
    fn asked<O: Operation>(&mut self) {
        let (mut reply, others) = schema::<O::Reply>();
        self.keep(others);
        plain(&mut reply);
        // What lists are of, and what has more than one thing in it, has a name of its own.
        let list = reply["type"] == "array";
        let named = match list {
            true => &mut reply["items"],
            false => &mut reply,
        };
        if named["properties"].is_object() || named["allOf"].is_array() {
            let name = match list {
                true => inner(std::any::type_name::<O::Reply>()).to_owned(),
                false => O::Reply::name().into_owned(),
            };
            let schema = std::mem::replace(named, json!({"$ref": format!("{SCHEMAS}{name}")}));
            self.keep([(name, schema)].into());
        }
        let done =
            json!({"description": "Done.", "content": {"application/json": {"schema": reply}}});
        self.add::<O>(O::ROW, done);
    }

    fn filmed<O: Filmed>(&mut self) {
        let what = "A film as it arrives, not yet verified (header `beadle-verified: no`); it breaks off when what comes is not what it has to be.";
        let film = json!({"type": "string", "contentMediaType": "video/mp4"});
        let done = json!({"description": what, "content": {"video/mp4": {"schema": film}}});
        self.add::<O>(O::ROW, done);
    }

    fn followed<O: Followed>(&mut self) {
        let name = O::News::name();
        self.named::<O::News>(&name);
        let data = json!({
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"oneOf": [{"$ref": format!("{SCHEMAS}{name}")}, {"$ref": format!("{SCHEMAS}Problem")}]},
        });
        let event = json!({
            "type": "object",
            "description": "One event of the stream.",
            "properties": {"event": {"enum": ["news", "problem"]}, "data": data},
            "required": ["event", "data"],
        });
        let what = format!(
            "Server-sent events until it is over: `news`, whose data is a {name} as JSON, or `problem`, whose data is a Problem."
        );
        let done =
            json!({"description": what, "content": {"text/event-stream": {"schema": event}}});
        self.add::<O>(O::ROW, done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::table;

    /// Every schema that is named in the document is in it, and says one thing.
    #[test]
    fn names_are_known() {
        let (document, twice) = made();
        assert!(twice.is_empty(), "schemas of one name: {twice:?}");
        let text = document.to_string();
        for rust in ["[`", "::", "None"] {
            assert!(
                !text.contains(rust),
                "{rust} means nothing to whoever reads it"
            );
        }
        for named in text.split("\"$ref\":\"#").skip(1) {
            let pointer = named.split('"').next().expect("its end");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    /// What a path names is asked for by its operation; what stands in an address is one text, number or flag.
    #[test]
    fn addresses_say_what_is_asked() {
        let document = document();
        for row in table::ALL {
            let pointer = format!(
                "/paths/{}/{}",
                row.path.replace('/', "~1"),
                row.method.word().to_ascii_lowercase()
            );
            let operation = document.pointer(&pointer).expect(row.name);
            assert_eq!(operation["operationId"], row.name);
            let asked = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for name in parameters(row.path) {
                let found = asked.iter().any(|p| p["name"] == name && p["in"] == "path");
                assert!(found, "{}: {name}", row.name);
            }
            for parameter in asked {
                let mut schema = &parameter["schema"];
                if let Some(name) = schema["$ref"].as_str() {
                    schema = document.pointer(&name[1..]).expect("known");
                }
                let kind = schema["type"].as_str();
                let one = matches!(kind, Some("string" | "integer" | "boolean"));
                assert!(one, "{}: {parameter}", row.name);
            }
        }
    }

    /// The document that is kept is the one that is served. `BEADLE_WRITE=1` writes it anew.
    #[test]
    fn the_document_that_is_kept_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        let text = serde_json::to_string_pretty(&document()).expect("JSON") + "\n";
        if std::env::var_os("BEADLE_WRITE").is_some() {
            std::fs::write(path, &text).expect("written");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == text,
            "docs/openapi.json differs from the API; BEADLE_WRITE=1 writes it anew"
        );
    }
}
