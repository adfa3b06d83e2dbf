//! The table of operations against the hub itself: what `docs/roles.md` says of each operation is what HTTPS and the socket do, for every
//! role, for the console and for strangers; and every page asks for the operations it shows.
use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::{
    id::{BoxCamera, BoxName},
    time::Utc,
};
use tokio::net::UnixStream;

use super::*;
use crate::{
    access::{signin::SignIn, totp::Secret},
    api::{call, socket},
    db::{
        approvals::NewApproval,
        clip_requests::{ClipRequestRecord, RequestCamera},
        rolled::ShownLog,
    },
    model::{
        clip_request::State, hold::State as Stands, operation::Method, pull::State as Request,
        requester::RequesterClass, role::Role,
    },
    reason::class::Class,
    texts::keep_salted,
    web::routes::{Audience, PAGES},
};

/// What needs its box on the line, which it is not in this test: allowed, it ends in a sentence.
const OF_A_BOX: [&str; 12] = [
    "look.begin",
    "box.succeed",
    "box.sweep",
    "rate.set",
    "mask.set",
    "mask.review",
    "mask.end",
    "lift.approve",
    "touch.give",
    "touch.call-off",
    "approver.ask",
    "approver.approve",
];
/// The same because no request for it can be made without one.
const LIFT: &str = "lift.ask";

/// What has tests of its own: allowed, it ends here in a sentence. Root makes no administrator while two can sign in; passkeys are made by
/// browsers (`account.rs`); nobody outside is named here.
const ELSEWHERE: [&str; 10] = [
    "exhibit.copy",
    "exhibit.hand",
    "exhibit.release",
    "exhibit.still",
    "staff.break-glass",
    "factor.passkey",
    "factor.remove",
    "look.show",
    "look.film",
    "outside.anchor",
];
/// What root's timer has done each night, with nobody's name.
const OF_THE_CONSOLE: [&str; 2] = ["backup.begin", "backup.end"];
/// What ends the sessions of whoever does it.
const ENDS: [&str; 2] = ["session.end", "staff.password"];
/// Whom a backup is sealed to.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
/// What an app was told.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Whether it is one of these.
pub(super) fn needs_a_box(name: &str) -> bool {
    OF_A_BOX.contains(&name) || name == LIFT
}

/// Who may, as the document says: role words, and `console`.
fn document() -> BTreeMap<String, Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/roles.md");
    let text = std::fs::read_to_string(path).expect("docs/roles.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let mut who: Vec<String> = match cells[2] {
            "all" => Role::ALL.map(|r| r.word().to_owned()).to_vec(),
            roles => roles.split(", ").map(str::to_owned).collect(),
        };
        if cells[4].split(", ").any(|also| also == "console") {
            who.push("console".into());
        }
        (cells[0].trim_matches('`').to_owned(), who)
    })
    .collect()
}

