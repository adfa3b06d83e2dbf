//! Pure. Who is signed in, form tokens, granted viewings. In memory only: a restart of the hub signs everybody out.
//!
//! Times are milliseconds of the monotonic clock, passed in. Tokens are 32 random bytes, passed in; only their hash is kept.

use std::collections::HashMap;

use shared::record::{Digest, hex, sha256};

/// Without a request for this long a session ends; and after this long in any case.
pub const IDLE_MS: u64 = 30 * 60_000;
pub const LIFE_MS: u64 = 12 * 3_600_000;
/// How long one stated purpose lets a person watch one exhibit.
pub const VIEWING_MS: u64 = 30 * 60_000;
/// Sessions of one account at once: past this its longest idle one ends, and nobody else's. And of all.
const MOST_EACH: usize = 8;
const MOST: usize = 4000;

/// Why somebody watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    pub purpose: String,
    pub reference: String,
}

#[derive(Clone, Debug)]
pub struct Session {
    /// Number of the account; what it may is looked up anew for each request.
    pub op: u32,
    /// Token every form of this session carries.
    pub form: String,
    /// Of the account when this began: after a new password it is another.
    generation: Option<u32>,
    begun: u64,
    seen: u64,
    /// Exhibits this person gave a purpose for, until when, and what they gave.
    viewings: HashMap<String, (u64, Reason)>,
}

#[derive(Default)]
pub struct Sessions {
    by_hash: HashMap<Digest, Session>,
}

impl Sessions {
    /// Signs in; returns the cookie's value.
    pub fn begin(&mut self, op: u32, token: [u8; 32], form: [u8; 32], now: u64) -> String {
        self.by_hash.retain(|_, s| s.live(now));
        let of = |op: u32| self.by_hash.iter().filter(move |(_, s)| s.op == op);
        let idle = match of(op).count() {
            MOST_EACH.. => of(op).min_by_key(|(_, s)| s.seen),
            // So many accounts there are not; if there were, nobody could be spared.
            _ if self.by_hash.len() >= MOST => self.by_hash.iter().min_by_key(|(_, s)| s.seen),
            _ => None,
        };
        if let Some(idle) = idle.map(|(k, _)| *k) {
            self.by_hash.remove(&idle);
        }
        let cookie = hex(&token);
        let session = Session {
            op,
            form: hex(&form),
            generation: None,
            begun: now,
            seen: now,
            viewings: HashMap::new(),
        };
        self.by_hash.insert(sha256(cookie.as_bytes()), session);
        cookie
    }

    /// The session a cookie belongs to, if it still lives; its idle time begins anew.
    pub fn find(&mut self, cookie: &str, now: u64) -> Option<Session> {
        let key = sha256(cookie.as_bytes());
        let session = self.by_hash.get_mut(&key)?;
        if !session.live(now) {
            self.by_hash.remove(&key);
            return None;
        }
        session.seen = now;
        Some(session.clone())
    }

    /// Whether it still lives; that somebody wants to know is no use of it.
    pub fn lives(&self, cookie: &str, now: u64) -> bool {
        let session = self.by_hash.get(&sha256(cookie.as_bytes()));
        session.is_some_and(|s| s.live(now))
    }

    /// Whether a session is of this generation of its account; the first one that is said is.
    pub fn is_of(&mut self, cookie: &str, generation: u32) -> bool {
        let session = self.by_hash.get_mut(&sha256(cookie.as_bytes()));
        session.is_some_and(|s| *s.generation.get_or_insert(generation) == generation)
    }

    pub fn end(&mut self, cookie: &str) {
        self.by_hash.remove(&sha256(cookie.as_bytes()));
    }

    /// A purpose was given and logged: this person may watch the exhibit for a while.
    pub fn grant(&mut self, cookie: &str, exhibit: &str, reason: Reason, now: u64) {
        if let Some(session) = self.by_hash.get_mut(&sha256(cookie.as_bytes())) {
            session
                .viewings
                .insert(exhibit.to_owned(), (now + VIEWING_MS, reason));
        }
    }
}

impl Session {
    fn live(&self, now: u64) -> bool {
        now.saturating_sub(self.seen) < IDLE_MS && now.saturating_sub(self.begun) < LIFE_MS
    }

    pub fn may_view(&self, exhibit: &str, now: u64) -> bool {
        self.reason(exhibit, now).is_some()
    }

    /// What they gave; None: nothing, or too long ago.
    pub fn reason(&self, exhibit: &str, now: u64) -> Option<&Reason> {
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

    /// SEC-2: sessions end by themselves, by idling and by age; a viewing needs its own purpose and ends too.
    #[test]
    fn sessions_and_viewings_end() {
        let mut all = Sessions::default();
        let cookie = all.begin(KIM, [1; 32], [2; 32], 0);
        let other = all.begin(KIM, [3; 32], [4; 32], 0);
        assert_eq!(cookie.len(), 64);
        assert!(all.find(&cookie, IDLE_MS - 1).is_some());
        assert!(all.find(&other, IDLE_MS).is_none());
        all.grant(&cookie, "EXH-2026-000001", Reason::default(), IDLE_MS);
        let session = all.find(&cookie, IDLE_MS).expect("session");
        assert!(session.may_view("EXH-2026-000001", IDLE_MS + VIEWING_MS - 1));
        assert!(!session.may_view("EXH-2026-000001", IDLE_MS + VIEWING_MS));
        assert!(!session.may_view("EXH-2026-000002", IDLE_MS));
        assert!(
            session.owns_form(&hex(&[2; 32]))
                && !session.owns_form(&hex(&[4; 32]))
                && !session.owns_form("")
        );
        let mut now = IDLE_MS;
        while now < LIFE_MS {
            assert!(all.find(&cookie, now).is_some(), "{now}");
            now += IDLE_MS / 2;
        }
        assert!(all.find(&cookie, now).is_none());
        let cookie = all.begin(KIM, [5; 32], [6; 32], now);
        all.end(&cookie);
        assert!(all.find(&cookie, now).is_none());
    }

    /// V8: one account pushes out none but its own sessions, the longest idle first.
    #[test]
    fn an_account_pushes_out_its_own() {
        let mut all = Sessions::default();
        let other = all.begin(8, [255; 32], [0; 32], 0);
        let own: Vec<String> = (0..200u8)
            .map(|n| all.begin(KIM, [n; 32], [0; 32], 1 + u64::from(n)))
            .collect();
        let left = own.iter().filter(|c| all.find(c, 300).is_some()).count();
        assert_eq!(left, 8);
        assert!(all.find(&own[199], 300).is_some() && all.find(&own[191], 300).is_none());
        assert!(all.find(&other, 300).is_some());
    }
}
