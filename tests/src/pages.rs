//! Adapter: HTTPS, by curl. A hub's pages and its API as one person asks for them: signed in once, by the sign-in page.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Done, Told, Trouble, hub::Hub};

/// What curl said of these words. Certificates are taken as they are: the test's authority is in no store.
pub fn curl(words: &[&str]) -> Done<String> {
    let out = Command::new("curl").arg("-sSk").args(words).output();
    let out = out.told("curl (apt-get install curl)")?;
    match out.status.success() {
        true => Ok(String::from_utf8_lossy(&out.stdout).into_owned()),
        false => Err(Trouble(format!(
            "curl {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&out.stderr)
        ))),
    }
}

/// An answer: its status, and its body as text.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    fn read(said: &str) -> Done<Self> {
        let (text, status) = said
            .rsplit_once('\n')
            .ok_or_else(|| Trouble(format!("no answer: {said}")))?;
        Ok(Self {
            status: status.parse().told(status)?,
            text: text.to_owned(),
        })
    }

    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What it says, of one that was done.
    pub fn well(self, what: &str) -> Done<Value> {
        match self.is_done() {
            true => serde_json::from_str(&self.text).told(what),
            false => Err(Trouble(format!("{what}: {} {}", self.status, self.text))),
        }
    }

    /// An error unless it was refused: for what was asked, not because the hub broke.
    pub fn refused(self, what: &str) -> Done<String> {
        match self.status {
            400..500 => Ok(self.text),
            _ => Err(Trouble(format!("{what}: {} {}", self.status, self.text))),
        }
    }
}

/// Somebody whose browser is signed in.
pub struct Person {
    pub name: String,
    https: String,
    jar: PathBuf,
}

impl Person {
    pub fn sign_in(hub: &Hub, folder: &Path, name: &str, password: &str) -> Done<Self> {
        Self::sign_in_at(hub, "127.0.0.1", folder, (name, password))
    }

    /// The same of a hub at another address.
    pub fn sign_in_at(
        hub: &Hub,
        address: &str,
        folder: &Path,
        (name, password): (&str, &str),
    ) -> Done<Self> {
        let person = Self {
            name: name.to_owned(),
            https: format!("https://{address}:{}", hub.https),
            jar: folder.join(format!("{name}.cookies")),
        };
        let page = person.address("/sign-in");
        let form = curl(&person.words(&[&page]))?;
        let hidden = form.split("name=\"form\" value=\"").nth(1);
        let hidden = hidden.and_then(|f| f.split('"').next()).unwrap_or_default();
        let fields = [("form", hidden), ("name", name), ("password", password)];
        let fields = fields.map(|(key, value)| format!("{key}={value}"));
        let origin = format!("Origin: {}", person.https);
        let mut words = vec!["-H", &origin, "-o", "/dev/null", "-w", "%{http_code}"];
        for field in &fields {
            words.extend(["--data-urlencode", field]);
        }
        words.push(&page);
        match curl(&person.words(&words))?.as_str() {
            "302" | "303" => Ok(person),
            status => Err(Trouble(format!("{name} was not signed in: {status}"))),
        }
    }

    pub fn jar(&self) -> &Path {
        &self.jar
    }

    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.https)
    }

    fn words<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let jar = self.jar.to_str().unwrap_or_default();
        let mut words = vec!["-b", jar, "-c", jar];
        words.extend(more);
        words
    }

    /// A page.
    pub fn page(&self, path: &str) -> Done<Answer> {
        let url = self.address(path);
        Answer::read(&curl(&self.words(&["-w", "\n%{http_code}", &url]))?)
    }

    /// An operation; `path` is what comes after `/api/v1`. A body makes it a POST.
    pub fn ask(&self, path: &str, body: Option<&Value>) -> Done<Answer> {
        let url = self.address(&format!("/api/v1{path}"));
        let body = body.map(Value::to_string);
        let mut words = vec!["-w", "\n%{http_code}", "--max-time", "60"];
        if let Some(body) = &body {
            let kind = "content-type: application/json";
            words.extend(["-H", kind, "--data-binary", body]);
        }
        words.push(&url);
        Answer::read(&curl(&self.words(&words))?)
    }

    pub fn get(&self, path: &str) -> Done<Value> {
        let what = format!("{}: {path}", self.name);
        self.ask(path, None)?.well(&what)
    }

    pub fn post(&self, path: &str, body: Value) -> Done<Value> {
        let what = format!("{}: {path} {body}", self.name);
        self.ask(path, Some(&body))?.well(&what)
    }

    /// All of a list, part by part.
    pub fn all(&self, path: &str) -> Done<Vec<Value>> {
        let (mut rows, mut after) = (Vec::new(), String::new());
        loop {
            let mut part = self.get(&format!("{path}?limit=1000{after}"))?;
            if let Value::Array(more) = part["rows"].take() {
                rows.extend(more);
            }
            match part["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(rows),
            }
        }
    }
}

/// An operation at the hub's own socket, as somebody with this password, or as the console.
pub fn at_socket(
    hub: &Hub,
    who: Option<(&str, &str)>,
    path: &str,
    body: Option<&Value>,
) -> Done<Answer> {
    let socket = hub.state.join("run/hub.sock");
    let socket = socket.to_string_lossy();
    let url = format!("http://localhost/api/v1{path}");
    let (who, body) = (
        who.map(|(name, password)| format!("{name}:{password}")),
        body.map(Value::to_string),
    );
    let mut words = vec!["--unix-socket", &*socket, "-w", "\n%{http_code}"];
    if let Some(who) = &who {
        words.extend(["-u", who]);
    }
    if let Some(body) = &body {
        words.extend([
            "-H",
            "content-type: application/json",
            "--data-binary",
            body,
        ]);
    }
    words.push(&url);
    Answer::read(&curl(&words)?)
}
