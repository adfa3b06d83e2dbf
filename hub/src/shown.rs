//! Task. The [`Board`] of a running hub: rows made from the records, the derived index and who is on the line. Blocking.

use std::collections::BTreeMap;

use ring::hmac;
use shared::{
    id::{BoxCamera, BoxName, ExhibitRef, HoldId},
    standing::{self, BoxStanding, CameraStanding},
    time::{Day, Utc, Zone},
    types::LogRead,
    wire::Fault,
};

use crate::{
    access::{
        authorise::{Permit, Subject, authorise},
        principal::{Person, Principal},
        table::{self, Row},
    },
    board::{
        Account, Board, BoxRow, CameraRow, ExhibitRow, Footage, HoldRow, HubError, LiftRow, plain,
    },
    days,
    db::{faults::About, footage::NameRecord, requests::RequestPageRow},
    desk::Desk,
    disposal::{
        self,
        rows::{Evidence, EvidenceRow, FaultRow},
    },
    evidence::Resting,
    ops::{clips, staff::Folder},
    places::Origin,
    requests::{
        holds, mask,
        review::{self, MaskRow},
        viewing,
    },
    retention::{
        gather,
        report::{CameraPage, Report},
    },
    signin,
};

/// Most exhibits listed at once.
pub const EXHIBITS: u32 = 1000;

