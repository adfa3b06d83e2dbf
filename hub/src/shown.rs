//! Task. The [`Board`] of a running hub: rows made from the records, the derived index and who is on the line. Blocking.

use ring::hmac;
use shared::{
    id::{BoxCamera, BoxName, ExhibitRef, HoldId},
    standing::{self, BoxStanding, CameraStanding},
    time::{Day, Utc, Zone},
    types::AccView,
    wire::Fault,
};

use crate::{
    board::{
        Account, Board, BoxRow, CameraRow, DayRow, ExhibitRow, Footage, GapRow, HoldRow, LiftRow,
        Refusal, Span, plain,
    },
    db::{
        faults::About,
        footage::{NameRecord, SegmentRecord, named},
    },
    desk::Desk,
    disposal::{
        self,
        rows::{Evidence, EvidenceRow, FaultRow},
    },
    evidence::Resting,
    ownlog,
    places::Origin,
    requests::{
        holds, mask,
        review::{self, MaskRow},
        rules::{JOIN_MS, State},
        submit,
    },
    retention::{
        gather,
        report::{CameraPage, Report},
    },
    roles::{Act, authorise},
    signin,
};

/// Most days listed at once.
const DAYS: i32 = 400;

impl Board for Desk {
    fn zone(&self) -> Zone {
        self.config.zone.clone()
    }

    fn scheme(&self) -> String {
        self.config.scheme.clone()
    }

    fn boxes(&self) -> Result<Vec<BoxRow>, Refusal> {
        let mut rows = Vec::new();
        let found = self.db.found_faults().map_err(plain)?;
        for b in self.db.boxes().map_err(plain)? {
            let log = self.db.newest_log(&b.name).map_err(plain)?;
            let mut row = BoxRow {
                online: self.live.online(&b.name),
                name: b.name,
                state: b.state,
                sw: None,
                last_seen: b.last_seen,
                reported: None,
                free_mib: None,
                retention_days: None,
                cameras: Vec::new(),
                faults: Vec::new(),
                lines: log.as_ref().map_or(0, |l| l.size),
                countersigned: log.as_ref().filter(|l| l.size > 0).map(|l| l.cosigned),
                dispute: log
                    .and_then(|l| Some(format!("{}: {}", l.dispute?, l.why.unwrap_or_default()))),
                standing: BoxStanding::default(),
            };
            if let Some(hello) = b.hello {
                row.sw = Some(hello.sw);
                row.retention_days = Some(hello.retention_days);
                row.cameras = hello
                    .cameras
                    .into_iter()
                    .map(|c| CameraRow {
                        cam: c.cam,
                        title: c.title,
                        masked: c.masked,
                        flow: None,
                        standing: CameraStanding::default(),
                        stands_secs: c.lapse_secs,
                        rate: None,
                    })
                    .collect();
            }
            if let Some(health) = b.health {
                row.reported = Some(health.time);
                row.free_mib = Some(health.free_mib);
                row.faults = health.faults;
                for h in health.cameras {
                    if let Some(c) = row.cameras.iter_mut().find(|c| c.cam == h.cam) {
                        c.flow = Some(h.flow);
                        c.stands_secs = h.stands_secs.or(c.stands_secs);
                        c.rate = h.rate.filter(|_| row.online);
                    }
                }
            }
            row.faults
                .extend(self.logs.troubles(&row.name).into_iter().map(|t| Fault {
                    code: t.condition.into(),
                    cam: None,
                    since: t.since,
                    text: match t.times {
                        1 => t.text,
                        n => format!("{} ({n} times)", t.text),
                    },
                }));
            let own = found.iter().filter_map(|f| match &f.about {
                About::Camera(c) if c.r#box == row.name => Some((Some(c.cam.clone()), f)),
                About::Box(name) if *name == row.name => Some((None, f)),
                _ => None,
            });
            row.faults.extend(own.map(|(cam, f)| Fault {
                code: f.code.clone(),
                cam,
                since: f.since,
                text: f.text.clone(),
            }));
            rows.push(row.judged());
        }
        rows.sort_by_cached_key(|r| (standing::box_order(&r.standing), r.name.clone()));
        Ok(rows)
    }

    fn retention(&self, only: Option<&BoxName>) -> Result<Report, Refusal> {
        gather::report(self, only)
    }

    fn retention_of(&self, camera: &BoxCamera) -> Result<CameraPage, Refusal> {
        gather::of_camera(self, camera)
    }

    fn footage(
        &self,
        who: &Account,
        camera: &BoxCamera,
        day: Option<Day>,
    ) -> Result<Footage, Refusal> {
        authorise(who, Act::ListFootage)?;
        self.footage_of(camera, day)
    }

    fn exhibits(&self, who: &Account) -> Result<Vec<ExhibitRow>, Refusal> {
        authorise(who, Act::ListExhibits)?;
        self.all_exhibits()
    }

