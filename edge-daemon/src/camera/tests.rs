//! Wiring. From a camera on the wire to lines in the log, with a camera that does as it is told.
use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use logbook::{LogHandle, SystemClock};
use shared::{
    id::{BoxName, CameraId},
    record::{Record, Value, hex, sha256},
    segment::SegmentName,
    time::{Clock, Utc, Zone},
};

use super::{Cameras, Deps};
use crate::{
    clock::{Kernel, Trust},
    config::{Camera, Config, Mask, Secret, Transport},
    health::Faults,
    reader::Recipients,
    state::State,
    store::{Volumes, volume},
    testing::{lines, open_log},
};

const PATIENCE: Duration = Duration::from_secs(60);
const FPS: u64 = 25;
const GOP: u64 = 25;
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04,
    0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x58, 0xba, 0x80,
];
const PPS: &[u8] = &[0x68, 0xce, 0x0f, 0xc8];
/// What an unmasked picture is made of.
const RAW: u8 = 0x75;

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An RTSP camera: real time stamps, real pace, pictures that nothing can decode.
struct FakeCamera {
    port: u16,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    /// Break the connection off.
    hang_up: AtomicU32,
    /// Lose so many packets.
    lose: AtomicU32,
    /// Harm the next packet: 1 its NAL unit, 2 its RTP header, 3 rubbish before it, 4 a picture that never ends.
    harm: AtomicU32,
    connections: AtomicU32,
    playing: AtomicU32,
    password: bool,
}

impl FakeCamera {
    fn start(password: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("port");
        let port = listener.local_addr().expect("address").port();
        let orders = Arc::new(Orders {
            password,
            ..Orders::default()
        });
        let theirs = orders.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let orders = theirs.clone();
                orders.connections.fetch_add(1, SeqCst);
                std::thread::spawn(move || drop(serve(stream, port, &orders)));
            }
        });
        Self { port, orders }
    }
    fn url(&self) -> url::Url {
        format!("rtsp://127.0.0.1:{}/stream", self.port)
            .parse()
            .expect("url")
    }
}

fn serve(stream: TcpStream, port: u16, orders: &Orders) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        let Some(Ok(request)) = lines.next() else {
            return Ok(());
        };
        let mut headers: HashMap<String, String> = HashMap::new();
        while let Some(Ok(line)) = lines.next() {
            let Some((k, v)) = line.split_once(':') else {
                break;
            };
            headers.insert(k.to_ascii_lowercase(), v.trim().to_owned());
        }
        let cseq = headers.get("cseq").cloned().unwrap_or_default();
        let method = request.split(' ').next().unwrap_or_default();
        let mut answer = |head: &str, body: &str| {
            write!(
                out,
                "RTSP/1.0 {head}\r\nCSeq: {cseq}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        if orders.password {
            answer(
                "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"abc\"",
                "",
            )?;
            continue;
        }
        match method {
            "DESCRIBE" => {
                let sdp = format!(
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\n\
                     a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42c01e;sprop-parameter-sets=Z0LAHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aM4PyA==\r\n\
                     a=control:rtsp://127.0.0.1:{port}/stream/0\r\n"
                );
                answer("200 OK\r\nContent-Type: application/sdp", &sdp)?;
            }
            "SETUP" => answer(
                "200 OK\r\nSession: 7;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=0000abcd",
                "",
            )?,
            "PLAY" => {
                answer(
                    "200 OK\r\nSession: 7\r\nRTP-Info: url=rtsp://127.0.0.1/stream/0;seq=100;rtptime=5000",
                    "",
                )?;
                orders.playing.fetch_add(1, SeqCst);
                return stream_pictures(out, orders);
            }
            _ => answer("200 OK\r\nPublic: DESCRIBE, SETUP, PLAY, OPTIONS", "")?,
        }
    }
}

