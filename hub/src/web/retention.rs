//! Wiring. The retention pages: all cameras against what was promised, and one camera's days with their certificates.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    promise,
    time::Zone,
};

use super::{
    routes::{App, Entered, Refused, page},
    views::{Frame, size},
};
use crate::retention::{
    export::{self, Row},
    report::{Certificate, DayReport, claim_in_words},
};

#[derive(Template)]
#[template(path = "retention.html")]
struct RetentionPage {
    frame: Frame,
    now: String,
    zone: String,
    promises: Vec<String>,
    counts: Vec<(&'static str, usize)>,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "retention_camera.html")]
struct CameraRetention {
    frame: Frame,
    row: Row,
    promise: String,
    days: Vec<DayView>,
}

struct DayView {
    day: String,
    recorded: String,
    class: &'static str,
    standing: String,
    text: String,
    certificates: Vec<CertificateView>,
}

struct CertificateView {
    summary: String,
    facts: Vec<(&'static str, String)>,
}

pub(super) async fn overview(
    State(app): State<Arc<App>>,
    who: Entered,
) -> Result<Response, Refused> {
    let (zone, report) = app.ask(|b| (b.zone(), b.retention(None))).await?;
    let report = report.map_err(|why| Refused::broken(why.to_string()))?;
    page(&RetentionPage {
        frame: who.frame(report.scheme.clone()),
        now: report.now.for_people(&zone),
        counts: export::counts(&report),
        rows: report
            .cameras
            .iter()
            .map(|c| export::row(c, &zone))
            .collect(),
        zone: report.zone,
        promises: report.promises,
    })
}

pub(super) async fn json(State(app): State<Arc<App>>, _: Entered) -> Result<Response, Refused> {
    let report = app.ask(|b| b.retention(None)).await?;
    let report = report.map_err(|why| Refused::broken(why.to_string()))?;
    Ok(axum::Json(report).into_response())
}

fn named(name: &str, cam: &str) -> Result<BoxCamera, Refused> {
    match (BoxName::parse(name), CameraId::parse(cam)) {
        (Ok(name), Ok(cam)) => Ok(BoxCamera { r#box: name, cam }),
        _ => Err(Refused::missing("There is no such camera.")),
    }
}

pub(super) async fn camera(
    State(app): State<Arc<App>>,
    who: Entered,
    Path((name, cam)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let wanted = named(&name, &cam)?;
    let (scheme, zone, known) = app
        .ask(move |b| (b.scheme(), b.zone(), b.retention_of(&wanted)))
        .await?;
    let known = known.map_err(|why| Refused::missing(why.to_string()))?;
    page(&CameraRetention {
        frame: who.frame(scheme),
        row: export::row(&known.camera, &zone),
        promise: known
            .camera
            .policy_days
            .map(|d| promise::sentence(d, &known.camera.zone))
            .unwrap_or_default(),
        days: known.days.iter().map(|d| day(d, &zone)).collect(),
    })
}

pub(super) async fn camera_json(
    State(app): State<Arc<App>>,
    _: Entered,
    Path((name, cam)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let wanted = named(&name, &cam)?;
    let known = app.ask(move |b| b.retention_of(&wanted)).await?;
    let known = known.map_err(|why| Refused::missing(why.to_string()))?;
    Ok(axum::Json(known).into_response())
}

fn day(d: &DayReport, zone: &Zone) -> DayView {
    DayView {
        day: d.day.to_string(),
        recorded: format!("{} segments, {}", d.count, size(d.bytes)),
        class: match d.standing.as_str() {
            "sound" | "not due" | "awaited" => "good",
            "missing" | "failing" | "early" | "lost" => "bad",
            "late" => "warn",
            _ => "unknown",
        },
        standing: d.standing.clone(),
        text: d.text.clone(),
        certificates: d.certificates.iter().map(|c| certified(c, zone)).collect(),
    }
}

fn certified(c: &Certificate, zone: &Zone) -> CertificateView {
    let lines = match c.done_n {
        Some(done) => format!("{} lines {} and {done}", c.log, c.n),
        None => format!("{} line {}", c.log, c.n),
    };
    let oldest = match (c.done, c.oldest) {
        (false, _) => "not reported".into(),
        (true, None) => "nothing of this camera".into(),
        (true, Some(t)) => t.for_people(zone),
    };
    let undecryptable = match c.undecryptable {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not reported",
    };
    let claim = c.claim.as_deref();
    CertificateView {
        summary: format!(
            "{} segments, {} {}",
            c.count,
            if c.done { "gone" } else { "begun" },
            c.at.for_people(zone)
        ),
        facts: vec![
            (
                "Footage",
                format!("{} to {}", c.t0.for_people(zone), c.t1.for_people(zone)),
            ),
            ("Rule", c.rule.clone()),
            ("Key destroyed", c.key.clone()),
            ("No key left opens it", undecryptable.into()),
            ("Copies that holds keep", c.held.to_string()),
            ("Oldest footage left on disk", oldest),
            (
                "What the claim is worth",
                claim.map_or("not reported".into(), |c| {
                    format!("{c}: {}", claim_in_words(c))
                }),
            ),
            ("On record", lines),
            ("SHA-256 of the deleted lines", c.set.clone()),
        ],
    }
}
