//! What one address, one person and one request may take of the pages (V7, V10).
use std::time::{Duration, Instant};

use super::{everybody::over_the_socket, *};
use crate::api::{call, socket};

const SHORT: Duration = Duration::from_millis(300);
/// How soon an honest page is there although others crowd the door. Without them it takes some milliseconds.
const PROMPT: Duration = Duration::from_secs(5);

fn deed(n: u64, does: impl Fn() + Send + Sync + 'static) {
    DEEDS.lock().expect("deeds").insert(n, Arc::new(does));
}

async fn prompt<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PROMPT, work)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come in time"))
}

/// Reads until the other side closes.
async fn to_the_end(tls: &mut tokio_rustls::client::TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    let _ = tls.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// V7: three hundred connections that send a head that never ends, from the address the honest come from too, keep nobody out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_connections_keep_nobody_out() {
    let site = Site::new().await;
    let mut slow = Vec::new();
    for n in 0..300 {
        // Some not even a handshake.
        if n % 10 == 0 {
            let tcp = TcpStream::connect(site.addr).await.expect("connect");
            slow.push((Some(tcp), None));
            continue;
        }
        let mut tls = site.connect().await;
        // Those that lost their place already are closed.
        let _ = tls.write_all(b"GET / HTTP/1.1\r\nHost:").await;
        slow.push((None, Some(tls)));
    }
    let page = prompt("the sign-in page", site.get("/sign-in", "", "")).await;
    assert_eq!(page.status, 200);
    let cookie = prompt("signing in", site.cookie()).await;
    assert_eq!(
        prompt("a page", site.get("/", &cookie, "")).await.status,
        200
    );
    let (_, first) = &mut slow[1];
    let first = first.as_mut().expect("a connection");
    assert_eq!(prompt("its end", to_the_end(first)).await, "");
}

/// V7: a byte now and then keeps neither a head nor a form alive past its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drip_does_not_last() {
    let site = Site::with(Times {
        head: SHORT,
        body: SHORT,
        life: PROMPT * 10,
        ..Times::default()
    })
    .await;
    let mut tls = site.connect().await;
    tls.write_all(b"GET / HTTP/1.1\r\nX: ").await.expect("sent");
    let (mut read, mut write) = tokio::io::split(tls);
    let drip = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let mut bytes = Vec::new();
    let ended = prompt("the end of a head", read.read_to_end(&mut bytes)).await;
    drop(ended);
    drip.abort();

    let mut tls = site.connect().await;
    let head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nform=";
    tls.write_all(head.as_bytes()).await.expect("sent");
    let answer = prompt("the end of a form", to_the_end(&mut tls)).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("Nothing was done"), "{answer}");
}

/// V7: a stranger's connection ends after its time, whatever it asks for meanwhile; nobody is thrown out of a page that is being made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_connection_ends() {
    let site = Site::with(Times {
        life: SHORT,
        ..Times::default()
    })
    .await;
    let mut tls = site.connect().await;
    let ends = async {
        let mut buffer = [0; 4096];
        loop {
            let request = b"GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n";
            if tls.write_all(request).await.is_err()
                || !matches!(tls.read(&mut buffer).await, Ok(1..))
            {
                break;
            }
        }
    };
    prompt("its end", ends).await;
    let cookie = site.cookie().await;
    deed(1, || std::thread::sleep(SHORT * 2));
    let page = prompt("a page", site.get("/acts/1", &cookie, "")).await;
    assert_eq!(page.status, 200);
}

