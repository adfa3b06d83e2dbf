//! Wiring. Tests of lines that no box may write: at the door they are refused; held since before there was one, they are kept, marked
//! and left out, and nothing of anybody else's stops for them.

use serde_json::{Value, json};
use shared::{id::BoxName, testing::LogBuilder};

use super::{gather, rig::*, watch};
use crate::{
    db::{Db, numbers::Numbered, visible::VisibleRows},
    faults::reports,
    holds,
    list::Part,
    reviews, shown,
};

const T: &str = "2026-11-28T10:00:00.000Z";

/// Type, data and the field a refusal names.
fn attacks() -> Vec<(&'static str, Value, &'static str)> {
    let segment = |change: &dyn Fn(&mut Value)| {
        let mut data = json!({"cam": "c01", "s": 1, "t0": T, "t1": "2026-11-28T10:01:00.000Z", "size": 1, "sha256": "0".repeat(64),
            "mask": null, "how": "none", "proofs": 0, "lost": 0, "shed": 0, "key": "c01/2026-11-28"});
        change(&mut data);
        data
    };
    vec![
        (
            "seg.write",
            segment(&|d| d["cam"] = "../../etc".into()),
            "data.cam \"../../etc\"",
        ),
        (
            "seg.write",
            segment(&|d| d["lost"] = json!(-5)),
            "data.lost -5",
        ),
        (
            "seg.write",
            segment(&|d| d["size"] = json!(9_007_199_254_740_991i64)),
            "data.size 9007199254740991",
        ),
        (
            "seg.write",
            segment(&|d| d["how"] = "\u{1b}[31m".into()),
            "data.how \"\\u{1b}[31m\"",
        ),
        (
            "seg.write",
            segment(&|d| d["t1"] = "9998-12-31T23:59:59.999Z".into()),
            "data.t1 \"9998",
        ),
        (
            "seg.gap",
            json!({"cam": "c01", "next": 5, "t0": T, "t1": T, "why": "w", "packets": -5}),
            "data.packets -5",
        ),
        (
            "del.range",
            json!({"cam": "c01", "day": "2026-11-28", "s0": -1, "s1": -1, "t0": "bad", "t1": 5, "count": -9, "set": "", "rule": "\u{202e}", "key": "c01/2026-11-28"}),
            "data.s0 -1",
        ),
        (
            "del.range",
            json!({"cam": "c01", "day": "yesterday", "s0": 1, "s1": 1, "t0": T, "t1": T, "count": 1, "set": "0".repeat(64), "rule": "31d", "key": "c01/2026-11-28"}),
            "data.day \"yesterday\"",
        ),
        (
            "del.done",
            json!({"cam": "c01", "day": "2026-11-28", "n": 9, "oldest": 7, "undecryptable": "yes", "claim": "file"}),
            "data.oldest 7",
        ),
        (
            "hold.set",
            json!({"hold": "H-999999999999999", "cam": "c01", "t0": T, "t1": T, "until": T, "grant": "G"}),
            "data.hold \"H-999999999999999\"",
        ),
        (
            "cam.set",
            json!({"cam": "c01", "title": "\u{1b}]0;owned\u{7}\u{202e}", "site": "x"}),
            "data.title \"\\u{1b}]0;owned",
        ),
        (
            "clock.step",
            json!({"delta_ms": 9_007_199_254_740_991i64, "src": "x"}),
            "data.delta_ms 9007199254740991",
        ),
        (
            "exp.clip",
            json!({"ref": "../../EXH", "cam": "c01", "s0": 1, "s1": 1, "grant": "g", "purpose": "p"}),
            "data.ref \"../../EXH\"",
        ),
        (
            "key.seal",
            json!({"spki": "AAAA"}),
            "only the hub writes lines of that type",
        ),
        (
            "exp.done",
            json!({"ref": "EXH-2026-000001", "cam": "c01", "sums": "0".repeat(64), "to": "x"}),
            "only the hub",
        ),
        ("copy.invented", json!({}), "only the hub"),
        ("x.\u{1b}[2J", json!({}), "type \"x.\\u{1b}[2J\""),
    ]
}

fn brook() -> BoxName {
    BoxName::parse("brook").expect("name")
}

