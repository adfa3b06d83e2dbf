//! Owners, roles, accounts and tokens, on a whole hub: what is asked for goes through [`ops::perform`], as pages and commands do it.
use std::sync::Arc;

use shared::id::{BoxName, CameraId};

use super::signin::{self, SignIn};
use crate::{
    access::{
        accounts::PasswordRenewal,
        grants::{Bounds, GrantOutcome},
        principal::{Person, Principal},
        tokens,
    },
    db::requests::RequestRecord,
    error::HubError,
    hub::{Hub, testing::PASSWORD},
    list::Part,
    model::{pull::State, requester::RequesterClass, role::Role},
    ops::{
        self, boxes, clips, evidence, footage, holds, masks,
        operation::{self, Operation},
        owners, requests, roles, staff,
    },
    reason::class::Class,
    requests::clip::draft::Texts,
    retention::rig::{Rig, ashby, utc},
    texts::keep_salted,
};

mod people;

const NOW: &str = "2026-11-03T14:00:00.000Z";

struct House(Rig);

impl House {
    /// c01 is tenby's, c02 is brook's, c03 nobody's; ann and bob administer, kim has no role.
    fn new() -> Self {
        let rig = Rig::new(NOW);
        rig.hello(&[("c01", None), ("c02", None), ("c03", None)], 31);
        for (op, name) in [(1, "ann"), (2, "bob")] {
            rig.hub.account(op, name, Role::Administrator.word());
        }
        rig.hub.account(3, "kim", Role::Operator.word());
        let db = &rig.hub.db;
        db.end_grant(3, utc(NOW)).expect("ended");
        for (owner, cam) in [("tenby", "c01"), ("brook", "c02")] {
            db.add_owner(owner, owner, utc(NOW)).expect("owner");
            let camera = shared::id::BoxCamera {
                r#box: ashby(),
                cam: CameraId::parse(cam).expect("camera"),
            };
            db.set_camera_owner(&camera, owner).expect("assigned");
        }
        Self(rig)
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    fn person(&self, op: u32) -> Person {
        signin::person(self.hub(), op).expect("reads").expect("is")
    }

    async fn by<O: Operation>(&self, op: u32, operation: O) -> Result<O::Reply, HubError> {
        let who = Principal::Person(self.person(op));
        operation::perform(self.hub(), &who, operation).await
    }

    async fn ask(&self, by: u32, name: &str, role: &str, bounds: Bounds) -> GrantOutcome {
        let give = roles::Give {
            name: name.into(),
            role: role.into(),
            bounds,
        };
        self.by(by, give).await.expect("given, or asked for")
    }

    /// The other of the two who administer approves it, where that is needed.
    async fn give(&self, by: u32, name: &str, role: &str, bounds: Bounds) {
        if let GrantOutcome::Ask(request) = self.ask(by, name, role, bounds).await {
            let approve = roles::Approve { request };
            self.by(3 - by, approve).await.expect("approved");
        }
    }

    fn signs_in(&self, name: &str, password: &str, code: Option<&str>) -> Result<Person, HubError> {
        let who = SignIn {
            name: name.into(),
            password: password.into(),
            code: code.map(str::to_owned),
        };
        signin::check(self.hub(), &who)
    }

    /// A clip of each camera.
    fn clips(&self) {
        for (n, cam) in [(1, "c01"), (2, "c02"), (3, "c03")] {
            let text = |t: &str| keep_salted(self.hub(), t).expect("kept");
            let t0 = utc("2026-11-03T11:00:00.000Z");
            let row = RequestRecord {
                r#ref: shared::id::ExhibitRef::new(2026, n),
                grant: format!("G-{n:06}"),
                camera: shared::id::BoxCamera::parse(&format!("ashby/{cam}")).expect("camera"),
                t0,
                t1: t0.plus_ms(1000),
                purpose: text("a"),
                reference: text("b"),
                requester: text("c"),
                who: "op:0001".into(),
                state: State::Ready,
                why: Vec::new(),
                urgent: false,
                paused: None,
                wasted: 0,
                granted: 1,
                reason: None,
                line: None,
                footage: None,
                package: None,
                made: t0,
            };
            self.hub().db.add_request(n, &row).expect("recorded");
        }
    }
}

fn owner(name: &str) -> Bounds {
    Bounds {
        owner: Some(name.into()),
        ..Bounds::default()
    }
}

fn class<T>(done: Result<T, HubError>) -> Class {
    done.err().expect("refused").class()
}

/// ROL-1, ROL-4: a person sees and does what their role was given for, and nothing of another owner's, in every list and act.
#[tokio::test]
async fn own_and_foreign_owner() {
    let house = House::new();
    house.clips();
    // Without a role, nothing.
    assert_eq!(
        class(house.by(3, boxes::List::default()).await),
        Class::NotAllowed
    );
    house.give(1, "kim", "supervisor", owner("tenby")).await;
    let boxes = house.by(3, boxes::List::default()).await.expect("list");
    let cams: Vec<&str> = boxes.rows[0]
        .cameras
        .iter()
        .map(|c| c.cam.as_str())
        .collect();
    assert_eq!(cams, ["c01"]);
    let clips = house
        .by(3, clips::List::default())
        .await
        .expect("list")
        .rows;
    assert_eq!(clips.len(), 1, "{clips:?}");
    assert_eq!(clips[0].camera, "ashby/c01");
    let all = house.by(3, masks::List {}).await.expect("list");
    assert!(all.iter().all(|m| m.camera == "ashby/c01") && !all.is_empty());
    let report = footage::Retention {
        r#box: None,
        part: Default::default(),
    };
    let report = house.by(3, report).await.expect("report");
    assert!(report.cameras.iter().all(|c| c.cam.as_str() == "c01"));
    let kept = house.by(3, evidence::List::default()).await;
    let kept = kept.expect("list");
    assert_eq!(kept.rows.len(), 1);
    assert_eq!(kept.rows[0].camera, "ashby/c01");
    let list = holds::List {
        r#box: None,
        all: true,
        part: Part::default(),
    };
    assert!(house.by(3, list).await.expect("list").rows.is_empty());
    // Acts: their own camera, another owner's, nobody's; a box that is not all theirs; the hub as a whole.
    for (n, good) in [(1, true), (2, false), (3, false)] {
        let show = clips::Show {
            exhibit: shared::id::ExhibitRef::new(2026, n),
        };
        let done = house.by(3, show).await;
        assert_eq!(done.is_ok(), good, "{n}: {done:?}");
        let list = footage::List {
            r#box: ashby(),
            cam: CameraId::parse(&format!("c0{n}")).expect("camera"),
            day: None,
            part: Part::default(),
        };
        assert_eq!(house.by(3, list).await.is_ok(), good, "footage of c0{n}");
    }
    // A draft of their own camera does not become one of another owner's.
    let camera = |cam| shared::id::BoxCamera::parse(&format!("ashby/{cam}")).expect("camera");
    let open = requests::Open {
        class: RequesterClass::Police,
        cameras: vec![camera("c01")],
        from: None,
        to: None,
        texts: Texts::default(),
        keep: crate::classes::RetentionClassInput::default(),
        urgent: false,
    };
    let request = house.by(3, open).await.expect("opened").request;
    for (cam, good) in [("c02", false), ("c01", true)] {
        let change = requests::Change {
            request: request.clone(),
            cameras: Some(vec![camera(cam)]),
            ..requests::Change::default()
        };
        assert_eq!(house.by(3, change).await.is_ok(), good, "{cam}");
    }
    let sweep = boxes::Sweep {
        name: ashby(),
        reason: "its clock is right".into(),
    };
    assert_eq!(class(house.by(3, sweep).await), Class::NotAllowed);
    for log in ["hub", "ashby"] {
        let read = staff::ReadLog { log: log.into() };
        assert_eq!(class(house.by(3, read).await), Class::NotAllowed, "{log}");
    }
    assert_eq!(class(house.by(3, owners::List {}).await), Class::NotAllowed);
    // The camera changes hands.
    let assign = owners::Assign {
        owner: "tenby".into(),
        r#box: BoxName::parse("ashby").expect("name"),
        cam: CameraId::parse("c02").expect("camera"),
    };
    house.by(1, assign).await.expect("assigned");
    assert_eq!(
        house
            .by(3, clips::List::default())
            .await
            .expect("list")
            .rows
            .len(),
        2
    );
    // Footage older than the days that were given is not theirs.
    let grant = house.hub().db.grants(3).expect("grants")[0].n;
    house.by(2, roles::Take { grant }).await.expect("taken");
    let young = Bounds {
        all: true,
        oldest_days: Some(1),
        ..Bounds::default()
    };
    house.give(2, "kim", "operator", young).await;
    assert_eq!(
        house
            .by(3, clips::List::default())
            .await
            .expect("list")
            .rows
            .len(),
        3
    );
    house.0.hands.to(utc("2026-11-05T14:00:00.000Z"));
    assert!(
        house
            .by(3, clips::List::default())
            .await
            .expect("list")
            .rows
            .is_empty()
    );
}

/// ROL-5: nobody gives himself a role alone; neither whoever asked nor whom it is about approves it, and it is done once.
#[tokio::test]
async fn nobody_gives_himself_a_role() {
    let house = House::new();
    let all = Bounds {
        all: true,
        ..Bounds::default()
    };
    let GrantOutcome::Ask(request) = house.ask(1, "ann", "approver", all.clone()).await else {
        panic!("it is only asked for");
    };
    assert_eq!(house.person(1).grants.len(), 1);
    let approve = || roles::Approve { request };
    assert_eq!(class(house.by(1, approve()).await), Class::Refused);
    house.by(2, approve()).await.expect("approved");
    assert_eq!(house.person(1).grants.len(), 2);
    assert_eq!(class(house.by(2, approve()).await), Class::Refused);
    // One that nobody approves in time is over.
    let GrantOutcome::Ask(request) = house.ask(1, "ann", "auditor", all).await else {
        panic!("it is only asked for");
    };
    house.0.hands.to(utc("2026-11-11T14:00:00.000Z"));
    let late = house.by(2, roles::Approve { request }).await;
    assert_eq!(class(late), Class::Refused);
    // The last one who administers stays.
    house.by(1, roles::Take { grant: 2 }).await.expect("taken");
    assert_eq!(
        class(house.by(1, roles::Take { grant: 1 }).await),
        Class::Refused
    );
}

/// ROL-2: a one-time password opens nothing but the way to another one; a closed account opens nothing.
#[tokio::test]
async fn the_life_of_an_account() {
    let house = House::new();
    house.give(1, "kim", "operator", owner("tenby")).await;
    let name = || "kim".to_owned();
    let shown = staff::Name {
        name: name(),
        shown: "Siân Ó Briain".into(),
    };
    house.by(1, shown).await.expect("named");
    let list = house
        .by(
            1,
            staff::List {
                closed: false,
                part: Part::default(),
            },
        )
        .await;
    let kim = list
        .expect("list")
        .rows
        .into_iter()
        .find(|a| a.name == "kim");
    assert_eq!(kim.expect("kim").person(), "Siân Ó Briain (operator)");
    let once = house.by(1, staff::Reset { name: name() }).await;
    let Ok(PasswordRenewal::Password(once)) = once else {
        panic!("a one-time password");
    };
    assert!(house.signs_in("kim", PASSWORD, None).is_err());
    let kim = house.signs_in("kim", &once, None).expect("signed in");
    assert_eq!(kim.limits.generation, 2);
    assert_eq!(
        class(house.by(3, boxes::List::default()).await),
        Class::Refused
    );
    let password = |old: &str, new: &str| staff::Password {
        old: old.into(),
        new: new.into(),
    };
    for (old, new) in [
        ("wrong", "a long enough one"),
        (&once, &once),
        (&once, "short"),
    ] {
        assert_eq!(class(house.by(3, password(old, new)).await), Class::Refused);
    }
    let own = "a long enough one";
    house.by(3, password(&once, own)).await.expect("set");
    house.by(3, boxes::List::default()).await.expect("list");
    house
        .by(1, staff::Close { name: name() })
        .await
        .expect("closed");
    assert!(house.signs_in("kim", own, None).is_err());
    assert_eq!(signin::person(house.hub(), 3).expect("reads"), None);
    let again = house.by(1, staff::Close { name: name() }).await;
    assert_eq!(class(again), Class::Refused);
}

/// SEC-1, AUD-1: a token is for what it names and its owner may, until its day, its end, another password or the account's end.
#[tokio::test]
async fn tokens_have_bounds() {
    let house = House::new();
    house.give(1, "kim", "operator", owner("tenby")).await;
    let add = |scope: &str| ops::tokens::Add {
        label: "panel".into(),
        scopes: vec![scope.into()],
        days: 2,
    };
    for scope in ["staff.list", "hold.approve", "log.read", "nothing"] {
        assert!(house.by(3, add(scope)).await.is_err(), "{scope}");
    }
    let made = house.by(3, add("clip.list")).await.expect("made");
    let bearer = |secret: &str| tokens::bearer(house.hub(), secret);
    let with = bearer(&made.secret).expect("good");
    let with = Principal::Person(with);
    let list = operation::perform(house.hub(), &with, clips::List::default()).await;
    list.expect("what it is for");
    let other = operation::perform(house.hub(), &with, boxes::List::default()).await;
    assert_eq!(class(other), Class::NotAllowed);
    let more = operation::perform(house.hub(), &with, add("clip.list")).await;
    assert_eq!(class(more), Class::NotAllowed);
    assert!(bearer("beadle_00").is_err() && bearer("").is_err());
    let token = made.token;
    assert_eq!(
        class(house.by(2, ops::tokens::Revoke { token: 99 }).await),
        Class::Missing
    );
    house
        .by(3, ops::tokens::Revoke { token })
        .await
        .expect("ended");
    assert!(bearer(&made.secret).is_err());
    let made = house.by(3, add("clip.list")).await.expect("made");
    house.0.hands.later(2 * 86_400_000);
    assert!(bearer(&made.secret).is_err(), "its day is over");
    let made = house.by(3, add("clip.list")).await.expect("made");
    let reset = staff::Reset { name: "kim".into() };
    house.by(1, reset).await.expect("reset");
    assert!(bearer(&made.secret).is_err(), "another password");
}