/// V7: what is not as our pages send it is refused in words, with the status of a refusal.
#[tokio::test]
async fn refusals_are_pages() {
    let site = Site::new().await;
    let cookie = site.cookie_of("supervisor").await;
    let form = site.get("/", &cookie, "").await.form();
    for (path, body, status) in [
        // Without a token it is no form of this session's.
        ("/lifts", "".to_owned(), 403),
        ("/lifts", format!("form={form}&request=x&act=approve"), 422),
        ("/lifts", format!("form={form}&request=41&act=approve"), 404),
        (
            "/holds",
            format!("form={form}&hold=H-000013&act=approve"),
            404,
        ),
        (
            "/evidence",
            format!("form={form}&exhibit=EXH-2026-000001&act=approve"),
            422,
        ),
        ("/", "".to_owned(), 405),
        ("/retention", "a=b".to_owned(), 405),
        ("/sign-in", "a=b".to_owned(), 422),
        (
            "/clip/EXH-2026-000001",
            format!("form={form}&purpose=&reference="),
            422,
        ),
    ] {
        let answer = site.post(path, &cookie, &body, "").await;
        assert_eq!(answer.status, status, "{path} {body}");
    }
    let odd = site.get("/clip/EXH-2026-000001/play/x", &cookie, "").await;
    assert_eq!(odd.status, 400);
    let json = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let odd = site
        .send(format!("POST /holds HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n{json}"))
        .await;
    assert_eq!(odd.status, 415);
}

/// V10: a panic is told as what it is, and ends nothing but the page it happened in.
#[tokio::test]
async fn a_panic_is_told_as_one() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    deed(2, || panic!("as the test wants it"));
    let page = site.get("/acts/2", &cookie, "").await;
    assert_eq!(page.status, 500);
    assert!(page.text().contains("fault in Beadle") && !page.text().contains("stopping"));
    let answer = site.get("/api/v1/acts/2", &cookie, "").await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("\"broken\"") && answer.text().contains("fault in Beadle"));
    assert!(!answer.text().contains("as the test wants it"));
    assert_eq!(site.get("/masks", &cookie, "").await.status, 200);
}

