//! Task. Every kind of bad day of a camera, on real cameras and the real box: recording resumes by itself, what was good is kept,
//! the gap is on the record with its cause, and no camera is stormed.
//!
//! What cameras of others will not do, a relay between them and the box does to the bytes ([`beadle_tests::relay`]).

use std::{
    collections::BTreeSet,
    sync::MutexGuard,
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Folder, Trouble,
    cameras::{Cameras, Scene},
    hub::{Hub, time},
    measure, pictures, places,
    relay::{Harm, Relay},
    town::{self, Plan, Town},
    wait::{self, Look},
};
use serde_json::{Value, json};
use shared::time::Utc;

use crate::rig;

/// Cameras of these towns have a key frame every two seconds.
const GROUP_MS: i64 = 2_000;
/// Twelve pictures a second.
const PICTURE_MS: i64 = 84;
/// A session that must be renewed costs this at most.
const RENEWED_MS: i64 = 2_000;
const SMALL: &str = "masked-640x360p12.h264";

// Dropped from the top: programs first, then what they stand on.
struct Day {
    town: Town,
    hub: Hub,
    cameras: Cameras,
    _folder: Folder,
    _alone: MutexGuard<'static, ()>,
}

impl Day {
    /// A town whose cameras the plan's closure names, enrolled and running.
    fn begin(
        name: &str,
        scene: Scene,
        plan: impl FnOnce(&Cameras, Plan) -> Done<Plan>,
    ) -> Done<Self> {
        let alone = rig::alone();
        let folder = Folder::new(name)?;
        let cameras = Cameras::start(scene)?;
        let plan = plan(&cameras, Plan::new(name).segment_secs(8))?;
        let mut hub = Hub::make(folder.path())?.started()?;
        let town = Town::make(folder.path(), plan)?
            .enrolled(&mut hub)?
            .started()?;
        Ok(Self {
            town,
            hub,
            cameras,
            _folder: folder,
            _alone: alone,
        })
    }

    fn segments(&self, cam: &str) -> Done<Vec<Segment>> {
        let lines = self.town.lines_of("seg.write", Some(cam));
        lines.iter().map(Segment::read).collect()
    }

    /// Gap lines of a camera, from the first segment on.
    fn gaps(&self, cam: &str) -> Done<Vec<Gap>> {
        let lines = self.town.lines_of("seg.gap", Some(cam));
        lines.iter().map(Gap::read).collect()
    }

    /// Waits for a closed segment that began after `since`: the camera records again.
    fn resumed(&mut self, cam: &str, since: Utc, secs: u64) -> Done<Segment> {
        wait::until(&format!("{cam} records again"), secs, || {
            self.town.must_run()?;
            Ok(self.segments(cam)?.into_iter().find(|s| s.t0 > since))
        })
    }

    fn fault(&mut self, cam: &str, code: &str, on: bool, secs: u64) -> Done<()> {
        let kind = if on { "fault.on" } else { "fault.off" };
        self.town
            .line(&format!("{kind} {code} of {cam}"), secs, |l| {
                l["type"] == kind && l["data"]["code"] == code && l["data"]["cam"] == cam
            })
            .map(drop)
    }

