//! Task. Who is signed in at the pages, form tokens, granted viewings. Sessions outlive the hub: each is a row, under the hash of what the
//! browser holds; viewings are in memory only, and a restart has them asked for again.
//!
//! Times are those of the clock on the wall, for they have to mean something after a restart. A session from the future (the clock was
//! put back) is over.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shared::{
    record::{Digest, hex, sha256, sha256_parts},
    time::Utc,
};

use crate::{
    db::{Db, sessions::SessionRecord},
    error::HubError,
};

/// Without a request for this long a session ends; and after this long in any case.
pub const IDLE_MS: u64 = 30 * 60_000;
pub const LIFE_MS: u64 = 12 * 3_600_000;
/// How long one stated purpose lets a person watch one exhibit.
pub const VIEWING_MS: u64 = 30 * 60_000;
/// That a session was used is written down so often.
const NOTED_MS: u64 = 60_000;
/// How far a session may be ahead of the clock.
const AHEAD_MS: u64 = 5 * 60_000;
/// Sessions of one account at once: past this its longest idle one ends, and nobody else's. And of all.
const MOST_EACH: usize = 8;
const MOST: usize = 4000;

/// Why somebody watches, as they gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    pub purpose: String,
    pub reference: String,
    /// Who else is there.
    pub present: Option<String>,
}

impl Reason {
    /// Who else is there, where anybody is.
    pub fn present(&self) -> Option<String> {
        let text = self.present.as_deref().map(str::trim);
        text.filter(|t| !t.is_empty()).map(str::to_owned)
    }
}

#[derive(Clone, Debug)]
pub struct Session {
    /// Number of the account; what it may is looked up anew for each request.
    pub op: u32,
    /// Token every form of this session carries.
    pub form: String,
    /// Of the account when this began: after a new password it is another.
    pub generation: u32,
    pub begun: Utc,
    pub seen: Utc,
    /// What its row says of `seen`.
    noted: Utc,
    /// Exhibits this person gave a purpose for, until when, and what they gave.
    viewings: HashMap<String, (Utc, Reason)>,
}

/// Where a session stands in the list of them: whose, since when, and which.
pub type Place = (u32, Utc, String);

#[derive(Default)]
pub struct Sessions(Mutex<HashMap<Digest, Session>>);

fn key(cookie: &str) -> Digest {
    sha256(cookie.as_bytes())
}

/// The token of a session's forms. It is made of what the browser alone holds: the records have neither.
fn form(cookie: &str) -> String {
    hex(&sha256_parts(&[b"beadle form v1\n", cookie.as_bytes()]))
}

