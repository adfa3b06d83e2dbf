//! Pure, but for the clock. How a camera is told that somebody still looks; that it does not answer as it should is no end of a session.
use std::time::Duration;

use tokio::time::Instant;

use super::{
    headers,
    message::Response,
    repair::{Repair, Repairs},
};

/// The first is the most usual; the next is tried where the camera refuses it or breaks off over it.
const METHODS: [&str; 3] = ["GET_PARAMETER", "OPTIONS", "SET_PARAMETER"];
/// Without another word a camera gives a session up after a minute.
const USUAL: u32 = 60;
/// A camera that closes the connection so soon after one has closed it over it.
const SOON: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Keepalive {
    every: Duration,
    due: Instant,
    /// Place of the method in use.
    method: usize,
    /// The one that was sent last, and its number while no answer has come.
    sent: Option<Instant>,
    waits: Option<u32>,
    /// Methods refused in a row.
    refused: usize,
}

impl Keepalive {
    pub fn new(method: usize) -> Self {
        Self {
            every: Duration::from_secs(u64::from(USUAL) / 2),
            due: Instant::now(),
            method,
            sent: None,
            waits: None,
            refused: 0,
        }
    }

    /// The session's header has come; its name.
    pub fn session(&mut self, header: Option<&str>, repairs: &mut Repairs) -> Option<String> {
        let (name, timeout) = headers::session(header, repairs);
        let secs = timeout.unwrap_or(USUAL).min(USUAL);
        self.every = Duration::from_millis(u64::from(secs) * 500);
        name
    }

    pub fn begin(&mut self) {
        self.due = Instant::now() + self.every;
    }

    pub fn due(&self) -> Instant {
        self.due
    }

    pub fn method(&self) -> &'static str {
        METHODS[self.method % METHODS.len()]
    }

    pub fn sent(&mut self, number: u32) {
        let now = Instant::now();
        self.sent = Some(now);
        self.waits = Some(number);
        self.due = now + self.every;
    }

    /// The next is due, and the last one was not answered: another kind is tried.
    pub fn unanswered(&mut self) -> bool {
        let unanswered = self.waits.take().is_some();
        if unanswered {
            self.method += 1;
        }
        unanswered
    }

    /// To be sent again, with another answer to its login.
    pub fn again(&mut self) {
        self.waits = None;
    }

    /// An answer. True: it refuses this kind, and another is to be sent at once.
    pub fn answered(&mut self, response: &Response, repairs: &mut Repairs) -> bool {
        let number = response
            .headers
            .get("CSeq")
            .and_then(|n| n.parse::<u32>().ok());
        if self.waits.is_none() || number != self.waits {
            repairs.insert(Repair::Keepalive);
        }
        self.waits = None;
        if (200..300).contains(&response.status) {
            self.refused = 0;
            return false;
        }
        self.refused += 1;
        if self.refused >= METHODS.len() {
            // It knows none of them, or says so of all: the session goes on as long as it goes on.
            return false;
        }
        self.method += 1;
        true
    }

    /// The camera closed the connection: the kind to begin with next time, if it was over this one.
    pub fn closed_by(&self) -> Option<usize> {
        let soon = self.sent.is_some_and(|s| s.elapsed() < SOON);
        soon.then_some((self.method + 1) % METHODS.len())
    }
}