    /// Footage missing between closed segments, in ms, after checking that each hole is declared by a gap line with one of these
    /// causes that fits it to the half second, and that segments follow one another.
    fn missing(&self, cam: &str, causes: &[&str]) -> Done<i64> {
        let (segments, gaps) = (self.segments(cam)?, self.gaps(cam)?);
        let mut sum = 0;
        for pair in segments.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            // A session that ends does not know how long its last picture stood, and the next one may begin sooner.
            let hole = b.t0.0 - a.t1.0;
            if b.s != a.s + 1 || b.t1 <= b.t0 || hole < -PICTURE_MS {
                return Err(Trouble(format!("{cam}: {b:?} does not follow {a:?}")));
            }
            if hole <= 500 {
                continue;
            }
            sum += hole;
            let fits = |g: &&Gap| {
                g.next == b.s && (g.t0.0 - a.t1.0).abs() <= 500 && (g.t1.0 - b.t0.0).abs() <= 500
            };
            match gaps.iter().find(fits) {
                Some(gap) if causes.contains(&gap.why.as_str()) => {}
                other => {
                    return Err(Trouble(format!(
                        "{cam}: {hole} ms are missing before {b:?}; wanted a gap line for one of {causes:?}, found {other:?} among {gaps:?}"
                    )));
                }
            }
        }
        Ok(sum)
    }

    /// Stops the box in order; both verifiers find its log and the hub's copy good.
    fn end(&mut self) -> Done<()> {
        self.town.stop()?;
        self.hub.stop()?;
        self.hub.intact("log", &self.town.log(), false)?;
        self.hub
            .intact("log", &self.hub.box_log(&self.town.name), false)
    }

    /// Every recorded picture between two times comes out of the hub as one of the camera's own, in the camera's order; returns
    /// how many there were, and how many were not the camera's (damaged, as after a lost packet).
    fn judge(&mut self, cam: &str, from: Utc, to: Utc, sources: &[&str]) -> Done<(usize, usize)> {
        let camera = format!("{}/{cam}", self.town.name);
        let pulled = self.hub.pull(&camera, &from.to_string(), &to.to_string())?;
        if pulled.package.as_os_str().is_empty() {
            return Err(Trouble(format!("{}{}", pulled.said.out, pulled.said.err)));
        }
        self.hub.intact("bundle", &pulled.package, false)?;
        let mut own = Vec::new();
        for source in sources {
            own.push(pictures::decoded(&places::footage(source)?)?);
        }
        let known: BTreeSet<&String> = own.iter().flatten().collect();
        let (mut all, mut strange) = (0, 0);
        for file in places::files_below(&pulled.package.join("master"), ".mp4") {
            let shown = pictures::decoded(&file)?;
            let bad = shown.iter().filter(|p| !known.contains(p)).count();
            if bad == 0
                && !own
                    .iter()
                    .any(|o| pictures::run_of(&[&o[..], &o[..]].concat(), &shown).is_some())
            {
                return Err(Trouble(format!(
                    "{}: the camera's pictures, but not in its order",
                    file.display()
                )));
            }
            all += shown.len();
            strange += bad;
        }
        Ok((all, strange))
    }
}

#[derive(Clone, Debug)]
struct Segment {
    s: u64,
    t0: Utc,
    t1: Utc,
    /// When its line was written.
    logged: Utc,
    lost: u64,
    offset_ms: Option<i64>,
}

impl Segment {
    fn read(line: &Value) -> Done<Self> {
        let data = &line["data"];
        Ok(Self {
            s: data["s"].as_u64().unwrap_or(0),
            t0: time(&data["t0"])?,
            t1: time(&data["t1"])?,
            logged: time(&line["t"])?,
            lost: data["lost"].as_u64().unwrap_or(0),
            offset_ms: data["offset_ms"].as_i64(),
        })
    }
}

#[derive(Clone, Debug)]
struct Gap {
    next: u64,
    t0: Utc,
    t1: Utc,
    why: String,
    packets: u64,
}

impl Gap {
    fn read(line: &Value) -> Done<Self> {
        let data = &line["data"];
        Ok(Self {
            next: data["next"].as_u64().unwrap_or(0),
            t0: time(&data["t0"])?,
            t1: time(&data["t1"])?,
            why: data["why"].as_str().unwrap_or("").to_owned(),
            packets: data["packets"].as_u64().unwrap_or(0),
        })
    }
}

fn at_most(what: &str, value: i64, limit: i64) -> Done<()> {
    println!("    {what}: {value} (at most {limit})");
    if value <= limit {
        Ok(())
    } else {
        Err(Trouble(format!(
            "{what}: {value}, at most {limit} are allowed"
        )))
    }
}

