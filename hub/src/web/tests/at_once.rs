//! Every act of the table, many at once and broken off at any moment: each is done or refused in a sentence, and log and records say the same.
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{everybody::sample, *};
use crate::{
    access::principal::Principal,
    acts,
    db::numbers::Numbered,
    hub::testing::{self, Hands},
    model::{
        grant::Grant,
        operation::{About, Method, Second},
        role::Role,
    },
    ops::asked::ask,
    ownlog,
    reason::class::Class,
};

/// Accounts that have every role.
const PEOPLE: std::ops::Range<u32> = 80..84;

/// A hub with everything that operations are about, and people who may do all of them.
fn furnished() -> Rig {
    let rig = scene::rig();
    for op in PEOPLE {
        rig.hub.account(op, &format!("ann{op}"), "operator");
        for role in Role::ALL {
            let given = rig
                .hub
                .db
                .add_grant(op, &Grant::everywhere(role), "sys:hub", now());
            given.expect("recorded");
        }
    }
    everybody::furnish(&rig.hub);
    let camera = shared::id::BoxCamera::parse("ashby/c01").expect("camera");
    let given = rig.hub.db.set_camera_owner(&camera, "brook");
    given.expect("recorded");
    // What was put there without an act has its number all the same.
    let used = rig
        .hub
        .db
        .write(|tx| tx.number_used(Numbered::Account, u64::from(PEOPLE.end)));
    used.expect("noted");
    rig
}

fn people(hub: &Hub) -> Vec<Principal> {
    let person = |op| {
        crate::access::signin::person(hub, op)
            .expect("read")
            .expect("account")
    };
    PEOPLE.map(|op| Principal::Person(person(op))).collect()
}

fn acts_of_the_table() -> impl Iterator<Item = &'static Row> {
    table::ALL
        .iter()
        .copied()
        .filter(|row| row.method == Method::Post && (row.own || !row.roles.is_empty()))
}

/// Lines of the hub's log from `from` on, without those that are said to have failed; and how many there are.
fn lines(hub: &Hub, from: u64) -> (Vec<Record>, u64) {
    let mut all = Vec::new();
    acts::lines(&hub.log.folder(), from, |r| {
        all.push(r.clone());
        Ok(())
    })
    .expect("the log reads");
    let end = from + all.len() as u64;
    let failed: BTreeSet<i64> = all
        .iter()
        .filter(|r| r.kind == "act.fail")
        .filter_map(|r| r.data.get("line")?.as_int())
        .collect();
    all.retain(|r| !failed.contains(&(r.n as i64)));
    (all, end)
}

/// The number that an act gave out, if it is one that does.
fn number(row: &Row, reply: &Value) -> Option<u64> {
    let text = match row.name {
        "clip.pull" => &reply["exhibit"],
        "hold.add" => &reply["hold"],
        "staff.add" => &reply["op"],
        "token.add" => &reply["token"],
        "staff.grant" => &reply["grant"],
        "lift.ask" => &reply["n"],
        _ => return None,
    };
    match text {
        Value::String(text) => text.rsplit('-').next()?.parse().ok(),
        other => other.as_u64(),
    }
}

/// Whether it is the end of one thing: of many who say it, one does it. (A box may be told twice of one thing.)
fn once(row: &Row) -> bool {
    let ends = ["box.revoke", "lift.withdraw", "token.revoke"].contains(&row.name)
        || ["exhibit.receipt", "exhibit.return", "exhibit.destroy"].contains(&row.name)
        || ["staff.close", "staff.revoke", "staff.withdraw"].contains(&row.name);
    ends || row.second == Second::Approves
}

/// Whether what it is about in this test is somebody's: a camera of brook's, or what is of it.
fn names_owner(row: &Row) -> bool {
    use About::{Box, Camera, Exhibit, Hold, Lift, Order, Request};
    match row.about {
        Camera | Exhibit | Hold | Lift | Order | Request => true,
        // A box that is new, and one that was never there, have no cameras.
        Box => !["box.add", "box.revoke"].contains(&row.name),
        About::Hub | About::Whole | About::Log => false,
    }
}

