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
    error::Class,
    places::Origin,
    signin,
    web::{
        context::{App, COOKIE, Refused, SignedIn, cookie, page, random, set_cookie},
        guesses::Standing,
        server::Caller,
        sessions::same,
    },
};

/// Ties the sign-in form to the browser it was sent to.
const CSRF_COOKIE: &str = "__Host-beadle-knock";
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
) -> Result<Response, Refused> {
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

pub async fn form(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refused> {
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
) -> Result<Response, Refused> {
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
        (Some(token), _) => Standing::Browser(token),
        (None, Ok(true)) => Standing::Address,
        _ => Standing::Stranger,
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
    let judged = app.work(move |hub| signin::check(hub, &asked, &password, Some(from)));
    match judged.await {
        Ok(person) => {
            // A new token at every sign-in: one that was planted before is worth nothing.
            if let Some(old) = cookie(&headers, COOKIE) {
                app.sessions().end(old);
            }
            let value = app
                .sessions()
                .begin(person.op, random()?, random()?, app.mono());
            app.sessions().is_of(&value, person.limits.generation);
            let mut response = Redirect::to("/").into_response();
            let known = browsers.with(&name, &key, app.now());
            for text in [
                set_cookie(COOKIE, &value, ""),
                set_cookie(CSRF_COOKIE, "", "; Max-Age=0"),
                set_cookie(BROWSER, &known, &format!("; Max-Age={BROWSER_SECS}")),
            ] {
                let text =
                    HeaderValue::from_str(&text).map_err(|e| Refused::broken(e.to_string()))?;
                response.headers_mut().append(header::SET_COOKIE, text);
            }
            Ok(response)
        }
        Err(why) if why.class() == Class::Refused => {
            sign_in_page(&app, &headers, &why.to_string(), StatusCode::UNAUTHORIZED).await
        }
        Err(broke) => Err(broke.into()),
    }
}

/// Waits until this password may be looked at: for those tried before it at the same account or from the same address, then for the one
/// that is being looked at. None: it is turned away.
async fn turn(
    app: &App,
    standing: Standing,
    name: &str,
    from: Origin,
) -> Option<OwnedSemaphorePermit> {
    let wait = app.guesses().wait(standing, name, from, app.mono())?;
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let door = app.door.clone();
    // Those who were here before are few, and their lanes are narrow: they may always wait.
    if standing == Standing::Stranger {
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
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    app.sessions().end(who.cookie());
    Ok((
        [(header::SET_COOKIE, set_cookie(COOKIE, "", "; Max-Age=0"))],
        Redirect::to("/sign-in"),
    )
        .into_response())
}