    fn package(&self, who: &Account, exhibit: &ExhibitRow) -> Result<Option<Resting>, Refusal> {
        authorise(who, Act::Watch)?;
        let Some(folder) = &exhibit.package else {
            return Ok(None);
        };
        let number = ExhibitRef::parse(&exhibit.r#ref).map_err(plain)?;
        let identity = self.keys.exhibit_identity(&number).map_err(plain)?;
        Ok(Some(Resting::new(folder.into(), identity)))
    }

    fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: Option<Origin>,
    ) -> Result<Account, Refusal> {
        signin::check(self, name, password, from)
    }

    fn was_here(&self, name: &str, from: Origin) -> Result<bool, Refusal> {
        signin::was_here(self, name, from)
    }

    fn browser_key(&self) -> Result<hmac::Key, Refusal> {
        signin::key(self)
    }

    fn viewing(
        &self,
        who: &Account,
        exhibit: &str,
        purpose: &str,
        reference: &str,
    ) -> Result<(), Refusal> {
        authorise(who, Act::Watch)?;
        if purpose.trim().is_empty() || reference.trim().is_empty() {
            return Err(Refusal(
                "a purpose and a reference are needed: no purpose, no access".into(),
            ));
        }
        let r = self
            .db
            .request(exhibit)
            .map_err(plain)?
            .ok_or_else(|| Refusal(format!("there is no exhibit {exhibit}")))?;
        if r.state == State::Disposed {
            return Err(Refusal(format!("{exhibit} {}", r.why)));
        }
        let purpose = submit::keep_salted(self, &format!("{purpose} · {reference}"))?;
        let line = AccView {
            exh: exhibit.into(),
            t0: r.t0,
            t1: r.t1,
            grant: r.grant,
            purpose,
        };
        self.log.append(&ownlog::op(who.op), &line).map_err(plain)?;
        Ok(())
    }

    fn masks(&self) -> Result<Vec<MaskRow>, Refusal> {
        review::all(self)
    }

    fn lifts(&self, who: &Account) -> Result<Vec<LiftRow>, Refusal> {
        mask::seen_by(self, who)
    }

    fn approve_lift(&self, who: &Account, request: u64) -> Result<Utc, Refusal> {
        mask::approve_here(self, request, who)
    }

    fn withdraw_lift(&self, who: &Account, request: u64) -> Result<(), Refusal> {
        mask::withdraw(self, request, who)
    }

    fn holds(&self, who: &Account) -> Result<Vec<HoldRow>, Refusal> {
        holds::shown::seen_by(self, who)
    }

    fn approve_release(&self, who: &Account, hold: HoldId) -> Result<HoldRow, Refusal> {
        holds::acts::approve(self, hold, who)
    }

    fn evidence(&self, who: &Account) -> Result<Evidence, Refusal> {
        disposal::shown::seen_by(self, who)
    }

    fn evidence_faults(&self) -> Result<Vec<FaultRow>, Refusal> {
        disposal::shown::faults(self)
    }

    fn dispose(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
        reason: &str,
    ) -> Result<EvidenceRow, Refusal> {
        disposal::acts::dispose(self, exhibit, reason, who)
    }

    fn approve_disposal(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
    ) -> Result<EvidenceRow, Refusal> {
        disposal::acts::approve(self, exhibit, who)
    }

    fn disposal_certificate(&self, who: &Account, exhibit: &ExhibitRef) -> Result<String, Refusal> {
        disposal::shown::certificate_for(self, exhibit, who)
    }
}

