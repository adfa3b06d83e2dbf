//! Pure. Approvals of orders with keys in software; what a real browser's are like is `passkey/tests.rs`.

use super::*;
use crate::{
    id::{BoxName, CameraId},
    order::{Act, Order, Ordered},
    passkey,
    testing::SoftKey,
    time::Utc,
};

struct Rig {
    party: RelyingParty,
    anna: SoftKey,
    ben: SoftKey,
    box_: Approvers,
}

fn party() -> RelyingParty {
    RelyingParty::new("hub.example", "https://hub.example").expect("party")
}

fn approver(who: &str, key: &SoftKey) -> Approver {
    let made = key.register(&party(), &[1; 32]);
    Approver {
        who: who.into(),
        passkey: passkey::register(&party(), &[1; 32], &made).expect("key"),
    }
}

fn lift(number: u64) -> Order {
    Order {
        order: number,
        made: Utc(1_800_000_000_000),
        r#box: BoxName::parse("ashby").expect("box"),
        by: people(),
        act: Act::MaskLift {
            cam: CameraId::parse("c03").expect("camera"),
            mask: "m7".into(),
            instead: None,
            until: Utc(1_800_000_600_000),
            authority: "ab".into(),
        },
    }
}

fn people() -> Vec<String> {
    ["op:0002", "op:0003"].map(str::to_owned).to_vec()
}

fn text(order: &Order) -> String {
    Ordered::text(order.clone()).expect("text")
}

impl Rig {
    fn new() -> Self {
        let (anna, ben) = (SoftKey::new("anna"), SoftKey::new("ben"));
        let keys = vec![approver("op:0002", &anna), approver("op:0003", &ben)];
        Self {
            party: party(),
            box_: Approvers::pinned(party(), keys).expect("pinned"),
            anna,
            ben,
        }
    }

    fn approvals(&mut self, order: &Order) -> Vec<Approval> {
        let challenge = challenge(&text(order));
        let sign = |who: &str, key: &mut SoftKey| Approval {
            who: who.into(),
            passkey: key.sign(&self.party, &challenge),
        };
        vec![
            sign("op:0002", &mut self.anna),
            sign("op:0003", &mut self.ben),
        ]
    }

    fn verdict(
        &self,
        number: u64,
        order: &Order,
        approvals: &[Approval],
    ) -> Result<Approvers, ApprovalError> {
        let subject = Subject {
            number,
            text: &text(order),
            by: &people(),
        };
        self.box_.approve(subject, approvals)
    }
}

/// ROL-5, MSK-4: two people's keys for exactly this order, once. What is kept survives being written down.
#[test]
fn two_people_for_one_order_once() {
    let mut rig = Rig::new();
    let order = lift(7);
    let approvals = rig.approvals(&order);
    // As it travels: the box makes the text anew of what it read.
    let sent = Ordered::approved(order.clone(), approvals.clone()).expect("text");
    let read: Ordered = serde_json::from_str(&sent).expect("read");
    assert_eq!((&read.order, &read.approvals), (&order, &approvals));
    let next = rig
        .verdict(7, &read.order, &read.approvals)
        .expect("approved");
    let stored = serde_json::to_vec(&next).expect("written");
    rig.box_ = Approvers::parse(&stored).expect("read");
    assert_eq!(rig.box_, next);
    assert_eq!(
        rig.verdict(7, &order, &approvals),
        Err(ApprovalError::Repeated { number: 7, last: 7 })
    );
    // Under a higher number it is another order, and their word for the first is none for it.
    let higher = rig.verdict(8, &lift(8), &approvals);
    let challenge = PasskeyError::Challenge;
    assert!(
        matches!(&higher, Err(ApprovalError::Passkey { source, .. }) if *source == challenge),
        "{higher:?}"
    );
    let second = rig.approvals(&lift(9));
    rig.verdict(9, &lift(9), &second).expect("the next");
    let earlier = rig.approvals(&lift(3));
    assert!(matches!(
        rig.verdict(3, &lift(3), &earlier),
        Err(ApprovalError::Repeated { .. })
    ));
}

