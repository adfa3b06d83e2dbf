//! Nights and silences, on a real log and records with the test's clock. What authorities answer is in suite `outside`.
use std::sync::Arc;

use shared::{testing::Key, time::Utc, timestamp::Root};

use super::{
    anchor::{self, LATE},
    asked,
};
use crate::{
    attestations::Store,
    config::outside::{Authority, Outside, Witness},
    db::faults::FaultSubject,
    hub::{
        Hub,
        testing::{Hands, open},
    },
};

const PEM: &str = include_str!("../../../tests/vectors/stamps/p256.pem");

fn utc(text: &str) -> Utc {
    Utc::parse(text).expect("a time")
}

/// A hub with an authority that nobody reaches and a witness that comes by itself.
fn scene(start: &str) -> (tempfile::TempDir, Arc<Hub>, Arc<Hands>) {
    let dir = tempfile::tempdir().expect("folder");
    let clock = Hands::at(utc(start));
    let mut hub = open(dir.path(), clock.clone());
    hub.config.outside = Outside {
        authorities: vec![Authority {
            name: "north".into(),
            // Nothing listens on a port that was bound and let go.
            url: format!("http://127.0.0.1:{}/tsr", closed_port())
                .parse()
                .expect("an address"),
            pem: PEM.into(),
            roots: Root::of_pem(PEM).expect("a root"),
        }],
        witnesses: vec![Witness {
            key: Key::new("inspector.example.org/laptop", 4, [9; 32]).vkey,
            url: None,
            tls: None,
        }],
        watched: Vec::new(),
    };
    (dir, Arc::new(hub), clock)
}

fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn waiting(hub: &Hub, whom: &str) -> usize {
    let due = Store::new(&hub.log.folder()).due().expect("due");
    due.iter().filter(|d| d.whom == whom).count()
}

fn late(hub: &Hub) -> Vec<String> {
    let found = hub.db.found_faults().expect("faults");
    let mine = found.into_iter().filter(|f| f.code == LATE);
    mine.map(|f| match f.about {
        FaultSubject::Outside(whom) => whom,
        other => panic!("{other:?}"),
    })
    .collect()
}

/// AUD-4: one head a night is due, at a start too; what is not answered waits, the oldest first, over a restart; after a day and a half it is a
/// fault, of each that is silent, and asking goes on ever more seldom.
#[tokio::test]
async fn a_head_a_night_waits_for_whoever_is_silent() {
    let (_dir, hub, clock) = scene("2026-11-03T22:00:00.000Z");
    let laptop = hub.config.outside.witnesses[0].id();
    let look = async || anchor::round(&hub, false).await.expect("a look");
    look().await;
    assert_eq!(waiting(&hub, &laptop), 1);
    // The month's head goes to authorities as well, once.
    look().await;
    let first = waiting(&hub, "north");
    assert!((1..=2).contains(&first), "{first}");
    look().await;
    assert_eq!((waiting(&hub, "north"), waiting(&hub, &laptop)), (first, 1));
    let row = |what: &str| {
        let status = asked::status(&hub).expect("status");
        status
            .rows
            .into_iter()
            .find(|r| r.what == what)
            .expect("a row")
    };
    assert!(row("authority").trouble.is_some() && row("witness").trouble.is_none());
    // What the laptop is to attest is laid out for it, and for nobody else.
    let laid = super::attest::laid_out(&hub, &laptop)
        .expect("read")
        .expect("laid out");
    assert!(laid.starts_with("old 0\n\n"), "{laid}");
    assert_eq!(
        super::attest::laid_out(&hub, "+00000000").expect("read"),
        None
    );

    clock.to(utc("2026-11-04T00:00:30.000Z"));
    look().await;
    assert_eq!(
        (waiting(&hub, "north"), waiting(&hub, &laptop)),
        (first + 1, 2)
    );
    assert_eq!(late(&hub), Vec::<String>::new());
    clock.to(utc("2026-11-05T10:30:00.000Z"));
    look().await;
    assert_eq!(late(&hub), [laptop.clone(), "north".to_owned()]);
    assert_eq!(waiting(&hub, "north"), first + 2);
    // The oldest first; of a witness the newest is enough.
    let store = Store::new(&hub.log.folder());
    let due = store.due().expect("due");
    let sizes: Vec<u64> = due
        .iter()
        .filter(|d| d.whom == "north")
        .map(|d| d.size)
        .collect();
    let (oldest, newest) = (sizes[0], sizes[sizes.len() - 1]);
    assert!(sizes.is_sorted() && oldest < newest);
    store.settled_to(newest, &laptop).expect("settled");
    look().await;
    assert_eq!(late(&hub), ["north"]);
}

