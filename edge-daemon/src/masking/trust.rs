//! Pure. Whether a camera's own mask is to be relied on. One failed proof ends that; a time of nothing but passes brings it back.
//!
//! Nothing unproved is ever recorded, whatever this says: it only decides who paints meanwhile.

use shared::worker::Verdict;

use crate::masking::bracket::Bracket;

/// So long nothing but passes, after the first failure; twice as long after each further one.
pub const AGAIN_MS: u64 = 60_000;
const AGAIN_MOST_MS: u64 = 3_600_000;
/// Relied on for so long: earlier failures are forgotten.
const GOOD_MS: u64 = 3_600_000;

/// What a camera's verdicts come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    Well,
    /// `news`: it was relied on until now.
    Failed {
        why: String,
        news: bool,
    },
    /// Relied on again, after others painted.
    Back,
}

#[derive(Debug, Default)]
pub struct MaskTrust {
    doubt: Option<Doubt>,
    failures: u32,
    trusted_since: u64,
}

#[derive(Debug)]
struct Doubt {
    why: String,
    passing_since: Option<u64>,
}

impl MaskTrust {
    pub fn trusted(&self) -> bool {
        self.doubt.is_none()
    }

    /// Why it is not relied on.
    pub fn why(&self) -> Option<&str> {
        self.doubt.as_ref().map(|d| d.why.as_str())
    }

    /// Takes verdicts in, each of them, and tells them to the bracket, if there is one. Without one others paint.
    pub fn judge(
        &mut self,
        mono_ms: u64,
        verdicts: impl IntoIterator<Item = Verdict>,
        mut bracket: Option<&mut Bracket>,
    ) -> Judged {
        let relied = self.trusted();
        let (mut last, mut back) = (None, false);
        for verdict in verdicts {
            if let Some(bracket) = &mut bracket {
                bracket.verdict(verdict.pts, verdict.pass());
            }
            if let Some(why) = verdict.why {
                self.failed(mono_ms, &why);
                last = Some(why);
                back = false;
            } else if bracket.is_none() {
                back |= self.passed(mono_ms);
            }
        }
        match last {
            _ if back => Judged::Back,
            Some(why) => Judged::Failed { why, news: relied },
            None => Judged::Well,
        }
    }

    pub fn failed(&mut self, mono_ms: u64, why: &str) {
        if self.doubt.is_none() {
            if mono_ms.saturating_sub(self.trusted_since) >= GOOD_MS {
                self.failures = 0;
            }
            self.failures = self.failures.saturating_add(1);
        }
        self.doubt = Some(Doubt {
            why: why.to_owned(),
            passing_since: None,
        });
    }

    /// A key frame passed; true when it is relied on again by that.
    pub fn passed(&mut self, mono_ms: u64) -> bool {
        let wait = AGAIN_MS
            .saturating_mul(1 << self.failures.saturating_sub(1).min(6))
            .min(AGAIN_MOST_MS);
        let Some(doubt) = &mut self.doubt else {
            return false;
        };
        let since = *doubt.passing_since.get_or_insert(mono_ms);
        let over = mono_ms.saturating_sub(since) >= wait;
        if over {
            self.trust(mono_ms);
        }
        over
    }

    /// Relied on again at once: there is nobody else to paint.
    pub fn trust(&mut self, mono_ms: u64) {
        self.doubt = None;
        self.trusted_since = mono_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unit;

    fn said(pts: i64, pass: bool) -> Verdict {
        Verdict {
            pts,
            why: (!pass).then(|| format!("polygon 1 at {pts}")),
        }
    }

    /// MSK-5: verdicts that come together all count: one that fails does not keep those after it from the bracket.
    #[test]
    fn verdicts_that_come_together() {
        let (mut s, mut bracket) = (MaskTrust::default(), Bracket::default());
        for pts in 1..=4 {
            bracket.unit(unit(pts, true)).expect("fits");
        }
        let all = [said(1, true), said(2, false), said(3, true), said(4, true)];
        let failed = |why: &str, news| Judged::Failed {
            why: why.into(),
            news,
        };
        assert_eq!(
            s.judge(5, all, Some(&mut bracket)),
            failed("polygon 1 at 2", true)
        );
        let mut out = Vec::new();
        bracket.take(&mut out);
        assert_eq!(out.iter().map(|u| u.pts).collect::<Vec<_>>(), [3]);
        assert_eq!(
            s.judge(6, [said(5, false)], Some(&mut bracket)),
            failed("polygon 1 at 5", false)
        );
        assert!(!s.trusted(), "a later pass in the bracket changes nothing");
        assert_eq!(s.judge(10, [said(6, true)], None), Judged::Well);
        assert_eq!(s.judge(10 + AGAIN_MS, [said(7, true)], None), Judged::Back);
    }

    /// MSK-2, MSK-5: a failed proof ends reliance at once; a minute of passes brings it back, and a camera that fails again waits longer.
    #[test]
    fn lost_at_once_and_won_back_slowly() {
        let mut s = MaskTrust::default();
        assert!(s.trusted() && !s.passed(5));
        s.failed(1_000, "polygon 1 is not covered");
        assert_eq!(s.why(), Some("polygon 1 is not covered"));
        assert!(!s.passed(2_000) && !s.passed(60_000));
        s.failed(61_000, "again");
        assert!(
            !s.passed(62_000) && !s.passed(121_999),
            "counted from the last failure"
        );
        assert!(s.passed(122_000) && s.trusted());
        s.failed(200_000, "a second time");
        assert!(!s.passed(200_001) && !s.passed(310_000) && s.passed(320_001));
        s.failed(320_001 + GOOD_MS, "long after");
        assert!(
            !s.passed(4_000_000) && s.passed(4_060_000),
            "a minute again"
        );
    }
}
