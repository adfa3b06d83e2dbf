//! Adapter: HTTPS. The staff pages over real TLS connections, against a board of the tests' own.
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use shared::{
    id::{BoxCamera, BoxName, CameraId, ExhibitRef, HoldId},
    standing::{BoxStanding, CameraStanding, Flow},
    time::{Clock, Day, Now, Utc, Zone},
    wire::MaskInfo,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};
use tokio_rustls::TlsConnector;

use super::{
    Times,
    sessions::{IDLE_MS, VIEWING_MS},
};
use crate::{
    access::table,
    board::{
        Account, Board, BoxRow, CameraRow, DayRow, ExhibitRow, Footage, GapRow, HoldRow, HubError,
        LiftRow, ReleaseRow, Span,
    },
    disposal::rows::{DropRow, Evidence, EvidenceRow, FaultRow},
    evidence::Resting,
    places::Origin,
    requests::mask::Substitute,
    requests::review::{Due, MaskRow, ReviewRow},
    retention::report::{
        CameraPage, CameraReport, Certificate, DayReport, Kept, Report, Run, Verdict,
    },
    shown::permit,
};

type Deed = Arc<dyn Fn() + Send + Sync>;

struct Hands(Mutex<Now>);

impl Clock for Hands {
    fn now(&self) -> Now {
        *self.0.lock().expect("clock")
    }
}

impl Hands {
    fn later(&self, ms: u64) {
        self.0.lock().expect("clock").mono += ms;
    }
}

/// A board that remembers what was asked of it.
/// What a box or a camera may say that a terminal or a page would obey (security.md V16).
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}Market\u{2066}\u{feff}\u{0}";

struct Fake {
    package: PathBuf,
    /// Opens it.
    identity: String,
    did: Mutex<Vec<String>>,
    /// Of whoever signs in next.
    role: Mutex<String>,
    /// Accounts that signed in from here before.
    here: Mutex<std::collections::BTreeSet<String>>,
    /// Done by the page of masks.
    act: Mutex<Option<Deed>>,
}

const NOW: &str = "2026-11-03T14:00:00.000Z";

fn now() -> Utc {
    Utc::parse(NOW).expect("time")
}

fn kept(cam: &str, title: &str, verdict: Verdict) -> CameraReport {
    let day = |t: &str| Day::parse(t).expect("day");
    CameraReport {
        r#box: BoxName::parse("ashby").expect("name"),
        cam: CameraId::parse(cam).expect("cam"),
        title: title.into(),
        configured: true,
        policy_days: Some(31),
        zone: "Europe/London".into(),
        first: Some(now().plus_ms(-31 * 86_400_000)),
        last: Some(now()),
        gaps: 2,
        gap_ms: 600_000,
        bytes_per_day: Some(3_210_000_000),
        days_on_disk: 32,
        outlook: None,
        certificate: Some(Certificate {
            day: day("2026-10-01"),
            at: now().plus_ms(-50_000_000),
            done: true,
            count: 1440,
            t0: now().plus_ms(-33 * 86_400_000),
            t1: now().plus_ms(-32 * 86_400_000),
            rule: "31d".into(),
            key: "c02/2026-10-01".into(),
            set: "ab".repeat(32),
            oldest: None,
            undecryptable: Some(true),
            claim: Some("tpm".into()),
            held: 3,
            log: "cctv.example.gov.uk/box/ashby/1".into(),
            n: 41,
            done_n: Some(42),
        }),
        heard: Some(now()),
        verdict,
        why: "as the log says".into(),
        bar: vec![Run {
            from: day("2026-10-03"),
            to: day("2026-11-03"),
            kept: Kept::Held,
        }],
    }
}