/// How an operation is asked for the `n`th time, by whom and when. One that is not here has to be put here.
pub(super) fn sample(row: &Row, n: usize, who: &str, at: Utc) -> Value {
    let camera = json!({"box": "ashby", "cam": "c01"});
    let more = match row.name {
        "box.list" | "published.show" | "retention.report" | "clip.list" | "evidence.list"
        | "evidence.faults" | "hold.list" | "mask.list" | "lift.list" | "touch.list"
        | "approver.list" | "request.list" | "footage.recent" => {
            return json!({});
        }
        "move.list" | "hub.status" | "outside.list" | "outside.anchor" | "backup.list"
        | "rollback.show" | "rollback.approve" => {
            return json!({});
        }
        "backup.begin" => {
            return json!({"folder": "0123456789abcdef0123456789abcdef", "recipient": RECIPIENT});
        }
        "backup.end" => return json!({"backup": 1}),
        "rollback.ask" => return json!({"reason": "every list was gone through"}),
        "move.order" => {
            let second = json!({"name": "coordinator", "password": PASSWORD});
            return json!({"hub": "hub.example:4433", "reason": "a new house", "second": second});
        }
        "box.show" => return json!({"name": "ashby"}),
        "box.add" => return json!({"name": format!("box{n}")}),
        "box.revoke" => return json!({"name": "brook", "why": "stolen"}),
        "box.succeed" => {
            let second = json!({"name": "approver", "password": PASSWORD});
            return json!({"name": "ashby", "reason": "two of them", "second": second});
        }
        "box.sweep" => return json!({"name": "ashby", "reason": "its clock is right"}),
        "box.line" => {
            return json!({"name": "ashby", "most_kbit": 2000, "hours": {"begins": "18:00", "ends": "07:00"}, "reason": "the shops"});
        }
        "clip.pause" | "clip.resume" => return json!({"exhibit": "EXH-2026-000002"}),
        "clip.forecast" => {
            json!({"from": "2026-11-03T11:59:10.000Z", "to": "2026-11-03T11:59:20.000Z"})
        }
        "footage.list" | "retention.camera" | "mask.show" => json!({}),
        "rate.set" => json!({"minutes": 5, "reason": "a crowd"}),
        "clip.show" | "clip.watch" => return json!({"exhibit": "EXH-2026-000001"}),
        "clip.view" | "clip.save" => {
            return json!({"exhibit": "EXH-2026-000001", "purpose": "theft", "reference": "CR/1"});
        }
        "look.show" | "look.film" => return json!({"look": "0123456789abcdef0123456789abcdef"}),
        "look.begin" => json!({
            "from": "2026-11-03T11:59:10.000Z", "to": "2026-11-03T11:59:20.000Z", "purpose": "theft", "reference": "CR/1"
        }),
        "clip.pull" => json!({
            "from": "2026-11-03T11:59:10.000Z", "to": "2026-11-03T11:59:20.000Z",
            "purpose": "theft", "reference": "CR/1", "requester": "PC 17"
        }),
        "request.show" | "request.watch" => return json!({"request": "R-000031"}),
        "request.open" => {
            return json!({
                "class": "media", "cameras": ["ashby/c01"], "from": "2026-11-03T11:59:10Z", "to": "2026-11-03T12:59:20+01:00",
                "purpose": "a report", "reference": "PR/1", "requester": "The Gazette"
            });
        }
        "request.change" => {
            return json!({"request": "R-000037", "cameras": ["ashby/c01"], "to": "2026-11-03T11:59:30Z"});
        }
        "request.submit" => return json!({"request": "R-000031"}),
        "request.authorise" => return json!({"request": "R-000032"}),
        "request.refuse" => return json!({"request": "R-000033", "why": "no-right"}),
        "request.cancel" => return json!({"request": "R-000034", "why": "mistake"}),
        "request.release" => return json!({"request": "R-000035", "to": "DC Hall"}),
        "request.close" => return json!({"request": "R-000036", "why": "not-collected"}),
        "evidence.class" => {
            let class = json!({"class": "surveillance", "review": null});
            return json!({"exhibit": "EXH-2026-000021", "given": class, "reason": "as ruled"});
        }
        "evidence.dispose" => {
            return json!({"exhibit": "EXH-2026-000022", "reason": "not needed"});
        }
        "evidence.approve" | "evidence.certificate" => {
            return json!({"exhibit": "EXH-2026-000022"});
        }
        "exhibit.document" => {
            return json!({"exhibit": "EXH-2026-000021", "paper": "continuity"});
        }
        "request.notice" => return json!({"request": "R-000033"}),
        "exhibit.show" => return json!({"exhibit": "EXH-2026-000021"}),
        "exhibit.release" => return json!({"exhibit": "EXH-2026-000021", "copy": 2}),
        "exhibit.mark" => return json!({"exhibit": "EXH-2026-000021", "mark": "ABC/1"}),
        "exhibit.copy" => {
            return json!({"exhibit": "EXH-2026-000021", "save": 7, "copy": null});
        }
        "exhibit.hand" => {
            return json!({
                "exhibit": "EXH-2026-000021", "copy": 1, "kind": "working", "to": "DC Hall", "agency": "County Police",
                "signed": who, "code": "000000"
            });
        }
        "exhibit.receipt" | "exhibit.return" => {
            return json!({"exhibit": "EXH-2026-000021", "copy": 2, "from": "DC Hall"});
        }
        "exhibit.destroy" => {
            return json!({"exhibit": "EXH-2026-000021", "copy": 3, "reason": "a scratched disc"});
        }
        "exhibit.still" => {
            return json!({
                "exhibit": "EXH-2026-000021", "at": "2026-11-03T10:21:05Z", "reason": "an appeal", "authority": "Insp Rees", "rank": "inspector"
            });
        }
        "exhibit.media" => {
            return json!({
                "exhibit": "EXH-2026-000023", "document": "Release 7", "uses": "an appeal for witnesses",
                "limits": "until 2027-01-31; faces stay blurred"
            });
        }
        "hold.show" => return json!({"hold": "H-000012"}),
        "hold.add" => json!({
            "t0": "2026-11-03T11:59:10.000Z", "t1": "2026-11-03T11:59:20.000Z", "until": null, "days": 7, "review": null,
            "reason": "robbery", "authority": "PACE s19", "reference": "CR/1"
        }),
        "hold.extend" => {
            let until = now().plus_ms(86_400_000 * (7 + n as i64 / 50)).to_string();
            return json!({"hold": "H-000012", "until": until, "reason": "a trial"});
        }
        "hold.release" => return json!({"hold": "H-000013", "reason": "not needed"}),
        "hold.approve" => return json!({"hold": "H-000014"}),
        "mask.set" => {
            json!({"file": "id = \"m9\"\npolygons = [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]]\n"})
        }
        "mask.review" => json!({"exhibit": "EXH-2026-000001", "next": "2027-10-01"}),
        "mask.end" => json!({"reason": "it is over"}),
        "lift.ask" => json!({
            "until": null, "minutes": 20, "authority": "RIPA", "reason": "a disturbance"
        }),
        "lift.approve" => return json!({"request": 4}),
        "touch.give" => return json!({"order": 900, "credential": "{}"}),
        "touch.call-off" => return json!({"order": 900}),
        "approver.ask" => {
            return json!({"box": "ashby", "account": "approver", "key": "0123456789abcdef"});
        }
        "approver.approve" => return json!({"request": 6}),
        "approver.withdraw" => return json!({"request": 7}),
        "lift.withdraw" => return json!({"request": 5}),
        "log.read" => return json!({"log": "hub"}),
        "log.show" => return json!({"person": "operator", "limit": 5}),
        "log.sample" => return json!({"month": "2026-10", "count": 5}),
        "log.review" => {
            return json!({"month": "2026-10", "count": 5, "result": "all in order"});
        }
        "staff.add" => {
            return json!({"name": format!("new{n}"), "role": "operator"});
        }
        "owner.list" | "staff.list" | "staff.waiting" | "token.list" | "session.list"
        | "declaration.show" | "staff.declarations" | "factor.list" | "factor.new" => {
            return json!({});
        }
        "session.end" => return json!({"name": who}),
        "declaration.accept" => return json!({"sha256": "cd".repeat(32)}),
        "factor.code" => {
            let code = Secret::parse(SECRET).expect("a secret").code_at(at);
            return json!({"label": "phone", "secret": SECRET, "code": code, "password": PASSWORD});
        }
        "factor.passkey" => {
            return json!({"label": "key", "credential": "{}", "password": PASSWORD});
        }
        "factor.remove" => return json!({"factor": 1, "password": PASSWORD}),
        "staff.break-glass" => {
            return json!({"name": format!("glass{n}"), "person": "Siân", "reason": "both are ill"});
        }
        "owner.add" => return json!({"owner": format!("owner{n}"), "title": "Tref Dinbych"}),
        "owner.assign" => return json!({"owner": "brook", "box": "ashby", "cam": format!("x{n}")}),
        "staff.name" => return json!({"name": "spare", "shown": format!("Siân {n}")}),
        "staff.reset" | "staff.recover" | "staff.close" => return json!({"name": "spare"}),
        "staff.grant" => return json!({"name": "spare", "role": "operator", "owner": "brook"}),
        "staff.revoke" => return json!({"grant": 11}),
        "staff.approve" => return json!({"request": 2}),
        "staff.withdraw" => return json!({"request": 3}),
        "token.add" => return json!({"label": "panel", "scopes": ["box.list"], "days": 30}),
        "token.revoke" => return json!({"token": n % 9 + 1}),
        "staff.password" => return json!({"old": PASSWORD, "new": PASSWORD}),
        other => panic!("say here how {other} is asked for"),
    };
    let (mut all, Value::Object(more)) = (camera, more) else {
        panic!("an object");
    };
    all.as_object_mut().expect("an object").extend(more);
    all
}

