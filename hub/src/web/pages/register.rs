//! Wiring. The page of an exhibit's register: its reference, copies and whose hands they are in, all that happened to it; and the forms of handing
//! over, receipt, return, destruction and what media may have.

use askama::Template;
use serde::Deserialize;
use shared::{id::ExhibitRef, time::Zone};

use crate::{
    access::{
        factors::{self, PasskeyOffer},
        table,
    },
    error::HubError,
    model::{
        copy::{CopyKind, CopyState},
        rank::Rank,
        register::{CopyRow, MediaRow, Register},
        requester::{RequesterClass, TABLE},
    },
    ops::exhibits,
    reason::{Clips, Pages},
    register::{acts::HandOver, media::MediaRelease},
    web::{
        context::{App, SignedIn, no_such_act},
        forms::{FormPage, PageState, page_form},
        parts::Frame,
    },
    words,
};

#[derive(Template)]
#[template(path = "register.html")]
pub struct RegisterPage {
    frame: Frame,
    typed: RegisterForm,
    exhibit: String,
    camera: String,
    from: String,
    to: String,
    mark: String,
    parent: String,
    stills: Vec<String>,
    copies: Vec<CopyView>,
    media: Option<MediaView>,
    events: Vec<EventView>,
    classes: Vec<(&'static str, &'static str)>,
    /// Word, title, whether it is the one that is taken for granted.
    ranks: Vec<(&'static str, &'static str, bool)>,
    /// Still pictures can be made of it.
    filmed: bool,
    /// They may write into it, and nothing of it was disposed of.
    writes: bool,
    /// They may authorise what media may have, and media asked for it.
    allows: bool,
    codes: bool,
    passkey: Option<PasskeyOffer>,
}

struct CopyView {
    copy: u64,
    kind: &'static str,
    form: String,
    sha256: String,
    bytes: u64,
    medium: String,
    place: String,
    state: &'static str,
    received: bool,
    /// With the scheme.
    here: bool,
    out: bool,
    master: bool,
}

struct MediaView {
    document: String,
    uses: String,
    limits: String,
    by: String,
    at: String,
}

struct EventView {
    at: String,
    what: String,
    who: String,
    line: u64,
}

fn erased(text: &Option<String>) -> String {
    text.clone().unwrap_or_else(|| "(erased)".into())
}

fn copy(c: &CopyRow) -> CopyView {
    CopyView {
        copy: c.copy,
        kind: c.kind.word(),
        form: match c.seal.as_str() {
            "none" => c.form.clone(),
            seal => format!("{}, encrypted ({seal})", c.form),
        },
        sha256: c.sha256.clone(),
        bytes: c.bytes,
        medium: erased(&c.medium),
        place: erased(&c.place),
        state: words::copy_state(c.state),
        received: c.received,
        here: matches!(c.state, CopyState::Here | CopyState::Back),
        out: c.state == CopyState::Out,
        master: c.kind == CopyKind::Master,
    }
}

fn media(m: &MediaRow, zone: &Zone) -> MediaView {
    MediaView {
        document: erased(&m.document),
        uses: erased(&m.uses),
        limits: erased(&m.limits),
        by: m.name.clone().unwrap_or_else(|| m.by.clone()),
        at: m.at.for_people(zone),
    }
}

/// What every form of the page may hold; which it is says `act`.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct RegisterForm {
    form: String,
    exhibit: String,
    act: String,
    copy: u64,
    mark: String,
    kind: String,
    class: String,
    to: String,
    agency: String,
    signed: String,
    code: String,
    credential: String,
    from: String,
    receipt: String,
    note: String,
    reason: String,
    document: String,
    uses: String,
    limits: String,
    at: String,
    authority: String,
    rank: String,
}

page_form!(RegisterForm);

fn named(text: &str) -> Result<ExhibitRef, HubError> {
    ExhibitRef::parse(text).map_err(|_| Pages::NoSuchExhibit.into())
}

/// What was typed, if anything was.
fn some(text: String) -> Option<String> {
    Some(text).filter(|t| !t.trim().is_empty())
}

impl FormPage for RegisterPage {
    const PATH: &'static str = "/evidence";
    type Form = RegisterForm;

