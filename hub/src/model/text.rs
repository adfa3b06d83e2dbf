//! Pure. What people have to say for themselves, field by field.

/// What somebody has to say for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    Purpose,
    Reference,
    Requester,
    /// Who else is there.
    Present,
    /// The order or the power under which it is asked.
    Order,
    /// How a requester's identity was checked.
    Identity,
    Authority,
    Reason,
    Note,
    /// To whom something is handed.
    Recipient,
    /// What came of a review.
    Result,
    /// The producer's reference of an exhibit.
    Mark,
    /// What a copy is on, and where that is.
    Medium,
    Place,
    /// For whom somebody is handed something.
    Agency,
    /// From whom something comes back, or who signs for it.
    Sender,
    /// What is signed for something.
    Receipt,
    /// What says how media may use something, for what, and within which limits.
    Document,
    Uses,
    Limits,
}
