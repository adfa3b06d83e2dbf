//! Adapter: filesystem. Whether people have approved an order with their own keys, where root's configuration asks for that
//! (`[box] approvals = "required"`; the rules are `shared::approval`'s).
//!
//! ```text
//! hub/approvers.json        root's: who may approve, with which keys, for which site
//! recorder/approvals.json   the recorder's: SHA-256 of root's file, the keys as they are now with what they counted, the newest order approved
//! ```
//! What an approval changes is on disk before the order is obeyed, so that no order comes twice, whatever happens in between. Where the recorder's
//! file cannot be read nothing is approved: what came before is not known. When root's file changes, its keys count again, and the newest
//! order stays.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use serde::{Deserialize, Serialize};
use shared::{
    approval::{
        Approval, ApprovalError, Approver, Approvers, Change, KeysError, KnownKey, Subject,
    },
    record::{hex, sha256},
};

use crate::{lock::lock, state::State};

const PINNED: &str = "approvers.json";
const KEPT: &str = "approvals.json";

/// Why an order is not obeyed.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalsError {
    #[error(
        "this box obeys only what two people have approved with their own keys, and root has not said whose keys these are: {path} is not there. \
         Root writes it as docs/audit.md 2.13 says"
    )]
    NotPinned { path: String },
    #[error("{path} does not hold approvers: {source}. Root mends it")]
    Pinned {
        path: String,
        #[source]
        source: KeysError,
    },
    #[error(
        "what was approved before cannot be read from {path}, so it is not known whether this order came already. \
         Once it is certain that none came twice, root removes the file"
    )]
    Kept { path: String },
    #[error("cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(
        "this box lifts masks at the hub's word ([box] approvals is not \"required\"), so nobody's key counts here; nothing was changed"
    )]
    NotAsked,
    #[error(transparent)]
    NotApproved(#[from] ApprovalError),
}

/// `recorder/approvals.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// SHA-256 of root's file that `approvers` comes from, lower hex.
    pinned: String,
    approvers: Approvers,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Approvals(Arc<Inner>);

struct Inner {
    required: bool,
    pinned: PathBuf,
    kept: PathBuf,
    /// Held from reading to writing.
    turn: Mutex<()>,
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ApprovalsError {
    let path = path.display().to_string();
    move |source| ApprovalsError::Io { what, path, source }
}

/// The bytes of a file; none where there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, ApprovalsError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", path)(e)),
    }
}

impl Approvals {
    pub fn new(state: &State, required: bool) -> Self {
        Self(Arc::new(Inner {
            required,
            pinned: state.hub().join(PINNED),
            kept: state.recorder().join(KEPT),
            turn: Mutex::new(()),
        }))
    }

    /// Keys by which something can be approved here now; None: the hub's word is enough. Where they cannot be read there are none: the
    /// refusal of an order says why.
    pub fn known(&self) -> Option<Vec<KnownKey>> {
        let own = &*self.0;
        if !own.required {
            return None;
        }
        let _turn = lock(&own.turn);
        let known = own.now().map(|(now, _)| now);
        let keys = known.as_ref().map_or(&[][..], Approvers::keys);
        Some(keys.iter().map(Approver::known).collect())
    }

    /// Whether the order may be obeyed as far as people's own keys go. It is on disk that it came, when this returns.
    ///
    /// # Errors
    /// [`ApprovalsError`]; nothing is changed.
    pub fn approve(
        &self,
        subject: Subject<'_>,
        approvals: &[Approval],
    ) -> Result<(), ApprovalsError> {
        match self.0.required {
            true => self.0.next(|now| now.approve(subject, approvals)),
            false => Ok(()),
        }
    }

    /// The same of an order that changes who may approve; the change counts when this returns.
    ///
    /// # Errors
    /// [`ApprovalsError`]; nothing is changed. A box that takes the hub's word has nobody to change.
    pub fn change(
        &self,
        subject: Subject<'_>,
        change: &Change,
        approvals: &[Approval],
    ) -> Result<(), ApprovalsError> {
        match self.0.required {
            true => self.0.next(|now| now.change(subject, change, approvals)),
            false => Err(ApprovalsError::NotAsked),
        }
    }
}

