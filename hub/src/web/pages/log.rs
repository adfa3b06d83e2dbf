//! Wiring. The page of what people did here: by person, camera, reference, type of line and day. That somebody looks is a line itself (AUD-1).

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use shared::time::{Day, Utc, Zone};

use crate::{
    api::call::encoded,
    error::HubError,
    ops::log,
    reason::Trail,
    trail::{Search, TrailRow},
    web::{
        context::{App, Outcome, Refusal, SignedIn},
        leaf::{Leaf, Turn},
        parts::Frame,
    },
};

/// Acts on one page.
const ACTS: u32 = 50;

/// What the form asks for; an empty field asks for nothing.
#[derive(Debug, Default, Deserialize)]
pub struct Form {
    #[serde(default)]
    person: String,
    #[serde(default)]
    camera: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    kind: String,
    /// Local days, both included.
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    after: Option<String>,
    back: Option<String>,
}

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    frame: Frame,
    form: Form,
    acts: Vec<ActView>,
    leaf: Leaf,
}

struct ActView {
    n: u64,
    at: String,
    kind: String,
    person: String,
    roles: String,
    camera: String,
    exhibit: String,
    texts: Vec<(String, String)>,
}

fn view(r: TrailRow, zone: &Zone) -> ActView {
    ActView {
        n: r.n,
        at: r.t.for_people(zone),
        kind: r.kind,
        person: format!("{} ({})", r.name, r.who),
        roles: r.roles,
        camera: match (r.camera, r.owner) {
            (Some(camera), Some(owner)) => format!("{camera} ({owner})"),
            (camera, owner) => camera.or(owner).unwrap_or_default(),
        },
        exhibit: r.exhibit.unwrap_or_default(),
        texts: r.facts.into_iter().chain(r.texts).collect(),
    }
}

impl Form {
    fn search(&self, zone: &Zone) -> Result<Search, HubError> {
        let said = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let day = |text: &str, later: i32| -> Result<Option<Utc>, HubError> {
            let Some(text) = said(text) else {
                return Ok(None);
            };
            let day = Day::parse(&text).map_err(|_| Trail::DayMalformed { text: text.clone() })?;
            Ok(Some(zone.start_of(day.plus_days(later))))
        };
        Ok(Search {
            person: said(&self.person),
            camera: said(&self.camera),
            reference: said(&self.reference),
            kind: said(&self.kind),
            from: day(&self.from, 0)?,
            to: day(&self.to, 1)?,
        })
    }

    /// The page with this search, without the part.
    fn address(&self) -> String {
        let fields = [
            ("person", &self.person),
            ("camera", &self.camera),
            ("reference", &self.reference),
            ("kind", &self.kind),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let said = fields.iter().filter(|(_, value)| !value.is_empty());
        let said: Vec<String> = said
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        match said.is_empty() {
            true => "/log".into(),
            false => format!("/log?{}", said.join("&")),
        }
    }
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(form): Query<Form>,
) -> Result<Response, Refusal> {
    let turn = Turn {
        after: form.after.clone(),
        back: form.back.clone(),
    };
    let found = match form.search(app.zone()) {
        Ok(search) => {
            let part = turn.part(ACTS);
            app.perform(&who, log::Show { search, part }).await
        }
        Err(e) => Err(e),
    };
    let (found, outcome) = match found {
        Ok(found) => (found, Outcome::default()),
        Err(e) => (Default::default(), Outcome::of(Err(e))?),
    };
    let shown = LogPage {
        frame: who.frame(&app, "/log").after("", &outcome.problem),
        leaf: turn.leaf(&form.address(), found.next.as_ref()),
        acts: found
            .rows
            .into_iter()
            .map(|r| view(r, app.zone()))
            .collect(),
        form,
    };
    outcome.on(&shown)
}
