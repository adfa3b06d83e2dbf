//! Adapter: HTTPS. The staff pages and the API over real TLS connections, on a real hub: its records, keys and log in a temporary folder,
//! what boxes say come in as from boxes.
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock, Mutex},
};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use serde::{Deserialize, Serialize};
use shared::record::Record;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::oneshot,
};
use tokio_rustls::TlsConnector;

use super::{
    Times,
    context::{App, Refusal, SignedIn},
    routes, server,
};
use crate::{
    access::{authorise::Permit, table},
    api::http,
    error::HubError,
    hub::{
        Hub,
        sessions::{IDLE_MS, LIFE_MS, VIEWING_MS},
        testing::{self, PASSWORD},
    },
    model::operation::Row,
    ops::operation::{Listed, Operation, work},
    retention::rig::Rig,
};
use scene::now;

mod account;
mod api;
mod at_once;
mod doors;
mod everybody;
mod evidence;
mod find;
mod guesses;
mod holds;
mod home;
mod lifts;
mod limits;
mod masks;
mod moves;
mod pages;
mod parts;
mod register;
mod requests;
mod retention;
mod roles;
mod scene;
mod schemathesis;
mod tokens;
mod touches;
mod viewing;
mod watch;

type Deed = Arc<dyn Fn() + Send + Sync>;

/// What operations of these tests do, by number.
static DEEDS: LazyLock<Mutex<HashMap<u64, Deed>>> = LazyLock::new(Mutex::default);

/// An operation whose work is the test's.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
struct Act {
    n: u64,
}

impl Listed for Act {
    const ROW: &'static Row = &table::MASKS;
}

impl Operation for Act {
    type Reply = u64;

    async fn perform(self, hub: Arc<Hub>, permit: Permit) -> Result<u64, HubError> {
        work(hub, permit, move |_, _| {
            let deed = DEEDS.lock().expect("deeds").get(&self.n).cloned();
            deed.expect("a deed")();
            Ok(self.n)
        })
        .await
    }
}

/// Its page.
async fn act(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(n): Path<u64>,
) -> Result<Response, Refusal> {
    app.perform(&who, Act { n }).await?;
    Ok("done".into_response())
}

struct Site {
    addr: SocketAddr,
    roots: RootCertStore,
    /// The hub's own certificate.
    pem: String,
    rig: Rig,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let at = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("head");
        let head = String::from_utf8_lossy(&bytes[..at]).replace("\r\n", "\n");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .expect("status");
        Self {
            status,
            head,
            body: bytes[at + 4..].to_vec(),
        }
    }
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| {
            l.split_once(": ")
                .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v)
        })
    }
    fn cookie(&self, name: &str) -> Option<String> {
        let all = self
            .head
            .lines()
            .filter_map(|l| l.strip_prefix("set-cookie: "));
        all.filter_map(|v| v.split(';').next()?.split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.to_owned())
    }
    /// The hidden token of the page's form.
    fn form(&self) -> String {
        let text = self.text();
        let at = text.find("name=\"form\" value=\"").expect("a form") + 19;
        text[at..at + 64].to_owned()
    }
}

impl Site {
    async fn new() -> Self {
        Self::with(Times::default()).await
    }

    async fn with(times: Times) -> Self {
        Self::of(scene::rig(), times)
    }