/// REC-1, REC-4, FLT-3: cameras that reboot, change resolution or codec, jump their RTP clock either way, send B pictures, lie about
/// their frame rate, stall, change their password, and come up after the box.
#[test]
fn cameras_that_change_under_way() -> Done<()> {
    let scene = Scene::new()
        .file("/d/reboot", SMALL, 12)
        .file("/d/resolution", SMALL, 12)
        .file("/d/codec", SMALL, 12)
        .file("/d/jump", SMALL, 12)
        .file("/d/bframes", "bframes-360p12.h264", 12)
        .odd("/d/lies", SMALL, 12, json!({"stamps": 25, "announced": 5}))
        .odd("/d/late", SMALL, 12, json!({"away": true}))
        .odd(
            "/d/password",
            SMALL,
            12,
            json!({"user": "beadle", "password": "first one"}),
        );
    // On a server of its own: one that waits for a stalled camera's first picture answers nobody else.
    let frozen = Cameras::start(Scene::new().file("/d/stall", SMALL, 12))?;
    let mut doors = Vec::new();
    let mut day = Day::begin("changing", scene, |cameras, mut plan| {
        for cam in ["reboot", "late", "password"] {
            let relay = if cam == "late" {
                Relay::closed(cameras.port)?
            } else {
                Relay::new(cameras.port)?
            };
            plan = plan.camera(cam, &relay.url(cameras.url(&format!("/d/{cam}"))));
            if cam == "password" {
                plan = plan.login("beadle", "first one");
            }
            doors.push(relay);
        }
        for cam in ["resolution", "codec", "jump", "bframes", "lies"] {
            plan = plan.camera(cam, cameras.url(&format!("/d/{cam}")));
        }
        Ok(plan.camera("stall", frozen.url("/d/stall")))
    })?;
    let [at_reboot, at_late, at_password] = &doors[..] else {
        return Err(Trouble::new("three doors"));
    };
    for cam in [
        "reboot",
        "password",
        "resolution",
        "codec",
        "jump",
        "bframes",
        "lies",
        "stall",
    ] {
        day.town.segments(cam, 1, 60)?;
    }
    let began = wait::now();
    let connected = at_reboot.connections().0;
    day.cameras.reboot("/d/reboot", 5.0)?;
    day.cameras
        .resolution("/d/resolution", &places::footage("small-480x270p12.h264")?)?;
    day.cameras
        .codec("/d/codec", &places::footage("small-360p12.h265")?)?;
    day.cameras.clock_jump("/d/jump", 20.0)?;
    frozen.stall("/d/stall")?;
    day.cameras.password("/d/password", "second one")?;

    // Comes up after the box: nothing at its address at first, then a server without the stream, then the stream.
    day.fault("late", "camera.unreachable", true, 30)?;
    at_late.open()?;
    day.cameras.appear("/d/late")?;
    day.resumed("late", began, 60)?;
    day.fault("late", "camera.unreachable", false, 10)?;

    // The clock jumps back by as much, and then further.
    day.cameras.clock_jump("/d/jump", -45.0)?;

    // A wrong password is a fault with what to do; the camera is asked once, and not again for a minute.
    day.fault("password", "camera.password", true, 30)?;
    let asked = at_password.connections().0;

    day.fault("stall", "camera.stalled", true, 30)?;
    let resumed = wait::now();
    frozen.resume("/d/stall")?;

    day.resumed("codec", began, 60)?;
    day.resumed("reboot", began, 60)?;
    day.resumed("stall", resumed, 60)?;
    at_most(
        "connections to a camera that refuses",
        at_password.connections().0 as i64 - asked as i64,
        0,
    )?;
    // The password is put right where the configuration says, and nothing else is done.
    day.town.password("password", "second one")?;
    let put_right = wait::now();
    day.resumed("password", put_right, 30)?;
    day.fault("password", "camera.password", false, 10)?;
    day.resumed("jump", wait::now(), 60)?;
    day.resumed("resolution", began, 60)?;

    // The camera that lies is dated by the clock before the second minute is over, and then stays so.
    let honest = wait::until("the lying camera is dated by the clock", 150, || {
        day.town.must_run()?;
        let segments = day.segments("lies")?;
        let late = |s: &Segment| s.logged.0 - s.t1.0;
        let told: Vec<i64> = segments.iter().map(late).collect();
        let good = segments.len() >= 3
            && segments[segments.len() - 3..].iter().all(|s| {
                (-500..=3_000).contains(&late(s)) && (5_000..=13_000).contains(&(s.t1.0 - s.t0.0))
            });
        Ok(if good {
            Look::Yes(segments)
        } else {
            Look::NotYet(format!("segments end {told:?} ms before their lines"))
        })
    })?;
    println!("    segments of the lying camera: {}", honest.len());

    // What was kept, and what is missing.
    at_most(
        "reboot: missing ms",
        day.missing("reboot", &["lost-session", "unreachable"])?,
        5_000 + 8_000,
    )?;
    at_most(
        "reboot: connections",
        at_reboot.connections().0 as i64 - connected as i64,
        6,
    )?;
    at_most("resolution: missing ms", day.missing("resolution", &[])?, 0)?;
    at_most(
        "codec: missing ms",
        day.missing("codec", &["lost-session"])?,
        RENEWED_MS + GROUP_MS,
    )?;
    at_most("jump: missing ms", day.missing("jump", &[])?, 0)?;
    at_most("B pictures: missing ms", day.missing("bframes", &[])?, 0)?;
    at_most(
        "password: missing ms",
        day.missing("password", &["password"])?,
        put_right.0 - began.0 + 10_000,
    )?;
    at_most(
        "stall: missing ms",
        day.missing("stall", &["stall"])?,
        resumed.0 - began.0 + 15_000,
    )?;
    for cam in ["resolution", "jump", "bframes", "lies"] {
        at_most(
            &format!("{cam}: sessions"),
            day.cameras.plays(&format!("/d/{cam}")) as i64,
            1,
        )?;
    }
    let sessions = day.town.lines_of("cam.session", Some("codec"));
    let codecs: Vec<&Value> = sessions.iter().map(|l| &l["data"]["codec"]).collect();
    assert_eq!(codecs, ["h264", "h265"], "the new codec is on the record");

    // The pictures themselves.
    for (cam, sources) in [
        ("bframes", vec!["bframes-360p12.h264"]),
        ("jump", vec![SMALL]),
        ("resolution", vec![SMALL, "small-480x270p12.h264"]),
        ("codec", vec![SMALL, "small-360p12.h265"]),
    ] {
        let segments = day.segments(cam)?;
        let (from, to) = (segments[0].t0, segments[segments.len() - 1].t1);
        let (all, strange) = day.judge(cam, from, to, &sources)?;
        println!("    {cam}: {all} pictures");
        let holes = day.missing(cam, &["lost-session"])?;
        let made = (to.0 - from.0 - holes) * 12 / 1000;
        assert!(
            strange == 0 && (made - all as i64).abs() <= 12,
            "{cam}: {all} pictures for {made}, {strange} strange"
        );
    }
    day.end()
}