impl Desk {
    /// Footage of a camera, newest day first; for whoever is at the console too.
    pub fn footage_of(&self, camera: &BoxCamera, day: Option<Day>) -> Result<Footage, Refusal> {
        let record = self.db.box_named(&camera.r#box).map_err(plain)?;
        let record = record.ok_or_else(|| {
            Refusal(format!(
                "there is no box {}; `beadle-hub box list` shows them",
                camera.r#box
            ))
        })?;
        let keeps = record.hello.as_ref().map(|h| h.retention_days);
        let has = record
            .hello
            .as_ref()
            .is_some_and(|h| h.camera(&camera.cam).is_some());
        let seen = self.db.cameras_seen(&camera.r#box).map_err(plain)?;
        if !has && !seen.iter().any(|c| c == camera.cam.as_str()) {
            return Err(Refusal(format!(
                "box {} has no camera {}; footage is known of: {}",
                camera.r#box,
                camera.cam,
                seen.join(", ")
            )));
        }
        let zone = &self.config.zone;
        let today = zone.day_of(self.now());
        let (first, last) = match day {
            Some(d) => (d, d),
            None => {
                let all = self.db.segments_extent(camera).map_err(plain)?;
                let Some((a, b)) = all else {
                    return Ok(Footage {
                        camera: camera.to_string(),
                        zone: self.config.zone_name.clone(),
                        days: Vec::new(),
                    });
                };
                let last = zone.day_of(b);
                (zone.day_of(a).max(last.plus_days(-DAYS)), last)
            }
        };
        let names = self.db.names(camera).map_err(plain)?;
        let mut days = Vec::new();
        let mut at = last;
        while at >= first {
            let (from, to) = (zone.start_of(at), zone.start_of(at.plus_days(1)));
            let segments = self.db.segments(camera, from, to).map_err(plain)?;
            let gaps = self.db.gaps(camera, from, to).map_err(plain)?;
            if !segments.is_empty() || !gaps.is_empty() || day.is_some() {
                let kept: Vec<&SegmentRecord> =
                    segments.iter().filter(|s| s.gone.is_none()).collect();
                days.push(DayRow {
                    day: at,
                    from,
                    to,
                    bytes: kept.iter().fold(0, |sum, s| s.size.saturating_add(sum)),
                    spans: spans(&kept),
                    gaps: gaps
                        .into_iter()
                        .map(|g| GapRow {
                            t0: g.t0,
                            t1: g.t1,
                            why: g.why,
                            packets: g.packets,
                        })
                        .collect(),
                    called: called(&names, segments.iter().map(|s| (s.log.as_str(), s.n))),
                    // Day D goes between 00:05 and 00:15 of day D+N+1 (design §4); of what was recorded under several, the first.
                    days_left: keeps.map(|n| {
                        let recorded = kept.iter().map(|s| s.day).min().unwrap_or(at);
                        let days = i32::try_from(n).unwrap_or(i32::MAX);
                        today.days_until(recorded.plus_days(days.saturating_add(1)))
                    }),
                    deleted: kept.is_empty()
                        && segments
                            .iter()
                            .any(|s| s.gone.as_deref() == Some("deleted")),
                });
            }
            at = at.plus_days(-1);
        }
        Ok(Footage {
            camera: camera.to_string(),
            zone: self.config.zone_name.clone(),
            days,
        })
    }

    /// Every exhibit, newest first; for whoever is at the console too.
    pub fn all_exhibits(&self) -> Result<Vec<ExhibitRow>, Refusal> {
        let text = |hash: &str| self.db.side_text(hash).map_err(plain);
        let mut rows = Vec::new();
        for r in self.db.requests().map_err(plain)? {
            let live = self.pulls.last(r.r#ref.as_str());
            let names = self.db.names(&r.camera).map_err(plain)?;
            let ends = self.db.line_ends(&r.camera, r.t0, r.t1).map_err(plain)?;
            rows.push(ExhibitRow {
                called: over(&names, &ends),
                r#ref: r.r#ref.to_string(),
                grant: r.grant,
                camera: r.camera.to_string(),
                t0: r.t0,
                t1: r.t1,
                state: r.state.as_str().into(),
                why: r.why,
                bytes: live.as_ref().map_or(0, |p| p.bytes),
                total: live.as_ref().map_or(0, |p| p.total),
                made: r.made,
                purpose: text(&r.purpose)?,
                reference: text(&r.reference)?,
                requester: text(&r.requester)?,
                package: r.package,
            });
        }
        Ok(rows)
    }
}

fn in_words(name: &NameRecord) -> String {
    format!("{}, {}", name.title, name.site)
}

/// What a camera was called when these lines of its box's logs were written, each once, in order.
fn called<'a>(names: &[NameRecord], lines: impl Iterator<Item = (&'a str, u64)>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in lines.filter_map(|(log, n)| named(names, log, n)) {
        if !out.contains(&in_words(name)) {
            out.push(in_words(name));
        }
    }
    out
}

/// The same of all lines from the first to the last, by log.
fn over(names: &[NameRecord], ends: &[(String, u64, u64)]) -> Vec<String> {
    let within = ends.iter().flat_map(|(log, first, last)| {
        let between = names
            .iter()
            .filter(move |name| name.log == *log && (*first..*last).contains(&name.n))
            .map(|name| name.n + 1);
        std::iter::once(*first)
            .chain(between)
            .map(move |n| (log.as_str(), n))
    });
    called(names, within)
}

/// Joins segments that follow within half a second and were masked alike.
fn spans(segments: &[&SegmentRecord]) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for s in segments {
        match out.last_mut() {
            Some(last)
                if s.t0.0 - last.t1.0 <= JOIN_MS && last.mask == s.mask && last.how == s.how =>
            {
                last.t1 = s.t1;
                last.segments += 1;
            }
            _ => out.push(Span {
                t0: s.t0,
                t1: s.t1,
                segments: 1,
                mask: s.mask.clone(),
                how: s.how.clone(),
            }),
        }
    }
    out
}
