//! Wiring. The retention pages: all cameras against what was promised, and one camera's days with their certificates.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use shared::{
    id::{BoxName, CameraId},
    promise,
    time::Zone,
};

use crate::{
    ops::footage,
    reason::Pages,
    retention::{
        export::{self, Row},
        report::{CameraPage, Certificate, DayReport, Report},
    },
    web::{
        context::{App, Refusal, SignedIn, page},
        leaf::{Leaf, Turn},
        parts::{Frame, size},
    },
    words::en::claims::claim_in_words,
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
    /// Whether `counts` and `promises` are of all there is, or of this part alone.
    whole: bool,
    leaf: Leaf,
}

/// Cameras on one page, about: boxes are not parted.
const CAMERAS: u32 = 100;

#[derive(Template)]
#[template(path = "retention_camera.html")]
struct CameraRetention {
    frame: Frame,
    row: Row,
    promise: String,
    days: Vec<DayView>,
    leaf: Leaf,
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

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(turn): Query<Turn>,
) -> Result<Response, Refusal> {
    let wanted = footage::Retention {
        r#box: None,
        part: turn.part(CAMERAS),
    };
    let report = app.perform(&who, wanted).await?;
    let leaf = turn.leaf("/retention", report.next.as_ref());
    page(&all(
        report,
        leaf,
        who.frame(&app, "/retention"),
        app.zone(),
    ))
}

fn all(report: Report, leaf: Leaf, frame: Frame, zone: &Zone) -> RetentionPage {
    RetentionPage {
        frame,
        whole: leaf == Leaf::default(),
        leaf,
        now: report.now.for_people(zone),
        counts: export::counts(&report),
        rows: report
            .cameras
            .iter()
            .map(|c| export::row(c, zone))
            .collect(),
        zone: report.zone,
        promises: report.promises,
    }
}

pub async fn camera(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((name, cam)): Path<(String, String)>,
    Query(turn): Query<Turn>,
) -> Result<Response, Refusal> {
    let (Ok(name), Ok(cam)) = (BoxName::parse(&name), CameraId::parse(&cam)) else {
        return Err(Refusal::because(Pages::NoSuchCamera));
    };
    let address = format!("/retention/{name}/{cam}");
    let wanted = footage::RetentionOfCamera {
        r#box: name,
        cam,
        part: turn.part(DAYS),
    };
    let known = app.perform(&who, wanted).await?;
    let leaf = turn.leaf(&address, known.next.as_ref());
    page(&one(&known, leaf, who.frame(&app, ""), app.zone()))
}

/// Days on one page.
const DAYS: u32 = 62;

fn one(known: &CameraPage, leaf: Leaf, frame: Frame, zone: &Zone) -> CameraRetention {
    CameraRetention {
        leaf,
        frame,
        row: export::row(&known.camera, zone),
        promise: known
            .camera
            .policy_days
            .map(|d| promise::sentence(d, &known.camera.zone))
            .unwrap_or_default(),
        days: known.days.iter().map(|d| day(d, zone)).collect(),
    }
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

#[cfg(test)]
mod tests {
    use shared::time::{Day, Utc};

    use super::*;
    use crate::{
        access::principal::Person,
        hub::sessions::Session,
        model::operation::Row as Operation,
        retention::report::{CameraReport, DayState, Run, Verdict},
    };

    fn now() -> Utc {
        Utc::parse("2026-11-03T14:00:00.000Z").expect("time")
    }

    fn frame() -> Frame {
        let kim = Person {
            op: 7,
            name: "kim".into(),
            grants: Vec::new(),
            limits: Default::default(),
        };
        let may = |_: &'static Operation| true;
        Frame::of(
            "cctv.example.gov.uk".into(),
            &kim,
            Session::of_test(now()),
            "",
            (now(), &Zone::utc()),
            Vec::new(),
            may,
        )
    }

    fn kept(cam: &str, title: &str, verdict: Verdict) -> CameraReport {
        let day = |t: &str| Day::parse(t).expect("day");
        CameraReport {
            r#box: BoxName::parse("ashby").expect("name"),
            cam: CameraId::parse(cam).expect("cam"),
            title: title.into(),
            configured: true,
            policy_days: Some(31),
            zone: "Europe/London".into(),
            first: Some(now().plus_ms(-31 * 86_400_000)),
            last: Some(now()),
            gaps: 2,
            gap_ms: 600_000,
            bytes_per_day: Some(3_210_000_000),
            days_on_disk: 32,
            outlook: None,
            certificate: Some(Certificate {
                day: day("2026-10-01"),
                at: now().plus_ms(-50_000_000),
                done: true,
                count: 1440,
                t0: now().plus_ms(-33 * 86_400_000),
                t1: now().plus_ms(-32 * 86_400_000),
                rule: "31d".into(),
                key: "c02/2026-10-01".into(),
                set: "ab".repeat(32),
                oldest: None,
                undecryptable: Some(true),
                claim: Some("tpm".into()),
                held: 3,
                log: "cctv.example.gov.uk/box/ashby/1".into(),
                n: 41,
                done_n: Some(42),
            }),
            heard: Some(now()),
            verdict,
            why: "as the log says".into(),
            bar: vec![Run {
                from: day("2026-10-03"),
                to: day("2026-11-03"),
                kept: DayState::Held,
            }],
        }
    }

    /// RET-1, RET-2, RET-4: the retention page says what is promised once, draws what is held, and shows verdict and certificate of each
    /// camera in words; a camera's page lists its days with the numbers.
    #[test]
    fn verdicts_days_and_certificates_in_words() {
        let zone = Zone::parse("Europe/London").expect("zone");
        let report = Report {
            scheme: "cctv.example.gov.uk".into(),
            now: now(),
            zone: "Europe/London".into(),
            promises: vec![promise::sentence(31, "Europe/London")],
            cameras: vec![
                kept("c01", "<script>alert(1)</script>", Verdict::AsPromised),
                kept("c02", "Market", Verdict::Over),
            ],
            next: None,
        };
        let text = all(report, Leaf::default(), frame(), &zone)
            .render()
            .expect("a page");
        for part in [
            "1 as promised",
            "1 over",
            "local day D+32",
            "href=\"/retention/ashby/c02\"",
            "32 days held of 31 promised",
            "cryptographic erase",
            "3.21 GB",
            "2, 10 min",
            "class=\"state bad\"",
            "&#60;script&#62;",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(text.matches("31 days means").count(), 1);
        let row = kept("c02", "Market", Verdict::Over);
        let day = |day: &str, standing: &str, certificates| DayReport {
            day: Day::parse(day).expect("day"),
            bytes: 1 << 30,
            count: 1440,
            held: 0,
            standing: standing.into(),
            text: format!("is {standing}"),
            certificates,
        };
        let known = CameraPage {
            days: vec![
                day("2026-10-02", "missing", Vec::new()),
                day(
                    "2026-10-01",
                    "sound",
                    row.certificate.clone().into_iter().collect(),
                ),
            ],
            camera: row,
            next: None,
        };
        let text = one(&known, Leaf::default(), frame(), &zone)
            .render()
            .expect("a page");
        for part in [
            "2026-10-01",
            "1440 segments",
            "cctv.example.gov.uk/box/ashby/1 lines 41 and 42",
            "tpm: cryptographic erase",
            &"ab".repeat(32),
            "is missing",
            "Copies that holds keep",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
