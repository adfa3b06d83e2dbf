//! Wiring. The table of pages: every address, and the operations that whoever asks must be allowed before anything of the page is looked
//! at. Deny by default: only the sign-in page, the style sheet, the script, what the scheme publishes and
//! what witnesses are sent answer a stranger.
//!
//! Every form carries a token; every answer carries a content policy that allows our one script, and no
//! script in a page, no frame and no foreign origin.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};

use super::{
    api,
    context::{App, Refusal, SignedIn, to_the_door},
    forms, guard,
    pages::{
        account, approvers, cameras, clip, document, door, evidence, find, footage, holds, home,
        lifts, log, machine, masks, proof, register, request, requests, retention, staff, tokens,
        touches, waiting, watch, witness,
    },
};
use crate::{
    access::table,
    api::{BASE, http},
    model::operation::Row,
    ops::operation,
    reason::{Pages, class::Class},
};

/// Compiled by build.rs from hub/style.
const STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/style.css"));
const SCRIPT: &str = include_str!("../../templates/script.js");
const TIMELINE: &str = include_str!("../../templates/timeline.js");
const WATCHING: &str = include_str!("../../templates/watch.js");
const FILM: &str = include_str!("../../templates/film.js");

/// Who reaches a page.
#[derive(Clone, Copy, Debug)]
pub enum Audience {
    Nobody,
    /// Whoever is signed in and may do all of these operations.
    Person(&'static [&'static Row]),
}

/// One page: an address and a method.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// get, post
    pub method: &'static str,
    pub path: &'static str,
    pub audience: Audience,
}

macro_rules! pages {
    ($($method:ident $path:literal $handler:path, $audience:expr;)*) => {
        /// Every page.
        pub const PAGES: &[Page] = &[$(Page {
            method: stringify!($method),
            path: $path,
            audience: $audience,
        }),*];

        fn pages(app: &Arc<App>) -> Router<Arc<App>> {
            Router::new()$(.route($path, guarded(app, $audience, $method($handler))))*
        }
    };
}

use Audience::{Nobody, Person};

/// What there is, and asking for it.
const FIND: Audience = Person(&[&table::BOXES, &table::FOOTAGE, &table::REQUEST_OPEN]);
/// A clip's page and what it sends.
const WATCH: Audience = Person(&[&table::CLIP, &table::CLIP_VIEW]);
/// Clips and looks, side by side.
const WATCHED: Audience = Person(&[
    &table::BOXES,
    &table::CLIP,
    &table::CLIP_VIEW,
    &table::LOOK,
    &table::LOOK_SHOW,
]);