/// ROL-5: every part of the order is what was approved.
#[test]
fn another_order_is_not_approved() {
    let mut rig = Rig::new();
    let approvals = rig.approvals(&lift(7));
    let whole = text(&lift(7));
    for (a, b) in [
        ("ashby", "brook"),
        ("c03", "c04"),
        ("m7", "m8"),
        (r#""order":7"#, r#""order":17"#),
        ("op:0003", "op:0004"),
        (r#""authority":"ab""#, r#""authority":"ac""#),
        ("mask-lift", "mask-end"),
        (":10:00.000Z", ":20:00.000Z"),
    ] {
        let other = whole.replace(a, b);
        assert!(other != whole, "{whole} has no {a}");
        let subject = Subject {
            number: 7,
            text: &other,
            by: &people(),
        };
        assert!(rig.box_.approve(subject, &approvals).is_err(), "{b}");
    }
}

/// ROL-5: one person is not two, by whichever way.
#[test]
fn one_person_is_not_two() {
    let mut rig = Rig::new();
    let order = lift(7);
    let good = rig.approvals(&order);
    let of = |a: &[Approval]| rig.verdict(7, &order, a).map(drop);
    let (anna, ben) = (good[0].clone(), good[1].clone());
    let count = |approvals| ApprovalError::Count {
        people: 2,
        approvals,
    };
    assert_eq!(of(&[]), Err(count(0)));
    assert_eq!(of(std::slice::from_ref(&anna)), Err(count(1)));
    assert_eq!(of(&[anna.clone(), ben.clone(), ben.clone()]), Err(count(3)));
    assert_eq!(
        of(&[anna.clone(), anna.clone()]),
        Err(ApprovalError::Twice("op:0002".into()))
    );
    let under_bens_name = Approval {
        who: "op:0003".into(),
        ..anna.clone()
    };
    assert_eq!(
        of(&[anna.clone(), under_bens_name]),
        Err(ApprovalError::Unknown("op:0003".into()))
    );
    let stranger = Approval {
        who: "op:0009".into(),
        ..ben.clone()
    };
    assert_eq!(
        of(&[anna.clone(), stranger]),
        Err(ApprovalError::NotNamed("op:0009".into()))
    );
    assert_eq!(of(&[ben, anna]), Ok(()), "in either order");
    for by in [
        vec![],
        people()[..1].to_vec(),
        vec!["op:0002".to_owned(); 2],
    ] {
        let subject = Subject {
            number: 7,
            text: &text(&order),
            by: &by,
        };
        let verdict = rig.box_.approve(subject, &good);
        assert!(matches!(verdict, Err(ApprovalError::People(_))), "{by:?}");
    }
    // A key of the same id, made by somebody else.
    let mut false_ben = SoftKey::new("ben");
    let forged = Approval {
        who: "op:0003".into(),
        passkey: false_ben.sign(&rig.party, &challenge(&text(&order))),
    };
    let verdict = rig.verdict(7, &order, &[good[0].clone(), forged]);
    let source = PasskeyError::Signature;
    let who = "op:0003".to_owned();
    assert_eq!(verdict, Err(ApprovalError::Passkey { who, source }));
}

/// ROL-5: a key that only was touched, or whose counter stands still, approves nothing, and nothing is changed by it.
#[test]
fn keys_that_do_not_count() {
    let mut rig = Rig::new();
    rig.ben.flags = 0x01;
    let approvals = rig.approvals(&lift(7));
    let verdict = rig.verdict(7, &lift(7), &approvals);
    assert!(matches!(
        verdict,
        Err(ApprovalError::Passkey {
            source: PasskeyError::Unverified,
            ..
        })
    ));
    rig.ben.flags = 0x05;
    rig.ben.counter = 0;
    let approvals = rig.approvals(&lift(7));
    let verdict = rig.verdict(7, &lift(7), &approvals);
    assert!(matches!(
        verdict,
        Err(ApprovalError::Passkey {
            source: PasskeyError::Counter { before: 1, now: 1 },
            ..
        })
    ));
    // Anna's use in the refused order does not count: hers goes on from where it was kept.
    rig.anna.counter = 1;
    rig.ben.counter = 1;
    let approvals = rig.approvals(&lift(7));
    rig.verdict(7, &lift(7), &approvals).expect("approved");
}

/// ROL-5: later keys come by two that are known, and no change leaves fewer than two people.
#[test]
fn keys_come_and_go_by_two() {
    let mut rig = Rig::new();
    let carol = SoftKey::new("carol");
    let order = lift(1);
    let change = |rig: &Rig, number, change: &Change, approvals: &[Approval]| {
        let subject = Subject {
            number,
            text: &text(&lift(number)),
            by: &people(),
        };
        rig.box_.change(subject, change, approvals)
    };
    let add = Change::Add {
        approver: approver("op:0004", &carol),
    };
    let approvals = rig.approvals(&order);
    assert!(change(&rig, 1, &add, &approvals[..1]).is_err(), "by one");
    let three = change(&rig, 1, &add, &approvals).expect("by two");
    assert_eq!(three.keys().len(), 3);

    // The same key, in the same name or another, and the same point under another id.
    let mut point = approver("op:0005", &rig.anna);
    point.passkey.id = Bytes(b"other".to_vec());
    for again in [
        approver("op:0002", &rig.anna),
        approver("op:0005", &rig.anna),
        point,
    ] {
        let approvals = rig.approvals(&lift(2));
        let verdict = change(&rig, 2, &Change::Add { approver: again }, &approvals);
        assert_eq!(verdict, Err(KeysError::Known.into()));
    }
    // A spare of Anna's is hers: it does not make her two.
    let spare = SoftKey::new("spare");
    let add = Change::Add {
        approver: approver("op:0002", &spare),
    };
    let approvals = rig.approvals(&lift(2));
    rig.box_ = change(&rig, 2, &add, &approvals).expect("added");
    let remove = |who: &str, id: &str| Change::Remove {
        who: who.into(),
        id: Bytes(id.as_bytes().to_vec()),
    };
    for (gone, want) in [
        (remove("op:0003", "ben"), Err(KeysError::TooFew.into())),
        (remove("op:0003", "anna"), Err(KeysError::Absent.into())),
        (remove("op:0002", "anna"), Ok(2)),
    ] {
        let approvals = rig.approvals(&lift(3));
        let verdict = change(&rig, 3, &gone, &approvals);
        assert_eq!(verdict.map(|a| a.keys().len()), want);
    }
    // Root's word goes before all; the orders that came stay.
    let fresh = Rig::new();
    let again = rig.box_.pinned_anew(fresh.box_.clone());
    assert_eq!((again.keys(), again.last), (fresh.box_.keys(), 2));
}

#[test]
fn lists_that_are_not_taken() {
    let rig = Rig::new();
    let good = serde_json::to_value(&rig.box_).expect("JSON");
    let taken = |value: &serde_json::Value| Approvers::parse(value.to_string().as_bytes());
    assert_eq!(taken(&good), Ok(rig.box_.clone()));
    let mut pinned = good.clone();
    pinned.as_object_mut().expect("object").remove("last");
    assert_eq!(taken(&pinned), Ok(rig.box_.clone()));
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = good.clone();
        change(&mut value);
        assert_eq!(taken(&value), Err(KeysError::Unreadable), "{value}");
    };
    with(&|v| v["keys"][1] = v["keys"][0].clone());
    with(&|v| v["keys"] = serde_json::json!([v["keys"][0].clone()]));
    with(&|v| v["keys"][0]["who"] = "".into());
    with(&|v| v["keys"][0]["who"] = "a\u{202e}b".into());
    with(&|v| v["keys"][0]["passkey"]["key"] = "BAAA".into());
    with(&|v| v["keys"][0]["passkey"]["id"] = "".into());
    with(&|v| v["party"]["origin"] = "https://evil.example".into());
    with(&|v| v["more"] = 1.into());
    assert_eq!(Approvers::parse(b""), Err(KeysError::Unreadable));
}
