//! The register of an exhibit: marked, saved, handed over, received, returned, destroyed; what media may have; and that all of it is on the log in
//! its order, and readable by nobody else.
use serde_json::{Value, json};

use super::{everybody, *};
use crate::{
    access::{
        authorise::{Permit, Subject, authorise},
        factors,
        principal::Principal,
        table,
        totp::Secret,
    },
    db::register::CopyRecord,
    disposal,
    error::HubError,
    model::{
        copy::{CopyKind, CopyStanding, CopyState},
        exhibit_event::ExhibitAct,
    },
    ops::asked::ask,
    periods,
    texts::keep_salted,
};

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Copies of an exhibit that a test is about: one here, two out, one here.
pub(super) fn copies(hub: &Hub, n: u32) {
    let text = |t: &str| keep_salted(hub, t).expect("kept");
    for (copy, state) in [
        (1, CopyState::Here),
        (2, CopyState::Out),
        (3, CopyState::Here),
    ] {
        let record = CopyRecord {
            exhibit: scene::exhibit(n),
            n: copy,
            standing: CopyStanding {
                kind: CopyKind::Working,
                state,
                received: false,
            },
            form: "zip".into(),
            seal: "passphrase".into(),
            sha256: "ab".repeat(32),
            sums: "cd".repeat(32),
            bytes: 4711,
            medium: text("a stick"),
            place: text("the safe"),
            hand: Some(1),
            made: scene::now(),
            changed: scene::now(),
        };
        hub.db.put_copy(&record).expect("recorded");
    }
}

/// One person and how they ask.
struct Somebody<'a> {
    rig: &'a Rig,
    who: Principal,
}

impl<'a> Somebody<'a> {
    fn of(rig: &'a Rig, role: &str) -> Self {
        let person = crate::access::signin::person(&rig.hub, scene::number(role));
        let who = Principal::Person(person.expect("read").expect("account"));
        Self { rig, who }
    }

    async fn ask(&self, row: &'static Row, asked: Value) -> Result<Value, HubError> {
        ask(&self.rig.hub, &self.who, row, asked).await
    }

    async fn refused(&self, row: &'static Row, asked: Value) -> String {
        let e = self.ask(row, asked).await.expect_err("refused");
        e.code().to_owned()
    }

    fn permit(&self, row: &'static Row) -> Permit {
        authorise(&self.who, row, &Subject::hub(), self.rig.hub.now()).expect("may")
    }

    /// Sets up codes of a phone.
    fn has_a_phone(&self) {
        let secret = Secret::parse(SECRET).expect("a secret");
        let code = secret.code_at(self.rig.hub.now());
        let permit = self.permit(&table::FACTOR_CODE);
        factors::add_code(&self.rig.hub, "phone", SECRET, &code, PASSWORD, &permit)
            .expect("set up");
    }

    fn code(&self) -> String {
        let secret = Secret::parse(SECRET).expect("a secret");
        secret.code_at(self.rig.hub.now())
    }

    /// Begins a save and says how it ended.
    async fn saves(&self, n: u32, kind: &str) -> Result<u64, HubError> {
        let exhibit = scene::exhibit(n);
        let begun = self
            .ask(
                &table::CLIP_SAVE,
                json!({"exhibit": exhibit, "purpose": "to police", "reference": "CR/9", "copy": kind}),
            )
            .await?;
        let copy = json!({
            "kind": kind, "form": "zip", "seal": "passphrase", "sha256": "ef".repeat(32), "sums": begun["sums"], "bytes": 900,
            "medium": "Kingston stick 4C53", "place": "safe 2, control room"
        });
        let asked = json!({"exhibit": exhibit, "save": begun["line"], "copy": copy});
        let done = self.ask(&table::EXHIBIT_COPY, asked).await?;
        Ok(done["copy"].as_u64().expect("a number"))
    }
}

fn hand(n: u32, copy: u64, kind: &str, signed: &str, code: &str) -> Value {
    json!({
        "exhibit": scene::exhibit(n), "copy": copy, "kind": kind, "to": "DC Hall 4711", "agency": "County Police, Ashby", "signed": signed,
        "code": code
    })
}