fn stream_pictures(mut out: TcpStream, orders: &Orders) -> std::io::Result<()> {
    let began = Instant::now();
    let mut seq = 100u16;
    for n in 0u64.. {
        std::thread::sleep(
            (began + Duration::from_millis(n * 1000 / FPS))
                .saturating_duration_since(Instant::now()),
        );
        if orders.hang_up.load(SeqCst) > 0 {
            orders.hang_up.fetch_sub(1, SeqCst);
            return Ok(());
        }
        let lost = orders.lose.swap(0, SeqCst);
        seq = seq.wrapping_add(lost as u16);
        match orders.harm.swap(0, SeqCst) {
            0 => {}
            3 => out.write_all(&[0x99; 300])?,
            4 => {
                for fragment in 0u64.. {
                    let mut packet = vec![0x80, 96];
                    packet.extend(seq.to_be_bytes());
                    packet.extend((5000 + n as u32 * 3600).to_be_bytes());
                    packet.extend(0xabcdu32.to_be_bytes());
                    packet.extend([0x7c, if fragment == 0 { 0x85 } else { 0x05 }]);
                    packet.resize(60_000, RAW);
                    out.write_all(&[b'$', 0])?;
                    out.write_all(&(packet.len() as u16).to_be_bytes())?;
                    out.write_all(&packet)?;
                    seq = seq.wrapping_add(1);
                }
            }
            kind => {
                let version = if kind == 2 { 0 } else { 0x80 };
                out.write_all(&[b'$', 0, 0, 14, version, 96])?;
                out.write_all(&seq.to_be_bytes())?;
                out.write_all(&(5000 + n as u32 * 3600).to_be_bytes())?;
                out.write_all(&[0, 0, 0xab, 0xcd, 0xff, 0])?;
                seq = seq.wrapping_add(1);
            }
        }
        let key = n % GOP == 0;
        let mut picture = vec![if key { 0x65 } else { 0x41 }];
        picture.resize(if key { 12_000 } else { 3_000 }, RAW);
        let nals: Vec<&[u8]> = if key {
            vec![SPS, PPS, &picture]
        } else {
            vec![&picture]
        };
        for (i, nal) in nals.iter().enumerate() {
            let mark = if i + 1 == nals.len() { 0x80 } else { 0 };
            let mut packet = vec![0x80, 96 | mark];
            packet.extend(seq.to_be_bytes());
            packet.extend((5000 + n as u32 * 3600).to_be_bytes());
            packet.extend(0xabcdu32.to_be_bytes());
            packet.extend(*nal);
            out.write_all(&[b'$', 0])?;
            out.write_all(&(packet.len() as u16).to_be_bytes())?;
            out.write_all(&packet)?;
            seq = seq.wrapping_add(1);
        }
    }
    Ok(())
}

struct World {
    home: tempfile::TempDir,
    volume: PathBuf,
    spare: PathBuf,
    log: LogHandle,
    faults: Faults,
    recipients: Recipients,
    volumes: Volumes,
    identity: String,
    boot: u64,
}

fn cam() -> CameraId {
    CameraId::parse("c01").expect("id")
}

fn synced() -> Kernel {
    Kernel {
        synced: true,
        offset_us: 0,
        err_us: 1000,
    }
}

fn world() -> World {
    world_with(1)
}

fn world_with(count: usize) -> World {
    let home = tempfile::tempdir().expect("dir");
    let state = State::new(home.path());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (log, opened) = open_log(state.root(), clock.clone());
    let name = BoxName::parse("ashby").expect("name");
    let key = crate::identity::BoxKey::open_or_make(&state.identity()).expect("key");
    let volume = home.path().join("volume");
    let spare = home.path().join("spare");
    let paths = &[volume.clone(), spare.clone()][..count];
    for path in paths {
        volume::label(path, &name, Utc(0), true, |b| key.sign(b)).expect("label");
    }
    let (volumes, problems) = Volumes::open(paths, &name, key.public());
    assert!(problems.is_empty(), "{problems:?}");
    let (identity, recipient) = footage::sealed::keypair();
    let today = Zone::utc().day_of(clock.now().wall);
    let days: BTreeMap<String, String> = (-1..=1)
        .map(|d| {
            (
                format!("{}/{}", cam(), today.plus_days(d)),
                recipient.clone(),
            )
        })
        .collect();
    std::fs::create_dir_all(state.keys()).expect("keys");
    let recipients = Recipients::load(&state.keys());
    recipients.replace(days).expect("recipients");
    let faults = Faults::new(log.clone(), clock);
    World {
        volume,
        spare,
        log,
        faults,
        recipients,
        volumes,
        identity: identity.to_string(),
        boot: opened.boot,
        home,
    }
}

