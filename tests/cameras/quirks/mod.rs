//! Task. Cameras nobody tuned the recorder to, each rebuilt from what somebody reported of one: raw RTSP and RTP, written by hand.
//!
//! `kinds/`: one file per kind of quirk (K1 to K15 of the review of cameras), each case naming its public reports. `rig/`: the
//! cameras, the one box that records several dozen of them at once, and the judge that holds what was kept against what was sent,
//! picture for picture. `BEADLE_QUIRKS=NAME,NAME` (or a kind, `K5`) runs only those. What came of each: `target/quirks/*.json`.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on is to stop
mod kinds;
mod rig;

use beadle_tests::Done;

/// REC-1, REC-2, REC-4, FLT-3: each is recorded whole at the right times, or says in time why not; none harms another.
#[test]
fn odd_pictures_are_kept_or_told() -> Done<()> {
    rig::house::run("pictures", kinds::pictures())
}

/// The same for answers, logins and keepalives that are odd.
#[test]
fn odd_words_are_forgiven_or_told() -> Done<()> {
    rig::house::run("words", kinds::words())
}

/// The same for slow cameras, loss, addresses and UDP.
#[test]
fn odd_packets_are_counted_right() -> Done<()> {
    rig::house::run("packets", kinds::packets())
}

/// REC-1, REC-2, REC-4, REC-6, FLT-1, FLT-3: further variants of our own, and what the doctor says of cameras that give nothing.
#[test]
fn further_oddities_are_kept_or_told() -> Done<()> {
    rig::house::run("further", kinds::further())
}

/// REC-1: dialogues of real cameras.
#[test]
fn real_dialogues_are_recorded_whole() -> Done<()> {
    rig::house::run("dialogues", kinds::dialogues()?)
}

/// MSK-5, REC-1: masks are painted into whatever cameras send, each picture once.
#[test]
fn odd_cameras_are_masked() -> Done<()> {
    rig::house::run("masked", kinds::masked())
}

/// REC-4: clocks of masked cameras that jump within the first seconds of a session, 21 times: nothing is ever dated wrong.
#[test]
fn clocks_that_jump_at_once_date_nothing_wrong() -> Done<()> {
    rig::house::run("jumps", kinds::jumps())
}

/// Every case is on the page for users, with what comes of it; at least 60 of them, three of each kind.
#[test]
fn the_page_names_every_case() -> Done<()> {
    let cases = kinds::all();
    rig::docs::check(&cases)?;
    let odd = cases.iter().filter(|c| c.kind != "plain").count();
    assert!(odd >= 60, "{odd} cases");
    for kind in [
        "K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9", "K10", "K11", "K12", "K13", "K14",
        "K15",
    ] {
        let many = cases.iter().filter(|c| c.kind == kind).count();
        assert!(many >= 3, "{many} cases of {kind}");
    }
    let mut names: Vec<&str> = cases.iter().map(|c| c.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "names are used once");
    Ok(())
}
