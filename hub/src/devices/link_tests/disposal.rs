//! Wiring. Tests of periods over real QUIC: a pulled exhibit is disposed of; a request does not wait for ever.

use std::path::{Path, PathBuf};

use shared::id::ExhibitRef;

use super::*;
use crate::{
    access::authorise::Permit,
    db::requests::RequestRecord,
    disposal::{acts, shown},
};

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("entry").path();
        match path.is_dir() {
            true => files(&path, out),
            false => out.push(path),
        }
    }
}

fn identities(state: &Path) -> Vec<String> {
    let mut all = Vec::new();
    files(state, &mut all);
    let texts = all.iter().filter_map(|p| std::fs::read_to_string(p).ok());
    let lines: Vec<String> = texts
        .flat_map(|t| t.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let keys = lines
        .into_iter()
        .filter(|l| l.starts_with("AGE-SECRET-KEY-1"));
    keys.collect()
}

/// RET-5: an exhibit that was really pulled, with its package: two people dispose of it before its time, and its sealed masters, copied
/// before, cannot be opened with all that is left of the hub.
pub(super) fn goes(desk: &Hub, exhibit: &ExhibitRef, package: &Path) {
    let mut all = Vec::new();
    let evidence = desk.config.evidence.join(exhibit.as_str());
    for folder in [
        desk.state.join("exhibits").join(exhibit.as_str()),
        evidence.clone(),
    ] {
        files(&folder, &mut all);
    }
    let sealed: Vec<Vec<u8>> = all
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "age"))
        .map(|p| std::fs::read(p).expect("sealed"))
        .collect();
    assert!(!sealed.is_empty() && package.starts_with(&evidence));
    let opens = |bytes: &[u8]| {
        let keys = identities(&desk.state);
        let mut opener = sealed::Opener::new(&keys);
        opener.push(bytes, &mut Vec::new()).is_ok()
    };
    assert!(sealed.iter().all(|s| opens(s)), "before");
    let who = |op| Permit::of_test(op, &format!("kim{op}"));
    let asked = acts::dispose(desk, exhibit, "asked back by the force", &who(2)).expect("asked");
    assert_eq!(
        (asked.standing.as_str(), asked.files),
        ("kept", all.len() as u64)
    );
    assert!(package.exists());
    let gone = acts::approve(desk, exhibit, &who(3)).expect("disposed of");
    assert_eq!(gone.standing, "disposed");
    assert!(!evidence.exists());
    assert!(!sealed.iter().any(|s| opens(s)), "after");
    let page = shown::certificate(desk, exhibit)
        .expect("certificate")
        .to_text();
    assert!(page.contains(exhibit.as_str()) && page.contains("none opens it"));
    let row = desk.db.request(exhibit.as_str()).expect("reads");
    assert_eq!(row.expect("row").state, State::Disposed);
}

/// RET-5: a request whose box stays away fails when its days are over, and is not kept for ever; one of yesterday goes on waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_waits_for_ever() {
    let hub = Rig::new();
    let desk = hub.desk.clone();
    let now = desk.now();
    let mut news = desk.pulls.listen();
    for (n, days) in [(1, 1), (2, 91)] {
        let row = RequestRecord {
            r#ref: ExhibitRef::new(2026, n),
            grant: format!("G-{n:06}"),
            camera: BoxCamera::parse("ashby/c01").expect("camera"),
            t0: now,
            t1: now.plus_ms(1_000),
            purpose: String::new(),
            reference: String::new(),
            requester: String::new(),
            who: "op:0001".into(),
            state: State::Authorised,
            why: Vec::new(),
            urgent: false,
            paused: None,
            wasted: 0,
            granted: 1,
            reason: None,
            line: None,
            footage: None,
            package: None,
            made: now.plus_ms(-days * 86_400_000),
        };
        desk.db.add_request(n, &row).expect("recorded");
        desk.pulls.start(row.r#ref.as_str());
    }
    let mut ends = std::collections::BTreeMap::new();
    while ends.len() < 2 {
        let p = tokio::time::timeout(SOON, news.recv()).await;
        let p = p.expect("news").expect("news");
        let of_the_old = p.r#ref.ends_with('2');
        if !of_the_old || p.state == State::Failed {
            ends.insert(p.r#ref.clone(), (p.state, p.why));
        }
    }
    let (state, why) = &ends["EXH-2026-000001"];
    use crate::reason::PullReason;
    let offline = matches!(&why[..], [PullReason::BoxOffline { .. }]);
    assert!(*state == State::Waiting && offline, "{why:?}");
    let (_, why) = &ends["EXH-2026-000002"];
    let days = |r: &PullReason| matches!(r, PullReason::BoxAway { days: 90, .. });
    assert!(why.iter().any(days), "{why:?}");
    let _ = desk.log.close("test");
}
