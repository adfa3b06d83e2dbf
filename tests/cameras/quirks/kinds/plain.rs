//! Pure. Cameras without quirks: what the others must not harm.
use crate::quirks::rig::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("plain", "plain", &[], "No quirks (H.264)").secs(45),
        case("plain-h265", "plain", &[], "No quirks (H.265)")
            .stream("odd-main.h265")
            .secs(45),
        case("plain-b-pictures", "plain", &[], "B pictures").stream("odd-b.h264"),
    ]
}

/// Beside those whose words are odd.
pub fn controls() -> Vec<Case> {
    vec![
        case("plain-words", "plain", &[], "No quirks").secs(45),
        case("plain-sound", "plain", &[], "No quirks, its sound recorded").sound(),
    ]
}

/// Beside those whose packets are odd.
pub fn others() -> Vec<Case> {
    vec![
        case("plain-packets", "plain", &[], "No quirks").secs(45),
        case("plain-udp", "plain", &[], "No quirks, over UDP").udp(),
    ]
}
