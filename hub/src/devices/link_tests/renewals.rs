//! Wiring. Certificates and codes over the years: renewal over the line, the narrow door, codes that nobody can void.

use std::sync::Mutex;

use shared::{
    certificate::Certificate,
    time::Now,
    wire::{RenewReply, VERSION},
};

use super::*;
use crate::supervise;

const DAY_MS: i64 = 86_400_000;

struct Hands(Mutex<Utc>);

impl Clock for Hands {
    fn now(&self) -> Now {
        let wall = *self.0.lock().expect("clock");
        // Nothing sets this clock back: what counts the time that passed may count it.
        Now {
            wall,
            mono: u64::try_from(wall.0).expect("time"),
        }
    }
}

impl Hands {
    fn new() -> Arc<Self> {
        let start = Utc::parse("2026-11-29T10:00:00.000Z").expect("time");
        Arc::new(Self(Mutex::new(start)))
    }

    fn days_go_by(&self, days: i64) {
        let mut now = self.0.lock().expect("clock");
        *now = now.plus_ms(days * DAY_MS);
    }
}

type Who = (CertificateDer<'static>, Vec<u8>);

fn until(who: &Who) -> Utc {
    Certificate::parse(&who.0).expect("certificate").until
}

/// Asks for another certificate on a line.
async fn renew(line: &quinn::Connection, who: &Who) -> Result<Who, String> {
    let (mut out, mut inc) = line.open_bi().await.map_err(|e| e.to_string())?;
    send(&mut out, &Open::Renew { v: VERSION }).await;
    match frame(&mut inc).await.map(|f| f.json().expect("reply")) {
        Some(RenewReply::Renewed { cert, .. }) => Ok((
            CertificateDer::from_pem_slice(cert.as_bytes()).expect("certificate"),
            who.1.clone(),
        )),
        Some(other) => Err(format!("{other:?}")),
        None => Err("no answer".into()),
    }
}

impl Rig {
    /// How many lines of the hub's own log are of this type and have this in them.
    fn own_lines(&self, kind: &str, part: &str) -> usize {
        let folder = self.desk.state.join("log/1");
        let files = std::fs::read_dir(folder).expect("log");
        let text: String = files
            .map(|f| f.expect("file").path())
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .map(|p| std::fs::read_to_string(p).expect("lines"))
            .collect();
        let kind = format!("\"type\":\"{kind}\"");
        text.lines()
            .filter(|l| l.contains(&kind) && l.contains(part))
            .count()
    }
}

/// V18, REC-1: ten years in which a box is on the line now and then. It asks from half of its certificate's life on and is never refused;
/// the hub's own certificate is swapped while it runs, for the authority the box pinned on its first day; each renewal is one line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn years_go_by_and_no_box_is_lost() {
    let clock = Hands::new();
    let hub = Rig::on(clock.clone());
    let pinned = hub.desk.keys.authority().der().clone();
    let mut who = hub.enrolled("ashby").await;
    let first = hub.certificate.shown();
    let mut renewals = 0;
    for _ in 0..37 {
        clock.days_go_by(100);
        supervise::look_at(&hub.desk, &hub.certificate);
        let now = hub.desk.now();
        assert!(until(&who) > now, "never over");
        let line = dial_at(now, hub.desk.quic, &pinned, Some(&who)).await;
        let line = line.expect("let in");
        let _control = control(&line, "ashby").await;
        let due = Certificate::parse(&who.0).expect("read").is_due(now);
        let anew = renew(&line, &who).await.expect("answered");
        assert_eq!(anew.0 != who.0, due, "another one from half of its life on");
        if due {
            renewals += 1;
            assert!(until(&anew) > now.plus_ms(729 * DAY_MS));
            // The answer is lost, and asked for again: the same one.
            assert_eq!(renew(&line, &who).await.expect("again").0, anew.0);
            assert!(line.close_reason().is_none(), "the line stays as it is");
        }
        who = anew;
    }
    assert!((9..=10).contains(&renewals), "{renewals}");
    assert_eq!(hub.own_lines("box.renew", "\"ashby\""), renewals);
    assert!(!Arc::ptr_eq(&first, &hub.certificate.shown()));
    assert!((9..=11).contains(&hub.own_lines("cert.set", "\"boxes\"")));
}

