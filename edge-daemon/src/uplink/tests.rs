//! Adapter: quinn. A hub made of a few lines: its own authority, one answer. What a box says to the wrong one, and to the right
//! one in 1970.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use shared::{
    code::{EnrolCode, Place},
    id::BoxName,
    time::Utc,
    wire::{self, EnrolReply, Frame, Open},
};

use super::{
    enrol::{EnrolError, claim, prepare},
    quic::{LinkError, Target, Trusted, dial, dial_first},
};
use crate::{
    config,
    identity::{BoxKey, Enrolment, enrolment},
};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: rustls::pki_types::CertificateDer<'static>,
    pem: String,
}

fn authority(name: &str) -> Authority {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Younger than any clock this test is judged at: as for a box whose clock has stopped.
    params.not_before = rcgen::date_time_ymd(2026, 11, 20);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let cert = params.self_signed(&key).expect("certificate");
    Authority {
        der: cert.der().clone(),
        pem: cert.pem(),
        issuer: Issuer::new(params, key),
    }
}

/// Listens on loopback with a certificate of `ca` for `name`, and answers one enrolment with `reply`.
fn hub(
    ca: &Authority,
    name: &str,
    reply: impl Fn(&Authority, &str) -> EnrolReply,
) -> (quinn::Endpoint, SocketAddr) {
    let (endpoint, address, ..) = showing(ca, &ca.der, name, reply);
    (endpoint, address)
}

/// What a hub heard.
#[derive(Default)]
struct Heard {
    /// How many times it was told something.
    told: AtomicUsize,
    /// The code that the last connection was closed with.
    closed: AtomicU64,
}

/// The same, showing that certificate as its authority's, with any answer to any opening; and what it heard.
fn showing<R: serde::Serialize + Send + 'static>(
    ca: &Authority,
    shown: &rustls::pki_types::CertificateDer<'static>,
    name: &str,
    reply: impl Fn(&Authority, &str) -> R,
) -> (quinn::Endpoint, SocketAddr, Arc<Heard>) {
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("params");
    params.not_before = rcgen::date_time_ymd(2026, 11, 20);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let cert = params.signed_by(&key, &ca.issuer).expect("certificate");
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_protocol_versions(&[&rustls::version::TLS13])
    .expect("tls")
    .with_no_client_auth()
    .with_single_cert(
        vec![cert.der().clone(), shown.clone()],
        rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    )
    .expect("certificate");
    tls.alpn_protocols = vec![wire::ALPN.to_vec()];
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls).expect("quic");
    let endpoint = quinn::Endpoint::server(
        quinn::ServerConfig::with_crypto(Arc::new(tls)),
        ([127, 0, 0, 1], 0).into(),
    )
    .expect("endpoint");
    let address = endpoint.local_addr().expect("address");
    let box_key = KeyPair::generate().expect("key");
    let box_cert = CertificateParams::default()
        .signed_by(&box_key, &ca.issuer)
        .expect("certificate")
        .pem();
    let reply = reply(ca, &box_cert);
    let listening = endpoint.clone();
    let heard = Arc::new(Heard::default());
    let ear = heard.clone();
    tokio::spawn(async move {
        while let Some(knock) = listening.accept().await {
            let Ok(connection) = knock.await else {
                continue;
            };
            let Ok((mut out, mut inc)) = connection.accept_bi().await else {
                continue;
            };
            ear.told.fetch_add(1, Ordering::SeqCst);
            let mut prefix = [0; 4];
            inc.read_exact(&mut prefix).await.expect("prefix");
            let mut body = vec![0; wire::frame_len(prefix).expect("length")];
            inc.read_exact(&mut body).await.expect("body");
            let open = Frame::from_bytes(body)
                .and_then(|f| f.json::<Open>())
                .expect("open");
            assert!(matches!(
                open,
                Open::Enrol {
                    v: wire::VERSION,
                    ..
                } | Open::Control {
                    v: wire::VERSION,
                    ..
                }
            ));
            out.write_all(&wire::encode_json(&reply).expect("encodes"))
                .await
                .expect("sent");
            let _ = out.finish();
            if let quinn::ConnectionError::ApplicationClosed(c) = connection.closed().await {
                ear.closed.store(c.error_code.into(), Ordering::SeqCst);
            }
        }
    });
    (endpoint, address, heard)
}

