//! Wiring. What every page is handed: the hub, and who is signed in; and what it answers with.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use ring::rand::{SecureRandom, SystemRandom};
use shared::time::{Utc, Zone};
use tokio::sync::Semaphore;

use super::{
    guesses::Guesses,
    halves::Halves,
    parts::{Frame, Message},
    server::{Caller, Times},
    turns::{Limits, Turn},
};
use crate::{
    access::{
        authorise::{Subject, authorise},
        breaks,
        principal::{Person, Principal},
        signin,
    },
    api::{
        COOKIE,
        http::{Problem, broken},
    },
    backup::rolled,
    blocking::Interruption,
    error::{HubError, plain},
    hub::{Hub, sessions::Session},
    model::operation::{About, Row},
    ops::operation::{self, Operation},
    orders::touches,
    reason::{Notice, Pages, Reason, class::Class},
    words,
};

/// Strangers whose password waits to be looked at.
const WAITING: usize = 64;

pub struct App {
    pub hub: Arc<Hub>,
    pub limits: Limits,
    pub times: Times,
    /// One password is judged at a time: guessing in parallel gains nothing, and the machine is not kept busy by it.
    pub door: Arc<Semaphore>,
    /// Places before it for those who were never here.
    pub waiting: Arc<Semaphore>,
    halves: Mutex<Halves>,
    guesses: Mutex<Guesses>,
}

impl App {
    pub fn new(hub: Arc<Hub>, times: Times) -> Arc<Self> {
        Arc::new(Self {
            hub,
            limits: Limits::default(),
            times,
            door: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            halves: Mutex::default(),
            guesses: Mutex::default(),
        })
    }

    pub fn halves(&self) -> MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Utc {
        self.hub.now()
    }

    pub fn mono(&self) -> u64 {
        self.hub.clock.now().mono
    }

    pub fn scheme(&self) -> &str {
        &self.hub.config.scheme
    }

    pub fn zone(&self) -> &Zone {
        &self.hub.config.zone
    }

    /// Has an operation done for whoever is signed in. The turn of their request is held until its work ends, whoever waits.
    pub async fn perform<O: Operation>(
        &self,
        who: &SignedIn,
        operation: O,
    ) -> Result<O::Reply, HubError> {
        let (hub, principal) = (self.hub.clone(), who.principal());
        self.in_turn(async move { operation::perform(&hub, &principal, operation).await })
            .await
    }

    /// Work of a request, which holds the next of its turns until it ends, whoever waits.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, HubError>> + Send + 'static,
    ) -> Result<T, HubError> {
        let turn = Turn::next().await;
        let work = tokio::spawn(async move {
            let done = work.await;
            drop(turn);
            done
        });
        work.await.map_err(Interruption::from)?
    }

    /// Blocking work that is no operation: signing in, files of a package that somebody is permitted to open. It runs beside the async
    /// threads, and holds the turn of its request until it ends.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Hub) -> Result<T, HubError> + Send + 'static,
    ) -> Result<T, HubError> {
        let (hub, turn) = (self.hub.clone(), Turn::next().await);
        let work = tokio::task::spawn_blocking(move || {
            let done = work(&hub);
            drop(turn);
            done
        });
        work.await.map_err(Interruption::from)?
    }
}

/// Somebody signed in, with what they may at this moment. A handler that takes this cannot be reached by a stranger.
#[derive(Clone)]
pub struct SignedIn {
    person: Person,
    session: Session,
    cookie: String,
    /// What every page says just now.
    notices: Vec<Notice>,
}

