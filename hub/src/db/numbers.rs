//! Adapter: SQLite. Numbers of requests, holds and accounts: each is given out once, within the unit of work that uses it; and how far
//! the hub's own log was held against the records.

use rusqlite::{OptionalExtension, params};

use super::{Db, DbError, N, Tx, store::Sql};

/// What has a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbered {
    /// G-000012, and its exhibit.
    Request,
    /// H-000012
    Hold,
    /// op:0012
    Account,
    /// R-000012
    ClipRequest,
    /// A line of the hub's own log, which orders to boxes are numbered by. Nothing here gives one out.
    Line,
}

impl Numbered {
    fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Hold => "hold",
            Self::Account => "account",
            Self::ClipRequest => "clip-request",
            Self::Line => "line",
        }
    }

    /// The last number there is.
    fn last(self) -> u64 {
        match self {
            Self::Line => (1 << 53) - 1,
            Self::Hold => 999_999_999,
            Self::Request | Self::Account | Self::ClipRequest => 999_999,
        }
    }

    /// How far beyond what the hub itself knows a number in a box's log is believed to be one of its own, from before its records were
    /// lost: those between were given out as well.
    fn forgotten(self) -> u64 {
        match self {
            Self::Line => 100_000,
            Self::Hold => 1000,
            Self::Request | Self::Account | Self::ClipRequest => 100,
        }
    }

    /// In the plural, for people.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Request => "exhibits",
            Self::Hold => "holds",
            Self::Account => "accounts",
            Self::ClipRequest => "clip requests",
            Self::Line => "lines",
        }
    }
}

/// A box's log names it: that number is not given out again. What one box writes does not use up the numbers of the scheme: see
/// [`Tx::number`].
pub(super) fn claimed(c: &Sql, kind: Numbered, n: u64) -> Result<(), DbError> {
    if n <= kind.last() {
        c.execute(
            "INSERT INTO number_claims (kind, n) VALUES ($1, $2) ON CONFLICT (kind, n) DO NOTHING",
            params![kind.word(), N(n)],
        )?;
    }
    Ok(())
}

/// The highest number of a kind that is known here, and the highest with those that boxes' logs name a little ahead of it.
fn known_and_near(c: &Sql, kind: Numbered) -> Result<(u64, u64), DbError> {
    let known: Option<N> = c
        .query_row(
            "SELECT highest FROM numbers WHERE kind=$1",
            [kind.word()],
            |r| r.get(0),
        )
        .optional()?;
    // One past the last was led astray by a box, before such were judged.
    let known = known.map_or(0, |n| n.0);
    let known = if known <= kind.last() { known } else { 0 };
    let near: N = c.query_row(
        "SELECT COALESCE(MAX(n), $2) FROM number_claims WHERE kind=$1 AND n > $2 AND n <= $3",
        params![
            kind.word(),
            N(known),
            N(known.saturating_add(kind.forgotten()))
        ],
        |r| r.get(0),
    )?;
    Ok((known, near.0))
}

impl Tx<'_> {
    /// The next number. It is used up if this unit of work is stored, and not else. Numbers that boxes' logs name are passed over; those
    /// a little ahead are taken for given out, with all below them.
    pub fn number(&self, kind: Numbered) -> Result<u64, DbError> {
        let c = self.store.write();
        let near = match kind {
            // Boxes know only of exhibits: as many as were forgotten of these, so many requests were forgotten at most.
            Numbered::ClipRequest => {
                let (known, _) = known_and_near(&c, kind)?;
                let (exhibits, named) = known_and_near(&c, Numbered::Request)?;
                known.saturating_add(named - exhibits)
            }
            kind => known_and_near(&c, kind)?.1,
        };
        let mut next = near.saturating_add(1);
        let named = "SELECT COUNT(*) FROM number_claims WHERE kind=$1 AND n=$2";
        while c.query_row(named, params![kind.word(), N(next)], |r| r.get::<_, i64>(0))? > 0 {
            next = next.saturating_add(1);
        }
        if next > kind.last() {
            return Err(DbError::Numbers(kind.plural()));
        }
        drop(c);
        self.number_used(kind, next)?;
        Ok(next)
    }

    /// The next number of an account. `lines`: so many the hub's log has. Boxes' logs name those only who had a part in an order to a box; but
    /// where they name an exhibit, a hold or a line of the hub's log that this hub does not know of, its records and its log were put back from
    /// an older copy, and accounts made since are forgotten too: their numbers are passed over, [`Numbered::forgotten`] of them each time that
    /// more comes to light.
    pub fn account_number(&self, lines: u64) -> Result<u64, DbError> {
        if self.came_to_light(lines)? {
            let c = self.store.write();
            let (known, near) = known_and_near(&c, Numbered::Account)?;
            drop(c);
            let forgotten = known.saturating_add(Numbered::Account.forgotten());
            self.number_used(Numbered::Account, near.max(forgotten))?;
        }
        self.number(Numbered::Account)
    }

    /// Whether boxes' logs name more of what this hub gave out than it knows, and than it knew the last time it looked.
    fn came_to_light(&self, lines: u64) -> Result<bool, DbError> {
        let c = self.store.write();
        let mut more = false;
        for kind in [Numbered::Request, Numbered::Hold, Numbered::Line] {
            let seen = format!("{} seen", kind.word());
            let highest = "SELECT COALESCE(MAX(highest), 0) FROM numbers WHERE kind IN ($1, $2)";
            let known: N = c.query_row(highest, [kind.word(), seen.as_str()], |r| r.get(0))?;
            let known = match kind {
                Numbered::Line => known.0.max(lines),
                _ => known.0,
            };
            let near: N = c.query_row(
                "SELECT COALESCE(MAX(n), $2) FROM number_claims WHERE kind=$1 AND n > $2 AND n <= $3",
                params![
                    kind.word(),
                    N(known),
                    N(known.saturating_add(kind.forgotten()))
                ],
                |r| r.get(0),
            )?;
            if near.0 > known {
                more = true;
                c.execute(
                    "INSERT INTO numbers (kind, highest) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET highest=excluded.highest",
                    params![seen, near],
                )?;
            }
        }
        Ok(more)
    }

    /// None up to this one is given out any more.
    pub fn number_used(&self, kind: Numbered, n: u64) -> Result<(), DbError> {
        if n <= kind.last() {
            self.store.write().execute(
                "INSERT INTO numbers (kind, highest) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET highest=excluded.highest
                 WHERE excluded.highest > numbers.highest OR numbers.highest > $3",
                params![kind.word(), N(n), N(kind.last())],
            )?;
        }
        Ok(())
    }

    /// Lines of this log below `checked` and the records agree.
    pub fn own_log_checked(&self, origin: &str, checked: u64) -> Result<(), DbError> {
        self.store.write().execute(
            "INSERT INTO own_logs (origin, checked) VALUES ($1, $2) ON CONFLICT (origin) DO UPDATE SET checked=excluded.checked",
            params![origin, N(checked)],
        )?;
        Ok(())
    }
}

