//! Adapter: HTTPS. The staff pages over real TLS connections, against a board of the tests' own.
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::{Clock, Day, Now, Utc, Zone},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};
use tokio_rustls::TlsConnector;

use super::sessions::{IDLE_MS, VIEWING_MS};
use crate::board::{
    Account, Board, BoxRow, CameraRow, DayRow, ExhibitRow, Footage, GapRow, LiftRow, Refusal, Span,
};

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
struct Fake {
    package: PathBuf,
    did: Mutex<Vec<String>>,
}

const NOW: &str = "2026-11-03T14:00:00.000Z";

fn now() -> Utc {
    Utc::parse(NOW).expect("time")
}

impl Board for Fake {
    fn zone(&self) -> Zone {
        Zone::parse("Europe/London").expect("zone")
    }
    fn scheme(&self) -> String {
        "cctv.example.gov.uk".into()
    }
    fn boxes(&self) -> Result<Vec<BoxRow>, Refusal> {
        let camera = |cam: &str, title: &str, recording| CameraRow {
            cam: CameraId::parse(cam).expect("cam"),
            title: title.into(),
            masked: true,
            recording,
            landed: Some(now().plus_ms(-900)),
            stands_secs: None,
            rate: None,
        };
        Ok(vec![BoxRow {
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
                camera("c02", "Market", false),
            ],
        }])
    }
    fn footage(&self, camera: &BoxCamera, _: Option<Day>) -> Result<Footage, Refusal> {
        if camera.cam.as_str() == "c99" {
            return Err(Refusal("box ashby has no camera c99".into()));
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
                why: "camera silent".into(),
                packets: 3,
            }],
            bytes: 1 << 30,
            days_left: Some(31),
            deleted: false,
        }];
        Ok(Footage {
            camera: camera.to_string(),
            zone: "Europe/London".into(),
            days,
        })
    }
    fn exhibits(&self) -> Result<Vec<ExhibitRow>, Refusal> {
        let row = |n: u32, package: Option<&Path>| ExhibitRow {
            r#ref: format!("EXH-2026-{n:06}"),
            grant: "G-1".into(),
            camera: "ashby/c01".into(),
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
        Ok(vec![row(2, None), row(1, Some(&self.package))])
    }
    fn sign_in(&self, name: &str, password: &str) -> Result<Account, Refusal> {
        self.did
            .lock()
            .expect("did")
            .push(format!("sign-in {name}"));
        match password {
            "right horse" => Ok(Account {
                op: 7,
                name: name.into(),
                role: "operator".into(),
            }),
            _ => Err(Refusal("name or password is wrong".into())),
        }
    }
    fn viewing(
        &self,
        who: &Account,
        exhibit: &str,
        purpose: &str,
        reference: &str,
    ) -> Result<(), Refusal> {
        if purpose == "forbidden" {
            return Err(Refusal("not for this".into()));
        }
        self.did
            .lock()
            .expect("did")
            .push(format!("view {} {exhibit} {purpose} {reference}", who.op));
        Ok(())
    }

    fn lifts(&self, who: &Account) -> Result<Vec<LiftRow>, Refusal> {
        if who.role == "contractor" {
            return Err(Refusal("a contractor may not see this".into()));
        }
        let row = |n, by: &str| LiftRow {
            n,
            camera: "ashby/c01".into(),
            mask: "m7".into(),
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
    fn approve_lift(&self, who: &Account, request: u64) -> Result<Utc, Refusal> {
        if request == 41 {
            return Err(Refusal("a second person must approve it".into()));
        }
        let mut did = self.did.lock().expect("did");
        did.push(format!("approve {} {request}", who.op));
        Ok(now().plus_ms(1_200_000))
    }
    fn withdraw_lift(&self, who: &Account, request: u64) -> Result<(), Refusal> {
        let mut did = self.did.lock().expect("did");
        did.push(format!("withdraw {} {request}", who.op));
        Ok(())
    }
}

struct Site {
    addr: SocketAddr,
    roots: RootCertStore,
    board: Arc<Fake>,
    clock: Arc<Hands>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<Result<(), super::WebError>>,
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
        std::fs::write(package.join("working/a.mp4"), stsd(b"avc1")).expect("write");
        std::fs::write(package.join("working/b.mp4"), stsd(b"hvc1")).expect("write");
        std::fs::write(folder.path().join("secret"), "secret").expect("write");
        std::os::unix::fs::symlink(folder.path().join("secret"), package.join("working/c.mp4"))
            .expect("link");
        std::fs::write(package.join("CERTIFICATE.txt"), "CERTIFICATE <b>").expect("write");

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
            did: Mutex::default(),
        });
        let clock = Arc::new(Hands(Mutex::new(Now {
            wall: now(),
            mono: 0,
        })));
        let (stop, stopped) = oneshot::channel::<()>();
        let tls = super::tls(vec![cert.der().clone()], key).expect("tls");
        let served = tokio::spawn(super::serve(
            listener,
            tls,
            board.clone(),
            clock.clone(),
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

    async fn send(&self, request: String) -> Answer {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions");
        let config = config
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let tcp = TcpStream::connect(self.addr).await.expect("connect");
        let name = ServerName::try_from("localhost").expect("name");
        let mut tls = TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .expect("handshake");
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
        let form = self.get("/sign-in", "", "").await;
        let knock = form.cookie("__Host-beadle-knock").expect("knock");
        let body = format!(
            "form={}&name=kim&password={}",
            form.form(),
            password.replace(' ', "+")
        );
        self.post(
            "/sign-in",
            &format!("__Host-beadle-knock={knock}"),
            &body,
            "",
        )
        .await
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

/// SEC-1: whoever is not signed in sees the sign-in page and the style sheet, and nothing else.
#[tokio::test]
async fn strangers_see_nothing() {
    let mut site = Site::new().await;
    for path in [
        "/",
        "/footage/ashby/c01",
        "/clip/EXH-2026-000001",
        "/clip/EXH-2026-000001/play/0",
        "/clip/EXH-2026-000001/certificate",
        "/lifts",
        "/api/v1/lifts",
        "/nothing",
        "/api",
    ] {
        for cookie in [
            "",
            "__Host-beadle=",
            "__Host-beadle=0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            let answer = site.get(path, cookie, "").await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (303, Some("/sign-in")),
                "{path}"
            );
        }
    }
    let answer = site
        .post(
            "/clip/EXH-2026-000001",
            "",
            "form=x&purpose=a&reference=b",
            "",
        )
        .await;
    assert_eq!(answer.status, 303);
    assert_eq!(site.get("/style.css", "", "").await.status, 200);
    assert!(site.did().is_empty());
    // Stops when told to, and takes no more.
    drop(site.stop.take());
    (&mut site.served).await.expect("ends").expect("well");
    assert!(TcpStream::connect(site.addr).await.is_err());
}

/// SEC-2: the cookie cannot be read by scripts or sent by other sites; wrong passwords and foreign forms do not sign in.
#[tokio::test]
async fn signing_in() {
    let site = Site::new().await;
    let wrong = site.sign_in("wrong").await;
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.text().contains("name or password is wrong")
            && wrong.cookie("__Host-beadle").is_none()
    );
    let right = site.sign_in("right horse").await;
    let line = right
        .head
        .lines()
        .find(|l| l.starts_with("set-cookie: __Host-beadle="))
        .expect("cookie");
    for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(line.contains(part), "{line}");
    }
    let before = site.did().len();
    let form = site.get("/sign-in", "", "").await;
    let knock = format!(
        "__Host-beadle-knock={}",
        form.cookie("__Host-beadle-knock").expect("knock")
    );
    let body = format!("form={}&name=kim&password=right+horse", form.form());
    assert_eq!(
        site.post("/sign-in", "", &body, "").await.status,
        403,
        "no knock cookie"
    );
    assert_eq!(
        site.post(
            "/sign-in",
            &knock,
            "form=x&name=kim&password=right+horse",
            ""
        )
        .await
        .status,
        403,
        "no token"
    );
    assert_eq!(
        site.post("/sign-in", &knock, &body, "Sec-Fetch-Site: cross-site\r\n")
            .await
            .status,
        403,
        "another site"
    );
    assert_eq!(
        site.post(
            "/sign-in",
            &knock,
            &format!("{body}&x={}", "y".repeat(20_000)),
            ""
        )
        .await
        .status,
        413,
        "too large"
    );
    assert_eq!(
        site.did().len(),
        before,
        "none of them reached the password check"
    );

    let cookie = site.cookie().await;
    let home = site.get("/", &cookie, "").await;
    assert_eq!(home.status, 200);
    assert_eq!(
        site.post("/sign-out", &cookie, "form=x", "").await.status,
        403
    );
    assert_eq!(
        site.post("/sign-out", &cookie, &format!("form={}", home.form()), "")
            .await
            .status,
        303
    );
    assert_eq!(site.get("/", &cookie, "").await.status, 303);
    let cookie = site.cookie().await;
    site.clock.later(IDLE_MS);
    assert_eq!(site.get("/", &cookie, "").await.status, 303, "idle");
}

/// HLT-1: boxes, cameras, days and clips in words and symbols; what people typed is shown, not run.
#[tokio::test]
async fn the_first_page() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let text = site.get("/", &cookie, "").await.text();
    for part in [
        "ashby",
        "✔</span> recording",
        "✖</span> not recording",
        "last frame landed Tue 3 Nov 2026 13:59:59 GMT",
        "masked",
        "2026-11-03",
        "aria-label=\"2026-11-03: 13 h 00 min recorded, 2 stretches",
        "31 days left",
        "EXH-2026-000001",
        "Ready",
        "Waiting",
        "5 bytes of 10 bytes",
        "17 log lines",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("<script") && !text.contains("style=\""));
    let text = site.get("/footage/ashby/c02", &cookie, "").await.text();
    for part in [
        "Market",
        "00:00:00 to 06:00:00",
        "06:00:00 to 07:00:00: camera silent",
        "1.0 GB",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(
        site.get("/footage/ashby/c99", &cookie, "").await.status,
        404
    );
    assert_eq!(
        site.get("/footage/ashby/..%2f..", &cookie, "").await.status,
        404
    );
    assert_eq!(site.get("/nothing", &cookie, "").await.status, 404);
}

/// AUD-1: no picture before a purpose and a reference are on the log; the permission is for that exhibit and half an hour.
#[tokio::test]
async fn viewing_needs_a_logged_purpose() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    for path in ["play/0", "save/0", "certificate"] {
        assert_eq!(
            site.get(&format!("/clip/EXH-2026-000001/{path}"), &cookie, "")
                .await
                .status,
            403
        );
    }
    let page = site.get("/clip/EXH-2026-000001", &cookie, "").await;
    assert!(page.text().contains("Purpose") && !page.text().contains("<video"));
    let form = page.form();
    let blank = site
        .post(
            "/clip/EXH-2026-000001",
            &cookie,
            &format!("form={form}&purpose=+&reference=b"),
            "",
        )
        .await;
    assert!(blank.text().contains("Please give a purpose") && blank.text().contains("value=\"b\""));
    let no = site
        .post(
            "/clip/EXH-2026-000001",
            &cookie,
            &format!("form={form}&purpose=forbidden&reference=b"),
            "",
        )
        .await;
    assert!(no.text().contains("not for this"));
    assert_eq!(
        site.post(
            "/clip/EXH-2026-000001",
            &cookie,
            "form=x&purpose=a&reference=b",
            ""
        )
        .await
        .status,
        403
    );
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &cookie, "")
            .await
            .status,
        403
    );
    assert!(!site.did().iter().any(|d| d.starts_with("view")));

    let yes = site
        .post(
            "/clip/EXH-2026-000001",
            &cookie,
            &format!("form={form}&purpose=theft+case&reference=CR%2F1"),
            "",
        )
        .await;
    assert_eq!(
        (yes.status, yes.header("location")),
        (303, Some("/clip/EXH-2026-000001"))
    );
    assert_eq!(
        site.did().last().map(String::as_str),
        Some("view 7 EXH-2026-000001 theft case CR/1")
    );
    let page = site.get("/clip/EXH-2026-000001", &cookie, "").await.text();
    assert_eq!(page.matches("<video").count(), 1);
    assert!(page.contains("This clip is H.265; this browser cannot play it here."));
    let whole = site.get("/clip/EXH-2026-000001/play/0", &cookie, "").await;
    assert_eq!(
        (
            whole.status,
            whole.header("content-type"),
            whole.header("accept-ranges")
        ),
        (200, Some("video/mp4"), Some("bytes"))
    );
    let part = site
        .get(
            "/clip/EXH-2026-000001/play/0",
            &cookie,
            "Range: bytes=10-19\r\n",
        )
        .await;
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[10..20]));
    assert_eq!(
        part.header("content-range"),
        Some(format!("bytes 10-19/{}", whole.body.len()).as_str())
    );
    assert_eq!(
        site.get(
            "/clip/EXH-2026-000001/play/0",
            &cookie,
            "Range: bytes=9999-\r\n"
        )
        .await
        .status,
        416
    );
    let saved = site.get("/clip/EXH-2026-000001/save/1", &cookie, "").await;
    assert_eq!(
        saved.header("content-disposition"),
        Some("attachment; filename=\"EXH-2026-000001_b.mp4\"")
    );
    assert_eq!(
        site.get("/clip/EXH-2026-000001/save/2", &cookie, "")
            .await
            .status,
        404,
        "a link is no copy"
    );
    let certificate = site
        .get("/clip/EXH-2026-000001/certificate", &cookie, "")
        .await;
    assert_eq!(
        (
            certificate.header("content-type"),
            certificate.text().as_str()
        ),
        (Some("text/plain; charset=utf-8"), "CERTIFICATE <b>")
    );

    assert!(
        site.get("/clip/EXH-2026-000002", &cookie, "")
            .await
            .text()
            .contains("nothing to watch yet")
    );
    assert_eq!(
        site.get("/clip/EXH-2026-000002/play/0", &cookie, "")
            .await
            .status,
        403
    );
    for bad in ["EXH-2026-000009", "x", "..", "EXH-2026-000001%00"] {
        assert_eq!(
            site.get(&format!("/clip/{bad}"), &cookie, "").await.status,
            404,
            "{bad}"
        );
    }
    let other = site.cookie().await;
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &other, "")
            .await
            .status,
        403,
        "another person's purpose does not count"
    );
    site.clock.later(VIEWING_MS / 2);
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &cookie, "")
            .await
            .status,
        200
    );
    site.clock.later(VIEWING_MS / 2);
    assert_eq!(
        site.get("/clip/EXH-2026-000001/play/0", &cookie, "")
            .await
            .status,
        403
    );
}

