//! Wiring. One box and all cameras of a list: configured, recorded for as long as the longest of them, stopped in order, judged.
use std::time::{Duration, Instant};

use beadle_tests::{
    Done, Folder, Trouble,
    cameras::OVER_MARKER,
    places,
    program::{self, Program},
    town::{Plan, Town},
    wait::{self, Look},
};
use serde_json::Value;

use super::{
    Case, Kept,
    camera::Camera,
    judge::{self, Row},
    table,
};

const SEGMENT_SECS: u32 = 10;
/// A camera that is to be refused is watched for so long.
const REFUSED: Duration = Duration::from_secs(30);
pub const MASK: &str = "[[[0.55, 0.25], [0.85, 0.25], [0.85, 0.65], [0.55, 0.65]]]";
const EVENT: &str = "VideoSource/MotionAlarm";

/// A box with its cameras, at its end.
pub struct House {
    pub town: Town,
    pub folder: Folder,
    pub cameras: Vec<(Case, Camera)>,
    /// Wall clock in ms: when the recorder was asked to stop.
    pub stopped_ms: i64,
    pub status: Value,
    pub doctor: Value,
    /// Cases whose configuration was not taken, and why.
    pub refused: Vec<(Case, String)>,
    /// Its log, and what the recorder printed.
    pub lines: Vec<Value>,
    pub output: String,
}

/// Names of cases that are to run, from `BEADLE_QUIRKS=name,name`; all of them without it.
fn chosen(cases: Vec<Case>) -> Vec<Case> {
    let Ok(names) = std::env::var("BEADLE_QUIRKS") else {
        return cases;
    };
    let named = |c: &Case| names.split(',').any(|n| n == c.name || n == c.kind);
    cases.into_iter().filter(named).collect()
}

/// Records all of them in one box. An error names each case that did not come out as it should.
pub fn run(name: &str, cases: Vec<Case>) -> Done<()> {
    let cases = chosen(cases);
    if cases.is_empty() {
        return Ok(());
    }
    let house = record(name, cases)?;
    let mut rows = judge::rows(&house)?;
    rows.extend(
        house
            .refused
            .iter()
            .map(|(case, why)| judge::refused(case, why)),
    );
    table::print(name, &rows);
    table::write(name, &rows)?;
    let bad: Vec<String> = rows
        .iter()
        .filter(|r| !r.wrong.is_empty())
        .map(Row::complaint)
        .collect();
    if bad.is_empty() {
        Ok(())
    } else {
        Err(Trouble(format!(
            "{} of {} cameras are not kept as they should be:\n{}",
            bad.len(),
            rows.len(),
            bad.join("\n")
        )))
    }
}

fn record(name: &str, cases: Vec<Case>) -> Done<House> {
    let folder = Folder::new(name)?;
    let (mut cameras, mut refused) = (Vec::new(), Vec::new());
    let empty = || Plan::new(name).segment_secs(SEGMENT_SECS);
    let check = |plan: Plan| -> Done<Option<String>> {
        let town = Town::make(folder.path(), plan)?;
        let words = beadle_tests::args!["check-config", town.config];
        let said = program::run(&places::program("beadle-edge")?, words)?;
        Ok((said.status != 0).then_some(said.err))
    };
    for case in cases {
        let camera = Camera::start(case.script.clone())?;
        cameras.push((case, camera));
    }
    let all = |cameras: &[(Case, Camera)]| {
        cameras
            .iter()
            .fold(empty(), |plan, (case, camera)| planned(plan, case, camera))
    };
    if check(all(&cameras))?.is_some() {
        // One camera that the box does not take is no reason not to record the others.
        let mut taken = Vec::new();
        for (case, camera) in cameras {
            match check(planned(empty(), &case, &camera))? {
                Some(why) => refused.push((case, why)),
                None => taken.push((case, camera)),
            }
        }
        cameras = taken;
    }
    let town = Town::make(folder.path(), all(&cameras))?.labelled()?;
    let mut house = House {
        town,
        folder,
        cameras,
        stopped_ms: 0,
        status: Value::Null,
        doctor: Value::Null,
        refused,
        lines: Vec::new(),
        output: String::new(),
    };
    house.town.start()?;
    house.watch()?;
    house.status = house.town.status().unwrap_or_default();
    let doctor = house
        .town
        .command(beadle_tests::args!["doctor", "--json"])?;
    house.doctor = serde_json::from_str(&doctor.out).unwrap_or_default();
    house.stopped_ms = wait::now().0;
    house.output = house
        .town
        .recorder
        .as_ref()
        .map_or(String::new(), Program::output);
    house.town.stop()?;
    house.lines = house.town.lines();
    for (_, camera) in &house.cameras {
        camera.stop();
    }
    Ok(house)
}

fn planned(plan: Plan, case: &Case, camera: &Camera) -> Plan {
    let told = &case.told;
    let path = if told.path.is_empty() {
        "stream1"
    } else {
        told.path
    };
    let url = format!(
        "{}://{}/{path}",
        told.scheme.unwrap_or("rtsp"),
        camera.host()
    );
    let mut plan = plan.camera(case.name, &url);
    if let Some((user, password)) = told.login {
        plan = plan.login(user, password);
    }
    if told.udp {
        plan = plan.udp();
    }
    for line in told.lines {
        plan = plan.camera_line(line);
    }
    if told.masked {
        plan = plan.mask("m1", MASK);
    }
    if told.proved {
        plan = plan.mask("m1", OVER_MARKER).by_camera();
    }
    if told.sound {
        plan = plan.sound("Custody suite, assessment 2026-04");
    }
    if told.events {
        plan = plan.timelapse_with(2, EVENT, 20);
    }
    plan
}

impl House {
    /// Lines of a type about a camera.
    pub fn lines_of(&self, kind: &str, cam: &str) -> Vec<Value> {
        let named = |l: &&Value| l["type"] == kind && l["data"]["cam"] == cam;
        self.lines.iter().filter(named).cloned().collect()
    }

    /// Until each camera has played its part. One that cannot is not waited for longer than half a minute beyond the longest of all.
    fn watch(&mut self) -> Done<()> {
        let began = Instant::now();
        let longest = self.cameras.iter().map(|(c, _)| c.secs).max().unwrap_or(0);
        let limit = Duration::from_secs(longest.unsigned_abs() + 30);
        wait::within(
            "every camera has played its part",
            limit.as_secs() + 60,
            || {
                self.town.must_run()?;
                let left: Vec<&str> = self
                    .cameras
                    .iter()
                    .filter(|(c, camera)| !played(c, camera, began))
                    .map(|(c, _)| c.name)
                    .collect();
                Ok(if left.is_empty() || began.elapsed() > limit {
                    Look::Yes(())
                } else {
                    Look::NotYet(format!("{} left: {}", left.len(), left.join(" ")))
                })
            },
        )
    }
}

fn played(case: &Case, camera: &Camera, began: Instant) -> bool {
    if case.expect.kept == Kept::Nothing {
        return began.elapsed() > REFUSED;
    }
    let seen = camera.post.seen();
    match (seen.sent.first(), seen.sent.last()) {
        (Some(first), Some(last)) => last.gone_ms - first.gone_ms >= case.secs * 1000,
        _ => false,
    }
}