/// Everything that operations are about.
pub(super) fn furnish(hub: &Hub) {
    let brook = BoxName::parse("brook").expect("name");
    hub.db
        .register_box(&brook, "hash", now().plus_ms(86_400_000), now())
        .expect("registered");
    for n in [21, 22, 23] {
        scene::request(hub, n, Request::Ready, now(), Vec::new());
        scene::packed(hub, n, &scene::films());
    }
    super::register::copies(hub, 21);
    for (n, release) in [(12, None), (13, None), (14, Some(2))] {
        super::holds::held(hub, n, Stands::Placed, release);
    }
    hub.account(60, "spare", "operator");
    hub.account(61, "other", "operator");
    let all: Vec<u32> = hub
        .db
        .accounts()
        .expect("reads")
        .iter()
        .map(|a| a.op)
        .collect();
    hub.db
        .add_declaration(&"ab".repeat(32), "We look at nobody.", now())
        .expect("recorded");
    for op in all {
        hub.db.accept_declaration(op, 1, now()).expect("recorded");
    }
    hub.db.add_owner("brook", "Brook", now()).expect("recorded");
    for role in ["auditor", "inspector"] {
        let what = json!({"op": 61, "role": role, "bounds": {"all": true}}).to_string();
        let until = now().plus_ms(86_400_000);
        hub.db
            .add_approval(&NewApproval {
                kind: "role",
                subject: "op:0061",
                what: &what,
                reason: None,
                asked_by: scene::KIM,
                made: now(),
                until,
            })
            .expect("recorded");
    }
    let shown = ShownLog {
        log: "cctv.example.gov.uk/box/ashby/1".into(),
        shown: 9,
        held: 4,
        at: now(),
    };
    hub.db.rollback_shown(&shown).expect("recorded");
    for n in [4, 5] {
        assert_eq!(super::lifts::asked(hub, 2, None), n);
    }
    for n in [6, 7] {
        let change = json!({"do": "remove", "who": "op:0061", "id": "AA"}).to_string();
        let asked = NewApproval {
            kind: "approver",
            subject: "ashby",
            what: &change,
            reason: None,
            asked_by: 2,
            made: now(),
            until: now().plus_ms(86_400_000),
        };
        assert_eq!(hub.db.add_approval(&asked).expect("recorded"), n);
    }
    for n in 31..=38 {
        requested(hub, n);
    }
}