/// MSK-4, ROL-5: lifts that wait are shown to those who may approve one, who is told when it is his own; nothing is approved by a form
/// of another session.
#[tokio::test]
async fn lifts_wait_for_a_second_person() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/lifts", &cookie, "").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let text = page.text();
    assert!(
        text.contains("Request 40") && text.contains("for 20 minutes"),
        "{text}"
    );
    assert!(
        text.contains("RIPA &#60;17&#62;") || text.contains("RIPA &lt;17&gt;"),
        "{text}"
    );
    assert_eq!(
        text.matches("value=\"approve\"").count(),
        1,
        "not one's own: {text}"
    );
    let form = page.form();
    let post = async |body: String| site.post("/lifts", &cookie, &body, "").await;
    assert_eq!(
        post("form=x&request=40&act=approve".into()).await.status,
        403
    );
    assert_eq!(
        post(format!("form={form}&request=40&act=erase"))
            .await
            .status,
        403
    );
    let own = post(format!("form={form}&request=41&act=approve")).await;
    assert!(
        own.text().contains("a second person must approve it"),
        "{}",
        own.text()
    );
    assert!(!site.did().iter().any(|d| d.starts_with("approve")));
    let yes = post(format!("form={form}&request=40&act=approve")).await;
    assert!(
        yes.text().contains("The mask is lifted until"),
        "{}",
        yes.text()
    );
    post(format!("form={form}&request=41&act=withdraw")).await;
    let did = site.did();
    assert!(
        did.contains(&"approve 7 40".into()) && did.contains(&"withdraw 7 41".into()),
        "{did:?}"
    );
    let json = site.get("/api/v1/lifts", &cookie, "").await;
    assert!(json.text().contains("\"n\":40"), "{}", json.text());
}
