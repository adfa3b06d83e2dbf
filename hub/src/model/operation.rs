//! Pure. One row of the table of operations: what it says of an operation.

use super::role::Role;

/// What the scope of somebody's grant is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The hub, or all of something; lists leave out what is not for whoever asks.
    Hub,
    /// The hub as a whole: a role that was given for some cameras is not enough.
    Whole,
    Box,
    /// A log: the cameras of its box, or the whole hub.
    Log,
    Camera,
    Exhibit,
    Hold,
    Lift,
    /// An order that waits for people's passkeys.
    Order,
    /// A clip request: all its cameras.
    Request,
}

/// How HTTP asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Changes nothing.
    Get,
    Post,
}

impl Method {
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What a second person has to do with it (ROL-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// One is enough.
    No,
    /// It only asks; somebody else has to approve it.
    Asks,
    /// It is the second person's word, never that of whoever asked.
    Approves,
    /// Two people say it at once.
    Both,
}

#[derive(Debug)]
pub struct Row {
    /// As the log, the tokens and the documents call it.
    pub name: &'static str,
    /// What it does, after "may" or "may not".
    pub what: &'static str,
    pub method: Method,
    /// Below `/api/v1`.
    pub path: &'static str,
    pub roles: &'static [Role],
    /// Everybody with an account may, role or none: it is about their own account.
    pub own: bool,
    /// Root at the hub machine may without naming a person: nothing of it is about people or pictures.
    pub console: bool,
    pub about: About,
    /// A purpose and a reference have to be given (AUD-5).
    pub purpose: bool,
    pub second: Second,
    /// Kinds of lines it puts on the hub's log before it is done.
    pub lines: &'static [&'static str],
}

/// A row is its operation.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Row {
    pub const fn new(
        name: &'static str,
        method: Method,
        path: &'static str,
        what: &'static str,
        roles: &'static [Role],
    ) -> Self {
        Self {
            name,
            what,
            method,
            path,
            roles,
            own: false,
            console: false,
            about: About::Hub,
            purpose: false,
            second: Second::No,
            lines: &[],
        }
    }

    /// About the account of whoever asks.
    pub const fn own(
        name: &'static str,
        method: Method,
        path: &'static str,
        what: &'static str,
    ) -> Self {
        let mut row = Self::new(name, method, path, what, &Role::ALL);
        row.own = true;
        row
    }

    pub const fn console(mut self) -> Self {
        self.console = true;
        self
    }

    pub const fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }

    pub const fn purpose(mut self) -> Self {
        self.purpose = true;
        self
    }

    pub const fn second(mut self, second: Second) -> Self {
        self.second = second;
        self
    }

    pub const fn writes(mut self, lines: &'static [&'static str]) -> Self {
        self.lines = lines;
        self
    }
}