/// EVI-2 to EVI-5 (V-rows of people.md g, continuity): an exhibit from its producer's reference to its end: a copy is registered with number,
/// hash, medium and place; whoever hands it over types their own name and gives a second factor; what came back is never a master again; the
/// events are those of the log, in its order; and no text of it is on the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_hand_to_hand() {
    let mut rig = scene::rig();
    let exhibit = scene::exhibit(1);
    let of = |copy: u64| json!({"exhibit": exhibit, "copy": copy, "from": "DC Hall 4711"});
    {
        let kim = Somebody::of(&rig, "operator");
        let mark = |mark: &str| json!({"exhibit": exhibit, "mark": mark});
        assert_eq!(
            kim.refused(&table::EXHIBIT_MARK, mark("A\nB")).await,
            "mark-malformed"
        );
        let marked = kim.ask(&table::EXHIBIT_MARK, mark(" ABC/1 ")).await;
        assert_eq!(marked.expect("marked")["mark"], "ABC/1");
        assert_eq!(kim.saves(1, "master").await.expect("saved"), 1);
        assert_eq!(kim.saves(1, "working").await.expect("saved"), 2);
        let second = kim.saves(1, "master").await.expect_err("one master");
        assert_eq!(second.code(), "master-there");

        // Nothing is handed over without the own name and a second factor, and no working copy as a master.
        let row = &table::EXHIBIT_HAND;
        let refused = |copy, kind, name, code| kim.refused(row, hand(1, copy, kind, name, code));
        assert_eq!(refused(9, "master", "operator", "1").await, "copy-unknown");
        assert_eq!(refused(2, "master", "operator", "1").await, "no-master");
        assert_eq!(refused(1, "master", "somebody", "1").await, "not-signed-as");
        let without = refused(1, "master", "operator", "123456").await;
        assert_eq!(without, "second-factor-wanted");
        kim.has_a_phone();
    }
    rig.to(scene::now().plus_ms(60_000));
    let kim = Somebody::of(&rig, "operator");
    let row = &table::EXHIBIT_HAND;
    let wrong = kim.refused(row, hand(1, 1, "master", "operator", "000001"));
    assert_ne!(wrong.await, "copy-unknown");
    let form = kim
        .ask(row, hand(1, 1, "master", "  Operator ", &kim.code()))
        .await
        .expect("handed over");
    assert_eq!(form["to"], "DC Hall 4711");
    assert_eq!(form["copy"]["state"], "out");
    assert_eq!(form["factor"], "code");
    // It is out: not handed out again, not destroyed, not registered anew; signed for once.
    let again = hand(1, 1, "working", "operator", &kim.code());
    assert_eq!(kim.refused(row, again).await, "copy-out");
    let destroy = json!({"exhibit": exhibit, "copy": 1, "reason": "x"});
    let destroyed = kim.refused(&table::EXHIBIT_DESTROY, destroy.clone());
    assert_eq!(destroyed.await, "copy-out");
    let receipt =
        json!({"exhibit": exhibit, "copy": 1, "from": "DC Hall 4711", "receipt": "property 12/7"});
    let received = kim.ask(&table::EXHIBIT_RECEIPT, receipt.clone()).await;
    assert_eq!(received.expect("received")["copies"][0]["received"], true);
    let twice = kim.refused(&table::EXHIBIT_RECEIPT, receipt).await;
    assert_eq!(twice, "receipt-there");
    let form = json!({"exhibit": exhibit, "copy": 1});
    let form = kim.ask(&table::EXHIBIT_RELEASE, form).await.expect("form");
    assert_eq!(form["receipt"]["receipt"], "property 12/7");
    // What came back is no master any more.
    let back = kim.ask(&table::EXHIBIT_RETURN, of(1)).await.expect("back");
    assert_eq!(back["copies"][0]["kind"], "working");
    let as_master = hand(1, 1, "master", "operator", &kim.code());
    assert_eq!(kim.refused(row, as_master).await, "no-master");
    assert_eq!(
        kim.refused(&table::EXHIBIT_RETURN, of(1)).await,
        "copy-not-out"
    );
    kim.ask(&table::EXHIBIT_DESTROY, destroy)
        .await
        .expect("gone");
    assert_eq!(
        kim.refused(&table::EXHIBIT_RETURN, of(1)).await,
        "copy-gone"
    );

    let events = crate::register::events_of(&rig.hub, &exhibit).expect("events");
    let kinds: Vec<String> = events
        .iter()
        .map(|e| {
            let json = serde_json::to_value(e).expect("JSON");
            json["what"].as_str().expect("a word").to_owned()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "marked",
            "save-begun",
            "copied",
            "save-begun",
            "copied",
            "handed-over",
            "received",
            "returned",
            "copy-destroyed"
        ]
    );
    assert!(events.windows(2).all(|w| w[0].line < w[1].line));
    assert!(
        events
            .iter()
            .all(|e| e.by.op == "op:0021" || e.by.name.is_some())
    );
    let ExhibitAct::HandedOver { to, agency, .. } = &events[5].what else {
        panic!("{:?}", events[5]);
    };
    assert_eq!(to.as_deref(), Some("DC Hall 4711"));
    assert_eq!(agency.as_deref(), Some("County Police, Ashby"));
    for e in &events {
        let (what, _) = crate::words::exhibit_event(e, &rig.hub.config.zone);
        assert!(what.contains(' ') && !what.contains("(erased)"), "{what}");
    }
    // The log has none of the texts.
    for kind in [
        "reg.mark",
        "reg.copy",
        "reg.hand",
        "reg.receipt",
        "reg.return",
    ] {
        for line in scene::lines(&rig.hub, kind) {
            let text = format!("{line:?}");
            for word in ["ABC/1", "Kingston", "Hall", "County", "property", "safe 2"] {
                assert!(!text.contains(word), "{kind} holds {word}");
            }
        }
    }
    // With the exhibit its register's texts go.
    let side = |hub: &Hub| {
        let texts = hub.db.side_texts().expect("texts");
        texts.len()
    };
    let before = side(&rig.hub);
    let begun = disposal::carry::begin(
        &rig.hub,
        &exhibit,
        (periods::Class::General, scene::now()),
        keep_salted(&rig.hub, "done with").expect("kept"),
        vec!["op:0021".into()],
        |_| Ok(()),
    );
    disposal::carry::finish(&rig.hub, begun.expect("begun")).expect("disposed");
    assert!(side(&rig.hub) < before - 5, "{before} texts before");
    let events = crate::register::events_of(&rig.hub, &exhibit).expect("events");
    let erased = events.iter().any(|e| {
        matches!(
            &e.what,
            ExhibitAct::HandedOver {
                to: None,
                agency: None,
                ..
            }
        )
    });
    assert!(erased, "what happened stays, to whom does not");
    assert!(matches!(
        events.last().map(|e| &e.what),
        Some(ExhibitAct::Gone)
    ));
    let gone = Somebody::of(&rig, "operator").saves(1, "working").await;
    assert!(gone.is_err());
}

