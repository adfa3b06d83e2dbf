//! Task. Evidence as pages and commands show it: rows, the faults, the certificate of a disposal. Blocking.

use shared::{id::ExhibitRef, time::Utc};

use super::{
    files,
    gather::{self, Found},
    policy::{self, Standing, What},
    rows::{Disposal, DropRow, Evidence, EvidenceRow, FaultRow},
};
use crate::{
    db::{disposal::DisposalRecord, faults::About, requests::RequestRecord},
    desk::Desk,
    error::{HubError, plain},
    reason::{Evidence as Because, Footage},
};

/// A fault about evidence.
struct Fault {
    r#ref: String,
    code: String,
    since: Utc,
    text: String,
}

fn about_evidence(desk: &Desk) -> Result<Vec<Fault>, HubError> {
    let all = desk.db.found_faults().map_err(plain)?;
    let own = all.into_iter().filter_map(|f| match f.about {
        About::Evidence(exhibit) => Some(Fault {
            r#ref: exhibit,
            code: f.code,
            since: f.since,
            text: f.text,
        }),
        About::Camera(_) | About::Box(_) => None,
    });
    Ok(own.collect())
}

fn fault_row(f: &Fault) -> FaultRow {
    FaultRow {
        code: f.code.clone(),
        since: f.since,
        text: f.text.clone(),
    }
}

/// What is here; with what was disposed of, unless only what is due is wanted.
pub fn all(desk: &Desk, due_only: bool) -> Result<Evidence, HubError> {
    some(desk, due_only, None, &|_| true)
}

