//! Wiring. The page of clip requests: what was asked for and what became of it; opening one, and every act on it (EVI-1, ROL-5).

use askama::Template;
use serde::{Deserialize, de::DeserializeOwned};
use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Utc, Zone},
};

use crate::{
    access::table,
    classes::RetentionClassInput,
    error::HubError,
    model::{
        clip_request::State as Stands,
        operation::Row,
        requester::{RequesterClass, TABLE},
    },
    ops::{clips, requests},
    reason::{Clips, class::Class},
    requests::clip::{
        draft::Texts,
        rows::{RequestCameraRow, RequestRow},
    },
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        leaf::Leaf,
        parts::{self, Frame, state},
    },
    words::label::Label,
};

/// Requests on one page.
const REQUESTS: u32 = 50;

pub struct RequestView {
    pub request: String,
    pub class: &'static str,
    pub state: parts::State,
    pub span: String,
    pub asked: Vec<(&'static str, String)>,
    pub cameras: Vec<CameraView>,
    /// What this person may do with it now.
    pub change: Option<DraftView>,
    pub submit: bool,
    pub decide: bool,
    pub own: bool,
    pub cancel: bool,
    pub release: bool,
    pub close: &'static [(&'static str, &'static str)],
}

impl RequestView {
    /// What was typed in its form, and not taken, stands there again.
    pub fn retype(&mut self, typed: &RequestForm) {
        self.change = self.change.take().map(|d| d.typed(typed));
    }
}

/// What a draft says, as the form to change it shows it.
pub struct DraftView {
    /// The form is open: what was typed in it was not taken.
    pub open: bool,
    pub class: &'static str,
    pub cameras: String,
    pub from: String,
    pub to: String,
    /// Name of the field, its label, and what it says.
    pub texts: Vec<(&'static str, &'static str, String)>,
    pub urgent: bool,
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
            open: false,
            class: r.class.word(),
            cameras: cameras.join(" "),
            from: time(r.from),
            to: time(r.to),
            texts: texts
                .map(|(name, label, text)| (name, label, text.clone().unwrap_or_default()))
                .into(),
            urgent: r.urgent,
        }
    }
}

impl DraftView {
    /// The same with what somebody typed instead.
    fn typed(self, form: &RequestForm) -> Self {
        let class = RequesterClass::parse(&form.class);
        let of = |name: &str, was: String| match name {
            "purpose" => form.purpose.clone(),
            "reference" => form.reference.clone(),
            "requester" => form.requester.clone(),
            "order" => form.order.clone(),
            "identity" => form.identity.clone(),
            _ => was,
        };
        let texts = self.texts.into_iter();
        Self {
            open: true,
            class: class.map_or(self.class, RequesterClass::word),
            cameras: form.cameras.clone(),
            from: form.from.clone(),
            to: form.to.clone(),
            texts: texts
                .map(|(n, label, was)| (n, label, of(n, was)))
                .collect(),
            urgent: form.urgent == "yes",
        }
    }
}

pub struct CameraView {
    pub camera: String,
    pub exhibit: Option<String>,
    pub text: String,
    pub missing: Vec<String>,
    /// What may be done about its pull now: `pause` or `resume`, and the words of the button; None: nothing.
    pub steer: Option<(&'static str, &'static str)>,
}

/// A class as the form offers it.
pub struct ClassView {
    pub word: &'static str,
    pub title: &'static str,
    pub needs: String,
}

#[derive(Template)]
#[template(path = "requests.html")]
pub struct RequestsPage {
    frame: Frame,
    requests: Vec<RequestView>,
    leaf: Leaf,
    classes: Vec<ClassView>,
    zone: String,
    /// Whether they may ask for footage.
    asks: bool,
    /// Where their forms are sent to.
    action: &'static str,
}

/// Why a request that was not handed over is closed, and why one that was.
const NOT_HANDED_OVER: &[(&str, &str)] = &[
    ("not-collected", "nobody came for it"),
    ("nothing-to-hand-over", "it was looked at here"),
    ("other", "another reason"),
];
const HANDED_OVER: &[(&str, &str)] = &[("handed-over", "it was handed over")];