impl Board for Fake {
    fn zone(&self) -> Zone {
        Zone::parse("Europe/London").expect("zone")
    }
    fn scheme(&self) -> String {
        "cctv.example.gov.uk".into()
    }
    fn boxes(&self) -> Result<Vec<BoxRow>, HubError> {
        let camera = |cam: &str, title: &str, recording| CameraRow {
            cam: CameraId::parse(cam).expect("cam"),
            title: title.into(),
            masked: true,
            flow: Some(Flow {
                recording,
                landed: Some(now().plus_ms(-900)),
                down_since: (!recording).then(|| now().plus_ms(-900)),
                ..Flow::default()
            }),
            standing: CameraStanding::default(),
            stands_secs: None,
            rate: None,
        };
        Ok(vec![
            BoxRow {
                name: BoxName::parse("ashby").expect("name"),
                state: "enrolled".into(),
                online: true,
                sw: Some("1.0".into()),
                last_seen: Some(now()),
                reported: Some(now()),
                free_mib: Some(2048),
                retention_days: Some(31),
                faults: Vec::new(),
                lines: 17,
                countersigned: Some(now()),
                dispute: None,
                cameras: vec![
                    camera("c01", "<script>alert(1)</script>", true),
                    camera("c02", &format!("{EVIL} Market"), false),
                ],
                standing: BoxStanding::default(),
            }
            .judged(),
        ])
    }
    fn footage(
        &self,
        who: &Account,
        camera: &BoxCamera,
        _: Option<Day>,
    ) -> Result<Footage, HubError> {
        permit(who, &table::FOOTAGE, now())?;
        if camera.cam.as_str() == "c99" {
            return Err(HubError::Refused("box ashby has no camera c99".into()));
        }
        let day = Day::parse("2026-11-03").expect("day");
        let from = self.zone().start_of(day);
        let span = |a: i64, b: i64| Span {
            t0: from.plus_ms(a * 3_600_000),
            t1: from.plus_ms(b * 3_600_000),
            segments: 60,
            mask: None,
            how: "none".into(),
        };
        let days = vec![DayRow {
            day,
            from,
            to: self.zone().start_of(day.plus_days(1)),
            spans: vec![span(0, 6), span(7, 14)],
            gaps: vec![GapRow {
                t0: from.plus_ms(6 * 3_600_000),
                t1: from.plus_ms(7 * 3_600_000),
                why: format!("camera silent{EVIL}"),
                packets: 3,
            }],
            bytes: 1 << 30,
            called: vec!["High Street, Ashby".into(), "Car park, Ashby".into()],
            days_left: Some(31),
            deleted: false,
        }];
        Ok(Footage {
            camera: camera.to_string(),
            zone: "Europe/London".into(),
            days,
        })
    }
    fn retention(&self, only: Option<&BoxName>) -> Result<Report, HubError> {
        assert!(only.is_none());
        Ok(Report {
            scheme: self.scheme(),
            now: now(),
            zone: "Europe/London".into(),
            promises: vec![shared::promise::sentence(31, "Europe/London")],
            cameras: vec![
                kept("c01", "<script>alert(1)</script>", Verdict::AsPromised),
                kept("c02", &format!("Market{EVIL}"), Verdict::Over),
            ],
        })
    }
    fn retention_of(&self, camera: &BoxCamera) -> Result<CameraPage, HubError> {
        if camera.cam.as_str() == "c99" {
            return Err(HubError::Refused("box ashby has no camera c99".into()));
        }
        let row = kept("c02", "Market", Verdict::Over);
        let day = |day: &str, standing: &str, certificates| DayReport {
            day: Day::parse(day).expect("day"),
            bytes: 1 << 30,
            count: 1440,
            held: 0,
            standing: standing.into(),
            text: format!("is {standing}"),
            certificates,
        };
        Ok(CameraPage {
            days: vec![
                day("2026-10-02", "missing", Vec::new()),
                day(
                    "2026-10-01",
                    "sound",
                    row.certificate.clone().into_iter().collect(),
                ),
            ],
            camera: row,
        })
    }
    fn exhibits(&self, who: &Account) -> Result<Vec<ExhibitRow>, HubError> {
        permit(who, &table::CLIPS, now())?;
        let row = |n: u32, package: Option<&Path>| ExhibitRow {
            r#ref: format!("EXH-2026-{n:06}"),
            grant: "G-1".into(),
            camera: "ashby/c01".into(),
            called: vec!["High Street, Ashby".into()],
            t0: now(),
            t1: now().plus_ms(60_000),
            state: if package.is_some() {
                "Ready"
            } else {
                "Waiting"
            }
            .into(),
            why: String::new(),
            bytes: 5,
            total: 10,
            made: now(),
            purpose: Some("theft".into()),
            reference: Some("CR/1".into()),
            requester: None,
            package: package.map(|p| p.to_string_lossy().into_owned()),
        };
        let disposed = ExhibitRow {
            state: "Disposed".into(),
            why: "disposed of at noon by op:0002; nothing of it is left here".into(),
            ..row(4, None)
        };
        Ok(vec![disposed, row(2, None), row(1, Some(&self.package))])
    }
    fn package(&self, who: &Account, exhibit: &ExhibitRow) -> Result<Option<Resting>, HubError> {
        permit(who, &table::CLIP_VIEW, now())?;
        let package = exhibit.package.as_ref();
        Ok(package.map(|p| Resting::new(p.into(), self.identity.clone().into())))
    }
    fn was_here(&self, name: &str, _: Origin) -> Result<bool, HubError> {
        Ok(self.here.lock().expect("here").contains(name))
    }
    fn browser_key(&self) -> Result<ring::hmac::Key, HubError> {
        Ok(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 32]))
    }
    fn sign_in(&self, name: &str, password: &str, _: Option<Origin>) -> Result<Account, HubError> {
        self.did
            .lock()
            .expect("did")
            .push(format!("sign-in {name}"));
        match password {
            "right horse" => {
                let role = self.role.lock().expect("role").clone();
                Ok(Account {
                    op: if role == "operator" { 7 } else { 8 },
                    name: name.into(),
                    role,
                })
            }
            _ => Err(HubError::Refused("name or password is wrong".into())),
        }
    }
    fn viewing(
        &self,
        who: &Account,
        exhibit: &str,
        purpose: &str,
        reference: &str,
    ) -> Result<(), HubError> {
        if purpose == "forbidden" {
            return Err(HubError::Refused("not for this".into()));
        }
        self.did
            .lock()
            .expect("did")
            .push(format!("view {} {exhibit} {purpose} {reference}", who.op));
        Ok(())
    }

    fn masks(&self) -> Result<Vec<MaskRow>, HubError> {
        let act = self.act.lock().expect("act").clone();
        if let Some(act) = act {
            act();
        }
        let mask = |review: &str| MaskInfo {
            id: "m7".into(),
            how: "burned".into(),
            style: "pixelated".into(),
            permille: 62,
            sha256: "ab".repeat(32),
            review: Some(Day::parse(review).expect("day")),
            order: Some(40),
            lifted: None,
            instead: None,
        };
        let row = |cam: &str, mask, due, reviewed| MaskRow {
            camera: format!("ashby/{cam}"),
            title: "Market <1>".into(),
            mask,
            due,
            reviewed,
        };
        let reviewed = ReviewRow {
            mask: "m6".into(),
            exhibit: "EXH-2026-000001".into(),
            by: "op:0002".into(),
            made: now(),
            next: Day::parse("2026-10-01").expect("day"),
        };
        Ok(vec![
            row(
                "c01",
                Some(mask("2026-10-01")),
                Due::Overdue,
                Some(reviewed),
            ),
            row("c02", Some(mask("2027-10-01")), Due::Later, None),
            row("c03", None, Due::NoMask, None),
        ])
    }

    fn lifts(&self, who: &Account) -> Result<Vec<LiftRow>, HubError> {
        if who.role == "contractor" {
            return Err(HubError::Refused("a contractor may not see this".into()));
        }
        let row = |n, by: &str| LiftRow {
            n,
            camera: "ashby/c01".into(),
            mask: "m7".into(),
            instead: (n == 40).then(|| Substitute {
                id: "m7-door".into(),
                style: "solid".into(),
                permille: 31,
                sha256: "0".repeat(64),
            }),
            until: None,
            minutes: Some(20),
            authority: Some("RIPA <17>".into()),
            reason: Some("Disturbance".into()),
            by: by.into(),
            made: now(),
            expires: now().plus_ms(3_600_000),
        };
        Ok(vec![row(40, "op:0002"), row(41, "op:0007")])
    }
    fn approve_lift(&self, who: &Account, request: u64) -> Result<Utc, HubError> {
        if request == 41 {
            return Err(HubError::Refused("a second person must approve it".into()));
        }
        let mut did = self.did.lock().expect("did");
        did.push(format!("approve {} {request}", who.op));
        Ok(now().plus_ms(1_200_000))
    }
    fn withdraw_lift(&self, who: &Account, request: u64) -> Result<(), HubError> {
        let mut did = self.did.lock().expect("did");
        did.push(format!("withdraw {} {request}", who.op));
        Ok(())
    }

    fn holds(&self, who: &Account) -> Result<Vec<HoldRow>, HubError> {
        if who.role == "contractor" {
            return Err(HubError::Refused("a contractor may not see this".into()));
        }
        Ok(vec![
            held(12, "placed", Some("op:0002")),
            held(13, "placed", Some("op:0007")),
            held(14, "pending", None),
            held(15, "refused", None),
        ])
    }
    fn approve_release(&self, who: &Account, hold: HoldId) -> Result<HoldRow, HubError> {
        if hold == HoldId(13) {
            return Err(HubError::Refused("a second person must approve it".into()));
        }
        let mut did = self.did.lock().expect("did");
        did.push(format!("release {} {hold}", who.op));
        Ok(held(hold.0, "releasing", None))
    }

    fn evidence(&self, who: &Account) -> Result<Evidence, HubError> {
        if who.role == "contractor" {
            return Err(HubError::Refused("a contractor may not see this".into()));
        }
        Ok(Evidence {
            rows: vec![
                kept_row(1, "due", None),
                kept_row(2, "kept", Some("op:0002")),
                kept_row(3, "kept", Some("op:0007")),
                kept_row(4, "disposed", None),
            ],
            faults: vec![FaultRow {
                code: "evidence.unknown".into(),
                since: now(),
                text: "EXH-2019-000007".into(),
            }],
            bytes: 3_210_000_000,
        })
    }
    fn evidence_faults(&self) -> Result<Vec<FaultRow>, HubError> {
        Ok(vec![FaultRow {
            code: "evidence.due".into(),
            since: now(),
            text: "EXH-2026-000001: its 3 years ended".into(),
        }])
    }
    fn dispose(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
        reason: &str,
    ) -> Result<EvidenceRow, HubError> {
        if reason.is_empty() {
            return Err(HubError::Refused("a reason is needed".into()));
        }
        let mut did = self.did.lock().expect("did");
        did.push(format!("dispose {} {exhibit} {reason}", who.op));
        Ok(kept_row(1, "disposed", None))
    }
    fn approve_disposal(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
    ) -> Result<EvidenceRow, HubError> {
        if exhibit.as_str().ends_with('3') {
            return Err(HubError::Refused("a second person must approve it".into()));
        }
        let mut did = self.did.lock().expect("did");
        did.push(format!("approve disposal {} {exhibit}", who.op));
        Ok(kept_row(2, "disposed", None))
    }
    fn disposal_certificate(&self, _: &Account, exhibit: &ExhibitRef) -> Result<String, HubError> {
        match exhibit.as_str().ends_with('4') {
            true => Ok("CERTIFICATE OF DISPOSAL <b>".into()),
            false => Err(HubError::Refused("has not been disposed of".into())),
        }
    }
}