/// AUD-4: a witness's cosignature is taken from whoever brings it, if it is of a head that was laid out; twice is once; a stranger's is nobody's.
#[tokio::test]
async fn a_laptop_brings_its_cosignature() {
    let (_dir, hub, clock) = scene("2026-11-03T22:00:00.000Z");
    anchor::round(&hub, false).await.expect("a look");
    let laptop = hub.config.outside.witnesses[0].id();
    let laid = super::attest::laid_out(&hub, &laptop)
        .expect("read")
        .expect("laid out");
    let sent = shared::witness::Submission::parse(laid.as_bytes()).expect("a submission");
    let cosigned = |seed: u8| {
        let key = Key::new("inspector.example.org/laptop", 4, [seed; 32]);
        let mut note = sent.head.clone();
        note.signatures.clear();
        note.cosign(&key.vkey, 1_793_750_000, |m| key.sign(m));
        note
    };
    let brought = |note| super::attest::brought(&hub, &note).expect("looked at");
    assert!(!brought(cosigned(8)), "a stranger's");
    let mut other = cosigned(9);
    other.head.size += 1;
    assert!(!brought(other), "of another head");
    let before = hub.log.handle().size();
    assert!(brought(cosigned(9)));
    assert!(brought(cosigned(9)));
    assert_eq!(hub.log.handle().size(), before + 1, "one line");
    assert_eq!(waiting(&hub, &laptop), 0);
    // The next night goes on from there.
    clock.to(utc("2026-11-04T00:00:30.000Z"));
    anchor::round(&hub, false).await.expect("a look");
    let laid = super::attest::laid_out(&hub, &laptop)
        .expect("read")
        .expect("laid out");
    let size = sent.head.head.size;
    assert!(laid.starts_with(&format!("old {size}\n")), "{laid}");
    let next = shared::witness::Submission::parse(laid.as_bytes()).expect("a submission");
    let watched = [hub.keys.cosign_vkey().clone()];
    let judged = shared::witness::judge(&next, &watched, Some(&sent.head.head));
    assert_eq!(judged, shared::witness::Judged::Sound);
    // And the nights after that from where the last proof ended, whatever stands in that file.
    let edge = hub.log.folder().join("outside/edge");
    let other = format!("1\n{}\n", shared::note::b64(&[0; 32]));
    let mut seen = next.head;
    for (day, harm) in [
        (5, None),
        (6, Some("x")),
        (7, Some(other.as_str())),
        (8, None),
    ] {
        let mut note = seen.clone();
        let key = Key::new("inspector.example.org/laptop", 4, [9; 32]);
        note.signatures.clear();
        note.cosign(&key.vkey, 1_793_750_000, |m| key.sign(m));
        assert!(brought(note));
        if let Some(harm) = harm {
            std::fs::write(&edge, harm).expect("written");
        }
        clock.to(utc(&format!("2026-11-{day:02}T00:00:30.000Z")));
        anchor::round(&hub, false).await.expect("a look");
        let laid = super::attest::laid_out(&hub, &laptop)
            .expect("read")
            .expect("laid out");
        let next = shared::witness::Submission::parse(laid.as_bytes()).expect("a submission");
        let judged = shared::witness::judge(&next, &watched, Some(&seen.head));
        assert_eq!(judged, shared::witness::Judged::Sound, "{day}");
        let kept = std::fs::read_to_string(&edge).expect("kept");
        let size = next.head.head.size;
        assert!(kept.starts_with(&format!("{size}\n")), "{day}: {kept}");
        seen = next.head;
    }
}