/// What a pull that is not over may be told.
fn steer(
    c: &RequestCameraRow,
    may: impl Fn(&'static Row) -> bool,
) -> Option<(&'static str, &'static str)> {
    match c.under_way {
        false => None,
        true if c.paused.is_some() => {
            may(&table::CLIP_RESUME).then_some(("resume", "Let it go on"))
        }
        true => may(&table::CLIP_PAUSE).then_some(("pause", "Have it wait")),
    }
}

fn camera(c: &RequestCameraRow, may: impl Fn(&'static Row) -> bool, zone: &Zone) -> CameraView {
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
        steer: steer(c, may),
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

/// Where a request stands, without a sentence.
pub fn state_of(stands: Stands) -> parts::State {
    let (symbol, colour) = match stands {
        Stands::Ready | Stands::Released => ("✔", "good"),
        Stands::Partial => ("▲", "warn"),
        Stands::Failed | Stands::Refused => ("✖", "bad"),
        Stands::Closed | Stands::Cancelled => ("⊘", "unknown"),
        _ => ("…", "unknown"),
    };
    state(symbol, stands.word(), colour, String::new())
}

pub fn view(
    r: &RequestRow,
    me: &str,
    may: impl Fn(&'static Row) -> bool,
    zone: &Zone,
) -> RequestView {
    let why = r.reason.clone().unwrap_or_default();
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
        state: parts::State {
            text: why,
            ..state_of(r.state)
        },
        span: format!("{} to {}", at(r.from), at(r.to)),
        asked,
        cameras: r.cameras.iter().map(|c| camera(c, &may, zone)).collect(),
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

pub fn classes() -> Vec<ClassView> {
    let one = |r: &crate::model::requester::Requirements| {
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

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct RequestForm {
    pub form: String,
    pub exhibit: String,
    pub act: String,
    pub request: String,
    pub class: String,
    pub cameras: String,
    pub from: String,
    pub to: String,
    pub purpose: String,
    pub reference: String,
    pub requester: String,
    pub order: String,
    pub identity: String,
    pub why: String,
    pub note: String,
    /// yes: before what is planned.
    pub urgent: String,
}

page_form!(RequestForm);

impl RequestForm {
    /// Of a form with fields of other pages beside them.
    pub fn of(fields: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let found = fields.iter().find(|(n, _)| n == name);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        Self {
            form: text("form"),
            class: text("class"),
            purpose: text("purpose"),
            reference: text("reference"),
            requester: text("requester"),
            order: text("order"),
            identity: text("identity"),
            urgent: text("urgent"),
            ..Self::default()
        }
    }
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

/// Opened and submitted at once; a request that cannot be submitted stays a draft.
pub async fn open(app: &App, who: &SignedIn, form: &RequestForm) -> Result<RequestRow, HubError> {
    let request = app.perform(who, opened(form, app.zone())?).await?.request;
    let done = app.perform(who, submitted(request.clone())).await;
    done.map_err(|e| match e {
        HubError::Because(why) if why.class() == Class::Refused => {
            Clips::StillDraft { request, why }.into()
        }
        e => e,
    })
}

impl FormPage for RequestsPage {
    const PATH: &'static str = "/requests";
    type Form = RequestForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<RequestForm>,
    ) -> Result<Self, HubError> {
        let part = shown.turn.part(REQUESTS);
        let list = requests::List {
            part,
            ..requests::List::default()
        };
        let all = app.perform(who, list).await?;
        let (me, now, zone) = (who.person().op(), app.now(), app.zone());
        let may = |row| who.may(row, now);
        let views = all.rows.iter().map(|r| view(r, &me, may, zone));
        let mut requests: Vec<RequestView> = views.collect();
        // What was typed and not taken stands again where it was typed.
        if shown.typed.act == "change" {
            let of = |r: &&mut RequestView| r.request == shown.typed.request;
            if let Some(r) = requests.iter_mut().find(of) {
                r.retype(&shown.typed);
            }
        }
        Ok(Self {
            leaf: shown.turn.leaf(Self::PATH, all.next.as_ref()),
            requests,
            classes: classes(),
            zone: app.hub.config.zone_name.clone(),
            asks: may(&table::REQUEST_OPEN),
            action: Self::PATH,
            frame: shown.frame,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: RequestForm) -> Result<String, HubError> {
        acted(app, who, form).await
    }
}

/// Does what a form about a request asks for, and says in a sentence that it was done.
pub async fn acted(app: &App, who: &SignedIn, form: RequestForm) -> Result<String, HubError> {
    let request = form.request.clone();
    let note = some(&form.note);
    let row = match form.act.as_str() {
        "open" => open(app, who, &form).await?,
        "change" => app.perform(who, changed(&form, app.zone())?).await?,
        "submit" => app.perform(who, submitted(request)).await?,
        "authorise" => app.perform(who, requests::Authorise { request }).await?,
        "refuse" => {
            let why = code(&form.why)?;
            let refuse = requests::Refuse { request, why, note };
            app.perform(who, refuse).await?
        }
        "cancel" => {
            let why = code(&form.why)?;
            let cancel = requests::Cancel { request, why, note };
            app.perform(who, cancel).await?
        }
        "release" => {
            let to = form.note;
            app.perform(who, requests::Release { request, to }).await?
        }
        "close" => {
            let why = code(&form.why)?;
            let close = requests::Close { request, why, note };
            app.perform(who, close).await?
        }
        "pause" => return steered(app, who, &form.exhibit, true).await,
        "resume" => return steered(app, who, &form.exhibit, false).await,
        _ => return Err(no_such_act()),
    };
    Ok(format!("{} is {}.", row.request, row.state.word()))
}

/// Has the pull of an exhibit wait, or go on.
async fn steered(app: &App, who: &SignedIn, exhibit: &str, wait: bool) -> Result<String, HubError> {
    let exhibit = ExhibitRef::parse(exhibit)?;
    let name = exhibit.to_string();
    match wait {
        true => app.perform(who, clips::Pause { exhibit }).await?,
        false => app.perform(who, clips::Resume { exhibit }).await?,
    };
    Ok(match wait {
        true => format!("{name} waits; what has come of it stays, and it goes on from there."),
        false => format!("{name} goes on."),
    })
}

fn submitted(request: String) -> requests::Submit {
    requests::Submit {
        request,
        texts: Texts::default(),
    }
}