/// EVI-2, RET-5 (field.md, saves): a save that comes to nothing leaves no claim: its line is named by an `act.fail`, whether whoever saved says so or
/// nobody ever does; a copy is registered only for a save that was begun, by whoever began it, of the package that is on record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_comes_to_nothing() {
    let mut rig = scene::rig();
    let exhibit = scene::exhibit(1);
    let begin = json!({"exhibit": exhibit, "purpose": "p", "reference": "r", "copy": "working"});
    {
        let kim = Somebody::of(&rig, "operator");
        let lee = Somebody::of(&rig, "supervisor");
        let begun = kim
            .ask(&table::CLIP_SAVE, begin.clone())
            .await
            .expect("begun");
        let line = begun["line"].as_u64().expect("a line");
        let nothing = json!({"exhibit": exhibit, "save": line, "copy": null});
        let others = lee.refused(&table::EXHIBIT_COPY, nothing.clone()).await;
        assert_eq!(others, "save-of-another");
        let mut copy = json!({
            "kind": "working", "form": "folder", "seal": "none", "sha256": "ef".repeat(32), "sums": "00".repeat(32), "bytes": 9,
            "medium": "m", "place": "p"
        });
        let other = json!({"exhibit": exhibit, "save": line, "copy": copy});
        let package = kim.refused(&table::EXHIBIT_COPY, other).await;
        assert_eq!(package, "other-package");
        copy["form"] = json!("tape");
        let odd = json!({"exhibit": exhibit, "save": line, "copy": copy});
        assert_eq!(kim.refused(&table::EXHIBIT_COPY, odd).await, "word-unknown");
        kim.ask(&table::EXHIBIT_COPY, nothing.clone())
            .await
            .expect("said");
        let again = kim.refused(&table::EXHIBIT_COPY, nothing).await;
        assert_eq!(again, "save-unknown");
        let failed = scene::lines(&rig.hub, "act.fail").pop().expect("a line");
        assert_eq!(failed.data.get("line").and_then(|l| l.as_u64()), Some(line));
        assert!(
            crate::register::events_of(&rig.hub, &exhibit)
                .expect("events")
                .is_empty()
        );
        kim.ask(&table::CLIP_SAVE, begin).await.expect("begun");
    }
    // Nobody says how that one ended.
    rig.to(scene::now().plus_ms(25 * 3_600_000));
    crate::register::acts::expire_saves(&rig.hub).expect("ended");
    assert_eq!(scene::lines(&rig.hub, "act.fail").len(), 2);
    crate::register::acts::expire_saves(&rig.hub).expect("ended");
    assert_eq!(scene::lines(&rig.hub, "act.fail").len(), 2, "once");
}