fn held(n: u64, state: &str, release: Option<&str>) -> HoldRow {
    HoldRow {
        hold: HoldId(n),
        camera: "ashby/c01".into(),
        t0: now().plus_ms(-7_200_000),
        t1: now().plus_ms(-3_600_000),
        state: state.into(),
        ended: None,
        until: now().plus_ms(86_400_000 * 6),
        days_left: Some(6),
        review: Day::parse("2026-11-09").expect("day"),
        segments: (state == "placed").then_some(60),
        bytes: (state == "placed").then_some(1 << 30),
        full: state == "refused",
        why: String::new(),
        due: (state == "pending").then(|| now().plus_ms(86_400_000 * 2)),
        online: false,
        warnings: match state {
            "placed" => vec!["it ends soon".into()],
            _ => Vec::new(),
        },
        reason: Some("Robbery <script>".into()),
        authority: Some("PACE s19".into()),
        reference: None,
        exhibit: None,
        by: "op:0002".into(),
        made: now(),
        release: release.map(|by| ReleaseRow {
            by: by.into(),
            reason: Some("not needed".into()),
            made: now(),
        }),
        freed: Vec::new(),
    }
}

fn kept_row(n: u32, standing: &str, asked: Option<&str>) -> EvidenceRow {
    EvidenceRow {
        exhibit: format!("EXH-2026-{n:06}"),
        camera: "ashby/c01".into(),
        t0: now(),
        t1: now().plus_ms(60_000),
        made: now(),
        state: "Ready".into(),
        class: "general".into(),
        class_text: "general (3 years)".into(),
        review: None,
        until: Day::parse("2029-11-03").expect("day"),
        standing: standing.into(),
        text: format!("it is {standing}"),
        files: 12,
        bytes: 1_070_000_000,
        drop: asked.map(|by| DropRow {
            by: by.into(),
            reason: Some("not needed <script>".into()),
            made: now(),
        }),
        faults: Vec::new(),
        disposed: (standing == "disposed").then(now),
    }
}