/// A request of a class that takes a second person: a draft, three that wait for that person, one of which all is here twice.
fn requested(hub: &crate::hub::Hub, n: u64) {
    let text = |t: &str| Some(keep_salted(hub, t).expect("kept"));
    let state = match n {
        31 | 37 => State::Draft,
        32..=34 => State::Submitted,
        _ => State::Ready,
    };
    let asked = |what: &serde_json::Value| {
        let (what, until) = (what.to_string(), now().plus_ms(86_400_000));
        let subject = format!("R-{n:06}");
        hub.db
            .add_approval(&NewApproval {
                kind: "request",
                subject: &subject,
                what: &what,
                reason: None,
                asked_by: 60,
                made: now(),
                until,
            })
            .expect("recorded")
    };
    let start = now().plus_ms(-50_000);
    let request = ClipRequestRecord {
        n,
        class: RequesterClass::Media,
        span: Some((start, start.plus_ms(10_000))),
        purpose: text("a report"),
        reference: text("PR/1"),
        requester: text("The Gazette"),
        order: None,
        identity: None,
        note: None,
        keep: ("general".into(), None),
        urgent: false,
        due: None,
        opened_by: "op:0060".into(),
        submitted_by: (state != State::Draft).then(|| "op:0060".into()),
        authorised_by: None,
        ask: (state == State::Submitted).then(|| asked(&json!({"request": n}))),
        state,
        reason: None,
        made: now(),
        changed: now(),
        cameras: vec![RequestCamera {
            camera: BoxCamera::parse("ashby/c01").expect("camera"),
            exhibit: (n == 38).then(|| scene::exhibit(23)),
            why: None,
        }],
    };
    hub.db.put_clip_request(&request).expect("recorded");
    hub.db
        .write(|tx| tx.number_used(crate::db::numbers::Numbered::ClipRequest, n))
        .expect("recorded");
}

