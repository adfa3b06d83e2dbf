//! Pure. Who has given the right password and not yet a second factor. In memory only: whoever is caught by a restart begins anew.
//!
//! Times are milliseconds of the monotonic clock, passed in. Tokens are 32 random bytes, passed in; only their hash is kept.

use std::collections::HashMap;

use shared::record::{Digest, hex, sha256};

/// It lasts so long, and takes so many tries.
const LIFE_MS: u64 = 5 * 60_000;
const TRIES: u32 = 5;
const MOST: usize = 1_000;

/// A sign-in that is half done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    pub op: u32,
    pub name: String,
    /// Of the account when the password was right.
    pub generation: u32,
    begun: u64,
    tries: u32,
}

#[derive(Default)]
pub struct Halves(HashMap<Digest, Half>);

impl Halves {
    /// What the browser is to hold; None: too many are under way.
    pub fn begin(
        &mut self,
        op: u32,
        name: &str,
        generation: u32,
        token: [u8; 32],
        now: u64,
    ) -> Option<String> {
        self.0.retain(|_, h| now.saturating_sub(h.begun) < LIFE_MS);
        if self.0.len() >= MOST {
            return None;
        }
        let half = Half {
            op,
            name: name.into(),
            generation,
            begun: now,
            tries: 0,
        };
        let cookie = hex(&token);
        self.0.insert(sha256(cookie.as_bytes()), half);
        Some(cookie)
    }

    /// One more try; None: it is over, or there is none.
    pub fn attempt(&mut self, cookie: &str, now: u64) -> Option<Half> {
        let key = sha256(cookie.as_bytes());
        let half = self.0.get_mut(&key)?;
        half.tries += 1;
        if half.tries > TRIES || now.saturating_sub(half.begun) >= LIFE_MS {
            self.0.remove(&key);
            return None;
        }
        Some(half.clone())
    }

    pub fn end(&mut self, cookie: &str) {
        self.0.remove(&sha256(cookie.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ROL-2: half a sign-in is worth five tries in five minutes.
    #[test]
    fn a_half_ends() {
        let mut all = Halves::default();
        let mut begin = |token, now| all.begin(7, "kim", 1, [token; 32], now).expect("begun");
        let (one, two) = (begin(1, 0), begin(2, 0));
        for _ in 0..TRIES {
            assert!(all.attempt(&one, 10).is_some());
        }
        assert!(all.attempt(&one, 10).is_none() && all.attempt(&one, 10).is_none());
        assert!(all.attempt(&two, LIFE_MS - 1).is_some());
        assert!(all.attempt(&two, LIFE_MS).is_none());
        assert!(all.attempt("", 0).is_none());
    }
}
