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
    record::sha256,
    testing::LogBuilder,
    time::{Clock, Utc},
    types::ExpClip,
    verify::Files,
    wire::{
        self, AuditReply, CameraHealth, CameraInfo, ClipReply, EnrolReply, Frame, Open, Order,
        PullSegment, ToBox, ToHub, close,
    },
};
use tempfile::TempDir;

use super::{enrol, ingest::BoxLogs, link::Listener, live::Live, registry};
mod disposal;
mod holds;

use crate::{
    config::{Config, Raw},
    db::Db,
    desk::{Desk, blocking},
    evidence::Resting,
    keys::Keys,
    ownlog::OwnLog,
    requests::{
        self, Pulls,
        rules::{Asked, State},
        submit,
    },
    supervise,
};

const SCHEME: &str = "cctv.example.gov.uk";
const SOON: Duration = Duration::from_secs(60);

struct Hub {
    _dir: TempDir,
    desk: Arc<Desk>,
    tasks: tokio::task::JoinSet<()>,
}

impl Hub {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = Arc::new(Keys::create(dir.path(), SCHEME, clock.now().wall).expect("keys"));
        let any = || Some("127.0.0.1:0".to_owned());
        let raw = Raw {
            scheme: Some(SCHEME.into()),
            zone: Some("Europe/London".into()),
            quic: any(),
            https: any(),
            evidence: Some("evidence".into()),
            address: None,
            holds: None,
            periods: None,
        };
        let config = Config::check(raw, dir.path()).expect("config");
        std::fs::create_dir_all(&config.evidence).expect("folder");
        let db = Arc::new(Db::open(dir.path()).expect("records"));
        let listener = Listener::bind(config.quic, &[], &keys, clock.now().wall).expect("port");
        let quic = listener.local_addr().expect("address");
        let (log, _) =
            OwnLog::open(dir.path(), SCHEME, keys.clone(), clock.clone()).expect("own log");
        let live = Live::default();
        let logs = BoxLogs::new(
            dir.path(),
            SCHEME,
            db.clone(),
            log.clone(),
            keys.clone(),
            clock.clone(),
            live.clone(),
        );
        let desk = Arc::new(Desk {
            state: dir.path().to_owned(),
            config,
            clock,
            keys,
            db,
            log,
            live,
            logs,
            pulls: Pulls::default(),
            quic,
        });
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(supervise::listen(desk.clone(), listener));
        tasks.spawn(requests::fetch::run(desk.clone()));
        tasks.spawn(requests::holds::keeper::run(desk.clone()));
        Self {
            _dir: dir,
            desk,
            tasks,
        }
    }

    async fn code(&self, name: &str) -> EnrolCode {
        let (desk, name) = (self.desk.clone(), BoxName::parse(name).expect("name"));
        let text = blocking(move || enrol::add(&desk, &name, "op:0000"))
            .await
            .expect("runs")
            .expect("code");
        EnrolCode::parse(&text).expect("code")
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
            } => {
                assert_eq!(
                    sha256(
                        CertificateDer::from_pem_slice(ca.as_bytes())
                            .expect("ca")
                            .as_ref()
                    ),
                    code.ca
                );
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
        dial(self.desk.quic, self.desk.keys.ca_der(), who).await
    }
}

