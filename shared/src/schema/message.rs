//! Pure. What boxes say on the wire, held against its bounds; and what of it is kept.
//!
//! A message is judged once, when it comes. What is kept is what was judged: [`Hello`] of a box's `control`, [`ToHub::Health`] with texts
//! that can be shown. Whatever breaks a bound is refused with a sentence, and nothing is kept of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Breach, MOST, QUOTED, SEGMENT_MOST, sane, text, word};
use crate::{
    approval::{self, KnownKey},
    id::CameraId,
    order::{Done, Outcome, Refusal},
    plain,
    time::{Utc, Zone},
    wire::{CameraHealth, CameraInfo, Fault, MaskInfo, Open, ToHub},
};

/// Most cameras of one box.
pub const CAMERAS: usize = 256;
/// Days footage may be kept: ten years.
pub const DAYS: std::ops::RangeInclusive<u32> = 1..=3653;
/// Most faults a box tells of at a time.
pub const FAULTS: usize = 1024;
/// Most characters of what a box says about a fault, or why it did not do something.
pub const SAID: usize = 600;
/// Most segments one clip may have.
pub const SEGMENTS: usize = 100_000;
/// Most bytes of a countersigned head that a box shows.
const NOTE: usize = 65_536;

/// What a box says of itself when it comes, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub sw: String,
    pub zone: String,
    pub retention_days: u32,
    pub cameras: Vec<CameraInfo>,
}

impl Hello {
    /// Days a camera's footage is kept.
    pub fn days(&self, camera: &CameraInfo) -> u32 {
        camera.retention_days.unwrap_or(self.retention_days)
    }

    pub fn camera(&self, cam: &CameraId) -> Option<&CameraInfo> {
        self.cameras.iter().find(|c| c.cam == *cam)
    }

    /// Of a box's first message on its control stream; None: it is another message.
    pub fn of(open: &Open) -> Option<Result<Self, Breach>> {
        let Open::Control {
            sw,
            time,
            cameras,
            retention_days,
            zone,
            ..
        } = open
        else {
            return None;
        };
        let hello = Self {
            sw: sw.clone(),
            zone: zone.clone(),
            retention_days: *retention_days,
            cameras: cameras.clone(),
        };
        Some(
            moment("time", *time)
                .and_then(|()| hello.judge())
                .map(|()| hello),
        )
    }

    /// Holds it against its bounds.
    pub fn judge(&self) -> Result<(), Breach> {
        if self.cameras.len() > CAMERAS {
            return Err(Breach::new(
                "cameras",
                format!("(a list of {})", self.cameras.len()),
                format!("has more than the {CAMERAS} cameras that a box may have"),
            ));
        }
        if !word(&self.sw, 64) {
            return Err(wrong(
                "sw",
                &self.sw,
                "a version in 1 to 64 printable characters",
            ));
        }
        if self.zone.len() > 64 || Zone::parse(&self.zone).is_err() {
            return Err(wrong("zone", &self.zone, "a time zone like Europe/London"));
        }
        days("retention_days", self.retention_days)?;
        let mut seen = BTreeSet::new();
        for c in &self.cameras {
            let at = |key: &str| format!("cameras.{}.{key}", c.cam);
            if !seen.insert(&c.cam) {
                return Err(Breach::new(at("cam"), "", "stands there twice"));
            }
            if !text(&c.title, 120) {
                return Err(wrong(&at("title"), &c.title, TITLE));
            }
            if let Some(days_kept) = c.retention_days {
                days(&at("retention_days"), days_kept)?;
            }
            if let Some(secs) = c.lapse_secs
                && !(1..=86_400).contains(&secs)
            {
                return Err(number(&at("lapse_secs"), secs, "from 1 to 86400"));
            }
        }
        Ok(())
    }
}

/// How a box last said it is, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    pub time: Utc,
    pub free_mib: u64,
    pub cameras: Vec<CameraHealth>,
    pub faults: Vec<Fault>,
    /// Of a box that lifts masks only when people approve with their own keys: whose keys it knows.
    pub approvers: Option<Vec<KnownKey>>,
}

impl Health {
    /// Of a message that says so.
    pub fn of(message: ToHub) -> Option<Self> {
        match message {
            ToHub::Health {
                time,
                free_mib,
                cameras,
                faults,
                approvers,
            } => Some(Self {
                time,
                free_mib,
                cameras,
                faults,
                approvers,
            }),
            _ => None,
        }
    }