/// EVI-1, RET-3, ROL-5, AUD-1 (F2): twenty of each act at once, from several people: each is done or refused in a sentence, what can be done once
/// is done once, what was refused has no line, each line says whose cameras it is about, and numbers have neither holes nor doubles.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_of_each() {
    let rig = furnished();
    let hub = &rig.hub;
    let (mut n, mut none) = (0, Vec::new());
    for row in acts_of_the_table() {
        // As they are now: some acts end the sessions of whoever does them.
        let who = people(hub);
        let (_, before) = lines(hub, 0);
        let mut asked = Vec::new();
        for one in 0..20 {
            n += 1;
            let person = &who[one % who.len()];
            // All of them end the same thing.
            let nth = if once(row) { n - one } else { n };
            let asked_for = sample(row, nth, person.name(), hub.now());
            let answer = ask(hub, person, row, asked_for);
            asked.push(tokio::spawn(answer));
        }
        let (mut done, mut numbers) = (0, Vec::new());
        for answer in asked {
            match answer.await.expect("ran") {
                Ok(reply) => {
                    done += 1;
                    numbers.extend(number(row, &reply));
                }
                Err(e) => {
                    let class = e.class();
                    use Class::{Missing, Refused, TooFast, Unreachable};
                    let refused = matches!(class, Refused | Missing | TooFast | Unreachable);
                    assert!(refused && e.sentence().contains(' '), "{}: {e:?}", row.name);
                }
            }
        }
        let (written, _) = lines(hub, before);
        let written: Vec<_> = written
            .iter()
            .filter(|r| row.lines.contains(&&*r.kind))
            .collect();
        for line in &written {
            let of = line.data.get("of").and_then(|of| of.as_str());
            assert!(
                !names_owner(row) || of == Some("brook"),
                "{}: whose cameras it is about: {of:?}",
                row.name
            );
        }
        let written = written.len();
        match done {
            0 => {
                assert_eq!(written, 0, "{}: refused, and on the log", row.name);
                none.push(row.name);
            }
            _ => assert!(
                written >= done && written % done == 0,
                "{}: {done} were done, {written} lines",
                row.name
            ),
        }
        assert!(
            !once(row) || done <= 1,
            "{} was done {done} times",
            row.name
        );
        numbers.sort_unstable();
        for pair in numbers.windows(2) {
            assert_eq!(pair[1], pair[0] + 1, "{}: {numbers:?}", row.name);
        }
    }
    // What needs a box on the line, what is about a request of another row, what only the account's own phone, key or text can do, and
    // nothing else.
    let more = [
        "evidence.approve",
        "staff.approve",
        "declaration.accept",
        "factor.code",
        "factor.passkey",
        "factor.remove",
        "exhibit.copy",
        "exhibit.hand",
        "exhibit.still",
        "outside.anchor",
    ];
    let may_not = |name: &&str| everybody::needs_a_box(name) || more.contains(name);
    assert!(none.iter().all(may_not), "never done: {none:?}");
    assert_eq!(acts::settle(&hub.db, &hub.log).expect("settled"), 0);
    Agreement::default().holds(hub);
}

