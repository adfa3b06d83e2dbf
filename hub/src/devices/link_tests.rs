//! Wiring. Tests of the hub over real QUIC on loopback: strangers, enrolment, a box's conversation, a clip that is interrupted.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use footage::{mp4, sealed};
use logbook::SystemClock;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use shared::{
    code::EnrolCode,
    id::{BoxCamera, BoxName, CameraId, ExhibitRef},
    note::{Cosigned, SignedHead},
    order::{self, Act, Code, Done, Order, Outcome, PullSegment, Refusal},
    record::sha256,
    schema::message::Hello,
    standing::Flow,
    testing::LogBuilder,
    time::{Clock, Utc},
    types::ExpClip,
    verify::Files,
    wire::{
        self, AuditReply, CameraHealth, CameraInfo, ClipReply, EnrolReply, Frame, Open, ToBox,
        ToHub, close,
    },
};
use tempfile::TempDir;

use super::{arrivals, enrol, registry};
use crate::{
    access::authorise::Permit,
    blocking::blocking,
    db::Db,
    evidence::Resting,
    holds::keeper,
    hub::{
        Hub,
        testing::{self, SCHEME},
    },
    keys::{Keys, authority::ServerCertificate},
    link::Listener,
    model::pull::State,
    pulls::fetch,
    requests::{
        self,
        submit::{self, PullRequest},
    },
};
mod clip_requests;
mod clips;
mod disposal;
mod door;
mod forked;
mod holds;
mod lifts;
mod looks;
mod renewals;

mod siege;
mod strangers;
mod touches;
mod twice;

const SOON: Duration = Duration::from_secs(60);

struct Rig {
    _dir: TempDir,
    desk: Arc<Hub>,
    /// What boxes are shown.
    certificate: Arc<ServerCertificate>,
    tasks: tokio::task::JoinSet<()>,
}

/// A box did what it was ordered.
fn says_done(order: u64, done: Done) -> ToHub {
    let outcome = Outcome::Done(done);
    ToHub::Answer { order, outcome }
}

/// A box did not.
fn says_refused(order: u64, code: Code, why: &str) -> ToHub {
    let outcome = Outcome::Refused(Refusal::new(code, why));
    ToHub::Answer { order, outcome }
}

impl Rig {
    fn new() -> Self {
        Self::on(Arc::new(SystemClock))
    }

    fn on(clock: Arc<dyn Clock>) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let mut desk = testing::open(dir.path(), clock.clone());
        let any = ([127, 0, 0, 1], 0).into();
        let listener = Listener::bind(any, &[], &desk.keys, clock.now().wall).expect("port");
        desk.quic = listener.local_addr().expect("address");
        let desk = Arc::new(desk);
        let mut tasks = tokio::task::JoinSet::new();
        let certificate = listener.certificate();
        tasks.spawn(arrivals::run(desk.clone(), listener));
        tasks.spawn(fetch::run(desk.clone()));
        tasks.spawn(keeper::run(desk.clone()));
        Self {
            _dir: dir,
            desk,
            certificate,
            tasks,
        }
    }

    async fn code(&self, name: &str) -> EnrolCode {
        let (desk, name) = (self.desk.clone(), BoxName::parse(name).expect("name"));
        let text = blocking(move || enrol::add(&desk, &name, &Permit::of_test(0, "console")))
            .await
            .expect("runs")
            .expect("code");
        EnrolCode::parse(&text.long).expect("code")
    }

    async fn enrolled(&self, name: &str) -> (CertificateDer<'static>, Vec<u8>) {
        let code = self.code(name).await;
        let key = rcgen::KeyPair::generate().expect("key");
        match self.enrol(&code.secret_text(), name, &key).await {
            EnrolReply::Enrolled {
                cert,
                ca,
                cosign,
                order,
                scheme,
                ..
            } => {
                let ca = CertificateDer::from_pem_slice(ca.as_bytes()).expect("ca");
                assert!(code.vouches_for(&ca));
                assert_eq!(
                    (cosign, order),
                    (
                        self.desk.keys.cosign_vkey().to_string(),
                        self.desk.keys.order_vkey().to_string()
                    )
                );
                assert_eq!(scheme, SCHEME);
                (
                    CertificateDer::from_pem_slice(cert.as_bytes()).expect("certificate"),
                    key.serialize_der(),
                )
            }
            other => panic!("{other:?}"),
        }
    }

    async fn enrol(&self, secret: &str, name: &str, key: &rcgen::KeyPair) -> EnrolReply {
        let line = self.dial(None).await.expect("dials");
        let spki = STANDARD.encode(rcgen::PublicKeyData::subject_public_key_info(key));
        let (mut out, mut inc) = line.open_bi().await.expect("stream");
        send(
            &mut out,
            &Open::Enrol {
                v: 1,
                scheme: self.desk.config.scheme.clone(),
                r#box: BoxName::parse(name).expect("name"),
                secret: secret.into(),
                spki,
            },
        )
        .await;
        frame(&mut inc)
            .await
            .expect("answer")
            .json()
            .expect("reply")
    }

    async fn dial(
        &self,
        who: Option<&(CertificateDer<'static>, Vec<u8>)>,
    ) -> Result<quinn::Connection, quinn::ConnectionError> {
        dial_at(
            self.desk.now(),
            self.desk.quic,
            self.desk.keys.authority().der(),
            who,
        )
        .await
    }
}