    pub fn camera(&self, cam: &CameraId) -> Option<&CameraHealth> {
        self.cameras.iter().find(|c| c.cam == *cam)
    }
}

const TITLE: &str = "text that can be shown, of at most 120 characters (no control characters, none that change its direction)";

fn wrong(field: &str, value: &str, wanted: &str) -> Breach {
    Breach::new(
        field,
        plain::quoted(value, QUOTED),
        format!("is not {wanted}"),
    )
}

fn number(field: &str, value: impl std::fmt::Display, wanted: &str) -> Breach {
    Breach::new(
        field,
        value.to_string(),
        format!("is not a whole number {wanted}"),
    )
}

fn days(field: &str, value: u32) -> Result<(), Breach> {
    if DAYS.contains(&value) {
        Ok(())
    } else {
        Err(number(field, value, "of days from 1 to 3653"))
    }
}

fn moment(field: &str, t: Utc) -> Result<(), Breach> {
    if sane(t) {
        Ok(())
    } else {
        Err(wrong(
            field,
            &t.to_string(),
            "a time in the years 1970 to 2199",
        ))
    }
}

fn count(field: &str, value: u64, most: u64) -> Result<(), Breach> {
    if value <= most {
        Ok(())
    } else {
        Err(number(field, value, &format!("from 0 to {most}")))
    }
}

fn code(field: &str, value: &str) -> Result<(), Breach> {
    if word(value, 64) {
        Ok(())
    } else {
        Err(wrong(
            field,
            value,
            "a word of 1 to 64 printable characters",
        ))
    }
}

/// Judges the first message of a stream, but for [`Open::Control`], which is [`Hello::of`]'s.
pub fn open(message: &Open) -> Result<(), Breach> {
    match message {
        Open::Audit { log, cosigned } => {
            count("log", *log, LOGS)?;
            if cosigned.as_ref().is_some_and(|note| note.len() > NOTE) {
                return Err(Breach::new("cosigned", "", "is longer than a head may be"));
            }
            Ok(())
        }
        Open::Enrol {
            scheme,
            secret,
            spki,
            ..
        } => {
            for (field, value, most) in [
                ("scheme", scheme, 200),
                ("secret", secret, 200),
                ("spki", spki, 1024),
            ] {
                if !word(value, most) {
                    return Err(Breach::new(
                        field,
                        "",
                        format!("is not 1 to {most} printable characters"),
                    ));
                }
            }
            Ok(())
        }
        Open::Control { .. } => match Hello::of(message) {
            Some(Err(breach)) => Err(breach),
            _ => Ok(()),
        },
        Open::Renew { .. } | Open::Clip { .. } | Open::Look { .. } | Open::Unknown => Ok(()),
    }
}

/// Highest number a log may have at all. Which one a box may open next is the hub's to say.
pub const LOGS: u64 = 999_999;

/// Judges a message of a running box and makes its texts fit to be shown.
pub fn to_hub(message: ToHub) -> Result<ToHub, Breach> {
    let said = |why: String| plain::plain(&why, SAID);
    Ok(match message {
        ToHub::Health {
            time,
            free_mib,
            cameras,
            faults,
            approvers,
        } => {
            moment("time", time)?;
            count("free_mib", free_mib, MOST)?;
            if cameras.len() > CAMERAS {
                return Err(Breach::new(
                    "cameras",
                    format!("(a list of {})", cameras.len()),
                    format!("has more than {CAMERAS} cameras"),
                ));
            }
            if faults.len() > FAULTS {
                return Err(Breach::new(
                    "faults",
                    format!("(a list of {})", faults.len()),
                    format!("has more than {FAULTS} faults"),
                ));
            }
            cameras.iter().try_for_each(camera)?;
            let faults = faults.into_iter().map(fault).collect::<Result<_, _>>()?;
            if let Some(keys) = &approvers {
                if keys.len() > approval::MOST {
                    return Err(Breach::new(
                        "approvers",
                        format!("(a list of {})", keys.len()),
                        format!("has more than {} keys", approval::MOST),
                    ));
                }
                if let Some(bad) = keys.iter().find(|k| !k.is_plain()) {
                    let said = format!("{} {}", bad.who, bad.key);
                    return Err(wrong(
                        "approvers",
                        &said,
                        "a person's number and the mark of a key",
                    ));
                }
            }
            ToHub::Health {
                time,
                free_mib,
                cameras,
                faults,
                approvers,
            }
        }
        ToHub::Answer { order, outcome } => {
            count("order", order, MOST)?;
            let outcome = match outcome {
                Outcome::Done(what) => {
                    done(&what)?;
                    Outcome::Done(what)
                }
                Outcome::Refused(refusal) => Outcome::Refused(Refusal {
                    why: said(refusal.why),
                    ..refusal
                }),
            };
            ToHub::Answer { order, outcome }
        }
        ToHub::Unknown => ToHub::Unknown,
    })
}

