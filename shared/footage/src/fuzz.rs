//! Pure. What is read of footage, for fuzzing: none of these may panic, whatever the bytes are.
use crate::{
    mp4,
    sealed::{self, Opener, Window},
};

/// Whose key sealed files of the kept corpus are sealed to. Nothing else is.
pub const IDENTITY: &str =
    "AGE-SECRET-KEY-1V72YP0NZZFPQTF0MPREXGKT3EVFJC6LZZYYLKXXW59HFF35KH20S2354JM";

/// A segment, whole or torn, and a working copy made of it.
pub fn mp4(bytes: &[u8]) {
    if let Ok(segment) = mp4::parse(bytes) {
        let all = [segment];
        let (from, to) = all[0]
            .samples
            .first()
            .zip(all[0].samples.last())
            .map_or((shared::time::Utc(0), shared::time::Utc(1)), |(a, b)| {
                (a.wall, b.wall)
            });
        let _ = mp4::plan_working_copy(&all, from, to);
    }
    if let Ok(salvaged) = mp4::salvage(bytes.to_vec()) {
        assert!(mp4::parse(&salvaged).is_ok(), "what is salvaged is whole");
    }
}

/// A sealed file, in one piece and in two.
pub fn sealed(bytes: &[u8]) {
    let _ = sealed::header_len(bytes);
    let identities = [IDENTITY.to_owned()];
    for cut in [0, bytes.len() / 2] {
        let (mut opener, mut out) = (Opener::new(&identities), Vec::new());
        let _ = opener.push(&bytes[..cut], &mut out);
        let _ = opener.push(&bytes[cut..], &mut out);
        let _ = opener.finish_or_torn(&mut out);
    }
    let _ = sealed::rewrap(bytes, IDENTITY, "age1");
    if let Ok(mut window) = Window::new(bytes, bytes.len() as u64, IDENTITY) {
        let (at, length) = window.place(window.last());
        let piece = usize::try_from(at)
            .ok()
            .and_then(|at| bytes.get(at..at.saturating_add(length)));
        let _ = piece.map(|piece| window.open(window.last(), piece));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use shared::{testing::corpus, time::Utc};

    use super::*;
    use crate::mp4::{Codec, Frame, Parameters};

    /// The first inputs, which nobody can write by hand.
    #[test]
    #[ignore = "writes tests/fuzz/corpus anew"]
    fn seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus");
        let put = |target: &str, name: &str, bytes: &[u8]| {
            fs::create_dir_all(folder.join(target)).expect("folder");
            fs::write(folder.join(target).join(name), bytes).expect("written");
        };
        let config = [
            &[
                1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0xc0, 0x1e,
            ][..],
            &[1, 0, 4, 0x68, 0xce, 0x0f, 0xc8],
        ];
        let mut segment = mp4::init(&Parameters {
            codec: Codec::H264,
            width: 640,
            height: 360,
            config: config.concat(),
            sound: None,
        })
        .expect("init");
        let frame = |n: u64| Frame {
            bytes: vec![0, 0, 0, 3, 0x65, n as u8, 1].into(),
            dts: n * 3600,
            duration: 3600,
            cts: 0,
            key: n == 0,
        };
        for n in 0..2u64 {
            let frames = [frame(2 * n), frame(2 * n + 1)];
            let at = Utc(1_800_000_000_000 + n as i64 * 80);
            mp4::fragment(n as u32 + 1, at, &frames, &[], &mut segment).expect("fragment");
        }
        put("mp4", "whole", &segment);
        put("mp4", "torn", &segment[..segment.len() - 9]);
        let recipient = sealed::recipient_of(IDENTITY).expect("recipient");
        put(
            "sealed",
            "short",
            &sealed::seal(&recipient, b"footage").expect("sealed"),
        );
        let (_, other) = sealed::keypair();
        put(
            "sealed",
            "of-another",
            &sealed::seal(&other, b"footage").expect("sealed"),
        );
        put(
            "sealed",
            "segment",
            &sealed::seal(&recipient, &segment).expect("sealed"),
        );
    }

    /// V-rows, EVI-2: what fuzzing kept of segments and sealed files.
    #[test]
    fn the_kept_corpus() {
        corpus("mp4", super::mp4);
        corpus("sealed", super::sealed);
    }
}