impl World {
    fn config(&self, camera: &FakeCamera) -> Config {
        Config {
            scheme: "cctv.example.gov.uk".into(),
            name: BoxName::parse("ashby").expect("name"),
            site: "Ashby".into(),
            zone: Zone::utc(),
            zone_name: "UTC".into(),
            state: self.home.path().to_owned(),
            retention_days: 28,
            volumes: vec![self.volume.clone()],
            cameras: vec![Camera {
                id: cam(),
                title: "High Street".into(),
                url: camera.url(),
                username: Some("viewer".into()),
                password: Some(Secret::new("correct horse".into())),
                password_from: None,
                transport: Transport::Tcp,
                retention_days: 28,
                mask: None,
                timelapse: None,
                sound: None,
            }],
            pictures: "/nonexistent/beadle-pictures".into(),
            segment_secs: 2,
            digest: [0; 32],
        }
    }

    fn start(&self, config: Config, last: Option<(u64, Utc)>) -> Cameras {
        Cameras::start(Deps {
            config: Arc::new(config),
            clock: Arc::new(SystemClock),
            log: self.log.clone(),
            boot: self.boot,
            recipients: self.recipients.clone(),
            volumes: self.volumes.clone(),
            faults: self.faults.clone(),
            trust: Trust::with_kernel(synced),
            last: last.map(|l| (cam(), l)).into_iter().collect(),
        })
    }

    fn lines(&self, kind: &str) -> Vec<Line> {
        lines(&self.log)
            .into_iter()
            .filter(|r| kind.split('|').any(|k| k == r.kind))
            .map(Line)
            .collect()
    }

    fn wait_segments(&self, count: usize) -> Vec<Line> {
        wait("segments in the log", || {
            Some(self.lines("seg.write")).filter(|l| l.len() >= count)
        })
    }

    /// The plain file of a `seg.write` line, checked against it.
    fn plain(&self, line: &Line) -> Vec<u8> {
        let name = SegmentName {
            day: Zone::utc().day_of(line.time("t0")),
            cam: cam(),
            start: line.time("t0"),
            s: line.int("s"),
        };
        let file = [&self.volume, &self.spare]
            .map(|v| v.join(name.closed_path()))
            .into_iter()
            .find(|f| f.exists());
        let sealed = std::fs::read(file.expect("the file a line names is there")).expect("reads");
        let mut opener = footage::sealed::Opener::new(std::slice::from_ref(&self.identity));
        let mut plain = Vec::new();
        opener.push(&sealed, &mut plain).expect("opens");
        opener.finish(&mut plain).expect("whole");
        assert_eq!(
            (plain.len() as u64, hex(&sha256(&plain))),
            (line.int("size"), line.text("sha256")),
            "SEGMENT-NOT-AS-LOGGED"
        );
        plain
    }

    fn files(&self) -> Vec<String> {
        fn walk(dir: &Path, into: &mut Vec<String>) {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    walk(&entry.path(), into)
                } else {
                    into.push(entry.file_name().to_string_lossy().into_owned())
                }
            }
        }
        let mut all = Vec::new();
        walk(&self.volume.join("footage"), &mut all);
        all.sort();
        all
    }

    /// No verifier may find damage in what was written.
    fn verify(&self) {
        let mut checker = shared::check::Checker::new(None);
        let mut findings = Vec::new();
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.log.folder())
            .expect("log")
            .flatten()
            .map(|f| f.path())
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .collect();
        files.sort();
        for line in files.iter().flat_map(|f| {
            std::fs::read(f)
                .expect("log file")
                .split_inclusive(|b| *b == b'\n')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        }) {
            checker.line(&line, &mut findings);
        }
        findings.retain(|f| !shared::check::is_note(f.code));
        assert!(findings.is_empty(), "{findings:?}");
    }
}

#[derive(Debug)]
struct Line(Record);
impl Line {
    fn int(&self, key: &str) -> u64 {
        self.0
            .data
            .get(key)
            .and_then(Value::as_int)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or_else(|| panic!("{key} in {self:?}"))
    }
    fn text(&self, key: &str) -> String {
        self.0
            .data
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{key} in {self:?}"))
            .to_owned()
    }
    fn time(&self, key: &str) -> Utc {
        Utc::parse(&self.text(key)).expect("time")
    }
}

