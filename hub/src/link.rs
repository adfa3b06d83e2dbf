//! Adapter: quinn listener. The only file that names quinn: connections, streams and frames.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use quinn::{VarInt, crypto::rustls::QuicServerConfig};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use serde::Serialize;
use shared::{
    certificate::Certificate,
    id::BoxName,
    time::Utc,
    wire::{self, BadFrame, Frame},
};

use crate::keys::{
    KeyError, Keys,
    authority::{ServerCertificate, Side, key_print},
};

/// The hub notices a silent box after this long; an idle box costs one small packet each way per keep-alive.
const IDLE: Duration = Duration::from_secs(45);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A thin, slow link needs three round trips; nobody needs longer.
const HANDSHAKE: Duration = Duration::from_secs(6);
/// Connection attempts that wait for this program to look at them, and the bytes of each and of all that are kept meanwhile.
const WAITING: usize = 1024;
const WAITING_BYTES: u64 = 16 << 10;
const WAITING_BYTES_ALL: u64 = 4 << 20;
/// Streams at once, and bytes that may be under way, of a connection that has not shown who it is; and of a box.
const STRANGER_STREAMS: u32 = 1;
const STRANGER_BYTES: u32 = 64 << 10;
const BOX_STREAMS: u32 = 16;
const BOX_BYTES: u32 = 8 << 20;
/// What is taken at once of what comes, and how long it is waited for after the first of it.
const PIECE: usize = 64 << 10;
const GATHER: Duration = Duration::from_millis(20);
/// First frame of a stranger, at most: what enrolment says fits many times.
const STRANGER_FRAME: usize = 32 << 10;

#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("cannot listen for boxes on {addr}: {why}")]
    Listen { addr: SocketAddr, why: String },
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the connection was lost: {0}")]
    Lost(String),
    #[error(transparent)]
    Frame(#[from] BadFrame),
    #[error("the stream ended in the middle of a frame")]
    Cut,
    #[error("nothing came for {0} s")]
    Silent(u64),
    #[error("a frame of {0} bytes came where one of {STRANGER_FRAME} at most was due")]
    Large(usize),
    #[error("others of its address, or of all, took its place")]
    Displaced,
}

fn lost(e: impl std::fmt::Display) -> LinkError {
    LinkError::Lost(e.to_string())
}

/// A hub that was killed and is back knows none of its connections. With the same reset key as before it can tell each box so at
/// its next packet (RFC 9000 10.3), instead of leaving it to find out by silence.
fn endpoint_config(reset_key: &[u8; 32]) -> quinn::EndpointConfig {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, reset_key);
    let mut config = quinn::EndpointConfig::new(Arc::new(key));
    config.cid_generator(|| Box::new(Cids));
    config
}

/// Connection ids that say nothing about the process that made them.
struct Cids;

impl quinn::ConnectionIdGenerator for Cids {
    fn generate_cid(&mut self) -> quinn::ConnectionId {
        // Without randomness an id of zeros: the handshake, which needs some too, has failed already.
        quinn::ConnectionId::new(&crate::keys::random::<8>().unwrap_or_default())
    }
    fn cid_len(&self) -> usize {
        8
    }
    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// What a client certificate says, and no matter when: None when it is none of a box.
fn read(der: &CertificateDer<'_>) -> Option<BoxCertificate> {
    let read = Certificate::parse(der.as_ref())?;
    Some(BoxCertificate {
        name: BoxName::parse(read.name?).ok()?,
        key: key_print(read.spki),
        spki: read.spki.to_vec(),
        until: read.until,
    })
}

/// In the handshake: is it a box's certificate of this hub's authority? What it may do, the session decides by the records and the hub's
/// clock: a box whose certificate is over may still renew it, and one from before a clock was set back is none the worse.
#[derive(Debug)]
struct AnyTime(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AnyTime {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let began = Certificate::parse(leaf.as_ref())
            .filter(|_| read(leaf).is_some())
            .and_then(|c| u64::try_from(c.from.seconds()).ok())
            .ok_or(rustls::Error::InvalidCertificate(
                CertificateError::BadEncoding,
            ))?;
        let began = UnixTime::since_unix_epoch(Duration::from_secs(began));
        self.0.verify_client_cert(leaf, chain, began)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }
}

/// The listening end.
#[derive(Clone)]
pub struct Listener(quinn::Endpoint, Arc<ServerCertificate>);

impl Listener {
    /// `names`: what the hub is called, for its certificate.
    pub fn bind(
        addr: SocketAddr,
        names: &[String],
        keys: &Keys,
        now: shared::time::Utc,
    ) -> Result<Self, LinkError> {
        let failed = |why: String| LinkError::Listen { addr, why };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots
            .add(keys.authority().der().clone())
            .map_err(|e| failed(e.to_string()))?;
        // Certificates are optional only so that a new box can enrol; the session decides what a connection without one may do.
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .allow_unauthenticated()
                .build()
                .map_err(|e| failed(e.to_string()))?;
        let certificate = Arc::new(ServerCertificate::open(
            keys.authority(),
            Side::Boxes,
            names,
            now,
        )?);
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| failed(e.to_string()))?
            .with_client_cert_verifier(Arc::new(AnyTime(verifier)))
            .with_cert_resolver(certificate.clone());
        tls.alpn_protocols = vec![wire::ALPN.to_vec()];
        // No resumption: every connection shows its certificate, so a revoked one has no back door.
        tls.send_tls13_tickets = 0;
        tls.max_early_data_size = 0;
        let crypto = QuicServerConfig::try_from(tls).map_err(|e| failed(e.to_string()))?;
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        let mut transport = quinn::TransportConfig::default();
        transport
            .max_concurrent_bidi_streams(VarInt::from_u32(STRANGER_STREAMS))
            .receive_window(VarInt::from_u32(STRANGER_BYTES))
            // Of a stranger the whole connection's window, above, is the limit.
            .stream_receive_window(VarInt::from_u32(BOX_BYTES))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .datagram_receive_buffer_size(None)
            .keep_alive_interval(Some(KEEP_ALIVE))
            .max_idle_timeout(Some(
                IDLE.try_into()
                    .map_err(|_| failed("idle time out of range".into()))?,
            ));
        config
            .transport_config(Arc::new(transport))
            .max_incoming(WAITING)
            .incoming_buffer_size(WAITING_BYTES)
            .incoming_buffer_size_total(WAITING_BYTES_ALL);
        let socket = std::net::UdpSocket::bind(addr).map_err(|e| failed(e.to_string()))?;
        let endpoint = quinn::Endpoint::new(
            endpoint_config(&keys.reset_key()?),
            Some(config),
            socket,
            Arc::new(quinn::TokioRuntime),
        )
        .map_err(|e| failed(e.to_string()))?;
        Ok(Self(endpoint, certificate))
    }

