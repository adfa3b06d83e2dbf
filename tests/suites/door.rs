//! Task. The hub of the package, as its real user on Debian's systemd, and whoever comes to its doors: strangers, browsers, a box that was taken over,
//! a copy of one. One boot; each attack while a box and a browser that are honest go on.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use beadle_tests::{
    Done, Folder, Told, Trouble,
    machine::{Base, Machine},
    program::Said,
    staff::{self, MANAGER},
    wait,
};
use serde_json::{Value, json};
use shared::{
    code::EnrolCode,
    order::{self, Act, Code, Ordered, Outcome, PullSegment, Refusal},
    plain,
    testing::LogBuilder,
    time::Utc,
    types::ExpClip,
    wire::{AuditReply, ToBox, ToHub},
};
use tokio::{
    io::AsyncWriteExt,
    task::{JoinSet, LocalSet},
};

mod line;
mod packets;
mod pages;
use line::{
    ATTACKERS, Doors, Identity, STAFF, TOWNS, audit, closed, control, frame, fresh, in_network,
    send, soon,
};

const SCHEME: &str = "cctv.example.gov.uk";
const NAME: &str = "hub.example.gov.uk";
/// What must hold the whole time.
const COUNTERSIGNED: Duration = Duration::from_secs(20);
const PAGE: Duration = Duration::from_secs(2);
const T: &str = "2026-11-28T10:00:00.000Z";

/// A hub on a machine of its own, with boxes that this test plays.
struct Scheme {
    hub: Machine,
    doors: Doors,
    password: String,
    folder: Folder,
}

impl Scheme {
    fn install() -> Done<Self> {
        let folder = Folder::new("door")?;
        let hub = Machine::boot("hub", folder.path(), Base::Installed)?;
        let made = hub.sh(&format!("beadle-hub init --scheme {SCHEME} --quic 0.0.0.0:4433 --address {NAME}:4433 --name {NAME}; sed -i 's/^https *=.*/https = \"0.0.0.0:8443\"/' /var/lib/beadle-hub/hub.toml; systemctl enable --now beadle-hub"))?;
        staff::manager(&made.out, &hub)?;
        hub.wait_unit("beadle-hub", "active", 20)?;
        staff::settle(&hub)?;
        let doors = Doors::open(&hub)?;
        Ok(Self {
            password: hub.read("/root/manager.password")?.trim().to_owned(),
            hub,
            doors,
            folder,
        })
    }

    fn code(&self, name: &str) -> Done<String> {
        let said = self
            .hub
            .sh(&format!("beadle-hub box add {name} {MANAGER}"))?;
        Ok(EnrolCode::parse(said.out.trim())
            .told("the code")?
            .secret_text())
    }

    /// An account of somebody who may watch clips, and takes no second factor.
    fn operator(&self, name: &str) -> Done<()> {
        let (first, own) = (
            format!("/root/{name}.first"),
            format!("/root/{name}.password"),
        );
        self.hub.put(&own, pages::PASSWORD, 0o600)?;
        let made = self.hub.sh(&format!(
            "beadle-hub staff add {name} --role operator {MANAGER}"
        ))?;
        let mut words = made.out.split_whitespace().skip_while(|w| *w != "password");
        let password = words.nth(1).ok_or_else(|| Trouble(made.out.clone()))?;
        self.hub.put(&first, password, 0o600)?;
        self.hub.sh(&format!(
            "beadle-hub staff password --as {name} --password-file {first} --new-password-file {own} && beadle-hub declaration accept --as {name} --password-file {own}"
        ))?;
        Ok(())
    }

    fn enrolled(&self, name: &'static str) -> Done<Identity> {
        let (code, doors) = (self.code(name)?, self.doors.clone());
        self.attack(move || async move {
            let in_ = doors.enrol(TOWNS, name, &code).await?;
            in_.map_err(|why| Trouble(format!("{name}: {why}")))
        })
    }

    /// Does something in the hub's network, to its end.
    fn attack<T: Send + 'static, F: Future<Output = Done<T>>>(
        &self,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Done<T> {
        let done = in_network(&self.hub, work)?.join();
        done.map_err(|_| Trouble::new("the attacker panicked"))?
    }

