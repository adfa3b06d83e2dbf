//! Adapter: quinn and rustls. The only file that names quinn: dialling, streams, frames, and whom we trust.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::congestion::Measured;
use crate::config::Congestion;
use quinn::{ConnectionError, VarInt, crypto::rustls::QuicClientConfig};
use rustls::{
    CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
};
use serde::Serialize;
use shared::{
    code::EnrolCode,
    time::Utc,
    wire::{self, BadFrame, Frame},
};
use tokio::task::JoinSet;

/// A hub that was killed cannot say so: the box finds out by silence. A keep-alive costs some 20 bytes a second.
const IDLE: Duration = Duration::from_secs(20);
const KEEP_ALIVE: Duration = Duration::from_secs(6);
/// May be under way at once: 100 Mbit/s over a round trip of 600 ms.
const SEND_BYTES: u64 = 8 << 20;
/// A packet is lost when so many later ones have arrived, or after so many round trips: radio hands some on out of turn.
const OVERTAKEN: u32 = 12;
const OVERDUE: f32 = 1.25;
const DIAL: Duration = Duration::from_secs(10);
/// The next address has its turn when one has not answered for so long: a thin, slow line needs less.
const NEXT: Duration = Duration::from_secs(3);

/// What goes first on a thin link. Audit before clips, always.
pub mod priority {
    pub const CONTROL: i32 = 20;
    pub const AUDIT: i32 = 10;
    /// Somebody waits for a picture.
    pub const LOOK: i32 = 5;
    pub const CLIP: i32 = 0;
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the hub's address {0:?} is not host:port, or its name is not known here: {1}")]
    Address(String, String),
    #[error("the hub does not answer at {0}")]
    Silent(String),
    #[error("{hub} did not show the certificate of this box's hub: {why}")]
    Stranger { hub: String, why: String },
    #[error(
        "the hub does not accept this box's certificate ({0}); enrol the box again with a new code"
    )]
    NotAccepted(String),
    /// The hub closed the connection with a code of [`wire::close`] and a sentence.
    #[error("the hub closed the connection: {why}")]
    Closed { code: u32, why: String },
    #[error("the hub did not renew this box's certificate: {0}")]
    NotRenewed(String),
    #[error("the box's certificate is renewed; dialling again with the new one")]
    Renewed,
    #[error("the connection to the hub was lost: {0}")]
    Lost(String),
    /// Of several addresses; the first is the one that says most.
    #[error("{first}; nor is it elsewhere: {others}")]
    Nowhere {
        first: Box<LinkError>,
        others: String,
    },
    #[error(transparent)]
    Frame(#[from] BadFrame),
    #[error("the hub's answer ended half-way")]
    Cut,
    #[error("the hub kept us waiting for {0} s")]
    Waited(u64),
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

/// Whom we take for the hub.
#[derive(Clone)]
pub enum Trusted {
    /// Enrolling: a chain whose last certificate is the authority this code vouches for.
    Code(EnrolCode),
    /// Enrolled: certified by this CA.
    Ca(CertificateDer<'static>),
}

/// Whom to dial, and as whom.
pub struct Target {
    pub hub: String,
    pub trusted: Trusted,
    /// Certificate and key of the box, once it has them.
    pub client: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    pub congestion: Congestion,
    /// Certificates are judged at this time: the clock, but never before what is known to be past.
    pub judged_at: Utc,
}

/// Dials the hub at one address after the other, each a while after the one before it, until one answers: which one, and the line. Nothing is
/// said at the others.
pub async fn dial_first(targets: Vec<Target>) -> Result<(String, Line), LinkError> {
    let mut tries = JoinSet::new();
    let mut failures: Vec<(usize, String, LinkError)> = Vec::new();
    let mut left = targets.into_iter().enumerate();
    loop {
        let Some((place, target)) = left.next() else {
            match tries.join_next().await {
                Some(done) => {
                    if let Some(found) = answered(done, &mut failures) {
                        return Ok(found);
                    }
                    continue;
                }
                None => return Err(nowhere(failures)),
            }
        };
        tries.spawn(async move { (place, dial(&target).await, target.hub) });
        // The next one's turn comes when this one has failed, or has kept us waiting.
        while let Ok(Some(done)) = tokio::time::timeout(NEXT, tries.join_next()).await {
            if let Some(found) = answered(done, &mut failures) {
                return Ok(found);
            }
        }
    }
}

type Answered = (usize, Result<Line, LinkError>, String);

fn answered(
    done: Result<Answered, tokio::task::JoinError>,
    failures: &mut Vec<(usize, String, LinkError)>,
) -> Option<(String, Line)> {
    match done {
        Ok((_, Ok(line), hub)) => return Some((hub, line)),
        Ok((place, Err(e), hub)) => failures.push((place, hub, e)),
        Err(e) => failures.push((usize::MAX, String::new(), LinkError::Lost(e.to_string()))),
    }
    None
}

/// Of all failures the one that says most: somebody was there; of such, the first in turn.
fn nowhere(mut failures: Vec<(usize, String, LinkError)>) -> LinkError {
    failures.sort_by_key(|(place, _, e)| (!e.somebody(), *place));
    let mut failures = failures.into_iter();
    let Some((_, _, first)) = failures.next() else {
        return LinkError::Lost("no address of the hub is known".into());
    };
    let others: Vec<String> = failures.map(|(_, _, e)| e.to_string()).collect();
    match others.is_empty() {
        true => first,
        false => LinkError::Nowhere {
            first: Box::new(first),
            others: others.join("; "),
        },
    }
}

impl LinkError {
    /// Somebody answered there.
    fn somebody(&self) -> bool {
        matches!(
            self,
            Self::Stranger { .. } | Self::NotAccepted(_) | Self::Closed { .. }
        )
    }

    /// The one that says most.
    pub fn main(&self) -> &Self {
        match self {
            Self::Nowhere { first, .. } => first.main(),
            other => other,
        }
    }
}

/// Dials the hub once.
pub async fn dial(target: &Target) -> Result<Line, LinkError> {
    let hub = target.hub.clone();
    // Anew each time: a name may have moved since.
    let addresses: Vec<SocketAddr> = tokio::time::timeout(DIAL, tokio::net::lookup_host(&hub))
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        .map_err(|e| LinkError::Address(hub.clone(), e.to_string()))?
        .collect();
    let mut last = LinkError::Address(hub.clone(), "no address".into());
    for address in addresses {
        match dial_at(target, address).await {
            Ok(line) => return Ok(line),
            // Another address of the same name does not change who we are or whom we trust.
            Err(
                e @ (LinkError::Stranger { .. }
                | LinkError::NotAccepted(_)
                | LinkError::Closed { .. }
                | LinkError::Tls(_)),
            ) => return Err(e),
            Err(e) => last = e,
        }
    }
    Err(last)
}

async fn dial_at(target: &Target, address: SocketAddr) -> Result<Line, LinkError> {
    let tls = |e: &dyn std::fmt::Display| LinkError::Tls(e.to_string());
    let verifier = Arc::new(Pinned::new(target)?);
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| tls(&e))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone());
    let mut config = match &target.client {
        Some((cert, key)) => builder
            .with_client_auth_cert(vec![cert.clone()], key.clone_key())
            .map_err(|e| tls(&e))?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![wire::ALPN.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    let mut config = quinn::ClientConfig::new(Arc::new(
        QuicClientConfig::try_from(config).map_err(|e| tls(&e))?,
    ));
    let mut transport = quinn::TransportConfig::default();
    if target.congestion == Congestion::Measured {
        transport.congestion_controller_factory(Arc::new(Measured));
    }
    transport
        .send_window(SEND_BYTES)
        .packet_threshold(OVERTAKEN)
        .time_threshold(OVERDUE)
        .max_concurrent_bidi_streams(VarInt::from_u32(16))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IDLE.try_into().map_err(|e| tls(&e))?));
    config.transport_config(Arc::new(transport));
    let any: SocketAddr = if address.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0u16; 8], 0).into()
    };
    let endpoint = quinn::Endpoint::client(any).map_err(|e| LinkError::Lost(e.to_string()))?;
    let connecting = endpoint
        .connect_with(config, address, wire::SERVER_NAME)
        .map_err(|e| LinkError::Lost(e.to_string()))?;
    let silent = || LinkError::Silent(target.hub.clone());
    match tokio::time::timeout(DIAL, connecting).await {
        Err(_) => Err(silent()),
        Ok(Ok(connection)) => Ok(Line {
            connection,
            _endpoint: endpoint,
        }),
        Ok(Err(e)) => Err(match verifier.refusal() {
            Some(why) => LinkError::Stranger {
                hub: target.hub.clone(),
                why,
            },
            None if matches!(e, ConnectionError::TimedOut) => silent(),
            None => lost(e),
        }),
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS alerts with which a hub turns a certificate down arrive as QUIC errors 0x100 + alert.
fn lost(e: ConnectionError) -> LinkError {
    match e {
        ConnectionError::ApplicationClosed(c) => LinkError::Closed {
            code: u32::try_from(c.error_code.into_inner()).unwrap_or(u32::MAX),
            why: String::from_utf8_lossy(&c.reason).into_owned(),
        },
        ConnectionError::ConnectionClosed(c) => {
            let code = u64::from(c.error_code);
            let why = match code.checked_sub(0x100) {
                Some(42 | 43 | 46 | 51) => "it could not be verified",
                Some(44) => "it is revoked",
                Some(45) => "it has expired",
                Some(48) => "another authority made it",
                Some(49 | 116) => "none was shown, or not one for this hub",
                _ => return LinkError::Lost(c.to_string()),
            };
            LinkError::NotAccepted(why.into())
        }
        e => LinkError::Lost(e.to_string()),
    }
}

/// Accepts only this scheme's hub.
#[derive(Debug)]
struct Pinned {
    code: Option<EnrolCode>,
    roots: Option<Arc<WebPkiServerVerifier>>,
    judged_at: UnixTime,
    refusal: Mutex<Option<String>>,
}

impl Pinned {
    fn new(target: &Target) -> Result<Self, LinkError> {
        let (code, roots) = match &target.trusted {
            Trusted::Code(code) => (Some(code.clone()), None),
            Trusted::Ca(ca) => (None, Some(verifier(ca).map_err(LinkError::Tls)?)),
        };
        let secs = u64::try_from(target.judged_at.seconds()).unwrap_or(0);
        Ok(Self {
            code,
            roots,
            judged_at: UnixTime::since_unix_epoch(Duration::from_secs(secs)),
            refusal: Mutex::default(),
        })
    }

    fn refusal(&self) -> Option<String> {
        self.refusal
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    fn refuse(&self, why: String) -> rustls::Error {
        *self
            .refusal
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(why);
        rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
    }
}

fn verifier(ca: &CertificateDer<'_>) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(ca.clone().into_owned())
        .map_err(|e| e.to_string())?;
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|e| e.to_string())
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let roots = match (&self.roots, &self.code) {
            (Some(roots), _) => roots.clone(),
            (None, Some(code)) => {
                let ca = chain.last().filter(|ca| code.vouches_for(ca.as_ref()));
                let Some(ca) = ca else {
                    return Err(self.refuse(
                        "its authority is not the one that made this code, so the code was not shown to it. Is the address the hub's, and the code this hub's? If both are, somebody stands in the way: tell the hub's manager".into(),
                    ));
                };
                verifier(ca).map_err(|e| self.refuse(e))?
            }
            (None, None) => return Err(self.refuse("nobody is trusted".into())),
        };
        let verify = |at| roots.verify_server_cert(leaf, chain, name, ocsp, at);
        let result = match verify(self.judged_at) {
            // The pinned authority certifies nobody before the time: it is our clock that is behind.
            Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
                not_before,
                ..
            })) => verify(not_before),
            other => other,
        };
        result.map_err(|e| {
            let why = match &e {
                rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature,
                ) => "another authority made it".into(),
                rustls::Error::InvalidCertificate(
                    CertificateError::Expired | CertificateError::ExpiredContext { .. },
                ) => "it has expired; the hub must renew it".into(),
                rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                ) => "it is not a hub's".into(),
                e => e.to_string(),
            };
            self.refuse(why)
        })
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &provider().signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// One connection. Cheap to clone.
#[derive(Clone)]
pub struct Line {
    connection: quinn::Connection,
    _endpoint: quinn::Endpoint,
}