struct Site {
    addr: SocketAddr,
    roots: RootCertStore,
    board: Arc<Fake>,
    clock: Arc<Hands>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| {
            l.split_once(": ")
                .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v)
        })
    }
    fn cookie(&self, name: &str) -> Option<String> {
        let all = self
            .head
            .lines()
            .filter_map(|l| l.strip_prefix("set-cookie: "));
        all.filter_map(|v| v.split(';').next()?.split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.to_owned())
    }
    /// The hidden token of the page's form.
    fn form(&self) -> String {
        let text = self.text();
        let at = text.find("name=\"form\" value=\"").expect("a form") + 19;
        text[at..at + 64].to_owned()
    }
}

impl Site {
    async fn new() -> Self {
        Self::with(Times::default()).await
    }

    async fn with(times: Times) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let package = folder.path().join("c01");
        std::fs::create_dir_all(package.join("working")).expect("folder");
        let stsd = |kind: &[u8; 4]| {
            [
                b"\0\0\0\x20ftypisom....stsd\0\0\0\0\0\0\0\x01\0\0\0\x10".as_slice(),
                kind,
                &(0..200u8).collect::<Vec<_>>(),
            ]
            .concat()
        };
        let identity = footage::sealed::keypair().0;
        let rest = Resting::new(package.clone(), identity.clone());
        let long = [
            stsd(b"avc1"),
            (0..200_000u32).flat_map(u32::to_le_bytes).collect(),
        ]
        .concat();
        rest.put("working/a.mp4", &long).expect("write");
        rest.put("working/b.mp4", &stsd(b"hvc1")).expect("write");
        std::fs::write(folder.path().join("secret"), "secret").expect("write");
        std::os::unix::fs::symlink(
            folder.path().join("secret"),
            package.join("working/c.mp4.age"),
        )
        .expect("link");
        rest.put("CERTIFICATE.txt", b"CERTIFICATE <b>")
            .expect("write");

