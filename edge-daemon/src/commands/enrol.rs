//! Wiring. `beadle-edge enrol CODE`: claims the box at its hub, and stores what that gave.
//!
//! All that storing will need is tried out before the hub is asked, for the hub takes a code once. Run by root, what concerns the network
//! and the recorder's folder is done by a child that has become the recorder's user; root itself writes in `hub/` alone.

use std::{path::Path, process::ExitCode};

use shared::{
    approval::{Approver, Approvers},
    code::EnrolCode,
    time::Clock,
};

use crate::{
    config::{self, Config, Passwords},
    demoted,
    failure::{Failed, exit},
    identity::{Answer, BoxKey, Enrolment, IdentityError, enrolment, fixed},
    state::State,
    uplink::enrol::{self, EnrolError},
};

pub fn run(path: &Path, code: &str, hub: Option<&str>, again: bool) -> Result<ExitCode, Failed> {
    let config = config::load(path, Passwords::None)?;
    let state = config.state();
    let recorder = state.recorder();
    // Whoever owns the folder above could put another in the place of what root pins, now or later.
    state
        .nobody_elses()
        .map_err(|e| Failed::new(exit::IO, unspent(&e)))?;
    demoted::as_owner_of(&recorder, || Ok(fixed::check(&config, path, again)?))?;
    let (code, hub) = enrol::prepare(&config, code, hub, again).map_err(|e| match e {
        EnrolError::Store(e) => before(e),
        e => failed(e),
    })?;
    demoted::as_owner_of(&recorder, || {
        state
            .for_recorder()
            .map_err(|e| Failed::new(exit::IO, unspent(&e)))
    })?;
    enrolment::ready_to_pin(&state).map_err(before)?;
    let answer = demoted::as_owner_of(&recorder, || claim(&config, &code, &hub))?;
    let pinned = enrolment::pin(&state, &answer);
    // As pinned, or as it was before: nothing half-done stays.
    let settled = demoted::as_owner_of(&recorder, || {
        enrolment::settle_certificate(&state).map_err(|e| Failed::new(exit::IO, e))
    });
    pinned.map_err(spent)?;
    if let Err(e) = settled {
        eprintln!(
            "the certificate before this one could not be cleared away: {}",
            crate::failure::chain(e.error.as_ref())
        );
    }
    // Read back: what cannot be used shows now, not at the first connection.
    let stored = Enrolment::load(&state).map_err(|e| Failed::new(exit::IO, e))?;
    let stored = stored.ok_or_else(|| Failed::new(exit::SOFTWARE, "it was not stored"))?;
    println!("{} is enrolled at {}", config.name, stored.facts.hub);
    if config.approvals {
        approvers(&state, answer.approvers.as_ref())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Pins whose keys approve lifts, and says whose they are: what the hub said is held against what those people read out.
fn approvers(state: &State, approvers: Option<&Approvers>) -> Result<(), Failed> {
    let Some(approvers) = approvers else {
        eprintln!(
            "This box lifts masks only when two people approve it with their own passkeys, and the hub has not the keys of two approvers yet: \
             it lifts none until they have set some up and root enrols it anew, or writes the list that `beadle-hub approver file` prints to {}",
            state.hub().join("approvers.json").display()
        );
        return Ok(());
    };
    enrolment::pin_approvers(state, approvers).map_err(|e| {
        let text = format!(
            "the box is enrolled, but whose keys approve lifts was not stored, so it lifts no mask: {}. Mend that, and write the list that `beadle-hub approver file` prints to {}",
            crate::failure::chain(&e),
            state.hub().join("approvers.json").display()
        );
        Failed::new(exit::IO, text)
    })?;
    println!(
        "These passkeys approve lifts; hold them against what their owners see on the hub's page \"Keys at boxes\":"
    );
    for known in approvers.keys().iter().map(Approver::known) {
        println!("  {}   {}", known.key, known.who);
    }
    Ok(())
}

/// As the recorder: its key, its folder, then the hub, and the certificate beside the one that counts still.
fn claim(config: &Config, code: &EnrolCode, hub: &str) -> Result<Answer, Failed> {
    let state = config.state();
    let key = BoxKey::open_or_make(&state.identity()).map_err(before)?;
    enrolment::ready_for_certificate(&state).map_err(before)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failed::new(exit::SOFTWARE, e))?;
    let now = logbook::SystemClock.now().wall;
    let answer = runtime
        .block_on(enrol::claim(config, code, hub, &key.spki(), now))
        .map_err(failed)?;
    enrolment::stage_certificate(&state, &answer.cert).map_err(spent)?;
    Ok(answer)
}

/// Found before the hub was asked.
fn before(e: IdentityError) -> Failed {
    Failed::new(exit::IO, unspent(&e))
}

/// After the hub has answered.
fn spent(e: IdentityError) -> Failed {
    let text = format!(
        "the box was not enrolled, and the hub has taken the code: {}. Mend that, then ask for a new code",
        crate::failure::chain(&e)
    );
    Failed::new(exit::IO, text)
}

fn unspent(e: &dyn std::error::Error) -> String {
    format!(
        "nothing was done, and the code is not used up: {}. The command is for root, on a box whose folders the package made",
        crate::failure::chain(e)
    )
}

fn failed(e: EnrolError) -> Failed {
    let code = match &e {
        EnrolError::Code(_)
        | EnrolError::WrongBox { .. }
        | EnrolError::NoHub
        | EnrolError::BadHub(_)
        | EnrolError::Already(_) => exit::USAGE,
        EnrolError::Scheme { .. } => exit::CONFIG,
        EnrolError::Store(_) => exit::IO,
        EnrolError::Refused(_) | EnrolError::Answer(_) | EnrolError::Link(_) => exit::UNAVAILABLE,
    };
    Failed::new(code, e)
}
