//! Pure. An operation as a request of HTTP, and back: what its path names stands there, the rest in the query of a `GET` or in the JSON
//! body of a `POST`.

use std::fmt::Write;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{BASE, shape::Shape};
use crate::{
    error::HubError,
    model::operation::{Method, Row},
    reason::Api,
};

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    pub body: Option<Vec<u8>>,
}

/// How an operation is asked for.
pub fn write<O: Serialize>(row: &Row, operation: &O) -> Result<Call, serde_json::Error> {
    let Value::Object(mut fields) = serde_json::to_value(operation)? else {
        return Err(serde::ser::Error::custom("an operation is an object"));
    };
    let mut path = BASE.to_owned();
    for part in row.path.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) => path += &encoded(&text(&fields.remove(name).unwrap_or_default())),
            None => path += part,
        }
    }
    let body = match row.method {
        Method::Post => Some(serde_json::to_vec(&fields)?),
        Method::Get => {
            let mut mark = '?';
            for (name, value) in fields.iter().filter(|(_, v)| !v.is_null()) {
                // A string that cannot be written to does not exist.
                let _ = write!(path, "{mark}{name}={}", encoded(&text(value)));
                mark = '&';
            }
            None
        }
    };
    Ok(Call {
        method: row.method.word(),
        path,
        body,
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// As an address may have it.
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// What is asked for. `named`: what the path and the query say; the body of a `POST` may not say it again. What the operation does not
/// take is refused: somebody thought that it would count.
pub fn read<O: DeserializeOwned>(
    shape: &Shape,
    named: impl IntoIterator<Item = (String, String)>,
    body: Option<&[u8]>,
) -> Result<O, HubError> {
    let mut fields = match body {
        None => Map::new(),
        Some(body) if body.iter().all(u8::is_ascii_whitespace) => Map::new(),
        Some(body) => match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => {
                return Err(Api::ObjectWanted.into());
            }
            Err(e) => {
                return Err(Api::BodyNotJson { why: e.to_string() }.into());
            }
        },
    };
    for (name, value) in named {
        if fields.contains_key(&name) {
            return Err(Api::SaidTwice { name }.into());
        }
        let value = shape.value(&name, value);
        fields.insert(name, value);
    }
    if let Some(name) = fields.keys().find(|name| shape.field(name).is_none()) {
        let taken = shape.fields.iter().map(|f| f.name.clone()).collect();
        let name = name.clone();
        return Err(Api::NotTaken { name, taken }.into());
    }
    if let Some((name, most)) = shape.beyond(&fields) {
        return Err(Api::NumberTooGreat {
            name: name.into(),
            most,
        }
        .into());
    }
    if let Some(name) = shape.no_list(&fields) {
        let why = format!("{name} is no list");
        return Err(Api::NotAsWanted { why }.into());
    }
    serde_json::from_value(Value::Object(fields))
        .map_err(|e| Api::NotAsWanted { why: e.to_string() }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::table,
        ops::{clips, footage, holds, masks},
    };

    /// What is asked comes out at the other side as it went in.
    #[test]
    fn there_and_back() {
        let approve = masks::ApproveLift { request: 17 };
        let call = write(&table::LIFT_APPROVE, &approve).expect("call");
        assert_eq!(call.path, "/api/v1/lifts/17/approve");
        let named = [("request".to_owned(), "17".to_owned())];
        let back: masks::ApproveLift = read(
            &Shape::of::<masks::ApproveLift>(),
            named,
            call.body.as_deref(),
        )
        .expect("read");
        assert_eq!(back.request, 17);

        let list: footage::List = serde_json::from_value(
            serde_json::json!({"box": "ashby", "cam": "c01", "day": "2026-11-03"}),
        )
        .expect("list");
        let call = write(&table::FOOTAGE, &list).expect("call");
        assert_eq!(call.body, None);
        assert_eq!(
            call.path,
            "/api/v1/cameras/ashby/c01/footage?day=2026-11-03"
        );

        let add: holds::Add = serde_json::from_value(serde_json::json!({
            "box": "ashby", "cam": "c01", "t0": "2026-11-03T14:00:00.000Z", "t1": "2026-11-03T14:01:00.000Z",
            "until": null, "days": 7, "review": null, "reason": "a", "authority": "b", "reference": "ç/ d"
        }))
        .expect("add");
        let call = write(&table::HOLD_ADD, &add).expect("call");
        let back: holds::Add =
            read(&Shape::of::<holds::Add>(), [], call.body.as_deref()).expect("read");
        assert_eq!(back.camera(), add.camera());
        assert_eq!(back.wanted, add.wanted);
    }

    /// What cannot be read is refused in a sentence that names what it is about.
    #[test]
    fn what_cannot_be_read_is_refused() {
        let no = |named: &[(&str, &str)], body: &[u8]| {
            let named = named.iter().map(|(a, b)| ((*a).into(), (*b).into()));
            read::<clips::View>(&Shape::of::<clips::View>(), named, Some(body))
                .expect_err("refused")
                .to_string()
        };
        assert!(no(&[], b"[]").contains("not a JSON object"));
        assert!(no(&[], b"{").contains("not JSON"));
        assert!(no(&[("exhibit", "EXH-2026-000001")], b"{}").contains("purpose"));
        let twice = br#"{"exhibit":"EXH-2026-000002","purpose":"p","reference":"r"}"#;
        assert!(no(&[("exhibit", "EXH-2026-000001")], twice).contains("said twice"));
        let more = br#"{"purpose":"p","reference":"r","until":"never"}"#;
        assert!(
            no(&[("exhibit", "EXH-2026-000001")], more).contains("\"until\" is not taken here")
        );
        let odd = br#"{"purpose":7,"reference":"r"}"#;
        assert!(no(&[("exhibit", "EXH-2026-000001")], odd).contains("nothing was done"));
    }

    /// What an address says is a text: it becomes the number or the flag that is wanted. Numbers that the records could not hold are refused.
    #[test]
    fn texts_of_an_address() {
        let ask = |named: &[(&str, &str)]| {
            let named = named.iter().map(|(a, b)| ((*a).into(), (*b).into()));
            read::<clips::List>(&Shape::of::<clips::List>(), named, None)
        };
        assert_eq!(ask(&[("limit", "5")]).expect("read").part.limit, Some(5));
        for odd in ["-1", "2147483648", "18446744073709551616", "five", "5.0"] {
            let no = ask(&[("limit", odd)]).expect_err(odd).to_string();
            assert!(no.contains("nothing was done"), "{no}");
        }
        let lift = |n: &str| {
            let named = [("request".to_owned(), n.to_owned())];
            read::<masks::ApproveLift>(&Shape::of::<masks::ApproveLift>(), named, Some(b"{}"))
        };
        assert!(lift("9007199254740991").is_ok());
        assert!(lift("9223372036854775808").is_err());
        let holds = [("all".to_owned(), "true".to_owned())];
        let holds = read::<holds::List>(&Shape::of::<holds::List>(), holds, None);
        assert!(holds.expect("read").all);
    }
}
