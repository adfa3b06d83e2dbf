//! Adapter: SQLite. Faults the hub itself found that have not ended.

use rusqlite::params;
use shared::{
    id::{BoxCamera, BoxName},
    time::Utc,
};

use super::{Db, DbError, readable};

/// What a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultSubject {
    Camera(BoxCamera),
    /// A box as a whole.
    Box(BoxName),
    /// An exhibit, or the path of something that is none.
    Evidence(String),
    /// A disk of the hub's, by its first path.
    Disk(String),
    /// An authority or a witness outside the scheme, by its name.
    Outside(String),
}

/// What the codes of faults about disks begin with.
const DISK: &str = "hub.disk";
/// And of those about who is outside the scheme.
const OUTSIDE: &str = "outside.";

/// A fault the hub found: its `fault.on` is in the hub's log, and no `fault.off` yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFault {
    pub about: FaultSubject,
    /// Of shared::conditions.
    pub code: String,
    /// The log it is about, as its `fault.on` names it.
    pub log: String,
    pub since: Utc,
    pub text: String,
}

impl FoundFault {
    /// Whether it is the same fault, maybe in other words.
    pub fn same(&self, other: &Self) -> bool {
        self.about == other.about && self.code == other.code
    }
}

impl FaultSubject {
    /// Its two columns: camera, or box, and exhibit.
    fn columns(&self) -> (String, &str) {
        match self {
            Self::Camera(camera) => (camera.to_string(), ""),
            Self::Box(name) => (name.to_string(), ""),
            Self::Evidence(about) | Self::Disk(about) | Self::Outside(about) => {
                (String::new(), about)
            }
        }
    }
}

impl Db {
    /// All of them, by what they are about.
    pub fn found_faults(&self) -> Result<Vec<FoundFault>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT camera, ref, code, log, since, text FROM found_faults ORDER BY camera, ref, code",
        )?;
        let rows = q.query_map([], |r| {
            let (camera, exhibit): (String, String) = (r.get(0)?, r.get(1)?);
            Ok((camera, exhibit, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?))
        })?;
        let rows = rows.map(|row| {
            let (camera, exhibit, code, log, since, text): (_, _, String, _, _, _) = row?;
            let bad = |e: shared::id::BadId| DbError::Row(e.to_string());
            let about = match camera.as_str() {
                "" if code.starts_with(DISK) => FaultSubject::Disk(exhibit),
                "" if code.starts_with(OUTSIDE) => FaultSubject::Outside(exhibit),
                "" => FaultSubject::Evidence(exhibit),
                name if !name.contains('/') => {
                    FaultSubject::Box(BoxName::parse(name).map_err(bad)?)
                }
                camera => FaultSubject::Camera(BoxCamera::parse(camera).map_err(bad)?),
            };
            Ok(FoundFault {
                about,
                code,
                log,
                since: Utc(since),
                text,
            })
        });
        readable("found_faults", rows)
    }

    /// One that began, or whose words changed; it keeps the time since when.
    pub fn put_found_fault(&self, f: &FoundFault) -> Result<(), DbError> {
        let (camera, exhibit) = f.about.columns();
        self.store.write().execute(
            "INSERT INTO found_faults (camera, ref, code, log, since, text) VALUES ($1,$2,$3,$4,$5,$6)
             ON CONFLICT (camera, ref, code) DO UPDATE SET text=$6",
            params![camera, exhibit, f.code, f.log, f.since.0, f.text],
        )?;
        Ok(())
    }

    pub fn end_found_fault(&self, f: &FoundFault) -> Result<(), DbError> {
        let (camera, exhibit) = f.about.columns();
        self.store.write().execute(
            "DELETE FROM found_faults WHERE camera=$1 AND ref=$2 AND code=$3",
            params![camera, exhibit, f.code],
        )?;
        Ok(())
    }
}
