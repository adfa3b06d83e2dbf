//! Wiring. Footage watched as it arrives over real QUIC: of a clip that is being fetched, and without being taken.
use std::io::Cursor;

use shared::{order::Part, types::ExpLook};

use super::{clips::footage_from, *};
use crate::{
    coverage::Span,
    hub::{
        looks::{Fault, Look, Source},
        sessions::Reason,
    },
    viewing::{arriving, exhibit, looks},
};

/// A hub, and a box that has recorded ten seconds.
struct Scene {
    hub: Rig,
    line: quinn::Connection,
    out: quinn::SendStream,
    inc: quinn::RecvStream,
    log: LogBuilder,
    plain: Vec<u8>,
    start: Utc,
    /// Line of its segment.
    n: u64,
}

fn cam() -> CameraId {
    CameraId::parse("c01").expect("cam")
}

impl Scene {
    async fn new() -> Self {
        let hub = Rig::new();
        let who = hub.enrolled("ashby").await;
        let begun = Utc(SystemClock.now().wall.0 / 1000 * 1000 - 60_000);
        let mut log = LogBuilder::new_at("cctv.example.gov.uk/box/ashby/1", begun);
        log.beat();
        let start = log.t;
        let plain = footage_from(start);
        let line = shared::types::SegWrite {
            cam: cam(),
            s: 1,
            t0: start,
            t1: start.plus_ms(10_000),
            size: plain.len() as u64,
            sha256: shared::record::hex(&sha256(&plain)),
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
            offset_ms: None,
            key: "c01/2026-11-22".into(),
            rate: None,
        };
        let n = log.add("sys:rec", &line);
        let line = hub.dial(Some(&who)).await.expect("box");
        let (out, inc) = control(&line, "ashby").await;
        let mut scene = Self {
            hub,
            line,
            out,
            inc,
            log,
            plain,
            start,
            n,
        };
        scene.countersigned().await;
        scene
    }

    async fn countersigned(&mut self) {
        let said = audit(&self.line, &self.log).await;
        assert!(matches!(said, AuditReply::Cosigned { .. }), "{said:?}");
    }

    fn part(&self, from: i64, to: i64) -> Part {
        let (t0, t1) = (self.start.plus_ms(from), self.start.plus_ms(to));
        let len = self.plain.len() as u64;
        mp4::part(&mut Cursor::new(&self.plain), len, t0, t1)
            .expect("read")
            .expect("a part")
    }

    fn ready(&self, sealed: &[u8], n: u64, part: Part) -> Done {
        Done::Pull {
            log: 1,
            n,
            of: 1,
            segments: vec![PullSegment {
                s: 1,
                n: self.n,
                sealed: sealed.len() as u64,
                part: Some(part),
            }],
        }
    }

    /// The next range that the hub asks for, and where to send it.
    async fn asked(&self) -> (quinn::SendStream, Open) {
        let next = tokio::time::timeout(SOON, self.line.accept_bi()).await;
        let (out, mut inc) = next.expect("soon").expect("a stream");
        let asked = frame(&mut inc).await.expect("ask").json().expect("json");
        (out, asked)
    }

    fn lines(&self, kind: &str) -> Vec<shared::record::Record> {
        let bytes = logbook::LogFolder::new(&self.hub.desk.log.folder())
            .read_lines(0, u64::MAX, usize::MAX)
            .expect("lines");
        let lines = bytes.split_inclusive(|b| *b == b'\n');
        lines
            .map(|line| shared::record::Record::parse(line).expect("a line"))
            .filter(|r| r.kind == kind)
            .collect()
    }
}

async fn send_range(out: &mut quinn::SendStream, sealed: &[u8], from: u64, length: u64) {
    let size = sealed.len() as u64;
    send(out, &ClipReply::Bytes { size }).await;
    let to = (from + length).min(size) as usize;
    for piece in sealed[from as usize..to].chunks(30_000) {
        let sent = out.write_all(&wire::encode(b'B', piece)).await;
        if sent.is_err() {
            return;
        }
    }
    let _ = out.finish();
}

fn reason() -> Reason {
    Reason {
        purpose: "theft".into(),
        reference: "CR/1".into(),
        present: None,
    }
}

/// All of a film, or what there was of it before it broke off.
async fn whole(hub: &Arc<Hub>, look: &Arc<Look>) -> Result<Vec<u8>, Vec<u8>> {
    let mut film = match arriving::film(hub, look, 0).await {
        Ok(film) => film.expect("a film"),
        Err(_) => return Err(Vec::new()),
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = film.recv().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(_) => return Err(bytes),
        }
    }
    Ok(bytes)
}