impl Line {
    pub async fn open(&self, priority: i32) -> Result<(Outgoing, Incoming), LinkError> {
        let (out, inc) = self.connection.open_bi().await.map_err(lost)?;
        // Only fails on a stream that is closed already, which the next write says.
        let _ = out.set_priority(priority);
        Ok((Outgoing(out), Incoming(inc)))
    }

    /// The next stream the hub opens.
    pub async fn accept(&self, priority: i32) -> Result<(Outgoing, Incoming), LinkError> {
        let (out, inc) = self.connection.accept_bi().await.map_err(lost)?;
        let _ = out.set_priority(priority);
        Ok((Outgoing(out), Incoming(inc)))
    }

    pub async fn closed(&self) -> LinkError {
        lost(self.connection.closed().await)
    }

    /// Why it was closed, when it was.
    pub fn why_closed(&self) -> Option<LinkError> {
        self.connection.close_reason().map(lost)
    }

    /// Says goodbye and waits for it to be sent (at most a second).
    pub async fn close(&self, why: &str) {
        self.close_with(wire::close::DONE, why).await;
    }

    /// The hub's answer is not one of those that are known here: it is told so when it speaks another version.
    pub async fn not_understood(&self, e: BadFrame) -> LinkError {
        if let BadFrame::Version(_) = &e {
            self.close_with(wire::close::VERSION, &e.to_string()).await;
        }
        e.into()
    }

