//! Wiring. Signing in and out.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Extension, Form,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use ring::hmac;
use serde::Deserialize;
use shared::{
    record::{Digest, hex, sha256},
    time::Utc,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    access::{
        factors::{self, PasskeyOffer, Proof},
        principal::Person,
        signin,
    },
    api::COOKIE,
    db::staff::AccountRecord,
    error::plain,
    hub::sessions::same,
    places::Origin,
    reason::{Pages, class::Class},
    web::{
        context::{App, Refusal, SignedIn, cookie, page, random, set_cookie},
        guesses::Trust,
        server::Caller,
    },
};

/// Ties the sign-in form to the browser it was sent to.
const CSRF_COOKIE: &str = "__Host-beadle-knock";
/// Of whoever has given the password and not yet the second factor.
const HALF_COOKIE: &str = "__Host-beadle-half";
/// Shows that somebody signed in from this browser before.
const BROWSER: &str = "__Host-beadle-browser";
const BROWSER_SECS: i64 = 180 * 86_400;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    scheme: &'a str,
    form: &'a str,
    problem: &'a str,
}

/// A browser that has been here before keeps its token: a second tab, or its own asking for an icon, must not make the form on
/// the screen worthless.
async fn sign_in_page(
    app: &App,
    headers: &HeaderMap,
    problem: &str,
    status: StatusCode,
) -> Result<Response, Refusal> {
    let good = |k: &&str| k.len() == 64 && k.bytes().all(|b| b.is_ascii_hexdigit());
    let knock = match cookie(headers, CSRF_COOKIE).filter(good) {
        Some(knock) => knock.to_owned(),
        None => hex(&random()?),
    };
    let shown = page(&SignIn {
        scheme: app.scheme(),
        form: &knock,
        problem,
    })?;
    Ok((
        status,
        [(
            header::SET_COOKIE,
            set_cookie(CSRF_COOKIE, &knock, "; Max-Age=1800"),
        )],
        shown,
    )
        .into_response())
}

pub async fn form(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    sign_in_page(&app, &headers, "", StatusCode::OK).await
}

#[derive(Deserialize)]
pub struct SignInForm {
    form: String,
    name: String,
    password: String,
}

pub async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, Refusal> {
    if !cookie(&headers, CSRF_COOKIE)
        .is_some_and(|knock| knock.len() == 64 && same(knock, &form.form))
    {
        return sign_in_page(
            &app,
            &headers,
            "The form was too old. Please sign in again.",
            StatusCode::FORBIDDEN,
        )
        .await;
    }
    let (name, password) = (form.name, zeroize::Zeroizing::new(form.password));
    let from = caller.origin();
    let (asked, key) = (name.clone(), app.work(signin::key).await?);
    let browsers = Browsers::read(cookie(&headers, BROWSER), app.now());
    let here = app
        .work(move |hub| signin::was_here(hub, &asked, from))
        .await;
    let standing = match (browsers.of(&name, &key), here) {
        (Some(token), _) => Trust::Browser(token),
        (None, Ok(true)) => Trust::Address,
        _ => Trust::Stranger,
    };
    let Some(_turn) = turn(&app, standing, &name, from).await else {
        return sign_in_page(
            &app,
            &headers,
            "Too many passwords are being tried just now, so this one was not looked at. Wait a minute and try again. In a browser in which you signed in before there is no such wait.",
            StatusCode::TOO_MANY_REQUESTS,
        )
        .await;
    };
    let asked = name.clone();
    let judged = app.work(move |hub| {
        let account = signin::password(hub, &asked, &password)?;
        match hub.db.has_factor(account.op)? {
            true => Ok(PasswordOutcome::Half(account)),
            false => signin::enter(hub, account, None, Some(from)).map(PasswordOutcome::Whole),
        }
    });
    match judged.await {
        Ok(PasswordOutcome::Whole(person)) => entered(&app, &headers, &person).await,
        Ok(PasswordOutcome::Half(account)) => {
            let half = app.halves().begin(
                account.op,
                &account.name,
                account.generation,
                random()?,
                app.mono(),
            );
            let Some(half) = half else {
                return Err(Refusal::because(Pages::TooManySigningIn));
            };
            let mut page = second_page(&app, &headers, account.op, &account.name, "").await?;
            let cookie = set_cookie(HALF_COOKIE, &half, "; Max-Age=300");
            add_cookie(&mut page, &cookie)?;
            Ok(page)
        }
        Err(why) if why.class() == Class::Refused => {
            sign_in_page(&app, &headers, &why.to_string(), StatusCode::UNAUTHORIZED).await
        }
        Err(broke) => Err(broke.into()),
    }
}