    fn lines(&self) -> Done<Vec<String>> {
        let all = self.hub.sh("cat /var/lib/beadle-hub/log/hub/*/*.jsonl 2>/dev/null || cat $(find /var/lib/beadle-hub -path '*hub*' -name '*.jsonl')")?;
        Ok(all.out.lines().map(str::to_owned).collect())
    }
}

fn hello(name: &str, change: impl Fn(&mut Value)) -> Value {
    let mut hello = json!({
        "is": "control", "v": 1, "box": name, "sw": "test", "time": wait::now(), "retention_days": 31, "zone": "Europe/London",
        "cameras": [{"cam": "c01", "title": "Street", "masked": false}]
    });
    change(&mut hello);
    hello
}

/// The honest box and the honest browser, until told to stop: how long the slowest of each took.
struct Honest {
    stop: Arc<AtomicBool>,
    worst: Arc<[AtomicU64; 2]>,
    runs: std::thread::JoinHandle<Done<()>>,
}

impl Honest {
    fn begin(scheme: &Scheme, who: Identity) -> Done<Self> {
        let (stop, worst) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new([AtomicU64::new(0), AtomicU64::new(0)]),
        );
        let (doors, ended, slowest) = (scheme.doors.clone(), stop.clone(), worst.clone());
        let runs = in_network(&scheme.hub, move || async move {
            let pages = async {
                while !ended.load(Relaxed) {
                    let at = Instant::now();
                    let page = tokio::time::timeout(PAGE, doors.get(STAFF, "/sign-in", "")).await;
                    let page =
                        page.map_err(|_| Trouble(format!("the page took longer than {PAGE:?}")))??;
                    if !page.starts_with("HTTP/1.1 200 ") {
                        return Err(Trouble(page));
                    }
                    slowest[1].fetch_max(at.elapsed().as_millis() as u64, Relaxed);
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                Done::Ok(())
            };
            let lines = async {
                let line = doors.dial(TOWNS, Some(&who)).await?;
                let _control = control(&line, &hello("derby", |_| ())).await?;
                let mut log = LogBuilder::new(&format!("{SCHEME}/box/derby/1"));
                while !ended.load(Relaxed) {
                    log.beat();
                    let at = Instant::now();
                    match tokio::time::timeout(COUNTERSIGNED, audit(&line, &log, 1)).await {
                        Ok(Ok(AuditReply::Cosigned { .. })) => {}
                        other => return Err(Trouble(format!("derby: {other:?}"))),
                    }
                    slowest[0].fetch_max(at.elapsed().as_millis() as u64, Relaxed);
                    // A stream each time here; a box opens one and keeps it.
                    tokio::time::sleep(Duration::from_secs(4)).await;
                }
                Done::Ok(())
            };
            let (pages, lines) = tokio::join!(pages, lines);
            pages.and(lines)
        })?;
        Ok(Self { stop, worst, runs })
    }

    fn end(self) -> Done<()> {
        self.stop.store(true, Relaxed);
        let ran = self.runs.join().map_err(|_| Trouble::new("panicked"))?;
        println!(
            "slowest countersignature {} ms, slowest page {} ms",
            self.worst[0].load(Relaxed),
            self.worst[1].load(Relaxed)
        );
        ran
    }
}

