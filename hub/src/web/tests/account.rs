//! The own account over HTTPS: what comes first, second factors, sessions.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use shared::{
    passkey::{Assertion, Challenge, Registration},
    testing::SoftKey,
};

use super::*;
use crate::{
    access::{declaration, totp::Secret},
    model::role::Role,
};

fn cookie_in(answer: &Answer) -> String {
    let value = answer.cookie("__Host-beadle").expect("a session");
    format!("__Host-beadle={value}")
}

/// What stands behind a name in a page.
fn after<'a>(text: &'a str, name: &str) -> &'a str {
    let at = text
        .find(name)
        .unwrap_or_else(|| panic!("{name} in {text}"));
    let rest = &text[at + name.len()..];
    rest.split('"').next().unwrap_or_default()
}

fn challenge(page: &str) -> Challenge {
    let bytes = URL_SAFE_NO_PAD.decode(after(page, "data-challenge=\""));
    bytes.expect("base64").try_into().expect("32 bytes")
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(b)),
            other => out += &format!("%{other:02X}"),
        }
    }
    out
}

fn made(id: &[u8], r: &Registration) -> String {
    let b = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    serde_json::json!({"id": b(id), "type": "public-key", "response": {
        "clientDataJSON": b(&r.client_data), "attestationObject": b(&r.attestation)}})
    .to_string()
}

fn used(a: &Assertion) -> String {
    let b = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    serde_json::json!({"id": b(&a.id.0), "type": "public-key", "response": {
        "clientDataJSON": b(&a.client_data.0), "authenticatorData": b(&a.authenticator_data.0), "signature": b(&a.signature.0)}})
    .to_string()
}

impl Site {
    async fn account(&self, cookie: &str, body: &str) -> Answer {
        let page = self.get("/account", cookie, "").await;
        let body = format!("form={}&{body}", page.form());
        self.post("/account", cookie, &body, "").await
    }

    /// The second step of signing in, of whoever was answered so.
    async fn second(&self, half: &Answer, body: &str) -> Answer {
        let held = half.cookie("__Host-beadle-half").expect("half");
        self.second_with(&format!("__Host-beadle-half={held}"), half, body)
            .await
    }

    async fn second_with(&self, held: &str, half: &Answer, body: &str) -> Answer {
        let form = half.form();
        let cookies = format!("{held}; __Host-beadle-knock={form}");
        self.post(
            "/sign-in/second",
            &cookies,
            &format!("form={form}&{body}"),
            "",
        )
        .await
    }
}

/// ROL-2, ROL-3: whoever signs in for the first time sets a password of their own and accepts the declaration; until then every page leads
/// there, and the API says why not. Then the same again when the text changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_first_comes_first() {
    let site = Site::new().await;
    let hub = site.hub();
    hub.db
        .set_password(
            scene::KIM,
            &hub.db.account("kim").expect("reads").expect("kim").password,
            true,
        )
        .expect("stored");
    let text = declaration::path(&hub.state);
    std::fs::write(&text, "We look at nobody.").expect("written");
    declaration::look(hub).expect("looked at");
    let cookie = cookie_in(&site.sign_in("right horse").await);
    let led = async |cookie: &str| {
        for page in ["/", "/holds", "/clip/EXH-2026-000001", "/masks"] {
            let answer = site.get(page, cookie, "").await;
            let to = (answer.status, answer.header("location"));
            assert_eq!(to, (303, Some("/account")), "{page}");
        }
        let answer = site.get("/api/v1/boxes", cookie, "").await;
        assert_eq!(answer.status, 422);
        answer.text()
    };
    assert!(led(&cookie).await.contains("set another one first"));
    let page = site.get("/account", &cookie, "").await.text();
    assert!(page.contains("Set the new password") && !page.contains("I accept it"));
    let wrong = "act=password&old=right+horse&new=a+longer+horse&again=another+horse";
    assert_eq!(site.account(&cookie, wrong).await.status, 422);
    let set = "act=password&old=right+horse&new=a+longer+horse&again=a+longer+horse";
    let set = site.account(&cookie, set).await;
    assert_eq!(set.status, 303, "{}", set.text());
    assert_eq!(site.get("/account", &cookie, "").await.status, 303, "over");
    let cookie = cookie_in(&set);
    assert!(
        led(&cookie)
            .await
            .contains("has not accepted the declaration")
    );
    let page = site.get("/account", &cookie, "").await.text();
    assert!(page.contains("We look at nobody.") && !page.contains("Set the new password"));
    let sha256 = after(&page, "name=\"sha256\" value=\"").to_owned();
    let accept = format!("act=accept&sha256={sha256}");
    assert_eq!(site.account(&cookie, &accept).await.status, 303);
    assert_eq!(site.get("/", &cookie, "").await.status, 200);
    std::fs::write(&text, "We look at nobody at all.").expect("written");
    declaration::look(site.hub()).expect("looked at");
    led(&cookie).await;
    assert_eq!(
        site.account(&cookie, &accept).await.status,
        422,
        "the old text"
    );
}

