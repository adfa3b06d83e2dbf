//! Pure. Rows of the table of operations: clips, and the requests they are asked for with.

use super::roles::{DECIDE, FOOTAGE_ROLES};
use crate::model::operation::{
    About,
    Method::{Get, Post},
    Row, Second,
};

pub const CLIPS: Row = Row::new(
    "clip.list",
    Get,
    "/clips",
    "see which clips were pulled, or anything of them",
    FOOTAGE_ROLES,
);
pub const CLIP: Row = Row::new(
    "clip.show",
    Get,
    "/clips/{exhibit}",
    "see anything of a clip that was pulled",
    FOOTAGE_ROLES,
)
.about(About::Exhibit);
pub const CLIP_PULL: Row = Row::new("clip.pull", Post, "/clips", "pull a clip", FOOTAGE_ROLES)
    .about(About::Camera)
    .purpose()
    .writes(&[
        "request.open",
        "request.submit",
        "hold.ask",
        "grant.set",
        "copy.class",
    ]);
pub const CLIP_WATCH: Row = Row::new(
    "clip.watch",
    Get,
    "/clips/{exhibit}/events",
    "follow the pull of a clip",
    FOOTAGE_ROLES,
)
.about(About::Exhibit);
pub const CLIP_FORECAST: Row = Row::new(
    "clip.forecast",
    Get,
    "/cameras/{box}/{cam}/forecast",
    "see how much a clip would be and when it would be there",
    FOOTAGE_ROLES,
)
.about(About::Camera);
pub const CLIP_PAUSE: Row = Row::new(
    "clip.pause",
    Post,
    "/clips/{exhibit}/pause",
    "have the pull of a clip wait",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["pull.pause"]);
pub const CLIP_RESUME: Row = Row::new(
    "clip.resume",
    Post,
    "/clips/{exhibit}/resume",
    "let the pull of a clip go on",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.writes(&["pull.resume"]);
pub const CLIP_VIEW: Row = Row::new(
    "clip.view",
    Post,
    "/clips/{exhibit}/view",
    "watch a clip",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.purpose()
.writes(&["acc.view"]);
pub const LOOK: Row = Row::new(
    "look.begin",
    Post,
    "/looks",
    "look at footage without taking it",
    FOOTAGE_ROLES,
)
.about(About::Camera)
.purpose()
.writes(&["acc.look"]);
pub const LOOK_SHOW: Row = Row::new(
    "look.show",
    Get,
    "/looks/{look}",
    "see how a look of their own stands",
    FOOTAGE_ROLES,
)
.about(About::Camera);
pub const LOOK_FILM: Row = Row::new(
    "look.film",
    Get,
    "/looks/{look}/film",
    "have the film of a look of their own, as it arrives",
    FOOTAGE_ROLES,
)
.about(About::Camera);
pub const CLIP_SAVE: Row = Row::new(
    "clip.save",
    Post,
    "/clips/{exhibit}/save",
    "save a package",
    FOOTAGE_ROLES,
)
.about(About::Exhibit)
.purpose()
.writes(&["copy.save"]);

pub const REQUESTS: Row = Row::new(
    "request.list",
    Get,
    "/requests",
    "see what was asked for, by whom and what became of it",
    FOOTAGE_ROLES,
);
pub const REQUEST: Row = Row::new(
    "request.show",
    Get,
    "/requests/{request}",
    "see anything of a request",
    FOOTAGE_ROLES,
)
.about(About::Request);
pub const REQUEST_WATCH: Row = Row::new(
    "request.watch",
    Get,
    "/requests/{request}/events",
    "follow what becomes of a request",
    FOOTAGE_ROLES,
)
.about(About::Request);
pub const REQUEST_OPEN: Row = Row::new(
    "request.open",
    Post,
    "/requests",
    "write a request for footage",
    FOOTAGE_ROLES,
)
.about(About::Camera)
.writes(&["request.open"]);
pub const REQUEST_CHANGE: Row = Row::new(
    "request.change",
    Post,
    "/requests/{request}/change",
    "change what a draft says",
    FOOTAGE_ROLES,
)
.about(About::Request)
.writes(&["request.change"]);
pub const REQUEST_SUBMIT: Row = Row::new(
    "request.submit",
    Post,
    "/requests/{request}/submit",
    "ask for what a request says",
    FOOTAGE_ROLES,
)
.about(About::Request)
.purpose()
.second(Second::Asks)
.writes(&["request.submit", "hold.ask", "grant.set", "copy.class"]);
pub const REQUEST_AUTHORISE: Row = Row::new(
    "request.authorise",
    Post,
    "/requests/{request}/authorise",
    "authorise a request that somebody else submitted",
    DECIDE,
)
.about(About::Request)
.second(Second::Approves)
.writes(&["request.authorise", "grant.set", "copy.class"]);
pub const REQUEST_REFUSE: Row = Row::new(
    "request.refuse",
    Post,
    "/requests/{request}/refuse",
    "decide against a request",
    DECIDE,
)
.about(About::Request)
.writes(&["request.refuse"]);
pub const REQUEST_CANCEL: Row = Row::new(
    "request.cancel",
    Post,
    "/requests/{request}/cancel",
    "take a request back",
    FOOTAGE_ROLES,
)
.about(About::Request)
.writes(&["request.cancel"]);
pub const REQUEST_RELEASE: Row = Row::new(
    "request.release",
    Post,
    "/requests/{request}/release",
    "put on record that a request's footage is handed over",
    FOOTAGE_ROLES,
)
.about(About::Request)
.writes(&["request.release"]);
pub const REQUEST_CLOSE: Row = Row::new(
    "request.close",
    Post,
    "/requests/{request}/close",
    "close a request",
    FOOTAGE_ROLES,
)
.about(About::Request)
.writes(&["request.close"]);
pub const REQUEST_NOTICE: Row = Row::new(
    "request.notice",
    Get,
    "/requests/{request}/notice",
    "have the notice of a refusal made",
    FOOTAGE_ROLES,
)
.about(About::Request);