    /// Serves the hub of this rig.
    fn of(rig: Rig, times: Times) -> Self {
        let key = KeyPair::generate().expect("key");
        let cert = CertificateParams::new(vec!["localhost".to_owned()])
            .expect("params")
            .self_signed(&key)
            .expect("cert");
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).expect("root");
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("key");
        let listener = super::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bind");
        let addr = listener.local_addr().expect("addr");
        let (stop, stopped) = oneshot::channel::<()>();
        let provider = rustls::crypto::ring::default_provider();
        let shown = rustls::sign::CertifiedKey::from_der(vec![cert.der().clone()], key, &provider);
        let shown = rustls::sign::SingleCertAndKey::from(shown.expect("certificate"));
        let tls = super::tls(Arc::new(shown)).expect("tls");
        let app = App::new(rig.hub.clone(), times);
        let calls = Router::new()
            .route(
                "/acts/{n}",
                get(http::asked::<Act>).layer(http::shape::<Act>()),
            )
            .with_state(rig.hub.clone());
        let router = routes::with(app, Router::new().route("/acts/{n}", get(act)), calls);
        let served = tokio::spawn(server::serve(listener, tls, router, times, async {
            drop(stopped.await)
        }));
        Self {
            addr,
            roots,
            pem: cert.pem(),
            rig,
            stop: Some(stop),
            served,
        }
    }

    /// The hub stops and starts again: what is on its disk is left.
    async fn restart(mut self) -> Self {
        drop(self.stop.take());
        (&mut self.served).await.expect("ends");
        self.rig.hub.log.close("stop").expect("the log ends");
        let hub = testing::open(self.rig.dir.path(), self.rig.hands.clone());
        hub.sessions
            .load(&hub.db, hub.now())
            .expect("sessions are read");
        self.rig.hub = Arc::new(hub);
        Self::of(self.rig, Times::default())
    }

    fn hub(&self) -> &Hub {
        &self.rig.hub
    }

    fn later(&self, ms: u64) {
        self.rig.hands.later(ms);
    }

    /// Lines of this kind on the hub's log, oldest first.
    fn lines(&self, kind: &str) -> Vec<Record> {
        scene::lines(self.hub(), kind)
    }

    /// How many lines there are but for those that the log writes by itself.
    fn size(&self) -> u64 {
        scene::acts(self.hub())
    }

    /// A connection, its handshake done.
    async fn connect(&self) -> tokio_rustls::client::TlsStream<TcpStream> {
        self.connect_from([127, 0, 0, 1].into()).await
    }

    async fn connect_from(&self, from: IpAddr) -> tokio_rustls::client::TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions");
        let config = config
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let socket = TcpSocket::new_v4().expect("socket");
        socket
            .bind((from, 0).into())
            .expect("an address of this machine");
        let tcp = socket.connect(self.addr).await.expect("connect");
        let name = ServerName::try_from("localhost").expect("name");
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .expect("handshake")
    }

    async fn send(&self, request: String) -> Answer {
        self.send_from([127, 0, 0, 1].into(), request).await
    }

    async fn send_from(&self, from: IpAddr, request: String) -> Answer {
        let mut tls = self.connect_from(from).await;
        tls.write_all(request.as_bytes()).await.expect("send");
        let mut bytes = Vec::new();
        // The server need not send close_notify for the answer to be whole: its length is checked below.
        let _ = tls.read_to_end(&mut bytes).await;
        let answer = Answer::of(&bytes);
        if let Some(length) = answer.header("content-length") {
            assert_eq!(length, answer.body.len().to_string(), "{}", answer.head);
        }
        assert!(
            answer
                .header("content-security-policy")
                .is_some_and(|p| p.starts_with("default-src 'none'") && !p.contains("unsafe")),
            "{}",
            answer.head
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("strict-transport-security").is_some());
        let words = match request.split(' ').nth(1) {
            Some(path) if path.starts_with("/api/v1") => {
                answer.header("content-type") == Some(http::PROBLEM)
            }
            // Witnesses are programs that want a status and a size.
            Some(path) if path.starts_with("/witness/") => true,
            _ => answer.text().contains("<h1>"),
        };
        assert!(
            answer.status < 400 || answer.status == 416 || words,
            "a refusal is a page, or a problem: {answer:?}"
        );
        answer
    }

    async fn get(&self, path: &str, cookie: &str, more: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n{more}\r\n")).await
    }

    async fn post(&self, path: &str, cookie: &str, body: &str, more: &str) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n{more}"
        );
        self.send(format!("{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await
    }

    /// A call of the API with a body of JSON.
    async fn call(&self, path: &str, cookie: &str, body: &str, more: &str) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n{more}"
        );
        self.send(format!(
            "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    async fn sign_in(&self, password: &str) -> Answer {
        self.sign_in_as("kim", password, "").await
    }

    async fn sign_in_as(&self, name: &str, password: &str, cookies: &str) -> Answer {
        self.sign_in_from([127, 0, 0, 1].into(), name, password, cookies)
            .await
    }

    /// `cookies`: what the browser has, but for the form's.
    async fn sign_in_from(
        &self,
        from: IpAddr,
        name: &str,
        password: &str,
        cookies: &str,
    ) -> Answer {
        let form = self.get("/sign-in", "", "").await;
        let knock = form.cookie("__Host-beadle-knock").expect("knock");
        let body = format!(
            "form={}&name={name}&password={}",
            form.form(),
            password.replace(' ', "+")
        );
        let head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        let request = format!(
            "{head}Cookie: __Host-beadle-knock={knock}; {cookies}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send_from(from, request).await
    }

    /// Somebody of this role, who has its name.
    async fn cookie_of(&self, role: &str) -> String {
        self.cookie_for(role).await
    }

    async fn cookie(&self) -> String {
        self.cookie_for("kim").await
    }

    async fn cookie_for(&self, name: &str) -> String {
        let answer = self.sign_in_as(name, PASSWORD, "").await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        format!(
            "__Host-beadle={}",
            answer.cookie("__Host-beadle").expect("cookie")
        )
    }
}