/// ROL-2: codes at the door. Half a sign-in is none; a code is taken once; what was wrong is counted on the record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_at_the_door() {
    let site = Site::new().await;
    let cookie = site.cookie().await;
    let page = site.get("/account", &cookie, "").await.text();
    let secret = after(&page, "name=\"secret\" value=\"").to_owned();
    let secret = Secret::parse(&secret).expect("a secret");
    let now = || secret.code_at(site.hub().now());
    let add = |code: &str, password: &str| {
        let secret = secret.text();
        format!(
            "act=code&secret={}&label=phone&code={code}&password={password}",
            *secret
        )
    };
    let wrong = site.account(&cookie, &add("000000", "right+horse")).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text().contains(&*secret.text()),
        "it shows the same secret again"
    );
    assert_eq!(
        site.account(&cookie, &add(&now(), "wrong")).await.status,
        422
    );
    let added = site.account(&cookie, &add(&now(), "right+horse")).await;
    assert_eq!(added.status, 200, "{}", added.text());
    assert!(added.text().contains("asked for this second factor"));

    let used_up = now();
    let half = site.sign_in("right horse").await;
    assert_eq!((half.status, half.cookie("__Host-beadle")), (200, None));
    assert!(half.text().contains("six digits"));
    let logins = site.lines("acc.login").len();
    assert_eq!(
        site.second(&half, &format!("code={used_up}")).await.status,
        401
    );
    assert_eq!(site.second(&half, "code=000000").await.status, 401);
    assert_eq!(
        site.second_with("", &half, &format!("code={}", now()))
            .await
            .status,
        403
    );
    assert_eq!(site.lines("acc.login").len(), logins, "nobody is in");
    site.later(60_000);
    let right = format!("code={}", now());
    let whole = site.second(&half, &right).await;
    assert_eq!(whole.status, 303, "{}", whole.text());
    assert_eq!(site.get("/", &cookie_in(&whole), "").await.status, 200);
    assert_eq!(
        site.second(&half, &right).await.status,
        403,
        "a half is used once"
    );
    let again = site.sign_in("right horse").await;
    assert_eq!(
        site.second(&again, &right).await.status,
        401,
        "so is a code"
    );
    let failed = site.lines("acc.fail");
    let failed = failed
        .iter()
        .any(|r| r.data.get("how").and_then(|h| h.as_str()) == Some("code"));
    assert!(failed, "what was wrong is on the record");
    // Five tries at a half, and the password of another account opens none of it.
    let half = site.sign_in("right horse").await;
    for _ in 0..5 {
        site.later(10_000);
        assert_eq!(site.second(&half, "code=000000").await.status, 401);
    }
    site.later(10_000);
    assert_eq!(
        site.second(&half, &format!("code={}", now())).await.status,
        403
    );
}

/// ROL-2, ROL-5: a passkey is made and used by a key in software, over HTTPS; neither comes twice, and none made for another site, another
/// person or another purpose is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passkeys_at_the_door() {
    let site = Site::new().await;
    let party = site.hub().config.party().cloned().expect("a party");
    let cookie = site.cookie().await;
    let mut key = SoftKey::new("kim");
    let page = site.get("/account", &cookie, "").await.text();
    assert_eq!(after(&page, "data-party=\""), "hub.example.gov.uk");
    let registration = key.register(&party, &challenge(&page));
    let body = |json: &str| {
        format!(
            "act=passkey&label=key&password=right+horse&credential={}",
            encoded(json)
        )
    };
    let json = made(b"kim", &registration);
    // Another person's page asked another question.
    let other = site.cookie_of("supervisor").await;
    assert_eq!(site.account(&other, &body(&json)).await.status, 422);
    let added = site.account(&cookie, &body(&json)).await;
    assert_eq!(added.status, 422, "the question was used up by that");
    let page = site.get("/account", &cookie, "").await.text();
    let json = made(b"kim", &key.register(&party, &challenge(&page)));
    let added = site.account(&cookie, &body(&json)).await;
    assert_eq!(added.status, 200, "{}", added.text());
    assert_eq!(
        site.account(&cookie, &body(&json)).await.status,
        422,
        "twice"
    );
    assert_eq!(site.lines("op.factor").len(), 1);

    let half = site.sign_in("right horse").await;
    let page = half.text();
    assert!(page.contains("data-passkey=\"get\"") && !page.contains("six digits"));
    let credential = |a: &Assertion| format!("credential={}", encoded(&used(a)));
    let stranger = SoftKey::new("eve").sign(&party, &challenge(&page));
    assert_eq!(site.second(&half, &credential(&stranger)).await.status, 401);
    site.later(10_000);
    let half = site.sign_in("right horse").await;
    let touch = key.sign(&party, &challenge(&half.text()));
    let whole = site.second(&half, &credential(&touch)).await;
    assert_eq!(whole.status, 303, "{}", whole.text());
    assert_eq!(site.get("/", &cookie_in(&whole), "").await.status, 200);
    site.later(10_000);
    let again = site.sign_in("right horse").await;
    assert_eq!(site.second(&again, &credential(&touch)).await.status, 401);
    let line = site.lines("acc.login").pop().expect("a line");
    assert_eq!(
        line.data.get("how").and_then(|h| h.as_str()),
        Some("password+passkey")
    );
}