/// Milliseconds from one time to a later one; 0 if it is none.
fn passed(from: Utc, to: Utc) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that an earlier run of the hub left.
    pub fn load(&self, db: &Db, now: Utc) -> Result<(), HubError> {
        let mut all = HashMap::new();
        for s in db.sessions()? {
            let session = Session {
                op: s.op,
                // Its forms are known again with its first request.
                form: String::new(),
                generation: s.generation,
                begun: s.begun,
                seen: s.seen,
                noted: s.seen,
                viewings: HashMap::new(),
            };
            match (session.live(now), digest(&s.hash)) {
                (true, Some(key)) => {
                    all.insert(key, session);
                }
                _ => db.end_session(&s.hash)?,
            }
        }
        *self.lock() = all;
        Ok(())
    }

    /// Signs in; returns the cookie's value. `token`: 32 random bytes. Blocking.
    pub fn begin(
        &self,
        db: &Db,
        op: u32,
        generation: u32,
        token: [u8; 32],
        now: Utc,
    ) -> Result<String, HubError> {
        let cookie = hex(&token);
        let mut all = self.lock();
        let mut over: Vec<Digest> = all
            .iter()
            .filter(|(_, s)| !s.live(now))
            .map(|(k, _)| *k)
            .collect();
        all.retain(|_, s| s.live(now));
        let of = |op: u32| all.iter().filter(move |(_, s)| s.op == op);
        let idle = match of(op).count() {
            MOST_EACH.. => of(op).min_by_key(|(_, s)| s.seen),
            // So many accounts there are not; if there were, nobody could be spared.
            _ if all.len() >= MOST => all.iter().min_by_key(|(_, s)| s.seen),
            _ => None,
        };
        if let Some(idle) = idle.map(|(k, _)| *k) {
            all.remove(&idle);
            over.push(idle);
        }
        let session = Session {
            op,
            form: form(&cookie),
            generation,
            begun: now,
            seen: now,
            noted: now,
            viewings: HashMap::new(),
        };
        all.insert(key(&cookie), session);
        drop(all);
        for key in over {
            db.end_session(&hex(&key))?;
        }
        db.end_old_sessions(now.plus_ms(-(LIFE_MS as i64)))?;
        db.add_session(&SessionRecord {
            hash: hex(&key(&cookie)),
            op,
            generation,
            begun: now,
            seen: now,
        })?;
        Ok(cookie)
    }

    /// The session a cookie belongs to, if it still lives; its idle time begins anew.
    pub fn find(&self, cookie: &str, now: Utc) -> Option<Session> {
        let mut all = self.lock();
        let session = all.get_mut(&key(cookie))?;
        if !session.live(now) {
            all.remove(&key(cookie));
            return None;
        }
        session.seen = now;
        session.form = form(cookie);
        Some(session.clone())
    }

    /// Writes down, now and then, that it was used. Blocking.
    pub fn note(&self, db: &Db, cookie: &str) -> Result<(), HubError> {
        let due = {
            let mut all = self.lock();
            let session = all.get_mut(&key(cookie));
            session.and_then(|s| {
                let due = passed(s.noted, s.seen) >= NOTED_MS;
                s.noted = if due { s.seen } else { s.noted };
                due.then_some(s.seen)
            })
        };
        match due {
            Some(seen) => Ok(db.session_seen(&hex(&key(cookie)), seen)?),
            None => Ok(()),
        }
    }

    /// Whether it still lives; that somebody wants to know is no use of it.
    pub fn lives(&self, cookie: &str, now: Utc) -> bool {
        self.lock().get(&key(cookie)).is_some_and(|s| s.live(now))
    }

    /// Blocking.
    pub fn end(&self, db: &Db, cookie: &str) -> Result<(), HubError> {
        self.lock().remove(&key(cookie));
        Ok(db.end_session(&hex(&key(cookie)))?)
    }

    /// All of one account, at once; its rows are for whoever calls.
    pub fn forget(&self, op: u32) {
        self.lock().retain(|_, s| s.op != op);
    }

    /// A purpose was given and logged: this person may watch the exhibit for a while.
    pub fn grant(&self, cookie: &str, exhibit: &str, reason: Reason, now: Utc) {
        if let Some(session) = self.lock().get_mut(&key(cookie)) {
            let until = now.plus_ms(VIEWING_MS as i64);
            session.viewings.insert(exhibit.to_owned(), (until, reason));
        }
    }

    /// So many at most of those that live, of one account or of all, that come after that place.
    pub fn page(
        &self,
        now: Utc,
        whose: Option<u32>,
        after: Option<Place>,
        limit: u32,
    ) -> Vec<(Place, Session)> {
        let all = self.lock();
        let live = all
            .iter()
            .filter(|(_, s)| s.live(now) && whose.is_none_or(|op| op == s.op));
        // Part of the hash under which it is kept tells two apart that began in one moment, and nobody can do anything with it.
        let placed = live.map(|(key, s)| ((s.op, s.begun, hex(&key[..8])), s));
        let mut placed: Vec<_> = placed
            .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
            .collect();
        placed.sort_by(|(a, _), (b, _)| a.cmp(b));
        placed.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        placed.into_iter().map(|(p, s)| (p, s.clone())).collect()
    }
}

fn digest(text: &str) -> Option<Digest> {
    let bytes: Option<Vec<u8>> = (0..32)
        .map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok())
        .collect();
    bytes?.try_into().ok()
}

impl Session {
    /// For tests of what shows one.
    #[cfg(test)]
    pub fn of_test(now: Utc) -> Self {
        Self {
            op: 7,
            form: String::new(),
            generation: 1,
            begun: now,
            seen: now,
            noted: now,
            viewings: HashMap::new(),
        }
    }

    fn live(&self, now: Utc) -> bool {
        passed(self.seen, now) < IDLE_MS
            && passed(self.begun, now) < LIFE_MS
            && passed(now, self.begun) < AHEAD_MS
    }

    /// When it ends if nothing more is asked for.
    pub fn ends(&self) -> Utc {
        self.seen.plus_ms(IDLE_MS as i64).min(self.last())
    }

    /// When it ends in any case.
    pub fn last(&self) -> Utc {
        self.begun.plus_ms(LIFE_MS as i64)
    }

    pub fn may_view(&self, exhibit: &str, now: Utc) -> bool {
        self.reason(exhibit, now).is_some()
    }

    /// What they gave; None: nothing, or too long ago.
    pub fn reason(&self, exhibit: &str, now: Utc) -> Option<&Reason> {
        let (until, reason) = self.viewings.get(exhibit)?;
        (now < *until).then_some(reason)
    }

    /// Whether a form is one this session was given.
    pub fn owns_form(&self, token: &str) -> bool {
        same(&self.form, token)
    }
}

