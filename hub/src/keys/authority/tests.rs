//! Wiring. Tests of the authority: what it may certify, and the years that go by.

use super::*;
use crate::keys::Keys;

const SCHEME: &str = "cctv.example.gov.uk";

fn utc(t: &str) -> Utc {
    Utc::parse(t).expect("time")
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|n| (*n).to_owned()).collect()
}

/// How whoever pinned this authority judges the certificate that is shown for this name then.
fn judged(pinned: &CertificateDer<'static>, shown: &CertifiedKey, name: &str, at: Utc) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(pinned.clone()).expect("root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .expect("verifier");
    let secs = u64::try_from(at.seconds()).expect("time");
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs));
    let name = ServerName::try_from(name.to_owned()).expect("name");
    let leaf = shown.end_entity_cert().expect("certificate");
    verifier
        .verify_server_cert(leaf, &[], &name, &[], at)
        .is_ok()
}

/// V18: sixty years of a hub that is started now and then. Boxes that pinned its authority on the first day, and staff who got its
/// certificate anew, are shown a good one every day; both sides have keys of their own; constraints and name of the authority stay.
#[test]
fn sixty_years() {
    let dir = tempfile::tempdir().expect("folder");
    let mut now = utc("2026-11-29T10:00:00.000Z");
    let called = names(&["hub.example.gov.uk"]);
    let keys = Keys::create(dir.path(), SCHEME, &called, now).expect("keys");
    let pinned = keys.authority().der().clone();
    let constraints = |der: &CertificateDer<'static>| {
        Certificate::parse(der)
            .expect("read")
            .constraints
            .map(<[u8]>::to_vec)
    };
    let (mut authorities, mut made) = (0, 0);
    while now < utc("2086-11-29T10:00:00.000Z") {
        // A start, then a year and a half without one.
        let mut keys = Keys::load(dir.path(), SCHEME).expect("keys");
        authorities += usize::from(keys.renew_authority(now).expect("looked").is_some());
        let a = keys.authority();
        let open = |side| ServerCertificate::open(a, side, &called, now).expect("own");
        let (boxes, pages) = (open(Side::Boxes), open(Side::Pages));
        let keys_of = |c: &ServerCertificate| {
            let shown = c.shown();
            let der = shown.end_entity_cert().expect("certificate").clone();
            Certificate::parse(&der).expect("read").spki.to_vec()
        };
        assert_ne!(keys_of(&boxes), keys_of(&pages));
        for _ in 0..18 {
            now = now.plus_ms(30 * 86_400_000);
            for (own, to) in [(&boxes, wire::SERVER_NAME), (&pages, "localhost")] {
                own.renew_if_due(a, now).expect("renewed");
                made += usize::from(own.take_news().is_some());
                for name in [to, "hub.example.gov.uk"] {
                    assert!(judged(&pinned, &own.shown(), name, now), "{name} {now}");
                    assert!(judged(a.der(), &own.shown(), name, now), "{name} {now}");
                }
            }
        }
        let ca = Certificate::parse(a.der()).expect("read");
        assert!(ca.until > now, "browsers judge its dates too");
        assert_eq!(constraints(a.der()), constraints(&pinned));
    }
    assert_eq!(authorities, 3);
    assert!(
        (90..=125).contains(&made),
        "{made} in 60 years on two sides"
    );
}

/// FLT-3: the certificates bear what people type; the authority may certify that and nothing else, whoever has its key; a name it may not
/// is refused at the start with what to do.
#[test]
fn names_and_constraints() {
    let dir = tempfile::tempdir().expect("folder");
    let now = utc("2026-11-29T10:00:00.000Z");
    let called = names(&["hub.town.example", "10.1.2.3"]);
    let keys = Keys::create(dir.path(), SCHEME, &called, now).expect("keys");
    let a = keys.authority();
    for name in [
        "beadle-hub",
        "localhost",
        "127.0.0.1",
        "10.1.2.3",
        "hub.town.example",
    ]
    .into_iter()
    .chain(["hub.cctv.example.gov.uk"])
    {
        assert!(a.may_certify(name, now).expect("tried"), "{name}");
    }
    for name in [
        "bank.example",
        "example.gov.uk",
        "town.example",
        "10.1.2.4",
        "::1",
    ] {
        assert!(!a.may_certify(name, now).expect("tried"), "{name}");
    }
    let own = ServerCertificate::open(a, Side::Pages, &called, now).expect("own");
    for name in &called {
        assert!(judged(a.der(), &own.shown(), name, now), "{name}");
    }
    let no = ServerCertificate::open(a, Side::Pages, &names(&["other.example"]), now);
    let no = no.expect_err("refused").to_string();
    for part in [
        "other.example",
        "Nothing was started",
        "below cctv.example.gov.uk",
    ] {
        assert!(no.contains(part), "{no}");
    }

    // Kept as long as it is good; another one for other names, and where the file is damaged.
    let again = |called: &[String]| {
        let own = ServerCertificate::open(a, Side::Pages, called, now).expect("own");
        own.take_news().is_some()
    };
    assert!(!again(&called));
    assert!(again(&names(&["hub.town.example"])));
    assert!(!again(&names(&["hub.town.example"])));
    let file = dir.path().join("keys/pages.pem");
    let text = std::fs::read_to_string(&file).expect("file");
    std::fs::write(&file, &text[..text.len() / 2]).expect("cut");
    assert!(again(&names(&["hub.town.example"])));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&file).expect("file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}