async fn dial(
    hub: SocketAddr,
    ca: &CertificateDer<'static>,
    who: Option<&(CertificateDer<'static>, Vec<u8>)>,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.clone()).expect("root");
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
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
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("endpoint");
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
    let (mut out, mut inc) = line.open_bi().await.expect("stream");
    send(
        &mut out,
        &Open::Audit {
            log: 1,
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

/// A wrong code, no certificate, garbage, another CA, a certificate nobody enrolled: one sentence each, and nobody else notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers() {
    let hub = Hub::new();
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
        EnrolReply::Refused { why } => assert!(why.contains("used already"), "{why}"),
        other => panic!("{other:?}"),
    }

    let now = SystemClock.now().wall;
    let spki = rcgen::PublicKeyData::subject_public_key_info(&key);
    let (pem, ..) = hub
        .desk
        .keys
        .certify_box(&BoxName::parse("ghost").expect("name"), &spki, now)
        .expect("certificate");
    let ghost = (
        CertificateDer::from_pem_slice(pem.as_bytes()).expect("pem"),
        key.serialize_der(),
    );
    let (code, why) = closed(&hub.dial(Some(&ghost)).await.expect("handshake")).await;
    assert_eq!(code, u64::from(close::UNKNOWN_BOX), "{why}");

    let elsewhere = tempfile::tempdir().expect("folder");
    let other = Keys::create(elsewhere.path(), "cctv.other.gov.uk", now).expect("keys");
    let (pem, ..) = other
        .certify_box(&BoxName::parse("ashby").expect("name"), &spki, now)
        .expect("certificate");
    let foreign = (
        CertificateDer::from_pem_slice(pem.as_bytes()).expect("pem"),
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
    let hub = Hub::new();
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

/// Ten seconds of footage that no decoder looks at.
fn footage_from(start: Utc) -> Vec<u8> {
    let parameters = mp4::Parameters {
        codec: mp4::Codec::H264,
        width: 320,
        height: 180,
        config: vec![1, 0x42, 0, 0x1e, 0xff, 0xe0, 0],
        sound: None,
    };
    let mut out = mp4::init(&parameters).expect("init");
    for f in 0..25u64 {
        let frames: Vec<mp4::Frame> = (0..10)
            .map(|i| mp4::Frame {
                dts: (f * 10 + i) * 3600,
                cts: 0,
                duration: 3600,
                key: (f * 10 + i) % 50 == 0,
                bytes: vec![i as u8; 4000].into(),
            })
            .collect();
        mp4::fragment(
            f as u32 + 1,
            start.plus_ms(f as i64 * 400),
            &frames,
            &[],
            &mut out,
        )
        .expect("fragment");
    }
    out
}

/// EVI-1, RET-6: a clip, interrupted half-way by the box's death, goes on at the byte where it stood and becomes a package; the same
/// order is sent again word for word; without a countersigned `exp.clip` not one byte is asked for. Its footage is held before the order
/// goes out, until the package is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_goes_on_where_it_stood() {
    let mut hub = Hub::new();
    let who = hub.enrolled("ashby").await;
    let cam = CameraId::parse("c01").expect("cam");
    let begun = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 60_000);
    let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/1", begun);
    log.beat();
    let start = log.t;
    let plain = footage_from(start);
    let n = log.add(
        "sys:rec",
        &shared::types::SegWrite {
            cam: cam.clone(),
            s: 1,
            t0: start,
            t1: start.plus_ms(10_000),
            size: plain.len() as u64,
            sha256: shared::record::hex(&sha256(&plain)),
            mask: None,
            how: "none".into(),
            proofs: 0,
            lost: 0,
            offset_ms: None,
            key: format!("c01/{}", "2026-11-22"),
            rate: None,
        },
    );
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    send(
        &mut out,
        &ToHub::Health {
            time: SystemClock.now().wall,
            free_mib: 1000,
            cameras: vec![CameraHealth {
                cam: cam.clone(),
                landed: Some(start.plus_ms(10_000)),
                recording: true,
                rate: None,
                stands_secs: None,
                mask: None,
                outlook: None,
            }],
            faults: vec![],
        },
    )
    .await;
    match audit(&line, &log).await {
        AuditReply::Cosigned { .. } => {}
        other => panic!("{other:?}"),
    }

    let asked = Asked {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: start.plus_ms(2_000),
        t1: start.plus_ms(8_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let mut news = hub.desk.pulls.listen();
    let (desk, a) = (hub.desk.clone(), asked.clone());
    let exhibit = blocking(move || submit::submit(&desk, &a, "op:0001"))
        .await
        .expect("runs")
        .expect("granted");
    let (hold, until) = match holds::order(&mut inc, &hub.desk).await {
        Order::HoldSet {
            hold,
            cam: held,
            t0,
            t1,
            until,
            grant,
            ..
        } => {
            assert_eq!((held, t0, t1), (cam.clone(), asked.t0, asked.t1));
            assert_eq!(grant, "G-000001");
            (hold, until)
        }
        other => panic!("a hold comes first: {other:?}"),
    };
    let placed = ToHub::HoldPlaced {
        hold,
        until,
        segments: 1,
        bytes: plain.len() as u64,
    };
    send(&mut out, &placed).await;
    let ToBox::Order { order, sig } = frame(&mut inc).await.expect("order").json().expect("json")
    else {
        panic!("an order was due")
    };
    let key = ring::signature::UnparsedPublicKey::new(
        &ring::signature::ED25519,
        hub.desk.keys.order_vkey().key,
    );
    let message = format!("{}{order}", wire::ORDER_PREFIX);
    key.verify(message.as_bytes(), &STANDARD.decode(&sig).expect("base64"))
        .expect("signed");
    let Order::Pull {
        recipient,
        grant,
        purpose,
        ..
    } = serde_json::from_str(&order).expect("order")
    else {
        panic!("a pull")
    };
    assert!(!order.contains("theft"), "free text stays at the hub");
    let sealed = sealed::seal(&recipient, &plain).expect("sealed");
    let clip = log.add(
        "hub:order",
        &ExpClip {
            r#ref: exhibit.to_string(),
            cam: cam.clone(),
            s0: 1,
            s1: 1,
            grant,
            purpose,
        },
    );
    let ready = ToHub::PullReady {
        r#ref: exhibit.clone(),
        cam: cam.clone(),
        n: clip,
        segments: vec![PullSegment {
            s: 1,
            n,
            sealed: sealed.len() as u64,
        }],
    };
    send(&mut out, &ready).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(700), line.accept_bi())
            .await
            .is_err(),
        "no receipt, no clip: nothing is asked for before the countersignature"
    );
    assert!(matches!(
        audit(&line, &log).await,
        AuditReply::Cosigned { .. }
    ));
    let (mut clip_out, mut clip_in) = line.accept_bi().await.expect("the hub asks");
    assert!(matches!(
        frame(&mut clip_in)
            .await
            .expect("ask")
            .json()
            .expect("json"),
        Open::Clip {
            offset: 0,
            s: 1,
            ..
        }
    ));
    send(
        &mut clip_out,
        &ClipReply::Bytes {
            size: sealed.len() as u64,
        },
    )
    .await;
    let half = sealed.len() / 2;
    clip_out
        .write_all(&wire::encode(b'B', &sealed[..half]))
        .await
        .expect("half");
    loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        if p.bytes == half as u64 {
            break;
        }
    }
    // The box dies; the hub is stopped and started too.
    line.close(0u32.into(), b"killed");
    hub.tasks.shutdown().await;
    let desk = Arc::new(Desk {
        state: hub.desk.state.clone(),
        config: hub.desk.config.clone(),
        clock: hub.desk.clock.clone(),
        keys: hub.desk.keys.clone(),
        db: Arc::new(Db::open(&hub.desk.state).expect("records")),
        log: hub.desk.log.clone(),
        live: Live::default(),
        logs: hub.desk.logs.clone(),
        pulls: Pulls::default(),
        quic: hub.desk.quic,
    });
    let listener = Listener::bind(
        ([127, 0, 0, 1], 0).into(),
        &[],
        &desk.keys,
        SystemClock.now().wall,
    )
    .expect("port");
    let quic = listener.local_addr().expect("address");
    hub.tasks.spawn(supervise::listen(desk.clone(), listener));
    hub.tasks.spawn(requests::fetch::run(desk.clone()));
    hub.tasks.spawn(requests::holds::keeper::run(desk.clone()));

    let line = dial(quic, desk.keys.ca_der(), Some(&who))
        .await
        .expect("the box is back");
    let (mut out, mut inc) = control(&line, "ashby").await;
    let again: ToBox = tokio::time::timeout(SOON, frame(&mut inc))
        .await
        .expect("order")
        .expect("order")
        .json()
        .expect("json");
    assert_eq!(
        again,
        ToBox::Order { order, sig },
        "the same order, word for word"
    );
    let mut news = desk.pulls.listen();
    send(&mut out, &ready).await;
    let (mut clip_out, mut clip_in) = line.accept_bi().await.expect("the hub asks");
    match frame(&mut clip_in)
        .await
        .expect("ask")
        .json()
        .expect("json")
    {
        Open::Clip { offset, .. } => assert_eq!(offset, half as u64, "from where it stood"),
        other => panic!("{other:?}"),
    }
    send(
        &mut clip_out,
        &ClipReply::Bytes {
            size: sealed.len() as u64,
        },
    )
    .await;
    for piece in sealed[half..].chunks(50_000) {
        clip_out
            .write_all(&wire::encode(b'B', piece))
            .await
            .expect("rest");
    }
    loop {
        let p = tokio::time::timeout(SOON, news.recv())
            .await
            .expect("news")
            .expect("news");
        let state = State::parse(&p.state).expect("state");
        if state.over() {
            assert_eq!((state, p.why.as_str()), (State::Ready, ""));
            break;
        }
    }
    match holds::order(&mut inc, &desk).await {
        Order::HoldClear {
            hold: freed, why, ..
        } => assert_eq!((freed, why.as_str()), (hold, "fetched")),
        other => panic!("what it was held for is here: {other:?}"),
    }
    let row = desk
        .db
        .request(exhibit.as_str())
        .expect("row")
        .expect("row");
    let package = std::path::PathBuf::from(row.package.expect("package"));
    assert!(package.join("SHA256SUMS").is_file());
    let identity = desk.keys.exhibit_identity(&exhibit).expect("key");
    let rest = Resting::new(package.clone(), identity);
    let mut masters = rest.list().expect("files");
    masters.retain(|name| name.starts_with("master/"));
    assert_eq!(masters.len(), 1);
    assert_eq!(
        rest.read(&masters[0]).expect("master"),
        plain,
        "bit for bit"
    );
    let resting = std::fs::read(rest.path(&masters[0])).expect("sealed");
    assert!(resting == sealed, "the very file that came from the box");
    // RET-5: neither in the evidence folder nor in the state folder, records and all, is there any of it in plain, and the segment is in one place only.
    let mut copies = 0;
    assert!(desk.config.evidence.starts_with(&desk.state));
    for file in logbook::Folder(desk.state.clone()).list().expect("files") {
        let Ok(bytes) = std::fs::read(desk.state.join(&file)) else {
            continue; // a socket
        };
        for needle in [
            &b"ftypiso6"[..],
            b"ftypisom",
            &plain[plain.len() / 2..][..64],
        ] {
            let found = bytes.windows(needle.len()).any(|w| w == needle);
            assert!(!found, "{file} holds footage in plain");
        }
        copies += usize::from(bytes == sealed);
    }
    assert_eq!(copies, 1);
    assert!(!desk.state.join("exhibits").join(exhibit.as_str()).exists());

    // RET-5, AUD-3: saving it is on the record first, salted; not every account may, and nothing that is not there can be.
    let (d, e) = (desk.clone(), exhibit.clone());
    blocking(move || {
        let may = |role: &str, exhibit: &ExhibitRef, purpose: &str| {
            let who = crate::board::Account {
                op: 7,
                name: "kim".into(),
                role: role.into(),
            };
            requests::save::grant(&d, exhibit, &purpose.into(), &"CR/9".into(), Some(&who))
        };
        let refused = may("contractor", &e, "for court").err().expect("refused");
        assert!(refused.to_string().contains("may not save"), "{refused}");
        assert!(may("operator", &e, " ").is_err());
        assert!(may("operator", &ExhibitRef::new(2026, 999), "for court").is_err());
        let before = d.log.handle().size();
        let granted = may("operator", &e, "for court").expect("granted");
        assert!(!granted.short && d.log.handle().size() == before + 1);
        let line = logbook::LogFolder::new(&d.log.folder())
            .line(before)
            .expect("read")
            .expect("line");
        let line = String::from_utf8(line).expect("text");
        for part in ["\"copy.save\"", "\"op:0007\"", &granted.sums, e.as_str()] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(!line.contains("court") && !line.contains("CR/9"), "{line}");
        std::fs::write(granted.package.join("manifest.json"), "plain").expect("write");
        let waits = may("operator", &e, "for court").err().expect("not yet");
        assert!(waits.to_string().contains("being sealed"), "{waits}");
    })
    .await
    .expect("runs");
    let own = std::fs::read_to_string(desk.log.folder().join("0000000000.jsonl")).expect("own log");
    assert!(
        own.contains("\"grant.set\"")
            && own.find("\"hold.ask\"") < own.find("\"grant.set\"")
            && own.contains("\"hold.free\"")
            && own.contains("\"exp.done\"")
            && !own.contains("theft")
            && !own.contains("PC 1")
    );
    disposal::goes(&desk, &exhibit, &package);
    let _ = desk.log.close("test");
}

/// MSK-4, ROL-5, AUD-1: what one person asks for another must approve, in time; the order that goes out is signed, and names both; each
/// step is on the hub's record. What nobody approves is forgotten, and what the box refuses is said and recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_lift_takes_two_people() {
    use crate::{board::Account, commands::staff, requests::mask};

    let hub = Hub::new();
    let who = hub.enrolled("ashby").await;
    let line = hub.dial(Some(&who)).await.expect("box");
    let (mut out, mut inc) = control(&line, "ashby").await;
    let cam = CameraId::parse("c01").expect("cam");
    let info = wire::MaskInfo {
        id: "m7".into(),
        how: "burned".into(),
        style: "solid".into(),
        permille: 100,
        sha256: "0".repeat(64),
        review: None,
        order: None,
        lifted: None,
    };
    let health = ToHub::Health {
        time: SystemClock.now().wall,
        free_mib: 1000,
        cameras: vec![CameraHealth {
            cam: cam.clone(),
            landed: None,
            recording: true,
            rate: None,
            stands_secs: None,
            mask: Some(info),
            outlook: None,
        }],
        faults: vec![],
    };
    send(&mut out, &health).await;
    let camera = BoxCamera::parse("ashby/c01").expect("camera");
    let (desk, c) = (hub.desk.clone(), camera.clone());
    let known = async || {
        let (desk, c) = (desk.clone(), c.clone());
        blocking(move || mask::in_force(&desk, &c).is_ok_and(|m| m.is_some()))
            .await
            .expect("runs")
    };
    tokio::time::timeout(SOON, async {
        while !known().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the hub knows the mask");

    let account = async |name: &'static str, role: &'static str| {
        let desk = hub.desk.clone();
        let op = blocking(move || staff::add(&desk.db, &desk.log, "op:0000", name, role, "secret"))
            .await
            .expect("runs")
            .expect("account");
        Account {
            op,
            name: name.into(),
            role: role.into(),
        }
    };
    let (kim, lee) = (
        account("kim", "supervisor").await,
        account("lee", "manager").await,
    );
    let wanted = mask::Wanted {
        until: None,
        minutes: Some(10),
        authority: "RIPA 2026/17".into(),
        reason: "Disturbance".into(),
    };
    let ask = async || {
        let (desk, c, w, k) = (
            hub.desk.clone(),
            camera.clone(),
            wanted.clone(),
            kim.clone(),
        );
        blocking(move || mask::ask(&desk, &c, &w, &k))
            .await
            .expect("runs")
            .expect("asked for")
    };
    let lift = ask().await;
    let same = mask::approve(&hub.desk, lift.n, &kim)
        .await
        .expect_err("one person");
    assert!(same.to_string().contains("second person"), "{same}");

    let (desk, l) = (hub.desk.clone(), lee.clone());
    let approved = tokio::spawn(async move { mask::approve(&desk, lift.n, &l).await });
    let ToBox::Order { order, sig } = frame(&mut inc).await.expect("order").json().expect("json")
    else {
        panic!("no order");
    };
    let signature = STANDARD.decode(&sig).expect("base64");
    let key = hub.desk.keys.order_vkey().key;
    let verify = |text: &str| {
        let message = [wire::ORDER_PREFIX, text].concat();
        ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key)
            .verify(message.as_bytes(), &signature)
            .is_ok()
    };
    assert!(verify(&order));
    for at in 0..order.len() {
        let mut altered = order.clone().into_bytes();
        altered[at] ^= 1;
        assert!(!verify(&String::from_utf8_lossy(&altered)), "byte {at}");
    }
    let Order::MaskLift {
        order: number,
        mask,
        until,
        authority,
        by,
        made,
        ..
    } = serde_json::from_str(&order).expect("order")
    else {
        panic!("another order: {order}");
    };
    assert_eq!(mask, "m7");
    assert_eq!(by, [crate::ownlog::op(kim.op), crate::ownlog::op(lee.op)]);
    assert!((until.0 - made.0 - 600_000).abs() < 10_000, "{order}");
    assert!(!order.contains("RIPA"), "salted: {order}");
    assert_eq!(
        hub.desk.db.side_text(&authority).expect("side").as_deref(),
        Some("RIPA 2026/17")
    );
    let done = ToHub::MaskDone {
        order: number,
        cam: cam.clone(),
        until: Some(until),
    };
    send(&mut out, &done).await;
    assert_eq!(approved.await.expect("runs").expect("lifted"), until);
    let twice = mask::approve(&hub.desk, lift.n, &lee)
        .await
        .expect_err("twice");
    assert!(twice.to_string().contains("ordered already"), "{twice}");

    // The box refuses.
    let lift = ask().await;
    let (desk, l) = (hub.desk.clone(), lee.clone());
    let approved = tokio::spawn(async move { mask::approve(&desk, lift.n, &l).await });
    let ToBox::Order { order, .. } = frame(&mut inc).await.expect("order").json().expect("json")
    else {
        panic!("no order");
    };
    let Order::MaskLift { order: refused, .. } = serde_json::from_str(&order).expect("order")
    else {
        panic!("another order: {order}");
    };
    let failed = ToHub::MaskFailed {
        order: refused,
        cam,
        why: "the mask in force on c01 is m8".into(),
    };
    send(&mut out, &failed).await;
    let why = approved.await.expect("runs").expect_err("refused");
    assert!(why.to_string().contains("is m8"), "{why}");

    // Nobody approves in time.
    let lift = ask().await;
    let old = crate::db::lifts::LiftRecord {
        n: lift.n + 1_000,
        made: lift.made.plus_ms(-3_600_000),
        ..hub.desk.db.lift(lift.n).expect("read").expect("there")
    };
    hub.desk.db.add_lift(&old).expect("an old one");
    let late = mask::approve(&hub.desk, old.n, &lee)
        .await
        .expect_err("late");
    assert!(late.to_string().contains("within an hour"), "{late}");
    let waiting = mask::pending(&hub.desk).expect("list");
    assert_eq!(waiting.iter().map(|l| l.n).collect::<Vec<_>>(), [lift.n]);

    let bytes = logbook::LogFolder::new(&hub.desk.log.folder())
        .read_lines(0, u64::MAX, usize::MAX)
        .expect("own log");
    let kinds: Vec<String> = bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|l| shared::record::Record::parse(l).expect("line").kind)
        .filter(|k| k.starts_with("lift.") || k == "mask.order" || k == "order.fail")
        .collect();
    assert_eq!(
        kinds,
        [
            "lift.ask",
            "mask.order",
            "lift.ask",
            "mask.order",
            "order.fail",
            "lift.ask",
            "lift.drop"
        ]
    );
}
