//! Pure. Which way a camera's next session goes: directly, or by the relay.
//!
//! ```text
//! direct ──failed for a reason that the relay may mend──> relay, at once ──played, mended nothing──> direct
//!                                                            └─played, and mended something──> relay, until the daemon ends
//! ```
//! The direct way costs less, and a camera that needs nothing mended has it. `rtsps://`, an address that holds a secret and a camera
//! that may be told its password in Basic have no other way than the relay.
use crate::{
    capture::{
        relay::repair::{self, Repairs},
        session::Ended,
    },
    config::Camera,
};

/// A direct session that went on for longer needs no mending: whatever ended it, cameras give sessions up sooner.
const LONG_MS: u64 = 300_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Direct,
    Relay,
}

impl Way {
    /// As on the log.
    pub fn code(self) -> &'static str {
        match self {
            Way::Direct => "direct",
            Way::Relay => "relay",
        }
    }
}

/// One camera's, for as long as the daemon runs.
#[derive(Debug)]
pub struct Ways {
    next: Way,
    /// No other way is open.
    relay_only: bool,
    /// The relay had something to mend.
    kept: bool,
    has_password: bool,
    /// What was mended so far.
    repairs: Repairs,
    /// The last direct session broke off while it played.
    broke: bool,
}

impl Ways {
    pub fn new(camera: &Camera) -> Self {
        let relay_only = camera.url.tls() || camera.url.secret() || camera.basic;
        Self {
            next: if relay_only { Way::Relay } else { Way::Direct },
            relay_only,
            kept: false,
            has_password: camera.username.is_some(),
            repairs: Repairs::new(),
            broke: false,
        }
    }

    pub fn next(&self) -> Way {
        self.next
    }

    pub fn repairs(&self) -> &Repairs {
        &self.repairs
    }

    /// A session ended after playing for `played_ms` (0: never). True: the other way is to be tried at once, and this was no failure yet.
    pub fn ended(&mut self, how: Ended, played_ms: u64, repairs: &Repairs) -> bool {
        self.repairs.extend(repairs);
        if self.relay_only {
            return false;
        }
        match self.next {
            Way::Direct => {
                let mendable = played_ms < LONG_MS && self.mendable(how);
                self.broke = mendable && played_ms > 0;
                if mendable {
                    self.next = Way::Relay;
                }
                mendable
            }
            Way::Relay => {
                let outlived = self.broke && played_ms >= LONG_MS;
                if played_ms > 0 && (repair::needed(repairs) || outlived) {
                    self.kept = true;
                }
                let nothing = played_ms > 0 || how == Ended::Unreachable;
                if !self.kept && nothing {
                    self.next = Way::Direct;
                }
                false
            }
        }
    }

    fn mendable(&self, how: Ended) -> bool {
        match how {
            // A nonce that counts once, or a login that was answered wrongly, looks like this too.
            Ended::Password => self.has_password,
            Ended::Unreachable
            | Ended::Answer
            | Ended::Lost
            | Ended::Damaged
            | Ended::Stalled
            | Ended::Unsupported => true,
            Ended::Absent
            | Ended::NoPassword
            | Ended::Login
            | Ended::Certificate
            | Ended::Flood
            | Ended::NoKey
            | Ended::Jump
            | Ended::Worker
            | Ended::Unproved
            | Ended::Rule
            | Ended::Capacity
            | Ended::Stop => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::id::CameraId;

    use super::*;
    use crate::{capture::relay::repair::Repair, config::Address};

    fn camera(url: &str) -> Camera {
        Camera {
            url: Address::parse(url).expect("address"),
            username: Some("viewer".into()),
            ..crate::testing::camera(CameraId::parse("c01").expect("id"))
        }
    }

    fn ways() -> Ways {
        Ways::new(&camera("rtsp://10.0.0.1/"))
    }

    /// REC-1, REC-6: what fails directly is tried by the relay at once, and stays there only if that had something to mend.
    #[test]
    fn by_the_relay_where_it_mends() {
        let mut ways = ways();
        assert_eq!(ways.next(), Way::Direct);
        assert!(ways.ended(Ended::Answer, 0, &Repairs::new()));
        assert_eq!(ways.next(), Way::Relay);
        assert!(!ways.ended(Ended::Lost, 60_000, &Repairs::from([Repair::SdpText])));
        for _ in 0..3 {
            assert_eq!(ways.next(), Way::Relay, "kept");
            assert!(!ways.ended(Ended::Unreachable, 0, &Repairs::new()));
        }
        let mut ways = self::ways();
        ways.ended(Ended::Lost, 20_000, &Repairs::new());
        ways.ended(Ended::Lost, 20_000, &Repairs::new());
        assert_eq!(ways.next(), Way::Direct, "nothing was mended");
        ways.ended(Ended::Lost, 20_000, &Repairs::new());
        ways.ended(Ended::Lost, LONG_MS, &Repairs::new());
        assert_eq!(ways.next(), Way::Relay, "it lives longer by the relay");
    }

    /// REC-1: a camera that is off is not asked twice for ever; a long session is no reason; what the relay cannot mend neither.
    #[test]
    fn directly_where_it_does_not() {
        let mut ways = ways();
        assert!(ways.ended(Ended::Unreachable, 0, &Repairs::new()));
        assert!(!ways.ended(Ended::Unreachable, 0, &Repairs::new()));
        assert_eq!(ways.next(), Way::Direct);
        assert!(!ways.ended(Ended::Lost, LONG_MS, &Repairs::new()));
        for how in [Ended::Absent, Ended::Flood, Ended::Rule, Ended::Worker] {
            assert!(!ways.ended(how, 0, &Repairs::new()));
        }
        assert_eq!(ways.next(), Way::Direct);
    }

    /// REC-6: a wrong password is tried twice in all, not twice each time.
    #[test]
    fn a_wrong_password() {
        let mut ways = ways();
        assert!(ways.ended(Ended::Password, 0, &Repairs::new()));
        for _ in 0..5 {
            assert_eq!(ways.next(), Way::Relay);
            assert!(!ways.ended(Ended::Password, 0, &Repairs::new()));
        }
    }

    /// REC-6: no other way than the relay.
    #[test]
    fn relay_only() {
        let basic = Camera {
            basic: true,
            ..camera("rtsp://10.0.0.1/")
        };
        for camera in [
            camera("rtsps://10.0.0.1/"),
            camera("rtsp://10.0.0.1/p={password}"),
            basic,
        ] {
            let mut ways = Ways::new(&camera);
            for how in [Ended::Unreachable, Ended::Lost, Ended::Password] {
                assert_eq!(ways.next(), Way::Relay);
                assert!(!ways.ended(how, 400_000, &Repairs::new()));
            }
        }
    }
}
