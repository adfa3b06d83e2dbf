//! Pure. REC-6: cameras that speak RTSP over TLS. The first certificate is kept; another gets no session.
use crate::quirks::rig::{Case, Kept, camera::Flow, case, login::Login};

const REPORTS: &[&str] = &["rroller/dahua#92", "spupuz/VibeNVR#8"];

pub fn cases() -> Vec<Case> {
    let digest =
        || Login::new("admin", "Passw0rd!").offers("Digest realm=\"{realm}\", nonce=\"{nonce}\"");
    vec![
        case("rtsps", "rtsps", REPORTS, "Speaks RTSP over TLS only, under a certificate it made itself").tls(false),
        case("rtsps-login", "rtsps", REPORTS, "The same with a login, and H.265").stream("odd-main.h265").login(digest()).tls(false),
        case("rtsps-leaves-once", "rtsps", REPORTS, "The same; its session ends once")
            .tls(false)
            .expect(|e| {
                e.sessions = (2, 2);
                e.gaps = &[("lost-session", 4_000)];
            })
            .before(|sending, n| if sending.session == 1 && n == 120 { Flow::End } else { Flow::Send }),
        case("rtsps-other-certificate", "rtsps", &[], "Its certificate is another after its first session")
            .login(digest())
            .remedy("Find out why. If the camera was reset or replaced: `beadle-edge camera accept` with its id.")
            .tls(true)
            .secs(9)
            .expect(|e| {
                e.kept = Kept::AtLeast(90);
                e.faults = &["camera.certificate"];
                e.may = &["camera.nothing"];
            })
            .before(|sending, n| if sending.session == 1 && n == 120 { Flow::End } else { Flow::Send }),
    ]
}