/// What a test can see of a hub: lines of its log, and all rows of its records.
struct Eye {
    records: rusqlite::Connection,
    tables: Vec<String>,
}

impl Eye {
    fn on(site: &Site) -> Self {
        let path = site.rig.dir.path().join("hub.sqlite");
        let records = rusqlite::Connection::open(path).expect("records");
        let mut q = records
            .prepare("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
            .expect("reads");
        let tables = q.query_map([], |r| r.get(0)).expect("reads");
        let tables = tables.collect::<Result<Vec<String>, _>>().expect("reads");
        drop(q);
        Self { records, tables }
    }

    fn look(&self, site: &Site) -> (u64, u64) {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut seen = DefaultHasher::new();
        for table in &self.tables {
            let mut q = self
                .records
                .prepare_cached(&format!(
                    "SELECT {} FROM {table}",
                    // That somebody is there is noted now and then, whatever they ask for.
                    match table.as_str() {
                        "sessions" => "hash, op, generation, begun",
                        "accounts" => "op, name, role, password, generation, once, shown, closed",
                        _ => "*",
                    }
                ))
                .expect("reads");
            let n = q.column_count();
            let mut rows = q.query([]).expect("reads");
            while let Some(row) = rows.next().expect("reads") {
                for at in 0..n {
                    format!("{:?}", row.get_ref(at).expect("a value")).hash(&mut seen);
                }
            }
        }
        (site.size(), seen.finish())
    }
}

/// One request over the socket: status, kind and body.
pub(super) async fn over_the_socket(site: &Site, call: &call::Call, who: Option<&str>) -> Answer {
    let mut line = UnixStream::connect(socket::path(&site.hub().state))
        .await
        .expect("the socket");
    let named = who.map_or(String::new(), |name| {
        let value = socket::authorization(&SignIn {
            name: name.into(),
            password: PASSWORD.into(),
            code: None,
        });
        format!("Authorization: {value}\r\n")
    });
    let body = call.body.clone().unwrap_or_default();
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n{named}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        call.method,
        call.path,
        body.len()
    );
    line.write_all(&[head.as_bytes(), &body].concat())
        .await
        .expect("sent");
    let mut bytes = Vec::new();
    line.read_to_end(&mut bytes).await.expect("an answer");
    Answer::of(&bytes)
}

async fn over_https(site: &Site, call: &call::Call, cookie: &str) -> Answer {
    match &call.body {
        Some(body) => {
            let body = String::from_utf8_lossy(body);
            site.call(&call.path, cookie, &body, "").await
        }
        None => site.get(&call.path, cookie, "").await,
    }
}

/// The answer to somebody who may: the thing itself, or why not, in a sentence. Whether it was the thing.
fn allowed(cell: &str, answer: &Answer) -> bool {
    if answer.status == 200 {
        return true;
    }
    let problem: http::Problem =
        serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{cell}: {answer:?}"));
    assert!(
        matches!(
            problem.class,
            Class::Refused | Class::Missing | Class::Unreachable
        ),
        "{cell}: {problem:?}"
    );
    assert_eq!(answer.status, problem.class.status(), "{cell}");
    assert!(problem.detail.contains(' '), "{cell}: {problem:?}");
    false
}

