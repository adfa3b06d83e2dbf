//! Adapter: the kernel. What a process gives up before it reads the first byte of what may attack it.
//!
//! Three walls, each of which holds alone, since a machine's kernel may lack one:
//! - limits ([`limits`]): no file or socket can be opened, nothing written but the pipe, memory bounded, no image left;
//! - Landlock ([`domain`]): no file, no TCP, no signal or abstract socket to anything outside, no tracing of it;
//! - the list of calls ([`filter`], [`call`]): what is not on it ends the process.
//!
//! Needs no privilege. Invariant: limits and the list are there or nothing is read; what Landlock the kernel has is used, and what it
//! lacks is said to whoever started the process.
pub mod call;
pub mod domain;
pub mod filter;

use nix::{
    libc,
    sys::{
        prctl,
        resource::{Resource, setrlimit},
    },
};

use call::Call;

/// Address space, bytes.
const MEMORY: u64 = 3 << 30;

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("cannot give up {what}: {why}; not reading anything without that")]
    Limit { what: &'static str, why: nix::Error },
    #[error(
        "cannot put the list of permitted calls in force: {0}; not reading anything without that; the kernel needs \
         CONFIG_SECCOMP_FILTER, and a service manager's own filter must permit the call seccomp"
    )]
    Filter(#[from] filter::FilterError),
}

/// Says what the kernel could not give, in words; nothing when all is in force.
pub fn enter(lists: &[&'static [Call]]) -> Result<Vec<String>, SandboxError> {
    privileges()?;
    // Before the limits: making its rule set takes a file descriptor for a moment.
    let missing = domain::enter();
    limits()?;
    // Last: from here on only what is on the list.
    filter::enter(lists)?;
    Ok(missing)
}

/// The C library opens a file (/proc/sys/vm/overcommit_memory) when it first gives back memory of a thread's own heap, which
/// would end the worker in the middle of its work: threads share the one heap that is grown and shrunk without. To be called
/// first of all: a heap that a thread has had stays.
pub fn one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: a plain setting of the C library, made while there is one thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

fn step(what: &'static str, done: nix::Result<()>) -> Result<(), SandboxError> {
    done.map_err(|why| SandboxError::Limit { what, why })
}

/// Also what lets a process without privilege give up more.
pub fn privileges() -> Result<(), SandboxError> {
    step("new privileges", prctl::set_no_new_privs())
}

pub fn limits() -> Result<(), SandboxError> {
    step("being inspected", prctl::set_dumpable(false))?;
    step("memory images", setrlimit(Resource::RLIMIT_CORE, 0, 0))?;
    step("writing files", setrlimit(Resource::RLIMIT_FSIZE, 0, 0))?;
    step(
        "unbounded memory",
        setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY),
    )?;
    step("opening files", setrlimit(Resource::RLIMIT_NOFILE, 0, 0))
}