/// What of an act is in the records: the kind of its line, the field that names what it is about, and how the records show it. A number
/// that a line writes with letters before it (`H-000012`, `op:0007`) is its number here.
const SHOWN: &[(&str, &str, &str)] = &[
    ("grant.set", "ref", "requests WHERE ref=$1"),
    ("hold.ask", "hold", "holds WHERE n=$1"),
    ("hold.extend", "hold", "holds WHERE n=$1 AND line>=$2"),
    ("hold.drop", "ask", "approvals WHERE n=$1"),
    (
        "hold.free",
        "hold",
        "holds WHERE n=$1 AND state IN ('releasing','over')",
    ),
    ("lift.ask", "ask", "lifts WHERE n=$1"),
    ("box.add", "box", "boxes WHERE name=$1"),
    (
        "box.revoke",
        "box",
        "boxes WHERE name=$1 AND state='revoked'",
    ),
    ("box.line", "box", "box_lines WHERE box=$1"),
    ("pull.pause", "ref", "requests WHERE ref=$1"),
    ("pull.resume", "ref", "requests WHERE ref=$1"),
    ("op.add", "op", "accounts WHERE op=$1"),
    ("op.grant", "grant", "grants WHERE n=$1"),
    (
        "op.revoke",
        "grant",
        "grants WHERE n=$1 AND ended IS NOT NULL",
    ),
    ("op.ask", "ask", "approvals WHERE n=$1"),
    (
        "op.drop",
        "ask",
        "approvals WHERE n=$1 AND state IN ('withdrawn','expired','aside')",
    ),
    ("op.name", "op", "accounts WHERE op=$1"),
    ("op.password", "op", "accounts WHERE op=$1"),
    (
        "op.close",
        "op",
        "accounts WHERE op=$1 AND closed IS NOT NULL",
    ),
    ("op.signout", "op", "accounts WHERE op=$1"),
    ("op.factor", "factor", "factors WHERE n=$1"),
    (
        "op.unfactor",
        "factor",
        "factors WHERE n=$1 AND ended IS NOT NULL",
    ),
    ("op.break", "op", "breaks WHERE op=$1"),
    ("decl.set", "sha256", "declarations WHERE sha256=$1"),
    ("op.accept", "op", "acceptances WHERE op=$1"),
    ("request.open", "request", "clip_requests WHERE n=$1"),
    ("request.change", "request", "clip_requests WHERE n=$1"),
    (
        "request.submit",
        "request",
        "clip_requests WHERE n=$1 AND state<>'Draft'",
    ),
    (
        "request.authorise",
        "request",
        "clip_requests WHERE n=$1 AND authorised_by IS NOT NULL",
    ),
    (
        "request.refuse",
        "request",
        "clip_requests WHERE n=$1 AND state='Refused'",
    ),
    (
        "request.cancel",
        "request",
        "clip_requests WHERE n=$1 AND state='Cancelled'",
    ),
    (
        "request.done",
        "request",
        "clip_requests WHERE n=$1 AND state IN ('Ready','Partial','Failed','Released','Closed')",
    ),
    (
        "request.release",
        "request",
        "clip_requests WHERE n=$1 AND state IN ('Released','Closed')",
    ),
    (
        "request.close",
        "request",
        "clip_requests WHERE n=$1 AND state='Closed'",
    ),
    ("op.token", "token", "tokens WHERE n=$1"),
    (
        "op.untoken",
        "token",
        "tokens WHERE n=$1 AND ended IS NOT NULL",
    ),
    ("owner.add", "owner", "owners WHERE name=$1"),
    ("owner.set", "cam", "camera_owners WHERE cam=$1"),
    ("copy.class", "ref", "evidence WHERE ref=$1"),
    ("copy.drop", "ask", "approvals WHERE n=$1"),
    ("reg.mark", "ref", "exhibit_marks WHERE ref=$1"),
    ("reg.copy", "ref", "copies WHERE ref=$1"),
    ("reg.hand", "ref", "copies WHERE ref=$1 AND hand>=$2"),
    ("reg.receipt", "ref", "copies WHERE ref=$1"),
    (
        "reg.return",
        "ref",
        "copies WHERE ref=$1 AND state IN ('back','out','gone')",
    ),
    ("reg.end", "ref", "copies WHERE ref=$1 AND state='gone'"),
    ("reg.media", "ref", "media_releases WHERE ref=$1"),
    ("reg.still", "ref", "stills WHERE ref=$1"),
    ("backup.begin", "backup", "backups WHERE n=$1"),
    (
        "backup.end",
        "backup",
        "backups WHERE n=$1 AND state<>'begun'",
    ),
    ("rollback.ask", "ask", "approvals WHERE n=$1"),
    (
        "rollback.settle",
        "rollback",
        "rollbacks WHERE n=$1 AND settled IS NOT NULL",
    ),
    ("move.order", "box", "moves WHERE box=$1"),
];
/// Acts that nothing of this test can do: they take a box.
const OF_BOXES: [&str; 6] = [
    // The first act of a log, by a command.
    "hub.restore",
    "mask.order",
    "box.renew",
    "approver.ask",
    "approver.order",
    "order.touch",
];
/// Lines that put something before a second person, by the number that it waits under.
const ASKS: &str = "ask";
/// Of these, each row came of a line of that kind.
const MADE: [(&str, &str); 9] = [
    ("grant.set", "requests"),
    ("hold.ask", "holds"),
    ("box.add", "boxes"),
    ("op.add", "accounts"),
    ("op.token", "tokens"),
    ("request.open", "clip_requests"),
    ("op.factor", "factors"),
    (ASKS, "approvals"),
    ("owner.add", "owners"),
];