impl Inner {
    /// The approvers as they count now, and the SHA-256 of root's file.
    fn now(&self) -> Result<(Approvers, String), ApprovalsError> {
        let path = self.pinned.display().to_string();
        let Some(root) = read(&self.pinned)? else {
            return Err(ApprovalsError::NotPinned { path });
        };
        let pinned =
            Approvers::parse(&root).map_err(|source| ApprovalsError::Pinned { path, source })?;
        let hash = hex(&sha256(&root));
        let now = match read(&self.kept)? {
            None => pinned,
            Some(bytes) => {
                let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| {
                    let path = self.kept.display().to_string();
                    ApprovalsError::Kept { path }
                })?;
                match kept.pinned == hash {
                    true => kept.approvers,
                    false => kept.approvers.pinned_anew(pinned),
                }
            }
        };
        Ok((now, hash))
    }

    /// What becomes of them, on disk.
    fn next(
        &self,
        step: impl FnOnce(&Approvers) -> Result<Approvers, ApprovalError>,
    ) -> Result<(), ApprovalsError> {
        let _turn = lock(&self.turn);
        let (now, pinned) = self.now()?;
        let kept = Kept {
            approvers: step(&now)?,
            pinned,
        };
        serde_json::to_vec(&kept)
            .map_err(io::Error::other)
            .and_then(|bytes| logbook::write_whole(&self.kept, &bytes, true))
            .map_err(failed("write", &self.kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{
        approval::challenge,
        passkey::{self, RelyingParty},
        testing::SoftKey,
    };

    struct Rig {
        dir: tempfile::TempDir,
        people: Vec<(String, SoftKey)>,
        party: RelyingParty,
    }

    impl Rig {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("folder");
            let state = State::new(dir.path());
            for folder in [state.hub(), state.recorder()] {
                fs::create_dir_all(folder).expect("folder");
            }
            let person = |who: &str| (who.to_owned(), SoftKey::new(who));
            let rig = Self {
                dir,
                people: ["op:0002", "op:0003"].map(person).into(),
                party: RelyingParty::new("hub.example", "https://hub.example").expect("party"),
            };
            rig.pin();
            rig
        }

        fn state(&self) -> State {
            State::new(self.dir.path())
        }

        /// As root does.
        fn pin(&self) {
            let keys = self.people.iter().map(|(who, key)| {
                let made = key.register(&self.party, &[1; 32]);
                let passkey = passkey::register(&self.party, &[1; 32], &made).expect("key");
                let who = who.clone();
                Approver { who, passkey }
            });
            let list = Approvers::pinned(self.party.clone(), keys.collect()).expect("list");
            let bytes = serde_json::to_vec(&list).expect("JSON");
            fs::write(self.state().hub().join(PINNED), bytes).expect("written");
        }

        fn signed(&mut self, text: &str) -> Vec<Approval> {
            let party = &self.party;
            let people = self.people.iter_mut();
            let signed = people.map(|(who, key)| Approval {
                who: who.clone(),
                passkey: key.sign(party, &challenge(text)),
            });
            signed.collect()
        }

        /// A box that has just started.
        fn asked(&self, number: u64, text: &str, approvals: &[Approval]) -> Result<(), String> {
            let by: Vec<String> = self.people.iter().map(|(who, _)| who.clone()).collect();
            let by = &by;
            let done = Approvals::new(&self.state(), true);
            let done = done.approve(Subject { number, text, by }, approvals);
            done.map_err(|e| e.to_string())
        }
    }

    /// ROL-5, MSK-4: an order comes once, over restarts and whatever root pins meanwhile; without approvals none comes.
    #[test]
    fn an_order_comes_once_over_restarts() {
        let mut rig = Rig::new();
        let first = rig.signed("seven");
        let refused = rig.asked(7, "seven", &[]).expect_err("nobody approved");
        assert!(refused.contains("carries 0 approvals"), "{refused}");
        rig.asked(7, "seven", &first).expect("approved");
        let refused = rig.asked(7, "seven", &first).expect_err("again");
        assert!(refused.contains("came already"), "{refused}");
        rig.people[1].1 = SoftKey::new("another");
        rig.pin();
        let old = rig.signed("six");
        let refused = rig.asked(6, "six", &old).expect_err("before");
        assert!(refused.contains("after order 7"), "{refused}");
        let next = rig.signed("eight");
        rig.asked(8, "eight", &next).expect("the new key counts");
    }

    /// ROL-5, MSK-4: a third key counts once two that count approved it, over restarts, and is told of; one of the three may go again. A box that
    /// takes the hub's word has nobody to change.
    #[test]
    fn keys_come_and_go_by_two_that_count() {
        let mut rig = Rig::new();
        let marks = |rig: &Rig| {
            let known = Approvals::new(&rig.state(), true)
                .known()
                .expect("asked for");
            known.into_iter().map(|k| k.who).collect::<Vec<_>>()
        };
        assert_eq!(Approvals::new(&rig.state(), false).known(), None);
        assert_eq!(marks(&rig), ["op:0002", "op:0003"]);
        let third = SoftKey::new("op:0004");
        let made = third.register(&rig.party, &[1; 32]);
        let passkey = passkey::register(&rig.party, &[1; 32], &made).expect("key");
        let (who, id) = ("op:0004".to_owned(), passkey.id.clone());
        let add = Change::Add {
            approver: Approver {
                who: who.clone(),
                passkey,
            },
        };
        let by = vec!["op:0002".to_owned(), "op:0003".to_owned()];
        let change = |rig: &Rig, required, number: u64, change: &Change, approvals: &[Approval]| {
            let text = number.to_string();
            let subject = Subject {
                number,
                text: &text,
                by: &by,
            };
            let done = Approvals::new(&rig.state(), required).change(subject, change, approvals);
            done.map_err(|e| e.to_string())
        };
        let both = rig.signed("7");
        let no = change(&rig, false, 7, &add, &both).expect_err("not asked for");
        assert!(no.contains("at the hub's word"), "{no}");
        let no = change(&rig, true, 7, &add, &both[..1]).expect_err("one alone");
        assert!(no.contains("carries 1 approvals"), "{no}");
        change(&rig, true, 7, &add, &both).expect("two");
        assert_eq!(marks(&rig), ["op:0002", "op:0003", "op:0004"]);
        let no = change(&rig, true, 7, &add, &both).expect_err("again");
        assert!(no.contains("came already"), "{no}");
        let both = rig.signed("8");
        change(&rig, true, 8, &Change::Remove { who, id }, &both).expect("two");
        assert_eq!(marks(&rig), ["op:0002", "op:0003"]);
        fs::remove_file(rig.state().hub().join(PINNED)).expect("removed");
        assert!(marks(&rig).is_empty(), "in doubt none");
    }

    /// MSK-5: in doubt nothing is approved, and whoever reads the refusal is told what to do.
    #[test]
    fn in_doubt_nothing_is_approved() {
        let mut rig = Rig::new();
        let approvals = rig.signed("seven");
        let kept = rig.state().recorder().join(KEPT);
        fs::write(&kept, b"{\"pinned\": ").expect("torn");
        let refused = rig.asked(7, "seven", &approvals).expect_err("torn");
        assert!(refused.contains("approvals.json") && refused.contains("root removes"));
        fs::remove_file(&kept).expect("removed");
        let pinned = rig.state().hub().join(PINNED);
        fs::write(&pinned, b"{}").expect("damaged");
        let refused = rig.asked(7, "seven", &approvals).expect_err("damaged");
        assert!(refused.contains("Root mends it"), "{refused}");
        fs::remove_file(&pinned).expect("removed");
        let refused = rig
            .asked(7, "seven", &approvals)
            .expect_err("nobody pinned");
        assert!(refused.contains("root has not said"), "{refused}");
        assert!(!kept.exists());
        // Where the scheme does not ask for it, the hub's word is enough.
        let by = Vec::new();
        let subject = Subject {
            number: 1,
            text: "",
            by: &by,
        };
        Approvals::new(&rig.state(), false)
            .approve(subject, &[])
            .expect("not asked for");
    }
}
