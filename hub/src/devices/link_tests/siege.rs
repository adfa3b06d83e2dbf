//! All attackers at once against a hub with twenty boxes (V6 to V11): seconds of it in `make test`, half an hour in `make soak`
//! (`BEADLE_SIEGE_SECS`).
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

use super::*;
use crate::{keys::authority::Side, web};

const BOXES: usize = 20;
/// What must hold the whole time.
const COUNTERSIGNED: Duration = Duration::from_secs(120);
const PAGE: Duration = Duration::from_secs(2);
/// Attackers, boxes and staff come from different addresses, as they do.
const ATTACKERS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));
const TOWNS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const STAFF: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// What a thin line lets an attacker do.
const BREATH: Duration = Duration::from_millis(200);

struct Pages {
    addr: SocketAddr,
    tls: tokio_rustls::TlsConnector,
}

type Tls = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

impl Pages {
    fn serve(hub: &mut Rig) -> Self {
        let listener = web::bind(([127, 0, 0, 1], 0).into()).expect("port");
        let addr = listener.local_addr().expect("address");
        let authority = hub.desk.keys.authority();
        let shown = ServerCertificate::open(authority, Side::Pages, &[], SystemClock.now().wall)
            .expect("certificate");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.der().clone()).expect("root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let desk = hub.desk.clone();
        let tls = web::tls(Arc::new(shown)).expect("tls");
        hub.tasks.spawn(web::serve(
            listener,
            tls,
            desk,
            web::Times::default(),
            std::future::pending(),
        ));
        Self {
            addr,
            tls: tokio_rustls::TlsConnector::from(Arc::new(client)),
        }
    }

    async fn connect(&self, from: IpAddr) -> std::io::Result<Tls> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let tcp = socket.connect(self.addr).await?;
        let name = rustls::pki_types::ServerName::try_from("localhost").expect("name");
        self.tls.connect(name, tcp).await
    }

    async fn ask(&self, from: IpAddr, request: &str) -> std::io::Result<String> {
        let mut tls = self.connect(from).await?;
        tls.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        // Whether the other side says goodbye is its business.
        let _ = tls.read_to_end(&mut bytes).await;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn get(&self, from: IpAddr, path: &str, cookie: &str) -> std::io::Result<String> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
        );
        self.ask(from, &request).await
    }

    /// The cookie of whoever signed in; what the hub said instead.
    async fn sign_in(&self, from: IpAddr, name: &str, password: &str) -> Result<String, String> {
        let knock = "a".repeat(64);
        let body = format!("form={knock}&name={name}&password={password}");
        let request = format!(
            "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: __Host-beadle-knock={knock}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.ask(from, &request).await.map_err(|e| e.to_string())?;
        let at = answer.find("__Host-beadle=").ok_or(answer.clone())?;
        let cookie = answer[at..].split(';').next().unwrap_or_default();
        Ok(cookie.to_owned())
    }
}