    async fn close_with(&self, code: u32, why: &str) {
        self.connection
            .close(VarInt::from_u32(code), why.as_bytes());
        let _ = tokio::time::timeout(Duration::from_secs(1), self._endpoint.wait_idle()).await;
    }
}

/// Our half of a stream.
pub struct Outgoing(quinn::SendStream);

impl Outgoing {
    pub async fn send(&mut self, message: &impl Serialize) -> Result<(), LinkError> {
        self.bytes(&wire::encode_json(message)?).await
    }

    pub async fn frame(&mut self, kind: u8, body: &[u8]) -> Result<(), LinkError> {
        self.bytes(&wire::encode(kind, body)).await
    }

    async fn bytes(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.0.write_all(bytes).await.map_err(|e| match e {
            quinn::WriteError::ConnectionLost(e) => lost(e),
            e => LinkError::Lost(e.to_string()),
        })
    }

    /// It goes at this priority from now on.
    pub fn prefer(&self, priority: i32) {
        // Only fails on a stream that is closed already, which the next write says.
        let _ = self.0.set_priority(priority);
    }

    /// Nothing more will be sent; waits until the hub has it all (or is gone).
    pub async fn finish(&mut self) {
        // Only fails when it was finished or reset already.
        let _ = self.0.finish();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.0.stopped()).await;
    }
}