impl Db {
    /// How far that is; None of a log these records have not met.
    pub fn own_log(&self, origin: &str) -> Result<Option<u64>, DbError> {
        let c = self.store.read();
        let row = c.query_row(
            "SELECT checked FROM own_logs WHERE origin=$1",
            [origin],
            |r| r.get::<_, N>(0),
        );
        Ok(row.optional()?.map(|n| n.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(db: &Db, kind: Numbered) -> u64 {
        db.write(|tx| tx.number(kind)).expect("number")
    }

    /// ROL-1: records and log were put back from an older copy, and a box's log names a line of the hub's log that is not there any more, or an
    /// exhibit: numbers of accounts go on beyond those that may be forgotten, once for each time that more comes to light.
    #[test]
    fn accounts_after_a_put_back() {
        let dir = tempfile::tempdir().expect("folder");
        let db = Db::open(dir.path()).expect("records");
        let account = |lines| db.write(|tx| tx.account_number(lines)).expect("number");
        let named = |kind, n| claimed(&db.store.write(), kind, n).expect("noted");
        named(Numbered::Line, 40);
        assert_eq!((account(50), account(51)), (1, 2), "the line is there");
        named(Numbered::Line, 500);
        assert_eq!((account(52), account(53)), (103, 104));
        named(Numbered::Account, 150);
        assert_eq!(account(54), 151, "it had a part in an order");
        named(Numbered::Request, 7);
        assert_eq!((account(55), account(56)), (252, 253));
        // What is absurd, and what is known by now, is no sign.
        named(Numbered::Line, 1 << 50);
        named(Numbered::Hold, 900_000);
        assert_eq!(account(600), 254);
    }

    /// RET-3, EVI-1: no number is given out twice, whatever becomes of the rows, and none that a log names; a unit of work that is not
    /// stored uses none up.
    #[test]
    fn numbers_once() {
        let dir = tempfile::tempdir().expect("folder");
        let db = Db::open(dir.path()).expect("records");
        assert_eq!(next(&db, Numbered::Hold), 1);
        assert_eq!(next(&db, Numbered::Hold), 2, "without a row too");
        assert_eq!(next(&db, Numbered::Request), 1, "each kind has its own");
        assert_eq!(next(&db, Numbered::ClipRequest), 1);
        // The records were put back from before five exhibits: at most so many requests are forgotten.
        claimed(&db.store.write(), Numbered::Request, 6).expect("noted");
        assert_eq!(next(&db, Numbered::ClipRequest), 7);
        assert_eq!(next(&db, Numbered::Request), 7);
        assert_eq!(next(&db, Numbered::ClipRequest), 8);
        let undone: Result<(), DbError> = db.write(|tx| {
            assert_eq!(tx.number(Numbered::Hold)?, 3);
            assert_eq!(tx.number(Numbered::Hold)?, 4);
            Err(DbError::Row("not to be".into()))
        });
        assert!(undone.is_err());
        assert_eq!(next(&db, Numbered::Hold), 3);
        let used = |n| {
            db.write(|tx| tx.number_used(Numbered::Hold, n))
                .expect("noted")
        };
        used(40);
        used(7);
        assert_eq!(next(&db, Numbered::Hold), 41, "the hub's log");
        let name = |n| claimed(&db.store.write(), Numbered::Hold, n).expect("noted");
        name(100);
        name(99);
        assert_eq!(next(&db, Numbered::Hold), 101, "a box's log");
        // V5: what a box writes at the end of the range, or far ahead, uses nothing up.
        for n in [999_999_999_999_999, 999_999_999, 5000, 102] {
            name(n);
        }
        assert_eq!(next(&db, Numbered::Hold), 103);
        used(4998);
        assert_eq!(next(&db, Numbered::Hold), 5001);
        used(999_999_999_999_999);
        assert_eq!(next(&db, Numbered::Hold), 5002, "a log that was led astray");
        used(999_999_998);
        let last = db.write(|tx| tx.number(Numbered::Hold));
        assert!(matches!(last, Err(DbError::Numbers("holds"))), "{last:?}");
    }
}