/// EVI-9: nothing of a media request leaves the hub before a document says what for and within which limits, authorised by somebody who decides; and
/// whoever authorised it does not hand it over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_need_a_document() {
    let mut rig = scene::rig();
    everybody::furnish(&rig.hub);
    let exhibit = scene::exhibit(23);
    let release = |exhibit: &shared::id::ExhibitRef| {
        json!({
            "exhibit": exhibit, "document": "Press release 7 of 3 November", "uses": "an appeal for witnesses",
            "limits": "until 31 January; faces of bystanders blurred"
        })
    };
    {
        let kim = Somebody::of(&rig, "operator");
        let pat = Somebody::of(&rig, "supervisor");
        let early = kim.saves(23, "working").await.expect_err("too early");
        assert_eq!(early.code(), "media-not-allowed");
        assert!(
            early.sentence().contains("exhibit media"),
            "{}",
            early.sentence()
        );
        assert!(scene::lines(&rig.hub, "copy.save").is_empty());
        assert!(
            kim.ask(&table::EXHIBIT_MEDIA, release(&exhibit))
                .await
                .is_err()
        );
        let mut bare = release(&exhibit);
        bare["limits"] = json!(" ");
        assert_eq!(
            pat.refused(&table::EXHIBIT_MEDIA, bare).await,
            "text-wanted"
        );
        let police = pat.refused(&table::EXHIBIT_MEDIA, release(&scene::exhibit(1)));
        assert_eq!(police.await, "not-for-media");
        let said = pat.ask(&table::EXHIBIT_MEDIA, release(&exhibit)).await;
        let by = crate::ownlog::op(scene::number("supervisor"));
        assert_eq!(said.expect("authorised")["media"]["by"], by);
        assert_eq!(kim.saves(23, "working").await.expect("saved"), 1);
        kim.has_a_phone();
    }
    rig.to(scene::now().plus_ms(60_000));
    let kim = Somebody::of(&rig, "operator");
    let pat = Somebody::of(&rig, "supervisor");
    let own = hand(23, 1, "working", "supervisor", "000000");
    let own = pat.refused(&table::EXHIBIT_HAND, own).await;
    assert_eq!(own, "media-authoriser");
    let over = hand(23, 1, "working", "operator", &kim.code());
    let form = kim.ask(&table::EXHIBIT_HAND, over).await.expect("handed");
    assert_eq!(form["media"]["uses"], "an appeal for witnesses");
    assert_eq!(form["class"], "media");
    // What police asked for does not go to media by another name.
    let mut other = hand(21, 1, "working", "operator", &kim.code());
    other["class"] = json!("media");
    let other = kim.refused(&table::EXHIBIT_HAND, other).await;
    assert_eq!(other, "media-not-allowed");
}
