//! Task. V18: the real programs, as the users their units name, years later (libfaketime): certificates are renewed in time by a box on the line, and by one that lay in a
//! store until its own was over, without a visit and without a new code.

use std::fs;

use beadle_tests::{
    Done, Folder, Trouble, args,
    hub::Hub,
    places,
    site::Site,
    town::{Plan, SetClock, Town},
    wait,
};
use shared::time::Utc;

use crate::rig;

const DAY_MS: i64 = 86_400_000;

/// Lines of the hub's own log of this type with this in them.
fn hub_lines(hub: &Hub, kind: &str, part: &str) -> Done<usize> {
    let kind = format!("\"type\":\"{kind}\"");
    let mut count = 0;
    for file in places::files_below(&hub.own_log(), ".jsonl") {
        let text = fs::read_to_string(file)?;
        count += text
            .lines()
            .filter(|l| l.contains(&kind) && l.contains(part))
            .count();
    }
    Ok(count)
}

/// The box is let in by the wide door.
fn on_the_line(town: &mut Town, hub: &mut Hub) -> Done<()> {
    wait::until("the box is on the line", 60, || {
        town.must_run()?;
        hub.must_run()?;
        Ok(town
            .status()
            .is_some_and(|s| s["uplink"]["state"] == "connected"))
    })
}

#[test]
fn a_box_comes_back_after_years_and_is_let_in() -> Done<()> {
    let _alone = rig::alone();
    let folder = Folder::new("years")?;
    let began = wait::now();
    let site = Site::installed("years", folder.path())?;
    let clock = SetClock::of(&site, "hub", began)?;
    let own = SetClock::of(&site, "box", began)?;
    let mut hub = Hub::make_at(&site, "127.0.0.1", clock.env()?)?.started()?;
    // Nobody answers there: what is recorded is not what is looked at.
    let port = places::free_tcp()?;
    let plan = Plan::new("ashby").camera("c01", &format!("rtsp://127.0.0.1:{port}/none"));
    let mut town = Town::make_at(&site, plan)?;
    town.env = own.env()?;
    let (short, _) = hub.box_codes("ashby")?;
    town.enrol(&format!("--hub 127.0.0.1:{} {short}", hub.quic))?
        .well("enrol by the short code")?;
    let mut town = town.labelled()?;
    town.start()?;
    on_the_line(&mut town, &mut hub)?;
    assert!(town.lines_of("cert.set", None).is_empty());

    // A year and a month; three more years, so that the second certificate was over a year before; and two more and a bit by the hub's clock
    // alone: the box, whose clock stood still, holds its third for good, and is told that it is not.
    for (days, box_days, renewals) in [(400, 400, 1), (1500, 1500, 2), (2300, 1501, 3)] {
        town.stop()?;
        hub.stop()?;
        let now = Utc(began.0 + days * DAY_MS);
        clock.set_to(now)?;
        own.set_to(Utc(began.0 + box_days * DAY_MS))?;
        if renewals == 2 {
            let said = town.command(args!["doctor"])?.out;
            assert!(
                said.contains("the box renews it as soon as it reaches the hub"),
                "{said}"
            );
        }
        hub.start()?;
        town.start()?;
        wait::until("another certificate", 60, || {
            town.must_run()?;
            Ok(town.lines_of("cert.set", None).len() == renewals)
        })?;
        on_the_line(&mut town, &mut hub)?;
        let line = town.lines_of("cert.set", None).pop();
        let line = line.ok_or_else(|| Trouble::new("no line"))?;
        let until: Utc = serde_json::from_value(line["data"]["until"].clone())?;
        assert!(until.0 > now.0 + 729 * DAY_MS, "{until}");
        let print = line["data"]["cert"].as_str().unwrap_or("none");
        assert_eq!(hub_lines(&hub, "box.renew", print)?, 1, "on both logs");
        for what in ["\"boxes\"", "\"pages\""] {
            let made = hub_lines(&hub, "cert.set", what)?;
            assert_eq!(made, renewals + 1, "{what}");
        }
    }
    town.stop()?;
    hub.stop()?;
    hub.intact("log", &town.log(), false)?;
    hub.intact("log", &hub.own_log(), false)
}
