//! Pure. Why the relay could not go on with a camera: by kind, and what that means for the session.
use std::fmt;

use super::{login::Refusal, message::FramingError};
use crate::capture::session::{Ended, Outcome, refusal};

#[derive(Debug)]
pub enum Trouble {
    /// No connection: the name is not known, nobody answers, or it is refused.
    Connect(std::io::Error),
    /// The same of the address that it sends on to, which is this one.
    Moved(String, std::io::Error),
    /// Connected, and no answer within so many seconds.
    Silent(u64),
    /// It broke off.
    Closed,
    Framing(FramingError),
    /// It refuses a request: which, and with what status.
    Refused(&'static str, u16),
    Login(Refusal),
    /// Its certificate is not to be trusted; in words.
    Certificate(String),
    /// TLS cannot be spoken with it; in words.
    Tls(String),
    /// What the box remembers of it cannot be read; in words.
    Memory(String),
    /// It sends on to another host, or in a circle.
    Elsewhere,
    Circle,
    /// It sends on from a protected connection to an open one.
    Downgrade,
    /// Its description holds no stream.
    NoStream,
    /// What was configured is no address with what was filled in.
    Address,
    /// The box itself cannot: in words.
    Here(std::io::Error),
}

impl Trouble {
    pub fn ended(&self) -> Ended {
        match self {
            Trouble::Connect(_) | Trouble::Moved(..) | Trouble::Silent(_) => Ended::Unreachable,
            Trouble::Closed | Trouble::Here(_) => Ended::Lost,
            Trouble::Framing(_)
            | Trouble::Elsewhere
            | Trouble::Circle
            | Trouble::Tls(_)
            | Trouble::NoStream
            | Trouble::Address => Ended::Answer,
            Trouble::Refused(_, status) => refusal(Some(*status)),
            Trouble::Login(refusal) => match refusal {
                Refusal::Wrong | Refusal::NoName => Ended::Password,
                Refusal::Later => Ended::Answer,
                Refusal::Basic | Refusal::Downgrade | Refusal::Unspoken(_) | Refusal::Unsaid => {
                    Ended::Login
                }
            },
            Trouble::Certificate(_) | Trouble::Memory(_) | Trouble::Downgrade => Ended::Certificate,
        }
    }

    pub fn outcome(&self) -> Outcome {
        (self.ended(), self.to_string())
    }

    /// What retina is told, so that it does not go on.
    pub fn status(&self) -> u16 {
        match self {
            Trouble::Refused(_, status) => *status,
            Trouble::Login(_) => 403,
            _ => 502,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Connect(e) => write!(f, "it cannot be connected to: {e}"),
            Trouble::Moved(to, e) => write!(
                f,
                "it sends on to another address of its own, {to}, which cannot be connected to: {e}"
            ),
            Trouble::Silent(secs) => write!(f, "no answer within {secs} s"),
            Trouble::Closed => f.write_str("the camera closed the connection"),
            Trouble::Framing(e) => write!(f, "what it sends cannot be read: {e}"),
            Trouble::Refused(what, status) => write!(f, "it answers {what} with status {status}"),
            Trouble::Login(refusal) => write!(f, "{refusal}"),
            Trouble::Certificate(why) | Trouble::Tls(why) | Trouble::Memory(why) => {
                f.write_str(why)
            }
            Trouble::Elsewhere => f.write_str(
                "it sends on to another host, which is not followed: put that address in the configuration if it is right",
            ),
            Trouble::Circle => f.write_str("it sends on from one address to the next without end"),
            Trouble::Downgrade => f.write_str(
                "it sends on from its protected address to an open one, which is not followed",
            ),
            Trouble::NoStream => f.write_str("its description names no stream"),
            Trouble::Address => {
                f.write_str("with the name and password filled in, url is no address")
            }
            Trouble::Here(e) => write!(f, "the box cannot pass its pictures on: {e}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoName => f.write_str("the camera asks for a user name and password"),
            Refusal::Wrong => f.write_str("it refuses the user name or the password"),
            Refusal::Later => {
                f.write_str("it took the password, and refused it later in the same session")
            }
            Refusal::Basic => f.write_str(
                "it knows no login but Basic, which gives the password to anyone who listens. Set its RTSP login to Digest; where it has no such setting, basic = true allows Basic for this camera",
            ),
            Refusal::Downgrade => f.write_str(
                "it asks for the password in Basic, and asked for it in Digest before: it is not told. If its settings were changed, set its RTSP login back to Digest; otherwise somebody may be between it and the box",
            ),
            Refusal::Unspoken(names) => write!(
                f,
                "it asks for a kind of login that Beadle does not speak ({}); Digest with MD5 or SHA-256 is spoken",
                names.join(", ")
            ),
            Refusal::Unsaid => f.write_str("it asks for a login and does not say which kind"),
        }
    }
}
