//! Task. Gathers the values of a paper from the hub's records and has it made. Blocking.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use shared::{
    evidence::names,
    id::ExhibitRef,
    record::{hex, sha256},
    types::{Data, RequestRefuse},
};
use utoipa::ToSchema;

use crate::{
    db::{own_lines::LineFilter, requests::RequestRecord},
    disposal,
    error::{HubError, plain},
    evidence::{Authority, request::person},
    files,
    hub::Hub,
    model::{
        clip_request::{RefusalReason, State as Stands},
        pull::State,
    },
    papers::{handover::Handover, label::Label, refusal::RefusalNotice, sheet::Sheet},
    printer::PrinterError,
    reason::{Clips, Footage, Register},
    register::{ExhibitAct, shown},
    requests::clip,
    trail,
    words::{self, paper::Paper},
};

/// Papers about an exhibit that are made when they are asked for. Certificate and statement are made with its package and lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExhibitPaper {
    /// Everything that happened to it.
    Continuity,
    /// To stick on what is handed over.
    Label,
    /// Signed before a copy is handed over.
    Release,
    /// Signed when it was.
    Receipt,
}

impl ExhibitPaper {
    pub const ALL: [Self; 4] = [Self::Continuity, Self::Label, Self::Release, Self::Receipt];

    pub fn word(self) -> &'static str {
        match self {
            Self::Continuity => "continuity",
            Self::Label => "label",
            Self::Release => "release",
            Self::Receipt => "receipt",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.word() == word)
    }
}

/// A paper that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// What its files are called, without their ending: EXH-2026-000001-label.
    pub name: String,
    pub text: String,
    /// The same as a PDF, in base64; None: there is none.
    pub pdf: Option<String>,
    /// Why there is none.
    pub unprinted: Option<String>,
}

impl Document {
    /// The PDF's bytes.
    pub fn printed(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.pdf.as_deref()?).ok()
    }
}

/// Text and PDF of a paper; why there is no PDF, where there is none.
pub fn document(hub: &Hub, name: String, paper: &Paper) -> Result<Document, HubError> {
    let pdf = hub.printer.pdf(paper);
    let unprinted = pdf.as_ref().err().map(PrinterError::to_string);
    Ok(Document {
        name,
        text: paper.to_text(),
        pdf: pdf.ok().map(|pdf| STANDARD.encode(pdf)),
        unprinted,
    })
}

/// A paper about an exhibit, as of now; release and receipt of this copy, else of the one that was handed over last, else of the newest.
pub fn of_exhibit(
    hub: &Hub,
    exhibit: &ExhibitRef,
    which: ExhibitPaper,
    copy: Option<u64>,
) -> Result<Document, HubError> {
    let (paper, name) = match which {
        ExhibitPaper::Continuity => (words::continuity(&sheet(hub, exhibit)?), None),
        ExhibitPaper::Label => (words::label(&label(hub, exhibit)?), None),
        ExhibitPaper::Release | ExhibitPaper::Receipt => {
            let handover = handover(hub, exhibit, copy)?;
            let copy = handover.copy.as_ref().map(|c| c.copy);
            match which {
                ExhibitPaper::Receipt => (words::receipt(&handover), copy),
                _ => (words::release(&handover), copy),
            }
        }
    };
    let copy = name.map_or_else(String::new, |n| format!("-{n}"));
    document(hub, format!("{exhibit}-{}{copy}", which.word()), &paper)
}

/// The exhibit's record, and the SHA-256 of its SHA256SUMS, if its package is there.
fn packed(hub: &Hub, exhibit: &ExhibitRef) -> Result<(RequestRecord, String), HubError> {
    let row = record(hub, exhibit)?;
    match (row.state, &row.package) {
        (State::Ready | State::Partial, Some(package)) => {
            let sums = files::read(&PathBuf::from(package).join(names::SUMS)).map_err(plain)?;
            Ok((row, hex(&sha256(&sums))))
        }
        (state, _) => Err(Clips::NoPackage {
            exhibit: exhibit.clone(),
            state,
        }
        .into()),
    }
}

fn record(hub: &Hub, exhibit: &ExhibitRef) -> Result<RequestRecord, HubError> {
    let row = hub.db.request(exhibit.as_str()).map_err(plain)?;
    let unknown = || Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    };
    Ok(row.ok_or_else(unknown)?)
}

