//! Task. Evidence as pages and commands show it: rows, the faults, the certificate of a disposal. Blocking.

use shared::{
    id::ExhibitRef,
    time::Utc,
    types::{CopyDispose, Data},
};

use super::{files, gather};
use crate::{
    db::{
        disposal::{DisposalRecord, EvidencePageRow, EvidenceRecord, ExhibitSelection},
        faults::FaultSubject,
        requests::RequestRecord,
        visible::VisibleRows,
    },
    error::{HubError, plain},
    evidence::request::person,
    hub::Hub,
    list::{Part, Rows},
    model::evidence::{Disposal, DropRow, Evidence, EvidenceRow, FaultRow},
    periods::{self, PeriodStanding},
    reason::{Evidence as Because, Footage},
    words::{self, paper::Paper},
};

/// A fault about evidence.
struct Fault {
    r#ref: String,
    code: String,
    since: Utc,
    text: String,
}

fn about_evidence(hub: &Hub) -> Result<Vec<Fault>, HubError> {
    let all = hub.db.found_faults().map_err(plain)?;
    let own = all.into_iter().filter_map(|f| match f.about {
        FaultSubject::Evidence(exhibit) => Some(Fault {
            r#ref: exhibit,
            code: f.code,
            since: f.since,
            text: f.text,
        }),
        FaultSubject::Camera(_)
        | FaultSubject::Box(_)
        | FaultSubject::Disk(_)
        | FaultSubject::Outside(_) => None,
    });
    Ok(own.collect())
}

fn fault_row(f: &Fault) -> FaultRow {
    FaultRow {
        about: f.r#ref.clone(),
        code: f.code.clone(),
        since: f.since,
        text: f.text.clone(),
    }
}

/// Which exhibits a list is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvidenceFilter {
    /// All, with those that were disposed of.
    #[default]
    All,
    /// Past their period, or not completely gone.
    Due,
    /// Somebody asked that they be disposed of.
    Asked,
}