/// FLT-3: one damaged packet of each kind costs at most the pictures until the next key frame, and 2 s if the session must be
/// renewed; packets lost on UDP are counted; a camera with room for one session comes back; the camera's clock is on the record.
#[test]
fn what_the_network_breaks() -> Done<()> {
    const HARMS: [(&str, Harm); 8] = [
        ("version", Harm::Version),
        ("number", Harm::Number),
        ("time", Harm::Time),
        ("source", Harm::Source),
        ("unit", Harm::Unit),
        ("garbage", Harm::Garbage),
        ("length", Harm::Length),
        ("single", Harm::Garbage),
    ];
    let mut scene = Scene::new().odd("/n/udp", SMALL, 12, json!({"udp": true}));
    for (cam, _) in HARMS {
        scene = scene.file(&format!("/n/{cam}"), SMALL, 12);
    }
    let ahead = Cameras::start_with(
        Scene::new().file("/n/clock", SMALL, 12),
        &town::clock("+7.3")?,
    )?;
    let mut relays = Vec::new();
    let mut day = Day::begin("broken", scene, |cameras, mut plan| {
        for cam in HARMS.map(|(cam, _)| cam).iter().chain(&["udp"]) {
            let relay = Relay::new(cameras.port)?;
            plan = plan.camera(cam, &relay.url(cameras.url(&format!("/n/{cam}"))));
            relays.push(relay);
        }
        Ok(plan.udp().camera("clock", ahead.url("/n/clock")))
    })?;
    let udp = &relays[HARMS.len()];
    relays[7].single(Duration::from_millis(600));
    for cam in HARMS.map(|(cam, _)| cam).iter().chain(&["udp", "clock"]) {
        day.town.segments(cam, 1, 60)?;
    }
    let began = wait::now();
    for ((_, harm), relay) in HARMS.iter().zip(&relays) {
        relay.harm(*harm);
    }
    udp.lose(50);
    wait::until("every harm is done", 10, || {
        Ok(relays.iter().take(HARMS.len()).all(|r| r.harmed() == 1))
    })?;
    let harmed = wait::now();
    wait::until("40 datagrams are lost", 60, || {
        let (lost, passed) = udp.datagrams();
        Ok(if lost >= 40 {
            Look::Yes(())
        } else {
            Look::NotYet(format!("{lost} of {}", lost + passed))
        })
    })?;
    udp.lose(0);
    let whole = wait::now();
    for (cam, _) in HARMS {
        day.resumed(cam, harmed, 60)?;
    }
    day.resumed("udp", whole, 60)?;
    let mut costs = Vec::new();
    for (i, (cam, harm)) in HARMS.iter().enumerate() {
        let missing = day.missing(cam, &["damaged", "lost-session", "loss", "jump"])?;
        let gaps = day.gaps(cam)?;
        let inside: u64 = day.segments(cam)?.iter().map(|s| s.lost).sum();
        let packets = inside + gaps.iter().map(|g| g.packets).sum::<u64>();
        let plays = day.cameras.plays(&format!("/n/{cam}"));
        costs.push(format!(
            "{harm:?} ({cam}): {missing} ms missing, {packets} packets, {plays} sessions"
        ));
        println!(
            "    {}; connections, refused: {:?}; {gaps:?}",
            costs[i],
            relays[i].connections()
        );
        if plays == 1 {
            // Packets of one picture, whatever became of them.
            at_most("missing ms without a new session", missing, GROUP_MS)?;
            assert!(
                *harm == Harm::Time || packets >= 1,
                "{cam}: the loss is on the record: {gaps:?}"
            );
        } else {
            at_most(
                "missing ms with a new session",
                missing,
                RENEWED_MS + GROUP_MS,
            )?;
            // As for every hole: up to half a second needs no line of its own.
            assert!(
                missing == 0
                    || gaps
                        .iter()
                        .any(|g| g.why == "damaged" && g.t0 < harmed && g.t1 > began),
                "{cam}: {gaps:?}"
            );
        }
        at_most("sessions", plays as i64, 2)?;
        at_most("connections", relays[i].connections().0 as i64, 5)?;
    }
    assert!(
        relays[7].connections().1 >= 1,
        "the single camera did refuse a session"
    );

    // UDP: what is lost is on the record, in one session. retina forgets a loss at the start of a picture that has another loss
    // inside it, so at this rate the lines say a few packets too few, and never too many.
    let (lost, _) = udp.datagrams();
    let gaps = day.gaps("udp")?;
    let said: u64 = day.segments("udp")?.iter().map(|s| s.lost).sum();
    println!("    UDP: {lost} lost, {said} in segments; {gaps:?}");
    // Pictures went on: there is no stretch without footage.
    assert!(gaps.is_empty(), "{gaps:?}");
    assert!(said <= lost && said * 10 >= lost * 7, "{said} of {lost}");
    assert_eq!(
        (day.missing("udp", &[])?, day.cameras.plays("/n/udp")),
        (0, 1)
    );

    // A camera whose clock is 7.3 s ahead.
    let offsets: Vec<Option<i64>> = day.segments("clock")?.iter().map(|s| s.offset_ms).collect();
    println!("    camera clock, ms: {offsets:?}");
    assert!(offsets.iter().flatten().count() >= 1, "{offsets:?}");
    assert!(
        offsets
            .iter()
            .flatten()
            .all(|o| (6_800..=7_800).contains(o)),
        "{offsets:?}"
    );
    let true_one = day.segments("unit")?;
    assert!(
        true_one
            .iter()
            .filter_map(|s| s.offset_ms)
            .all(|o| o.abs() <= 500),
        "{true_one:?}"
    );

    // What was good is kept: before the harm every picture is the camera's own, and after it too, from the next key frame on.
    for (cam, limit) in [("unit", 24), ("version", 24), ("garbage", 0), ("time", 24)] {
        let segments = day.segments(cam)?;
        let (from, to) = (segments[0].t0, segments[segments.len() - 1].t1);
        let (all, strange) = day.judge(cam, from, to, &[SMALL])?;
        println!("    {cam}: {all} pictures, {strange} of them harmed");
        at_most("pictures harmed", strange as i64, limit)?;
    }
    day.end()
}

