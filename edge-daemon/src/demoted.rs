//! Adapter: process. Part of a command of root's, done as the user who owns a folder.
//!
//! Root must not work in a folder that a service may write to: a link put there leads root's hand. What belongs there is done by a child
//! process that has become the folder's owner for good, and tells its parent what came of it. The child is a fork that ran nothing else
//! since it changed its user, so the kernel lets no process of that user trace it.
use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use nix::{
    sys::wait::waitpid,
    unistd::{ForkResult, fork, pipe},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::failure::{Failed, exit};

/// What a child tells; more is no answer of ours.
const MOST: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
enum Outcome<T> {
    Done(T),
    Failed { code: u8, text: String },
}

/// Does `work` as the owner of `folder`, in a process of its own; here, when this process is not root's or the folder is nobody else's.
///
/// # Errors
/// What `work` failed with, or that it could not be done as that user.
pub fn as_owner_of<T: Serialize + DeserializeOwned>(
    folder: &Path,
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<T, Failed> {
    if logbook::heir(folder).is_none() {
        return work();
    }
    let failed = |e: &dyn std::fmt::Display| {
        let text = format!(
            "root cannot go on as the owner of {}: {e}; nothing was done",
            folder.display()
        );
        Failed::new(exit::IO, text)
    };
    let threads = std::fs::read_dir("/proc/self/task").map_err(|e| failed(&e))?;
    if threads.count() != 1 {
        return Err(failed(&"this process has more than one thread"));
    }
    let (ours, theirs) = pipe().map_err(|e| failed(&e))?;
    // SAFETY: this process has one thread, as was just seen, so the child may do all that its parent may.
    match unsafe { fork() }.map_err(|e| failed(&e))? {
        ForkResult::Child => {
            drop(ours);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                logbook::act_as_owner(folder).map_err(|e| failed(&e))?;
                work()
            }));
            let outcome = match done {
                Ok(Ok(done)) => Outcome::Done(done),
                Ok(Err(e)) => Outcome::Failed {
                    code: e.code,
                    text: crate::failure::chain(e.error.as_ref()),
                },
                Err(_) => Outcome::Failed {
                    code: exit::SOFTWARE,
                    text: "it ended in the middle of its work".into(),
                },
            };
            let told = serde_json::to_vec(&outcome)
                .map_err(std::io::Error::other)
                .and_then(|bytes| File::from(theirs).write_all(&bytes));
            std::process::exit(i32::from(told.is_err()));
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let mut bytes = Vec::new();
            let read = File::from(ours).take(MOST).read_to_end(&mut bytes);
            // Whatever it ended with, its answer says more.
            let _ = waitpid(child, None);
            read.map_err(|e| failed(&e))?;
            match serde_json::from_slice(&bytes) {
                Ok(Outcome::Done(done)) => Ok(done),
                Ok(Outcome::Failed { code, text }) => Err(Failed::new(code, text)),
                Err(_) => Err(failed(&"the process that did it ended before it answered")),
            }
        }
    }
}
