//! Wiring. Every address of the staff pages, and what must be true before it answers. Deny by default: only the sign-in page and
//! the style sheet answer a stranger.
//!
//! | address | needs |
//! |---|---|
//! | `GET /sign-in`, `POST /sign-in`, `GET /style.css` | nothing |
//! | `GET /` boxes and cameras; footage and clips for those who may see them ([`crate::roles`]) | a session |
//! | `GET /footage/{box}/{cam}` | a session of somebody who may list footage |
//! | `GET /clip/{ref}` · `POST /clip/{ref}` purpose and reference | a session of somebody who may watch; the purpose is logged (`acc.view`) before anything is shown |
//! | `GET /clip/{ref}/play/{i}`, `/save/{i}`, `/certificate` | the same, with a purpose given for this exhibit in the last half hour |
//! | `GET /retention` all cameras against what was promised · `GET /retention/{box}/{cam}` one camera's days and certificates | a session |
//! | `GET /api/v1/retention`, `/api/v1/retention/{box}/{cam}` the same as JSON | a session |
//! | `GET /masks` every camera's mask, its review and what showed it · `GET /api/v1/masks` the same as JSON | a session |
//! | `GET /lifts` masks asked to be lifted · `POST /lifts` approves or withdraws one | a session of somebody who may; approving: of another than who asked |
//! | `GET /api/v1/lifts` the same as JSON | the same |
//! | `GET /holds` held footage · `POST /holds` approves the release of one | a session of somebody who may; approving: of another than who asked |
//! | `GET /api/v1/holds` the same as JSON | the same |
//! | `GET /evidence` what is kept, how long · `POST /evidence` disposes, or approves it | a session of somebody who may; before the period ends: of another than who asked |
//! | `GET /evidence/{ref}/certificate` of a disposal · `GET /api/v1/evidence` the page as JSON | a session of somebody who may |
//! | `POST /sign-out` | a session |
//!
//! Every form carries a token; every answer carries a content policy that allows no script, frame or foreign origin.

use std::sync::{Arc, Mutex, MutexGuard};

use askama::Template;
use axum::{
    Router,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    middleware,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use ring::rand::{SecureRandom, SystemRandom};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::{Clock, Utc, Zone},
};
use tokio::sync::Semaphore;

use super::{
    clips, door, evidence,
    guard::{self, Limits, Turn, abandoned},
    guesses::Guesses,
    holds, lifts, masks, retention,
    server::{Caller, Times},
    sessions::{Session, Sessions},
    views::{self, FootagePage, Frame, Message, Overview},
};
use crate::{
    access::table::{self, Row},
    api::http::broken,
    board::{Account, Board, HubError},
    disposal::rows::FaultRow,
    error::Class,
    shown::permit,
};

/// `__Host-`: the browser itself insists on HTTPS, this host, all paths.
pub(super) const COOKIE: &str = "__Host-beadle";
/// Ties the sign-in form to the browser it was sent to.
pub(super) const KNOCK: &str = "__Host-beadle-knock";
/// Strangers whose password waits to be looked at.
const WAITING: usize = 64;
const STYLE: &str = include_str!("../../templates/style.css");

pub struct App {
    board: Arc<dyn Board>,
    pub(super) clock: Arc<dyn Clock>,
    sessions: Mutex<Sessions>,
    pub(super) limits: Limits,
    pub(super) times: Times,
    /// One password is judged at a time: guessing in parallel gains nothing, and the machine is not kept busy by it.
    pub(super) door: Arc<Semaphore>,
    /// Places before it for those who were never here.
    pub(super) waiting: Arc<Semaphore>,
    guesses: Mutex<Guesses>,
}

impl App {
    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Utc {
        self.clock.now().wall
    }

    pub(super) fn mono(&self) -> u64 {
        self.clock.now().mono
    }

    /// Board calls block: they run beside the async threads, and hold the turn of the request they are for until they end, whoever waits.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Board) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (board, turn) = (self.board.clone(), Turn::next().await);
        let work = tokio::task::spawn_blocking(move || {
            let done = ask(board.as_ref());
            drop(turn);
            done
        });
        work.await.map_err(|e| match e.is_panic() {
            true => Refused::broken(
                "This is a fault in Beadle; nothing more was done. Its log says where it happened: tell whoever looks after this hub.",
            ),
            false => Refused::stopping(),
        })
    }
}

/// A page that says no, or that something broke.
pub struct Refused {
    status: StatusCode,
    title: &'static str,
    text: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            title,
            text: text.into(),
        }
    }
    pub(super) fn missing(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", text)
    }
    pub(super) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Not allowed", text)
    }
    pub(super) fn stopping() -> Self {
        Self::busy("The hub is stopping. Try again in a minute.")
    }
    pub(super) fn busy(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Not now", text)
    }
    pub(super) fn broken(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "That did not work", text)
    }
}

