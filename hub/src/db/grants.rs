//! Adapter: SQLite. Owners of cameras, and roles as they were given.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};
use shared::{
    id::{BoxCamera, BoxName, CameraId},
    time::Utc,
};

use super::{Db, DbError, N, plain_rows, readable, store::Sql};
use crate::model::{
    grant::{Grant, Scope},
    role::Role,
};

/// A role that was given and not taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    pub n: u64,
    pub op: u32,
    pub grant: Grant,
    /// Whoever gave it, as the log names them.
    pub by: String,
    pub made: Utc,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRecord {
    pub name: String,
    pub title: String,
    pub cameras: Vec<BoxCamera>,
}

fn camera(r#box: &str, cam: &str) -> Result<BoxCamera, DbError> {
    let bad = |e: shared::id::BadId| DbError::Row(e.to_string());
    Ok(BoxCamera {
        r#box: BoxName::parse(r#box).map_err(bad)?,
        cam: CameraId::parse(cam).map_err(bad)?,
    })
}

/// The number it was given.
pub(super) fn insert(c: &Sql, op: u32, grant: &Grant, by: &str, now: Utc) -> Result<u64, DbError> {
    let n: N = c.query_row("SELECT COALESCE(MAX(n), 0) + 1 FROM grants", [], |r| {
        r.get(0)
    })?;
    let (scope, owner) = match &grant.scope {
        Scope::Owner(owner) => ("owner", Some(owner)),
        other => (other.word(), None),
    };
    c.execute(
        "INSERT INTO grants (n, op, role, scope, owner, oldest_days, until, by_whom, made) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            n,
            op,
            grant.role.word(),
            scope,
            owner,
            grant.oldest_days,
            grant.until.map(|t| t.0),
            by,
            now.0
        ],
    )?;
    if let Scope::Cameras(cameras) = &grant.scope {
        for camera in cameras {
            c.execute(
                "INSERT INTO grant_cameras (n, box, cam) VALUES ($1, $2, $3)",
                params![n, camera.r#box.as_str(), camera.cam.as_str()],
            )?;
        }
    }
    Ok(n.0)
}

impl Db {
    pub fn add_grant(&self, op: u32, grant: &Grant, by: &str, now: Utc) -> Result<u64, DbError> {
        self.whole(|c| insert(c, op, grant, by, now))
    }

    /// Takes a role away. False: there is no such, or not any more.
    pub fn end_grant(&self, n: u64, now: Utc) -> Result<bool, DbError> {
        let ended = self.store.write().execute(
            "UPDATE grants SET ended=$2 WHERE n=$1 AND ended IS NULL",
            params![N(n), now.0],
        )?;
        Ok(ended == 1)
    }

    /// Of one account.
    pub fn grants(&self, op: u32) -> Result<Vec<GrantRecord>, DbError> {
        let all = self.grants_where("op=$1", op)?;
        Ok(all)
    }

    /// Of every account, by its number.
    pub fn all_grants(&self) -> Result<BTreeMap<u32, Vec<GrantRecord>>, DbError> {
        let mut out: BTreeMap<u32, Vec<GrantRecord>> = BTreeMap::new();
        for grant in self.grants_where("op>$1", 0)? {
            out.entry(grant.op).or_default().push(grant);
        }
        Ok(out)
    }

    pub fn grant(&self, n: u64) -> Result<Option<GrantRecord>, DbError> {
        if !super::may_be(n) {
            return Ok(None);
        }
        let n = i64::try_from(n).map_err(|e| DbError::Row(e.to_string()))?;
        Ok(self.grants_where("n=$1", n)?.pop())
    }