/// REC-1, FLT-3: cameras that flood (200 Mbit/s; a picture without end) are cut off with a fault; memory stays bounded, the other
/// cameras lose nothing, and each records again by itself when it behaves.
#[test]
fn floods_are_cut_off() -> Done<()> {
    const ALLOWED_MIB: f64 = 96.0;
    let scene = Scene::new()
        .street("/f/rate")
        .file("/f/endless", SMALL, 12)
        .file("/f/quiet", SMALL, 12)
        .street_low("/f/other");
    let mut door = None;
    let mut day = Day::begin("floods", scene, |cameras, plan| {
        let relay = door.insert(Relay::new(cameras.port)?);
        Ok(plan
            .camera("rate", cameras.url("/f/rate"))
            .camera("endless", &relay.url(cameras.url("/f/endless")))
            .camera("quiet", cameras.url("/f/quiet"))
            .camera("other", cameras.url("/f/other")))
    })?;
    let Some(endless) = &door else {
        return Err(Trouble::new("no relay"));
    };
    for cam in ["rate", "endless", "quiet", "other"] {
        day.town.segments(cam, 1, 60)?;
    }
    let pid = day.town.recorder.as_ref().map_or(0, |p| p.pid());
    let before = measure::cost(pid)?.rss_mib;
    let began = wait::now();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0f64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                most = most.max(measure::cost(pid).map_or(0.0, |c| c.rss_mib));
                std::thread::sleep(Duration::from_millis(20));
            }
            most
        });
        let flooded = (|| {
            endless.harm(Harm::Endless);
            day.cameras.flood("/f/rate", 50)?;
            day.fault("endless", "camera.flood", true, 30)?;
            day.fault("rate", "camera.flood", true, 30)?;
            // Twice cut off, so that it is seen to come back and to be cut off again.
            let from = Instant::now();
            wait::until("the flooding camera is tried again", 60, || {
                Ok(day.cameras.plays("/f/rate") >= 3)
            })?;
            println!("    second try after {:.1} s", from.elapsed().as_secs_f32());
            day.cameras.flood("/f/rate", 1)
        })();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        flooded.and_then(|()| watch.join().map_err(|_| Trouble::new("the watch failed")))
    })?;
    println!("    memory: {before:.0} MiB before, at most {most:.0} MiB");
    assert!(
        most - before <= ALLOWED_MIB,
        "{before:.0} MiB grew to {most:.0} MiB"
    );
    let calm = wait::now();
    for cam in ["rate", "endless", "quiet", "other"] {
        day.resumed(cam, calm, 90)?;
    }
    for cam in ["rate", "endless"] {
        day.fault(cam, "camera.flood", false, 30)?;
        let missing = day.missing(cam, &["flood", "shed"])?;
        println!(
            "    {cam}: {missing} ms missing, {} sessions",
            day.cameras.plays(&format!("/f/{cam}"))
        );
        let gaps = day.gaps(cam)?;
        assert!(
            gaps.iter().any(|g| g.why == "flood" && g.t1 > began),
            "{gaps:?}"
        );
    }
    at_most(
        "sessions of the flooding camera",
        day.cameras.plays("/f/rate") as i64,
        8,
    )?;
    for cam in ["quiet", "other"] {
        assert_eq!(day.missing(cam, &[])?, 0);
        assert!(day.gaps(cam)?.is_empty(), "{:?}", day.gaps(cam)?);
        assert!(day.segments(cam)?.iter().all(|s| s.lost == 0), "{cam}");
    }
    let quiet = day.segments("quiet")?;
    let (from, to) = (quiet[0].t0, quiet[quiet.len() - 1].t1);
    let (all, strange) = day.judge("quiet", from, to, &[SMALL])?;
    assert!(
        strange == 0 && (all as i64 - (to.0 - from.0) * 12 / 1000).abs() <= 2,
        "{all} pictures, {strange} strange"
    );
    day.end()
}
