//! Adapter: Landlock. A domain in which nothing is permitted.
//!
//! Asked for is what Landlock knew by its sixth version (Linux 6.12): every right to files, TCP, and the scopes of abstract
//! sockets and signals. Being in a domain also forbids tracing anything outside it, on any version. UDP and other sockets
//! are for the list of calls.
use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetError, RulesetStatus, Scope,
};

const WANTED: ABI = ABI::V6;

/// What came when: a kernel of an earlier version lacks it.
const STEPS: &[(ABI, &str)] = &[
    (ABI::V2, "moving files between folders (Linux 5.19)"),
    (ABI::V3, "cutting files short (Linux 6.2)"),
    (ABI::V4, "TCP (Linux 6.7)"),
    (ABI::V5, "orders to devices (Linux 6.10)"),
    (ABI::V6, "abstract sockets and signals (Linux 6.12)"),
];

/// Puts this thread, and those it starts, into the domain. Says what is missing. To be called while there is one thread.
pub fn enter() -> Vec<String> {
    match restrict() {
        Ok(status) => missing(&status.landlock, &status.ruleset),
        Err(e) => vec![format!("Landlock did not take the rules: {e}")],
    }
}

fn restrict() -> Result<RestrictionStatus, RulesetError> {
    // The crate asks for less by itself where the kernel knows less.
    Ruleset::default()
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(AccessNet::from_all(WANTED))?
        .scope(Scope::from_all(WANTED))?
        .create()?
        .restrict_self()
}

fn missing(kernel: &LandlockStatus, ruleset: &RulesetStatus) -> Vec<String> {
    match (kernel, ruleset) {
        (_, RulesetStatus::FullyEnforced) => Vec::new(),
        (LandlockStatus::NotEnabled, _) => vec![
            "Landlock is not switched on in this kernel (landlock is not in its list lsm=)".into(),
        ],
        (LandlockStatus::NotImplemented, _) => vec![
            "this kernel has no Landlock (Linux 5.13 or newer, built with it), or the service manager's filter forbids it"
                .into(),
        ],
        (LandlockStatus::Available { effective_abi, .. }, _) => {
            let lacking: Vec<String> = STEPS
                .iter()
                .filter(|(since, _)| effective_abi < since)
                .map(|(_, what)| format!("this kernel's Landlock does not know {what}"))
                .collect();
            if lacking.is_empty() {
                vec!["this kernel's Landlock enforces only a part".into()]
            } else {
                lacking
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is missing is named, on kernels this machine does not run.
    #[test]
    fn older_kernels_lack_what_came_later() {
        let on = |effective_abi| {
            missing(
                &LandlockStatus::Available {
                    effective_abi,
                    kernel_abi: None,
                },
                &RulesetStatus::PartiallyEnforced,
            )
        };
        assert_eq!(on(ABI::V1).len(), 5);
        assert_eq!(
            on(ABI::V4),
            [
                "this kernel's Landlock does not know orders to devices (Linux 6.10)",
                "this kernel's Landlock does not know abstract sockets and signals (Linux 6.12)"
            ]
        );
        assert!(!on(ABI::V6).is_empty(), "partly is never said to be wholly");
        for (kernel, word) in [
            (LandlockStatus::NotEnabled, "not switched on"),
            (LandlockStatus::NotImplemented, "no Landlock"),
        ] {
            assert!(missing(&kernel, &RulesetStatus::NotEnforced)[0].contains(word));
        }
        let newest = LandlockStatus::Available {
            effective_abi: ABI::V7,
            kernel_abi: Some(99),
        };
        assert!(missing(&newest, &RulesetStatus::FullyEnforced).is_empty());
    }
}