/// One part of them, newest exhibit first.
pub fn list(
    hub: &Hub,
    seen: &VisibleRows,
    which: EvidenceFilter,
    part: &Part,
) -> Result<Evidence, HubError> {
    let before = part.after(|text| ExhibitRef::parse(text).ok())?;
    let mut before = before.as_ref().map(ExhibitRef::number);
    let limit = usize::try_from(part.limit()).unwrap_or(usize::MAX);
    let faults = about_evidence(hub)?;
    let picked = picked(hub, which);
    let mut found = Vec::new();
    // Not every record is an exhibit, and not every one that may be due is: those are few.
    loop {
        let records = hub
            .db
            .evidence_page(seen, &picked, before, part.limit() + 1)?;
        let last = records.len() <= limit;
        before = records.last().map(|r| r.request.r#ref.number());
        for record in records {
            let row = row(hub, record, &faults)?;
            found.extend(row.filter(|r| which != EvidenceFilter::Due || urgent(r)));
        }
        if last || found.len() > limit {
            break;
        }
    }
    let Rows { rows, next } = Rows::cut(found, part.limit(), |r: &EvidenceRow| r.exhibit.clone());
    // Once, with the first part: what stands of things that have no row here.
    let loose = faults.iter().filter(|f| {
        let shown = rows.iter().any(|r| r.exhibit == f.r#ref);
        part.after.is_none()
            && !shown
            && (which == EvidenceFilter::All || f.code != super::watch::EXPIRING)
    });
    let mut out = Vec::new();
    for f in loose {
        let request = hub.db.request(&f.r#ref).map_err(plain)?;
        let theirs = match request {
            Some(_) => hub.db.sees_request(seen, &f.r#ref)?,
            None => *seen == VisibleRows::everything(),
        };
        if theirs {
            out.push(about(f));
        }
    }
    Ok(Evidence {
        faults: out,
        bytes: rows
            .iter()
            .filter(|r| r.disposed.is_none())
            .fold(0u64, |sum, r| sum.saturating_add(r.bytes)),
        rows,
        next,
    })
}

/// It waits for somebody: it is due, or not completely gone.
fn urgent(r: &EvidenceRow) -> bool {
    matches!(r.standing.as_str(), "due" | "disposing")
}

/// What the records look for: a little more than is due, which is told apart by the rule itself.
fn picked(hub: &Hub, which: EvidenceFilter) -> ExhibitSelection {
    match which {
        EvidenceFilter::All => ExhibitSelection::All,
        EvidenceFilter::Asked => ExhibitSelection::Asked,
        EvidenceFilter::Due => {
            let (periods, zone) = (&hub.config.periods, &hub.config.zone);
            let today = zone.day_of(hub.now()).plus_days(2);
            let years = periods.master_years.min(periods.surveillance_years);
            ExhibitSelection::Due {
                made: zone.start_of(periods::years_earlier(today, years)),
                review: today,
            }
        }
    }
}

fn about(f: &Fault) -> FaultRow {
    FaultRow {
        text: format!("{}: {}", f.r#ref, f.text),
        ..fault_row(f)
    }
}

/// As it is shown; None: it is no exhibit.
fn row(
    hub: &Hub,
    record: EvidencePageRow,
    faults: &[Fault],
) -> Result<Option<EvidenceRow>, HubError> {
    let EvidencePageRow {
        request,
        evidence,
        disposal,
        files,
    } = record;
    if let Some(d) = disposal {
        return disposed(hub, &d, &request, faults).map(Some);
    }
    match gather::exhibit(hub, &request, &evidence)? {
        Some(e) => kept(hub, &e, &request, &evidence, files, faults).map(Some),
        None => Ok(None),
    }
}

/// What somebody has to look at: exhibits, folders, and what is the matter with them. Reads no folder.
pub fn faults(
    hub: &Hub,
    sees: &dyn Fn(Option<&RequestRecord>) -> bool,
) -> Result<Vec<FaultRow>, HubError> {
    let mut faults = Vec::new();
    for fault in about_evidence(hub)? {
        let request = hub.db.request(&fault.r#ref).map_err(plain)?;
        if sees(request.as_ref()) {
            faults.push(fault);
        }
    }
    Ok(faults.iter().map(about).collect())
}

pub fn one(hub: &Hub, exhibit: &ExhibitRef) -> Result<EvidenceRow, HubError> {
    let record = hub.db.evidence_row(exhibit.as_str())?;
    let row = match record {
        Some(record) => row(hub, record, &about_evidence(hub)?)?,
        None => None,
    };
    row.ok_or_else(|| {
        Footage::ExhibitUnknown {
            exhibit: exhibit.clone(),
        }
        .into()
    })
}

fn of(faults: &[Fault], exhibit: &str) -> Vec<FaultRow> {
    let own = faults.iter().filter(|f| f.r#ref == exhibit);
    own.map(fault_row).collect()
}

fn kept(
    hub: &Hub,
    e: &periods::Exhibit,
    r: &RequestRecord,
    evidence: &EvidenceRecord,
    measured: Option<(u64, u64)>,
    faults: &[Fault],
) -> Result<EvidenceRow, HubError> {
    let (periods, zone, now) = (&hub.config.periods, &hub.config.zone, hub.now());
    let until = periods::last_day(e.class, e.made, periods, zone);
    let (count, bytes) = match measured {
        Some(measured) => measured,
        None => files::measure(&hub.state, &hub.config.evidence, &e.exhibit).map_err(plain)?,
    };
    let stands = match periods::is_over(e, periods, zone, now) {
        // Only then does it matter what wants the same footage.
        true => periods::standing(e, &gather::claims_on(hub, e)?, periods, zone, now),
        false => periods::standing(e, &[], periods, zone, now),
    };
    let days = zone.day_of(now).days_until(until);
    let (standing, mut text) = match stands {
        PeriodStanding::Kept => ("kept", format!("kept until the end of {until}")),
        PeriodStanding::Soon => ("soon", format!("due in {} days, after {until}", days + 1)),
        PeriodStanding::Due => {
            let why = periods::why_due(e, periods, zone);
            ("due", format!("to be disposed of: {why}"))
        }
        PeriodStanding::Wanted(by) => (
            "wanted",
            format!("its period ended with {until}; it stays because {by} wants the same footage"),
        ),
    };
    let drop = match &evidence.drop {
        Some(d) => {
            text += &format!("; {} asks that it be disposed of", d.by);
            Some(DropRow {
                by: d.by.clone(),
                reason: hub.db.side_text(&d.reason).map_err(plain)?,
                made: d.made,
            })
        }
        None => None,
    };
    Ok(EvidenceRow {
        exhibit: e.exhibit.clone(),
        camera: r.camera.to_string(),
        t0: r.t0,
        t1: r.t1,
        made: r.made,
        state: r.state.as_str().into(),
        class: e.class.word().into(),
        class_text: e.class.in_words(periods),
        review: e.class.review(),
        until,
        standing: standing.into(),
        text,
        files: count,
        bytes,
        drop,
        faults: of(faults, &e.exhibit),
        disposed: None,
    })
}

fn disposed(
    hub: &Hub,
    d: &DisposalRecord,
    r: &RequestRecord,
    faults: &[Fault],
) -> Result<EvidenceRow, HubError> {
    let gone = d.gone.map(|(_, at)| at);
    Ok(EvidenceRow {
        exhibit: d.r#ref.to_string(),
        camera: r.camera.to_string(),
        t0: r.t0,
        t1: r.t1,
        made: r.made,
        state: r.state.as_str().into(),
        class: d.class.word().into(),
        class_text: d.class.in_words(&hub.config.periods),
        review: d.class.review(),
        until: last_day(hub, d.until),
        standing: if gone.is_some() {
            "disposed"
        } else {
            "disposing"
        }
        .into(),
        text: words::pulls(&r.why, &hub.config.zone),
        files: d.files,
        bytes: d.bytes,
        drop: None,
        faults: of(faults, d.r#ref.as_str()),
        disposed: gone,
    })
}

/// The day that ends at that moment.
fn last_day(hub: &Hub, until: Utc) -> shared::time::Day {
    hub.config.zone.day_of(until.plus_ms(-1))
}

/// People as a certificate names them.
fn named(hub: &Hub, who: Vec<String>) -> Result<Vec<String>, HubError> {
    let one = |op: String| -> Result<String, HubError> {
        match op.starts_with("op:") {
            true => Ok(words::person(&person(hub, op, CopyDispose::KIND, None)?)),
            false => Ok(op),
        }
    };
    who.into_iter().map(one).collect()
}

/// The certificate of a disposal.
pub fn certificate(hub: &Hub, exhibit: &ExhibitRef) -> Result<Paper, HubError> {
    let r = hub.db.request(exhibit.as_str()).map_err(plain)?;
    let r = r.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    let d = hub.db.disposal(exhibit.as_str()).map_err(plain)?;
    let d = d.ok_or_else(|| Because::NotDisposed {
        exhibit: exhibit.clone(),
        state: r.state,
    })?;
    let Some(((line, ended), begun_line)) = d.gone.zip(d.line) else {
        return Err(Because::NoCertificateYet {
            exhibit: exhibit.clone(),
        }
        .into());
    };
    Ok(words::disposal(&Disposal {
        scheme: hub.config.scheme.clone(),
        zone: hub.config.zone_name.clone(),
        exhibit: exhibit.to_string(),
        camera: r.camera.to_string(),
        t0: r.t0,
        t1: r.t1,
        made: r.made,
        class_text: d.class.in_words(&hub.config.periods),
        until: last_day(hub, d.until),
        early: d.begun < d.until,
        reason: hub.db.side_text(&d.reason).map_err(plain)?,
        who: named(hub, d.who)?,
        begun: d.begun,
        ended,
        files: d.files,
        bytes: d.bytes,
        texts: d.texts,
        undecryptable: d.undecryptable,
        claim: super::carry::CLAIM.into(),
        log: d.log,
        begun_line,
        line,
    }))
}
