//! Pure. What an error of retina's comes to while a session plays.
//!
//! retina gives its errors no kinds (only the status of an answer, and here there is none), and what comes next does not tell either:
//! bytes that make no sense and packets that make none both go on as errors. So this file, and no other, reads what can be read: the
//! name of the error's type as `Debug` writes it, and of a packet whose head was in order how the reason begins. The tests beside it
//! have retina itself make each of these errors, and hold what is decided: a retina that says them otherwise fails there. What is not
//! known is taken for the worse: the session is begun anew, or the packet counts as lost.
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The connection is gone, or nobody answers on it.
    Broken,
    /// It is there, and where its next message begins cannot be told any more.
    Garbled,
    /// One packet cannot be used; the next ones may be.
    Packet(Fate),
}

/// What retina did with the number of a packet that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It did not take it in: if it was the stream's, the next picture's loss counts it.
    PassedBy,
    /// It took it in: no loss counts it. What it holds of a picture is in doubt, and it may panic when it goes on.
    TakenIn,
    /// There is nothing in it, and it has a number: what keeps a way through a network open. No loss, but it tears a picture that it
    /// comes amid; the relay leaves such packets out.
    Empty,
}

/// How a reason begins where there was nothing in a packet: of H.264, and of H.265.
const EMPTY: [&str; 2] = ["Empty NAL", "Short NAL"];

impl Damage {
    pub(crate) fn of(e: &retina::Error) -> Self {
        match name(e).as_str() {
            "RtspFramingError" => Damage::Garbled,
            // Its RTP head, or a report, made no sense.
            "PacketError" => Damage::Packet(Fate::PassedBy),
            "RtpPacketError" => {
                let reason = Beginning::of(&format_args!("{e}"), Beginning::REASON, |_| true);
                let strange = ["wrong ssrc", "Out-of-order"]
                    .iter()
                    .any(|r| reason.starts_with(r));
                let empty = EMPTY.iter().any(|r| reason.starts_with(r));
                Damage::Packet(if empty {
                    Fate::Empty
                } else if strange {
                    Fate::PassedBy
                } else {
                    Fate::TakenIn
                })
            }
            _ => Damage::Broken,
        }
    }
}

/// The name of its type.
fn name(e: &retina::Error) -> String {
    let word = |c: char| c.is_ascii_alphanumeric();
    Beginning::of(&format_args!("{e:?}"), Beginning::REASON, word)
}

/// Which of the session's streams it is about, where it is one packet's.
pub(crate) fn stream(e: &retina::Error) -> Option<usize> {
    let text = Beginning::of(&format_args!("{e:?}"), Beginning::FIELDS, |_| true);
    // Its fields come before the reason, which is the only one that holds anything of the camera's.
    let (_, after) = text.split_once(" stream_id: ")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The beginning of what something writes; the rest, which may be long, is not written at all.
struct Beginning {
    text: String,
    most: usize,
    belongs: fn(char) -> bool,
}

impl Beginning {
    const REASON: usize = 32;
    const FIELDS: usize = 2048;

    fn of(what: &std::fmt::Arguments<'_>, most: usize, belongs: fn(char) -> bool) -> String {
        let mut beginning = Self {
            text: String::new(),
            most,
            belongs,
        };
        // That it stops is no failure.
        let _ = beginning.write_fmt(*what);
        beginning.text
    }
}

impl Write for Beginning {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        for c in more.chars() {
            if !(self.belongs)(c) || self.text.len() >= self.most {
                return Err(std::fmt::Error);
            }
            self.text.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "damage_tests.rs"]
mod tests;
