//! Adapter: SQLite. Lines of the hub's own log about what people did, by person, camera, reference, kind and time. Derived: made again from the
//! log.

use rusqlite::{OptionalExtension, params, params_from_iter};
use shared::{id::BoxCamera, time::Utc};

use super::{Db, DbError, N, plain_rows, seen::Values, upsert};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLine {
    pub n: u64,
    pub t: Utc,
    pub kind: String,
    pub who: String,
    pub roles: String,
    pub camera: Option<BoxCamera>,
    pub exhibit: Option<String>,
    /// Hash of the side table.
    pub reference: Option<String>,
    /// Its hash in the log, lower hex.
    pub leaf: String,
    /// JSON.
    pub data: String,
}

/// Which lines are wanted: all that is said has to be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub who: Option<String>,
    pub camera: Option<BoxCamera>,
    /// The text of a reference: of the line itself, or of the clip request whose exhibit it is about.
    pub reference: Option<String>,
    /// `acc.view`, or a family: `acc`.
    pub kind: Option<String>,
    pub from: Option<Utc>,
    pub to: Option<Utc>,
}

const COLUMNS: &str = "log, n, t, kind, who, roles, box, cam, exhibit, reference, leaf, data";

fn line(r: &rusqlite::Row<'_>) -> rusqlite::Result<OwnLine> {
    let (name, cam): (Option<String>, Option<String>) = (r.get(6)?, r.get(7)?);
    let camera = name.zip(cam);
    Ok(OwnLine {
        n: r.get::<_, N>(1)?.0,
        t: Utc(r.get(2)?),
        kind: r.get(3)?,
        who: r.get(4)?,
        roles: r.get(5)?,
        camera: camera.and_then(|(b, c)| BoxCamera::parse(&format!("{b}/{c}")).ok()),
        exhibit: r.get(8)?,
        reference: r.get(9)?,
        leaf: r.get(10)?,
        data: r.get(11)?,
    })
}

impl Db {
    /// How far the hub's own log is in the table.
    pub fn own_read(&self, log: &str) -> Result<u64, DbError> {
        let c = self.store.read();
        let row = c.query_row("SELECT upto FROM own_read WHERE log=$1", [log], |r| {
            r.get::<_, N>(0)
        });
        Ok(row.optional()?.map_or(0, |n| n.0))
    }

    /// Adds lines, and that it was read so far.
    pub fn add_own_lines(&self, log: &str, lines: &[OwnLine], upto: u64) -> Result<(), DbError> {
        self.whole(|t| {
            for l in lines {
                t.execute(
                    &upsert("own_lines", COLUMNS, "log, n"),
                    params![
                        log,
                        N(l.n),
                        l.t.0,
                        l.kind,
                        l.who,
                        l.roles,
                        l.camera.as_ref().map(|c| c.r#box.to_string()),
                        l.camera.as_ref().map(|c| c.cam.to_string()),
                        l.exhibit,
                        l.reference,
                        l.leaf,
                        l.data
                    ],
                )?;
            }
            t.execute(
                &upsert("own_read", "log, upto", "log"),
                params![log, N(upto)],
            )?;
            Ok(())
        })
    }

    /// So many lines of a log, newest first; with `before` those with a lower number.
    pub fn own_lines(
        &self,
        log: &str,
        wanted: &Wanted,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<OwnLine>, DbError> {
        let mut values = Values::default();
        let log = values.add(log.to_owned());
        let before = values.count(before.unwrap_or(1 << 53));
        let mut which = vec![format!("log={log} AND n < {before}")];
        if let Some(who) = &wanted.who {
            which.push(format!("who={}", values.add(who.clone())));
        }
        if let Some(camera) = &wanted.camera {
            let (b, c) = (
                values.add(camera.r#box.to_string()),
                values.add(camera.cam.to_string()),
            );
            which.push(format!("box={b} AND cam={c}"));
        }
        if let Some(reference) = &wanted.reference {
            let text = values.add(reference.clone());
            let hashes = format!("(SELECT hash FROM side WHERE text={text})");
            which.push(format!(
                "n IN (SELECT n FROM own_lines WHERE log={log} AND reference IN {hashes}
                 UNION SELECT n FROM own_lines WHERE log={log} AND exhibit IN (SELECT ref FROM requests WHERE reference IN {hashes}))"
            ));
        }
        if let Some(kind) = &wanted.kind {
            which.push(match kind.contains('.') {
                true => format!("kind={}", values.add(kind.clone())),
                // After the dot comes the stroke.
                false => {
                    let (a, b) = (
                        values.add(format!("{kind}.")),
                        values.add(format!("{kind}/")),
                    );
                    format!("kind >= {a} AND kind < {b}")
                }
            });
        }
        if let Some(from) = wanted.from {
            which.push(format!("t >= {}", values.add(from.0)));
        }
        if let Some(to) = wanted.to {
            which.push(format!("t < {}", values.add(to.0)));
        }
        let limit = values.add(limit);
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM own_lines WHERE {} ORDER BY n DESC LIMIT {limit}",
            which.join(" AND ")
        ))?;
        plain_rows("own_lines", q.query_map(params_from_iter(values.0), line)?)
    }

    /// Number and leaf of every act of people in a time, in order: what a sample is drawn from.
    pub fn own_acts(&self, log: &str, from: Utc, to: Utc) -> Result<Vec<(u64, String)>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT n, leaf FROM own_lines WHERE log=$1 AND t >= $2 AND t < $3 AND who LIKE 'op:%' ORDER BY n",
        )?;
        let rows = q.query_map(params![log, from.0, to.0], |r| {
            Ok((r.get::<_, N>(0)?.0, r.get(1)?))
        })?;
        plain_rows("own_lines", rows)
    }

    /// One line.
    pub fn own_line(&self, log: &str, n: u64) -> Result<Option<OwnLine>, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM own_lines WHERE log=$1 AND n=$2");
        Ok(c.query_row(&sql, params![log, N(n)], line).optional()?)
    }
}
