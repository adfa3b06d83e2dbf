//! Adapter: the kernel. What this process gives up before it reads the first byte.
//!
//! A camera's pictures are parsed by C code; should they subvert it, there is little to reach: no file can be opened, no
//! socket made, nothing written but the pipe, no privilege gained, and no memory image is left behind.
use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};

/// Address space; a 4K picture with its encoder stays well below.
const MEMORY: u64 = 3 << 30;

#[derive(Debug, thiserror::Error)]
#[error("cannot give up {what}: {why}; not reading pictures without that")]
pub struct SandboxError {
    what: &'static str,
    why: nix::Error,
}

pub fn enter() -> Result<(), SandboxError> {
    let step = |what, done: nix::Result<()>| done.map_err(|why| SandboxError { what, why });
    step("new privileges", prctl::set_no_new_privs())?;
    step("being inspected", prctl::set_dumpable(false))?;
    step("memory images", setrlimit(Resource::RLIMIT_CORE, 0, 0))?;
    step("writing files", setrlimit(Resource::RLIMIT_FSIZE, 0, 0))?;
    step(
        "unbounded memory",
        setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY),
    )?;
    // Last: from here on no file, socket or pipe can be opened at all.
    step("opening files", setrlimit(Resource::RLIMIT_NOFILE, 0, 0))
}
