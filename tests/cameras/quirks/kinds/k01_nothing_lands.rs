//! Pure. K1: pictures flow, and no IDR picture ever comes. What can be decoded is recorded; what cannot is a fault of its own.
use crate::quirks::rig::{Case, Kept, case};

pub fn cases() -> Vec<Case> {
    vec![
        case("intra-refresh", "K1", &["w3c/webcodecs#650", "videojs/mux.js#237", "google/ExoPlayer#2842"],
            "Never sends a key picture: parts of each picture are refreshed in turn, recovery points say when it is whole (H.264)")
            .stream("odd-refresh.h264")
            .starts_at(30),
        case("open-groups", "K1", &["voxel51/fiftyone#8490", "w3c/webcodecs#650"],
            "Key pictures are recovery points with B pictures that look back beyond them (open groups, H.264), never IDR")
            .stream("odd-open.h264")
            .starts_at(30),
        case("intra-pictures-unmarked", "K1", &["voxel51/fiftyone#8490"],
            "Whole intra pictures every two seconds, an IDR picture hardly ever, and no word that one could begin there")
            .stream("odd-open.h264")
            .starts_at(30)
            .units(|_, _, mut nals| {
                nals.retain(|n| n[0] & 31 != 6);
                nals
            })
            .expect(|e| e.kept = Kept::AtLeast(240)),
        case("open-groups-idr-once", "K1", &["bluenviron/gortsplib#480"],
            "An IDR picture begins the session; only recovery points come after it")
            .stream("odd-refresh.h264"),
        case("h265-cra", "K1", &["rerun-io/rerun#12818"],
            "H.265 whose key pictures are CRA, never IDR")
            .stream("odd-cra.h265")
        .loops_to(24)
            .starts_at(30),
        case("h265-bla", "K1", &[],
            "H.265 spliced by a relay: every key picture is a BLA")
            .stream("odd-cra.h265")
        .loops_to(24)
            .starts_at(30)
            .units(|_, codec, mut nals| {
                for nal in nals.iter_mut().filter(|n| codec.kind(n) == 21) {
                    nal[0] = nal[0] & 0x81 | 16 << 1;
                }
                nals
            }),
        case("h265-donl", "K1", &["RFC 7798, sprop-max-don-diff"],
            "Numbers the units of its packets (DONL), which Beadle does not read")
            .stream("odd-main.h265")
            .remedy("Turn interleaved packets (DONL) off, or set the stream to H.264.")
            .describes(|_, text| text.replace("sprop-vps", "sprop-max-don-diff=1;sprop-vps").into_bytes())
            .packets(|number, codec, mut packets| {
                for (n, packet) in packets.iter_mut().enumerate() {
                    let order = ((number * 8 + n) as u16).to_be_bytes();
                    let at = match codec.kind(&packet.payload) {
                        49 if packet.payload[2] & 0x80 == 0 => continue,
                        49 => 3,
                        _ => 2,
                    };
                    packet.payload.splice(at..at, order);
                }
                packets
            })
            .nothing(&["camera.nothing", "camera.unsupported"], &["no-key", "unsupported"]),
        case("never-a-key-picture", "K1", &["EliasKotlyar/Xiaomi-Dafang-Hacks#1423"],
            "Neither key pictures nor recovery points: nothing that could be decoded alone")
            .stream("odd-endless.h264")
            .starts_at(30)
            .remedy("Set the camera's key picture (I-frame) interval to two seconds.")
            .nothing(&["camera.nothing", "camera.unsupported"], &["no-key"]),
        case("key-picture-each-25s", "K1", &["badbread/crumbvms#114", "bluenviron/mediamtx/pull/1825"],
            "A smart codec stretches its groups to 25 seconds; the session begins in the middle of one")
            .stream("odd-long.h264")
            .starts_at(150)
            .expect(|e| e.may = &["camera.nothing"])
            .secs(45),
    ]
}