/// What the camera is called now.
fn title(hub: &Hub, row: &RequestRecord) -> Result<String, HubError> {
    let known = hub.db.box_named(&row.camera.r#box).map_err(plain)?;
    let hello = known.and_then(|b| b.hello);
    let title = hello.and_then(|h| Some(h.camera(&row.camera.cam)?.title.clone()));
    Ok(title.unwrap_or_default())
}

fn label(hub: &Hub, exhibit: &ExhibitRef) -> Result<Label, HubError> {
    let (row, sums) = packed(hub, exhibit)?;
    let key = hub.log.hub_key().to_string();
    let key: Vec<&str> = key.split('+').take(2).collect();
    Ok(Label {
        mark: shown::register(hub, exhibit)?.mark,
        title: title(hub, &row)?,
        scheme: hub.config.scheme.clone(),
        t0: row.t0,
        t1: row.t1,
        partial: row.state == State::Partial,
        sums,
        key: key.join("+"),
        seal_key: hex(&sha256(&hub.keys.seal_spki())),
        made: hub.now(),
        zone: hub.config.zone.clone(),
        camera: row.camera,
        exhibit: row.r#ref,
    })
}

fn sheet(hub: &Hub, exhibit: &ExhibitRef) -> Result<Sheet, HubError> {
    let register = shown::register(hub, exhibit)?;
    let row = record(hub, exhibit)?;
    let sums = match (row.state, &row.package) {
        (State::Ready | State::Partial, Some(_)) => Some(packed(hub, exhibit)?.1),
        _ => None,
    };
    Ok(Sheet {
        mark: register.mark,
        scheme: hub.config.scheme.clone(),
        title: title(hub, &row)?,
        t0: row.t0,
        t1: row.t1,
        sums,
        events: register.events,
        copies: register.copies,
        log: hub.log.origin().to_owned(),
        size: hub.log.handle().size(),
        made: hub.now(),
        zone: hub.config.zone.clone(),
        camera: row.camera,
        exhibit: row.r#ref,
    })
}

fn handover(hub: &Hub, exhibit: &ExhibitRef, copy: Option<u64>) -> Result<Handover, HubError> {
    let (row, sums) = packed(hub, exhibit)?;
    let text = |hash: &str| hub.db.side_text(hash).map_err(plain);
    let register = shown::register(hub, exhibit)?;
    let last = register.events.iter().rev().find_map(|e| match &e.what {
        ExhibitAct::HandedOver { copy, .. } => Some(*copy),
        _ => None,
    });
    let wanted = copy.or(last);
    let mut copies = register.copies;
    let found = match wanted {
        Some(n) => copies.into_iter().find(|c| c.copy == n),
        None => copies.pop(),
    };
    if let (Some(copy), None) = (copy, &found) {
        let exhibit = exhibit.clone();
        return Err(Register::CopyUnknown { exhibit, copy }.into());
    }
    let handed = |n: u64| {
        register
            .events
            .iter()
            .any(|e| matches!(&e.what, ExhibitAct::HandedOver { copy, .. } if *copy == n))
    };
    let hand = match &found {
        Some(c) if handed(c.copy) => Some(shown::release(hub, exhibit, c.copy)?),
        _ => None,
    };
    Ok(Handover {
        mark: register.mark,
        scheme: hub.config.scheme.clone(),
        title: title(hub, &row)?,
        t0: row.t0,
        t1: row.t1,
        sums,
        copy: found,
        hand,
        media: register.media,
        purpose: text(&row.purpose)?,
        reference: text(&row.reference)?,
        made: hub.now(),
        zone: hub.config.zone.clone(),
        camera: row.camera,
        exhibit: row.r#ref,
    })
}

/// The certificate that it was disposed of.
pub fn disposal(hub: &Hub, exhibit: &ExhibitRef) -> Result<Document, HubError> {
    let paper = disposal::shown::certificate(hub, exhibit)?;
    document(hub, format!("{exhibit}-disposal"), &paper)
}

/// The notice that a request was refused.
pub fn refusal(hub: &Hub, n: u64) -> Result<Document, HubError> {
    let row = clip::shown::one(hub, n)?;
    let why = row.reason.as_deref().and_then(RefusalReason::parse);
    let (Stands::Refused, Some(why)) = (row.state, why) else {
        return Err(Clips::NotRefused {
            request: row.request,
            state: row.state,
        }
        .into());
    };
    trail::read_on(hub)?;
    let wanted = LineFilter {
        kind: Some(RequestRefuse::KIND.to_owned()),
        from: Some(row.made),
        ..LineFilter::default()
    };
    let (lines, _) = hub.db.own_lines(&hub.log.name(), &wanted, None, SEARCHED)?;
    let of_it = |data: &str| {
        let data: Option<RequestRefuse> = serde_json::from_str(data).ok();
        data.is_some_and(|d| d.request == n)
    };
    let line = lines.into_iter().find(|l| of_it(&l.data));
    let by = line
        .as_ref()
        .map(|l| person(hub, l.who.clone(), RequestRefuse::KIND, Some(n)));
    let cameras = row.cameras.iter();
    let cameras = cameras.filter_map(|c| shared::id::BoxCamera::parse(&c.camera).ok());
    let values = RefusalNotice {
        scheme: hub.config.scheme.clone(),
        class: row.class,
        cameras: cameras.collect(),
        span: row.from.zip(row.to),
        requester: row.requester,
        reference: row.reference,
        why,
        note: row.note,
        decided: line.map_or(row.changed, |l| l.t),
        by: by.transpose()?,
        zone: hub.config.zone.clone(),
        request: row.request,
    };
    let name = format!("{}-refusal", values.request);
    document(hub, name, &words::refusal(&values))
}

/// Newest refusals that are looked through for one.
const SEARCHED: u32 = 1_000;
