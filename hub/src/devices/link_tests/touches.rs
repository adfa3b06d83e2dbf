//! Wiring. Orders that people approve with their own passkeys, over real QUIC: what the hub collects is what a box's rules take, and nothing
//! else is.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use shared::{
    approval::{Approval, Approvers, Subject},
    order::Ordered,
    passkey::{Assertion, RelyingParty},
    testing::SoftKey,
};

use super::*;
use crate::{
    access::factors,
    db::visible::VisibleRows,
    hub::testing::Hands,
    list::Part,
    orders::{
        approvers,
        mask::{self, LiftApproval},
        touches::{self, TouchRow},
    },
};

/// Somebody with a passkey in software.
struct Person {
    permit: Permit,
    key: SoftKey,
}

/// As the script of the pages hands it over.
fn used(a: &Assertion) -> String {
    let b = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({"id": b(&a.id.0), "type": "public-key", "response": {
        "clientDataJSON": b(&a.client_data.0), "authenticatorData": b(&a.authenticator_data.0), "signature": b(&a.signature.0)}})
    .to_string()
}

impl Person {
    /// Somebody new, with a passkey they made on the page of their account.
    fn new(desk: &Hub, name: &str, role: &str) -> Self {
        let op = desk.hire(name, role, "secret");
        let (permit, key) = (Permit::of_test(op, name), SoftKey::new(name));
        let offer = factors::new(desk, &permit).expect("offered").passkey;
        let challenge = URL_SAFE_NO_PAD.decode(offer.expect("a party").challenge);
        let challenge = challenge.expect("base64").try_into().expect("32 bytes");
        let made = key.register(party(desk), &challenge);
        let b = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let made = json!({"id": b(name.as_bytes()), "type": "public-key", "response": {
            "clientDataJSON": b(&made.client_data), "attestationObject": b(&made.attestation)}});
        factors::add_passkey(desk, "key", &made.to_string(), "secret", &permit).expect("added");
        Self { permit, key }
    }

    fn orders(&self, desk: &Hub) -> Vec<TouchRow> {
        touches::list(desk, &Part::default(), &self.permit)
            .expect("listed")
            .rows
    }

    /// What they are asked for, touched.
    fn touch(&mut self, desk: &Hub, order: u64) -> String {
        let rows = self.orders(desk);
        let row = rows.iter().find(|o| o.order == order).expect("an order");
        let offer = row.passkey.as_ref().expect("asked for");
        assert_eq!(
            offer.keys,
            [URL_SAFE_NO_PAD.encode(self.permit.name())],
            "their own"
        );
        let challenge = URL_SAFE_NO_PAD.decode(&offer.challenge).expect("base64");
        let challenge = challenge.try_into().expect("32 bytes");
        used(&self.key.sign(party(desk), &challenge))
    }

    async fn give(
        &self,
        desk: &Arc<Hub>,
        order: u64,
        credential: &str,
    ) -> Result<touches::TouchOutcome, String> {
        let given = touches::give(desk, order, credential.into(), &self.permit).await;
        given.map_err(|e| e.to_string())
    }
}

fn party(desk: &Hub) -> &RelyingParty {
    desk.config.party().expect("a name that browsers know")
}

/// The box's rules: what it does with an order that came.
#[derive(Clone)]
struct Keyed {
    approvers: Approvers,
    hub: shared::note::Vkey,
}

impl Keyed {
    fn understood(&self, message: &ToBox) -> Ordered {
        let ToBox::Order { order, sig } = message else {
            panic!("no order: {message:?}");
        };
        let signature = STANDARD.decode(sig).expect("base64");
        let message = [order::ORDER_PREFIX, order].concat();
        ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, self.hub.key)
            .verify(message.as_bytes(), &signature)
            .expect("signed by the hub");
        serde_json::from_str(order).expect("an order")
    }

    /// Whether it is approved, by what the box understood of it.
    fn obeys(&mut self, o: &Ordered) -> Result<Done, String> {
        let text = Ordered::text(o.order.clone()).expect("text");
        let subject = Subject {
            number: o.order.order,
            text: &text,
            by: &o.order.by,
        };
        let (next, done) = match &o.order.act {
            Act::MaskLift { until, .. } => (
                self.approvers.approve(subject, &o.approvals),
                Done::Lift { until: *until },
            ),
            Act::Approvers { change } => (
                self.approvers.change(subject, change, &o.approvals),
                Done::Approvers,
            ),
            other => panic!("another order: {other:?}"),
        };
        self.approvers = next.map_err(|e| e.to_string())?;
        Ok(done)
    }

    fn answer(&mut self, o: &Ordered) -> ToHub {
        match self.obeys(o) {
            Ok(done) => says_done(o.order.order, done),
            Err(why) => says_refused(o.order.order, Code::NotApproved, &why),
        }
    }

    fn health(&self, now: Utc) -> ToHub {
        let info = wire::MaskInfo {
            id: "m7".into(),
            how: "burned".into(),
            style: "solid".into(),
            permille: 100,
            sha256: "0".repeat(64),
            review: None,
            order: None,
            lifted: None,
            instead: None,
        };
        let camera = CameraHealth {
            cam: CameraId::parse("c01").expect("cam"),
            flow: Flow::default(),
            rate: None,
            stands_secs: None,
            mask: Some(info),
            outlook: None,
        };
        let keys = self.approvers.keys().iter();
        ToHub::Health {
            time: now,
            free_mib: 1000,
            cameras: vec![camera],
            faults: vec![],
            approvers: Some(keys.map(shared::approval::Approver::known).collect()),
        }
    }
}