/// Of all exhibits, or one: files are counted only of what is shown.
/// `sees`: whether one is for whoever asks, by its request; None: what is no exhibit.
pub fn some(
    desk: &Desk,
    due_only: bool,
    only: Option<&ExhibitRef>,
    sees: &dyn Fn(Option<&RequestRecord>) -> bool,
) -> Result<Evidence, HubError> {
    let found = gather::all(desk)?;
    let mut faults = about_evidence(desk)?;
    faults.retain(|f| sees(found.requests.get(&f.r#ref)));
    let shown = |exhibit: &str| {
        only.is_none_or(|o| o.as_str() == exhibit) && sees(found.requests.get(exhibit))
    };
    let due = policy::due(
        &found.kept,
        &desk.config.periods,
        &desk.config.zone,
        desk.now(),
    );
    let mut rows = Vec::new();
    for e in found.kept.exhibits.iter().filter(|e| shown(&e.exhibit)) {
        if due_only && stands(desk, &found, e) != Standing::Due {
            continue;
        }
        if let Some(r) = found.requests.get(&e.exhibit) {
            rows.push(kept(desk, &found, &due, e, r, &faults)?);
        }
    }
    let rank = |r: &EvidenceRow| match r.standing.as_str() {
        "due" => 0,
        "wanted" => 1,
        "soon" => 2,
        _ => 3,
    };
    rows.sort_by(|a, b| (rank(a), a.until, &a.exhibit).cmp(&(rank(b), b.until, &b.exhibit)));
    let mut gone = Vec::new();
    let disposals = desk.db.disposals().map_err(plain)?;
    for d in disposals.iter().rev().filter(|d| shown(d.r#ref.as_str())) {
        if let Some(r) = found.requests.get(d.r#ref.as_str()) {
            gone.push(disposed(desk, d, r, &faults)?);
        }
    }
    // What is not complete has to be seen first.
    let (open, gone): (Vec<_>, Vec<_>) = gone.into_iter().partition(|r| r.disposed.is_none());
    let mut rows: Vec<EvidenceRow> = open.into_iter().chain(rows).chain(gone).collect();
    if due_only {
        rows.retain(|r| matches!(r.standing.as_str(), "due" | "disposing"));
    }
    let about_a_row = |f: &&Fault| rows.iter().any(|r| r.exhibit == f.r#ref);
    Ok(Evidence {
        faults: faults
            .iter()
            .filter(|f| !about_a_row(f) && (!due_only || f.code != super::watch::EXPIRING))
            .map(|f| FaultRow {
                text: format!("{}: {}", f.r#ref, f.text),
                ..fault_row(f)
            })
            .collect(),
        bytes: rows
            .iter()
            .filter(|r| r.disposed.is_none())
            .fold(0u64, |sum, r| sum.saturating_add(r.bytes)),
        rows,
    })
}

/// What somebody has to look at: exhibits, folders, and what is the matter with them. Reads no folder.
pub fn faults(
    desk: &Desk,
    sees: &dyn Fn(Option<&RequestRecord>) -> bool,
) -> Result<Vec<FaultRow>, HubError> {
    let mut faults = Vec::new();
    for fault in about_evidence(desk)? {
        let request = desk.db.request(&fault.r#ref).map_err(plain)?;
        if sees(request.as_ref()) {
            faults.push(fault);
        }
    }
    Ok(faults
        .iter()
        .map(|f| FaultRow {
            text: format!("{}: {}", f.r#ref, f.text),
            ..fault_row(f)
        })
        .collect())
}

pub fn one(desk: &Desk, exhibit: &ExhibitRef) -> Result<EvidenceRow, HubError> {
    let rows = some(desk, false, Some(exhibit), &|_| true)?.rows;
    let row = rows.into_iter().find(|r| r.exhibit == exhibit.as_str());
    row.ok_or_else(|| {
        Footage::ExhibitUnknown {
            exhibit: exhibit.clone(),
        }
        .into()
    })
}

fn stands(desk: &Desk, found: &Found, e: &policy::Exhibit) -> Standing {
    let (periods, zone) = (&desk.config.periods, &desk.config.zone);
    policy::standing(e, &found.kept.claims, periods, zone, desk.now())
}

fn of(faults: &[Fault], exhibit: &str) -> Vec<FaultRow> {
    let own = faults.iter().filter(|f| f.r#ref == exhibit);
    own.map(fault_row).collect()
}

fn kept(
    desk: &Desk,
    found: &Found,
    due: &[policy::Due],
    e: &policy::Exhibit,
    r: &RequestRecord,
    faults: &[Fault],
) -> Result<EvidenceRow, HubError> {
    let (periods, zone, now) = (&desk.config.periods, &desk.config.zone, desk.now());
    let until = policy::last_day(e.class, e.made, periods, zone);
    let (mut count, mut bytes) = (0, 0);
    for folder in files::folders(&desk.state, &desk.config.evidence, &e.exhibit) {
        let (n, b) = files::count(&folder).map_err(plain)?;
        count += n;
        bytes += b;
    }
    let stands = stands(desk, found, e);
    let days = zone.day_of(now).days_until(until);
    let (standing, mut text) = match stands {
        Standing::Kept => ("kept", format!("kept until the end of {until}")),
        Standing::Soon => ("soon", format!("due in {} days, after {until}", days + 1)),
        Standing::Due => {
            let this = |d: &&policy::Due| matches!(&d.what, What::Exhibit(x) if *x == e.exhibit);
            let why = due.iter().find(this).map_or("", |d| &d.why);
            ("due", format!("to be disposed of: {why}"))
        }
        Standing::Wanted(by) => (
            "wanted",
            format!("its period ended with {until}; it stays because {by} wants the same footage"),
        ),
    };
    let evidence = found.evidence.get(&e.exhibit);
    let drop = match evidence.and_then(|e| e.drop.as_ref()) {
        Some(d) => {
            text += &format!("; {} asks that it be disposed of", d.by);
            Some(DropRow {
                by: d.by.clone(),
                reason: desk.db.side_text(&d.reason).map_err(plain)?,
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
    desk: &Desk,
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
        class_text: d.class.in_words(&desk.config.periods),
        review: d.class.review(),
        until: last_day(desk, d.until),
        standing: if gone.is_some() {
            "disposed"
        } else {
            "disposing"
        }
        .into(),
        text: r.why.clone(),
        files: d.files,
        bytes: d.bytes,
        drop: None,
        faults: of(faults, d.r#ref.as_str()),
        disposed: gone,
    })
}

/// The day that ends at that moment.
fn last_day(desk: &Desk, until: Utc) -> shared::time::Day {
    desk.config.zone.day_of(until.plus_ms(-1))
}

/// The certificate of a disposal, as text on one page.
pub fn certificate(desk: &Desk, exhibit: &ExhibitRef) -> Result<String, HubError> {
    let r = desk.db.request(exhibit.as_str()).map_err(plain)?;
    let r = r.ok_or_else(|| Footage::ExhibitUnknown {
        exhibit: exhibit.clone(),
    })?;
    let d = desk.db.disposal(exhibit.as_str()).map_err(plain)?;
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
    let page = Disposal {
        scheme: desk.config.scheme.clone(),
        zone: desk.config.zone_name.clone(),
        exhibit: exhibit.to_string(),
        camera: r.camera.to_string(),
        t0: r.t0,
        t1: r.t1,
        made: r.made,
        class_text: d.class.in_words(&desk.config.periods),
        until: last_day(desk, d.until),
        early: d.begun < d.until,
        reason: desk.db.side_text(&d.reason).map_err(plain)?,
        who: d.who,
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
    };
    Ok(page.page())
}