/// Whether what a box says it did is within bounds.
fn done(done: &Done) -> Result<(), Breach> {
    match done {
        Done::Pull {
            log,
            n,
            of,
            segments,
        } => {
            count("n", *n, MOST)?;
            count("log", *log, MOST)?;
            count("of", *of, *log)?;
            if segments.len() > SEGMENTS {
                return Err(Breach::new(
                    "segments",
                    format!("(a list of {})", segments.len()),
                    format!("has more than {SEGMENTS} segments"),
                ));
            }
            for s in segments {
                count("segments.s", s.s, MOST)?;
                count("segments.n", s.n, MOST)?;
                count("segments.sealed", s.sealed, 2 * SEGMENT_MOST)?;
            }
            Ok(())
        }
        Done::Rate { until } | Done::Lift { until } => moment("until", *until),
        Done::Hold {
            until,
            segments,
            bytes,
        } => {
            moment("until", *until)?;
            count("segments", *segments, MOST)?;
            count("bytes", *bytes, MOST)
        }
        Done::Mask
        | Done::Approvers
        | Done::Cleared
        | Done::Sweep
        | Done::Succession
        | Done::Addresses
        | Done::Unknown => Ok(()),
    }
}

fn camera(c: &CameraHealth) -> Result<(), Breach> {
    let at = |key: &str| format!("cameras.{}.{key}", c.cam);
    let CameraHealth {
        cam: _,
        flow,
        rate,
        stands_secs,
        mask,
        outlook,
    } = c;
    for (key, t) in [
        ("landed", flow.landed),
        ("down_since", flow.down_since),
        ("next_try", flow.next_try),
    ] {
        t.map_or(Ok(()), |t| moment(&at(key), t))?;
    }
    rate.as_deref().map_or(Ok(()), |r| code(&at("rate"), r))?;
    if let Some(secs) = stands_secs {
        count(&at("stands_secs"), (*secs).into(), 86_400)?;
    }
    if let Some(outlook) = outlook {
        let left = outlook.days_left.unwrap_or(0);
        count(&at("outlook.days_left"), left.into(), 100_000)?;
        count(&at("outlook.days_kept"), outlook.days_kept.into(), 100_000)?;
    }
    if let Some(mask) = mask {
        let MaskInfo {
            id,
            how,
            style,
            permille,
            sha256,
            review,
            order,
            lifted,
            instead,
        } = mask;
        code(&at("mask.id"), id)?;
        code(&at("mask.how"), how)?;
        code(&at("mask.style"), style)?;
        count(&at("mask.permille"), *permille, 1000)?;
        if crate::record::unhex(sha256).is_none() {
            return Err(wrong(
                &at("mask.sha256"),
                sha256,
                "a SHA-256 in 64 lower-case hex digits",
            ));
        }
        if let Some(day) = review
            && !super::sane_day(*day)
        {
            return Err(wrong(
                &at("mask.review"),
                &day.to_string(),
                "a day in the years 1970 to 2199",
            ));
        }
        count(&at("mask.order"), order.unwrap_or(0), MOST)?;
        lifted.map_or(Ok(()), |t| moment(&at("mask.lifted"), t))?;
        instead
            .as_deref()
            .map_or(Ok(()), |id| code(&at("mask.instead"), id))?;
    }
    Ok(())
}

fn fault(f: Fault) -> Result<Fault, Breach> {
    code("faults.code", &f.code)?;
    moment("faults.since", f.since)?;
    Ok(Fault {
        text: plain::plain(&f.text, SAID),
        ..f
    })
}
