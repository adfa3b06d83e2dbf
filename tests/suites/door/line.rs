//! Adapter: sockets. What comes to a hub's two doors, out of its machine's own network: boxes and strangers over QUIC, browsers over HTTPS. They
//! keep to no rule.
use std::{
    fs,
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use beadle_tests::{Done, Told, Trouble, machine::Machine};
use nix::sched::{CloneFlags, setns};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::Serialize;
use serde_json::Value;
use shared::{
    id::BoxName,
    testing::LogBuilder,
    wire::{self, AuditReply, EnrolReply, Frame, Open},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// Attackers, boxes and staff come from different addresses, as they do.
pub const ATTACKERS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 66, 0, 66));
pub const TOWNS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 66, 0, 3));
pub const STAFF: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 66, 0, 2));
/// One of a dozen from which nobody has come yet.
pub fn fresh(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 66, 0, 100 + n % 12))
}
const HUB: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 66, 0, 1));
/// Everything that is to be answered is answered by then.
const SOON: Duration = Duration::from_secs(60);

pub type Tls = tokio_rustls::client::TlsStream<TcpStream>;

/// One of many at which nobody is: whoever sends from there is not answered.
pub fn forged(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 67, 0, n.max(1)))
}

/// A hub's doors.
#[derive(Clone)]
pub struct Doors {
    pub quic: SocketAddr,
    https: SocketAddr,
    ca: CertificateDer<'static>,
    pages: tokio_rustls::TlsConnector,
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity(CertificateDer<'static>, Vec<u8>);

/// Runs what talks over the network of a machine, on a thread of its own.
pub fn in_network<T: Send + 'static, F: Future<Output = Done<T>>>(
    of: &Machine,
    work: impl FnOnce() -> F + Send + 'static,
) -> Done<thread::JoinHandle<Done<T>>> {
    let namespace =
        fs::File::open(format!("/proc/{}/ns/net", of.init()?)).told("the machine's network")?;
    Ok(thread::spawn(move || {
        setns(&namespace, CloneFlags::CLONE_NEWNET).told("the machine's network")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(work())
    }))
}

impl Doors {
    /// Gives the machine the addresses that everybody comes from.
    pub fn open(hub: &Machine) -> Done<Self> {
        hub.sh(&format!(
            "for a in {HUB} {ATTACKERS} {TOWNS} {STAFF} 10.66.0.{{100..111}}; do ip address add $a/32 dev lo; done; ip address add 10.67.0.1/24 dev lo"
        ))?;
        let pem = hub.read("/var/lib/beadle-hub/keys/ca.crt")?;
        let ca = CertificateDer::from_pem_slice(pem.as_bytes()).told("ca.crt")?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca.clone()).told("the authority")?;
        let pages = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .told("versions")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            quic: (HUB, 4433).into(),
            https: (HUB, 8443).into(),
            ca,
            pages: tokio_rustls::TlsConnector::from(Arc::new(pages)),
        })
    }

    pub async fn dial(&self, from: IpAddr, who: Option<&Identity>) -> Done<quinn::Connection> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.ca.clone()).told("the authority")?;
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .told("versions")?
            .with_root_certificates(roots);
        let mut tls = match who {
            Some(Identity(cert, key)) => builder
                .with_client_auth_cert(vec![cert.clone()], PrivateKeyDer::Pkcs8(key.clone().into()))
                .told("the certificate")?,
            None => builder.with_no_client_auth(),
        };
        tls.alpn_protocols = vec![wire::ALPN.to_vec()];
        let config = QuicClientConfig::try_from(tls).told("tls")?;
        let endpoint = quinn::Endpoint::client((from, 0).into())?;
        let dialled = endpoint
            .connect_with(
                quinn::ClientConfig::new(Arc::new(config)),
                self.quic,
                wire::SERVER_NAME,
            )
            .told("dialling")?;
        soon("a handshake", dialled).await?.told("a handshake")
    }

    /// Comes with a one-time code's secret; in, or the hub's sentence.
    pub async fn enrol(
        &self,
        from: IpAddr,
        name: &str,
        secret: &str,
    ) -> Done<Result<Identity, String>> {
        let key = rcgen::KeyPair::generate().told("a key")?;
        let spki = STANDARD.encode(rcgen::PublicKeyData::subject_public_key_info(&key));
        let line = self.dial(from, None).await?;
        let (mut out, mut inc) = line.open_bi().await.told("a stream")?;
        let open = Open::Enrol {
            v: 1,
            scheme: super::SCHEME.into(),
            r#box: BoxName::parse(name).told("the name")?,
            secret: secret.into(),
            spki,
        };
        send(&mut out, &open).await?;
        match soon("an answer", frame(&mut inc))
            .await??
            .json()
            .told("an answer")?
        {
            EnrolReply::Enrolled { cert, .. } => {
                let cert = CertificateDer::from_pem_slice(cert.as_bytes()).told("certificate")?;
                Ok(Ok(Identity(cert, key.serialize_der())))
            }
            EnrolReply::Refused { why } => Ok(Err(why)),
            EnrolReply::Unknown => Err(Trouble::new("an answer of no kind")),
        }
    }

    pub async fn connect(&self, from: IpAddr) -> std::io::Result<Tls> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let tcp = socket.connect(self.https).await?;
        let name =
            rustls::pki_types::ServerName::try_from(super::NAME).map_err(std::io::Error::other)?;
        self.pages.connect(name, tcp).await
    }

    /// The whole answer to a request.
    pub async fn ask(&self, from: IpAddr, request: &str) -> Done<String> {
        let asked = async {
            let mut tls = self.connect(from).await?;
            tls.write_all(request.as_bytes()).await?;
            let mut bytes = Vec::new();
            // Whether the other side says goodbye is its business.
            let _ = tls.read_to_end(&mut bytes).await;
            std::io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        soon("a page", asked).await?.told("a page")
    }

    pub async fn get(&self, from: IpAddr, path: &str, cookie: &str) -> Done<String> {
        self.ask(from, &request(path, cookie)).await
    }

    /// Asks, and goes away.
    pub async fn ask_and_go(&self, from: IpAddr, path: &str, cookie: &str) -> std::io::Result<()> {
        let mut tls = self.connect(from).await?;
        tls.write_all(request(path, cookie).as_bytes()).await?;
        tls.flush().await
    }

    /// What the hub answers to a name and a password.
    pub async fn sign_in(&self, from: IpAddr, name: &str, password: &str) -> Done<String> {
        self.sign_in_with(from, name, password, "").await
    }

    /// The same, from a browser that keeps this cookie.
    pub async fn sign_in_with(
        &self,
        from: IpAddr,
        name: &str,
        password: &str,
        cookie: &str,
    ) -> Done<String> {
        let knock = "a".repeat(64);
        let body = format!("form={knock}&name={name}&password={password}");
        let request = format!(
            "POST /sign-in HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: __Host-beadle-knock={knock}; {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            super::NAME,
            body.len()
        );
        self.ask(from, &request).await
    }
}

