//! Pure. Which acts of a month are looked at (AUD-6): drawn by the countersigned root of a day after the month, so that nobody who acted in it
//! could know, and anybody can draw it again.
//!
//! The score of an act is SHA-256(root ‖ leaf): the 32 bytes of the root, then the 32 of the act's own leaf hash. The acts with the lowest
//! scores, compared byte by byte, are the sample, lowest first. So the first five of twenty are the five that five would be.

use shared::{
    record::{Digest, sha256},
    time::{Day, Utc, Zone},
};

/// Most acts of one sample.
pub const MOST: u32 = 200;

/// A month of the calendar in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// YYYY-MM
    pub name: String,
    /// The one after it.
    pub next: String,
    pub from: Utc,
    /// The first moment of the next one.
    pub to: Utc,
    /// When the first day of the next one is over, and its newest head is known.
    pub drawn: Utc,
}

impl Month {
    pub fn parse(text: &str) -> Option<Self> {
        let first = Day::parse(&format!("{text}-01")).ok()?;
        let after = Day::parse(&format!("{text}-28")).ok()?.plus_days(4);
        let next = after.to_string().get(..7)?.to_owned();
        let begins = Day::parse(&format!("{next}-01")).ok()?;
        let utc = Zone::utc();
        Some(Self {
            name: text.to_owned(),
            next,
            from: utc.start_of(first),
            to: utc.start_of(begins),
            drawn: utc.start_of(begins.plus_days(1)),
        })
    }
}

/// Numbers of the acts that are drawn, lowest score first.
pub fn draw(root: &Digest, acts: &[(u64, Digest)], count: u32) -> Vec<u64> {
    let mut scored: Vec<(Digest, u64)> = acts
        .iter()
        .map(|(n, leaf)| (sha256(&[&root[..], &leaf[..]].concat()), *n))
        .collect();
    scored.sort_unstable();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    scored.into_iter().take(count).map(|(_, n)| n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUD-6: the same root draws the same acts, whoever draws, in whatever order they are given; more of them begin with the fewer; another
    /// root draws others.
    #[test]
    fn anybody_draws_the_same() {
        let acts: Vec<(u64, Digest)> = (0..500_u64)
            .map(|n| (n, sha256(&n.to_be_bytes())))
            .collect();
        let root = sha256(b"a root");
        let twenty = draw(&root, &acts, 20);
        assert_eq!(twenty.len(), 20);
        let mut other = acts.clone();
        other.reverse();
        assert_eq!(draw(&root, &other, 20), twenty);
        assert_eq!(draw(&root, &acts, 5), twenty[..5]);
        assert_ne!(draw(&sha256(b"another"), &acts, 20), twenty);
        assert_eq!(draw(&root, &acts[..3], 20).len(), 3);
        // Every act is drawn by some root.
        let seen: std::collections::BTreeSet<u64> = (0..400_u32)
            .flat_map(|i| draw(&sha256(&i.to_be_bytes()), &acts, 20))
            .collect();
        assert_eq!(seen.len(), acts.len());
    }

    #[test]
    fn months() {
        let month = Month::parse("2026-12").expect("a month");
        assert_eq!(month.next, "2027-01");
        assert_eq!(month.from.to_string(), "2026-12-01T00:00:00.000Z");
        assert_eq!(month.to.to_string(), "2027-01-01T00:00:00.000Z");
        assert_eq!(month.drawn.to_string(), "2027-01-02T00:00:00.000Z");
        assert!(Month::parse("2026-13").is_none() && Month::parse("x").is_none());
    }
}