/// REC-1, REC-2, REC-4, AUD-2: a camera's own pictures land on disk, sealed, contiguous, numbered, hashed and logged.
#[test]
fn a_camera_is_recorded() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(2);
    let status = &cameras.status()[0].1;
    assert!(
        status.connected && status.recording && status.frames >= 100,
        "{status:?}"
    );
    assert!(
        cameras.close_open(&cam(), PATIENCE),
        "a pull closes the open segment"
    );
    let asked = world.lines("seg.write").len();
    assert!(asked >= 3, "its line is in the log: {asked}");
    wait("the next segment", || {
        (cameras.status()[0].1.frames > status.frames + 60).then_some(())
    });
    cameras.stop();
    let lines = world.lines("seg.write");
    assert!(
        lines.len() > asked,
        "stopping closes and logs the open segment"
    );
    assert!(
        world.files().iter().all(|f| f.ends_with(".mp4.age")),
        "{:?}",
        world.files()
    );
    assert_eq!(world.files().len(), lines.len());
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line.int("s"), i as u64 + 1);
        assert_eq!((line.text("how"), line.int("lost")), ("none".into(), 0));
        let parsed = footage::mp4::parse(&world.plain(line)).expect("plays");
        assert!(parsed.samples[0].key && parsed.samples.iter().all(|s| s.duration == 3600));
        assert_eq!(parsed.samples[0].wall, line.time("t0"));
        if let Some(next) = lines.get(i + 1) {
            assert_eq!(line.time("t1"), next.time("t0"), "exactly contiguous");
            assert_eq!(parsed.samples.len() as u64 % GOP, 0);
        }
    }
    let now = SystemClock.now().wall;
    assert!(
        (now.0 - lines[lines.len() - 1].time("t1").0).abs() < 5_000,
        "by the box's clock"
    );
    let session = &world.lines("cam.session")[0];
    assert_eq!(
        (
            session.text("codec"),
            session.int("w"),
            session.int("h"),
            session.int("fps_milli")
        ),
        ("h264".into(), 640, 360, 25_000)
    );
    assert!(world.lines("seg.gap").is_empty());
    world.verify();
}

/// FLT-3, AUD-2: a session that breaks is begun again at once, and what is missing is on the record; so are lost packets.
#[test]
fn a_broken_session_and_lost_packets_are_gaps_on_the_record() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        world.config(&camera),
        Some((41, Utc(SystemClock.now().wall.0 - 3_600_000))),
    );
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    camera.orders.lose.store(5, SeqCst);
    world.wait_segments(2);
    // Long enough out of sight to be a gap: the fourth connection is the first that plays again.
    camera.orders.hang_up.store(1, SeqCst);
    wait("a second session", || {
        (camera.orders.playing.load(SeqCst) >= 2).then_some(())
    });
    camera.orders.hang_up.store(1, SeqCst);
    wait("a third session", || {
        (camera.orders.playing.load(SeqCst) >= 3).then_some(())
    });
    wait("frames", || {
        (cameras.status()[0].1.recording && world.lines("cam.session").len() >= 2).then_some(())
    });
    cameras.stop();
    let lines = world.lines("seg.write");
    assert_eq!(lines[0].int("s"), 42, "numbers go on from the log");
    let lost: u64 = lines.iter().map(|l| l.int("lost")).sum();
    assert_eq!(lost, 5);
    let gaps = world.lines("seg.gap");
    assert_eq!(gaps[0].text("why"), "start");
    let loss = gaps
        .iter()
        .find(|g| g.text("why") == "loss")
        .expect("the loss is said");
    assert_eq!(loss.int("packets"), 5);
    assert!(
        lines
            .iter()
            .any(|l| l.int("s") == loss.int("next") && l.int("lost") == 5)
    );
    assert!(
        gaps.iter().any(|g| g.text("why") == "lost-session"),
        "{gaps:?}"
    );
    world.verify();
}

/// FLT-3: packets that cannot be used cost no session; each is on the record as lost.
#[test]
fn a_damaged_packet_is_a_lost_packet() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    for (harm, segments) in [(1, 1), (2, 2)] {
        world.wait_segments(segments);
        camera.orders.harm.store(harm, SeqCst);
    }
    world.wait_segments(4);
    cameras.stop();
    assert_eq!(camera.orders.playing.load(SeqCst), 1, "one session");
    let lines = world.lines("seg.write");
    assert!(
        lines.windows(2).all(|w| w[0].time("t1") == w[1].time("t0")),
        "no picture is missing"
    );
    let packets: u64 = world
        .lines("seg.gap")
        .iter()
        .map(|g| g.int("packets"))
        .sum();
    assert_eq!(packets, 2, "{:?}", world.lines("seg.gap"));
    world.verify();
}