enum PasswordOutcome {
    Whole(Person),
    /// The password is right; a second factor is to come.
    Half(AccountRecord),
}

fn add_cookie(response: &mut Response, text: &str) -> Result<(), Refusal> {
    let text = HeaderValue::from_str(text).map_err(plain)?;
    response.headers_mut().append(header::SET_COOKIE, text);
    Ok(())
}

/// Begins a session for somebody who is signed in now, and leads to the first page.
async fn entered(app: &App, headers: &HeaderMap, person: &Person) -> Result<Response, Refusal> {
    let key = app.work(signin::key).await?;
    let known = Browsers::read(cookie(headers, BROWSER), app.now());
    let known = known.with(&person.name, &key, app.now());
    let mut response = Redirect::to("/").into_response();
    let value = begin(app, headers, person).await?;
    for text in [
        set_cookie(COOKIE, &value, ""),
        set_cookie(CSRF_COOKIE, "", "; Max-Age=0"),
        set_cookie(HALF_COOKIE, "", "; Max-Age=0"),
        set_cookie(BROWSER, &known, &format!("; Max-Age={BROWSER_SECS}")),
    ] {
        add_cookie(&mut response, &text)?;
    }
    Ok(response)
}

/// A new session, whatever the browser had before: a token that was planted there is worth nothing.
pub(super) async fn begin(
    app: &App,
    headers: &HeaderMap,
    person: &Person,
) -> Result<String, Refusal> {
    let old = cookie(headers, COOKIE).map(str::to_owned);
    let (op, generation, token) = (person.op, person.limits.generation, random()?);
    let begun = app.work(move |hub| {
        if let Some(old) = old {
            hub.sessions.end(&hub.db, &old)?;
        }
        hub.sessions
            .begin(&hub.db, op, generation, token, hub.now())
    });
    Ok(begun.await?)
}

#[derive(Template)]
#[template(path = "sign_in_second.html")]
struct Second<'a> {
    form: &'a str,
    problem: &'a str,
    /// The account has codes.
    codes: bool,
    passkey: Option<PasskeyOffer>,
}

/// Asks for the second factor of an account whose password was right.
async fn second_page(
    app: &App,
    headers: &HeaderMap,
    op: u32,
    name: &str,
    problem: &str,
) -> Result<Response, Refusal> {
    let name = name.to_owned();
    let (codes, passkey) = app
        .work(move |hub| {
            let all = hub.db.factors(op)?;
            let codes = all.iter().any(|f| f.kind == factors::CODE);
            Ok((codes, factors::entry(hub, op, &name)?))
        })
        .await?;
    let status = match problem.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNAUTHORIZED,
    };
    let shown = page(&Second {
        form: cookie(headers, CSRF_COOKIE).unwrap_or_default(),
        problem,
        codes,
        passkey,
    })?;
    Ok((status, shown).into_response())
}

#[derive(Deserialize)]
pub struct SecondForm {
    form: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    credential: String,
}