/// Until the hub knows these keys.
async fn known(hub: &Rig, keyed: &Keyed) {
    let name = BoxName::parse("ashby").expect("name");
    let keys: Vec<_> = keyed.approvers.keys().iter().map(|k| k.known()).collect();
    let all = async || {
        let (desk, name) = (hub.desk.clone(), name.clone());
        let found = blocking(move || touches::keys(&desk, &name).ok().flatten());
        found.await.expect("runs") == Some(keys.clone())
    };
    tokio::time::timeout(SOON, async {
        while !all().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the hub knows the keys");
}

/// MSK-4, ROL-5: where a box takes a lift only by people's own keys, the hub fixes the order at the second person's word, has both touch their
/// passkeys for exactly that, and sends it with both; the box's rules take it, once. One touch alone, the same person twice, a touch for
/// another order, another's touch and a touch that came before are nothing, and what is not touched in time is over, on the record and for
/// both to read. A third key comes to count only by two that do.
#[tokio::test(flavor = "multi_thread")]
async fn a_box_is_sent_what_two_people_touched_for() {
    let clock = Hands::at(SystemClock.now().wall);
    let hub = Rig::on(clock.clone());
    let desk = &hub.desk;
    let people = |name: &'static str, role: &'static str| {
        let desk = hub.desk.clone();
        async move {
            let made = blocking(move || Person::new(&desk, name, role));
            made.await.expect("runs")
        }
    };
    let mut ann = people("ann", "approver").await;
    let mut bob = people("bob", "approver").await;
    let kim = people("kim", "supervisor").await;

    // Enrolment hands over the keys of those with the role, for root to pin.
    let code = hub.code("ashby").await;
    let key = rcgen::KeyPair::generate().expect("key");
    let reply = hub.enrol(&code.secret_text(), "ashby", &key).await;
    let EnrolReply::Enrolled {
        cert, approvers, ..
    } = reply
    else {
        panic!("not enrolled: {reply:?}");
    };
    let cert = CertificateDer::from_pem_slice(cert.as_bytes()).expect("certificate");
    let mut keyed = Keyed {
        approvers: *approvers.expect("two people's keys"),
        hub: desk.keys.order_vkey().clone(),
    };
    let whose: Vec<&str> = keyed.approvers.keys().iter().map(|k| &*k.who).collect();
    assert_eq!(whose, [ann.permit.op(), bob.permit.op()]);
    let line = hub.dial(Some(&(cert, key.serialize_der()))).await;
    let (mut out, mut inc) = control(&line.expect("box"), "ashby").await;
    send(&mut out, &keyed.health(clock.now().wall)).await;
    known(&hub, &keyed).await;

    let camera = BoxCamera::parse("ashby/c01").expect("camera");
    let wanted = mask::LiftRequest {
        until: None,
        minutes: Some(60),
        authority: "RIPA 2026/17".into(),
        reason: "Disturbance".into(),
        file: None,
    };
    let ask = |who: &Person| mask::ask(desk, &camera, &wanted, &who.permit);
    let unknown = ask(&kim)
        .expect_err("no key of theirs is known")
        .to_string();
    assert!(unknown.contains("knows none of kim"), "{unknown}");

    let lift = ask(&ann).expect("asked for").n;
    let own = mask::approve(desk, lift, &ann.permit).await;
    assert!(
        own.expect_err("one person")
            .to_string()
            .contains("second person")
    );
    let no = mask::approve(desk, lift, &kim.permit).await;
    assert!(
        no.expect_err("no key")
            .to_string()
            .contains("knows none of kim")
    );
    let approved = mask::approve(desk, lift, &bob.permit).await;
    let LiftApproval {
        until,
        touches: Some(waits),
    } = approved.expect("approved")
    else {
        panic!("it went out without touches");
    };
    let n = waits.order;
    assert_eq!(waits.until.0 - clock.now().wall.0, 15 * 60_000);
    let pending = mask::list(desk, &VisibleRows::everything(), &Part::default()).expect("listed");
    assert!(pending.rows.is_empty(), "it is approved");
    let row = ann.orders(desk).pop().expect("a row");
    let said = row.lift.expect("a lift");
    assert_eq!(
        (said.camera.as_str(), said.until, said.authority.as_deref()),
        ("ashby/c01", until, Some("RIPA 2026/17"))
    );
    assert!(kim.orders(desk).is_empty(), "it names others");

    // Nothing but the touch that was asked for is taken.
    let no = |given: Result<touches::TouchOutcome, String>, says: &str| {
        let why = given.expect_err(says);
        assert!(why.contains(says), "{why}");
    };
    let annes = ann.touch(desk, n);
    let elsewhere = used(&ann.key.sign(party(desk), &[7; 32]));
    no(ann.give(desk, n, &elsewhere).await, "another question");
    no(bob.give(desk, n, &annes).await, "another key");
    no(
        kim.give(desk, n, &annes).await,
        "waits for the passkeys of others",
    );
    no(ann.give(desk, n, "{}").await, "not readable");
    clock.later(10_000);
    let annes = ann.touch(desk, n);
    let given = ann.give(desk, n, &annes).await.expect("taken");
    assert!(given.waits);
    no(
        ann.give(desk, n, &annes).await,
        "waits for the other person",
    );
    let again = ask(&ann).expect("asked for").n;
    let second = mask::approve(desk, again, &bob.permit).await;
    let second = second.expect_err("one order after the other").to_string();
    assert!(
        second.contains(&format!("order {n} to box ashby waits")),
        "{second}"
    );

    // With the second person's touch it goes out.
    let bobs = bob.touch(desk, n);
    let fresh = keyed.clone();
    let sent = async {
        let message: ToBox = frame(&mut inc).await.expect("order").json().expect("json");
        let ordered = keyed.understood(&message);
        let answer = keyed.answer(&ordered);
        send(&mut out, &answer).await;
        ordered
    };
    let (given, first) = tokio::join!(bob.give(desk, n, &bobs), sent);
    let given = given.expect("obeyed");
    assert_eq!((given.waits, given.until), (false, Some(until)));
    assert_eq!((first.order.order, first.approvals.len()), (n, 2));
    assert_eq!(first.order.by, [ann.permit.op(), bob.permit.op()]);
    for who in [&ann, &bob] {
        assert_eq!(who.orders(desk).pop().expect("a row").state, "done");
    }
    no(bob.give(desk, n, &bobs).await, "on its way");

    // What a hub in other hands could make of it, the box does not obey.
    let refused = |keyed: &Keyed, o: &Ordered, says: &str| {
        let why = keyed.clone().obeys(o).expect_err(says);
        assert!(why.contains(says), "{why}");
    };
    refused(&keyed, &first, "came already");
    let [a, b] = [first.approvals[0].clone(), first.approvals[1].clone()];
    let with = |approvals: &[Approval]| Ordered {
        order: first.order.clone(),
        approvals: approvals.to_vec(),
    };
    refused(&fresh, &with(&[]), "carries 0 approvals");
    refused(
        &fresh,
        &with(std::slice::from_ref(&a)),
        "carries 1 approvals",
    );
    refused(&fresh, &with(&[a.clone(), a.clone()]), "approves twice");
    let mut longer = with(&[a, b]);
    if let Act::MaskLift { until, .. } = &mut longer.order.act {
        *until = until.plus_ms(1);
    }
    refused(&fresh, &longer, "another question");

    // One touch only, and time goes by.
    let approved = mask::approve(desk, again, &bob.permit).await;
    let n2 = approved.expect("approved").touches.expect("waits").order;
    no(bob.give(desk, n2, &bobs).await, "another question");
    let annes = ann.touch(desk, n2);
    assert!(ann.give(desk, n2, &annes).await.expect("taken").waits);
    clock.later(14 * 60_000);
    let late = bob.touch(desk, n2);
    clock.later(60_000);
    no(bob.give(desk, n2, &late).await, "has come to nothing");
    for who in [&ann, &bob] {
        let row = who.orders(desk).pop().expect("a row");
        assert_eq!(row.state, "failed");
        assert!(row.why.contains("one person only"), "{}", row.why);
        assert!(row.passkey.is_none());
    }

    // A third person's key, by two that the box knows.
    let mut cat = people("cat", "approver").await;
    let unknown = ask(&cat).expect_err("not known yet").to_string();
    assert!(unknown.contains("knows none of cat"), "{unknown}");
    let all = approvers::list(desk).expect("listed");
    let keys = all.keys.iter().filter(|k| k.account == "cat");
    let key = keys.clone().map(|k| k.key.clone()).next().expect("a key");
    assert!(keys.clone().all(|k| k.boxes.is_empty()) && all.keys.len() == 3);
    let name = BoxName::parse("ashby").expect("name");
    let third = approvers::KeyRequest {
        account: "cat".into(),
        key,
        remove: false,
    };
    let alone = approvers::ask(desk, &name, &third, &cat.permit);
    assert!(
        alone
            .expect_err("of their own")
            .to_string()
            .contains("knows none")
    );
    let asked = approvers::ask(desk, &name, &third, &bob.permit).expect("asked for");
    let waits = approvers::approve(desk, asked.request, &ann.permit).expect("approved");
    let (annes, bobs) = (ann.touch(desk, waits.order), bob.touch(desk, waits.order));
    assert!(
        bob.give(desk, waits.order, &bobs)
            .await
            .expect("taken")
            .waits
    );
    let sent = async {
        let message: ToBox = frame(&mut inc).await.expect("order").json().expect("json");
        let ordered = keyed.understood(&message);
        let answer = keyed.answer(&ordered);
        send(&mut out, &answer).await;
    };
    let (given, ()) = tokio::join!(ann.give(desk, waits.order, &annes), sent);
    assert!(!given.expect("obeyed").waits);
    assert_eq!(keyed.approvers.keys().len(), 3);
    send(&mut out, &keyed.health(clock.now().wall)).await;
    known(&hub, &keyed).await;
    let lift = ask(&cat).expect("known now").n;
    let waits = mask::approve(desk, lift, &ann.permit).await;
    let n3 = waits.expect("approved").touches.expect("waits").order;
    let (cats, annes) = (cat.touch(desk, n3), ann.touch(desk, n3));
    assert!(cat.give(desk, n3, &cats).await.expect("taken").waits);
    let refuses = async {
        let message: ToBox = frame(&mut inc).await.expect("order").json().expect("json");
        let ordered = keyed.understood(&message);
        keyed.obeys(&ordered).expect("the third key counts");
        let no = says_refused(n3, Code::OtherMask, "the mask in force on c01 is m8");
        send(&mut out, &no).await;
    };
    let (given, ()) = tokio::join!(ann.give(desk, n3, &annes), refuses);
    no(given, "is m8");
    assert!(cat.orders(desk).pop().expect("a row").why.contains("is m8"));

    let mut kinds = Vec::new();
    crate::acts::lines(&desk.log.folder(), 0, |r| {
        let of = [
            "mask.order",
            "approver.ask",
            "approver.order",
            "order.touch",
            "order.fail",
        ];
        if of.contains(&r.kind.as_str()) {
            let order = r.data.get("order").and_then(|n| n.as_u64());
            kinds.push((r.kind.clone(), order.unwrap_or(r.n)));
        }
        Ok(())
    })
    .expect("the log reads");
    let kinds: Vec<(&str, u64)> = kinds.iter().map(|(k, n)| (k.as_str(), *n)).collect();
    let n_ask = kinds
        .iter()
        .find(|k| k.0 == "approver.ask")
        .expect("a line")
        .1;
    let n4 = kinds
        .iter()
        .find(|k| k.0 == "approver.order")
        .expect("a line")
        .1;
    assert_eq!(
        kinds,
        [
            ("mask.order", n),
            ("order.touch", n),
            ("order.touch", n),
            ("mask.order", n2),
            ("order.touch", n2),
            ("order.fail", n2),
            ("approver.ask", n_ask),
            ("approver.order", n4),
            ("order.touch", n4),
            ("order.touch", n4),
            ("mask.order", n3),
            ("order.touch", n3),
            ("order.touch", n3),
            ("order.fail", n3),
        ]
    );
}