        let key = KeyPair::generate().expect("key");
        let cert = CertificateParams::new(vec!["localhost".to_owned()])
            .expect("params")
            .self_signed(&key)
            .expect("cert");
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).expect("root");
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("key");
        let listener = super::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("bind");
        let addr = listener.local_addr().expect("addr");
        let board = Arc::new(Fake {
            package,
            identity: identity.to_string(),
            did: Mutex::default(),
            role: Mutex::new("operator".into()),
            act: Mutex::default(),
            here: Mutex::default(),
        });
        let clock = Arc::new(Hands(Mutex::new(Now {
            wall: now(),
            mono: 0,
        })));
        let (stop, stopped) = oneshot::channel::<()>();
        let provider = rustls::crypto::ring::default_provider();
        let shown = rustls::sign::CertifiedKey::from_der(vec![cert.der().clone()], key, &provider);
        let shown = rustls::sign::SingleCertAndKey::from(shown.expect("certificate"));
        let tls = super::tls(Arc::new(shown)).expect("tls");
        let served = tokio::spawn(super::serve(
            listener,
            tls,
            board.clone(),
            clock.clone(),
            times,
            async { drop(stopped.await) },
        ));
        Self {
            addr,
            roots,
            board,
            clock,
            stop: Some(stop),
            served,
            _folder: folder,
        }
    }

    /// A connection, its handshake done.
    async fn connect(&self) -> tokio_rustls::client::TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions");
        let config = config
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let tcp = TcpStream::connect(self.addr).await.expect("connect");
        let name = ServerName::try_from("localhost").expect("name");
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .expect("handshake")
    }

    async fn send(&self, request: String) -> Answer {
        let mut tls = self.connect().await;
        tls.write_all(request.as_bytes()).await.expect("send");
        let mut bytes = Vec::new();
        // The server need not send close_notify for the answer to be whole: its length is checked below.
        let _ = tls.read_to_end(&mut bytes).await;
        let at = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("head");
        let head = String::from_utf8_lossy(&bytes[..at]).replace("\r\n", "\n");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .expect("status");
        let answer = Answer {
            status,
            head,
            body: bytes[at + 4..].to_vec(),
        };
        if let Some(length) = answer.header("content-length") {
            assert_eq!(length, answer.body.len().to_string(), "{}", answer.head);
        }
        assert!(
            answer
                .header("content-security-policy")
                .is_some_and(|p| p.starts_with("default-src 'none'") && !p.contains("unsafe")),
            "{}",
            answer.head
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("strict-transport-security").is_some());
        assert!(
            answer.status < 400 || answer.status == 416 || answer.text().contains("<h1>"),
            "a refusal is a page: {answer:?}"
        );
        answer
    }

    async fn get(&self, path: &str, cookie: &str, more: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n{more}\r\n")).await
    }

    async fn post(&self, path: &str, cookie: &str, body: &str, more: &str) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n{more}"
        );
        self.send(format!("{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await
    }

    async fn sign_in(&self, password: &str) -> Answer {
        self.sign_in_as("kim", password, "").await
    }

    /// `cookies`: what the browser has, but for the form's.
    async fn sign_in_as(&self, name: &str, password: &str, cookies: &str) -> Answer {
        let form = self.get("/sign-in", "", "").await;
        let knock = form.cookie("__Host-beadle-knock").expect("knock");
        let body = format!(
            "form={}&name={name}&password={}",
            form.form(),
            password.replace(' ', "+")
        );
        self.post(
            "/sign-in",
            &format!("__Host-beadle-knock={knock}; {cookies}"),
            &body,
            "",
        )
        .await
    }

    async fn cookie_of(&self, role: &str) -> String {
        *self.board.role.lock().expect("role") = role.into();
        self.cookie().await
    }

    async fn cookie(&self) -> String {
        let answer = self.sign_in("right horse").await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        format!(
            "__Host-beadle={}",
            answer.cookie("__Host-beadle").expect("cookie")
        )
    }

    fn did(&self) -> Vec<String> {
        self.board.did.lock().expect("did").clone()
    }
}

mod doors;
mod evidence;
mod guesses;
mod holds;
mod lifts;
mod limits;
mod masks;
mod pages;
mod retention;
mod roles;
mod viewing;