impl From<HubError> for Refused {
    fn from(error: HubError) -> Self {
        let class = error.class();
        let status =
            StatusCode::from_u16(class.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = match class {
            Class::Broken => broken(&error),
            _ => {
                let text = error.to_string();
                let end = if text.ends_with('.') { "" } else { "." };
                let mut letters = text.chars();
                let first: String = letters
                    .next()
                    .into_iter()
                    .flat_map(char::to_uppercase)
                    .collect();
                format!("{first}{}{end}", letters.as_str())
            }
        };
        Self::new(status, class.title(), text)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let page = Message {
            title: self.title,
            text: &self.text,
        }
        .render();
        (self.status, Html(page.unwrap_or(self.text))).into_response()
    }
}

/// What this person may see of something, with the scheme's name and zone; or that they may not.
pub(super) async fn seen<T: Send + 'static>(
    app: &App,
    who: &Entered,
    read: impl FnOnce(&dyn Board, &Account) -> Result<T, HubError> + Send + 'static,
) -> Result<(String, Zone, T), Refused> {
    let account = who.account().clone();
    let (scheme, zone, seen) = app
        .ask(move |b| (b.scheme(), b.zone(), read(b, &account)))
        .await?;
    Ok((scheme, zone, seen?))
}

/// What a page says of the act it answers: that it was done, or why not.
#[derive(Default)]
pub(super) struct Said {
    pub(super) done: String,
    pub(super) problem: String,
}

impl<E: std::fmt::Display> From<Result<String, E>> for Said {
    fn from(settled: Result<String, E>) -> Self {
        let (done, problem) = match settled {
            Ok(done) => (done, String::new()),
            Err(why) => (String::new(), why.to_string()),
        };
        Self { done, problem }
    }
}

/// A page that was asked to do something: with the status of a refusal, if it was refused.
pub(super) fn settled(
    shown: Result<Response, Refused>,
    refused: bool,
) -> Result<Response, Refused> {
    let mut shown = shown?;
    if refused {
        *shown.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(shown)
}

/// Of a form that none of our pages has.
pub(super) fn no_such_act() -> Refused {
    Refused::forbidden("There is no such act. Nothing was done.")
}

pub(super) fn page(page: &impl Template) -> Result<Response, Refused> {
    match page.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(e) => {
            tracing::error!("a page was not made: {e}");
            Err(Refused::broken(
                "The page could not be made. Tell whoever looks after this hub.",
            ))
        }
    }
}

pub fn router(board: Arc<dyn Board>, clock: Arc<dyn Clock>, times: Times) -> Router {
    let app = Arc::new(App {
        board,
        clock,
        sessions: Mutex::default(),
        limits: Limits::default(),
        times,
        door: Arc::new(Semaphore::new(1)),
        waiting: Arc::new(Semaphore::new(WAITING)),
        guesses: Mutex::default(),
    });
    Router::new()
        .route("/", get(overview))
        .route("/sign-in", get(door::form).post(door::sign_in))
        .route("/sign-out", post(door::sign_out))
        .route("/footage/{box}/{cam}", get(footage))
        .route("/clip/{exhibit}", get(clips::clip).post(clips::view))
        .route("/clip/{exhibit}/play/{index}", get(clips::play))
        .route("/clip/{exhibit}/save/{index}", get(clips::save))
        .route("/clip/{exhibit}/certificate", get(clips::certificate))
        .route("/masks", get(masks::overview))
        .route("/api/v1/masks", get(masks::json))
        .route("/lifts", get(lifts::overview).post(lifts::settle))
        .route("/api/v1/lifts", get(lifts::json))
        .route("/holds", get(holds::overview).post(holds::settle))
        .route("/api/v1/holds", get(holds::json))
        .route("/evidence", get(evidence::overview).post(evidence::dispose))
        .route(
            "/evidence/{exhibit}/certificate",
            get(evidence::certificate),
        )
        .route("/api/v1/evidence", get(evidence::json))
        .route("/retention", get(retention::overview))
        .route("/retention/{box}/{cam}", get(retention::camera))
        .route("/api/v1/retention", get(retention::json))
        .route("/api/v1/retention/{box}/{cam}", get(retention::camera_json))
        .route("/style.css", get(style))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(|_: Entered| async { Refused::missing("There is no such page.") })
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(middleware::from_fn_with_state(
            app.clone(),
            guard::every_request,
        ))
        .with_state(app)
}

pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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

pub(super) fn set_cookie(name: &str, value: &str, age: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}")
}

pub(super) fn random() -> Result<[u8; 32], Refused> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Refused::broken("The system gives no random numbers."))?;
    Ok(bytes)
}