fn refused(cell: &str, answer: &Answer, class: Class) {
    assert_eq!(answer.status, class.status(), "{cell}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some(http::PROBLEM), "{cell}");
    let problem: http::Problem = serde_json::from_slice(&answer.body).expect("a problem");
    assert_eq!(problem.class, class, "{cell}");
    assert!(problem.detail.contains(' '), "{cell}: {problem:?}");
}

/// Nothing was done, and at most one line says that somebody was refused. `more`: lines beside it.
fn only_that(site: &Site, cell: &str, before: (u64, u64), after: (u64, u64), more: u64) {
    assert_eq!(after.1, before.1, "{cell}: a row changed");
    let new = after.0 - before.0;
    assert!((more..=more + 1).contains(&new), "{cell}: {new} lines");
    if new == more + 1 {
        let last = site.lines("acc.refuse").pop().expect("a line");
        assert!(last.n + 1 + more >= after.0, "{cell}: {last:?}");
    }
}

/// ROL-1, ROL-2, AUD-1: every operation, for every role, for the console and for a stranger, over HTTPS and over the socket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_for_everybody() {
    let site = Site::new().await;
    furnish(site.hub());
    std::fs::create_dir_all(site.hub().state.join("run")).expect("folder");
    let listener = socket::bind(&site.hub().state).expect("the socket");
    let served = tokio::spawn(socket::run(site.rig.hub.clone(), listener));
    let mut cookies = Vec::new();
    for role in Role::ALL.map(Role::word) {
        cookies.push((role, site.cookie_of(role).await));
    }
    let (eye, may) = (Eye::on(&site), document());
    assert_eq!(may.len(), table::ALL.len());
    let mut n = 0;
    for row in table::ALL {
        let (may, mut done) = (&may[row.name], false);
        let may = |who: &str| may.iter().any(|m| m == who);
        let mut next = |who: &str| {
            n += 1;
            call::write(row, &sample(row, n, who, site.hub().now())).expect("a call")
        };
        if row.name == "declaration.accept" {
            let (hub, text) = (site.hub(), "We look at nobody at all.");
            hub.db
                .add_declaration(&"cd".repeat(32), text, hub.now())
                .expect("recorded");
        }
        let before = eye.look(&site);
        let stranger = over_https(&site, &next("kim"), "").await;
        refused(row.name, &stranger, Class::SignedOut);
        assert_eq!(eye.look(&site), before, "{} by a stranger", row.name);
        let console = over_the_socket(&site, &next("kim"), None).await;
        let cell = format!("{} at the console", row.name);
        match may("console") {
            true => done |= allowed(&cell, &console),
            false => refused(&cell, &console, Class::NotAllowed),
        }
        if row.method == Method::Post && !OF_THE_CONSOLE.contains(&row.name) {
            assert_eq!(eye.look(&site), before, "{}: nothing was done", row.name);
        }
        for (role, cookie) in &mut cookies {
            site.later(1_000);
            let before = eye.look(&site);
            let web = over_https(&site, &next(role), cookie).await;
            let cell = format!("{} by {role}", row.name);
            if may(role) {
                done |= allowed(&cell, &web);
            } else {
                refused(&cell, &web, Class::NotAllowed);
                only_that(&site, &cell, before, eye.look(&site), 0);
            }
            let before = eye.look(&site);
            let socket = over_the_socket(&site, &next(role), Some(role)).await;
            if may(role) {
                done |= allowed(&cell, &socket);
            } else {
                refused(&cell, &socket, Class::NotAllowed);
                // That this person signed in is on record too.
                only_that(&site, &cell, before, eye.look(&site), 1);
            }
            if ENDS.contains(&row.name) {
                let over = site.get("/api/v1/masks", cookie, "").await;
                assert_eq!(over.status, 401, "{cell}: the session is over");
                site.later(3_000);
                *cookie = site.cookie_of(role).await;
            }
            for factor in site.hub().db.all_factors().expect("reads") {
                let ended = site.hub().db.end_factor(factor.n, site.hub().now());
                assert!(ended.expect("ended"));
            }
        }
        let not_here = needs_a_box(row.name) || ELSEWHERE.contains(&row.name);
        assert!(done != not_here, "{} was done: {done}", row.name);
    }
    served.abort();
}

