//! Adapter: SQLite. Lines of the hub's own log about what people did, by person, camera, reference, kind and time. Derived: made again from the
//! log.

use rusqlite::{OptionalExtension, params, params_from_iter};
use shared::{id::BoxCamera, time::Utc};

use super::{Db, DbError, N, plain_rows, upsert, visible::Values};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLine {
    pub n: u64,
    pub t: Utc,
    pub kind: String,
    pub who: String,
    pub roles: String,
    /// Owners of what it is about, with spaces between.
    pub owner: Option<String>,
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
pub struct LineFilter {
    pub who: Option<String>,
    pub camera: Option<BoxCamera>,
    /// The text of a reference: of the line itself, or of the clip request whose exhibit it is about.
    pub reference: Option<String>,
    /// `acc.view`, or a family: `acc`.
    pub kind: Option<String>,
    pub from: Option<Utc>,
    pub to: Option<Utc>,
}

/// Acts that one search looks at, where it is by more than one thing: what fits all of it may be rare.
const LOOKED_AT: u32 = 5_000;

const COLUMNS: &str =
    "log, n, t, kind, who, roles, owner, box, cam, exhibit, reference, leaf, data";

fn line(r: &rusqlite::Row<'_>) -> rusqlite::Result<OwnLine> {
    let (name, cam): (Option<String>, Option<String>) = (r.get(7)?, r.get(8)?);
    let camera = name.zip(cam);
    Ok(OwnLine {
        n: r.get::<_, N>(1)?.0,
        t: Utc(r.get(2)?),
        kind: r.get(3)?,
        who: r.get(4)?,
        roles: r.get(5)?,
        owner: r.get(6)?,
        camera: camera.and_then(|(b, c)| BoxCamera::parse(&format!("{b}/{c}")).ok()),
        exhibit: r.get(9)?,
        reference: r.get(10)?,
        leaf: r.get(11)?,
        data: r.get(12)?,
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

    /// Adds lines of one of the hub's logs, `origin`, and that it was read so far. `log`: what all of them are called; their numbers go on.
    pub fn add_own_lines(
        &self,
        log: &str,
        origin: &str,
        lines: &[OwnLine],
        upto: u64,
    ) -> Result<(), DbError> {
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
                        l.owner,
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
                params![origin, N(upto)],
            )?;
            Ok(())
        })
    }

    /// So many lines of a log at most, newest first; with `before` those with a lower number. And the number below which nothing was looked at
    /// although there may be more: no search goes through more than so many acts at once.
    pub fn own_lines(
        &self,
        log: &str,
        wanted: &LineFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<(Vec<OwnLine>, Option<u64>), DbError> {
        let mut values = Values::default();
        let log_name = log;
        let log = values.add(log.to_owned());
        let before = before.unwrap_or(1 << 53);
        let upper = values.count(before);
        let mut which = vec![format!("l.log={log} AND l.n < {upper}")];
        // By these lines are found as they are wanted, in the order of their numbers.
        let mut found_by = 0;
        let mut rest = wanted.from.is_some() || wanted.to.is_some();
        if let Some(who) = &wanted.who {
            which.push(format!("l.who={}", values.add(who.clone())));
            found_by += 1;
        }
        if let Some(camera) = &wanted.camera {
            let (b, c) = (
                values.add(camera.r#box.to_string()),
                values.add(camera.cam.to_string()),
            );
            which.push(format!("l.box={b} AND l.cam={c}"));
            found_by += 1;
        }
        if let Some(kind) = &wanted.kind {
            which.push(match kind.contains('.') {
                true => {
                    found_by += 1;
                    format!("l.kind={}", values.add(kind.clone()))
                }
                // After the dot comes the stroke.
                false => {
                    rest = true;
                    let (a, b) = (
                        values.add(format!("{kind}.")),
                        values.add(format!("{kind}/")),
                    );
                    format!("l.kind >= {a} AND l.kind < {b}")
                }
            });
        }
        if let Some(from) = wanted.from {
            which.push(format!("l.t >= {}", values.add(from.0)));
        }
        if let Some(to) = wanted.to {
            which.push(format!("l.t < {}", values.add(to.0)));
        }
        let mut floor = None;
        let table = match &wanted.reference {
            // As many as a matter has acts.
            Some(reference) => {
                let text = values.add(reference.clone());
                // Joined in this order, or all lines would be gone through.
                format!(
                    "(SELECT o.n FROM side s CROSS JOIN own_lines o ON o.reference=s.hash WHERE s.text={text} AND o.log={log}
                     UNION SELECT o.n FROM side s CROSS JOIN requests r ON r.reference=s.hash CROSS JOIN own_lines o ON o.exhibit=r.ref
                       WHERE s.text={text} AND o.log={log}) m CROSS JOIN own_lines l ON l.n=m.n"
                )
            }
            None => {
                if rest || found_by > 1 {
                    floor = self.own_floor(log_name, before)?;
                }
                if let Some(floor) = floor {
                    which.push(format!("l.n >= {}", values.count(floor)));
                }
                "own_lines l".into()
            }
        };
        let limit = values.add(limit);
        let columns: Vec<String> = COLUMNS.split(", ").map(|c| format!("l.{c}")).collect();
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {} FROM {table} WHERE {} ORDER BY l.n DESC LIMIT {limit}",
            columns.join(", "),
            which.join(" AND ")
        ))?;
        let found = q.query_map(params_from_iter(values.0), line)?;
        Ok((plain_rows("own_lines", found)?, floor))
    }

    /// The number of the last act that one search looks at; None: it looks at all that there are.
    fn own_floor(&self, log: &str, before: u64) -> Result<Option<u64>, DbError> {
        let c = self.store.read();
        let sql =
            "SELECT n FROM own_lines WHERE log=$1 AND n < $2 ORDER BY n DESC LIMIT 1 OFFSET $3";
        let found = c.query_row(sql, params![log, N(before), LOOKED_AT], |r| {
            r.get::<_, N>(0)
        });
        Ok(found.optional()?.map(|n| n.0))
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

    /// Every line about an exhibit, and about stills that were made of it, oldest first.
    pub fn own_lines_of_exhibit(&self, log: &str, exhibit: &str) -> Result<Vec<OwnLine>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM own_lines WHERE log=$1 AND exhibit=$2
             UNION SELECT {COLUMNS} FROM own_lines WHERE log=$1 AND kind='reg.still' AND exhibit IN (SELECT ref FROM stills WHERE parent=$2)
             ORDER BY n"
        ))?;
        let found = q.query_map(params![log, exhibit], line)?;
        plain_rows("own_lines", found)
    }

    /// Every line of a kind of which there are few, oldest first.
    pub fn own_lines_of_kind(&self, log: &str, kind: &str) -> Result<Vec<OwnLine>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT {COLUMNS} FROM own_lines WHERE log=$1 AND kind=$2 ORDER BY n"
        ))?;
        let found = q.query_map(params![log, kind], line)?;
        plain_rows("own_lines", found)
    }

    /// One line.
    pub fn own_line(&self, log: &str, n: u64) -> Result<Option<OwnLine>, DbError> {
        let c = self.store.read();
        let sql = format!("SELECT {COLUMNS} FROM own_lines WHERE log=$1 AND n=$2");
        Ok(c.query_row(&sql, params![log, N(n)], line).optional()?)
    }
}