/// Somebody signed in. A handler that takes this cannot be reached by a stranger.
pub(super) struct Entered {
    session: Session,
    cookie: String,
}

impl FromRequestParts<Arc<App>> for Entered {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Redirect> {
        let cookie = cookie(&parts.headers, COOKIE)
            .ok_or_else(|| Redirect::to("/sign-in"))?
            .to_owned();
        let session = app
            .sessions()
            .find(&cookie, app.mono())
            .ok_or_else(|| Redirect::to("/sign-in"))?;
        if let Some(caller) = parts.extensions.get::<Arc<Caller>>() {
            caller.is_signed_in();
        }
        Ok(Self { session, cookie })
    }
}

impl Entered {
    pub(super) fn frame(&self, scheme: String) -> Frame {
        Frame::of(scheme, &self.session.account, &self.session.form)
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(super) fn account(&self) -> &Account {
        &self.session.account
    }

    /// Refuses whoever may not, before anything is asked or looked up.
    pub(super) fn may(&self, row: &'static Row, now: Utc) -> Result<(), Refused> {
        permit(self.account(), row, now)
            .map(drop)
            .map_err(Refused::from)
    }

    pub(super) fn check_form(&self, token: &str) -> Result<(), Refused> {
        match self.session.owns_form(token) {
            true => Ok(()),
            false => Err(Refused::forbidden(
                "This form does not belong to your session; nothing was done. Open the page again.",
            )),
        }
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn overview(State(app): State<Arc<App>>, who: Entered) -> Result<Response, Refused> {
    let now = app.clock.now().wall;
    let frame = who.session.clone();
    let gone = abandoned();
    let shown = app.ask(move |board| {
        let who = &frame.account;
        let zone = board.zone();
        let mut problems = Vec::new();
        let boxes = board.boxes().unwrap_or_else(|e| {
            problems.push(e.to_string());
            Vec::new()
        });
        let boxes = boxes.iter().take_while(|_| !gone()).map(|row| {
            let cameras = row.cameras.iter().take_while(|_| !gone()).map(|c| {
                let address = BoxCamera {
                    r#box: row.name.clone(),
                    cam: c.cam.clone(),
                };
                views::camera(
                    row,
                    c,
                    permit(who, &table::FOOTAGE, now)
                        .is_ok()
                        .then(|| board.week(who, &address).map_err(|e| e.to_string())),
                    &zone,
                )
            });
            views::of_box(row, cameras.collect(), &zone)
        });
        let boxes = boxes.collect();
        let clips = permit(who, &table::CLIPS, now).is_ok();
        let mut told = |e: HubError| problems.push(e.to_string());
        let exhibits = clips.then(|| board.exhibits(who).map_err(&mut told).unwrap_or_default());
        let evidence = match clips {
            true => board
                .evidence_faults()
                .map_err(&mut told)
                .unwrap_or_default(),
            false => Vec::new(),
        };
        Overview {
            evidence: evidence.iter().map(FaultRow::in_words).collect(),
            frame: Frame::of(board.scheme(), &frame.account, &frame.form),
            now: now.for_people(&zone),
            zone: now
                .for_people(&zone)
                .rsplit(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            boxes,
            exhibits: exhibits.map(|all| all.iter().map(|e| views::exhibit(e, &zone)).collect()),
            problem: problems.join(" "),
        }
    });
    page(&shown.await?)
}

async fn footage(
    State(app): State<Arc<App>>,
    who: Entered,
    Path((name, cam)): Path<(String, String)>,
) -> Result<Response, Refused> {
    who.may(&table::FOOTAGE, app.now())?;
    let (Ok(name), Ok(cam)) = (BoxName::parse(&name), CameraId::parse(&cam)) else {
        return Err(Refused::missing("There is no such camera."));
    };
    let camera = BoxCamera { r#box: name, cam };
    let account = who.account().clone();
    let (scheme, zone, title, footage) = app
        .ask(move |board| {
            let rows = board.boxes().unwrap_or_default();
            let title = rows
                .iter()
                .filter(|b| b.name == camera.r#box)
                .flat_map(|b| &b.cameras)
                .find(|c| c.cam == camera.cam)
                .map(|c| c.title.clone());
            (
                board.scheme(),
                board.zone(),
                title,
                board.footage(&account, &camera, None),
            )
        })
        .await?;
    let footage = footage.map_err(|why| Refused::missing(why.to_string()))?;
    page(&FootagePage {
        frame: who.frame(scheme),
        title: title.unwrap_or_default(),
        bars: footage.days.iter().map(|d| views::bar(d, &zone)).collect(),
        camera: footage.camera,
        zone: footage.zone,
    })
}
