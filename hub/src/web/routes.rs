//! Wiring. Every address of the staff pages, and what must be true before it answers. Deny by default: only the sign-in page and
//! the style sheet answer a stranger.
//!
//! | address | needs |
//! |---|---|
//! | `GET /sign-in`, `POST /sign-in`, `GET /style.css` | nothing |
//! | `GET /` boxes, cameras, clips · `GET /footage/{box}/{cam}` | a session |
//! | `GET /clip/{ref}` · `POST /clip/{ref}` purpose and reference | a session; the purpose is logged (`acc.view`) before anything is shown |
//! | `GET /clip/{ref}/play/{i}`, `/save/{i}`, `/certificate` | a session with a purpose given for this exhibit in the last half hour |
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

use std::{
    borrow::Cow,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use askama::Template;
use axum::{
    Form, Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRequestParts, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use shared::{
    evidence::names,
    id::{BoxCamera, BoxName, CameraId, ExhibitRef},
    plain,
    record::hex,
    time::{Clock, Utc, Zone},
    verify::Files,
};
use tokio::sync::Semaphore;

use super::{
    evidence,
    files::{self, Copy, Range},
    holds, lifts, masks, retention,
    sessions::{Session, Sessions, same},
    views::{self, ClipPage, FootagePage, Frame, Message, Overview, SignIn},
};
use crate::{
    board::{Account, Board, ExhibitRow},
    disposal::rows::FaultRow,
    evidence::Resting,
};

/// `__Host-`: the browser itself insists on HTTPS, this host, all paths.
const COOKIE: &str = "__Host-beadle";
/// Ties the sign-in form to the browser it was sent to.
const KNOCK: &str = "__Host-beadle-knock";
const FORM_BYTES: usize = 16 * 1024;
const STYLE: &str = include_str!("../../templates/style.css");

pub struct App {
    board: Arc<dyn Board>,
    clock: Arc<dyn Clock>,
    sessions: Mutex<Sessions>,
    /// One password is judged at a time: guessing in parallel gains nothing, and the machine is not kept busy by it.
    door: Semaphore,
}

impl App {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Utc {
        self.clock.now().wall
    }

    fn mono(&self) -> u64 {
        self.clock.now().mono
    }

    /// Board calls block: they run beside the async threads.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Board) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let board = self.board.clone();
        tokio::task::spawn_blocking(move || ask(board.as_ref()))
            .await
            .map_err(|_| Refused::broken("The hub is stopping. Try again in a minute."))
    }
}

/// A page that says no, or that something broke.
pub struct Refused {
    status: StatusCode,
    title: &'static str,
    text: String,
}

impl Refused {
    fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
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
    pub(super) fn broken(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "That did not work", text)
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
pub(super) async fn seen<T, E>(
    app: &App,
    who: &Entered,
    read: impl FnOnce(&dyn Board, &Account) -> Result<T, E> + Send + 'static,
) -> Result<(String, Zone, T), Refused>
where
    T: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    let account = who.account().clone();
    let (scheme, zone, seen) = app
        .ask(move |b| (b.scheme(), b.zone(), read(b, &account)))
        .await?;
    let seen = seen.map_err(|why| Refused::forbidden(why.to_string()))?;
    Ok((scheme, zone, seen))
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

pub fn router(board: Arc<dyn Board>, clock: Arc<dyn Clock>) -> Router {
    let app = Arc::new(App {
        board,
        clock,
        sessions: Mutex::default(),
        door: Semaphore::new(1),
    });
    Router::new()
        .route("/", get(overview))
        .route("/sign-in", get(sign_in_form).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/footage/{box}/{cam}", get(footage))
        .route("/clip/{exhibit}", get(clip).post(view))
        .route("/clip/{exhibit}/play/{index}", get(play))
        .route("/clip/{exhibit}/save/{index}", get(save))
        .route("/clip/{exhibit}/certificate", get(certificate))
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
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(middleware::from_fn(guard))
        .with_state(app)
}

/// Refuses forms sent by other sites, and sets what every answer carries.
async fn guard(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let foreign = request.method() != Method::GET
        && request.method() != Method::HEAD
        && request
            .headers()
            .get("sec-fetch-site")
            .is_some_and(|site| site != "same-origin" && site != "none");
    let mut response = match foreign {
        true => Refused::forbidden("This form was sent by another site. Nothing was done.")
            .into_response(),
        false => shown(next.run(request).await).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=()",
        ),
        ("cache-control", "no-store"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}

/// Pages and answers to programs quote boxes; whatever is text goes out as text that can be shown. Films, and files that are to be saved
/// byte for byte, are left alone.
async fn shown(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let json = kind.starts_with("application/json");
    let text = json || kind.starts_with("text/");
    if !text || response.headers().contains_key(header::CONTENT_DISPOSITION) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(_) => return Refused::broken("The page could not be made.").into_response(),
    };
    // In JSON a control character stands as its number, and whoever reads it has it back.
    let value = match json {
        true => serde_json::from_slice::<serde_json::Value>(&bytes).ok(),
        false => None,
    };
    let clean = match (value, std::str::from_utf8(&bytes).map(plain::lines)) {
        (Some(mut value), _) => {
            plain::message(&mut value);
            Some(value.to_string())
        }
        (None, Ok(Cow::Owned(clean))) => Some(clean),
        (None, Ok(Cow::Borrowed(_)) | Err(_)) => None,
    };
    match clean {
        None => Response::from_parts(parts, Body::from(bytes)),
        Some(clean) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(clean))
        }
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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

fn set_cookie(name: &str, value: &str, age: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}")
}

fn random() -> Result<[u8; 32], Refused> {
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
        Ok(Self { session, cookie })
    }
}

impl Entered {
    pub(super) fn frame(&self, scheme: String) -> Frame {
        Frame::of(scheme, &self.session.account, &self.session.form)
    }

    pub(super) fn account(&self) -> &Account {
        &self.session.account
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

async fn sign_in_form(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    sign_in_page(&app, &headers, "", StatusCode::OK).await
}

#[derive(Deserialize)]
struct SignInForm {
    form: String,
    name: String,
    password: String,
}

async fn sign_in(
    State(app): State<Arc<App>>,
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
    let _turn = app
        .door
        .acquire()
        .await
        .map_err(|_| Refused::broken("The hub is stopping."))?;
    let (name, password) = (form.name, zeroize::Zeroizing::new(form.password));
    match app.ask(move |b| b.sign_in(&name, &password)).await? {
        Ok(account) => {
            // A new token at every sign-in: one that was planted before is worth nothing.
            if let Some(old) = cookie(&headers, COOKIE) {
                app.sessions().end(old);
            }
            let value = app
                .sessions()
                .begin(account, random()?, random()?, app.mono());
            let mut response = Redirect::to("/").into_response();
            for text in [
                set_cookie(COOKIE, &value, ""),
                set_cookie(KNOCK, "", "; Max-Age=0"),
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

#[derive(Deserialize)]
struct FormOnly {
    form: String,
}

async fn sign_out(
    State(app): State<Arc<App>>,
    who: Entered,
    Form(form): Form<FormOnly>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    app.sessions().end(&who.cookie);
    Ok((
        [(header::SET_COOKIE, set_cookie(COOKIE, "", "; Max-Age=0"))],
        Redirect::to("/sign-in"),
    )
        .into_response())
}

async fn overview(State(app): State<Arc<App>>, who: Entered) -> Result<Response, Refused> {
    let now = app.clock.now().wall;
    let frame = who.session.clone();
    let shown = app.ask(move |board| {
        let zone = board.zone();
        let mut problems = Vec::new();
        let boxes = board.boxes().unwrap_or_else(|e| {
            problems.push(e.to_string());
            Vec::new()
        });
        let boxes = boxes.iter().map(|row| {
            let cameras = row.cameras.iter().map(|c| {
                let address = BoxCamera {
                    r#box: row.name.clone(),
                    cam: c.cam.clone(),
                };
                views::camera(
                    row,
                    c,
                    board.footage(&address, None).map_err(|e| e.to_string()),
                    &zone,
                )
            });
            views::of_box(row, cameras.collect(), &zone)
        });
        let boxes = boxes.collect();
        let exhibits = board.exhibits().unwrap_or_else(|e| {
            problems.push(e.to_string());
            Vec::new()
        });
        let evidence = board.evidence_faults().unwrap_or_else(|e| {
            problems.push(e.to_string());
            Vec::new()
        });
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
            exhibits: exhibits.iter().map(|e| views::exhibit(e, &zone)).collect(),
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
    let (Ok(name), Ok(cam)) = (BoxName::parse(&name), CameraId::parse(&cam)) else {
        return Err(Refused::missing("There is no such camera."));
    };
    let camera = BoxCamera { r#box: name, cam };
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
                board.footage(&camera, None),
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

/// An exhibit as it is shown.
struct Exhibit {
    row: ExhibitRow,
    copies: Vec<Copy>,
    /// None: there is none yet.
    package: Option<Arc<Resting>>,
}

/// An exhibit, and its copies, if it has a package.
async fn exhibit(app: &App, text: &str) -> Result<Exhibit, Refused> {
    let missing = || Refused::missing("There is no such exhibit.");
    let wanted = ExhibitRef::parse(text).map_err(|_| missing())?;
    let row = app
        .ask(|b| b.exhibits())
        .await?
        .map_err(|e| Refused::broken(e.to_string()))?;
    let row = row
        .into_iter()
        .find(|r| r.r#ref == wanted.as_str())
        .ok_or_else(missing)?;
    let shown = row.clone();
    let found = app
        .ask(move |b| -> Result<_, Refused> {
            let package = b.package(&shown);
            let Some(package) = package.map_err(|e| Refused::broken(e.to_string()))? else {
                return Ok((Vec::new(), None));
            };
            let copies = files::copies(&package).map_err(|e| unreadable(&shown.r#ref, &e))?;
            Ok((copies, Some(Arc::new(package))))
        })
        .await?;
    let (copies, package) = found?;
    Ok(Exhibit {
        row,
        copies,
        package,
    })
}

fn unreadable(exhibit: &str, e: &io::Error) -> Refused {
    if e.kind() == io::ErrorKind::ResourceBusy {
        return Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not now",
            "This package was made by an older version and is being sealed. Try again in a few minutes.",
        );
    }
    tracing::error!(exhibit, "its package cannot be read: {e}");
    Refused::broken(
        "The package of this exhibit cannot be read from the evidence folder. Tell whoever looks after this hub.",
    )
}

async fn clip_page(
    app: &App,
    who: &Entered,
    text: &str,
    problem: &str,
    said: (String, String),
) -> Result<Response, Refused> {
    let Exhibit { row, copies, .. } = exhibit(app, text).await?;
    let (scheme, zone) = app.ask(|b| (b.scheme(), b.zone())).await?;
    page(&ClipPage {
        frame: who.frame(scheme),
        exhibit: views::exhibit(&row, &zone),
        copies: views::copies(&copies),
        granted: who.session.may_view(&row.r#ref, app.mono()),
        problem: problem.to_owned(),
        purpose: said.0,
        reference: said.1,
    })
}

async fn clip(
    State(app): State<Arc<App>>,
    who: Entered,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    clip_page(&app, &who, &text, "", Default::default()).await
}

#[derive(Deserialize)]
struct ViewForm {
    form: String,
    purpose: String,
    reference: String,
}

async fn view(
    State(app): State<Arc<App>>,
    who: Entered,
    Path(text): Path<String>,
    Form(form): Form<ViewForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let Exhibit { row, .. } = exhibit(&app, &text).await?;
    let (purpose, reference) = (
        form.purpose.trim().to_owned(),
        form.reference.trim().to_owned(),
    );
    if purpose.is_empty()
        || reference.is_empty()
        || purpose.chars().count() > 300
        || reference.chars().count() > 100
    {
        let problem = "Please give a purpose (at most 300 letters) and a reference (at most 100). Nothing was shown and nothing logged.";
        return clip_page(&app, &who, &text, problem, (purpose, reference)).await;
    }
    let account = who.session.account.clone();
    let (exhibit, p, r) = (row.r#ref.clone(), purpose.clone(), reference.clone());
    if let Err(why) = app
        .ask(move |b| b.viewing(&account, &exhibit, &p, &r))
        .await?
    {
        return clip_page(&app, &who, &text, &why.to_string(), (purpose, reference)).await;
    }
    // The line is on disk; only now is anything shown.
    app.sessions().grant(&who.cookie, &row.r#ref, app.mono());
    Ok(Redirect::to(&format!("/clip/{}", row.r#ref)).into_response())
}

/// The exhibit's files, if this person may see them now.
async fn granted(app: &App, who: &Entered, text: &str) -> Result<Exhibit, Refused> {
    let found = exhibit(app, text).await?;
    if found.row.state == "Disposed" {
        return Err(Refused::new(
            StatusCode::GONE,
            "Disposed of",
            format!("{} {}", found.row.r#ref, found.row.why),
        ));
    }
    if !who.session.may_view(&found.row.r#ref, app.mono()) {
        return Err(Refused::forbidden(format!(
            "Give a purpose and a reference on the page of {} first.",
            found.row.r#ref
        )));
    }
    Ok(found)
}

async fn play(
    State(app): State<Arc<App>>,
    who: Entered,
    Path((text, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    send_copy(&app, &who, &text, index, &headers, "inline").await
}

async fn save(
    State(app): State<Arc<App>>,
    who: Entered,
    Path((text, index)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    send_copy(&app, &who, &text, index, &headers, "attachment").await
}

async fn send_copy(
    app: &App,
    who: &Entered,
    text: &str,
    index: usize,
    headers: &HeaderMap,
    how: &str,
) -> Result<Response, Refused> {
    let Exhibit {
        row,
        copies,
        package,
    } = granted(app, who, text).await?;
    let (copy, package) = copies
        .get(index)
        .cloned()
        .zip(package)
        .ok_or_else(|| Refused::missing("There is no such copy."))?;
    let unreadable = |e: &dyn std::fmt::Display| {
        tracing::error!(exhibit = text, "a working copy cannot be sent: {e}");
        Refused::broken(
            "The copy cannot be read from the evidence folder. Tell whoever looks after this hub.",
        )
    };
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, "video/mp4")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(
            header::CONTENT_DISPOSITION,
            format!("{how}; filename=\"{}_{}\"", row.r#ref, ascii(&copy.name)),
        );
    let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    let (status, from, len) = match files::range(asked, copy.bytes) {
        Range::Whole => (StatusCode::OK, 0, copy.bytes),
        Range::Part(from, len) => (StatusCode::PARTIAL_CONTENT, from, len),
        Range::Outside => {
            let answer = answer
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{}", copy.bytes));
            return answer.body(Body::empty()).map_err(|e| unreadable(&e));
        }
    };
    let mut answer = answer.status(status).header(header::CONTENT_LENGTH, len);
    if status == StatusCode::PARTIAL_CONTENT {
        answer = answer.header(
            header::CONTENT_RANGE,
            format!("bytes {from}-{}/{}", from + len - 1, copy.bytes),
        );
    }
    let body = app
        .ask(move |_| files::body(&package, &copy.path, from, len))
        .await?
        .map_err(|e| unreadable(&e))?;
    answer.body(body).map_err(|e| unreadable(&e))
}

fn ascii(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
}

async fn certificate(
    State(app): State<Arc<App>>,
    who: Entered,
    Path(text): Path<String>,
) -> Result<Response, Refused> {
    let found = granted(&app, &who, &text).await?;
    let package = found
        .package
        .ok_or_else(|| Refused::missing("There is no package yet."))?;
    let text = app.ask(move |_| package.read(names::CERTIFICATE)).await?;
    let text = text.map_err(|_| {
        Refused::missing("There is no certificate in this package that can be read.")
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
