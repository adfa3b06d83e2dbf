//! Wiring. One clip request: how it stands, what may be done with it, and how it goes on, camera by camera, as it does.

use std::{convert::Infallible, sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{StreamExt, stream};
use shared::{plain, time::Zone};

use super::requests::{ClassView, RequestForm, RequestView, acted, classes, view};
use crate::{
    error::HubError,
    ops::{operation, requests},
    requests::clip::rows::{RequestCameraRow, RequestRow},
    web::{
        context::{App, Refusal, SignedIn},
        forms::{FormPage, PageState},
        parts::{self, Frame, State as Mood, state},
        watched::{MOST, Watched},
    },
    words::label::Label,
};

/// News are sent for so long at most: whoever follows asks again, and is looked at again.
const FOLLOWED: Duration = Duration::from_secs(120);

/// How one camera of it goes on.
struct CameraProgress {
    camera: String,
    exhibit: Option<String>,
    state: Mood,
    /// Of so many bytes, so many are here.
    have: u64,
    all: u64,
    text: Label,
}

#[derive(Template)]
#[template(path = "progress.html")]
struct ProgressPart {
    /// For the frame's links.
    clips: bool,
    cameras: Vec<CameraProgress>,
    /// Where what has come of them is watched.
    watch: Option<String>,
}

fn camera(c: &RequestCameraRow, zone: &Zone) -> CameraProgress {
    let all = c.bytes;
    let to_come = c.forecast.as_ref().map_or(0, |f| f.bytes);
    let have = match c.under_way {
        true => all.saturating_sub(to_come),
        false => all,
    };
    let (symbol, class) = match c.state.as_deref() {
        Some("Ready" | "Released") => ("✔", "good"),
        Some("Partial") => ("▲", "warn"),
        Some("Failed" | "Refused") => ("✖", "bad"),
        Some("Closed" | "Disposed") => ("⊘", "unknown"),
        _ => ("…", "unknown"),
    };
    let word = match (c.paused.is_some(), c.under_way, c.exhibit.is_some()) {
        (true, true, _) => Label::Paused,
        (_, true, _) if have > 0 => Label::Arriving,
        (_, true, _) => Label::WaitsItsTurn,
        (_, false, true) => Label::CameraStands(c.state.clone().unwrap_or_default()),
        (_, false, false) => Label::NotAskedFor,
    };
    let ahead = c.forecast.as_ref().filter(|_| c.under_way);
    let text = Label::Arrived {
        have: (all > 0).then(|| (parts::size(have), parts::size(all))),
        kbit: ahead.and_then(|f| f.kbit),
        left: ahead.map(|f| parts::ahead(f, zone)),
        said: c.said.clone(),
    };
    CameraProgress {
        camera: c.camera.clone(),
        exhibit: c.exhibit.as_ref().map(ToString::to_string),
        state: Mood {
            text: word.to_string(),
            ..state(symbol, "", class, String::new())
        },
        have,
        all,
        text,
    }
}

fn part(row: &RequestRow, clips: bool, zone: &Zone) -> ProgressPart {
    let cameras: Vec<CameraProgress> = row.cameras.iter().map(|c| camera(c, zone)).collect();
    let come = row.cameras.iter().zip(&cameras);
    let come = come.filter(|(_, c)| c.have > 0 && !matches!(c.state.class, "bad" | "unknown"));
    let watched = Watched {
        exhibits: come
            .filter_map(|(c, _)| c.exhibit.clone())
            .take(MOST)
            .collect(),
        ..Watched::default()
    };
    ProgressPart {
        clips,
        cameras,
        watch: (clips && !watched.is_empty()).then(|| watched.address()),
    }
}

#[derive(Template)]
#[template(path = "request.html")]
pub struct RequestPage {
    frame: Frame,
    r: RequestView,
    classes: Vec<ClassView>,
    zone: String,
    action: String,
    progress: ProgressPart,
    /// Something of it is still to come.
    goes_on: bool,
}

impl FormPage for RequestPage {
    const PATH: &'static str = "/requests";
    type Form = RequestForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<RequestForm>,
    ) -> Result<Self, HubError> {
        let request = shown.about;
        let row = app.perform(who, requests::Show { request }).await?;
        let (me, now, zone) = (who.person().op(), app.now(), app.zone());
        let mut r = view(&row, &me, |row| who.may(row, now), zone);
        if shown.typed.act == "change" {
            r.retype(&shown.typed);
        }
        Ok(Self {
            action: format!("/requests/{}", row.request),
            progress: part(&row, shown.frame.clips, zone),
            goes_on: row.cameras.iter().any(|c| c.under_way),
            r,
            classes: classes(),
            zone: app.hub.config.zone_name.clone(),
            frame: shown.frame,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: RequestForm) -> Result<String, HubError> {
        acted(app, who, form).await
    }
}

/// How it goes on, as a part of the page, again and again; `over` once nothing is under way.
pub async fn progress(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(request): Path<String>,
) -> Result<Response, Refusal> {
    let clips = who.frame(&app, "").clips;
    let watch = requests::Watch { request };
    let news = operation::follow(&app.hub, &who.principal(), watch).await?;
    let (shown, lives) = (app.clone(), app.clone());
    let events = news.map(move |news| {
        let part = news.map(|row| part(&row, clips, shown.zone()).render());
        match part {
            Ok(Ok(html)) => Event::default().event("part").data(plain::lines(&html)),
            Ok(Err(_)) | Err(_) => Event::default().event("over").data(""),
        }
    });
    let over = stream::once(async { Event::default().event("over").data("") });
    let events = events
        .chain(over)
        .take_until(tokio::time::sleep(FOLLOWED))
        .take_while(move |_| {
            let lives = lives.hub.sessions.lives(who.cookie(), lives.now());
            futures::future::ready(lives)
        });
    let events = events.map(Ok::<_, Infallible>);
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}