/// Rows that were put there before, without an act, and how many lines were there then.
#[derive(Default)]
struct Agreement {
    before: Option<BTreeMap<&'static str, i64>>,
    from: u64,
}

impl Agreement {
    /// From here on.
    fn begin(hub: &Hub) -> Self {
        let records = records(hub);
        let count =
            |table: &str| count(&records, &format!("{table} WHERE $1=$1 AND $2=$2"), "0", 0);
        Self {
            before: Some(MADE.map(|(_, table)| (table, count(table))).into()),
            from: lines(hub, 0).1,
        }
    }

    /// What the log says was done, and no line takes back, is in the records; what is in the records is on the log.
    fn holds(&self, hub: &Hub) {
        let records = records(hub);
        let (all, _) = lines(hub, self.from);
        let mut numbers = BTreeMap::<&str, BTreeSet<String>>::new();
        for line in all.iter().filter(|r| ownlog::is_act(&r.kind)) {
            let kind = line.kind.as_str();
            let shown = SHOWN.iter().find(|(k, ..)| *k == kind);
            let Some((_, field, rows)) = shown else {
                panic!("say in SHOWN how the records show {kind}");
            };
            let value = line.data.get(field).map(|v| match v.as_int() {
                Some(n) => n.to_string(),
                None => v.as_str().unwrap_or_default().to_owned(),
            });
            let value = value.unwrap_or_default();
            let row = count(&records, rows, &value, line.n);
            assert!(
                row > 0,
                "line {} says {kind} {value:?}, and no record does",
                line.n
            );
            // What was granted, or waits for somebody to grant it, is held.
            let held = match kind {
                "grant.set" => Some("holds WHERE ref=$1 AND state IN ('pending','placed')"),
                "request.submit" => {
                    Some("holds WHERE request=$1 AND state IN ('pending','placed')")
                }
                _ => None,
            };
            if let Some(held) = held {
                let held = count(&records, held, &value, line.n);
                assert!(held > 0, "line {}: {kind} {value}, and no hold", line.n);
            }
            let asks = [
                "op.ask",
                "hold.drop",
                "request.submit",
                "lift.ask",
                "copy.drop",
                "rollback.ask",
            ];
            let asks = asks.contains(&kind);
            if let Some(ask) = line.data.get("ask").filter(|_| asks)
                && let Some(ask) = ask.as_int()
            {
                let first = numbers.entry(ASKS).or_default().insert(ask.to_string());
                assert!(first, "{kind} {ask} was given out twice");
            }
            let first = numbers.entry(kind).or_default().insert(value.clone());
            let given_out = MADE.iter().any(|(k, _)| *k == kind);
            assert!(first || !given_out, "{kind} {value} was given out twice");
        }
        for (kind, table) in MADE {
            let Some(before) = &self.before else { continue };
            let made = numbers.get(kind).map_or(0, BTreeSet::len) as i64;
            let rows = count(&records, &format!("{table} WHERE $1=$1 AND $2=$2"), "0", 0);
            assert_eq!(rows, before[table] + made, "{table} against {kind}");
        }
    }
}

fn records(hub: &Hub) -> rusqlite::Connection {
    rusqlite::Connection::open(hub.state.join("hub.sqlite")).expect("records")
}