pages! {
    get "/style.css" style, Nobody;
    get "/script.js" script, Nobody;
    get "/timeline.js" timeline, Nobody;
    get "/watch.js" watching, Nobody;
    get "/film.js" film, Nobody;
    get "/favicon.ico" no_icon, Nobody;
    get "/sign-in" door::form, Nobody;
    post "/sign-in" door::sign_in, Nobody;
    post "/sign-in/second" door::second, Nobody;
    get "/proof" proof::folder, Nobody;
    get "/proof/" proof::show, Nobody;
    get "/proof/{name}" proof::file, Nobody;
    post "/witness/add-checkpoint" witness::add, Nobody;
    get "/witness/next/{id}" witness::next, Nobody;
    post "/witness/cosignature" witness::take, Nobody;
    post "/sign-out" door::sign_out, Person(&[]);
    get "/account" account::show, Person(&[]);
    post "/account" account::act, Person(&[]);
    get "/staff" forms::show::<staff::StaffPage>, Person(&[&table::STAFF]);
    post "/staff" forms::act::<staff::StaffPage>, Person(&[&table::STAFF]);
    get "/" home::show, Person(&[&table::BOXES]);
    get "/waiting" waiting::show, Person(&[&table::BOXES]);
    get "/cameras" cameras::show, Person(&[&table::BOXES]);
    get "/box/{box}" cameras::of_one, Person(&[&table::BOXES]);
    get "/find" find::show, FIND;
    post "/find" find::ask, FIND;
    get "/footage/{box}/{cam}" footage::show, Person(&[&table::FOOTAGE]);
    get "/watch" watch::show, WATCHED;
    post "/watch" watch::begin, WATCHED;
    get "/clip/{exhibit}" clip::show, WATCH;
    post "/clip/{exhibit}" clip::view, WATCH;
    get "/clip/{exhibit}/play/{index}" clip::play, WATCH;
    get "/clip/{exhibit}/film" clip::film, WATCH;
    get "/clip/{exhibit}/save/{index}" clip::save, Person(&[&table::CLIP, &table::CLIP_VIEW, &table::CLIP_SAVE]);
    get "/clip/{exhibit}/certificate" clip::certificate, WATCH;
    get "/hub" forms::show::<machine::HubPage>, Person(&[&table::HUB_STATUS, &table::MOVES, &table::OUTSIDE, &table::BACKUPS, &table::ROLLBACK]);
    post "/hub" forms::act::<machine::HubPage>, Person(&[&table::HUB_STATUS, &table::MOVES, &table::MOVE, &table::OUTSIDE, &table::OUTSIDE_ANCHOR, &table::BACKUPS, &table::ROLLBACK, &table::ROLLBACK_ASK, &table::ROLLBACK_APPROVE]);
    get "/masks" masks::show, Person(&[&table::MASKS]);
    get "/lifts" forms::show::<lifts::LiftsPage>, Person(&[&table::LIFTS]);
    post "/lifts" forms::act::<lifts::LiftsPage>, Person(&[&table::LIFTS]);
    get "/tokens" forms::show::<tokens::TokensPage>, Person(&[&table::TOKENS]);
    post "/tokens" forms::act::<tokens::TokensPage>, Person(&[&table::TOKENS]);
    get "/touches" forms::show::<touches::TouchesPage>, Person(&[&table::TOUCHES]);
    post "/touches" forms::act::<touches::TouchesPage>, Person(&[&table::TOUCHES, &table::TOUCH]);
    get "/approvers" forms::show::<approvers::ApproversPage>, Person(&[&table::APPROVERS]);
    post "/approvers" forms::act::<approvers::ApproversPage>, Person(&[&table::APPROVERS]);
    get "/requests" forms::show::<requests::RequestsPage>, Person(&[&table::REQUESTS]);
    post "/requests" forms::act::<requests::RequestsPage>, Person(&[&table::REQUESTS]);
    get "/requests/{request}" forms::show_one::<request::RequestPage>, Person(&[&table::REQUEST]);
    post "/requests/{request}" forms::act_one::<request::RequestPage>, Person(&[&table::REQUEST]);
    get "/requests/{request}/progress" request::progress, Person(&[&table::REQUEST, &table::REQUEST_WATCH]);
    get "/holds" forms::show::<holds::HoldsPage>, Person(&[&table::HOLDS]);
    post "/holds" forms::act::<holds::HoldsPage>, Person(&[&table::HOLDS, &table::HOLD_APPROVE]);
    get "/evidence" forms::show::<evidence::EvidencePage>, Person(&[&table::EVIDENCE]);
    post "/evidence" forms::act::<evidence::EvidencePage>, Person(&[&table::EVIDENCE]);
    get "/evidence/{exhibit}/certificate" evidence::certificate, Person(&[&table::EVIDENCE_CERTIFICATE]);
    get "/exhibit/{exhibit}" forms::show_one::<register::RegisterPage>, Person(&[&table::EXHIBIT]);
    post "/exhibit/{exhibit}" forms::act_one::<register::RegisterPage>, Person(&[&table::EXHIBIT]);
    get "/evidence/{exhibit}/{file}" document::disposal, Person(&[&table::EVIDENCE_CERTIFICATE]);
    get "/exhibit/{exhibit}/{file}" document::of_exhibit, Person(&[&table::EXHIBIT_DOCUMENT]);
    get "/requests/{request}/{file}" document::of_request, Person(&[&table::REQUEST_NOTICE]);
    get "/log" log::show, Person(&[&table::LOG_SHOW]);
    get "/retention" retention::show, Person(&[&table::RETENTION]);
    get "/retention/{box}/{cam}" retention::camera, Person(&[&table::RETENTION_CAMERA]);
}

fn guarded(
    app: &Arc<App>,
    audience: Audience,
    route: MethodRouter<Arc<App>>,
) -> MethodRouter<Arc<App>> {
    match audience {
        Nobody => route,
        Person(rows) => {
            route.route_layer(middleware::from_fn_with_state((app.clone(), rows), admit))
        }
    }
}

async fn admit(
    State((app, rows)): State<(Arc<App>, &'static [&'static Row])>,
    mut request: Request,
    next: Next,
) -> Response {
    let who = match SignedIn::find(&app, request.headers(), request.extensions()).await {
        Ok(Some(who)) => who,
        Ok(None) => return to_the_door(),
        Err(e) => return Refusal::from(e).into_response(),
    };
    // Whoever has something to do before all else is led there.
    if let Some(first) = who.person().limits.first
        && !rows.is_empty()
        && !rows.iter().all(|row| first.allows(row))
    {
        return Redirect::to("/account").into_response();
    }
    for row in rows {
        if let Err(e) = who.authorise(row, app.now()) {
            let noted = match e.class() {
                Class::NotAllowed => operation::denied(&app.hub, &who.principal(), row, None).await,
                _ => Ok(()),
            };
            return Refusal::from(noted.err().unwrap_or(e)).into_response();
        }
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// All pages, and the API below [`BASE`].
pub fn router(app: Arc<App>) -> Router {
    with(app, Router::new(), Router::new())
}

/// The same with more pages and more of the API, for tests.
pub(super) fn with(app: Arc<App>, more: Router<Arc<App>>, calls: Router<Arc<App>>) -> Router {
    let calls = http::routes(app.hub.clone())
        .merge(calls)
        .layer(middleware::from_fn_with_state(app.clone(), api::person));
    pages(&app)
        .merge(more)
        .nest(BASE, calls)
        .fallback(|_: SignedIn| async { Refusal::because(Pages::NoSuchPage) })
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(middleware::from_fn_with_state(
            app.clone(),
            guard::every_request,
        ))
        .with_state(app)
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

fn code(text: &'static str) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, text).into_response()
}

async fn script() -> Response {
    code(SCRIPT)
}

async fn timeline() -> Response {
    code(TIMELINE)
}

async fn watching() -> Response {
    code(WATCHING)
}

async fn film() -> Response {
    code(FILM)
}

async fn no_icon() -> StatusCode {
    StatusCode::NO_CONTENT
}