/// Whether that stands anywhere in the hub's files.
fn on_disk(folder: &std::path::Path, bytes: &[u8]) -> bool {
    let entries = std::fs::read_dir(folder).expect("list").flatten();
    entries.map(|e| e.path()).any(|path| match path.is_dir() {
        true => on_disk(&path, bytes),
        false => {
            let file = std::fs::read(&path).unwrap_or_default();
            file.windows(bytes.len()).any(|w| w == bytes)
        }
    })
}

/// EVI-1, AUD-1, AUD-5: look before you take. The look is on the hub's log before it is ordered, and on the box's under a countersigned head
/// before a byte is asked for; the span comes alone, from the key frame before it; a piece that is not what was sealed turns it off, which
/// is on the log; nothing of it rests at the hub.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_takes_nothing() {
    let mut scene = Scene::new().await;
    let desk = scene.hub.desk.clone();
    let span = Span {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: scene.start.plus_ms(4_500),
        t1: scene.start.plus_ms(7_000),
    };
    let d = desk.clone();
    let beginning =
        tokio::spawn(
            async move { looks::begin(&d, span, reason(), &Permit::of_test(1, "pat")).await },
        );
    let order = holds::order(&mut scene.inc, &desk).await;
    let Act::Look {
        recipient,
        t0,
        purpose,
        ..
    } = order.act
    else {
        panic!("a look was due");
    };
    assert_eq!(t0, scene.start.plus_ms(4_500));
    let on_log = scene.lines("acc.look");
    assert_eq!((on_log.len(), on_log[0].n), (1, order.order));
    assert_eq!(on_log[0].who, "op:0001");
    let sealed = sealed::seal(&recipient, &scene.plain).expect("sealed");
    let part = scene.part(4_500, 7_000);
    assert!(part.from > 65_536 && part.to < scene.plain.len() as u64);
    let line = ExpLook {
        order: order.order,
        cam: cam(),
        s0: 1,
        s1: 1,
        purpose,
    };
    let n = scene.log.add("hub:order", &line);
    let ready = says_done(order.order, scene.ready(&sealed, n, part));
    send(&mut scene.out, &ready).await;
    let early = tokio::time::timeout(Duration::from_millis(300), scene.line.accept_bi()).await;
    assert!(early.is_err(), "no receipt, no look");
    scene.countersigned().await;
    let look = beginning.await.expect("runs").expect("a look");

    // The span comes alone, and plays from the key frame before it.
    let (d, l) = (desk.clone(), look.clone());
    let watched = tokio::spawn(async move { whole(&d, &l).await });
    let mut fetched = 0;
    for _ in 0..2 {
        let (mut out, asked) = scene.asked().await;
        let Open::Look {
            order: of,
            s,
            offset,
            length,
        } = asked
        else {
            panic!("{asked:?}");
        };
        assert_eq!((of, s), (order.order, 1));
        fetched += length;
        send_range(&mut out, &sealed, offset, length).await;
    }
    let span = part.to - part.from;
    assert!(fetched < span + 3 * 65_552 + 200, "{fetched} for {span}");
    let film = watched.await.expect("runs").expect("to its end");
    let (film_is, of) = (
        mp4::parse(&film).expect("plays"),
        mp4::parse(&scene.plain).expect("plain"),
    );
    assert_eq!(film_is.whole_bytes, film.len() as u64);
    assert!(film_is.samples[0].key && film_is.samples[0].wall <= scene.start.plus_ms(4_500));
    assert!(film_is.samples.last().expect("a frame").end() >= scene.start.plus_ms(7_000));
    let frame =
        |bytes: &[u8], s: &mp4::Sample| bytes[s.offset as usize..][..s.size as usize].to_vec();
    let first = of
        .samples
        .iter()
        .find(|s| s.wall == film_is.samples[0].wall)
        .expect("it is one of theirs");
    assert_eq!(
        frame(&film, &film_is.samples[0]),
        frame(&scene.plain, first)
    );
    let whoever = desk.looks.find(&look.id, "op:0002");
    assert!(whoever.is_none(), "it is theirs alone");

    // A piece that was altered on its way turns it off, for good.
    let mut altered = sealed.clone();
    let pieces = sealed::Window::new(
        &sealed,
        sealed.len() as u64,
        &match &look.source {
            Source::Box { identity, .. } => identity.to_string(),
            Source::Exhibit(_) => panic!("a box"),
        },
    )
    .expect("opens")
    .pieces();
    let (at, _) = pieces.place(sealed::Pieces::piece_of(part.from) + 1);
    altered[at as usize + 50] ^= 1;
    let (d, l) = (desk.clone(), look.clone());
    let watched = tokio::spawn(async move { whole(&d, &l).await });
    for _ in 0..2 {
        let (mut out, asked) = scene.asked().await;
        let Open::Look { offset, length, .. } = asked else {
            panic!("{asked:?}");
        };
        send_range(&mut out, &altered, offset, length).await;
    }
    let shown = watched.await.expect("runs").expect_err("turned off");
    assert!(film.starts_with(&shown), "nothing altered is shown");
    assert_eq!(look.off(), Some(Fault::Altered));
    let stops = scene.lines("look.stop");
    assert_eq!(stops.len(), 1);
    let code = stops[0].data.get("code").and_then(|v| v.as_str());
    assert_eq!(code, Some("altered"));
    assert!(
        arriving::film(&desk, &look, 0).await.is_err(),
        "it stays off"
    );

    // Nothing of it rests, in plain or sealed, and there is no exhibit.
    assert!(desk.db.requests().expect("rows").is_empty());
    assert!(!on_disk(&desk.state, &[3u8; 200]));
    assert!(!on_disk(
        &desk.state,
        &sealed[at as usize..at as usize + 200]
    ));
    let _ = desk.log.close("test");
}

