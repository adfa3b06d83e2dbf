//! Guessing passwords at the door (V8).
use std::time::Instant;

use super::*;

/// Where whoever guesses comes from.
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 66));
/// Where nobody signed in from before.
const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 5));

/// As many wrong passwords for `name` as are looked at without waiting.
async fn exhaust(site: &Site, name: &str) {
    for _ in 0..5 {
        assert_eq!(
            site.sign_in_from(ELSEWHERE, name, "wrong", "").await.status,
            401,
            "{name}"
        );
    }
}

/// More at once than may wait: until one is turned away. Returns that one.
async fn crowd(site: &Arc<Site>, name: &'static str) -> Answer {
    let (told, mut heard) = tokio::sync::mpsc::channel(16);
    for _ in 0..8 {
        let (site, told) = (site.clone(), told.clone());
        tokio::spawn(async move {
            let _ = told
                .send(site.sign_in_from(ELSEWHERE, name, "wrong", "").await)
                .await;
        });
    }
    loop {
        let answer = heard.recv().await.expect("one is turned away");
        if answer.status == 429 {
            return answer;
        }
        assert_eq!(answer.status, 401);
    }
}

/// V8: whoever guesses waits, for an account that is there as for one that is not, and gets the same words. A browser and an address that
/// were here before have lanes of their own: their owner is in at once while others guess.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_lock_nobody_out() {
    let site = Arc::new(Site::new().await);
    let right = site.sign_in_as("kim", "right horse", "").await;
    assert_eq!(right.status, 303);
    let line = right
        .head
        .lines()
        .find(|l| l.contains("__Host-beadle-browser="));
    let line = line.expect("a cookie").to_owned();
    for part in ["Secure", "HttpOnly", "SameSite=Strict", "Max-Age=15552000"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("kim"), "it names nobody");
    let browser = right.cookie("__Host-beadle-browser").expect("cookie");
    let browser = format!("__Host-beadle-browser={browser}");

    for _ in 0..4 {
        let wrong = site.sign_in_from(ELSEWHERE, "kim", "wrong", "").await;
        assert_eq!(wrong.status, 401);
    }
    let no = crowd(&site, "kim").await;
    assert!(no.text().contains("was not looked at"));
    let in_before = site.lines("acc.login").len();
    let at = Instant::now();
    let owner = site
        .sign_in_from(AWAY, "kim", "right horse", &browser)
        .await;
    assert_eq!(owner.status, 303, "{}", owner.text());
    let owner = site.sign_in_as("kim", "right horse", "").await;
    assert_eq!(owner.status, 303, "{}", owner.text());
    assert!(at.elapsed().as_secs() < 3, "{:?}", at.elapsed());
    assert_eq!(site.lines("acc.login").len(), in_before + 2);

    // Somebody else's cookie speaks for nobody but its own account, and one that was altered for none.
    site.later(3_600_000);
    exhaust(&site, "lee").await;
    crowd(&site, "lee").await;
    let altered = browser.replace(['1', '2'], "3");
    for cookie in [&browser, &altered] {
        let no = site
            .sign_in_from(ELSEWHERE, "lee", "right horse", cookie)
            .await;
        assert_eq!(no.status, 429, "{cookie}");
    }
}