/// FLT-3: when a connection makes no sense any more it is begun again at once, and the gap says why.
#[test]
fn rubbish_in_the_stream_begins_the_session_anew() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    camera.orders.harm.store(3, SeqCst);
    wait("a second session", || {
        (camera.orders.playing.load(SeqCst) >= 2).then_some(())
    });
    let so_far = world.lines("seg.write").len();
    world.wait_segments(so_far + 2);
    cameras.stop();
    assert_eq!(camera.orders.connections.load(SeqCst), 2);
    let gaps = world.lines("seg.gap");
    // At this camera a session begins with a key frame, so the gap may be too short for a line.
    assert!(gaps.iter().all(|g| g.text("why") == "damaged"), "{gaps:?}");
    assert!(
        world.faults.list().is_empty(),
        "a session that comes straight back is no fault"
    );
    world.verify();
}

/// FLT-3: a picture that never ends is cut off before it fills the memory; the camera is a fault, and is tried again.
#[test]
fn an_endless_picture_is_cut_off() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(world.config(&camera), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(1);
    camera.orders.harm.store(4, SeqCst);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "camera.flood")
    });
    assert!(fault.detail.contains("8 MiB"), "{}", fault.detail);
    // Its line comes with the segment that follows, some seconds later.
    wait("the gap on the record", || {
        let gaps = world.lines("seg.gap");
        gaps.iter().any(|g| g.text("why") == "flood").then_some(())
    });
    cameras.stop();
    world.verify();
}

/// FLT-1: a refused password is a fault at once, and the camera is not hammered.
#[test]
fn a_refused_password_is_a_fault() {
    let (world, camera) = (world(), FakeCamera::start(true));
    let cameras = world.start(world.config(&camera), None);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "camera.password")
    });
    assert_eq!(fault.cam, Some(cam()));
    assert!(!fault.detail.contains("correct horse"), "{}", fault.detail);
    assert_eq!(camera.orders.connections.load(SeqCst), 1);
    cameras.stop();
    assert!(world.files().is_empty());
}

/// Lines wait until torn segments are dealt with, and files get the number their line carries.
#[test]
fn numbers_wait_for_recovery() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let now = SystemClock.now().wall;
    let torn = SegmentName {
        day: Zone::utc().day_of(now),
        cam: cam(),
        start: Utc(now.seconds() * 1000 - 60_000),
        s: 7,
    };
    let path = world.volume.join(torn.open_path());
    std::fs::create_dir_all(path.parent().expect("folder")).expect("dir");
    std::fs::write(&path, b"torn").expect("write");
    let cameras = world.start(world.config(&camera), Some((5, Utc(now.0 - 120_000))));
    wait("a closed file", || {
        world
            .files()
            .iter()
            .any(|f| f.ends_with("-8.mp4.age"))
            .then_some(())
    });
    assert!(world.lines("seg.write").is_empty());
    assert!(!cameras.close_open(&cam(), Duration::from_millis(100)));
    // Recovery found nothing worth keeping: the log still ends with 5.
    std::fs::remove_file(&path).expect("set aside");
    cameras.recovered(&cam(), Some((5, Utc(now.0 - 120_000))));
    let lines = world.wait_segments(1);
    cameras.stop();
    assert_eq!(lines[0].int("s"), 6);
    for line in world.lines("seg.write") {
        world.plain(&line);
    }
    assert_eq!(world.files().len(), world.lines("seg.write").len());
    world.verify();
}

/// A disk that fails takes only its open segment with it: the next one goes to another volume, and the gap is on the record.
#[test]
fn a_failed_disk_is_left_for_another() {
    let (world, camera) = (world_with(2), FakeCamera::start(false));
    let mut config = world.config(&camera);
    config.volumes.push(world.spare.clone());
    let cameras = world.start(config, None);
    cameras.recovered(&cam(), None);
    let first = world.wait_segments(1).remove(0);
    let name = SegmentName {
        day: Zone::utc().day_of(first.time("t0")),
        cam: cam(),
        start: first.time("t0"),
        s: 1,
    };
    let (bad, good) = if world.volume.join(name.closed_path()).exists() {
        (&world.volume, &world.spare)
    } else {
        (&world.spare, &world.volume)
    };
    std::fs::rename(bad.join("footage"), bad.join("gone")).expect("rename");
    std::fs::write(bad.join("footage"), b"a file where a folder should be").expect("write");
    wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "disk.failed")
    });
    let lines = wait("a segment on the other volume", || {
        let lines = world.lines("seg.write");
        let found = lines.iter().any(|l| {
            let t0 = l.time("t0");
            good.join(
                SegmentName {
                    day: Zone::utc().day_of(t0),
                    cam: cam(),
                    start: t0,
                    s: l.int("s"),
                }
                .closed_path(),
            )
            .exists()
        });
        found.then_some(lines)
    });
    cameras.stop();
    assert!(lines.windows(2).all(|w| w[0].int("s") + 1 == w[1].int("s")));
    assert!(
        world
            .lines("seg.gap")
            .iter()
            .any(|g| g.text("why") == "disk"),
        "{:?}",
        world.lines("seg.gap")
    );
    world.verify();
}

