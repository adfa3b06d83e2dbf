//! Pure. K4: when and where parameter sets come.
use crate::quirks::rig::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("no-sprop", "K4", &["AxisCommunications/media-stream-library-js#417", "bluenviron/gortsplib#88", "kerberos-io/agent#105"],
            "No parameter sets in the description, only with key pictures")
            .script(|s| s.sprop = false),
        case("no-sprop-joins-mid-group", "K4", &["bluenviron/gortsplib#88", "badbread/crumbvms#114"],
            "The same, and the session begins in the middle of a group (recorders' channels, relays)")
            .script(|s| s.sprop = false)
            .starts_at(7),
        case("no-sprop-joins-mid-group-h265", "K4", &["bluenviron/gortsplib#88", "badbread/crumbvms#114"],
            "The same with H.265")
            .stream("odd-main.h265")
            .script(|s| s.sprop = false)
            .starts_at(7),
        case("no-sprop-long-group", "K4", &["bluenviron/gortsplib#88", "badbread/crumbvms#114"],
            "The same; the first key picture comes after eight seconds")
            .stream("odd-long.h264")
            .script(|s| s.sprop = false)
            .starts_at(204),
        case("empty-sprop", "K4", &["bluenviron/mediamtx#861", "kerberos-io/agent#105"],
            "The description names parameter sets and leaves them empty")
            .describes(|_, text| {
                let (head, tail) = text.split_once("sprop-parameter-sets=").unwrap_or((&text, ""));
                let rest = tail.split_once("\r\n").map_or("", |(_, rest)| rest);
                format!("{head}sprop-parameter-sets=\r\n{rest}").into_bytes()
            }),
        case("parameters-out-of-band", "K4", &["meetecho/janus-gateway#849"],
            "Parameter sets in the description only, never with a picture")
            .script(|s| s.in_band = false),
        case("parameters-change", "K4", &["roleoroleo/yi-hack-Allwinner-v2#1153", "bluenviron/gortsplib#402"],
            "Day and night have parameter sets of their own, told with the pictures only")
            .pictures(|n| (if n / 120 % 2 == 0 { "odd-main.h264" } else { "odd-night.h264" }, n % 120)),
        case("parameters-change-h265", "K4", &["bluenviron/gortsplib#402"], "The same with H.265")
            .stream("odd-main.h265")
            .pictures(|n| (if n / 120 % 2 == 0 { "odd-main.h265" } else { "odd-night.h265" }, n % 120)),
        case("no-parameters-at-all", "K4", &[],
            "Parameter sets neither in the description nor with any picture")
            .script(|s| (s.sprop, s.in_band) = (false, false))
            .remedy("Nothing can decode such a stream: update the camera's firmware, or choose another stream of it.")
            .nothing(&["camera.unsupported"], &["no-key", "unsupported"]),
        case("size-changes", "K4", &["scottlamb/moonfire-nvr#42"], "The picture's size changes while it plays")
            .pictures(|n| (if n / 120 % 2 == 0 { "odd-main.h264" } else { "odd-large.h264" }, n % 120)),
    ]
}