/// Their half of a stream.
pub struct Incoming(quinn::RecvStream);

impl Incoming {
    /// The next frame; None at the stream's end. Not cancel-safe: do not drop it half-way and call it again.
    pub async fn frame(&mut self) -> Result<Option<Frame>, LinkError> {
        let mut prefix = [0; 4];
        match self.0.read_exact(&mut prefix).await {
            Ok(()) => {}
            Err(quinn::ReadExactError::FinishedEarly(0)) => return Ok(None),
            Err(e) => return Err(cut(e)),
        }
        let mut body = vec![0; wire::frame_len(prefix)?];
        self.0.read_exact(&mut body).await.map_err(cut)?;
        Ok(Some(Frame::from_bytes(body)?))
    }

    pub async fn frame_within(&mut self, limit: Duration) -> Result<Option<Frame>, LinkError> {
        tokio::time::timeout(limit, self.frame())
            .await
            .map_err(|_| LinkError::Waited(limit.as_secs()))?
    }
}

fn cut(e: quinn::ReadExactError) -> LinkError {
    match e {
        quinn::ReadExactError::FinishedEarly(_) => LinkError::Cut,
        quinn::ReadExactError::ReadError(quinn::ReadError::ConnectionLost(e)) => lost(e),
        quinn::ReadExactError::ReadError(e) => LinkError::Lost(e.to_string()),
    }
}
