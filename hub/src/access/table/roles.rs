//! Pure. Roles that many rows of the table have.

use crate::model::role::Role::{self, *};

/// Everybody with an account: nothing here is about people or pictures.
pub const ALL_ROLES: &[Role] = &Role::ALL;

/// Work with footage.
pub const FOOTAGE_ROLES: &[Role] = &[Operator, Supervisor, Coordinator, Approver];

/// Decide about what others are bound by.
pub const DECIDE: &[Role] = &[Supervisor, Coordinator, Approver];

/// Keep the scheme's boxes in order.
pub const KEEP: &[Role] = &[Supervisor, Coordinator, Approver, Administrator];

/// May end what shows more than usual: whoever can see that it is not needed any more.
pub const END: &[Role] = &[Operator, Supervisor, Coordinator, Approver, Administrator];

/// Look at how the scheme keeps its rules.
pub const OVERSEE: &[Role] = &[
    Supervisor,
    Coordinator,
    Approver,
    Auditor,
    Inspector,
    Administrator,
];

/// See who has which role.
pub const ACCOUNTS: &[Role] = &[Coordinator, Auditor, Inspector, Administrator];

/// Keep accounts.
pub const ADMINISTER: &[Role] = &[Coordinator, Administrator];