/// The time a box judges the hub's certificate at.
#[derive(Debug)]
struct At(Utc);

impl rustls::time_provider::TimeProvider for At {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let secs = u64::try_from(self.0.seconds()).expect("time");
        Some(rustls::pki_types::UnixTime::since_unix_epoch(
            Duration::from_secs(secs),
        ))
    }
}

async fn dial(
    hub: SocketAddr,
    ca: &CertificateDer<'static>,
    who: Option<&(CertificateDer<'static>, Vec<u8>)>,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    dial_with([127, 0, 0, 1].into(), SystemClock.now().wall, hub, ca, who).await
}

async fn dial_from(
    from: std::net::IpAddr,
    hub: SocketAddr,
    ca: &CertificateDer<'static>,
    who: Option<&(CertificateDer<'static>, Vec<u8>)>,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    dial_with(from, SystemClock.now().wall, hub, ca, who).await
}

async fn dial_at(
    at: Utc,
    hub: SocketAddr,
    ca: &CertificateDer<'static>,
    who: Option<&(CertificateDer<'static>, Vec<u8>)>,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    dial_with([127, 0, 0, 1].into(), at, hub, ca, who).await
}

async fn dial_with(
    from: std::net::IpAddr,
    at: Utc,
    hub: SocketAddr,
    ca: &CertificateDer<'static>,
    who: Option<&(CertificateDer<'static>, Vec<u8>)>,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.clone()).expect("root");
    let builder = rustls::ClientConfig::builder_with_details(
        Arc::new(rustls::crypto::ring::default_provider()),
        Arc::new(At(at)),
    )
    .with_protocol_versions(&[&rustls::version::TLS13])
    .expect("versions")
    .with_root_certificates(roots);
    let mut tls = match who {
        Some((cert, key)) => builder
            .with_client_auth_cert(vec![cert.clone()], PrivateKeyDer::Pkcs8(key.clone().into()))
            .expect("certificate"),
        None => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![wire::ALPN.to_vec()];
    let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("tls")));
    let endpoint = quinn::Endpoint::client((from, 0).into()).expect("endpoint");
    endpoint
        .connect_with(config, hub, wire::SERVER_NAME)
        .expect("dials")
        .await
}

async fn send(out: &mut quinn::SendStream, message: &impl serde::Serialize) {
    out.write_all(&wire::encode_json(message).expect("frame"))
        .await
        .expect("sent");
}

async fn frame(inc: &mut quinn::RecvStream) -> Option<Frame> {
    let mut prefix = [0; 4];
    inc.read_exact(&mut prefix).await.ok()?;
    let mut body = vec![0; wire::frame_len(prefix).ok()?];
    inc.read_exact(&mut body).await.ok()?;
    Frame::from_bytes(body).ok()
}

/// Code and sentence with which the hub closed a connection.
async fn closed(line: &quinn::Connection) -> (u64, String) {
    match tokio::time::timeout(SOON, line.closed())
        .await
        .expect("closes")
    {
        quinn::ConnectionError::ApplicationClosed(c) => (
            c.error_code.into_inner(),
            String::from_utf8_lossy(&c.reason).into_owned(),
        ),
        other => (u64::MAX, other.to_string()),
    }
}

fn hello(name: &str) -> Open {
    Open::Control {
        v: 1,
        r#box: BoxName::parse(name).expect("name"),
        sw: "test".into(),
        time: SystemClock.now().wall,
        cameras: vec![CameraInfo {
            cam: CameraId::parse("c01").expect("cam"),
            title: "Street".into(),
            masked: false,
            lapse_secs: None,
            retention_days: None,
        }],
        retention_days: 31,
        zone: "Europe/London".into(),
    }
}

/// A box on the line with its control stream up.
async fn control(line: &quinn::Connection, name: &str) -> (quinn::SendStream, quinn::RecvStream) {
    let (mut out, mut inc) = line.open_bi().await.expect("stream");
    send(&mut out, &hello(name)).await;
    assert!(matches!(
        frame(&mut inc)
            .await
            .expect("welcome")
            .json()
            .expect("json"),
        ToBox::Welcome { .. }
    ));
    (out, inc)
}

/// Opens an audit stream and sends what the hub lacks.
async fn audit(line: &quinn::Connection, log: &LogBuilder) -> AuditReply {
    audit_of(line, log, 1).await
}

/// The same of the log of this number.
async fn audit_of(line: &quinn::Connection, log: &LogBuilder, number: u64) -> AuditReply {
    let (mut out, mut inc) = line.open_bi().await.expect("stream");
    send(
        &mut out,
        &Open::Audit {
            log: number,
            cosigned: None,
        },
    )
    .await;
    let have = match frame(&mut inc).await.expect("have").json().expect("json") {
        AuditReply::Have { size, .. } => size as usize,
        other => return other,
    };
    let bytes: Vec<u8> = log.lines[have.min(log.lines.len())..].concat();
    if !bytes.is_empty() {
        out.write_all(&wire::encode(b'L', &bytes))
            .await
            .expect("sent");
    }
    out.write_all(&wire::encode(b'H', log.head().render().as_bytes()))
        .await
        .expect("sent");
    frame(&mut inc).await.expect("answer").json().expect("json")
}

/// evidence.md 1: a name that means something else where names are read is given to no box, and a code of before for one is worth
/// nothing; nothing is written for either.
#[tokio::test(flavor = "multi_thread")]
async fn reserved_names_are_no_boxs_aud_2() {
    let hub = Rig::new();
    for name in shared::id::RESERVED {
        let desk = hub.desk.clone();
        let name = BoxName::parse(name).expect("readable");
        let (added, claimed) = blocking(move || {
            let added = enrol::add(&desk, &name, &Permit::of_test(0, "console"));
            (added, enrol::claim(&desk, SCHEME, &name, "AAAA", "AAAA"))
        })
        .await
        .expect("runs");
        let why = added.expect_err("refused").to_string();
        assert!(why.contains("is not a name for a box"), "{why}");
        let why = claimed.expect_err("refused").why;
        assert!(why.contains("nothing was done"), "{why}");
    }
    assert!(hub.desk.db.boxes().expect("boxes").is_empty());
    let own = hub.desk.log.folder().join("0000000000.jsonl");
    let own = std::fs::read_to_string(own).expect("own log");
    assert!(!own.contains("box.add"), "nothing on the record");
}

/// A wrong code, no certificate, garbage, another CA, a certificate nobody enrolled: one sentence each, and nobody else notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers() {
    let hub = Rig::new();
    let good = hub.enrolled("ashby").await;
    let line = hub.dial(Some(&good)).await.expect("the good box");
    let _control = control(&line, "ashby").await;

    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("socket");
    for n in 0..200usize {
        socket
            .send_to(&vec![n as u8 ^ 0x5a; 20 + n * 6], hub.desk.quic)
            .expect("garbage");
    }
    let none = hub.dial(None).await.expect("handshake");
    let (mut out, _inc) = none.open_bi().await.expect("stream");
    send(&mut out, &hello("ashby")).await;
    let (code, why) = closed(&none).await;
    assert_eq!(code, u64::from(close::NO_CERTIFICATE), "{why}");
    assert!(why.contains("only enrol"), "{why}");

    let noise = hub.dial(None).await.expect("handshake");
    let (mut out, _inc) = noise.open_bi().await.expect("stream");
    out.write_all(b"\x00\x00\x00\x05Jnull garbage")
        .await
        .expect("sent");
    assert_eq!(closed(&noise).await.0, u64::from(close::BAD_MESSAGE));

    let key = rcgen::KeyPair::generate().expect("key");
    let code = hub.code("derby").await;
    for (name, secret) in [("derby", "WRONG"), ("nowhere", "WRONG")] {
        match hub.enrol(secret, name, &key).await {
            EnrolReply::Refused { why } => {
                assert!(why.contains("not one this hub gave out"), "{why}")
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        hub.enrol(&code.secret_text(), "derby", &key).await,
        EnrolReply::Enrolled { .. }
    ));
    match hub.enrol(&code.secret_text(), "derby", &key).await {
        EnrolReply::Enrolled { .. } => {}
        other => panic!("the same key again: {other:?}"),
    }
    let twin = rcgen::KeyPair::generate().expect("key");
    match hub.enrol(&code.secret_text(), "derby", &twin).await {
        EnrolReply::Refused { why } => assert!(why.contains("used already"), "{why}"),
        other => panic!("{other:?}"),
    }

    let now = SystemClock.now().wall;
    let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
    let made = hub
        .desk
        .keys
        .authority()
        .certify_box(&BoxName::parse("ghost").expect("name"), &spki, now)
        .expect("certificate");
    let ghost = (
        CertificateDer::from_pem_slice(made.pem.as_bytes()).expect("pem"),
        key.serialize_der(),
    );
    let (code, why) = closed(&hub.dial(Some(&ghost)).await.expect("handshake")).await;
    assert_eq!(code, u64::from(close::UNKNOWN_BOX), "{why}");

    let elsewhere = tempfile::tempdir().expect("folder");
    let other = Keys::create(elsewhere.path(), "cctv.other.gov.uk", &[], now).expect("keys");
    let made = other
        .authority()
        .certify_box(&BoxName::parse("ashby").expect("name"), &spki, now)
        .expect("certificate");
    let foreign = (
        CertificateDer::from_pem_slice(made.pem.as_bytes()).expect("pem"),
        key.serialize_der(),
    );
    // TLS 1.3: the client may think the handshake done before the hub's alert arrives.
    if let Ok(line) = hub.dial(Some(&foreign)).await {
        assert_eq!(
            closed(&line).await.0,
            u64::MAX,
            "refused in the handshake, not by the session"
        );
    }

    assert!(line.close_reason().is_none(), "the good box never noticed");
    let mut log = LogBuilder::new("cctv.example.gov.uk/box/ashby/1");
    log.beat();
    match audit(&line, &log).await {
        AuditReply::Cosigned { note } => {
            let head = SignedHead::parse(note.as_bytes()).expect("note");
            assert!(matches!(
                head.check_cosigned(hub.desk.keys.cosign_vkey()),
                Cosigned::Good { .. }
            ));
        }
        other => panic!("{other:?}"),
    }
}

/// A second connection of a box replaces the first; a revoked box is off the line at once and stays refused; a wrong name is too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaced_and_revoked() {
    let hub = Rig::new();
    let who = hub.enrolled("ashby").await;
    let first = hub.dial(Some(&who)).await.expect("first");
    let _control = control(&first, "ashby").await;
    let second = hub.dial(Some(&who)).await.expect("second");
    let _control = control(&second, "ashby").await;
    assert_eq!(closed(&first).await.0, u64::from(close::REPLACED));

    let (mut out, mut inc) = second.open_bi().await.expect("stream");
    send(
        &mut out,
        &serde_json::json!({"is": "from-the-future", "x": 1}),
    )
    .await;
    assert!(frame(&mut inc).await.is_none(), "declined");
    assert!(second.close_reason().is_none(), "and nothing else");

    let liar = hub.dial(Some(&who)).await.expect("third");
    let (mut out, _inc) = liar.open_bi().await.expect("stream");
    send(&mut out, &hello("derby")).await;
    assert_eq!(closed(&liar).await.0, u64::from(close::BAD_MESSAGE));

    let last = hub.dial(Some(&who)).await.expect("fourth");
    let _control = control(&last, "ashby").await;
    let name = BoxName::parse("ashby").expect("name");
    hub.desk.db.revoke_box(&name, "stolen").expect("revoked");
    assert!(hub.desk.live.cut(
        &name,
        close::REVOKED,
        &registry::revoked("ashby", Some("stolen")).why
    ));
    let (code, why) = closed(&last).await;
    assert_eq!(code, u64::from(close::REVOKED));
    assert!(why.contains("stolen"), "{why}");
    assert_eq!(
        closed(&hub.dial(Some(&who)).await.expect("handshake"))
            .await
            .0,
        u64::from(close::REVOKED)
    );
}
