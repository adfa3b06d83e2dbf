//! Wiring. How far something is that takes longer than two seconds, on the terminal or in a file.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// What takes longer than this says how far it is.
const QUIET: Duration = Duration::from_secs(2);

/// How far something is: moving on a terminal, whole tenths in a file.
pub(super) struct Meter {
    what: &'static str,
    began: Instant,
    terminal: bool,
    shown: Option<u64>,
}

impl Meter {
    pub fn new(what: &'static str) -> Self {
        Self {
            what,
            began: Instant::now(),
            terminal: std::io::stderr().is_terminal(),
            shown: None,
        }
    }

    pub fn show(&mut self, bytes: u64, of: u64) {
        let percent = (bytes * 100).checked_div(of).unwrap_or(100);
        let mark = if self.terminal { percent } else { percent / 10 };
        if self.began.elapsed() < QUIET || self.shown == Some(mark) {
            return;
        }
        self.shown = Some(mark);
        let line = format!(
            "{:<10} {percent:>3} %  {} of {} MiB",
            self.what,
            bytes >> 20,
            of >> 20
        );
        if self.terminal {
            eprint!("\r\x1b[K{line}");
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    pub fn end(&self) {
        if self.terminal && self.shown.is_some() {
            eprintln!();
        }
    }
}
