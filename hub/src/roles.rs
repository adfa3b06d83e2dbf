//! Pure. Which roles may do what with footage and exhibits. Whoever is not named may not; every door to them asks here.

use crate::board::{Account, Refusal};

/// What somebody wants of footage, or of a clip that was pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// See from when to when each camera's footage goes, its gaps and masks.
    ListFootage,
    /// See which clips were pulled: by whom, what for, under which reference.
    ListExhibits,
    /// Watch one, or read its certificate.
    Watch,
    /// Have one in plain.
    Save,
}

impl Act {
    fn roles(self) -> &'static [&'static str] {
        match self {
            Self::ListFootage | Self::ListExhibits | Self::Watch | Self::Save => {
                &["operator", "supervisor", "manager", "approver"]
            }
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::ListFootage => "see what footage there is",
            Self::ListExhibits => "see which clips were pulled, or anything of them",
            Self::Watch => "watch a clip or read its certificate",
            Self::Save => "save a package",
        }
    }
}

/// Refuses whoever may not, in a sentence for that person.
pub fn authorise(who: &Account, act: Act) -> Result<(), Refusal> {
    may(who, act.roles(), act.in_words())
}

/// Refuses whoever has none of these roles. `what` goes on after "may not".
pub(crate) fn may(who: &Account, roles: &[&str], what: &str) -> Result<(), Refusal> {
    if roles.contains(&who.role.as_str()) {
        return Ok(());
    }
    Err(Refusal(format!(
        "{} is {} {} here, and may not {what}; that takes one of: {}",
        who.name,
        if who.role.starts_with(['a', 'i', 'o']) {
            "an"
        } else {
            "a"
        },
        who.role,
        roles.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::staff::ROLES;

    /// ROL-2, V3: a role that is not named may not, an unknown one neither.
    #[test]
    fn whoever_is_not_named_may_not() {
        let with = |role: &str| Account {
            op: 3,
            name: "kim".into(),
            role: role.into(),
        };
        for act in [Act::ListFootage, Act::ListExhibits, Act::Watch, Act::Save] {
            for role in ROLES {
                let may = matches!(*role, "operator" | "supervisor" | "manager" | "approver");
                assert_eq!(authorise(&with(role), act).is_ok(), may, "{role} {act:?}");
            }
            assert!(authorise(&with(""), act).is_err());
            assert!(authorise(&with("Operator"), act).is_err());
        }
        let no = authorise(&with("inspector"), Act::Watch).expect_err("no");
        assert_eq!(
            no.0,
            "kim is an inspector here, and may not watch a clip or read its certificate; that takes one of: operator, supervisor, manager, approver"
        );
    }
}