    async fn read(
        app: &App,
        who: &SignedIn,
        shown: PageState<RegisterForm>,
    ) -> Result<Self, HubError> {
        let exhibit = named(&shown.about)?;
        let r: Register = app.perform(who, exhibits::Show { exhibit }).await?;
        let now = app.now();
        let there = r.state != "Disposed";
        let writes = there && who.may(&table::EXHIBIT_HAND, now);
        let copies: Vec<CopyView> = r.copies.iter().map(copy).collect();
        let (mut codes, mut passkey) = (false, None);
        if writes && copies.iter().any(|c| c.here) {
            let (op, name) = (who.person().op, who.person().name.clone());
            (codes, passkey) = app
                .work(move |hub| {
                    let all = hub.db.factors(op)?;
                    let codes = all.iter().any(|f| f.kind == factors::CODE);
                    Ok((codes, factors::entry(hub, op, &name)?))
                })
                .await?;
        }
        let zone = app.zone();
        let events = r.events.iter().map(|e| {
            let (what, who) = words::exhibit_event(e, zone);
            EventView {
                at: e.at.for_people(zone),
                what,
                who,
                line: e.line,
            }
        });
        let packed = matches!(r.state.as_str(), "Ready" | "Partial");
        let filmed = writes && packed && r.parent.is_none();
        let for_media = r.class.as_deref() == Some(RequesterClass::Media.word());
        Ok(Self {
            frame: shown.frame,
            typed: shown.typed,
            events: events.collect(),
            exhibit: r.exhibit,
            camera: r.camera,
            from: r.t0.for_people(zone),
            to: r.t1.for_people(zone),
            mark: r.mark.unwrap_or_default(),
            parent: r.parent.unwrap_or_default(),
            stills: r.stills,
            copies,
            media: r.media.as_ref().map(|m| media(m, zone)),
            ranks: Rank::ALL
                .iter()
                .map(|r| (r.word(), r.title(), *r == Rank::Inspector))
                .collect(),
            filmed,
            classes: TABLE.iter().map(|r| (r.class.word(), r.title)).collect(),
            writes,
            allows: there && for_media && who.may(&table::EXHIBIT_MEDIA, now),
            codes,
            passkey,
        })
    }

    async fn act(app: &App, who: &SignedIn, form: RegisterForm) -> Result<String, HubError> {
        let exhibit = named(&form.exhibit)?;
        let name = exhibit.to_string();
        let copy = form.copy;
        Ok(match form.act.as_str() {
            "mark" => {
                let mark = exhibits::Mark {
                    exhibit,
                    mark: form.mark,
                };
                let r = app.perform(who, mark).await?;
                format!("{name} is {} from here on.", r.mark.unwrap_or_default())
            }
            "hand" => {
                let hand = exhibits::Hand {
                    exhibit,
                    over: HandOver {
                        copy,
                        kind: CopyKind::parse(&form.kind).unwrap_or(CopyKind::Working),
                        class: RequesterClass::parse(&form.class),
                        to: form.to,
                        agency: form.agency,
                        signed: form.signed,
                        code: form.code,
                        credential: form.credential,
                    },
                };
                let over = app.perform(who, hand).await?;
                format!(
                    "Copy {copy} of {name} is handed over to {}. Have them sign for it.",
                    erased(&over.to)
                )
            }
            "receipt" => {
                let receipt = exhibits::Receipt {
                    exhibit,
                    copy,
                    from: form.from,
                    receipt: some(form.receipt),
                };
                app.perform(who, receipt).await?;
                format!("That copy {copy} of {name} was signed for is on record.")
            }
            "return" => {
                let back = exhibits::Return {
                    exhibit,
                    copy,
                    from: form.from,
                    note: some(form.note),
                };
                app.perform(who, back).await?;
                format!("Copy {copy} of {name} is back. It is never a master again.")
            }
            "destroy" => {
                let destroy = exhibits::Destroy {
                    exhibit,
                    copy,
                    reason: form.reason,
                };
                app.perform(who, destroy).await?;
                format!("That copy {copy} of {name} was destroyed is on record.")
            }
            "media" => {
                let media = exhibits::Media {
                    exhibit,
                    release: MediaRelease {
                        document: form.document,
                        sha256: None,
                        uses: form.uses,
                        limits: form.limits,
                    },
                };
                app.perform(who, media).await?;
                format!("Media may have {name}, within what was said. Somebody else hands it over.")
            }
            "still" => {
                let at = app.zone().typed(&form.at);
                let at = at.map_err(|why| Clips::TimeUnreadable { why })?;
                let still = exhibits::Still {
                    exhibit,
                    at,
                    reason: form.reason,
                    authority: form.authority,
                    rank: form.rank,
                };
                let made = app.perform(who, still).await?;
                format!(
                    "{} is that still picture, an exhibit of its own.",
                    made.still
                )
            }
            _ => return Err(no_such_act()),
        })
    }
}
