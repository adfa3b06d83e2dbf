//! Pure. What the check by program found of this very package, as it found it.
use std::collections::BTreeMap;

use shared::{
    check::{Finding, is_blind, is_note},
    verify::{Report, Verdict},
};

use super::{HOLE, SHORT};

/// The first line of its report, and its findings by code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub verdict: &'static str,
    pub damage: BTreeMap<&'static str, u64>,
    pub notes: BTreeMap<&'static str, u64>,
}

impl Check {
    /// `but`: the place of what cannot be there yet.
    pub fn of(report: &Report, but: &str) -> Self {
        let kept = || report.findings.iter().filter(|f| f.place != but);
        let verdict = match kept().count() == report.findings.len() {
            true => report.verdict,
            // As the rest of them has it.
            false if kept().any(Finding::is_damage) => Verdict::NotIntact,
            false if kept().any(|f| is_blind(f.code)) => Verdict::CannotCheck,
            false => Verdict::Intact,
        };
        let mut check = Self {
            verdict: verdict.as_str(),
            damage: BTreeMap::new(),
            notes: BTreeMap::new(),
        };
        for finding in kept() {
            let codes = match is_note(finding.code) {
                true => &mut check.notes,
                false => &mut check.damage,
            };
            *codes.entry(finding.code).or_default() += 1;
        }
        check
    }

    /// Whether it is nothing but what a package that is known to be partial may have.
    /// `short`: it is known not to cover what was asked for; `holes`: so many are known.
    pub fn tolerable(&self, short: bool, holes: usize) -> bool {
        let most = |code: &str| match code {
            SHORT if short => u64::MAX,
            HOLE => holes as u64,
            _ => 0,
        };
        self.verdict != Verdict::CannotCheck.as_str()
            && self.damage.iter().all(|(code, n)| *n <= most(code))
    }
}