impl SignedIn {
    /// Whoever the cookie of a request belongs to. An account that is not there any more has no session either.
    pub async fn find(
        app: &App,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Option<Self>, HubError> {
        let Some(cookie) = cookie(headers, COOKIE).map(str::to_owned) else {
            return Ok(None);
        };
        let Some(session) = app.hub.sessions.find(&cookie, app.now()) else {
            return Ok(None);
        };
        if let Some(caller) = extensions.get::<Arc<Caller>>() {
            caller.is_signed_in();
        }
        let (op, generation, held) = (session.op, session.generation, cookie.clone());
        let found = app.work(move |hub| {
            let person = signin::person(hub, op)?.filter(|p| p.limits.generation == generation);
            if person.is_none() {
                hub.sessions.end(&hub.db, &held)?;
                return Ok(None);
            }
            hub.sessions.note(&hub.db, &held)?;
            let mut notices = rolled::notices(hub)?;
            notices.extend(breaks::notices(hub)?);
            notices.extend(touches::notices(hub, op)?);
            Ok(person.zip(Some(notices)))
        });
        Ok(found.await?.map(|(person, notices)| Self {
            person,
            session,
            cookie,
            notices,
        }))
    }

    /// The same person as they are after an act of theirs.
    pub async fn anew(self, app: &App) -> Result<Self, HubError> {
        let op = self.person.op;
        let person = app.work(move |hub| signin::person(hub, op)).await?;
        let person = person.ok_or(HubError::SignedOut)?;
        Ok(Self { person, ..self })
    }

    pub fn person(&self) -> &Person {
        &self.person
    }

    pub fn principal(&self) -> Principal {
        Principal::Person(self.person.clone())
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Refuses whoever may not, before anything is asked or looked up.
    pub fn authorise(&self, row: &'static Row, now: Utc) -> Result<(), HubError> {
        authorise(&self.principal(), row, &Subject::hub(), now).map(drop)
    }

    /// Whether something may be theirs to do; what concerns the whole hub is not for somebody who has a part of its cameras.
    pub fn may(&self, row: &'static Row, now: Utc) -> bool {
        let subject = match row.about {
            About::Whole => Subject::whole(),
            _ => Subject::hub(),
        };
        authorise(&self.principal(), row, &subject, now).is_ok()
    }

    /// The head of a page at this address.
    pub fn frame(&self, app: &App, here: &str) -> Frame {
        let now = app.now();
        Frame::of(
            app.scheme().to_owned(),
            &self.person,
            self.session.clone(),
            here,
            (now, app.zone()),
            self.notices.iter().map(words::notice).collect(),
            |row| self.may(row, now),
        )
    }

    pub fn check_form(&self, token: &str) -> Result<(), Refusal> {
        match self.session.owns_form(token) {
            true => Ok(()),
            false => Err(Refusal::because(Pages::FormOfAnotherSession)),
        }
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        if let Some(who) = parts.extensions.get::<Self>() {
            return Ok(who.clone());
        }
        match Self::find(app, &parts.headers, &parts.extensions).await {
            Ok(Some(who)) => Ok(who),
            Ok(None) => Err(to_the_door()),
            Err(e) => Err(Refusal::from(e).into_response()),
        }
    }
}

pub fn to_the_door() -> Response {
    Redirect::to("/sign-in").into_response()
}

/// A page that says no, or that something broke.
#[derive(Debug)]
pub struct Refusal {
    error: HubError,
    /// For people. Of what broke, the number it is found by.
    text: String,
}

impl Refusal {
    pub fn because(reason: impl Into<Reason>) -> Self {
        HubError::from(reason.into()).into()
    }

    fn status(&self) -> StatusCode {
        let status = StatusCode::from_u16(self.error.status());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The same to whoever asked: a page to a person, a problem to a program.
    pub fn told(self, program: bool) -> Response {
        if !program {
            return self.into_response();
        }
        let detail = match self.error.class() {
            Class::Broken => self.text,
            _ => self.error.to_string(),
        };
        Problem::with(&self.error, detail).into_response()
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        let text = match error.class() {
            Class::Broken => broken(&error),
            _ => error.sentence(),
        };
        Self { error, text }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let page = Message {
            title: self.error.class().title(),
            text: &self.text,
        }
        .render();
        (self.status(), Html(page.unwrap_or(self.text))).into_response()
    }
}

/// What a page says of the act it answers: that it was done, or why not.
#[derive(Default)]
pub struct Outcome {
    pub done: String,
    pub problem: String,
    refused: Option<StatusCode>,
}

impl Outcome {
    /// Whoever may not, and what broke, gets a page of its own.
    pub fn of(settled: Result<String, HubError>) -> Result<Self, Refusal> {
        match settled {
            Ok(done) => Ok(Self {
                done,
                ..Self::default()
            }),
            Err(e) => match e.class() {
                Class::Malformed | Class::Missing | Class::Refused | Class::Unreachable => {
                    Ok(Self {
                        problem: e.sentence(),
                        refused: StatusCode::from_u16(e.status()).ok(),
                        ..Self::default()
                    })
                }
                Class::SignedOut | Class::NotAllowed | Class::TooFast | Class::Broken => {
                    Err(e.into())
                }
            },
        }
    }

    /// The page with the status that this outcome has.
    pub fn on(self, shown: &impl Template) -> Result<Response, Refusal> {
        let mut shown = page(shown)?;
        if let Some(status) = self.refused {
            *shown.status_mut() = status;
        }
        Ok(shown)
    }
}

/// Of a form that none of our pages has.
pub fn no_such_act() -> HubError {
    Pages::NoSuchAct.into()
}

pub fn page(page: &impl Template) -> Result<Response, Refusal> {
    match page.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(e) => Err(plain(format_args!("a page was not made: {e}")).into()),
    }
}

pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(';')).find_map(|pair| {
        pair.trim()
            .split_once('=')
            .filter(|(n, _)| *n == name)
            .map(|(_, v)| v)
    })
}

pub fn set_cookie(name: &str, value: &str, age: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}")
}

pub fn random() -> Result<[u8; 32], Refusal> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| plain("the system gives no random numbers"))?;
    Ok(bytes)
}
