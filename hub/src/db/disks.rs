//! Adapter: SQLite. The room on the hub's disks, hour by hour.

use rusqlite::params;
use shared::time::Utc;

use super::{Db, DbError, N, plain_rows};
use crate::model::disk::Sample;

impl Db {
    /// Of one disk, since then.
    pub fn disk_room(&self, disk: &str, since: Utc) -> Result<Vec<Sample>, DbError> {
        let c = self.store.read();
        let mut q = c.prepare(
            "SELECT at, free, total FROM disk_room WHERE disk=$1 AND at>=$2 ORDER BY at",
        )?;
        let rows = q.query_map(params![disk, since.0], |r| {
            let (free, total): (N, N) = (r.get(1)?, r.get(2)?);
            Ok(Sample {
                at: Utc(r.get(0)?),
                free: free.0,
                total: total.0,
            })
        })?;
        plain_rows("disk_room", rows)
    }

    pub fn note_disk_room(&self, disk: &str, s: &Sample) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO disk_room (disk, at, free, total) VALUES ($1,$2,$3,$4)
             ON CONFLICT (disk, at) DO UPDATE SET free=$3, total=$4",
            params![disk, s.at.0, N(s.free), N(s.total)],
        )?;
        Ok(())
    }

    /// What is older than that goes.
    pub fn forget_disk_room(&self, before: Utc) -> Result<(), DbError> {
        self.store
            .write()
            .execute("DELETE FROM disk_room WHERE at<$1", params![before.0])?;
        Ok(())
    }
}