pub async fn second(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    Form(form): Form<SecondForm>,
) -> Result<Response, Refusal> {
    let over = "That took too long, or too many tries. Please sign in again.";
    let own = cookie(&headers, CSRF_COOKIE)
        .is_some_and(|knock| knock.len() == 64 && same(knock, &form.form));
    let held = cookie(&headers, HALF_COOKIE)
        .filter(|_| own)
        .map(str::to_owned);
    let half = held
        .as_deref()
        .and_then(|held| app.halves().attempt(held, app.mono()));
    let (Some(half), Some(held)) = (half, held) else {
        return sign_in_page(&app, &headers, over, StatusCode::FORBIDDEN).await;
    };
    let proof = match form.credential.is_empty() {
        true => Proof::Code(form.code),
        false => Proof::Passkey(form.credential),
    };
    let (op, name, from) = (half.op, half.name.clone(), caller.origin());
    let judged = app.work(move |hub| {
        let account = hub.db.account_numbered(op)?;
        let account = account.filter(|a| a.closed.is_none() && a.generation == half.generation);
        let Some(account) = account else {
            return Ok(None);
        };
        signin::second(hub, &account, &proof)?;
        signin::enter(hub, account, Some(proof.word()), Some(from)).map(Some)
    });
    match judged.await {
        Ok(Some(person)) => {
            app.halves().end(&held);
            entered(&app, &headers, &person).await
        }
        Ok(None) => sign_in_page(&app, &headers, over, StatusCode::FORBIDDEN).await,
        Err(why) if matches!(why.class(), Class::Refused | Class::TooFast) => {
            second_page(&app, &headers, op, &name, &why.sentence()).await
        }
        Err(broke) => Err(broke.into()),
    }
}

/// Waits until this password may be looked at: for those tried before it at the same account or from the same address, then for the one
/// that is being looked at. None: it is turned away.
async fn turn(
    app: &App,
    standing: Trust,
    name: &str,
    from: Origin,
) -> Option<OwnedSemaphorePermit> {
    let wait = app.guesses().wait(standing, name, from, app.mono())?;
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let door = app.door.clone();
    // Those who were here before are few, and their lanes are narrow: they may always wait.
    if standing == Trust::Stranger {
        let waiting = app.waiting.clone().try_acquire_owned().ok()?;
        let turn = door.acquire_owned().await.ok();
        drop(waiting);
        return turn;
    }
    door.acquire_owned().await.ok()
}

/// The accounts somebody signed in to from a browser, as it shows them: for each, until when, and our word for it.
///
/// `<until>-<word>`, several joined by `.`; the word is a keyed hash of account and time, so the cookie names nobody.
struct Browsers(Vec<(i64, String)>);

/// How many accounts a browser shows.
const ACCOUNTS: usize = 8;

impl Browsers {
    /// What of it is not over.
    fn read(text: Option<&str>, now: Utc) -> Self {
        let all = text.unwrap_or_default().split('.').take(ACCOUNTS);
        let read = all.filter_map(|one| {
            let (until, word) = one.split_once('-')?;
            let until: i64 = until.parse().ok()?;
            (until > now.seconds() && word.len() == 32).then(|| (until, word.to_owned()))
        });
        Self(read.collect())
    }

    fn word(name: &str, until: i64, key: &hmac::Key) -> String {
        let text = format!("browser\n{until}\n{name}");
        hex(&hmac::sign(key, text.as_bytes()).as_ref()[..16])
    }

    /// This browser's token for the account, if it has one.
    fn of(&self, name: &str, key: &hmac::Key) -> Option<Digest> {
        let mut own = self.0.iter();
        own.find(|(until, word)| same(word, &Self::word(name, *until, key)))
            .map(|(_, word)| sha256(word.as_bytes()))
    }

    /// With this account, which was just signed in to.
    fn with(mut self, name: &str, key: &hmac::Key, now: Utc) -> String {
        self.0
            .retain(|(until, word)| !same(word, &Self::word(name, *until, key)));
        self.0.truncate(ACCOUNTS - 1);
        let until = now.seconds() + BROWSER_SECS;
        self.0.insert(0, (until, Self::word(name, until, key)));
        let all: Vec<String> = self.0.iter().map(|(u, w)| format!("{u}-{w}")).collect();
        all.join(".")
    }
}

#[derive(Deserialize)]
pub struct FormOnly {
    form: String,
}

pub async fn sign_out(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<FormOnly>,
) -> Result<Response, Refusal> {
    who.check_form(&form.form)?;
    let held = who.cookie().to_owned();
    app.work(move |hub| hub.sessions.end(&hub.db, &held))
        .await?;
    Ok((
        [(header::SET_COOKIE, set_cookie(COOKIE, "", "; Max-Age=0"))],
        Redirect::to("/sign-in"),
    )
        .into_response())
}