/// V2, EVI-1: what broke is a failure, never a prohibition: a number to quote on the page and in the journal, and no word of the records.
#[tokio::test]
async fn broken_records_are_a_failure() {
    #[derive(Clone, Default)]
    struct Journal(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Journal {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("journal").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let journal = Journal::default();
    let writer = journal.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _told = tracing::subscriber::set_default(subscriber);
    let site = Site::new().await;
    let cookie = site.cookie().await;
    assert_eq!(site.get("/evidence", &cookie, "").await.status, 200);
    let records = rusqlite::Connection::open(site.rig.dir.path().join("hub.sqlite"));
    records
        .expect("records")
        .execute_batch("DROP TABLE disposals")
        .expect("broken");
    std::fs::create_dir_all(site.hub().state.join("run")).expect("folder");
    let listener = socket::bind(&site.hub().state).expect("the socket");
    let served = tokio::spawn(socket::run(site.rig.hub.clone(), listener));
    let list = call::Call {
        method: "GET",
        path: "/api/v1/evidence".into(),
        body: None,
    };
    for path in ["/evidence", "/api/v1/evidence", "the socket"] {
        // Root reads the journal too: no door tells what is in the records.
        let answer = match path {
            "the socket" => over_the_socket(&site, &list, Some("kim")).await,
            path => site.get(path, &cookie, "").await,
        };
        assert_eq!(answer.status, 500, "{path}");
        let text = answer.text();
        for word in ["SELECT", "table", "sqlite", "disposals"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        let number = text.split("under the number ").nth(1).expect("a number");
        let number = number[..8].to_owned();
        let told = String::from_utf8(journal.0.lock().expect("journal").clone()).expect("text");
        let line = told.lines().find(|l| l.contains(&number));
        let line = line.unwrap_or_else(|| panic!("{number} is not in the journal: {told}"));
        assert!(
            line.contains("ERROR") && line.contains("disposals"),
            "{line}"
        );
    }
    served.abort();
    assert_eq!(site.get("/masks", &cookie, "").await.status, 200);
}

/// V10: one person's pages that nobody waits for any more keep nobody else waiting, an answer that takes too long is given up in words, and
/// the pages stop all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abandoned_work_is_bounded() {
    let mut site = Site::with(Times {
        answer: SHORT * 3,
        drain: SHORT,
        ..Times::default()
    })
    .await;
    let (cookie, other) = (site.cookie().await, site.cookie_of("coordinator").await);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let begun = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = begun.clone();
    deed(3, move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let _ = held.lock().expect("held").recv();
    });
    for n in 0..50 {
        let mut tls = site.connect().await;
        // By a page or by the API: it is the same person's work.
        let path = ["/acts/3", "/api/v1/acts/3"][n % 2];
        let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
        tls.write_all(ask.as_bytes()).await.expect("sent");
    }
    let begun = || begun.load(std::sync::atomic::Ordering::SeqCst);
    let late = async || {
        let late = prompt("a refusal", site.get("/acts/3", &cookie, "")).await;
        assert_eq!(late.status, 503);
        assert!(late.text().contains("took longer"), "{}", late.text());
    };
    // Those before may have been given up while they waited to begin.
    while begun() < 4 {
        late().await;
    }
    late().await;
    let page = prompt("another person's page", site.get("/", &other, "")).await;
    assert_eq!(page.status, 200);
    assert_eq!(begun(), 4, "one person's turns");
    let mut hanging = site.connect().await;
    let ask = format!("GET /acts/3 HTTP/1.1\r\nHost: localhost\r\nCookie: {other}\r\n\r\n");
    hanging.write_all(ask.as_bytes()).await.expect("sent");
    drop(site.stop.take());
    let at = Instant::now();
    prompt("the end", &mut site.served).await.expect("ends");
    assert!(at.elapsed() < PROMPT);
    drop(release);
}

/// V10: programs that nobody waits for any more keep neither strangers nor their owner waiting, nor another program of somebody else's; what
/// comes with a token that is none is a stranger's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_have_turns_of_their_own() {
    let site = Site::with(Times {
        answer: SHORT * 3,
        ..Times::default()
    })
    .await;
    let token = async |number| {
        let person = crate::access::signin::person(site.hub(), number).expect("read");
        let who = crate::access::principal::Principal::Person(person.expect("an account"));
        let wanted = crate::ops::tokens::Add {
            label: "panel".into(),
            scopes: vec!["mask.list".into()],
            days: 30,
        };
        let made = crate::ops::operation::perform(&site.rig.hub, &who, wanted).await;
        format!(
            "Authorization: Bearer {}\r\n",
            made.expect("a token").secret
        )
    };
    let (mine, theirs) = (
        token(scene::KIM).await,
        token(scene::number("coordinator")).await,
    );
    let cookie = site.cookie().await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let begun = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = begun.clone();
    deed(5, move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let _ = held.lock().expect("held").recv();
    });
    let mut waiting = Vec::new();
    for _ in 0..30 {
        let mut tls = site.connect().await;
        let ask = format!("GET /api/v1/acts/5 HTTP/1.1\r\nHost: localhost\r\n{mine}\r\n");
        tls.write_all(ask.as_bytes()).await.expect("sent");
        waiting.push(tls);
    }
    let begun = || begun.load(std::sync::atomic::Ordering::SeqCst);
    let late = async || {
        let late = prompt("a refusal", site.get("/api/v1/acts/5", "", &mine)).await;
        assert_eq!(late.status, 503);
    };
    while begun() < 4 {
        late().await;
    }
    late().await;
    for (what, cookie, more) in [
        ("the owner's browser", &*cookie, ""),
        ("another program", "", &*theirs),
    ] {
        let answer = prompt(what, site.get("/api/v1/masks", cookie, more)).await;
        assert_eq!(answer.status, 200, "{what}");
    }
    let stranger = prompt("a stranger", site.get("/sign-in", "", "")).await;
    assert_eq!(stranger.status, 200);
    let made_up = format!("Authorization: Bearer beadle_{}\r\n", "0".repeat(64));
    let nobody = prompt("nobody", site.get("/api/v1/masks", "", &made_up)).await;
    assert_eq!(nobody.status, 401);
    assert_eq!(begun(), 4, "one account's programs");
    drop(release);
}