/// EVI-1: a clip can be watched while it is fetched: the span asked for comes before the rest of its minutes, nothing comes twice, and what is
/// watched is turned off when the segment turns out to be another than its line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_asked_span_is_watched_first() {
    let mut scene = Scene::new().await;
    let desk = scene.hub.desk.clone();
    let asked = PullRequest {
        camera: BoxCamera::parse("ashby/c01").expect("camera"),
        t0: scene.start.plus_ms(4_500),
        t1: scene.start.plus_ms(7_000),
        purpose: "theft".into(),
        reference: "CR/1".into(),
        requester: "PC 1".into(),
    };
    let d = desk.clone();
    let exhibit = blocking(move || submit::submit(&d, &asked, &Permit::of_test(1, "pat")))
        .await
        .expect("runs")
        .expect("granted");
    let hold = holds::order(&mut scene.inc, &desk).await;
    let Act::HoldSet { until, .. } = hold.act else {
        panic!("a hold was due");
    };
    let held = Done::Hold {
        until,
        segments: 1,
        bytes: 1,
    };
    send(&mut scene.out, &says_done(hold.order, held)).await;
    let order = holds::order(&mut scene.inc, &desk).await;
    let Act::Pull {
        recipient,
        grant,
        purpose,
        ..
    } = order.act
    else {
        panic!("a pull was due");
    };
    // Of the right length, and another than the line says from a byte on that was not asked for.
    let mut other = scene.plain.clone();
    let last = other.len() - 10;
    other[last] ^= 1;
    let sealed = sealed::seal(&recipient, &other).expect("sealed");
    let part = scene.part(4_500, 7_000);
    let clip = ExpClip {
        r#ref: exhibit.to_string(),
        cam: cam(),
        s0: 1,
        s1: 1,
        t0: scene.start.plus_ms(4_500),
        t1: scene.start.plus_ms(7_000),
        grant,
        purpose,
    };
    let n = scene.log.add("hub:order", &clip);
    let ready = says_done(order.order, scene.ready(&sealed, n, part));
    send(&mut scene.out, &ready).await;
    scene.countersigned().await;
    let (mut out, first) = scene.asked().await;
    let Open::Clip {
        offset: 0,
        length: opening,
        ..
    } = first
    else {
        panic!("{first:?}");
    };
    // Somebody says why, and watches from the first piece on.
    let (d, e) = (desk.clone(), exhibit.clone());
    let look = blocking(move || exhibit::begin(&d, &e, &reason(), &Permit::of_test(1, "pat")))
        .await
        .expect("runs")
        .expect("on record")
        .expect("a look");
    assert_eq!(scene.lines("acc.view").len(), 1);
    send_range(&mut out, &sealed, 0, opening).await;
    let (mut out, second) = scene.asked().await;
    let Open::Clip { offset, length, .. } = second else {
        panic!("{second:?}");
    };
    assert!(offset >= opening);
    send_range(&mut out, &sealed, offset, length).await;
    let film = whole(&desk, &look)
        .await
        .expect("watched before all is here");
    let film = mp4::parse(&film).expect("plays");
    assert!(film.samples[0].key && film.samples[0].wall <= scene.start.plus_ms(4_500));
    assert_eq!(look.off(), None);

    // The rest comes, and nothing that is here.
    let mut came = opening + length;
    while came < sealed.len() as u64 {
        let (mut out, more) = scene.asked().await;
        let Open::Clip {
            offset: from,
            length: size,
            ..
        } = more
        else {
            panic!("{more:?}");
        };
        assert!(from >= opening && (from + size <= offset || from >= offset + length));
        send_range(&mut out, &sealed, from, size).await;
        came += size;
    }
    assert_eq!(came, sealed.len() as u64);
    tokio::time::timeout(SOON, look.turned_off())
        .await
        .expect("turned off");
    assert_eq!(look.off(), Some(Fault::NotAsLogged));
    let ended = async {
        while scene.lines("look.stop").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, ended).await.expect("on the log");
    let _ = desk.log.close("test");
}