fn config(state: &std::path::Path) -> config::Config {
    let text = format!(
        "[box]\nscheme = \"cctv.example.gov.uk\"\nname = \"ashby\"\nsite = \"Ashby\"\nstate = \"{}\"\n[[volume]]\npath = \"/v\"\n[[camera]]\nid = \"c01\"\nurl = \"rtsp://127.0.0.1/x\"\n",
        state.display()
    );
    let around = config::Surroundings {
        program_folder: std::path::Path::new("/usr/bin"),
        password: &|_| Err(String::new()),
    };
    config::parse(text.as_bytes(), &around).expect("config")
}

/// As the command does it, where one user owns everything.
async fn enrol(
    config: &config::Config,
    text: &str,
    hub: Option<&str>,
    again: bool,
    now: Utc,
) -> Result<String, EnrolError> {
    let ((code, hub), state) = (prepare(config, text, hub, again)?, config.state());
    state.for_recorder().expect("folders");
    let key = BoxKey::open_or_make(&state.identity())?;
    let answer = claim(config, &code, &hub, &key.spki(), now).await?;
    enrolment::stage_certificate(&state, &answer.cert)?;
    enrolment::ready_to_pin(&state)?;
    enrolment::pin(&state, &answer)?;
    enrolment::settle_certificate(&state)?;
    Ok(answer.facts.hub)
}

fn code(ca: &Authority, address: SocketAddr, name: &str) -> String {
    let place = Place {
        hub: address.to_string(),
        r#box: BoxName::parse(name).expect("name"),
    };
    let code = EnrolCode::new([7; 8], ca.der.as_ref(), Some(place));
    code.long().expect("code")
}

fn enrolled(scheme: &'static str) -> impl Fn(&Authority, &str) -> EnrolReply {
    let vkey = |n: &str| shared::note::Vkey::new(n, shared::note::ALG_ED25519, [9; 32]).to_string();
    move |ca, cert| EnrolReply::Enrolled {
        v: wire::VERSION,
        scheme: scheme.into(),
        cert: cert.into(),
        ca: ca.pem.clone(),
        cosign: vkey("c"),
        order: vkey("o"),
        lookup: "beadle.cctv.example.gov.uk:4433".into(),
        approvers: None,
    }
}

#[tokio::test]
async fn each_wrong_enrolment_gets_its_own_sentence_and_stores_nothing() {
    let (ours, other) = (authority("ours"), authority("other"));
    let now = Utc::parse("2026-11-22T07:00:00.000Z").expect("t");
    let dir = tempfile::tempdir().expect("dir");
    let config = config(dir.path());
    let (_a, good) = hub(&ours, wire::SERVER_NAME, enrolled("cctv.example.gov.uk"));
    let (_b, refusing) = hub(&ours, wire::SERVER_NAME, |_, _| EnrolReply::Refused {
        why: "the hub knows no such code".into(),
    });
    let (_c, foreign) = hub(&ours, wire::SERVER_NAME, enrolled("elsewhere.example.org"));
    let (_d, misnamed) = hub(&ours, "www.example.org", enrolled("cctv.example.gov.uk"));
    let say = async |text: String| {
        crate::failure::chain(
            &enrol(&config, &text, None, false, now)
                .await
                .expect_err("refused"),
        )
    };
    let mut typo = code(&ours, good, "ashby");
    typo.replace_range(10..11, if &typo[10..11] == "A" { "B" } else { "A" });
    let short = code(&ours, good, "ashby");
    let short = short.split('/').next().expect("short").to_owned();
    for (text, sentence) in [
        (typo, "was mistyped"),
        (short.clone(), "it is not known where the hub is"),
        (
            code(&ours, good, "tenby"),
            "the code is for the box tenby, but the configuration calls this box ashby",
        ),
        (
            code(&other, good, "ashby"),
            "its authority is not the one that made this code, so the code was not shown to it",
        ),
        (
            code(&ours, refusing, "ashby"),
            "the hub refused: the hub knows no such code",
        ),
        (
            code(&ours, foreign, "ashby"),
            "the hub serves the scheme elsewhere.example.org",
        ),
        (code(&ours, misnamed, "ashby"), "it is not a hub's"),
    ] {
        let said = say(text).await;
        assert!(said.contains(sentence), "{said}");
        assert!(!said.contains('\n'), "{said}");
        assert!(
            Enrolment::load(&config.state())
                .expect("readable")
                .is_none(),
            "nothing is stored: {said}"
        );
    }
    // The short form, and where the hub is beside it.
    let at = good.to_string();
    let address = enrol(&config, &short, Some(&at), false, now)
        .await
        .expect("enrolled");
    assert_eq!(address, good.to_string());
    assert!(
        config.state().hub().join("hub.json").is_file(),
        "the reader is given the order key"
    );
    assert!(matches!(
        enrol(&config, &short, Some(&at), false, now).await,
        Err(EnrolError::Already(_))
    ));
}

