//! Pure. Who asked for a clip, who authorised it and at whose order it was made: by name and role, as they were when they did it.

/// Somebody who works with the hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// As the log names them: op:0147.
    pub op: String,
    /// None where it was erased, or nobody has this number.
    pub name: Option<String>,
    /// What they were when they did it, as the log says it: supervisor, operator@town-council, operator/cameras.
    pub roles: Vec<String>,
}

/// Everybody that a package names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Whoever the footage is for, as it was typed in.
    pub requester: String,
    /// The requester's own reference.
    pub reference: String,
    pub purpose: String,
    /// Who asked the hub for it on their behalf.
    pub submitted: Person,
    /// Who authorised it, where another person had to.
    pub authorised: Option<Person>,
}