/// V18: three years in a store. The box is told that its certificate is over, may renew it with its key and nothing else, and comes in
/// with the new one; what a revoked, a replaced and an unknown one may not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_box_renews_through_a_narrow_door() {
    let clock = Hands::new();
    let hub = Rig::on(clock.clone());
    let who = hub.enrolled("ashby").await;
    let thief = hub.enrolled("bury").await;
    let replaced = hub.enrolled("derby").await;
    clock.days_go_by(1100);
    supervise::look_at(&hub.desk, &hub.certificate);

    let narrow = || async { hub.dial(Some(&who)).await.expect("handshake") };
    let line = narrow().await;
    let (mut out, mut inc) = line.open_bi().await.expect("stream");
    send(&mut out, &hello("ashby")).await;
    let (code, why) = closed(&line).await;
    assert_eq!(code, u64::from(close::EXPIRED), "{why}");
    assert!(why.contains("ashby was good until"), "{why}");
    assert!(frame(&mut inc).await.is_none(), "not welcomed");
    let line = narrow().await;
    let log = Open::Audit {
        log: 1,
        cosigned: None,
    };
    let (mut out, _inc) = line.open_bi().await.expect("stream");
    send(&mut out, &log).await;
    assert_eq!(closed(&line).await.0, u64::from(close::EXPIRED));
    let name = BoxName::parse("ashby").expect("name");
    assert!(!hub.desk.live.online(&name), "it is not on the line");

    let line = narrow().await;
    let anew = renew(&line, &who).await.expect("renewed");
    assert_eq!(closed(&line).await.0, u64::from(close::DONE));
    assert!(until(&anew) > hub.desk.now());
    // Its answer was lost, and the box comes with the old one again.
    let line = narrow().await;
    assert_eq!(renew(&line, &who).await.expect("again").0, anew.0);
    assert_eq!(hub.own_lines("box.renew", "\"ashby\""), 1);
    let line = hub.dial(Some(&anew)).await.expect("wide");
    let _control = control(&line, "ashby").await;

    let bury = BoxName::parse("bury").expect("name");
    hub.desk.db.revoke_box(&bury, "stolen").expect("revoked");
    let refused = |who: Who| {
        let hub = &hub;
        async move {
            let line = hub.dial(Some(&who)).await.expect("handshake");
            let (code, why) = closed(&line).await;
            assert_eq!(code, u64::from(close::REVOKED), "{why}");
            assert!(renew(&line, &who).await.is_err());
        }
    };
    refused(thief.clone()).await;
    // A code for the box that takes its place does not let the stolen one in.
    hub.code("bury").await;
    refused(thief).await;
    hub.enrolled("derby").await;
    refused(replaced).await;
    assert_eq!(hub.own_lines("box.renew", ""), 1);
}

