//! Wiring. The page of clip requests: what was asked for and what became of it; opening one, and every act on it (EVI-1, ROL-5).

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::Response,
};
use serde::{Deserialize, de::DeserializeOwned};
use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
};

use crate::{
    access::table::{self, Row},
    disposal::acts::RetentionClassInput,
    error::{Class, HubError},
    ops::{Operation, requests},
    reason::Clips,
    requests::clip::{
        class::{RequesterClass, TABLE},
        draft::Texts,
        rows::{RequestCameraRow, RequestRow},
        state::State as Stands,
    },
    web::{
        context::{App, Outcome, Refused, SignedIn, no_such_act},
        leaf::{Leaf, Turn},
        parts::{self, Frame, state},
    },
};

/// Requests on one page.
const REQUESTS: u32 = 50;

struct RequestView {
    request: String,
    class: &'static str,
    state: parts::State,
    span: String,
    asked: Vec<(&'static str, String)>,
    cameras: Vec<CameraView>,
    /// What this person may do with it now.
    change: Option<DraftView>,
    submit: bool,
    decide: bool,
    own: bool,
    cancel: bool,
    release: bool,
    close: &'static [(&'static str, &'static str)],
}

/// What a draft says, as the form to change it shows it.
struct DraftView {
    class: &'static str,
    cameras: String,
    from: String,
    to: String,
    /// Name of the field, its label, and what it says.
    texts: Vec<(&'static str, &'static str, String)>,
}

impl DraftView {
    fn of(r: &RequestRow, zone: &Zone) -> Self {
        let cameras: Vec<&str> = r.cameras.iter().map(|c| c.camera.as_str()).collect();
        let time = |t: Option<Utc>| t.map_or_else(String::new, |t| zone.as_typed(t));
        let texts = [
            ("purpose", "Purpose", &r.purpose),
            ("reference", "Reference", &r.reference),
            ("requester", "Requester", &r.requester),
            ("order", "Order or power", &r.order),
            ("identity", "How identity was checked", &r.identity),
        ];
        Self {
            class: r.class.word(),
            cameras: cameras.join(" "),
            from: time(r.from),
            to: time(r.to),
            texts: texts
                .map(|(name, label, text)| (name, label, text.clone().unwrap_or_default()))
                .into(),
        }
    }
}

struct CameraView {
    camera: String,
    exhibit: Option<String>,
    text: String,
    missing: Vec<String>,
}

/// A class as the form offers it.
struct ClassView {
    word: &'static str,
    title: &'static str,
    needs: String,
}

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    frame: Frame,
    requests: Vec<RequestView>,
    leaf: Leaf,
    classes: Vec<ClassView>,
    zone: String,
    /// What was just done.
    done: String,
    problem: String,
    /// What was typed, where it was not taken.
    typed: RequestForm,
}

/// Why a request that was not handed over is closed, and why one that was.
const NOT_HANDED_OVER: &[(&str, &str)] = &[
    ("not-collected", "nobody came for it"),
    ("nothing-to-hand-over", "it was looked at here"),
    ("other", "another reason"),
];
const HANDED_OVER: &[(&str, &str)] = &[("handed-over", "it was handed over")];

fn camera(c: &RequestCameraRow, zone: &Zone) -> CameraView {
    let stands = c.state.as_deref().unwrap_or("not asked for").to_owned();
    let why = c.why.map(|w| format!(" ({})", w.word()));
    let found = match c.segments {
        0 => String::new(),
        n => format!(", {n} segments, {}", parts::size(c.bytes)),
    };
    let said = match c.said.is_empty() {
        true => String::new(),
        false => format!(": {}", c.said),
    };
    let ahead = c
        .forecast
        .as_ref()
        .map(|f| format!("; {}", parts::ahead(f, zone)));
    CameraView {
        camera: c.camera.clone(),
        exhibit: c.exhibit.as_ref().map(ToString::to_string),
        text: format!(
            "{stands}{}{found}{said}{}",
            why.unwrap_or_default(),
            ahead.unwrap_or_default()
        ),
        missing: c
            .missing
            .iter()
            .map(|m| {
                let (from, to) = (m.from.for_people(zone), m.to.for_people(zone));
                format!("{from} to {to}: {}", m.why.word())
            })
            .collect(),
    }
}