    /// What boxes are shown.
    pub fn certificate(&self) -> Arc<ServerCertificate> {
        self.1.clone()
    }

    pub fn local_addr(&self) -> Result<SocketAddr, LinkError> {
        self.0.local_addr().map_err(lost)
    }

    /// The next connection attempt; None when the listener is closed. Garbage never gets this far.
    pub async fn knock(&self) -> Option<ConnectionAttempt> {
        self.0.accept().await.map(ConnectionAttempt)
    }

    /// Says goodbye to all and waits for it to be heard (at most two seconds).
    pub async fn close(&self, why: &str) {
        self.0
            .close(VarInt::from_u32(wire::close::DONE), why.as_bytes());
        let _ = tokio::time::timeout(Duration::from_secs(2), self.0.wait_idle()).await;
    }
}

/// A connection attempt, not yet answered.
pub struct ConnectionAttempt(quinn::Incoming);

impl ConnectionAttempt {
    pub fn from(&self) -> SocketAddr {
        self.0.remote_address()
    }

    /// Whether it was shown that whoever knocks is reached at that address.
    pub fn proven(&self) -> bool {
        self.0.remote_address_validated()
    }

    /// Has whoever knocks answer from that address first. Nothing is kept of this attempt.
    pub fn prove(self) {
        // Only fails when it was shown already.
        let _ = self.0.retry();
    }

    pub async fn open(self) -> Result<Connection, LinkError> {
        let connecting = self.0.accept().map_err(lost)?;
        let connection = tokio::time::timeout(HANDSHAKE, connecting)
            .await
            .map_err(|_| LinkError::Silent(HANDSHAKE.as_secs()))?;
        Ok(Connection(connection.map_err(lost)?))
    }
}

/// One connection. Cheap to clone.
#[derive(Clone)]
pub struct Connection(quinn::Connection);

impl Connection {
    /// The client certificate; None when it showed none. That this hub's authority made it was verified in the handshake.
    pub fn certificate(&self) -> Option<BoxCertificate> {
        let chain = self
            .0
            .peer_identity()?
            .downcast::<Vec<CertificateDer<'static>>>()
            .ok()?;
        chain.first().and_then(read)
    }

    /// From here on it has a box's share of streams and memory.
    pub fn widen(&self) {
        self.0
            .set_max_concurrent_bi_streams(VarInt::from_u32(BOX_STREAMS));
        self.0.set_receive_window(VarInt::from_u32(BOX_BYTES));
    }

    pub fn remote(&self) -> SocketAddr {
        self.0.remote_address()
    }

    pub fn close(&self, code: u32, why: &str) {
        self.0.close(VarInt::from_u32(code), why.as_bytes());
    }

    /// Why and when the connection ended.
    pub async fn closed(&self) -> String {
        self.0.closed().await.to_string()
    }

    pub async fn next_stream(&self) -> Option<(Outgoing, Incoming)> {
        self.0
            .accept_bi()
            .await
            .ok()
            .map(|(o, i)| (Outgoing(o), Incoming::of(i)))
    }

    pub async fn open_stream(&self) -> Result<(Outgoing, Incoming), LinkError> {
        let (o, i) = self.0.open_bi().await.map_err(lost)?;
        Ok((Outgoing(o), Incoming::of(i)))
    }
}

/// Our half of a stream.
pub struct Outgoing(quinn::SendStream);

