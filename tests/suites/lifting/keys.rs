//! Task. MSK-4, ROL-5: a lift that the box takes only with the passkeys of the two people in it, on real parts: hub, box, camera.
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use beadle_tests::phone;
use serde_json::json;
use shared::{
    passkey::{Assertion, Challenge, RelyingParty},
    testing::SoftKey,
};

use super::*;

const ORIGIN: &str = "https://hub.cctv.example.gov.uk";
const HOST: &str = "hub.cctv.example.gov.uk";

/// Somebody with a phone, once, and a passkey in software.
struct Person {
    name: &'static str,
    password: String,
    key: SoftKey,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn challenge(offer: &Value) -> Done<Challenge> {
    let bytes = URL_SAFE_NO_PAD.decode(offer["challenge"].as_str().unwrap_or(""));
    let bytes = bytes.ok().and_then(|b| b.try_into().ok());
    bytes.ok_or_else(|| Trouble(format!("no challenge in {offer}")))
}

impl Person {
    /// Sets up a phone, which lets them in at the console, and a passkey.
    fn new(rig: &Rig, staff: &staff::Staff, name: &'static str) -> Done<Self> {
        let file = staff.file(name)?;
        let mut person = Self {
            name,
            password: fs::read_to_string(file).told(file.display())?,
            key: SoftKey::new(name),
        };
        let new = person.asks(rig, "GET", "/factors/new", &json!({}))?;
        let secret = new["secret"].as_str().unwrap_or("");
        let phone = json!({"label": "phone", "secret": secret, "code": phone::code(secret, 0), "password": person.password});
        person.asks(rig, "POST", "/factors/code", &phone)?;
        let new = person.asks(rig, "GET", "/factors/new", &json!({}))?;
        let made = person.key.register(&party()?, &challenge(&new["passkey"])?);
        let credential = json!({"id": text(name.as_bytes()), "type": "public-key", "response": {
            "clientDataJSON": text(&made.client_data), "attestationObject": text(&made.attestation)}});
        let key = json!({"label": "key", "credential": credential.to_string(), "password": person.password});
        person.asks(rig, "POST", "/factors/passkey", &key)?;
        Ok(person)
    }

    /// Of the hub's API, over its socket.
    fn asks(&mut self, rig: &Rig, method: &str, path: &str, body: &Value) -> Done<Value> {
        let socket = rig.hub.state.join("run/hub.sock");
        let mut line = UnixStream::connect(&socket).told(socket.display())?;
        let who = STANDARD.encode(format!("{}:{}", self.name, self.password));
        let body = match method {
            "POST" => body.to_string(),
            _ => String::new(),
        };
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization: Basic {who}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        line.write_all(head.as_bytes()).told("the hub's socket")?;
        let mut answer = String::new();
        line.read_to_string(&mut answer).told("the hub's socket")?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.starts_with("HTTP/1.1 200") {
            true => Ok(serde_json::from_str(body)?),
            false => Err(Trouble(format!("{} {path}: {answer}", self.name))),
        }
    }