/// How many rows there are. `value`: of a line; `n`: its number.
fn count(records: &rusqlite::Connection, rows: &str, value: &str, n: u64) -> i64 {
    let number = value.trim_start_matches(|c: char| !c.is_ascii_digit());
    let of_number = [" n=$1", " op=$1", " request=$1"]
        .iter()
        .any(|field| rows.contains(field));
    let sql = format!("SELECT COUNT(*) FROM {rows}");
    let mut q = records.prepare(&sql).expect(rows);
    let line = i64::try_from(n).expect("small");
    for at in 1..=q.parameter_count() {
        let bound = match at {
            1 if of_number => q.raw_bind_parameter(1, number.parse::<i64>().unwrap_or(-1)),
            1 => q.raw_bind_parameter(1, value),
            _ => q.raw_bind_parameter(2, line),
        };
        bound.expect(rows);
    }
    let mut found = q.raw_query();
    let row = found.next().expect(rows).expect("a row");
    row.get(0).expect("a number")
}

/// Every act is one that the records can be held against.
#[test]
fn every_act_is_shown() {
    for kind in ownlog::ACTS {
        let shown = SHOWN.iter().any(|(k, ..)| *k == kind) || OF_BOXES.contains(&kind);
        assert!(shown, "say in SHOWN how the records show {kind}");
    }
}

const FOLDER: &str = "BEADLE_AT_ONCE";

/// Not a test of its own: the hub that [`killed`] kills. Every act of the table until then, by several people at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other half of killed"]
async fn killed_hub() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let hub = Arc::new(testing::open(Path::new(&folder), Hands::at(now())));
    acts::settle(&hub.db, &hub.log).expect("settled");
    let who = people(&hub);
    println!("\nacts");
    let mut all = Vec::new();
    for (at, person) in who.into_iter().enumerate() {
        let hub = hub.clone();
        all.push(tokio::spawn(async move {
            let [a, b, c]: [u8; 3] = crate::keys::random().expect("random");
            // Names that nobody had before.
            let mut n = usize::from_be_bytes([0, 0, 0, a, b, c, 0, 0]) + at;
            loop {
                for row in acts_of_the_table() {
                    n += PEOPLE.len();
                    // A box waits for an answer, and what ends an account ends the test.
                    if everybody::needs_a_box(row.name) || row.name == "staff.close" {
                        continue;
                    }
                    let answer =
                        ask(&hub, &person, row, sample(row, n, person.name(), hub.now())).await;
                    if let Err(e) = answer {
                        assert!(e.class() != Class::Broken, "{}: {e:?}", row.name);
                    }
                }
            }
        }));
    }
    let ended = futures::future::try_join_all(all).await;
    drop(ended.expect("until it is killed"));
}

/// The hub as a process of its own, once it acts.
fn start(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "web::tests::at_once::killed_hub",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
    let acts = lines.any(|line| line.expect("output") == "acts");
    assert!(acts, "the hub did not come up");
    child
}

/// AUD-1: a hub that is killed at any moment of any act: its log and its records agree after the next start, no number is used twice. Ten
/// moments; BEADLE_KILLS=100 in `make fault`.
#[test]
fn killed() {
    let kills = std::env::var("BEADLE_KILLS")
        .ok()
        .and_then(|n| n.parse().ok());
    let mut rig = furnished();
    let agreement = Agreement::begin(&rig.hub);
    rig.hub.log.close("test").expect("closed");
    let (mut mended, mut kinds) = (0, BTreeSet::new());
    for _ in 0..kills.unwrap_or(10) {
        let mut child = start(rig.dir.path());
        let [moment]: [u8; 1] = crate::keys::random().expect("random");
        // The moment is what is tried here.
        std::thread::sleep(Duration::from_millis(u64::from(moment) * 2));
        child.kill().expect("killed");
        child.wait().expect("gone");
        rig.hub = Arc::new(testing::open(rig.dir.path(), rig.hands.clone()));
        mended += acts::settle(&rig.hub.db, &rig.hub.log).expect("settled");
        agreement.holds(&rig.hub);
        let (all, _) = lines(&rig.hub, agreement.from);
        kinds.extend(
            all.into_iter()
                .map(|r| r.kind)
                .filter(|kind| ownlog::is_act(kind)),
        );
        rig.hub.log.close("test").expect("closed");
    }
    println!("{mended} lines mended; acts: {kinds:?}");
    assert!(kinds.len() > 5, "{kinds:?}");
}
