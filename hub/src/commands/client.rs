//! Adapter: Unix socket. A command's side of the hub's API on `run/hub.sock`.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Bytes, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use shared::{plain, time::Zone};
use tokio::net::UnixStream;

use super::person::{Credential, Person};
use crate::{
    access::signin::SignIn,
    api::{
        call,
        http::Problem,
        socket::{self, authorization},
    },
    error::HubError,
    failure::CommandError,
    list::{MOST, Part, Rows},
    ops::operation::{Filmed, Followed, Operation},
    reason::class::Class,
    supervise::load_config,
};

/// The running hub, as commands ask it.
pub struct Client {
    state: PathBuf,
    who: Option<Credential>,
}

impl Client {
    /// Asks for the password, if a person is named.
    pub fn new(state: PathBuf, person: &Person) -> Result<Self, CommandError> {
        let who = person.credential()?;
        Ok(Self { state, who })
    }

    /// The person the command is given as, with their password.
    pub fn who(&self) -> Option<&SignIn> {
        match &self.who {
            Some(Credential::SignIn(who)) => Some(who),
            Some(Credential::Token(_)) | None => None,
        }
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The scheme's time zone, from the hub's own file.
    pub fn zone(&self) -> Result<Zone, CommandError> {
        Ok(load_config(&self.state)?.zone)
    }

    /// Has an operation done.
    pub fn ask<O: Operation>(&self, operation: &O) -> Result<O::Reply, CommandError> {
        let request = self.request(call::write(O::ROW, operation))?;
        runtime()?.block_on(async {
            let response = self.send(request).await?;
            let body = response.into_body().collect().await.map_err(stopped)?;
            read(&body.to_bytes())
        })
    }

    /// All of a list, part by part.
    pub fn all<T, O: Operation<Reply = Rows<T>>>(
        &self,
        ask: impl Fn(Part) -> O,
    ) -> Result<Vec<T>, CommandError> {
        let mut rows = Vec::new();
        let mut part = Part::of(MOST);
        loop {
            let found = self.ask(&ask(part.clone()))?;
            rows.extend(found.rows);
            match found.next {
                Some(next) => part.after = Some(next),
                None => return Ok(rows),
            }
        }
    }

    /// Follows one to its end.
    pub fn follow<O: Followed>(
        &self,
        operation: &O,
        mut each: impl FnMut(O::News) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let request = self.request(call::write(O::ROW, operation))?;
        runtime()?.block_on(async {
            let mut body = self.send(request).await?.into_body();
            let mut events = Events::default();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(stopped)?;
                for (name, data) in events.take(frame.data_ref().map_or(&[][..], |d| d)) {
                    match name.as_str() {
                        "problem" => {
                            return Err(CommandError::Plain(read::<Problem>(&data)?.detail));
                        }
                        _ => each(read(&data)?)?,
                    }
                }
            }
            Ok(())
        })
    }

    /// A film's bytes as they come.
    pub fn film<O: Filmed>(
        &self,
        operation: &O,
        mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), CommandError> {
        let request = self.request(call::write(O::ROW, operation))?;
        runtime()?.block_on(async {
            let mut body = self.send(request).await?.into_body();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|_| {
                    CommandError::Plain(
                        "the film broke off: what came was not what it has to be, or the line to the box broke; the log says which".into(),
                    )
                })?;
                each(frame.data_ref().map_or(&[][..], |d| d))?;
            }
            Ok(())
        })
    }

    fn request(
        &self,
        call: Result<call::Call, serde_json::Error>,
    ) -> Result<Request<Full<Bytes>>, CommandError> {
        let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
        let call = call.map_err(|e| plain(&e))?;
        let mut request = Request::builder()
            .method(call.method)
            .uri(call.path)
            .header("host", "hub");
        if call.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        match &self.who {
            Some(Credential::SignIn(who)) => {
                request = request.header("authorization", authorization(who));
                if let Some(code) = &who.code {
                    request = request.header(socket::CODE, code);
                }
            }
            Some(Credential::Token(token)) => {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            None => {}
        }
        let body = Full::new(Bytes::from(call.body.unwrap_or_default()));
        request.body(body).map_err(|e| plain(&e))
    }

    /// The hub's answer; a problem is the error.
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, CommandError> {
        let path = socket::path(&self.state);
        let stream = UnixStream::connect(&path).await.map_err(|e| {
            let state = self.state.display();
            CommandError::Plain(match e.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => format!(
                    "the hub is not running on {state}; start it with `beadle-hub run --state {state}` (or systemctl start beadle-hub)"
                ),
                ErrorKind::PermissionDenied => format!(
                    "no permission to talk to the hub on {state}; be root or the hub's own user"
                ),
                _ => format!("cannot talk to the hub over {}: {e}", path.display()),
            })
        })?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(stopped)?;
        // It ends with the runtime of this one command.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(stopped)?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let body = response.into_body().collect().await.map_err(stopped)?;
        let problem = read::<Problem>(&body.to_bytes())?;
        Err(CommandError::Plain(match (problem.class, &self.who) {
            (Class::SignedOut, Some(Credential::Token(_))) => {
                "this token is worth nothing, or nothing any more; nothing was done. Make another at the page, under \u{201c}Tokens\u{201d}".into()
            }
            _ => problem.detail,
        }))
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

fn stopped(e: hyper::Error) -> CommandError {
    CommandError::Plain(format!("the hub stopped while it was asked: {e}"))
}

/// What a box said, in whatever answer, goes to a terminal: it is seen to here, once for all commands.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CommandError> {
    let read = serde_json::from_slice(bytes).and_then(|mut value| {
        plain::message(&mut value);
        serde_json::from_value(value)
    });
    read.map_err(|e| {
        CommandError::Plain(format!(
            "the hub's answer was not understood (is it older than this program?): {e}"
        ))
    })
}

impl From<HubError> for CommandError {
    fn from(e: HubError) -> Self {
        Self::Plain(e.to_string())
    }
}

/// A stream of events, as it comes in pieces.
#[derive(Default)]
struct Events {
    rest: Vec<u8>,
}

impl Events {
    /// Name and data of the events that are whole now.
    fn take(&mut self, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        self.rest.extend_from_slice(bytes);
        let mut out = Vec::new();
        while let Some(end) = self.rest.windows(2).position(|w| w == b"\n\n") {
            let event: Vec<u8> = self.rest.drain(..end + 2).collect();
            let (mut name, mut data) = (String::new(), Vec::new());
            for line in event.split(|b| *b == b'\n') {
                if let Some(text) = line.strip_prefix(b"event: ") {
                    name = String::from_utf8_lossy(text).into_owned();
                } else if let Some(text) = line.strip_prefix(b"data: ") {
                    data.extend_from_slice(text);
                }
            }
            // A comment only keeps the line alive.
            if !data.is_empty() {
                out.push((name, data));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_pieces() {
        let mut events = Events::default();
        assert!(events.take(b"event: news\ndata: {\"a\"").is_empty());
        assert_eq!(
            events.take(b":1}\n\n:\n\nevent: problem\ndata: {}\n\nda"),
            [
                ("news".to_owned(), b"{\"a\":1}".to_vec()),
                ("problem".to_owned(), b"{}".to_vec())
            ]
        );
        assert_eq!(events.take(b"ta: 2\n\n"), [(String::new(), b"2".to_vec())]);
    }
}