/// ROL-2: where a role takes a second factor, every page leads to setting one up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_takes_a_second_factor() {
    let mut rig = scene::rig();
    let hub = Arc::get_mut(&mut rig.hub).expect("nobody else has it");
    hub.takes_second_factors(&[Role::Supervisor]);
    let site = Site::of(rig, Times::default());
    let cookie = site.cookie_of("supervisor").await;
    assert_eq!(
        site.get("/", &cookie, "").await.header("location"),
        Some("/account")
    );
    let page = site.get("/account", &cookie, "").await.text();
    assert!(page.contains("takes a second factor") && !page.contains("Sign out everywhere"));
    assert_eq!(site.get("/api/v1/boxes", &cookie, "").await.status, 422);
    let cookie = site.cookie_of("operator").await;
    assert_eq!(site.get("/", &cookie, "").await.status, 200);
}

/// SEC-2: sessions outlive the hub, and end in time; a page says when, and a script before that; signing out everywhere ends all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_go_on_after_a_restart() {
    let site = Site::new().await;
    let (cookie, other) = (site.cookie().await, site.cookie().await);
    let home = site.get("/", &cookie, "").await;
    assert!(
        home.text().contains("data-left=\"1800\""),
        "{}",
        home.text()
    );
    let site = site.restart().await;
    let again = site.get("/", &cookie, "").await;
    assert_eq!((again.status, again.form()), (200, home.form()));
    let mut passed = 0;
    while passed + IDLE_MS / 2 < LIFE_MS {
        site.later(IDLE_MS / 2);
        passed += IDLE_MS / 2;
        assert_eq!(site.get("/", &cookie, "").await.status, 200, "{passed}");
    }
    assert_eq!(site.get("/", &other, "").await.status, 303, "idle");
    site.later(IDLE_MS / 2);
    assert_eq!(site.get("/", &cookie, "").await.status, 303, "old");
    let (one, two) = (site.cookie().await, site.cookie().await);
    let out = site.account(&one, "act=everywhere").await;
    assert_eq!(out.header("location"), Some("/sign-in"));
    let site = site.restart().await;
    for cookie in [one, two] {
        assert_eq!(site.get("/", &cookie, "").await.status, 303);
    }
}

/// ROL-1: who administers keeps accounts at the page of staff; an auditor sees it and changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_staff() {
    let site = Site::new().await;
    let cookie = site.cookie_of("administrator").await;
    let act = async |cookie: &str, body: &str| {
        let form = site.get("/staff", cookie, "").await.form();
        site.post("/staff", cookie, &format!("form={form}&{body}"), "")
            .await
    };
    let made = act(&cookie, "act=add&name=lee&role=approver").await;
    assert_eq!(made.status, 200, "{}", made.text());
    let text = made.text();
    assert!(text.contains("One-time password of lee") && text.contains("Asked for as request 1"));
    let own = act(&cookie, "act=approve&request=1").await;
    assert_eq!(own.status, 422, "{}", own.text());
    let second = site.cookie_of("coordinator").await;
    let page = site.get("/staff", &second, "").await.text();
    assert!(
        page.contains("the role approver for lee, for all cameras"),
        "{page}"
    );
    let early = act(&second, "act=approve&request=1").await;
    assert_eq!(early.status, 422);
    let reset = act(&cookie, "act=reset&name=kim").await;
    assert!(
        reset.text().contains("One-time password of kim"),
        "{}",
        reset.text()
    );
    let auditor = site.cookie_of("auditor").await;
    let page = site.get("/staff", &auditor, "").await.text();
    assert!(page.contains("lee") && !page.contains("Make the account"));
    assert_eq!(act(&auditor, "act=close&name=kim").await.status, 403);
    assert_eq!(
        site.get("/staff", &site.cookie_of("operator").await, "")
            .await
            .status,
        403
    );
}
