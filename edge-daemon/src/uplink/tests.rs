//! Adapter: quinn. A hub made of a few lines: its own authority, one answer. What a box says to the wrong one, and to the right
//! one in 1970.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use shared::{
    code::EnrolCode,
    id::BoxName,
    record::sha256,
    time::Utc,
    wire::{self, EnrolReply, Frame, Open},
};

use super::{
    enrol::{EnrolError, claim, prepare},
    quic::{LinkError, Target, Trusted, dial},
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
        vec![cert.der().clone(), ca.der.clone()],
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
    tokio::spawn(async move {
        while let Some(knock) = listening.accept().await {
            let Ok(connection) = knock.await else {
                continue;
            };
            let Ok((mut out, mut inc)) = connection.accept_bi().await else {
                continue;
            };
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
                }
            ));
            out.write_all(&wire::encode_json(&reply).expect("encodes"))
                .await
                .expect("sent");
            let _ = out.finish();
            connection.closed().await;
        }
    });
    (endpoint, address)
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
    again: bool,
    now: Utc,
) -> Result<String, EnrolError> {
    let (code, state) = (prepare(config, text, again)?, config.state());
    state.for_recorder().expect("folders");
    let key = BoxKey::open_or_make(&state.identity())?;
    let answer = claim(config, &code, &key.spki(), now).await?;
    enrolment::stage_certificate(&state, &answer.cert)?;
    enrolment::ready_to_pin(&state)?;
    enrolment::pin(&state, &answer)?;
    enrolment::settle_certificate(&state)?;
    Ok(answer.facts.hub)
}

fn code(ca: &Authority, address: SocketAddr, name: &str) -> String {
    EnrolCode {
        hub: address.to_string(),
        ca: sha256(ca.der.as_ref()),
        r#box: BoxName::parse(name).expect("name"),
        secret: [7; 16],
    }
    .encode()
    .expect("code")
}

fn enrolled(scheme: &'static str) -> impl Fn(&Authority, &str) -> EnrolReply {
    let vkey = |n: &str| shared::note::Vkey::new(n, shared::note::ALG_ED25519, [9; 32]).to_string();
    move |ca, cert| EnrolReply::Enrolled {
        scheme: scheme.into(),
        cert: cert.into(),
        ca: ca.pem.clone(),
        cosign: vkey("c"),
        order: vkey("o"),
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
        crate::commands::chain(
            &enrol(&config, &text, false, now)
                .await
                .expect_err("refused"),
        )
    };
    let mut typo = code(&ours, good, "ashby");
    typo.replace_range(10..11, if &typo[10..11] == "A" { "B" } else { "A" });
    for (text, sentence) in [
        (typo, "was mistyped or is cut short"),
        (
            code(&ours, good, "tenby"),
            "the code is for the box tenby, but the configuration calls this box ashby",
        ),
        (
            code(&other, good, "ashby"),
            "its authority is not the one named in the code",
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
    let address = enrol(&config, &code(&ours, good, "ashby"), false, now)
        .await
        .expect("enrolled");
    assert_eq!(address, good.to_string());
    assert!(
        config.state().hub().join("hub.json").is_file(),
        "the reader is given the order key"
    );
    assert!(matches!(
        enrol(&config, &code(&ours, good, "ashby"), false, now).await,
        Err(EnrolError::Already(_))
    ));
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