fn view(r: &RequestRow, me: &str, may: impl Fn(&'static Row) -> bool, zone: &Zone) -> RequestView {
    let why = r.reason.clone().unwrap_or_default();
    let (symbol, colour) = match r.state {
        Stands::Ready | Stands::Released => ("✔", "good"),
        Stands::Partial => ("▲", "warn"),
        Stands::Failed | Stands::Refused => ("✖", "bad"),
        Stands::Closed | Stands::Cancelled => ("⊘", "unknown"),
        _ => ("…", "warn"),
    };
    let at = |t: Option<Utc>| t.map_or("?".to_owned(), |t| t.for_people(zone));
    let mut asked = Vec::new();
    for (what, text) in [
        ("Purpose", &r.purpose),
        ("Reference", &r.reference),
        ("Asked for by", &r.requester),
        ("Order or power", &r.order),
        ("Identity", &r.identity),
        ("Note", &r.note),
    ] {
        if let Some(text) = text {
            asked.push((what, text.clone()));
        }
    }
    if let Some(due) = r.due {
        asked.push(("To be answered by", due.for_people(zone)));
    }
    let people = [
        ("Opened by", Some(&r.opened_by)),
        ("Submitted by", r.submitted_by.as_ref()),
        ("Authorised by", r.authorised_by.as_ref()),
    ];
    for (what, who) in people {
        asked.extend(who.map(|who| (what, who.clone())));
    }
    let waits = r.state == Stands::Submitted;
    let own = r.submitted_by.as_deref() == Some(me) || r.opened_by == me;
    let open = r.state == Stands::Draft || r.state.holds();
    let through = matches!(r.state, Stands::Ready | Stands::Partial);
    RequestView {
        request: r.request.clone(),
        class: r.class.requirements().title,
        state: state(symbol, r.state.word(), colour, why),
        span: format!("{} to {}", at(r.from), at(r.to)),
        asked,
        cameras: r.cameras.iter().map(|c| camera(c, zone)).collect(),
        change: (r.state == Stands::Draft && may(&table::REQUEST_CHANGE))
            .then(|| DraftView::of(r, zone)),
        submit: r.state == Stands::Draft && may(&table::REQUEST_SUBMIT),
        decide: waits && !own && may(&table::REQUEST_AUTHORISE),
        own: waits && own,
        cancel: open && may(&table::REQUEST_CANCEL),
        release: (through || r.state == Stands::Released) && may(&table::REQUEST_RELEASE),
        close: match r.state {
            Stands::Released => HANDED_OVER,
            _ if through => NOT_HANDED_OVER,
            _ => &[],
        },
    }
}

fn classes() -> Vec<ClassView> {
    let one = |r: &crate::requests::clip::class::Requirements| {
        let mut needs = vec!["a purpose, a reference and a requester"];
        needs.extend(r.order.then_some("the order or power"));
        needs.extend(r.identity.then_some("how identity was checked"));
        needs.extend(r.second_person.then_some("a second person"));
        ClassView {
            word: r.class.word(),
            title: r.title,
            needs: needs.join(", "),
        }
    };
    TABLE.iter().map(one).collect()
}

async fn answer(
    app: &App,
    who: &SignedIn,
    turn: &Turn,
    outcome: Outcome,
    typed: RequestForm,
) -> Result<Response, Refused> {
    let list = requests::List {
        part: turn.part(REQUESTS),
    };
    let all = app.perform(who, list).await?;
    let (me, now) = (who.person().op(), app.now());
    let may = |row| who.authorise(row, now).is_ok();
    let shown = RequestsPage {
        frame: who.frame(app, "/requests"),
        leaf: turn.leaf("/requests", all.next.as_ref()),
        requests: all
            .rows
            .iter()
            .map(|r| view(r, &me, may, app.zone()))
            .collect(),
        classes: classes(),
        zone: app.hub.config.zone_name.clone(),
        typed: match outcome.problem.is_empty() {
            true => RequestForm::default(),
            false => typed,
        },
        done: outcome.done.clone(),
        problem: outcome.problem.clone(),
    };
    outcome.on(&shown)
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(turn): Query<Turn>,
) -> Result<Response, Refused> {
    let nothing = RequestForm::default();
    answer(&app, &who, &turn, Outcome::default(), nothing).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RequestForm {
    form: String,
    act: String,
    request: String,
    class: String,
    cameras: String,
    from: String,
    to: String,
    purpose: String,
    reference: String,
    requester: String,
    order: String,
    identity: String,
    why: String,
    note: String,
    /// yes: before what is planned.
    urgent: String,
}

fn some(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// A code of a list.
fn code<T: DeserializeOwned>(word: &str) -> Result<T, HubError> {
    serde_json::from_value(word.into())
        .map_err(|_| Clips::ReasonUnknown { word: word.into() }.into())
}

fn opened(form: &RequestForm, zone: &Zone) -> Result<requests::Open, HubError> {
    let class = RequesterClass::parse(&form.class).ok_or(Clips::ClassWanted)?;
    let cameras = form
        .cameras
        .split([' ', ',', '\n', '\r'])
        .filter(|c| !c.is_empty())
        .map(BoxCamera::parse)
        .collect::<Result<_, _>>()
        .map_err(|why| Clips::CameraMalformed { why })?;
    let time = |text: &str| {
        some(text)
            .map(|t| zone.typed(&t))
            .transpose()
            .map_err(|why| Clips::TimeUnreadable { why })
    };
    let texts = Texts {
        purpose: some(&form.purpose),
        reference: some(&form.reference),
        requester: some(&form.requester),
        order: some(&form.order),
        identity: some(&form.identity),
    };
    Ok(requests::Open {
        class,
        cameras,
        from: time(&form.from)?,
        to: time(&form.to)?,
        texts,
        keep: RetentionClassInput::default(),
        urgent: form.urgent == "yes",
    })
}

/// All that a form says of a draft, in the place of what it said.
fn changed(form: &RequestForm, zone: &Zone) -> Result<requests::Change, HubError> {
    let opened = opened(form, zone)?;
    Ok(requests::Change {
        request: form.request.clone(),
        class: Some(opened.class),
        cameras: Some(opened.cameras),
        from: opened.from,
        to: opened.to,
        texts: opened.texts,
        keep: None,
        urgent: Some(opened.urgent),
    })
}

async fn act<O: Operation<Reply = RequestRow>>(
    app: &App,
    who: &SignedIn,
    operation: Result<O, HubError>,
) -> Result<RequestRow, HubError> {
    app.perform(who, operation?).await
}

pub async fn settle(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(form): Form<RequestForm>,
) -> Result<Response, Refused> {
    who.check_form(&form.form)?;
    let request = form.request.clone();
    let note = some(&form.note);
    let settled = match form.act.as_str() {
        "open" => {
            let opened = act(&app, &who, opened(&form, app.zone())).await;
            match opened {
                Ok(row) => {
                    let submit = submitted(row.request.clone());
                    let done = act(&app, &who, Ok(submit)).await;
                    done.map_err(|e| match e {
                        HubError::Because(why) if why.class() == Class::Refused => {
                            let request = row.request;
                            Clips::StillDraft { request, why }.into()
                        }
                        e => e,
                    })
                }
                Err(e) => Err(e),
            }
        }
        "change" => act(&app, &who, changed(&form, app.zone())).await,
        "submit" => act(&app, &who, Ok(submitted(request))).await,
        "authorise" => act(&app, &who, Ok(requests::Authorise { request })).await,
        "refuse" => {
            let why = code(&form.why);
            let refuse = why.map(|why| requests::Refuse { request, why, note });
            act(&app, &who, refuse).await
        }
        "cancel" => {
            let why = code(&form.why);
            let cancel = why.map(|why| requests::Cancel { request, why, note });
            act(&app, &who, cancel).await
        }
        "release" => {
            let to = form.note.clone();
            act(&app, &who, Ok(requests::Release { request, to })).await
        }
        "close" => {
            let why = code(&form.why);
            let close = why.map(|why| requests::Close { request, why, note });
            act(&app, &who, close).await
        }
        _ => return Err(no_such_act()),
    };
    let settled = settled.map(|r| format!("{} is {}.", r.request, r.state.word()));
    answer(&app, &who, &Turn::default(), Outcome::of(settled)?, form).await
}

fn submitted(request: String) -> requests::Submit {
    requests::Submit {
        request,
        texts: Texts::default(),
    }
}