/// Every box as its last report, its log and the hub itself have it, worst first. Blocking.
pub fn boxes(desk: &Desk) -> Result<Vec<BoxRow>, HubError> {
    let mut rows = Vec::new();
    let found = desk.db.found_faults().map_err(plain)?;
    for b in desk.db.boxes().map_err(plain)? {
        let log = desk.db.newest_log(&b.name).map_err(plain)?;
        let mut row = BoxRow {
            online: desk.live.online(&b.name),
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
            .extend(desk.logs.troubles(&row.name).into_iter().map(|t| Fault {
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

/// Exhibits, newest first: so many at most, and with `before` those older than it. Blocking.
pub fn exhibits(
    desk: &Desk,
    before: Option<&ExhibitRef>,
    limit: u32,
) -> Result<Vec<ExhibitRow>, HubError> {
    let before = before.map(ExhibitRef::number);
    let requests = desk.db.requests_page(before, limit)?;
    let mut names = BTreeMap::new();
    let rows = requests.into_iter();
    rows.map(|r| exhibit_row(desk, &mut names, r)).collect()
}

/// One of them. Blocking.
pub fn exhibit(desk: &Desk, exhibit: &ExhibitRef) -> Result<ExhibitRow, HubError> {
    let request = desk.db.request_page_row(exhibit.as_str())?;
    let request =
        request.ok_or_else(|| HubError::Missing(format!("there is no exhibit {exhibit}")))?;
    exhibit_row(desk, &mut BTreeMap::new(), request)
}

/// `names`: what cameras were called, as far as it was asked for already.
fn exhibit_row(
    desk: &Desk,
    names: &mut BTreeMap<String, Vec<NameRecord>>,
    RequestPageRow {
        request: r,
        purpose,
        reference,
        requester,
    }: RequestPageRow,
) -> Result<ExhibitRow, HubError> {
    let live = desk.pulls.last(r.r#ref.as_str());
    let camera = r.camera.to_string();
    if !names.contains_key(&camera) {
        names.insert(camera.clone(), desk.db.names(&r.camera)?);
    }
    let names = names.get(&camera).map_or(&[][..], Vec::as_slice);
    let ends = match names {
        [] => Vec::new(),
        _ => {
            let renamed = |log: &str, first: u64, last: u64| {
                let mut within = names.iter().filter(|n| n.log == log);
                within.any(|n| (first..=last).contains(&n.n))
            };
            desk.db.line_ends(&r.camera, (r.t0, r.t1), renamed)?
        }
    };
    Ok(ExhibitRow {
        called: days::over(names, &ends),
        r#ref: r.r#ref.to_string(),
        grant: r.grant,
        camera,
        t0: r.t0,
        t1: r.t1,
        state: r.state.as_str().into(),
        why: r.why,
        bytes: live.as_ref().map_or(0, |p| p.bytes),
        total: live.as_ref().map_or(0, |p| p.total),
        made: r.made,
        purpose,
        reference,
        requester,
        package: r.package,
    })
}

/// Where a log lies: `hub`, a box's name (its newest log), or a log's full name. That it is read is put on record first. Blocking.
pub fn log(desk: &Desk, log: &str, permit: &Permit) -> Result<Folder, HubError> {
    let (origin, folder, size) = if log == "hub" || log == desk.log.origin() {
        (
            desk.log.origin().to_owned(),
            desk.log.folder(),
            desk.log.handle().size(),
        )
    } else {
        let by_name = BoxName::parse(log)
            .ok()
            .map(|n| desk.db.newest_log(&n))
            .transpose()
            .map_err(plain)?
            .flatten();
        let found = match by_name {
            Some(l) => Some(l),
            None => desk.db.log(log).map_err(plain)?,
        };
        let l = found.ok_or_else(|| {
            HubError::Missing(format!(
                "no log {log} is held here; say `hub`, a box's name, or a log's full name"
            ))
        })?;
        let folder = desk
            .logs
            .folder_of(&l.origin)
            .ok_or_else(|| HubError::Refused(format!("{} is not a log's name", l.origin)))?;
        (l.origin, folder, l.size)
    };
    let line = LogRead {
        log: origin.clone(),
        from: 0,
        to: size,
        op: permit.op(),
    };
    desk.log.append(&permit.op(), &line).map_err(plain)?;
    if origin == desk.log.origin() {
        // The reading itself is in what is handed out, under a countersigned head.
        desk.log.head_now().map_err(plain)?;
    }
    Ok(Folder { folder, origin })
}

/// What the pages still ask of a board; each asks the table first.
impl Board for Desk {
    fn zone(&self) -> Zone {
        self.config.zone.clone()
    }

    fn scheme(&self) -> String {
        self.config.scheme.clone()
    }

    fn boxes(&self) -> Result<Vec<BoxRow>, HubError> {
        boxes(self)
    }

    fn retention(&self, only: Option<&BoxName>) -> Result<Report, HubError> {
        gather::report(self, only)
    }

    fn retention_of(&self, camera: &BoxCamera) -> Result<CameraPage, HubError> {
        gather::of_camera(self, camera)
    }

    fn footage(
        &self,
        who: &Account,
        camera: &BoxCamera,
        day: Option<Day>,
    ) -> Result<Footage, HubError> {
        permit(who, &table::FOOTAGE, self.now())?;
        days::footage(self, camera, day, days::MOST)
    }

    fn week(&self, who: &Account, camera: &BoxCamera) -> Result<Footage, HubError> {
        permit(who, &table::FOOTAGE, self.now())?;
        days::footage(self, camera, None, 7)
    }

    fn exhibits(&self, who: &Account) -> Result<Vec<ExhibitRow>, HubError> {
        permit(who, &table::CLIPS, self.now())?;
        exhibits(self, None, EXHIBITS)
    }

    fn package(&self, who: &Account, exhibit: &ExhibitRow) -> Result<Option<Resting>, HubError> {
        let permit = permit(who, &table::CLIP_VIEW, self.now())?;
        let number = ExhibitRef::parse(&exhibit.r#ref).map_err(HubError::malformed)?;
        clips::package(self, &number, &permit)
    }

    fn sign_in(
        &self,
        name: &str,
        password: &str,
        from: Option<Origin>,
    ) -> Result<Account, HubError> {
        let person = signin::check(self, name, password, from)?;
        let role = person.grants.first().map(|g| g.role.to_string());
        Ok(Account {
            op: person.op,
            name: person.name,
            role: role.unwrap_or_default(),
        })
    }

    fn was_here(&self, name: &str, from: Origin) -> Result<bool, HubError> {
        signin::was_here(self, name, from)
    }

    fn browser_key(&self) -> Result<hmac::Key, HubError> {
        signin::key(self)
    }

    fn viewing(
        &self,
        who: &Account,
        exhibit: &str,
        purpose: &str,
        reference: &str,
    ) -> Result<(), HubError> {
        let permit = permit(who, &table::CLIP_VIEW, self.now())?;
        let exhibit = ExhibitRef::parse(exhibit).map_err(HubError::malformed)?;
        viewing::begin(self, &exhibit, &purpose.into(), &reference.into(), &permit)
    }

    fn masks(&self) -> Result<Vec<MaskRow>, HubError> {
        review::all(self)
    }

    fn lifts(&self, who: &Account) -> Result<Vec<LiftRow>, HubError> {
        permit(who, &table::LIFTS, self.now())?;
        mask::pending(self)
    }

    fn approve_lift(&self, who: &Account, request: u64) -> Result<Utc, HubError> {
        mask::approve_here(
            self,
            request,
            &permit(who, &table::LIFT_APPROVE, self.now())?,
        )
    }

    fn withdraw_lift(&self, who: &Account, request: u64) -> Result<(), HubError> {
        mask::withdraw(
            self,
            request,
            &permit(who, &table::LIFT_WITHDRAW, self.now())?,
        )
    }

    fn holds(&self, who: &Account) -> Result<Vec<HoldRow>, HubError> {
        permit(who, &table::HOLDS, self.now())?;
        holds::shown::list(self, None, false)
    }

    fn approve_release(&self, who: &Account, hold: HoldId) -> Result<HoldRow, HubError> {
        holds::acts::approve(self, hold, &permit(who, &table::HOLD_APPROVE, self.now())?)
    }

    fn evidence(&self, who: &Account) -> Result<Evidence, HubError> {
        permit(who, &table::EVIDENCE, self.now())?;
        disposal::shown::all(self, false)
    }

    fn evidence_faults(&self) -> Result<Vec<FaultRow>, HubError> {
        disposal::shown::faults(self)
    }

    fn dispose(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
        reason: &str,
    ) -> Result<EvidenceRow, HubError> {
        let permit = permit(who, &table::EVIDENCE_DISPOSE, self.now())?;
        disposal::acts::dispose(self, exhibit, reason, &permit)
    }

    fn approve_disposal(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
    ) -> Result<EvidenceRow, HubError> {
        let permit = permit(who, &table::EVIDENCE_APPROVE, self.now())?;
        disposal::acts::approve(self, exhibit, &permit)
    }

    fn disposal_certificate(
        &self,
        who: &Account,
        exhibit: &ExhibitRef,
    ) -> Result<String, HubError> {
        permit(who, &table::EVIDENCE_CERTIFICATE, self.now())?;
        disposal::shown::certificate(self, exhibit)
    }
}

pub fn permit(who: &Account, row: &'static Row, now: Utc) -> Result<Permit, HubError> {
    let person = Person {
        op: who.op,
        name: who.name.clone(),
        grants: signin::grants(&who.role),
    };
    authorise(&Principal::Person(person), row, &Subject::hub(), now)
}
