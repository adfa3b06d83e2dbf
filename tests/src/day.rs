//! Task. A day of made-up footage on a box's disk, sealed, on its log and in its index, as if it had been recorded: what a pull of a day prepares.
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::Arc,
    time::Duration,
};

use logbook::{LogFolder, LogHandle, Settings, SystemClock};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use shared::{
    id::CameraId,
    record::hex,
    segment::SegmentName,
    time::{Day, Utc, Zone},
    types::SegWrite,
    wire::{self, Frame},
};

use crate::{Done, Told, Trouble, args, fleet, town::Town, wait};

const MINUTE: i64 = 60_000;
const MINUTES: u64 = 24 * 60;

/// Yesterday, in UTC, from midnight to midnight.
pub fn yesterday() -> (Utc, Utc) {
    let now = wait::now();
    let midnight = Utc(now.0 - now.0.rem_euclid(86_400_000));
    (midnight.plus_ms(-86_400_000), midnight)
}

#[derive(Deserialize)]
struct Recipients {
    recipients: BTreeMap<String, String>,
}

/// The recipient that the reader makes for a camera-day. The reader runs.
fn recipient(town: &Town, cam: &str, day: Day) -> Done<String> {
    let asked = serde_json::json!({"is": "recipients", "cams": [cam], "from": day, "days": 1});
    let socket = town.state.join("run/reader/reader.sock");
    let mut stream = UnixStream::connect(&socket).told(socket.display())?;
    stream
        .write_all(&wire::encode_json(&asked).told("a question")?)
        .told("the reader")?;
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).told("the reader")?;
    let mut body = vec![0; wire::frame_len(prefix).told("the reader's answer")?];
    stream.read_exact(&mut body).told("the reader's answer")?;
    let frame = Frame::from_bytes(body).told("the reader's answer")?;
    let said: Recipients = frame.json().told("the reader's answer")?;
    let key = format!("{cam}/{day}");
    let found = said.recipients.get(&key).cloned();
    found.ok_or_else(|| Trouble(format!("no recipient of {key}")))
}

/// Gives a camera of a town's configuration, which has recorded nothing, yesterday's 1,440 minutes. The town runs, and runs again afterwards.
pub fn fill(town: &mut Town, cam: &str) -> Done<()> {
    let camera = CameraId::parse(cam).told("a camera")?;
    let (from, _) = yesterday();
    let day = Zone::utc().day_of(from);
    let to = recipient(town, cam, day)?;
    town.stop()?;
    let folder = LogFolder::new(&town.log());
    let head = folder.head("head.note").told("the log's head")?;
    let origin = head.map(|h| h.head.origin).unwrap_or_default();
    let (base, _) = origin
        .rsplit_once('/')
        .ok_or_else(|| Trouble::new("the box's log has no head"))?;
    let settings = Settings {
        base: base.into(),
        site: "A day".into(),
        hw: "test".into(),
        sw: "test".into(),
        key_life: Duration::from_secs(3600),
        acks: true,
        resume: true,
    };
    let recorder = town.state.join("recorder");
    let (log, _) =
        LogHandle::open(&recorder, settings, Arc::new(SystemClock)).told("the box's log")?;
    let place = town.volume.join(SegmentName::folder(day, &camera));
    fs::create_dir_all(&place).told(place.display())?;
    for s in 1..=MINUTES {
        let t0 = from.plus_ms(i64::try_from(s - 1).told("a minute")? * MINUTE);
        let name = SegmentName {
            day,
            cam: camera.clone(),
            start: t0,
            s,
        };
        let file = town.volume.join(name.closed_path());
        let plain = fleet::footage::segment(1, s, t0, t0.plus_ms(MINUTE))?;
        let sealed = footage::sealed::seal(&to, &plain).told("a segment")?;
        fs::write(&file, &sealed).told(file.display())?;
        let line = SegWrite {
            cam: camera.clone(),
            s,
            t0,
            t1: t0.plus_ms(MINUTE),
            size: plain.len() as u64,
            sha256: hex(digest(&SHA256, &plain).as_ref()),
            mask: None,
            how: "none".into(),
            proofs: 0,
            lost: 0,
            day: None,
            shed: 0,
            short_t0: None,
            short_t1: None,
            stamps: None,
            off_ms: None,
            key: format!("{cam}/{day}"),
            offset_ms: None,
            rate: None,
        };
        log.append_soon("sys:rec", &line).told("a line")?;
    }
    log.close("filled").told("the box's log")?;
    town.command(args!["index", "rebuild"])?
        .well("beadle-edge index rebuild")?;
    town.start()
}
