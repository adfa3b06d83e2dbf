//! Pure. What a witness is sent and what it answers (C2SP `tlog-witness`): a head, and the proof that its log only grew since the head that the
//! witness saw last. It cosigns what is so and refuses what is not.
//!
//! ```text
//! old <size> LF                 the size of the head that the witness saw last; 0: none
//! <base64 of a hash> LF         how the log grew since (RFC 6962, 2.1.2), at most 63
//! LF
//! <head>
//! ```
//! The answer to one that is good is the witness's signature line, a cosignature of the head at its own time.

use crate::{
    id::{Origin, hub_key_of},
    note::{BadNote, Cosigned, Head, SignedHead, Vkey, b64, digest_from_b64},
    record::Digest,
    tree::consistent,
};

/// Most hashes of a proof.
const MOST_HASHES: usize = 63;

/// A head that is to be attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    pub old: u64,
    pub proof: Vec<Digest>,
    pub head: SignedHead,
}

impl Submission {
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        let bad = |why: &str| BadNote(why.into());
        let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        let (proof, head) = text
            .split_once("\n\n")
            .ok_or_else(|| bad("there is an empty line before the head"))?;
        let mut lines = proof.split('\n');
        let old = lines.next().and_then(|l| l.strip_prefix("old "));
        let old = old
            .filter(|n| *n == "0" || !n.starts_with('0'))
            .filter(|n| n.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|n| n.parse().ok())
            .ok_or_else(|| bad("the first line is `old` and a number of lines"))?;
        let proof: Option<Vec<Digest>> = lines.map(digest_from_b64).collect();
        let proof = proof
            .filter(|all| all.len() <= MOST_HASHES)
            .ok_or_else(|| bad("a proof is at most 63 hashes in base64, one a line"))?;
        let head = SignedHead::parse(head.as_bytes())?;
        Ok(Self { old, proof, head })
    }

    pub fn render(&self) -> String {
        let proof: String = self.proof.iter().map(|h| b64(h) + "\n").collect();
        format!("old {}\n{proof}\n{}", self.old, self.head.render())
    }
}

/// What a witness says of a submission; each has its own status in HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is so: to be kept, then cosigned.
    Sound,
    /// No log that is watched here.
    Unknown,
    /// Not countersigned by that log's hub.
    Unsigned,
    /// It says that there were more lines before than there are now.
    Backwards,
    /// The head that was seen last has another size.
    Elsewhere { size: u64 },
    /// The head that was seen last has this size and another root: two histories.
    Forked,
    /// The proof does not lead from the one to the other.
    Unproven,
}

impl Judged {
    pub fn status(self) -> u16 {
        match self {
            Self::Sound => 200,
            Self::Unknown => 404,
            Self::Unsigned => 403,
            Self::Backwards => 400,
            Self::Elsewhere { .. } | Self::Forked => 409,
            Self::Unproven => 422,
        }
    }
}

/// Judges a submission by the head of that log that was seen last. `watched`: countersigning keys of hubs whose heads are attested here. A
/// hub's countersignature on its own log is the log's signature: it is the one key that everybody has of a hub.
pub fn judge(sent: &Submission, watched: &[Vkey], last: Option<&Head>) -> Judged {
    let Submission { old, proof, head } = sent;
    let origin = &head.head.origin;
    let hubs = matches!(Origin::parse(origin), Some(Origin::Hub { .. }));
    let mut keys = watched
        .iter()
        .filter(|k| hubs && hub_key_of(&k.name, origin))
        .peekable();
    if keys.peek().is_none() {
        return Judged::Unknown;
    }
    if !keys.any(|k| matches!(head.check_cosigned(k), Cosigned::Good { .. })) {
        return Judged::Unsigned;
    }
    if *old > head.head.size {
        return Judged::Backwards;
    }
    let size = last.map_or(0, |l| l.size);
    if *old != size {
        return Judged::Elsewhere { size };
    }
    match last {
        None if proof.is_empty() => Judged::Sound,
        None => Judged::Unproven,
        Some(last) if size == head.head.size => match last.root == head.head.root {
            true if proof.is_empty() => Judged::Sound,
            true => Judged::Unproven,
            false => Judged::Forked,
        },
        Some(last) => match consistent(size, head.head.size, &last.root, &head.head.root, proof) {
            true => Judged::Sound,
            false => Judged::Unproven,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{Key, LogBuilder},
        tree,
    };

    fn log(beats: usize) -> LogBuilder {
        let mut log = LogBuilder::new("cctv.example.gov.uk/hub/1");
        for _ in 0..beats {
            log.beat();
        }
        log
    }

    fn sent(log: &LogBuilder, old: u64) -> Submission {
        let leaves: Vec<Digest> = log
            .lines
            .iter()
            .map(|l| crate::record::leaf_hash(l))
            .collect();
        let proof = match old {
            0 => Vec::new(),
            old => tree::consistency(&leaves, old, log.size()).expect("proof"),
        };
        let head = log.cosigned();
        Submission { old, proof, head }
    }

    /// AUD-4: a witness attests a log that only grew, and nothing else.
    #[test]
    fn a_log_that_only_grew_is_attested() {
        let keys = [Key::hub().vkey];
        let (before, after) = (log(3), log(9));
        let last = before.cosigned().head;
        let first = sent(&before, 0);
        assert_eq!(
            Submission::parse(first.render().as_bytes()),
            Ok(first.clone())
        );
        assert_eq!(judge(&first, &keys, None), Judged::Sound);
        let next = sent(&after, last.size);
        assert_eq!(
            Submission::parse(next.render().as_bytes()),
            Ok(next.clone())
        );
        assert_eq!(judge(&next, &keys, Some(&last)), Judged::Sound);
        // Sent twice, the same answer.
        let again = sent(&before, last.size);
        assert_eq!(judge(&again, &keys, Some(&last)), Judged::Sound);

        assert_eq!(judge(&first, &[], None), Judged::Unknown);
        let stranger = Key::new("evil.example/hub/cosign", 4, [77; 32]).vkey;
        assert_eq!(judge(&first, &[stranger], None), Judged::Unknown);
        let mut other = Key::hub().vkey;
        other.key = [1; 32];
        assert_eq!(judge(&first, &[other], None), Judged::Unsigned);
        let size = last.size;
        assert_eq!(
            judge(&first, &keys, Some(&last)),
            Judged::Elsewhere { size }
        );
        let wrong = sent(&after, 2);
        assert_eq!(
            judge(&wrong, &keys, Some(&last)),
            Judged::Elsewhere { size }
        );
        let mut back = first.clone();
        back.old = 1000;
        assert_eq!(judge(&back, &keys, Some(&last)), Judged::Backwards);
        let mut broken = next;
        broken.proof[0][0] ^= 1;
        assert_eq!(judge(&broken, &keys, Some(&last)), Judged::Unproven);
        // Another history of the same size.
        let mut forked = last.clone();
        forked.root[0] ^= 1;
        assert_eq!(judge(&again, &keys, Some(&forked)), Judged::Forked);
        assert_eq!(
            judge(&sent(&after, size), &keys, Some(&forked)),
            Judged::Unproven
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), text in ".*") {
            let _ = (Submission::parse(&bytes), Submission::parse(format!("old 3\n{text}").as_bytes()));
        }
    }
}
