//! Adapter: the hub's socket. The phone of a test's person: set up, and the codes of an app that was told a secret (RFC 6238).
use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::{Value, json};

use crate::{Done, Told, Trouble, hub::Hub, staff::Staff};

/// Sets up a phone for somebody's account; the secret it was told. Its code of the half minute before now is used by that.
pub fn set_up(hub: &Hub, staff: &Staff, name: &str) -> Done<String> {
    let file = staff.file(name)?;
    let password = fs::read_to_string(file).told(file.display())?;
    let ask = |method: &str, path: &str, body: &str| -> Done<Value> {
        let socket = hub.state.join("run/hub.sock");
        let mut line = UnixStream::connect(&socket).told(socket.display())?;
        let who = STANDARD.encode(format!("{name}:{password}"));
        let call = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization: Basic {who}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        line.write_all(call.as_bytes()).told("the hub's socket")?;
        let mut answer = String::new();
        line.read_to_string(&mut answer).told("the hub's socket")?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.starts_with("HTTP/1.1 200") {
            true => Ok(serde_json::from_str(body)?),
            false => Err(Trouble(format!("{name} {path}: {answer}"))),
        }
    };
    let new = ask("GET", "/factors/new", "")?;
    let secret = new["secret"].as_str().unwrap_or_default().to_owned();
    let code = code(&secret, -1);
    let phone = json!({"label": "phone", "secret": secret, "code": code, "password": password});
    ask("POST", "/factors/code", &phone.to_string())?;
    Ok(secret)
}

/// What it shows so many half minutes from now: a hub takes those beside its own, each once.
pub fn code(secret: &str, later: i64) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut key, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in secret.chars() {
        let at = LETTERS.find(letter).unwrap_or(0);
        held = held << 5 | u32::try_from(at).unwrap_or(0);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push(u8::try_from(held >> bits & 0xff).unwrap_or(0));
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let step = now
        .map_or(0, |d| d.as_secs() / 30)
        .saturating_add_signed(later);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let four = [tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]];
    format!("{:06}", u32::from_be_bytes(four) % 1_000_000)
}