/// A box that brings a line now and then. Returns how long the slowest took to be countersigned.
async fn town(
    hub: SocketAddr,
    ca: CertificateDer<'static>,
    who: (CertificateDer<'static>, Vec<u8>),
    name: String,
    until: Instant,
) -> Duration {
    let line = dial_from(TOWNS, hub, &ca, Some(&who)).await.expect("in");
    let _control = control(&line, &name).await;
    let mut log = LogBuilder::new(&format!("{SCHEME}/box/{name}/1"));
    let mut slowest = Duration::ZERO;
    while Instant::now() < until {
        log.beat();
        let at = Instant::now();
        let answer = tokio::time::timeout(COUNTERSIGNED, audit(&line, &log)).await;
        match answer.expect("in time") {
            AuditReply::Cosigned { .. } => slowest = slowest.max(at.elapsed()),
            other => panic!("{name}: {other:?}"),
        }
        // A stream each time here; a box opens one and keeps it.
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    slowest
}

/// An enrolled box that was taken over: reports, lines and logs without end.
async fn evil(
    hub: SocketAddr,
    ca: CertificateDer<'static>,
    who: (CertificateDer<'static>, Vec<u8>),
    n: u64,
) {
    let mut log = LogBuilder::new(&format!("{SCHEME}/box/evil/1"));
    let mut kinds = 0;
    loop {
        tokio::time::sleep(BREATH).await;
        let Ok(line) = dial_from(ATTACKERS, hub, &ca, Some(&who)).await else {
            continue;
        };
        let Ok((mut out, mut inc)) = line.open_bi().await else {
            continue;
        };
        let hello = wire::encode_json(&hello("evil")).expect("frame");
        if out.write_all(&hello).await.is_err() || frame(&mut inc).await.is_none() {
            continue;
        }
        let health = ToHub::Health {
            time: SystemClock.now().wall,
            free_mib: n,
            cameras: vec![],
            faults: vec![],
            approvers: None,
        };
        let health = wire::encode_json(&health).expect("frame").repeat(500);
        let _ = out.write_all(&health).await;
        for number in [999_999_999_999_999, 1] {
            let Ok((mut out, mut inc)) = line.open_bi().await else {
                break;
            };
            let open = wire::encode_json(&Open::Audit {
                log: number,
                cosigned: None,
            });
            if out.write_all(&open.expect("frame")).await.is_err() {
                break;
            }
            let have = frame(&mut inc).await.and_then(|f| f.json().ok());
            let Some(AuditReply::Have { size, .. }) = have else {
                continue;
            };
            for _ in 0..200 {
                kinds += 1;
                let data = serde_json::json!({ "x": "x".repeat(2000) });
                log.add_raw(&format!("x.k{kinds}"), "sys:evil", &data);
            }
            let from = (size as usize).min(log.lines.len());
            for lines in log.lines[from..].chunks(300) {
                let _ = out.write_all(&wire::encode(b'L', &lines.concat())).await;
            }
            let head = log.head().render();
            let _ = out.write_all(&wire::encode(b'H', head.as_bytes())).await;
            let _ = tokio::time::timeout(BREATH, frame(&mut inc)).await;
        }
    }
}

/// Twenty boxes are countersigned within two minutes of their heads, and staff pages answer within two seconds, whatever strangers and a box
/// that was taken over do meanwhile; a new box enrols.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_is_served_under_siege() {
    let secs = std::env::var("BEADLE_SIEGE_SECS").ok();
    let secs = secs.and_then(|s| s.parse().ok()).unwrap_or(6);
    let mut hub = Rig::new();
    let pages = Arc::new(Pages::serve(&mut hub));
    let (addr, ca) = (hub.desk.quic, hub.desk.keys.authority().der().clone());
    let desk = hub.desk.clone();
    let made = blocking(move || {
        for name in ["kim", "lee"] {
            desk.hire(name, "operator", "secret");
        }
    });
    made.await.expect("runs");
    let mut whos = Vec::new();
    for n in 0..BOXES {
        let name = format!("town{n:02}");
        whos.push((hub.enrolled(&name).await, name));
    }
    let evils = hub.enrolled("evil").await;
    let cookie = pages
        .sign_in(STAFF, "kim", "secret")
        .await
        .expect("signed in");
    let begun = strangers::half_open(&hub, 40).await;

    let mut attackers = tokio::task::JoinSet::new();
    for n in 0..48 {
        let (pages, ca) = (pages.clone(), ca.clone());
        attackers.spawn(async move {
            loop {
                tokio::time::sleep(BREATH).await;
                match n % 3 {
                    // Says nothing at the door of boxes.
                    0 => {
                        if let Ok(line) = dial_from(ATTACKERS, addr, &ca, None).await {
                            let _ =
                                tokio::time::timeout(Duration::from_secs(20), line.closed()).await;
                        }
                    }
                    // A head that never ends.
                    1 => {
                        if let Ok(mut tls) = pages.connect(ATTACKERS).await {
                            let _ = tls.write_all(b"GET / HTTP/1.1\r\nX: ").await;
                            let _ = tls.read(&mut [0; 64]).await;
                        }
                    }
                    // Guesses.
                    _ => {
                        let name = if n % 2 == 0 { "kim" } else { "nobody" };
                        let _ = pages.sign_in(ATTACKERS, name, "wrong").await;
                    }
                }
            }
        });
    }
    attackers.spawn(async move {
        let socket = tokio::net::UdpSocket::bind((ATTACKERS, 0))
            .await
            .expect("socket");
        for packet in begun.iter().cycle() {
            let _ = socket.send_to(packet, addr).await;
            tokio::time::sleep(BREATH / 10).await;
        }
    });
    attackers.spawn(evil(addr, ca.clone(), evils, 1));

    let until = Instant::now() + Duration::from_secs(secs);
    let mut towns = tokio::task::JoinSet::new();
    for (who, name) in whos {
        towns.spawn(town(addr, ca.clone(), who, name, until));
    }
    let (slowest, seen) = (AtomicU64::new(0), AtomicU64::new(0));
    while Instant::now() < until {
        for path in ["/", "/retention", "/masks"] {
            let at = Instant::now();
            let page = tokio::time::timeout(PAGE, pages.get(STAFF, path, &cookie)).await;
            let page = page.unwrap_or_else(|_| panic!("{path} took longer than {PAGE:?}"));
            let page = page.expect("an answer");
            assert!(page.starts_with("HTTP/1.1 200 "), "{path}: {page}");
            slowest.fetch_max(at.elapsed().as_millis() as u64, Ordering::Relaxed);
            seen.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    // Somebody who was never there signs in, the owner of the name that is guessed too, and a box enrols.
    for name in ["lee", "kim"] {
        let in_ = pages.sign_in(STAFF, name, "secret").await;
        assert!(in_.is_ok(), "{name}: {in_:?}");
    }
    hub.enrolled("latecomer").await;
    let mut worst = Duration::ZERO;
    while let Some(took) = towns.join_next().await {
        worst = worst.max(took.expect("a town"));
    }
    attackers.shutdown().await;
    let desk = hub.desk.clone();
    let lines = blocking(move || desk.log.handle().size())
        .await
        .expect("runs");
    println!(
        "siege of {secs} s: slowest countersignature {} ms, slowest of {} pages {} ms, the hub's own log has {lines} lines",
        worst.as_millis(),
        seen.into_inner(),
        slowest.into_inner(),
    );
    assert!(
        lines < 400 + secs,
        "the hub's own log is not filled: {lines}"
    );
}