/// A worker that "masks" by writing other bytes, and fails when told to.
fn fake_worker(dir: &Path, fail_after: u32) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("beadle-pictures");
    let script = format!(
        r#"#!/usr/bin/python3
import sys, json, struct
i, o = sys.stdin.buffer, sys.stdout.buffer
def send(kind, body):
    o.write(struct.pack(">I", len(body) + 1) + kind + body); o.flush()
n = 0
while True:
    head = i.read(4)
    if len(head) < 4: break
    m = i.read(struct.unpack(">I", head)[0])
    kind, body = m[:1], m[1:]
    if kind == b"C":
        c = json.loads(body)
        assert c["v"] == 1 and c["polygons"] == [[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75]]]
        send(b"P", json.dumps({{k: c[k] for k in ("config", "codec", "width", "height")}}).encode())
    elif kind == b"F":
        n += 1
        if n == {fail_after}:
            send(b"X", b'{{"why":"told to"}}'); sys.exit(1)
        send(b"F", body[:9] + body[9:14] + b"m" * (len(body) - 14))
    elif kind == b"E":
        send(b"D", b""); break
"#
    );
    std::fs::write(&path, script).expect("script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    path
}

fn masked(world: &World, camera: &FakeCamera, worker: PathBuf) -> Config {
    let mut config = world.config(camera);
    config.cameras[0].mask = Some(Mask {
        id: "m7".into(),
        polygons: vec![vec![(0.25, 0.25), (0.75, 0.25), (0.75, 0.75)]],
        review: None,
    });
    config.pictures = worker;
    config
}

/// MSK-1: of a masked camera only what came back from the picture worker is recorded.
#[test]
fn only_masked_pictures_reach_the_disk() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        masked(&world, &camera, fake_worker(world.home.path(), 0)),
        None,
    );
    cameras.recovered(&cam(), None);
    world.wait_segments(2);
    cameras.stop();
    let lines = world.lines("mask.set|seg.write");
    assert_eq!(
        lines[0].0.kind, "mask.set",
        "the mask is on the record before the first segment"
    );
    assert!(lines[0].int("permille").abs_diff(125) <= 1);
    for line in &lines[1..] {
        assert_eq!(
            (line.text("mask"), line.text("how")),
            ("m7".into(), "burned".into())
        );
        let plain = world.plain(line);
        assert!(
            !plain.windows(64).any(|w| w.iter().all(|b| *b == RAW)),
            "an unmasked picture is on disk"
        );
    }
    world.verify();
}

/// MSK-5: when the mask cannot be imposed nothing is written; it is a fault and on the record; and it is tried again.
#[test]
fn a_failing_worker_fails_closed() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        masked(&world, &camera, fake_worker(world.home.path(), 60)),
        None,
    );
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "mask.worker")
    });
    assert_eq!((fault.cam, fault.detail.as_str()), (Some(cam()), "told to"));
    wait("another try", || {
        (camera.orders.playing.load(SeqCst) >= 2).then_some(())
    });
    cameras.stop();
    let fail = &world.lines("mask.fail")[0];
    assert_eq!(
        (fail.text("mask"), fail.text("why")),
        ("m7".into(), "told to".into())
    );
    assert!(fail.time("t0") <= fail.time("t1"));
    for line in world.lines("seg.write") {
        assert!(
            !world
                .plain(&line)
                .windows(64)
                .any(|w| w.iter().all(|b| *b == RAW))
        );
    }
    world.verify();
}

/// MSK-5: no picture worker at all: nothing is recorded.
#[test]
fn no_worker_no_pictures() {
    let (world, camera) = (world(), FakeCamera::start(false));
    let cameras = world.start(
        masked(&world, &camera, "/nonexistent/beadle-pictures".into()),
        None,
    );
    cameras.recovered(&cam(), None);
    wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "mask.worker")
    });
    cameras.stop();
    assert!(world.files().is_empty());
}