/// V7, V18: an expired box that comes through the narrow door again and again is told to come later, one that is let in meanwhile is not,
/// and when a minute has passed it may come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_narrow_door_has_a_pace_for_each_box() {
    let clock = Hands::new();
    let hub = Rig::on(clock.clone());
    let who = hub.enrolled("ashby").await;
    let other = hub.enrolled("bury").await;
    clock.days_go_by(1100);
    supervise::look_at(&hub.desk, &hub.certificate);
    let comes = async |who: &Who| {
        let line = hub.dial(Some(who)).await.expect("handshake");
        // It may be closed before anything is said.
        if let Ok((mut out, _inc)) = line.open_bi().await {
            let said = wire::encode_json(&hello("ashby")).expect("frame");
            let _ = out.write_all(&said).await;
        }
        closed(&line).await
    };
    let mut heard = 0;
    let why = loop {
        let (code, why) = comes(&who).await;
        if code != u64::from(close::EXPIRED) {
            assert_eq!(code, u64::from(close::DONE), "{why}");
            break why;
        }
        heard += 1;
        assert!(heard <= 60, "it is heard without an end");
    };
    assert!(why.contains("connects too often"), "{why}");
    assert!(heard >= 20, "{heard}: a box that is honest is not held up");
    let line = hub.dial(Some(&other)).await.expect("handshake");
    renew(&line, &other).await.expect("the other is heard");
    *clock.0.lock().expect("clock") = hub.desk.now().plus_ms(60_000);
    let line = hub.dial(Some(&who)).await.expect("handshake");
    renew(&line, &who).await.expect("heard again in a minute");
}

/// V15: whoever has no code may guess as long as he likes: the right one works, at once, and the answers to wrong ones say the same of
/// boxes that are there and that are not, in the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_guesses_void_no_code() {
    let hub = Rig::new();
    let code = hub.code("ashby").await;
    let (desk, key) = (hub.desk.clone(), rcgen::KeyPair::generate().expect("key"));
    let spki = STANDARD.encode(rcgen::PublicKeyData::subject_public_key_info(&key));
    let answers = blocking(move || {
        let mut all = std::collections::BTreeSet::new();
        for n in 0..500u64 {
            for name in ["ashby", "nowhere"] {
                let name = BoxName::parse(name).expect("name");
                let no = enrol::claim(&desk, SCHEME, &name, &format!("{n:016x}"), &spki);
                let no = no.expect_err("guessed");
                assert!(no.is_guess);
                all.insert(no.why);
            }
        }
        all
    });
    assert_eq!(answers.await.expect("ran").len(), 1, "one sentence");
    let began = tokio::time::Instant::now();
    for (name, least) in [("ashby", 1), ("nowhere", 2)] {
        let before = tokio::time::Instant::now();
        let reply = hub.enrol("0123456789abcdef", name, &key).await;
        assert!(matches!(reply, EnrolReply::Refused { .. }), "{reply:?}");
        assert!(before.elapsed() >= Duration::from_secs(least));
    }
    assert!(began.elapsed() < SOON);
    let before = tokio::time::Instant::now();
    let reply = hub.enrol(&code.secret_text(), "ashby", &key).await;
    assert!(matches!(reply, EnrolReply::Enrolled { .. }), "{reply:?}");
    assert!(
        before.elapsed() < Duration::from_secs(3),
        "not made to wait"
    );
}

/// V2: an answer that is lost on its way burns nothing: the same box, with the same key, gets the same answer again, and that is no second
/// enrolment; another key does not, nor does anybody once the code is too old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_line_burns_no_code() {
    let clock = Hands::new();
    let hub = Rig::on(clock.clone());
    let code = hub.code("ashby").await.secret_text();
    let key = rcgen::KeyPair::generate().expect("key");
    let first = hub.enrol(&code, "ashby", &key).await;
    assert!(matches!(first, EnrolReply::Enrolled { .. }), "{first:?}");
    clock.days_go_by(6);
    assert_eq!(hub.enrol(&code, "ashby", &key).await, first);
    assert_eq!(hub.own_lines("box.add", "\"cert\":"), 1);
    let twin = rcgen::KeyPair::generate().expect("key");
    match hub.enrol(&code, "ashby", &twin).await {
        EnrolReply::Refused { why } => assert!(why.contains("used already"), "{why}"),
        other => panic!("{other:?}"),
    }
    clock.days_go_by(2);
    match hub.enrol(&code, "ashby", &key).await {
        EnrolReply::Refused { why } => assert!(why.contains("expired"), "{why}"),
        other => panic!("{other:?}"),
    }
}