fn request(path: &str, cookie: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n",
        super::NAME
    )
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// # Errors
/// It takes longer than anything here does.
pub async fn soon<T>(what: &str, f: impl Future<Output = T>) -> Done<T> {
    let done = tokio::time::timeout(SOON, f).await;
    done.map_err(|_| Trouble(format!("{what}: none within {SOON:?}")))
}

pub async fn send(out: &mut quinn::SendStream, message: &impl Serialize) -> Done<()> {
    let frame = wire::encode_json(message).told("a message")?;
    out.write_all(&frame).await.told("sending")
}

pub async fn frame(inc: &mut quinn::RecvStream) -> Done<Frame> {
    let mut prefix = [0; 4];
    inc.read_exact(&mut prefix).await.told("a frame")?;
    let mut body = vec![0; wire::frame_len(prefix).told("a frame")?];
    inc.read_exact(&mut body).await.told("a frame")?;
    Frame::from_bytes(body).told("a frame")
}

/// A box's control stream, with whatever it says of itself.
pub async fn control(
    line: &quinn::Connection,
    hello: &Value,
) -> Done<(quinn::SendStream, quinn::RecvStream)> {
    let (mut out, mut inc) = line.open_bi().await.told("a stream")?;
    send(&mut out, hello).await?;
    soon("a welcome", frame(&mut inc)).await??;
    Ok((out, inc))
}

/// The hub's sentence when it closes the line.
pub async fn closed(line: &quinn::Connection) -> Done<String> {
    match soon("the end of the line", line.closed()).await? {
        quinn::ConnectionError::ApplicationClosed(c) => {
            Ok(String::from_utf8_lossy(&c.reason).into_owned())
        }
        other => Err(Trouble(format!("the line ended of itself: {other}"))),
    }
}

/// Opens an audit stream of the log of this number and sends what the hub lacks of it.
pub async fn audit(line: &quinn::Connection, log: &LogBuilder, number: u64) -> Done<AuditReply> {
    let (mut out, mut inc) = line.open_bi().await.told("a stream")?;
    let open = Open::Audit {
        log: number,
        cosigned: None,
    };
    send(&mut out, &open).await?;
    let have = match soon("what it has", frame(&mut inc))
        .await??
        .json()
        .told("an answer")?
    {
        AuditReply::Have { size, .. } => size as usize,
        other => return Ok(other),
    };
    let missing = &log.lines[have.min(log.lines.len())..];
    for lines in missing.chunks(300) {
        // What is refused in the middle is answered before all is sent.
        if out
            .write_all(&wire::encode(b'L', &lines.concat()))
            .await
            .is_err()
        {
            break;
        }
    }
    let _ = out
        .write_all(&wire::encode(b'H', log.head().render().as_bytes()))
        .await;
    soon("a countersignature", frame(&mut inc))
        .await??
        .json()
        .told("an answer")
}