/// Equal, in a time that does not depend on where they differ.
pub fn same(a: &str, b: &str) -> bool {
    // Hashing first: the comparison's timing then says nothing about the texts.
    sha256(a.as_bytes()) == sha256(b.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIM: u32 = 7;

    fn at(ms: u64) -> Utc {
        Utc(1_000_000_000_000 + i64::try_from(ms).expect("a time"))
    }

    fn db() -> (tempfile::TempDir, Db) {
        let dir = tempfile::tempdir().expect("folder");
        let db = Db::open(dir.path()).expect("records");
        (dir, db)
    }

    /// SEC-2: sessions end by themselves, by idling and by age; a viewing needs its own purpose and ends too.
    #[test]
    fn sessions_and_viewings_end() {
        let (_dir, db) = db();
        let all = Sessions::default();
        let begin = |token: u8, ms| all.begin(&db, KIM, 1, [token; 32], at(ms)).expect("begun");
        let (cookie, other) = (begin(1, 0), begin(3, 0));
        assert_eq!(cookie.len(), 64);
        assert!(all.find(&cookie, at(IDLE_MS - 1)).is_some());
        assert!(all.find(&other, at(IDLE_MS)).is_none());
        all.grant(&cookie, "EXH-2026-000001", Reason::default(), at(IDLE_MS));
        let session = all.find(&cookie, at(IDLE_MS)).expect("session");
        assert!(session.may_view("EXH-2026-000001", at(IDLE_MS + VIEWING_MS - 1)));
        assert!(!session.may_view("EXH-2026-000001", at(IDLE_MS + VIEWING_MS)));
        assert!(!session.may_view("EXH-2026-000002", at(IDLE_MS)));
        assert!(
            session.owns_form(&form(&cookie))
                && !session.owns_form(&form(&other))
                && !session.owns_form("")
        );
        let mut now = IDLE_MS;
        while now < LIFE_MS {
            assert!(all.find(&cookie, at(now)).is_some(), "{now}");
            now += IDLE_MS / 2;
        }
        assert!(all.find(&cookie, at(now)).is_none());
        let cookie = begin(5, now);
        all.end(&db, &cookie).expect("ended");
        assert!(all.find(&cookie, at(now)).is_none());
    }

    /// V8: one account pushes out none but its own sessions, the longest idle first.
    #[test]
    fn an_account_pushes_out_its_own() {
        let (_dir, db) = db();
        let all = Sessions::default();
        let begin = |op, token, ms| all.begin(&db, op, 1, [token; 32], at(ms)).expect("begun");
        let other = begin(8, 255, 0);
        let own: Vec<String> = (0..20u8).map(|n| begin(KIM, n, 1 + u64::from(n))).collect();
        let left = own.iter().filter(|c| all.find(c, at(300)).is_some());
        assert_eq!(left.count(), 8);
        assert!(all.find(&own[19], at(300)).is_some() && all.find(&own[11], at(300)).is_none());
        assert!(all.find(&other, at(300)).is_some());
        assert_eq!(db.sessions().expect("rows").len(), 9);
    }

    /// SEC-2: sessions outlive the hub, with the times they had; what is over meanwhile, and what a clock that was put back has yet to see,
    /// does not. The records hold nothing with which somebody could go on with one.
    #[test]
    fn sessions_outlive_the_hub() {
        let (dir, db) = db();
        let all = Sessions::default();
        let cookie = all.begin(&db, KIM, 3, [1; 32], at(0)).expect("begun");
        let idle = all.begin(&db, KIM, 3, [2; 32], at(0)).expect("begun");
        all.find(&cookie, at(NOTED_MS * 20)).expect("session");
        all.note(&db, &cookie).expect("noted");
        let again = Sessions::default();
        again.load(&db, at(IDLE_MS + 1)).expect("loaded");
        let session = again.find(&cookie, at(IDLE_MS + 1)).expect("session");
        assert_eq!((session.op, session.generation), (KIM, 3));
        assert!(session.owns_form(&form(&cookie)));
        assert!(again.find(&idle, at(IDLE_MS + 1)).is_none());
        assert_eq!(db.sessions().expect("rows").len(), 1);
        let early = Sessions::default();
        early.load(&db, Utc(at(0).0 - 3_600_000)).expect("loaded");
        assert!(!early.lives(&cookie, Utc(at(0).0 - 3_600_000)));
        drop(db);
        let held = std::fs::read(dir.path().join("hub.sqlite")).expect("records");
        let held = String::from_utf8_lossy(&held);
        assert!(!held.contains(&cookie) && !held.contains(&form(&cookie)));
    }
}
