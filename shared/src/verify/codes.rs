//! Pure. Every code of a finding, once. `docs/verdicts.md` says what each means, `docs/verify/verify.py` has the same list.

/// What a finding does to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// NOT-INTACT.
    Damage,
    /// Nothing.
    Note,
    /// CANNOT-CHECK, unless there is damage.
    Blind,
}

impl Class {
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Damage => "damage",
            Class::Note => "note",
            Class::Blind => "cannot check",
        }
    }
}

/// All codes, as `docs/verdicts.md` has them.
pub const CODES: &[(&str, Class)] = &[
    ("AFTER-CLOSE", Class::Damage),
    ("ALTERED", Class::Damage),
    ("ALTERED-FILE", Class::Damage),
    ("ALTERED-OR-FORKED", Class::Damage),
    ("BAD-SIGNATURE", Class::Damage),
    ("BOOT-NOT-LOGGED", Class::Damage),
    ("CHAIN-BREAK", Class::Damage),
    ("CLOCK-STEP-NOT-LOGGED", Class::Damage),
    ("DELETION-NOT-LOGGED", Class::Damage),
    ("DOES-NOT-COVER-REQUEST", Class::Damage),
    ("EXTRA-FILE", Class::Damage),
    ("FOREIGN-RECORD", Class::Damage),
    ("FORKED", Class::Damage),
    ("LIFT-NOT-AUTHORISED", Class::Damage),
    ("LIFT-NOT-LOGGED", Class::Damage),
    ("LISTING-UNSAFE", Class::Damage),
    ("MASK-NOT-AS-SET", Class::Damage),
    ("MASK-NOT-KNOWN", Class::Damage),
    ("MASK-NOT-PROVED", Class::Damage),
    ("MASK-NOT-SET", Class::Damage),
    ("MISSING-OR-REORDERED", Class::Damage),
    ("NO-HUB-COSIGNATURE", Class::Damage),
    ("NOT-IN-LOG", Class::Damage),
    ("PROOF-MISMATCH", Class::Damage),
    ("PROOF-OF-FORK", Class::Damage),
    ("RECORD-MALFORMED", Class::Damage),
    ("REQUEST-NOT-AS-LOGGED", Class::Damage),
    ("ROLLED-BACK", Class::Damage),
    ("SEAL-BROKEN", Class::Damage),
    ("SEAL-KEY-NOT-IN-LOG", Class::Damage),
    ("SEGMENT-MISSING", Class::Damage),
    ("SEGMENT-NOT-AS-LOGGED", Class::Damage),
    ("SEGMENT-TIMES", Class::Damage),
    ("SILENCE", Class::Damage),
    ("TIME-STAMP-BAD", Class::Damage),
    ("TRUNCATED", Class::Damage),
    ("UNKNOWN-KEY", Class::Damage),
    ("UNLOGGED-MASTER-FILE", Class::Damage),
    ("WORKING-COPY-NOT-AS-LOGGED", Class::Damage),
    ("WRONG-KEY", Class::Damage),
    ("UNKNOWN-VERSION", Class::Blind),
    ("UNREADABLE", Class::Blind),
    ("ABOVE-COUNTERSIGNED", Class::Note),
    ("ANCHORED", Class::Note),
    ("CAMERA-SILENT", Class::Note),
    ("CLOCK-APART", Class::Note),
    ("CLOCK-NOT-SHOWN", Class::Note),
    ("CLOCK-OVER-RESTART", Class::Note),
    ("GAP-DECLARED", Class::Note),
    ("HUB-CLOCK-BACK", Class::Note),
    ("LATE-FIRST", Class::Note),
    ("LOGGED-LATE", Class::Note),
    ("NO-HUB-KEY", Class::Note),
    ("NOT-ANCHORED", Class::Note),
    ("NOT-WITNESSED", Class::Note),
    ("PC-FILE", Class::Note),
    ("REQUEST-NOT-LOGGED", Class::Note),
    ("SHORT-HOLES", Class::Note),
    ("TIME-STAMP-NOT-CHECKED", Class::Note),
    ("TIME-STAMPED", Class::Note),
    ("TORN-TAIL", Class::Note),
    ("UNKNOWN-TYPE", Class::Note),
    ("UNSEALED", Class::Note),
    ("WITNESS-NOT-CHECKED", Class::Note),
    ("WITNESSED", Class::Note),
    ("WORKING-COPY-NOT-COMPARED", Class::Note),
];

/// None: no code of a verifier.
pub fn class(code: &str) -> Option<Class> {
    let row = CODES.iter().find(|(name, _)| *name == code);
    row.map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUD-2: each code is on the page, with what it does to the verdict; the page has no other; and the code says no other.
    #[test]
    fn the_page_has_them_all() {
        let page = include_str!("../../../docs/verdicts.md");
        let rows: Vec<(&str, &str)> = page
            .lines()
            .filter_map(|l| l.strip_prefix("| `")?.split_once("` | "))
            .filter_map(|(code, rest)| Some((code, rest.split_once(" | ")?.0)))
            .collect();
        let ours: Vec<(&str, &str)> = CODES.iter().map(|(c, k)| (*c, k.as_str())).collect();
        assert_eq!(rows, ours);

        let sources = [
            include_str!("../check.rs"),
            include_str!("anchors.rs"),
            include_str!("lines.rs"),
            include_str!("log.rs"),
            include_str!("masks.rs"),
            include_str!("mod.rs"),
            include_str!("package.rs"),
            include_str!("package/asked.rs"),
            include_str!("package/outside.rs"),
            include_str!("times.rs"),
        ];
        let said = |text: &&str| {
            text.len() > 4
                && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
                && !text.starts_with("INTACT")
        };
        for text in sources.iter().flat_map(|s| s.split('"')).filter(said) {
            let verdict = ["NOT-INTACT", "CANNOT-CHECK", "SHA256SUMS"].contains(&text);
            assert!(class(text).is_some() || verdict, "{text} is on no list");
        }
        let used = |code: &str| sources.iter().any(|s| s.contains(&format!("\"{code}\"")));
        let unused: Vec<_> = CODES.iter().filter(|(code, _)| !used(code)).collect();
        assert!(unused.is_empty(), "said nowhere: {unused:?}");
    }
}
