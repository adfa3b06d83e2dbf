//! Wiring. Signing in and out.

use std::{sync::Arc, time::Duration};

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

use super::{
    guesses::Standing,
    routes::{App, COOKIE, Entered, KNOCK, Refused, cookie, page, random, set_cookie},
    server::Caller,
    sessions::same,
    views::SignIn,
};
use crate::places::Origin;

/// Shows that somebody signed in from this browser before.
const BROWSER: &str = "__Host-beadle-browser";
const BROWSER_SECS: i64 = 180 * 86_400;

/// A browser that has been here before keeps its token: a second tab, or its own asking for an icon, must not make the form on
/// the screen worthless.
async fn sign_in_page(
    app: &App,
    headers: &HeaderMap,
    problem: &str,
    status: StatusCode,
) -> Result<Response, Refused> {
    let good = |k: &&str| k.len() == 64 && k.bytes().all(|b| b.is_ascii_hexdigit());
    let knock = match cookie(headers, KNOCK).filter(good) {
        Some(knock) => knock.to_owned(),
        None => hex(&random()?),
    };
    let scheme = app.ask(|b| b.scheme()).await?;
    let shown = page(&SignIn {
        scheme: &scheme,
        form: &knock,
        problem,
    })?;
    Ok((
        status,
        [(
            header::SET_COOKIE,
            set_cookie(KNOCK, &knock, "; Max-Age=1800"),
        )],
        shown,
    )
        .into_response())
}

pub(super) async fn form(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    sign_in_page(&app, &headers, "", StatusCode::OK).await
}

#[derive(Deserialize)]
pub(super) struct SignInForm {
    form: String,
    name: String,
    password: String,
}

pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Arc<Caller>>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, Refused> {
    if !cookie(&headers, KNOCK).is_some_and(|knock| knock.len() == 64 && same(knock, &form.form)) {
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
    let (asked, key) = (name.clone(), app.ask(|b| b.browser_key()).await?);
    let key = key.map_err(|e| Refused::broken(e.to_string()))?;
    let browsers = Browsers::read(cookie(&headers, BROWSER), app.now());
    let here = app.ask(move |b| b.was_here(&asked, from)).await?;
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
    let judged = app.ask(move |b| b.sign_in(&asked, &password, Some(from)));
    match judged.await? {
        Ok(account) => {
            // A new token at every sign-in: one that was planted before is worth nothing.
            if let Some(old) = cookie(&headers, COOKIE) {
                app.sessions().end(old);
            }
            let value = app
                .sessions()
                .begin(account, random()?, random()?, app.mono());
            let mut response = Redirect::to("/").into_response();
            let known = browsers.with(&name, &key, app.now());
            for text in [
                set_cookie(COOKIE, &value, ""),
                set_cookie(KNOCK, "", "; Max-Age=0"),
                set_cookie(BROWSER, &known, &format!("; Max-Age={BROWSER_SECS}")),
            ] {
                let text =
                    HeaderValue::from_str(&text).map_err(|e| Refused::broken(e.to_string()))?;
                response.headers_mut().append(header::SET_COOKIE, text);
            }
            Ok(response)
        }
        Err(why) => sign_in_page(&app, &headers, &why.to_string(), StatusCode::UNAUTHORIZED).await,
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
pub(super) struct FormOnly {
    form: String,
}

pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    who: Entered,
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
