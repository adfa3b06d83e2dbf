//! Task. Suite `month`: a contractor at every door.

use std::{collections::BTreeSet, fs};

use beadle_tests::{Done, Told, pages, places};
use serde_json::{Value, json};

use super::scheme::Month;

/// Words that a contractor reads nowhere.
const SECRETS: [&str; 4] = ["Purpose of", "CRIME-", "Requester no", "EXH-2"];

/// A value for a property of a body, by its name and its schema.
fn made_up(document: &Value, name: &str, schema: &Value, known: &Value) -> Value {
    if !known[name].is_null() {
        return known[name].clone();
    }
    if let Some(path) = schema["$ref"].as_str() {
        let named = path.rsplit('/').next().unwrap_or_default();
        return made_up(
            document,
            name,
            &document["components"]["schemas"][named],
            known,
        );
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let mut all = serde_json::Map::new();
    let mut from = |schema: &Value| {
        for key in schema["required"].as_array().into_iter().flatten() {
            let key = key.as_str().unwrap_or_default();
            all.insert(
                key.to_owned(),
                made_up(document, key, &schema["properties"][key], known),
            );
        }
    };
    from(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let named = part["$ref"].as_str().and_then(|p| p.rsplit('/').next());
        from(named.map_or(part, |n| &document["components"]["schemas"][n]));
    }
    match schema["type"].as_str() {
        Some("string") => "x".into(),
        Some("integer") => 1.into(),
        Some("array") => json!(["box.list"]),
        Some("boolean") => true.into(),
        _ => Value::Object(all),
    }
}

/// ROL-2: a contractor asks for every operation of the document and every page, of things that there are: what is not theirs is refused and on
/// the record, and nothing they are told names a person's matter, an exhibit or a picture.
pub fn every_door(month: &Month, hold: &str, exhibit: &str, request: &str) -> Done<()> {
    let con = month.by("con");
    let read = |name: &str| fs::read_to_string(places::root().join("docs").join(name)).told(name);
    let document: Value = serde_json::from_str(&read("openapi.json")?)?;
    // Who may, as the document for people says it.
    let roles = read("roles.md")?;
    let theirs: BTreeSet<&str> = roles
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let may = cells[2] == "all" || cells[2].split(", ").any(|role| role == "contractor");
            may.then(|| cells[0].trim_end_matches('`'))
        })
        .collect();
    let known = json!({
        "box": "ashby", "cam": "c01", "exhibit": exhibit, "hold": hold, "request": request, "name": "kim", "owner": "ashby", "log": "hub",
        "grant": 3, "token": 1, "order": 1, "factor": 1, "copy": 1, "backup": 1, "paper": "label", "at": "2026-01-01T10:00:00.000Z", "from": "2026-01-01T10:00:00.000Z", "to": "2026-01-01T10:00:10.000Z",
        "t0": "2026-01-01T10:00:00.000Z", "t1": "2026-01-01T10:00:10.000Z", "purpose": "to see", "reference": "R/1", "requester": "me",
        "next": "2027-01-01", "until": "2027-01-01T10:00:00.000Z", "old": "not it", "password": "not it", "month": "2026-01", "count": 5, "cameras": ["ashby/c01"], "label": "mine", "days": 3,
    });
    let mut refused = BTreeSet::new();
    let shut = |what: &str, answer: &pages::Answer| {
        assert!(answer.status < 500, "{what}: {answer:?}");
        for secret in SECRETS {
            // What they asked about they may be told that they named.
            let told = answer.text.replace(exhibit, "");
            assert!(
                !told.contains(secret),
                "{what} tells of {secret}: {answer:?}"
            );
        }
    };
    let paths = document["paths"].as_object().cloned().unwrap_or_default();
    for (path, methods) in &paths {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let name = operation["operationId"].as_str().unwrap_or_default();
            let mut address = path.clone();
            for (key, value) in known.as_object().into_iter().flatten() {
                // Clip requests have names, the others plain numbers.
                let plain = !path.starts_with("/requests");
                let text = match (key.as_str(), value.as_str()) {
                    ("request", _) if plain => "1".to_owned(),
                    (_, Some(text)) => text.to_owned(),
                    _ => value.to_string(),
                };
                address = address.replace(&format!("{{{key}}}"), &text);
            }
            let wanted = operation["parameters"].as_array().into_iter().flatten();
            let wanted = wanted.filter(|p| p["in"] == "query" && p["required"] == true);
            for (n, parameter) in wanted.enumerate() {
                let key = parameter["name"].as_str().unwrap_or_default();
                let value = known[key].as_str().unwrap_or_default();
                address += &format!("{}{key}={value}", if n == 0 { '?' } else { '&' });
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = (method == "post").then(|| made_up(&document, "", schema, &known));
            let answer = con.ask(&address, body.as_ref())?;
            let what = format!("{name} ({method} {address} {body:?})");
            shut(&what, &answer);
            match answer.status {
                200 => assert!(theirs.contains(name), "{what}: {answer:?}"),
                403 if !theirs.contains(name) => {
                    refused.insert(name.to_owned());
                }
                _ => assert!(
                    theirs.contains(name),
                    "{what} was not refused for who asked: {answer:?}"
                ),
            }
        }
    }
    assert!(refused.len() > 40, "{refused:?}");
    for page in [
        "/",
        "/cameras",
        "/find",
        "/waiting",
        "/watch?exhibit=EXH",
        "/staff",
        "/masks",
        "/lifts",
        "/requests",
        "/holds",
        "/evidence",
        "/log",
        "/retention",
        "/retention/ashby/c01",
        "/footage/ashby/c01",
        "/clip/EXH",
        "/clip/EXH/play/0",
        "/clip/EXH/save/0",
        "/clip/EXH/certificate",
        "/evidence/EXH/certificate",
    ] {
        let answer = con.page(&page.replace("EXH", exhibit))?;
        let open = [
            "/",
            "/cameras",
            "/waiting",
            "/masks",
            "/retention",
            "/retention/ashby/c01",
        ]
        .contains(&page);
        assert_eq!(answer.status, if open { 200 } else { 403 }, "{page}");
        shut(page, &answer);
        assert!(!answer.text.contains("<video"), "{page}");
    }
    // Each is on the record, in the contractor's name and role.
    let lines = month.own_lines()?;
    let on_record: BTreeSet<String> = lines
        .iter()
        .filter(|l| l["type"] == "acc.refuse" && l["data"]["as"] == "contractor")
        .filter_map(|l| l["data"]["what"].as_str().map(str::to_owned))
        .collect();
    let missing: Vec<&String> = refused.difference(&on_record).collect();
    assert!(
        missing.is_empty(),
        "refused, and not on the record: {missing:?}"
    );
    Ok(())
}