/// V6, V7: two hundred silent strangers at the door of boxes, 300 heads that never end at that of staff, from the address that boxes and staff
/// come from too. A box dials in and one enrols.
async fn silence(doors: Doors, who: Identity, code: String) -> Done<()> {
    let all = LocalSet::new();
    all.run_until(async {
        let mut silent = JoinSet::new();
        for n in 0..500 {
            let doors = doors.clone();
            let from = if n % 4 == 0 { TOWNS } else { ATTACKERS };
            silent.spawn_local(async move {
                if n % 5 < 2 {
                    let line = doors.dial(from, None).await;
                    if let Ok(line) = line {
                        line.closed().await;
                    }
                } else if let Ok(mut tls) = doors.connect(from).await {
                    let _ = tls.write_all(b"GET / HTTP/1.1\r\nX: ").await;
                    std::future::pending::<()>().await;
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let line = doors.dial(TOWNS, Some(&who)).await?;
        control(&line, &hello("evil", |_| ())).await?;
        let in_ = doors.enrol(TOWNS, "late", &code).await?;
        in_.map_err(Trouble).map(drop)
    })
    .await
}

/// V15: strangers guess codes of a box that is there and of one that is not, as often as once voided a code: the same sentence, and the right
/// one works afterwards, at once. Each address is slowed; these come from several.
async fn wrong_codes(doors: Doors, code: String) -> Done<Identity> {
    let all = LocalSet::new();
    let mut said = all
        .run_until(async {
            let mut guesses = JoinSet::new();
            for (n, name) in (0..12).flat_map(|n| [(n, "bury"), (n + 1, "nowhere")]) {
                let doors = doors.clone();
                guesses.spawn_local(async move {
                    match doors.enrol(fresh(n), name, &format!("{n:016x}")).await? {
                        Ok(_) => Err(Trouble(format!("{name} is in with a wrong code"))),
                        Err(why) => Ok(why.replace(name, "NAME")),
                    }
                });
            }
            guesses
                .join_all()
                .await
                .into_iter()
                .collect::<Done<Vec<_>>>()
        })
        .await?;
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    for name in ["hub", "console"] {
        let refused = doors.enrol(TOWNS, name, &code).await?;
        assert!(
            refused.is_err_and(|why| why.contains("nothing was done")),
            "{name}"
        );
    }
    doors.enrol(TOWNS, "bury", &code).await?.map_err(Trouble)
}

/// V4, V5, V10, V16: a box that was taken over says absurd things of itself. Each is refused in one sentence, fit to be printed.
async fn absurd_hellos(doors: Doors, who: Identity) -> Done<()> {
    let many = |h: &mut Value| {
        let all =
            (0..20_000).map(|k| json!({"cam": format!("c{k}"), "title": "", "masked": false}));
        h["cameras"] = all.collect::<Vec<_>>().into();
    };
    let attacks: [(&str, Value); 6] = [
        ("256 cameras", hello("evil", many)),
        (
            "retention_days 2147483647",
            hello("evil", |h| h["retention_days"] = json!(2_147_483_647u32)),
        ),
        (
            "title",
            hello("evil", |h| {
                h["cameras"][0]["title"] = json!("\u{1b}[2J\u{202e}x")
            }),
        ),
        (
            "camera id",
            hello("evil", |h| h["cameras"][0]["cam"] = json!("../../etc")),
        ),
        (
            "time",
            hello("evil", |h| h["time"] = json!("9998-01-01T00:00:00.000Z")),
        ),
        ("", hello("hub", |_| ())),
    ];
    for (field, hello) in attacks {
        let line = doors.dial(TOWNS, Some(&who)).await?;
        let (mut out, _inc) = line.open_bi().await.told("a stream")?;
        let _ = send(&mut out, &hello).await;
        let why = closed(&line).await?;
        assert!(
            why.contains(field) && plain::all_plain(&why),
            "{field}: {why}"
        );
    }
    Ok(())
}

/// V9, V16: what it reports is made plain; nonsense ends its stream and no more.
async fn reports(doors: Doors, who: Identity) -> Done<quinn::Connection> {
    let line = doors.dial(TOWNS, Some(&who)).await?;
    let (mut out, _inc) = control(&line, &hello("evil", |_| ())).await?;
    for free in [u64::MAX, 1] {
        let health = json!({"is": "health", "time": wait::now(), "free_mib": free, "cameras": [],
            "faults": [{"code": "disk.full", "cam": null, "since": T, "detail": "\u{1b}]0;owned\u{7}\u{202e}"}]});
        send(&mut out, &health).await?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(line)
}

/// V4, V5, V9, V11: lines that no box may write, logs of numbers that no box has, types without end.
async fn absurd_lines(doors: Doors, who: Identity) -> Done<()> {
    let segment = |change: &dyn Fn(&mut Value)| {
        let mut data = json!({"cam": "c01", "s": 1, "t0": T, "t1": "2026-11-28T10:01:00.000Z", "size": 1, "sha256": "0".repeat(64),
            "mask": null, "how": "none", "proofs": 0, "lost": 0, "shed": 0, "key": "c01/2026-11-28"});
        change(&mut data);
        data
    };
    let lines = [
        (
            "seg.write",
            segment(&|d| d["cam"] = json!("../../etc")),
            "data.cam",
        ),
        (
            "seg.write",
            segment(&|d| d["size"] = json!(9_007_199_254_740_991i64)),
            "data.size",
        ),
        (
            "del.range",
            json!({"cam": "c01", "day": "2026-11-28", "s0": -1, "s1": -1, "t0": T, "t1": T, "count": -9, "set": "", "rule": "31d", "key": "c01/2026-11-28"}),
            "data.s0 -1",
        ),
        (
            "hold.set",
            json!({"hold": "H-999999999999999", "cam": "c01", "t0": T, "t1": T, "until": T, "grant": "G"}),
            "data.hold",
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
        ("x.\u{1b}[2J", json!({}), "type"),
    ];
    let line = doors.dial(TOWNS, Some(&who)).await?;
    let _control = control(&line, &hello("evil", |_| ())).await?;
    for (kind, data, field) in lines {
        let mut log = LogBuilder::new(&format!("{SCHEME}/box/evil/1"));
        log.add_raw(kind, "sys:evil", &data);
        match audit(&line, &log, 1).await? {
            AuditReply::Refused { why, .. } => {
                assert!(
                    why.contains(field) && plain::all_plain(&why),
                    "{kind}: {why}"
                );
            }
            other => return Err(Trouble(format!("{kind}: {other:?}"))),
        }
    }
    for number in [999_999_999_999_999, u64::MAX, 0] {
        let log = LogBuilder::new(&format!("{SCHEME}/box/evil/{number}"));
        let refused = soon("an answer", audit(&line, &log, number)).await?;
        match refused {
            Ok(AuditReply::Refused { .. }) | Err(_) => {}
            other => return Err(Trouble(format!("log {number}: {other:?}"))),
        }
    }
    Ok(())
}

/// V9: a pull of a segment that has one byte, by its line: the box announces 16 GiB. `pull` asks for the clip, and what it was told comes back.
/// Nothing of it is asked for.
async fn announcement(
    doors: Doors,
    who: Identity,
    pull: impl FnOnce(Utc, Utc) -> std::thread::JoinHandle<Done<Said>>,
) -> Done<Said> {
    let line = doors.dial(TOWNS, Some(&who)).await?;
    let (mut out, mut inc) = control(&line, &hello("bury", |_| ())).await?;
    let begun = Utc(wait::now().0 / 1000 * 1000 - 600_000);
    let mut log = LogBuilder::new_at(&format!("{SCHEME}/box/bury/1"), begun);
    let n = log.segment("c01", 1, b"x");
    let end = log.t;
    match audit(&line, &log, 1).await? {
        AuditReply::Cosigned { .. } => {}
        reply => return Err(Trouble(format!("{reply:?}"))),
    }
    let asked = pull(end.plus_ms(-30_000), end);
    let over = async {
        while !asked.is_finished() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut over = Box::pin(over);
    loop {
        let told = tokio::select! {
            told = frame(&mut inc) => told?,
            () = &mut over => break,
        };
        let ToBox::Order { order, .. } = told.json().told("an order")? else {
            continue;
        };
        let order: Ordered = serde_json::from_str(&order)?;
        let outcome = match order.order.act {
            Act::Pull {
                r#ref,
                cam,
                t0,
                t1,
                grant,
                purpose,
                ..
            } => {
                let clip = ExpClip {
                    r#ref: r#ref.to_string(),
                    cam,
                    s0: 1,
                    s1: 1,
                    t0,
                    t1,
                    grant,
                    purpose,
                };
                let clip = log.add("hub:order", &clip);
                audit(&line, &log, 1).await?;
                Outcome::Done(order::Done::Pull {
                    log: 1,
                    n: clip,
                    of: 1,
                    segments: vec![PullSegment {
                        s: 1,
                        n,
                        sealed: 1 << 34,
                        part: None,
                    }],
                })
            }
            _ => Outcome::Refused(Refusal::new(Code::NoRoom, "no room")),
        };
        let order = order.order.order;
        send(&mut out, &ToHub::Answer { order, outcome }).await?;
    }
    drop(over);
    asked.join().map_err(|_| Trouble::new("panicked"))?
}

/// V11: the copy of a box comes with an older state, and begins a log of its own: named, and the real box goes on.
async fn a_copy(doors: Doors, who: Identity) -> Done<()> {
    let line = doors.dial(TOWNS, Some(&who)).await?;
    let _control = control(&line, &hello("late", |_| ())).await?;
    let mut real = LogBuilder::new(&format!("{SCHEME}/box/late/1"));
    real.beat();
    assert!(matches!(
        audit(&line, &real, 1).await?,
        AuditReply::Cosigned { .. }
    ));
    let copy = doors.dial(ATTACKERS, Some(&who)).await?;
    let _copied = control(&copy, &hello("late", |_| ())).await?;
    let mut other = LogBuilder::new(&format!("{SCHEME}/box/late/1"));
    let clip = ExpClip {
        r#ref: "EXH-2026-000001".into(),
        cam: shared::id::CameraId::parse("c01").told("camera")?,
        s0: 1,
        s1: 1,
        t0: shared::time::Utc(0),
        t1: shared::time::Utc(1),
        grant: "G".into(),
        purpose: "0".repeat(64),
    };
    other.add("sys:evil", &clip);
    match audit(&copy, &other, 1).await? {
        AuditReply::Refused { code, .. } => assert_eq!(code, "FORKED"),
        reply => return Err(Trouble(format!("{reply:?}"))),
    }
    // The real one is back, as it does after its line was taken.
    let line = doors.dial(TOWNS, Some(&who)).await?;
    let _control = control(&line, &hello("late", |_| ())).await?;
    real.beat();
    match audit(&line, &real, 1).await? {
        AuditReply::Cosigned { .. } | AuditReply::Refused { .. } => Ok(()),
        reply => Err(Trouble(format!("{reply:?}"))),
    }
}

/// V4, V5, V6, V7, V8, V9, V10, V11, V15, V16, AUD-2, FLT-3, ROL-2: the packages' hub as its own user, in one boot, each while a box is countersigned and
/// a page comes: silent strangers, noise and handshakes that are not gone on with; heads and forms without end; guesses at codes, and at
/// passwords while their owner signs in; pages that nobody waits for; absurd hellos, reports, lines and logs; 16 GiB announced for a byte;
/// a copy of a box. What is printed is plain, what strangers do is counted, and SIGTERM ends the hub within ten seconds.
#[test]
fn the_packages_hub_and_whoever_comes_to_its_doors() -> Done<()> {
    let scheme = Scheme::install()?;
    let (hub, doors) = (&scheme.hub, &scheme.doors);
    for name in ["hub", "console"] {
        let said = hub.run(&[
            "bash",
            "-c",
            &format!("beadle-hub box add {name} {MANAGER}"),
        ])?;
        assert!(
            said.status != 0 && said.err.contains("is not a name for a box"),
            "{said:?}"
        );
    }
    let (derby, evil, late) = (
        scheme.enrolled("derby")?,
        scheme.enrolled("evil")?,
        scheme.code("late")?,
    );
    let (bury, password) = (scheme.code("bury")?, scheme.password.clone());
    for operator in pages::OPERATORS {
        scheme.operator(operator)?;
    }
    let before = scheme.lines()?.len();
    let honest = Honest::begin(&scheme, derby)?;
    let began = Instant::now();
    let at = |what: &str| println!("{:>5} ms {what}", began.elapsed().as_millis());

    // They last as long as they are let, while all else goes on.
    let d = doors.clone();
    let slow = in_network(hub, move || pages::slow_forms(d))?;
    let (d, w) = (doors.clone(), evil.clone());
    scheme.attack(move || silence(d, w, late))?;
    at("silent strangers, heads without end");
    let (d, w) = (doors.clone(), evil.clone());
    scheme.attack(move || packets::half_open(d, w))?;
    at("garbage, and handshakes that are not gone on with");
    let d = doors.clone();
    let bury = scheme.attack(move || wrong_codes(d, bury))?;
    at("guesses at codes");
    let d = doors.clone();
    scheme.attack(move || pages::wrong_passwords(d, password))?;
    at("guesses at passwords");
    let (d, w) = (doors.clone(), evil.clone());
    scheme.attack(move || pages::abandoned(d, w))?;
    at("pages that nobody waits for");
    let (d, w) = (doors.clone(), evil.clone());
    scheme.attack(move || absurd_hellos(d, w))?;
    at("absurd hellos");
    let (d, w) = (doors.clone(), evil.clone());
    scheme.attack(move || reports(d, w))?;
    let (d, w) = (doors.clone(), evil.clone());
    scheme.attack(move || absurd_lines(d, w))?;
    at("absurd lines");
    let d = doors.clone();
    let said = std::thread::scope(|all| {
        let (ask, asked) = std::sync::mpsc::channel();
        all.spawn(move || {
            let (answer, (t0, t1)): (std::sync::mpsc::Sender<Done<Said>>, (Utc, Utc)) = asked.recv().ok()?;
            let words = format!(
                "cd /root; timeout 30 beadle-hub clip pull --camera bury/c01 --from {t0} --to {t1} --purpose Test --reference R --requester tests {MANAGER}"
            );
            answer.send(hub.run(&["bash", "-c", &words])).ok()
        });
        scheme.attack(move || {
            announcement(d, bury, move |t0, t1| {
                std::thread::spawn(move || {
                    let (answer, told) = std::sync::mpsc::channel();
                    ask.send((answer, (t0, t1))).told("asking")?;
                    told.recv().told("an answer")?
                })
            })
        })
    })?;
    let why = format!("{}{}", said.out, said.err);
    assert!(
        said.status != 0 && why.contains("announces segment 1 with 17179869184 bytes"),
        "{said:?}"
    );
    at("16 GiB for a byte");
    let again = scheme.code("late")?;
    let d = doors.clone();
    scheme.attack(move || async move {
        let late = d.enrol(TOWNS, "late", &again).await?.map_err(Trouble)?;
        a_copy(d, late).await
    })?;
    at("a copy");
    slow.join().map_err(|_| Trouble::new("panicked"))??;
    at("forms without end are over");

    // What everybody is shown goes on, and carries nothing that a terminal obeys.
    for words in [
        "box list",
        "retention report",
        "hold list",
        "mask reviews",
        "mask list",
        "evidence list",
        "clip list",
    ] {
        let said = hub.run(&[
            "bash",
            "-c",
            &format!("timeout 20 beadle-hub {words} {MANAGER}"),
        ])?;
        let all = format!("{}{}", said.out, said.err);
        assert!(
            !all.contains(['\u{1b}', '\u{202e}', '\u{7}']),
            "{words}: {all:?}"
        );
        assert_eq!(said.status, 0, "{words}: {said:?}");
    }
    let listed = hub.sh("beadle-hub box list --json")?.out;
    assert!(listed.contains("box.twice"), "the copy is named: {listed}");
    assert!(
        listed.contains("box.report"),
        "the absurd words are a fault of that box: {listed}"
    );
    // What strangers did is counted, not a line each; nobody filled the hub's own log.
    let lines = scheme.lines()?;
    assert!(
        lines.len() - before < 150,
        "{} lines: {:#?}",
        lines.len() - before,
        lines.last()
    );
    let unit = hub.unit("beadle-hub")?;
    assert_eq!(
        (unit["User"].as_str(), unit["NRestarts"].as_str()),
        ("beadle-hub", "0")
    );
    honest.end()?;
    at("all of it");

    // SIGTERM, while connections of every kind hang on it.
    let (d, w) = (doors.clone(), evil);
    let (hangs, all_hang) = std::sync::mpsc::channel();
    let hang = in_network(hub, move || async move {
        let _silent = d.dial(ATTACKERS, None).await;
        let line = d.dial(TOWNS, Some(&w)).await?;
        let _control = control(&line, &hello("evil", |_| ())).await?;
        let mut tls = d.connect(STAFF).await?;
        let form = b"POST /sign-in HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx";
        tls.write_all(form).await?;
        let _ = hangs.send(());
        line.closed().await;
        Done::Ok(())
    })?;
    all_hang.recv().told("connections that hang")?;
    let asked = Instant::now();
    hub.sh("systemctl stop beadle-hub")?;
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(hub.unit("beadle-hub")?["Result"], "success");
    hang.join().map_err(|_| Trouble::new("panicked"))??;
    hub.sh("systemctl start beadle-hub && beadle-hub box list")?;
    let _ = &scheme.folder;
    Ok(())
}
