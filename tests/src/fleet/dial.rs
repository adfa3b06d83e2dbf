//! Adapter: quinn. A box's connection to a hub: dialled from an address of its own, with frames.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use quinn::{VarInt, crypto::rustls::QuicClientConfig};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    code::EnrolCode,
    id::BoxName,
    verify::P256_SPKI,
    wire::{self, EnrolReply, Frame, Open},
};

use crate::{Done, Trouble};

/// As on a box.
const IDLE: Duration = Duration::from_secs(20);
const KEEP_ALIVE: Duration = Duration::from_secs(6);
const DIAL: Duration = Duration::from_secs(10);
const SEND_BYTES: u64 = 8 << 20;

/// Whom boxes of one endpoint dial.
#[derive(Clone)]
pub struct Hub {
    pub address: SocketAddr,
    pub authority: CertificateDer<'static>,
    pub scheme: String,
}

/// A box's certificate and key.
pub struct Papers {
    pub name: BoxName,
    cert: CertificateDer<'static>,
    key: Vec<u8>,
}

fn told(e: impl std::fmt::Display) -> Trouble {
    Trouble(e.to_string())
}

/// The address of the `n`-th street, of many below 127.0.0.0/8.
pub fn street(n: usize) -> IpAddr {
    let [_, _, high, low] = u32::try_from(n + 1).unwrap_or(1).to_be_bytes();
    Ipv4Addr::new(127, 7, high, low).into()
}

pub fn endpoint(from: IpAddr) -> Done<quinn::Endpoint> {
    quinn::Endpoint::client((from, 0).into()).map_err(told)
}

fn config(hub: &Hub, papers: Option<&Papers>) -> Done<quinn::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(hub.authority.clone()).map_err(told)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(told)?
        .with_root_certificates(roots);
    let mut tls = match papers {
        Some(p) => builder
            .with_client_auth_cert(
                vec![p.cert.clone()],
                PrivateKeyDer::Pkcs8(p.key.clone().into()),
            )
            .map_err(told)?,
        None => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![wire::ALPN.to_vec()];
    tls.resumption = rustls::client::Resumption::disabled();
    let crypto = QuicClientConfig::try_from(tls).map_err(told)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    let mut transport = quinn::TransportConfig::default();
    transport
        .send_window(SEND_BYTES)
        .max_concurrent_bidi_streams(VarInt::from_u32(16))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IDLE.try_into().map_err(told)?));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// A box's way to its hub.
pub struct Way {
    config: quinn::ClientConfig,
    hub: SocketAddr,
}

impl Way {
    pub fn new(hub: &Hub, papers: Option<&Papers>) -> Done<Self> {
        Ok(Self {
            config: config(hub, papers)?,
            hub: hub.address,
        })
    }

    pub async fn dial(&self, endpoint: &quinn::Endpoint) -> Done<quinn::Connection> {
        let connecting = endpoint
            .connect_with(self.config.clone(), self.hub, wire::SERVER_NAME)
            .map_err(told)?;
        let done = tokio::time::timeout(DIAL, connecting).await;
        done.map_err(|_| Trouble::new("the hub does not answer"))?
            .map_err(told)
    }
}

/// Enrols with a one-time code, as a box does.
pub async fn enrol(hub: &Hub, endpoint: &quinn::Endpoint, code: &str) -> Done<Papers> {
    let code = EnrolCode::parse(code).map_err(told)?;
    let place = code.place.as_ref();
    let name = place.ok_or_else(|| Trouble::new("a code that names no box"))?;
    let name = name.r#box.clone();
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
        .map_err(told)?
        .as_ref()
        .to_vec();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, &random).map_err(told)?;
    let spki = [P256_SPKI.as_slice(), pair.public_key().as_ref()].concat();
    let line = Way::new(hub, None)?.dial(endpoint).await?;
    let (mut out, mut inc) = line.open_bi().await.map_err(told)?;
    let open = Open::Enrol {
        v: wire::VERSION,
        scheme: hub.scheme.clone(),
        r#box: name.clone(),
        secret: code.secret_text(),
        spki: STANDARD.encode(spki),
    };
    send(&mut out, &open).await?;
    let reply = answer::<EnrolReply>(&mut inc).await?;
    line.close(VarInt::from_u32(wire::close::DONE), b"enrolled");
    match reply {
        EnrolReply::Enrolled { cert, .. } => Ok(Papers {
            name,
            cert: CertificateDer::from_pem_slice(cert.as_bytes()).map_err(told)?,
            key,
        }),
        other => Err(Trouble(format!("{name} was not enrolled: {other:?}"))),
    }
}

pub async fn send(out: &mut quinn::SendStream, message: &impl Serialize) -> Done<()> {
    let bytes = wire::encode_json(message).map_err(told)?;
    out.write_all(&bytes).await.map_err(told)
}

pub async fn frame(inc: &mut quinn::RecvStream) -> Done<Frame> {
    let mut prefix = [0; 4];
    inc.read_exact(&mut prefix).await.map_err(told)?;
    let mut body = vec![0; wire::frame_len(prefix).map_err(told)?];
    inc.read_exact(&mut body).await.map_err(told)?;
    Frame::from_bytes(body).map_err(told)
}

pub async fn answer<T: DeserializeOwned>(inc: &mut quinn::RecvStream) -> Done<T> {
    frame(inc).await?.json().map_err(told)
}
