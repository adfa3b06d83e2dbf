//! Pure. What a second person has to approve: the kinds of it.

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A role that decides, or one for the account of whoever asks.
    Role,
    /// A clip request of a class that takes a second person.
    Request,
    /// A one-time password for an account with a role that decides.
    Reset,
    /// The same for one whose second factors are lost.
    Recovery,
    /// The release of a hold before its time.
    Release,
    /// A lift of a mask.
    Lift,
    /// A disposal of an exhibit before its time, or by whoever made it due.
    Disposal,
    /// That records are an older copy is settled.
    Rollback,
    /// Another key counts at a box for approvals, or one no more.
    Approver,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Role,
        Self::Request,
        Self::Reset,
        Self::Recovery,
        Self::Release,
        Self::Lift,
        Self::Disposal,
        Self::Rollback,
        Self::Approver,
    ];
    /// Those that are about accounts, which administrators settle.
    pub const OF_ACCOUNTS: [Self; 3] = [Self::Role, Self::Reset, Self::Recovery];

    pub fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Request => "request",
            Self::Reset => "reset",
            Self::Recovery => "recovery",
            Self::Release => "release",
            Self::Lift => "lift",
            Self::Disposal => "disposal",
            Self::Rollback => "rollback",
            Self::Approver => "approver",
        }
    }

    /// A request waits so long.
    pub fn waits_ms(self) -> i64 {
        match self {
            // What a camera is to show now.
            Self::Lift => 3_600_000,
            _ => 7 * 86_400_000,
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