/// FLT-3: a hub that speaks another version is told so with a code of its own, whatever else its answer has, to a claim and to a hello; nothing of
/// it is stored, and the person reads which version is spoken where.
#[tokio::test]
async fn a_hub_of_another_version_is_not_listened_to() {
    let ours = authority("ours");
    let now = Utc::parse("2026-11-22T07:00:00.000Z").expect("t");
    let dir = tempfile::tempdir().expect("dir");
    let config = config(dir.path());
    let answers = [
        serde_json::json!({"is": "enrolled", "v": 2, "shape": "of another time"}),
        serde_json::json!({"is": "welcome", "v": 0, "time": "2026-11-22T07:00:00.000Z"}),
    ];
    for (answer, version) in answers.into_iter().zip([2, 0]) {
        let is_claim = answer["is"] == "enrolled";
        let (_held, address, heard) =
            showing(&ours, &ours.der, wire::SERVER_NAME, |_, _| answer.clone());
        let said = if is_claim {
            let text = code(&ours, address, "ashby");
            let refused = enrol(&config, &text, None, false, now).await;
            crate::failure::chain(&refused.expect_err("refused"))
        } else {
            let target = Target {
                hub: address.to_string(),
                trusted: Trusted::Ca(ours.der.clone()),
                client: None,
                congestion: crate::config::Congestion::default(),
                judged_at: now,
            };
            let line = dial(&target).await.expect("the line");
            let hello = Open::Control {
                v: wire::VERSION,
                r#box: config.name.clone(),
                sw: "test".into(),
                time: now,
                cameras: Vec::new(),
                retention_days: 31,
                zone: "Europe/London".into(),
            };
            let refused = super::link::greet(&line, &hello).await;
            crate::failure::chain(&refused.err().expect("refused"))
        };
        let words =
            format!("version {version} of the protocol is spoken there, and version 1 here");
        assert!(said.contains(&words), "{said}");
        tokio::time::timeout(std::time::Duration::from_secs(20), async {
            while heard.closed.load(Ordering::SeqCst) != u64::from(wire::close::VERSION) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the hub is told by the code");
    }
    assert!(
        Enrolment::load(&config.state())
            .expect("readable")
            .is_none()
    );
}

/// A box that wakes up in 1970 still reaches its hub, and only its hub.
#[tokio::test]
async fn a_box_in_1970_reaches_its_hub_and_no_other() {
    let (ours, other) = (authority("ours"), authority("other"));
    let (_a, address) = hub(&ours, wire::SERVER_NAME, enrolled("x"));
    let target = |ca: &Authority, at: &str| Target {
        hub: address.to_string(),
        trusted: Trusted::Ca(ca.der.clone()),
        client: None,
        congestion: crate::config::Congestion::default(),
        judged_at: Utc::parse(at).expect("t"),
    };
    assert!(
        dial(&target(&ours, "1970-01-01T00:00:30.000Z"))
            .await
            .is_ok()
    );
    let stranger = dial(&target(&other, "2026-11-22T07:00:00.000Z")).await;
    assert!(
        matches!(&stranger, Err(LinkError::Stranger { why, .. }) if why == "another authority made it"),
        "{:?}",
        stranger.err()
    );
    let late = dial(&target(&ours, "2041-01-01T00:00:00.000Z")).await;
    assert!(
        matches!(&late, Err(LinkError::Stranger { why, .. }) if why.contains("expired")),
        "{:?}",
        late.err()
    );
}

/// REC-1: of several addresses each has its turn, whatever is at the ones before it: a name nobody knows, somebody silent, a stranger.
#[tokio::test]
async fn the_hub_is_found_at_whichever_address_it_is() {
    let (ours, other) = (authority("ours"), authority("other"));
    let (_a, good) = hub(&ours, wire::SERVER_NAME, enrolled("x"));
    let (_b, stranger) = hub(&other, wire::SERVER_NAME, enrolled("x"));
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let silent = silent.local_addr().expect("address").to_string();
    let target = |hub: String| Target {
        hub,
        trusted: Trusted::Ca(ours.der.clone()),
        client: None,
        congestion: crate::config::Congestion::default(),
        judged_at: Utc::parse("2026-11-22T07:00:00.000Z").expect("t"),
    };
    let all = |hubs: &[&str]| hubs.iter().map(|h| target((*h).to_owned())).collect();
    let (good, stranger) = (good.to_string(), stranger.to_string());
    let (at, _line) = dial_first(all(&["nobody.invalid:1", &stranger, &silent, &good]))
        .await
        .expect("found");
    assert_eq!(at, good);
    let none = dial_first(all(&["nobody.invalid:1", &stranger])).await;
    let none = none.err().expect("not found");
    assert!(matches!(none.main(), LinkError::Stranger { .. }), "{none}");
    assert!(none.to_string().contains("nobody.invalid"), "{none}");
}

/// V15: a false hub in the way is told nothing, whatever it shows: an authority of its own, of the same name; or the true one, which is no
/// secret, over a certificate of its own.
#[tokio::test]
async fn a_false_hub_in_the_way_is_not_told_the_code() {
    let (ours, theirs) = (authority("ours"), authority("ours"));
    let now = Utc::parse("2026-11-22T07:00:00.000Z").expect("t");
    let dir = tempfile::tempdir().expect("dir");
    let config = config(dir.path());
    let reply = enrolled("cctv.example.gov.uk");
    for (shown, sentence) in [
        (&theirs.der, "the code was not shown to it"),
        (&ours.der, "another authority made it"),
    ] {
        let (_held, address, told) = showing(&theirs, shown, wire::SERVER_NAME, &reply);
        for text in [
            code(&ours, address, "ashby"),
            code(&ours, address, "ashby")[..34].to_owned(),
        ] {
            let at = address.to_string();
            let no = enrol(&config, &text, Some(&at), false, now).await;
            let said = crate::failure::chain(&no.expect_err("refused"));
            assert!(said.contains(sentence), "{said}");
        }
        assert_eq!(
            told.told.load(Ordering::SeqCst),
            0,
            "nothing was said to it"
        );
        assert!(
            Enrolment::load(&config.state())
                .expect("readable")
                .is_none()
        );
    }
}

/// V18: of what the hub sends when the box asks for another certificate, only one for this box, this key and of this authority is taken;
/// the one before stays until it is on disk.
#[tokio::test]
async fn only_a_certificate_of_ones_own_takes_the_place_of_the_old() {
    let (ours, other) = (authority("ours"), authority("ours"));
    let now = Utc::parse("2026-11-22T07:00:00.000Z").expect("t");
    let dir = tempfile::tempdir().expect("dir");
    let config = config(dir.path());
    let (_a, address) = hub(&ours, wire::SERVER_NAME, enrolled("cctv.example.gov.uk"));
    enrol(&config, &code(&ours, address, "ashby"), None, false, now)
        .await
        .expect("enrolled");
    let state = config.state();
    let load = || Enrolment::load(&state).expect("readable").expect("there");
    let key = BoxKey::open(&state.identity())
        .expect("key")
        .expect("there");
    let own =
        KeyPair::from_pem(&std::fs::read_to_string(state.identity().join("box.key")).expect("pem"))
            .expect("key");
    let twin = KeyPair::generate().expect("key");
    let make = |ca: &Authority, name: &str, key: &KeyPair| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2027, 11, 20);
        params.not_after = rcgen::date_time_ymd(2029, 11, 20);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params
            .signed_by(key, &ca.issuer)
            .expect("certificate")
            .pem()
    };
    let before = load();
    for (pem, sentence) in [
        ("nonsense".to_owned(), "cannot be used"),
        (make(&ours, "tenby", &own), "it is of another box"),
        (make(&ours, "ashby", &twin), "it is for another key"),
        (make(&other, "ashby", &own), "cannot be used"),
    ] {
        let no = before.renewed(&state, &key, &pem).expect_err(sentence);
        assert!(no.to_string().contains(sentence), "{no}");
        assert_eq!(load().cert, before.cert);
    }
    let good = make(&ours, "ashby", &own);
    let anew = before.renewed(&state, &key, &good).expect("taken");
    let anew = anew.expect("another one");
    assert_ne!(anew.cert, before.cert);
    assert_eq!(load().cert, anew.cert, "the next connection shows it");
    assert!(anew.renewed(&state, &key, &good).expect("same").is_none());
}