    fn grants_where(
        &self,
        which: &str,
        value: impl rusqlite::ToSql,
    ) -> Result<Vec<GrantRecord>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(&format!(
            "SELECT n, op, role, scope, owner, oldest_days, until, by_whom, made FROM grants WHERE {which} AND ended IS NULL ORDER BY n"
        ))?;
        let mut rows = q.query([value])?;
        let mut out = Vec::new();
        while let Some(r) = rows.next()? {
            out.push((
                r.get::<_, N>(0)?.0,
                r.get::<_, u32>(1)?,
                r.get::<_, String>(2)?,
                r.get::<_, String>(3)?,
                r.get::<_, Option<String>>(4)?,
                r.get::<_, Option<u32>>(5)?,
                r.get::<_, Option<i64>>(6)?,
                r.get::<_, String>(7)?,
                r.get::<_, i64>(8)?,
            ));
        }
        // A role or a scope that this program does not know gives nothing.
        let all = out.into_iter().map(
            |(n, op, role, scope, owner, oldest_days, until, by, made)| {
                let scope = match (scope.as_str(), owner) {
                    ("all", None) => Scope::All,
                    ("owner", Some(owner)) => Scope::Owner(owner),
                    ("cameras", None) => Scope::Cameras(cameras_of(&c, n)?),
                    _ => return Err(DbError::Row(format!("scope {scope} of grant {n}"))),
                };
                let role = Role::parse(&role)
                    .ok_or_else(|| DbError::Row(format!("role {role} of grant {n}")))?;
                Ok(GrantRecord {
                    n,
                    op,
                    grant: Grant {
                        role,
                        scope,
                        oldest_days,
                        until: until.map(Utc),
                    },
                    by,
                    made: Utc(made),
                })
            },
        );
        readable("grants", all)
    }

    pub fn add_owner(&self, name: &str, title: &str, now: Utc) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO owners (name, title, made) VALUES ($1, $2, $3)",
            params![name, title, now.0],
        )?;
        Ok(())
    }

    pub fn has_owner(&self, name: &str) -> Result<bool, DbError> {
        Ok(self.store.read().query_row(
            "SELECT EXISTS (SELECT 1 FROM owners WHERE name=$1)",
            [name],
            |r| r.get(0),
        )?)
    }

    /// All of them with their cameras, by name.
    pub fn owners(&self) -> Result<Vec<OwnerRecord>, DbError> {
        let mut cameras: BTreeMap<String, Vec<BoxCamera>> = BTreeMap::new();
        for (camera, owner) in self.camera_owners()? {
            cameras.entry(owner).or_default().push(camera);
        }
        let c = self.store.read();
        let mut q = c.prepare("SELECT name, title FROM owners ORDER BY name")?;
        let rows = q.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get(1)?)))?;
        let all = plain_rows("owners", rows)?.into_iter();
        Ok(all
            .map(|(name, title)| OwnerRecord {
                cameras: cameras.remove(&name).unwrap_or_default(),
                name,
                title,
            })
            .collect())
    }

    /// Whose each camera is. One that is not here is nobody's.
    pub fn camera_owners(&self) -> Result<BTreeMap<BoxCamera, String>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare("SELECT box, cam, owner FROM camera_owners")?;
        let rows = q.query_map([], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get(2)?))
        })?;
        let rows = rows.map(|row| {
            let (b, c, owner) = row?;
            Ok((camera(&b, &c)?, owner))
        });
        Ok(readable("camera_owners", rows)?.into_iter().collect())
    }

    pub fn camera_owner(&self, camera: &BoxCamera) -> Result<Option<String>, DbError> {
        let c = self.store.read();
        let row = c.query_row(
            "SELECT owner FROM camera_owners WHERE box=$1 AND cam=$2",
            [camera.r#box.as_str(), camera.cam.as_str()],
            |r| r.get(0),
        );
        Ok(row.optional()?)
    }

    pub fn set_camera_owner(&self, camera: &BoxCamera, owner: &str) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO camera_owners (box, cam, owner) VALUES ($1, $2, $3) ON CONFLICT (box, cam) DO UPDATE SET owner=excluded.owner",
            params![camera.r#box.as_str(), camera.cam.as_str(), owner],
        )?;
        Ok(())
    }
}

fn cameras_of(c: &Sql, n: u64) -> Result<BTreeSet<BoxCamera>, DbError> {
    let mut q = c.prepare("SELECT box, cam FROM grant_cameras WHERE n=$1")?;
    let rows = q.query_map([N(n)], |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        let (b, c) = row?;
        camera(&b, &c)
    })
    .collect()
}
