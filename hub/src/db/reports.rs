//! Adapter: SQLite. What boxes say of themselves: cameras, how they are, the masks in force, faults. A report is written in one
//! transaction, and of it only what is not there already.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};
use shared::{
    approval::KnownKey,
    id::{BoxName, CameraId},
    schema::message::{self, Health, Hello},
    standing::Flow,
    time::{Day, Utc},
    wire::{CameraHealth, CameraInfo, Fault, MaskInfo, Outlook, ToHub},
};

use super::{
    Db, DbError, N,
    retention::{cam, day, note_policies},
    store::Sql,
    upsert,
};

/// What the rows of one box say. What does not pass as if it came now was never said.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reports {
    pub hello: Option<Hello>,
    pub health: Option<Health>,
}

/// Rows of one table by box, each box's in order.
type ByBox<T> = BTreeMap<String, Vec<T>>;

/// Rows of all boxes, or of one. One that cannot be read is left out, whoever it is from.
fn by_box<T>(
    c: &Sql,
    only: Option<&BoxName>,
    (columns, table): (&str, &str),
    row: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<ByBox<T>, DbError> {
    let sql = format!(
        "SELECT box, {columns} FROM {table} WHERE box=COALESCE($1, box) ORDER BY box, place"
    );
    let sql = match only {
        Some(_) => sql.replace("COALESCE($1, box)", "$1"),
        None => sql,
    };
    let mut q = c.prepare(&sql)?;
    let rows = q.query_map([only.map(BoxName::as_str)], |r| {
        Ok((r.get::<_, String>(0)?, row(r)))
    })?;
    let mut out: ByBox<T> = BTreeMap::new();
    for found in rows {
        let (name, row) = found?;
        match row.map_err(DbError::from) {
            Ok(row) => out.entry(name).or_default().push(row),
            Err(e) if e.of_a_row() => {
                tracing::warn!("a row of {table} in hub.sqlite was left out: {e}");
            }
            Err(e) => return Err(e),
        }
    }
    Ok(out)
}

fn camera(r: &rusqlite::Row<'_>) -> rusqlite::Result<CameraInfo> {
    Ok(CameraInfo {
        cam: cam(r, 1)?,
        title: r.get(2)?,
        masked: r.get(3)?,
        lapse_secs: r.get(4)?,
        retention_days: r.get(5)?,
    })
}

const STATE: &str = "s.cam, recording, connected, starting, landed, down_since, next_try, rate, stands_secs, days_left, days_kept, \
     id, how, style, permille, sha256, review, set_by, lifted, instead";

fn state(r: &rusqlite::Row<'_>) -> rusqlite::Result<CameraHealth> {
    let utc = |i| Ok::<_, rusqlite::Error>(r.get::<_, Option<i64>>(i)?.map(Utc));
    let mask: Option<String> = r.get(12)?;
    let kept: Option<u32> = r.get(11)?;
    let days_left = r.get(10)?;
    Ok(CameraHealth {
        cam: cam(r, 1)?,
        flow: Flow {
            recording: r.get(2)?,
            connected: r.get(3)?,
            starting: r.get(4)?,
            landed: utc(5)?,
            down_since: utc(6)?,
            next_try: utc(7)?,
        },
        rate: r.get(8)?,
        stands_secs: r.get(9)?,
        outlook: kept.map(|days_kept| Outlook {
            days_left,
            days_kept,
        }),
        mask: match mask {
            Some(id) => Some(MaskInfo {
                id,
                how: r.get(13)?,
                style: r.get(14)?,
                permille: r.get::<_, N>(15)?.0,
                sha256: r.get(16)?,
                review: match r.get::<_, Option<String>>(17)? {
                    Some(_) => Some(day(r, 17)?),
                    None => None,
                },
                order: r.get::<_, Option<N>>(18)?.map(|n| n.0),
                lifted: utc(19)?,
                instead: r.get(20)?,
            }),
            None => None,
        },
    })
}

fn fault(r: &rusqlite::Row<'_>) -> rusqlite::Result<Fault> {
    Ok(Fault {
        code: r.get(1)?,
        cam: match r.get::<_, Option<String>>(2)? {
            Some(_) => Some(cam(r, 2)?),
            None => None,
        },
        since: Utc(r.get(3)?),
        text: r.get(4)?,
    })
}

fn key(r: &rusqlite::Row<'_>) -> rusqlite::Result<KnownKey> {
    Ok(KnownKey {
        who: r.get(1)?,
        key: r.get(2)?,
    })
}

/// What the columns of `boxes` say beside the rows.
pub(super) struct ReportColumns {
    pub sw: Option<String>,
    pub zone: Option<String>,
    pub retention_days: Option<u32>,
    pub reported: Option<i64>,
    pub free_mib: Option<i64>,
    /// It lifts masks only when people approve with their own keys.
    pub approvals: bool,
}

/// The rows of all boxes, or of one, ready to be put together with their columns.
pub(super) struct Rows {
    cameras: ByBox<CameraInfo>,
    states: ByBox<CameraHealth>,
    faults: ByBox<Fault>,
    keys: ByBox<KnownKey>,
}

impl Rows {
    pub fn read(c: &Sql, only: Option<&BoxName>) -> Result<Self, DbError> {
        Ok(Self {
            cameras: by_box(
                c,
                only,
                (
                    "cam, title, masked, lapse_secs, retention_days",
                    "box_cameras",
                ),
                camera,
            )?,
            states: by_box(
                c,
                only,
                (
                    STATE,
                    "camera_states s LEFT JOIN camera_masks USING (box, cam)",
                ),
                state,
            )?,
            faults: by_box(c, only, ("code, cam, since, text", "box_faults"), fault)?,
            keys: by_box(c, only, ("who, key", "box_keys"), key)?,
        })
    }

    pub fn of(&mut self, name: &str, said: ReportColumns) -> Reports {
        let hello = match (said.sw, said.zone, said.retention_days) {
            (Some(sw), Some(zone), Some(retention_days)) => Some(Hello {
                sw,
                zone,
                retention_days,
                cameras: self.cameras.remove(name).unwrap_or_default(),
            }),
            _ => None,
        };
        let free = said.free_mib.and_then(|n| u64::try_from(n).ok());
        let health = said.reported.zip(free).and_then(|(time, free_mib)| {
            let said = ToHub::Health {
                time: Utc(time),
                free_mib,
                cameras: self.states.remove(name).unwrap_or_default(),
                faults: self.faults.remove(name).unwrap_or_default(),
                approvers: said
                    .approvals
                    .then(|| self.keys.remove(name).unwrap_or_default()),
            };
            message::to_hub(said).ok().and_then(Health::of)
        });
        Reports {
            hello: hello.filter(|hello| hello.judge().is_ok()),
            health,
        }
    }
}

/// What is stored of one box.
fn stored(c: &Sql, name: &BoxName) -> Result<Reports, DbError> {
    let sql =
        "SELECT sw, zone, retention_days, reported, free_mib, approvals FROM boxes WHERE name=$1";
    let said = c.query_row(sql, [name.as_str()], |r| {
        Ok(ReportColumns {
            sw: r.get(0)?,
            zone: r.get(1)?,
            retention_days: r.get(2)?,
            reported: r.get(3)?,
            free_mib: r.get(4)?,
            approvals: r.get(5)?,
        })
    });
    let Some(said) = said.optional()? else {
        return Ok(Reports::default());
    };
    Ok(Rows::read(c, Some(name))?.of(name.as_str(), said))
}

impl Db {
    /// What it says of itself, and the rules it keeps footage by from now on.
    pub fn box_hello(&self, name: &BoxName, hello: &Hello, now: Utc) -> Result<(), DbError> {
        self.whole(|t| {
            t.execute(
                "UPDATE boxes SET sw=$2, zone=$3, retention_days=$4, last_seen=$5 WHERE name=$1",
                params![
                    name.as_str(),
                    hello.sw,
                    hello.zone,
                    hello.retention_days,
                    now.0
                ],
            )?;
            let before = stored(t, name)?.hello.map(|h| h.cameras);
            if before.as_ref() != Some(&hello.cameras) {
                t.execute("DELETE FROM box_cameras WHERE box=$1", [name.as_str()])?;
                let columns = "box, cam, place, title, masked, lapse_secs, retention_days";
                for (place, c) in hello.cameras.iter().enumerate() {
                    t.execute(
                        &upsert("box_cameras", columns, "box, cam"),
                        params![
                            name.as_str(),
                            c.cam.as_str(),
                            N(place as u64),
                            c.title,
                            c.masked,
                            c.lapse_secs,
                            c.retention_days
                        ],
                    )?;
                }
            }
            note_policies(t, name, hello, now)?;
            t.execute(
                "DELETE FROM box_refusals WHERE box=$1 AND what='hello'",
                [name.as_str()],
            )?;
            Ok(())
        })
    }

    /// A report that was judged.
    pub fn box_health(&self, name: &BoxName, report: &Health, now: Utc) -> Result<(), DbError> {
        self.whole(|t| {
            let before = stored(t, name)?.health;
            t.execute(
                "UPDATE boxes SET reported=$2, free_mib=$3, last_seen=$4, approvals=$5 WHERE name=$1",
                params![
                    name.as_str(),
                    report.time.0,
                    N(report.free_mib),
                    now.0,
                    report.approvers.is_some()
                ],
            )?;
            let states = before.as_ref().map_or(&[][..], |b| &b.cameras);
            let gone = states.iter().filter(|s| report.camera(&s.cam).is_none());
            for s in gone {
                forget(t, name, &s.cam)?;
            }
            for (place, c) in report.cameras.iter().enumerate() {
                if states.get(place) != Some(c) {
                    forget(t, name, &c.cam)?;
                    put_state(t, name, place, c)?;
                }
            }
            if before.as_ref().map(|b| &b.faults) != Some(&report.faults) {
                t.execute("DELETE FROM box_faults WHERE box=$1", [name.as_str()])?;
                for (place, f) in report.faults.iter().enumerate() {
                    t.execute(
                        "INSERT INTO box_faults (box, place, code, cam, since, text) VALUES ($1,$2,$3,$4,$5,$6)",
                        params![
                            name.as_str(),
                            N(place as u64),
                            f.code,
                            f.cam.as_ref().map(CameraId::as_str),
                            f.since.0,
                            f.text
                        ],
                    )?;
                }
            }
            let keys = |h: &Health| h.approvers.clone().unwrap_or_default();
            if before.as_ref().map(keys).unwrap_or_default() != keys(report) {
                put_keys(t, name, &keys(report))?;
            }
            t.execute(
                "DELETE FROM box_refusals WHERE box=$1 AND what='report'",
                [name.as_str()],
            )?;
            Ok(())
        })
    }
}

fn put_keys(t: &Sql, name: &BoxName, keys: &[KnownKey]) -> Result<(), DbError> {
    t.execute("DELETE FROM box_keys WHERE box=$1", [name.as_str()])?;
    for (place, k) in keys.iter().enumerate() {
        t.execute(
            "INSERT INTO box_keys (box, place, who, key) VALUES ($1, $2, $3, $4)",
            params![name.as_str(), N(place as u64), k.who, k.key],
        )?;
    }
    Ok(())
}

fn forget(t: &Sql, name: &BoxName, cam: &CameraId) -> Result<(), DbError> {
    for table in ["camera_states", "camera_masks"] {
        t.execute(
            &format!("DELETE FROM {table} WHERE box=$1 AND cam=$2"),
            params![name.as_str(), cam.as_str()],
        )?;
    }
    Ok(())
}

fn put_state(t: &Sql, name: &BoxName, place: usize, c: &CameraHealth) -> Result<(), DbError> {
    let (flow, time) = (&c.flow, |t: Option<Utc>| t.map(|t| t.0));
    t.execute(
        "INSERT INTO camera_states (box, cam, place, recording, connected, starting, landed, down_since, next_try, rate, stands_secs,
         days_left, days_kept) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)",
        params![
            name.as_str(),
            c.cam.as_str(),
            N(place as u64),
            flow.recording,
            flow.connected,
            flow.starting,
            time(flow.landed),
            time(flow.down_since),
            time(flow.next_try),
            c.rate,
            c.stands_secs,
            c.outlook.as_ref().and_then(|o| o.days_left),
            c.outlook.as_ref().map(|o| o.days_kept)
        ],
    )?;
    if let Some(m) = &c.mask {
        t.execute(
            "INSERT INTO camera_masks (box, cam, id, how, style, permille, sha256, review, set_by, lifted, instead)
             VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
            params![
                name.as_str(),
                c.cam.as_str(),
                m.id,
                m.how,
                m.style,
                N(m.permille),
                m.sha256,
                m.review.as_ref().map(Day::to_string),
                m.order.map(N),
                time(m.lifted),
                m.instead
            ],
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(cam: &str, title: &str) -> CameraInfo {
        CameraInfo {
            cam: CameraId::parse(cam).expect("camera"),
            title: title.into(),
            masked: true,
            lapse_secs: None,
            retention_days: Some(28),
        }
    }

    fn health(cam: &str, landed: i64, mask: bool) -> CameraHealth {
        CameraHealth {
            cam: CameraId::parse(cam).expect("camera"),
            flow: Flow {
                recording: true,
                landed: Some(Utc(landed)),
                ..Flow::default()
            },
            rate: Some("realtime".into()),
            stands_secs: Some(30),
            mask: mask.then(|| MaskInfo {
                id: "m1".into(),
                how: "burned".into(),
                style: "solid".into(),
                permille: 60,
                sha256: "ab".repeat(32),
                review: Some(Day::parse("2027-01-31").expect("day")),
                order: Some(7),
                lifted: Some(Utc(5_000)),
                instead: Some("m0".into()),
            }),
            outlook: Some(Outlook {
                days_left: None,
                days_kept: 28,
            }),
        }
    }

    /// FLT-1: what a box said last is read as it said it: cameras that go, masks that end, faults that end are gone from the rows, and a
    /// camera of which nothing changed is not written.
    #[test]
    fn reports_are_read_as_they_were_said() {
        let dir = tempfile::tempdir().expect("folder");
        let db = Db::open(dir.path()).expect("records");
        let name = BoxName::parse("ashby").expect("name");
        db.register_box(&name, "h", Utc(9), Utc(1)).expect("box");
        let read = || db.box_named(&name).expect("reads").expect("row");
        assert_eq!((read().hello, read().health), (None, None));
        let mut hello = Hello {
            sw: "0.1.0".into(),
            zone: "Europe/London".into(),
            retention_days: 31,
            cameras: vec![info("c02", "High Street"), info("c01", "Market")],
        };
        db.box_hello(&name, &hello, Utc(2)).expect("hello");
        assert_eq!(read().hello.as_ref(), Some(&hello));
        hello.cameras.remove(0);
        db.box_hello(&name, &hello, Utc(3)).expect("hello");
        assert_eq!(read().hello.as_ref(), Some(&hello));

        let fault = |code: &str, cam: Option<&str>| Fault {
            code: code.into(),
            cam: cam.map(|c| CameraId::parse(c).expect("camera")),
            since: Utc(4),
            text: "it is so".into(),
        };
        let mut report = Health {
            time: Utc(10),
            free_mib: 500,
            cameras: vec![health("c01", 100, true), health("c02", 200, false)],
            faults: vec![fault("disk.full", None), fault("cam.down", Some("c01"))],
            approvers: Some(vec![KnownKey {
                who: "op:0002".into(),
                key: "0123456789abcdef".into(),
            }]),
        };
        db.box_health(&name, &report, Utc(11)).expect("report");
        assert_eq!(read().health.as_ref(), Some(&report));
        assert_eq!(db.boxes().expect("boxes")[0].health.as_ref(), Some(&report));
        let written = || {
            let c = db.store.write();
            c.query_row("SELECT total_changes()", [], |r| r.get::<_, i64>(0))
                .expect("count")
        };
        report.time = Utc(20);
        let before = written();
        db.box_health(&name, &report, Utc(21)).expect("report");
        assert_eq!(written() - before, 1, "only that it spoke");
        report.cameras = vec![health("c02", 300, true)];
        report.faults = vec![fault("cam.down", Some("c02"))];
        db.box_health(&name, &report, Utc(31)).expect("report");
        assert_eq!(read().health.as_ref(), Some(&report));
        report.cameras = vec![health("c02", 300, false)];
        report.faults.clear();
        db.box_health(&name, &report, Utc(41)).expect("report");
        assert_eq!(read().health.as_ref(), Some(&report));
    }
}