/// What the form of a page asks for, and the operation it is.
fn form(path: &str) -> (&'static str, Option<&'static Row>) {
    match path {
        "/clip/{exhibit}" => ("purpose=theft&reference=CR", Some(&table::CLIP_VIEW)),
        "/watch" => (
            "exhibit=EXH-2026-000001&purpose=theft&reference=CR",
            Some(&table::CLIP_VIEW),
        ),
        "/requests" => (
            "request=R-000035&act=release&note=DC+Hall",
            Some(&table::REQUEST_RELEASE),
        ),
        "/find" => (
            "cam=ashby%2Fc01&from=2026-11-03+11:59:10&to=2026-11-03+11:59:20&class=police&purpose=theft&reference=CR&requester=PC",
            Some(&table::REQUEST_OPEN),
        ),
        "/requests/{request}" => ("request=R-000031&act=submit", Some(&table::REQUEST_SUBMIT)),
        "/lifts" => ("request=4&act=approve", Some(&table::LIFT_APPROVE)),
        "/touches" => ("order=900&credential=%7B%7D", Some(&table::TOUCH)),
        "/approvers" => ("request=6&act=approve", Some(&table::APPROVER_APPROVE)),
        "/holds" => ("hold=H-000014&act=approve", Some(&table::HOLD_APPROVE)),
        "/evidence" => (
            "exhibit=EXH-2026-000022&act=dispose&reason=over",
            Some(&table::EVIDENCE_DISPOSE),
        ),
        "/exhibit/{exhibit}" => (
            "exhibit=EXH-2026-000001&act=mark&mark=ABC/1",
            Some(&table::EXHIBIT_MARK),
        ),
        "/sign-in" | "/sign-in/second" | "/sign-out" => ("", None),
        "/witness/add-checkpoint" | "/witness/cosignature" => ("", None),
        "/tokens" => (
            "act=add&label=panel&scopes=box.list&days=30",
            Some(&table::TOKEN_ADD),
        ),
        "/account" => ("act=password&old=x&new=y&again=z", None),
        "/hub" => (
            "act=move&hub=hub.example.org%3A4433&reason=new+room&name=nobody&password=x",
            Some(&table::MOVE),
        ),
        "/staff" => ("act=close&name=nobody", Some(&table::STAFF_CLOSE)),
        other => panic!("say here what the form of {other} sends"),
    }
}

/// ROL-1, SEC-1: every page, for every role and for a stranger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_for_everybody() {
    let site = Site::new().await;
    furnish(site.hub());
    let eye = Eye::on(&site);
    let mut who: Vec<(Option<Role>, String, String)> = vec![(None, String::new(), "x".into())];
    for role in Role::ALL {
        let cookie = site.cookie_of(role.word()).await;
        let form = site.get("/", &cookie, "").await.form();
        who.push((Some(role), cookie, form));
    }
    // Signing out is the last that anybody does.
    let mut pages = PAGES.to_vec();
    pages.sort_by_key(|page| page.path == "/sign-out");
    for page in pages {
        let address = [
            ("{box}", "ashby"),
            ("{cam}", "c01"),
            ("{exhibit}", "EXH-2026-000001"),
            ("{index}", "0"),
            ("{request}", "R-000031"),
            ("{file}", "continuity.txt"),
        ]
        .iter()
        .fold(page.path.to_owned(), |path, (name, value)| {
            path.replace(name, value)
        });
        for (role, cookie, token) in &who {
            site.later(100);
            let before = eye.look(&site);
            let (answer, act) = match page.method {
                "post" => {
                    let (body, act) = form(page.path);
                    let body = format!("form={token}&{body}");
                    (site.post(&address, cookie, &body, "").await, act)
                }
                _ => (site.get(&address, cookie, "").await, None),
            };
            let cell = format!("{} {address} by {role:?}", page.method);
            assert!(answer.status < 500, "{cell}: {answer:?}");
            let Audience::Person(rows) = page.audience else {
                continue;
            };
            let Some(role) = role else {
                let door = (answer.status, answer.header("location"));
                assert_eq!(door, (303, Some("/sign-in")), "{cell}");
                assert_eq!(eye.look(&site), before, "{cell}");
                continue;
            };
            let reaches = rows.iter().all(|row| row.roles.contains(role));
            if reaches && act.is_none_or(|row| row.roles.contains(role)) {
                let first = page.path.starts_with("/clip/") && answer.status == 403;
                assert!(
                    matches!(answer.status, 200 | 204 | 303 | 404 | 422)
                        || first && answer.text().contains("Give a purpose"),
                    "{cell}: {answer:?}"
                );
            } else {
                assert_eq!(answer.status, 403, "{cell}");
                assert!(answer.text().contains("may not"), "{cell}");
                only_that(&site, &cell, before, eye.look(&site), 0);
            }
        }
    }
}