impl Outgoing {
    pub async fn send(&mut self, message: &impl Serialize) -> Result<(), LinkError> {
        self.0
            .write_all(&wire::encode_json(message)?)
            .await
            .map_err(lost)
    }

    /// Nothing more will be sent.
    pub fn finish(&mut self) {
        // Only fails when it was finished or reset already.
        let _ = self.0.finish();
    }

    /// Waits until the other side has everything (or is gone).
    pub async fn heard(&mut self) {
        self.finish();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.0.stopped()).await;
    }
}

/// Their half of a stream.
pub struct Incoming {
    stream: quinn::RecvStream,
    /// Of a frame whose body is taken as it comes: what of it is still to come.
    left: usize,
}

impl Incoming {
    fn of(stream: quinn::RecvStream) -> Self {
        Self { stream, left: 0 }
    }

    /// What has come of the bodies of frames of one kind, at most [`PIECE`] bytes; None at the stream's end. What came is not lost with
    /// what did not: a frame whose rest never comes gives what there is of it.
    pub async fn some(&mut self, kind: u8, limit: Duration) -> Result<Option<Vec<u8>>, LinkError> {
        let within = tokio::time::timeout(limit, async {
            while self.left == 0 {
                match self.body(kind).await? {
                    Some(len) => self.left = len,
                    None => return Ok(None),
                }
            }
            let mut piece = vec![0; self.left.min(PIECE)];
            let begun = self.stream.read(&mut piece).await.map_err(lost)?;
            let mut there = begun.ok_or(LinkError::Cut)?;
            // What is about to come is taken along: fewer, larger writes.
            while there < piece.len() {
                let more = self.stream.read(&mut piece[there..]);
                match tokio::time::timeout(GATHER, more).await {
                    Ok(Ok(Some(n))) => there += n,
                    // Said at the next call.
                    Ok(Ok(None) | Err(_)) | Err(_) => break,
                }
            }
            piece.truncate(there);
            self.left -= there;
            Ok(Some(piece))
        });
        within
            .await
            .unwrap_or(Err(LinkError::Silent(limit.as_secs())))
    }

    /// The length of the next frame's body, if it is of that kind.
    async fn body(&mut self, kind: u8) -> Result<Option<usize>, LinkError> {
        let mut prefix = [0; 4];
        match self.stream.read_exact(&mut prefix).await {
            Ok(()) => {}
            Err(quinn::ReadExactError::FinishedEarly(0)) => return Ok(None),
            Err(quinn::ReadExactError::FinishedEarly(_)) => return Err(LinkError::Cut),
            Err(e) => return Err(lost(e)),
        }
        let len = wire::frame_len(prefix)?;
        let mut found = [0; 1];
        match self.stream.read_exact(&mut found).await {
            Ok(()) => Ok((found == [kind]).then(|| len.saturating_sub(1))),
            Err(quinn::ReadExactError::FinishedEarly(_)) => Err(LinkError::Cut),
            Err(e) => Err(lost(e)),
        }
    }

    /// The next frame; None at the stream's end. Not cancel-safe: do not drop it half-way and call it again.
    pub async fn frame(&mut self) -> Result<Option<Frame>, LinkError> {
        self.frame_of(wire::MAX_FRAME).await
    }

    async fn frame_of(&mut self, most: usize) -> Result<Option<Frame>, LinkError> {
        let mut prefix = [0; 4];
        match self.stream.read_exact(&mut prefix).await {
            Ok(()) => {}
            Err(quinn::ReadExactError::FinishedEarly(0)) => return Ok(None),
            Err(quinn::ReadExactError::FinishedEarly(_)) => return Err(LinkError::Cut),
            Err(e) => return Err(lost(e)),
        }
        let len = wire::frame_len(prefix)?;
        if len > most {
            return Err(LinkError::Large(len));
        }
        let mut body = vec![0; len];
        match self.stream.read_exact(&mut body).await {
            Ok(()) => Ok(Some(Frame::from_bytes(body)?)),
            Err(quinn::ReadExactError::FinishedEarly(_)) => Err(LinkError::Cut),
            Err(e) => Err(lost(e)),
        }
    }

    /// A stranger's next frame, which is small and comes soon.
    pub async fn small_frame(&mut self, limit: Duration) -> Result<Option<Frame>, LinkError> {
        tokio::time::timeout(limit, self.frame_of(STRANGER_FRAME))
            .await
            .map_err(|_| LinkError::Silent(limit.as_secs()))?
    }

    /// The next frame, or an error when none comes in time.
    pub async fn frame_within(&mut self, limit: Duration) -> Result<Option<Frame>, LinkError> {
        tokio::time::timeout(limit, self.frame())
            .await
            .map_err(|_| LinkError::Silent(limit.as_secs()))?
    }
}

/// What a box's certificate says of it. This hub's authority made it, some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxCertificate {
    pub name: BoxName,
    /// SHA-256 of its public key, lower hex.
    pub key: String,
    /// That key (SubjectPublicKeyInfo, DER).
    pub spki: Vec<u8>,
    pub until: Utc,
}
