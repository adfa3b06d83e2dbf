//! Pure. Cameras without quirks: what the others must not harm.
use crate::quirks::rig::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("plain", "plain", &[], "A camera without quirks (H.264)").secs(80),
        case(
            "plain-h265",
            "plain",
            &[],
            "A camera without quirks (H.265)",
        )
        .stream("odd-main.h265")
        .secs(80),
        case(
            "plain-udp",
            "plain",
            &[],
            "A camera without quirks, over UDP",
        )
        .udp(),
        case(
            "plain-sound",
            "plain",
            &[],
            "A camera without quirks, its sound recorded",
        )
        .sound(),
        case("plain-b-pictures", "plain", &[], "A camera with B pictures").stream("odd-b.h264"),
    ]
}