/// Another box, with footage that is due, and a hold asked for: what must go on.
fn neighbour(rig: &Rig) {
    let now = rig.hub.now();
    rig.hub
        .db
        .register_box(&brook(), "hash", now.plus_ms(86_400_000), now)
        .expect("registered");
    let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/brook/1", rig.log.t);
    log.segment("c09", 1, b"footage");
    let (stream, _) = rig.hub.logs.begin(&brook(), 1, None).expect("begins");
    stream.lines(&log.lines.concat()).expect("lines");
    stream
        .head_indexed(log.head().render().as_bytes())
        .expect("countersigned");
}

/// Everything that shows what boxes sent.
fn all_goes_on(rig: &Rig) {
    let report =
        gather::report(&rig.hub, None, &Default::default()).expect("the report of the scheme");
    assert!(
        report.cameras.iter().any(|c| c.r#box == brook()),
        "the neighbour is in it"
    );
    watch::look(&rig.hub, None, None).expect("the watch");
    let rows = shown::boxes(&rig.hub).expect("the first page");
    assert_eq!(rows.len(), 2);
    let (seen, part) = (VisibleRows::everything(), Part::of(1000));
    holds::shown::list(&rig.hub, &seen, None, false, &part).expect("holds");
    shown::exhibits(&rig.hub, &seen, &Default::default(), &part).expect("exhibits");
    for camera in ["ashby/c01", "brook/c09"] {
        let camera = shared::id::BoxCamera::parse(camera).expect("camera");
        let _ = crate::days::footage(&rig.hub, &camera, None, None, crate::days::MOST);
        let _ = gather::of_camera(&rig.hub, &camera, &part);
    }
    reviews::all(&rig.hub).expect("masks");
}

/// security.md V4, V5, V16, kind 2: none of them is countersigned; the refusal names log, line, field and value; what was held stays.
#[test]
fn refused_at_the_door_v4_v5() {
    let mut rig = Rig::new("2026-11-28T12:00:00.000Z");
    rig.send();
    neighbour(&rig);
    let held = rig.log.size();
    for (kind, data, field) in attacks() {
        let mut log = LogBuilder::new_at(ORIGIN, utc("2026-11-28T12:00:00.000Z"));
        log.add_raw(kind, "sys:rec", &data);
        let (stream, have) = rig.hub.logs.begin(&ashby(), 1, None).expect("begins");
        assert_eq!(have.size, held, "{kind}");
        let refused = stream
            .lines(&log.lines[held as usize..].concat())
            .expect_err(field);
        assert_eq!(refused.code, "MALFORMED");
        for part in [
            ORIGIN,
            &format!("line {held} "),
            field,
            "Nothing from that line on",
        ] {
            assert!(refused.why.contains(part), "{part}: {}", refused.why);
        }
        assert!(shared::plain::all_plain(&refused.why), "{}", refused.why);
        // Its head gets nothing either.
        stream
            .head_indexed(log.head().render().as_bytes())
            .expect_err("no countersignature");
    }
    all_goes_on(&rig);
    assert_eq!(next_hold(&rig), "H-000001");
    // The box goes on where it was.
    rig.log.beat();
    rig.send();
}

/// The same lines in a log that an older hub countersigned: kept as they are, left out of what is derived, one fault of that box on the
/// record, and everything of everybody else goes on; also after the box is revoked, and after a restart.
#[test]
fn held_since_before_v4_v5() {
    let mut rig = Rig::new("2026-11-28T12:00:00.000Z");
    neighbour(&rig);
    let good = rig.noon("c01", day("2026-11-28"), 700);
    let attacks = attacks();
    for (kind, data, _) in &attacks {
        rig.log.add_raw(kind, "sys:rec", data);
    }
    let size = rig.log.size();
    let folder = rig.hub.logs.folder(&ashby(), 1);
    std::fs::create_dir_all(folder.join("heads")).expect("folder");
    let mut head = rig.log.head();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    put("0000000000.jsonl", &rig.log.lines.concat());
    put("head.note", head.render().as_bytes());
    rig.hub.keys.cosign(&mut head, rig.hub.now());
    put("cosigned.note", head.render().as_bytes());
    let (_, have) = rig.hub.logs.begin(&ashby(), 1, None).expect("begins");
    assert_eq!(have.size, size, "kept");
    assert_eq!(
        rig.hub.db.indexed(ORIGIN).expect("index"),
        size,
        "the index does not lag"
    );
    let odd = rig.hub.db.odd_lines(&ashby()).expect("marked");
    assert_eq!((odd.len(), odd[0].count), (1, attacks.len() as u64));
    assert!(odd[0].why.contains("data.cam"), "{}", odd[0].why);
    let days = rig.hub.db.unsettled_days(&ashby()).expect("days");
    assert_eq!(
        (days.len(), days[0].s0, days[0].bytes),
        (1, good, 700),
        "the good line counts"
    );
    all_goes_on(&rig);
    let fault = |rig: &Rig| {
        let rows = shown::boxes(&rig.hub).expect("the first page");
        let ashby = rows.iter().find(|r| r.name == ashby()).expect("row");
        let of: Vec<_> = ashby
            .faults
            .iter()
            .filter(|f| f.code == reports::LINE)
            .cloned()
            .collect();
        assert!(
            rows.iter()
                .all(|r| r.name != brook() || r.faults.is_empty())
        );
        of
    };
    let said = fault(&rig);
    assert_eq!(said.len(), 1);
    assert!(shared::plain::all_plain(&said[0].text), "{}", said[0].text);
    assert_eq!(rig.faults(reports::LINE), (1, 0));
    assert_eq!(next_hold(&rig), "H-000001");
    rig.hub.db.revoke_box(&ashby(), "stolen").expect("revoked");
    all_goes_on(&rig);
    rig.restart();
    all_goes_on(&rig);
    assert_eq!(rig.faults(reports::LINE), (1, 0), "said once");
    assert_eq!(fault(&rig).len(), 1);
}

/// Rows that an older hub wrote before it knew better, in tables that are not made anew: each is left out by itself.
#[test]
fn rows_of_before_v4_v5() {
    let rig = Rig::new("2026-11-28T12:00:00.000Z");
    neighbour(&rig);
    rig.hello(&[("c01", None)], 31);
    let records = rusqlite::Connection::open(rig.dir.path().join("hub.sqlite")).expect("records");
    records
        .execute_batch(
            "UPDATE boxes SET sw='0', zone='Europe/London', retention_days=2147483647, reported=9223372036854775807, free_mib=-1 WHERE name='ashby';
             INSERT INTO box_cameras (box, cam, place, title, masked) VALUES ('ashby','../x',9,'x',7);
             INSERT INTO camera_states (box, cam, place, recording, connected, starting, landed) VALUES ('ashby','../x',-1,1,1,1,9223372036854775807);
             INSERT INTO box_faults (box, place, code, cam, since, text) VALUES ('ashby',1,'x','../x',0,'x');
             INSERT INTO policies (box, cam, since, days, zone) VALUES ('ashby','c01',1,2147483647,'Europe/London'), ('ashby','../x',2,31,'Europe/London');
             INSERT INTO numbers (kind, highest) VALUES ('hold', 999999999999999) ON CONFLICT (kind) DO UPDATE SET highest=excluded.highest;
             INSERT INTO found_faults (camera, ref, code, log, since, text) VALUES ('../x/y','','x','x',0,'x');
             INSERT INTO days (log, box, cam, day, key, s0, s1, t0, t1, bytes, count, held) VALUES
               ('x','ashby','../etc','2026-11-28','k',1,1,0,0,1,1,1), ('x','ashby','c01','never','k',1,1,0,0,1,1,1),
               ('x','ashby','c02','2026-11-28','c02/2026-11-28',-1,-1,9223372036854775807,-9223372036854775808,9223372036854775807,9007199254740991,9007199254740991);
             INSERT INTO certificates (log, n, box, cam, day, key, s0, s1, t0, t1, count, digest, rule, at) VALUES
               ('x',1,'ashby','../etc','2026-11-28','k',-1,-1,0,0,-9,'','',0);
             INSERT INTO segments (log, n, box, cam, s, t0, t1, size, sha256, how, lost, day, key) VALUES
               ('x',1,'ashby','c01',-1,0,9223372036854775807,-1,'','none',0,'2026-11-28','k');
             INSERT INTO boxes (name, state, added) VALUES ('../evil', 'enrolled', 0);",
        )
        .expect("rows");
    all_goes_on(&rig);
    assert_eq!(next_hold(&rig), "H-000001");
    drop(Db::open(rig.dir.path()).expect("opens again"));
}

/// The number that the next hold would get.
fn next_hold(rig: &Rig) -> String {
    let n = rig.hub.db.write(|tx| tx.number(Numbered::Hold));
    shared::id::HoldId(n.expect("number")).to_string()
}
