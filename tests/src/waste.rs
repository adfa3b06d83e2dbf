//! Task. A clip over a line that drops again and again, and what of it crosses for nothing.
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Done, Told, Trouble,
    cameras::{Cameras, Scene},
    day,
    hub::Hub,
    line::{HUB, Kind, Line},
    pages::Person,
    sharing::Desk,
    site::Site,
    staff::Staff,
    town::{Plan, Town},
    wait,
};

/// How the line is, and how it drops.
#[derive(Clone, Copy, Debug)]
pub struct Drops {
    pub mbit: f64,
    /// Minutes of footage that are pulled, of 130 kB each.
    pub minutes: i64,
    /// It is there for so long, and away for so long.
    pub there: Duration,
    pub away: Duration,
    /// At every drop the hub is killed, too, and is back when the line is.
    pub killed: bool,
}

/// What came of it.
pub struct Waste {
    /// Bytes that crossed for the clip, and those of them that are kept, as the hub counts them.
    pub crossed: u64,
    pub kept: u64,
    /// What came out of the line at the hub's end, with all that carries it.
    pub carried: u64,
    /// How often it dropped meanwhile, and how often the box was there anew.
    pub drops: u64,
    pub secs: f64,
}

impl Waste {
    /// Of what crossed, in percent.
    pub fn percent(&self) -> f64 {
        (self.crossed - self.kept) as f64 / self.crossed.max(1) as f64 * 100.0
    }
}

/// Pulls a clip over it. The line is this thread's for good.
pub fn pulled(folder: &Path, how: Drops) -> Done<Waste> {
    let kind = Kind {
        mbit: how.mbit,
        ..Kind::town(0.0)
    };
    let line = Line::enter(Kind::town(0.0))?;
    let cameras = Cameras::start(Scene::new().street_low("/a/street"))?;
    let mut hub = Hub::make_at(&Site::Beside(folder.into()), &HUB.to_string(), Vec::new())?;
    line.at_hub(|| hub.start())?;
    let plan = Plan::new("drops")
        .camera("street", cameras.url("/a/street"))
        .camera("old", "rtsp://127.0.0.1:1/gone");
    let mut town = Town::make(folder, plan)?.enrolled(&mut hub)?.started()?;
    let staff = Staff::of(&hub, folder, &[("pat", "operator")])?;
    let password = std::fs::read_to_string(staff.file("pat")?).told("pat's password")?;
    let pat = line.at_hub(|| {
        let address = HUB.to_string();
        Person::sign_in_at(&hub, &address, folder, ("pat", password.trim()))
    })?;
    day::fill(&mut town, "old")?;
    wait::until("the hub has the day's lines", 60, || {
        let row = line.at_hub(|| pat.get("/boxes/drops"))?;
        Ok(row["lines"].as_u64() > Some(1_440))
    })?;
    let desk = Desk {
        line: &line,
        person: &pat,
        town: &town,
    };
    let (midnight, _) = day::yesterday();
    // Neither its beginning nor its end is that of a segment.
    let (from, to) = (
        midnight.plus_ms(20_000).to_string(),
        midnight.plus_ms(how.minutes * 60_000 - 20_000).to_string(),
    );
    line.set(kind);
    let before = line.carried();
    let exhibit = desk.asked(("drops", "old", &from, &to), false)?;
    desk.stands(&exhibit, 60, |c| c["bytes"].as_u64() > Some(0))?;
    let (began, mut since, mut drops) = (Instant::now(), Instant::now(), 0);
    let over = |state: &str| ["Ready", "Failed", "Partial"].contains(&state);
    let row = loop {
        let row = desk.clip(&exhibit)?;
        if over(row["state"].as_str().unwrap_or_default()) {
            break row;
        }
        if began.elapsed() > Duration::from_secs(900) {
            return Err(Trouble(format!("the clip does not end: {row}")));
        }
        if since.elapsed() >= how.there {
            line.set(Kind {
                loss_percent: 100.0,
                ..kind
            });
            if how.killed {
                hub.kill9()?;
            }
            thread::sleep(how.away);
            line.set(kind);
            if how.killed {
                line.at_hub(|| hub.start())?;
            }
            drops += 1;
            since = Instant::now();
        }
        thread::sleep(Duration::from_millis(100));
    };
    let number = |key: &str| row[key].as_u64().unwrap_or(0);
    if row["state"] != "Ready" || number("kept") == 0 {
        return Err(Trouble(format!("the clip: {row}")));
    }
    let waste = Waste {
        crossed: number("crossed"),
        kept: number("kept"),
        carried: line.carried() - before,
        drops,
        secs: began.elapsed().as_secs_f64(),
    };
    town.stop()?;
    Ok(waste)
}