    /// Touches the key for this order; what came of it.
    fn touch(&mut self, rig: &Rig, order: &str) -> Done<Value> {
        let all = self.asks(rig, "GET", "/touches", &json!({}))?;
        let rows = all["rows"].as_array().cloned().unwrap_or_default();
        let row = rows
            .iter()
            .find(|r| r["order"].as_u64().map(|n| n.to_string()).as_deref() == Some(order));
        let row = row.ok_or_else(|| Trouble(format!("no order {order} in {all}")))?;
        let used = self.key.sign(&party()?, &challenge(&row["passkey"])?);
        let given = json!({"credential": used_as_json(&used).to_string()});
        self.asks(rig, "POST", &format!("/touches/{order}"), &given)
    }
}

fn used_as_json(a: &Assertion) -> Value {
    json!({"id": text(&a.id.0), "type": "public-key", "response": {
        "clientDataJSON": text(&a.client_data.0), "authenticatorData": text(&a.authenticator_data.0), "signature": text(&a.signature.0)}})
}

fn party() -> Done<RelyingParty> {
    RelyingParty::new(HOST, ORIGIN).map_err(|e| Trouble(e.to_string()))
}

/// What `beadle-hub … --as` prints first.
fn printed(rig: &Rig, staff: &staff::Staff, who: &str, words: &[&str]) -> Done<String> {
    let said = staff.says(&rig.hub, who, words)?.well(&words.join(" "))?;
    Ok(said.out.trim().to_owned())
}

/// MSK-4, ROL-5, AUD-1: root pins the keys of two approvers; the box then lifts a mask when both have touched for that order, and not before;
/// its record names order and people. A third person's key comes to count by those two, on the box's record as well.
#[test]
fn a_lift_takes_both_peoples_keys() -> Done<()> {
    let mut rig = rig("lifting-keys", Vec::new())?;
    rig.hub.stop()?;
    let toml = rig.hub.state.join("hub.toml");
    let text = fs::read_to_string(&toml).told(toml.display())?;
    // [sign_in] is the last section.
    fs::write(&toml, format!("{text}origin = \"{ORIGIN}\"\n")).told(toml.display())?;
    rig.hub.start()?;
    let names = ["ann", "bob", "cat"];
    let staff = staff::Staff::of(&rig.hub, rig.folder.path(), &names.map(|n| (n, "approver")))?;
    let mut ann = Person::new(&rig, &staff, "ann")?;
    let mut bob = Person::new(&rig, &staff, "bob")?;

    let file = rig.hub.ask(&["approver", "file"].map(OsStr::new))?;
    let file = file.well("approver file")?.out;
    let pinned = rig.town.state.join("hub/approvers.json");
    rig.town.stop()?;
    fs::write(&pinned, file).told(pinned.display())?;
    let config = fs::read_to_string(&rig.town.config).told(rig.town.config.display())?;
    let config = config.replacen("[box]\n", "[box]\napprovals = \"required\"\n", 1);
    fs::write(&rig.town.config, config).told(rig.town.config.display())?;
    rig.town.start()?;
    wait::until("the hub knows the keys", 60, || {
        let out = rig.hub.ask(&["approver", "list"].map(OsStr::new))?.out;
        Ok(out.matches("counts at ashby").count() == 2)
    })?;
    wait::until("the hub knows the mask", 60, || {
        let out = rig.hub.ask(&["mask", "show", CAM].map(OsStr::new))?.out;
        Ok(out.contains("mask m1"))
    })?;

    let words = [&["mask"][..], &lift(CAM, "10")].concat();
    let request = printed(&rig, &staff, "ann", &words)?;
    let order = printed(&rig, &staff, "bob", &["mask", "approve", &request])?;
    assert_eq!(ann.touch(&rig, &order)?["waits"], true);
    assert!(rig.town.lines_of("mask.lift", None).is_empty(), "one touch");
    let lifted = bob.touch(&rig, &order)?;
    assert_eq!(lifted["waits"], false, "{lifted}");
    let line = rig.town.lines_of("mask.lift", Some("c01")).pop();
    let line = line.ok_or_else(|| Trouble::new("no lift"))?;
    assert_eq!(line["data"]["order"].to_string(), order);
    assert_eq!(line["data"]["until"], lifted["until"]);
    let ordered = own(&rig, "mask.order").pop().unwrap_or_default();
    assert_eq!(ordered["data"]["by"], line["data"]["by"]);
    assert_eq!(own(&rig, "order.touch").len(), 2);
    recorded(&mut rig, "lifted", 1)?;

    let mut cat = Person::new(&rig, &staff, "cat")?;
    let all = ann.asks(&rig, "GET", "/approvers", &json!({}))?;
    let keys = all["keys"].as_array().cloned().unwrap_or_default();
    let key = keys.iter().find(|k| k["account"] == "cat");
    let key = key.and_then(|k| k["key"].as_str()).unwrap_or("").to_owned();
    let ask = ["approver", "ask", "ashby", "cat", "--key", &key];
    let request = printed(&rig, &staff, "bob", &ask)?;
    let order = printed(&rig, &staff, "ann", &["approver", "approve", &request])?;
    bob.touch(&rig, &order)?;
    assert_eq!(ann.touch(&rig, &order)?["waits"], false);
    let set = rig.town.lines_of("approver.set", None).pop();
    let set = set.ok_or_else(|| Trouble::new("no key was added"))?;
    assert_eq!(
        (&set["data"]["what"], &set["data"]["key"]),
        (&"add".into(), &key.into())
    );
    wait::until("the third key counts", 90, || {
        let words = [&["mask"][..], &lift(CAM, "5")].concat();
        let asked = staff.says(&rig.hub, "cat", &words)?;
        Ok(asked.status == 0)
    })?;
    drop(cat.asks(&rig, "GET", "/touches", &json!({}))?);
    Ok(())
}
