//! Pure. Segments and working copies with sound, as ffmpeg, ffprobe and another MP4 library read them.
use super::*;

const RATE: u32 = 16_000;

/// AAC made by ffmpeg: its sample entry, and its frames of 1024 samples.
fn tone(seconds: u32) -> (Sound, Vec<SoundFrame>) {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (mp4, adts) = (path("x.mp4"), path("x.aac"));
    let source = format!("sine=frequency=440:sample_rate={RATE}:duration={seconds}");
    run(
        "ffmpeg",
        &[
            "-v", "error", "-f", "lavfi", "-i", &source, "-c:a", "aac", "-b:a", "32k", &mp4,
        ],
    );
    run(
        "ffmpeg",
        &["-v", "error", "-i", &mp4, "-c", "copy", "-f", "adts", &adts],
    );
    let file = std::fs::read(&mp4).expect("mp4");
    let moov = child(&file, b"moov").expect("moov");
    let stsd = boxes::descend(moov, &[b"trak", b"mdia", b"minf", b"stbl", b"stsd"]).expect("stsd");
    let entry = stsd[8..][..first(&stsd[8..]).expect("entry").whole].to_vec();
    let bytes = std::fs::read(&adts).expect("adts");
    let (mut at, mut frames) = (0, Vec::new());
    while at + 7 <= bytes.len() {
        let long = usize::from(bytes[at + 3] & 3) << 11
            | usize::from(bytes[at + 4]) << 3
            | usize::from(bytes[at + 5]) >> 5;
        frames.push(SoundFrame {
            dts: frames.len() as u64 * 1024,
            duration: 1024,
            bytes: bytes[at + 7..at + long].to_vec().into(),
        });
        at += long;
    }
    (Sound { rate: RATE, entry }, frames)
}

/// A segment whose sound begins `late` ticks after its pictures; each fragment holds the sound that begins during its pictures.
fn segment_with(
    parameters: &Parameters,
    frames: &[Frame],
    sound: &[SoundFrame],
    late: u64,
    start: Utc,
) -> Vec<u8> {
    let mut out = init(parameters).expect("init");
    let dts0 = frames[0].dts;
    let heard0 = sound.first().map_or(0, |s| s.dts);
    let placed: Vec<SoundFrame> = sound
        .iter()
        .map(|s| SoundFrame {
            dts: s.dts - heard0 + late,
            ..s.clone()
        })
        .collect();
    for (i, part) in frames.chunks(12).enumerate() {
        let local: Vec<Frame> = part
            .iter()
            .map(|f| Frame {
                dts: f.dts - dts0,
                ..f.clone()
            })
            .collect();
        let span = |f: &SoundFrame| f.dts * 90_000 / u64::from(RATE);
        let end = local.last().map_or(0, |f| f.dts + u64::from(f.duration));
        let heard: Vec<SoundFrame> = placed
            .iter()
            .filter(|s| (local[0].dts..end).contains(&span(s)))
            .cloned()
            .collect();
        let at = start.plus_ms(ms(local[0].dts as i64));
        fragment(i as u32 + 1, at, &local, &heard, &mut out).expect("fragment");
    }
    out
}

struct Take {
    parameters: Parameters,
    frames: Vec<Frame>,
    sound: Vec<SoundFrame>,
}

fn take() -> Take {
    let (parameters, frames) = film(Codec::H264, "320x180", 4, &["-g", "25", "-bf", "0"]);
    let (about, sound) = tone(4);
    Take {
        parameters: Parameters {
            sound: Some(about),
            ..parameters
        },
        frames,
        sound,
    }
}

/// Two masters of two seconds each, their sound going on from one to the other.
fn masters(take: &Take) -> [Vec<u8>; 2] {
    let split = take
        .sound
        .iter()
        .position(|s| s.dts * 90_000 / u64::from(RATE) >= 180_000)
        .expect("split");
    let late = take.sound[split].dts - 2 * u64::from(RATE);
    let (a, b) = (wall(START), wall(START).plus_ms(2000));
    [
        segment_with(
            &take.parameters,
            &take.frames[..50],
            &take.sound[..split],
            0,
            a,
        ),
        segment_with(
            &take.parameters,
            &take.frames[50..],
            &take.sound[split..],
            late,
            b,
        ),
    ]
}

fn tracks(path: &Path) -> Vec<String> {
    probe(path, "stream=codec_name,nb_read_packets")
        .lines()
        .map(str::to_owned)
        .collect()
}

/// REC-2: sound, where it is allowed, is an ordinary second track: other software finds it, plays it, and every byte is the camera's.
#[test]
fn other_software_hears_a_segment() {
    let folder = tempfile::tempdir().expect("folder");
    let take = take();
    let bytes = segment_with(&take.parameters, &take.frames, &take.sound, 0, wall(START));
    let path = folder.path().join("s.mp4");
    std::fs::write(&path, &bytes).expect("write");
    plays(&path);
    let parsed = parse(&bytes).expect("parse");
    assert_eq!(parsed.parameters, take.parameters);
    assert_eq!(parsed.whole_bytes, bytes.len() as u64);
    assert!(
        parsed.sound.len() > 60,
        "{} frames of sound",
        parsed.sound.len()
    );
    assert_eq!(
        tracks(&path),
        ["h264,100".to_owned(), format!("aac,{}", parsed.sound.len())]
    );
    for (sample, frame) in parsed.sound.iter().zip(&take.sound) {
        assert_eq!(
            bytes[sample.offset as usize..][..sample.size as usize],
            frame.bytes
        );
        assert_eq!((sample.dts, sample.duration), (frame.dts, 1024));
        assert_eq!(
            sample.wall,
            wall(START).plus_ms(frame.dts as i64 * 1000 / i64::from(RATE))
        );
    }
    let moov =
        mp4_atom::Any::decode(&mut &bytes[first(&bytes).expect("ftyp").whole..]).expect("moov");
    let mp4_atom::Any::Moov(moov) = moov else {
        panic!("no moov")
    };
    assert_eq!(
        (moov.trak.len(), moov.trak[1].mdia.mdhd.timescale),
        (2, RATE)
    );
}

/// EVI-2: a working copy holds the sound of its pictures, frame for frame the masters', at their time; sound that begins later is
/// not moved.
#[test]
fn a_working_copy_keeps_its_sound() {
    let folder = tempfile::tempdir().expect("folder");
    let take = take();
    let [a, b] = masters(&take);
    let start = wall(START);
    let path = folder.path().join("copy.mp4");
    let copy = working_copy(&[&a, &b], start.plus_ms(1000), start.plus_ms(3000)).expect("copy");
    std::fs::write(&path, &copy.bytes).expect("write");
    plays(&path);
    assert_eq!(copy.frames, 50);
    let (one, two) = (folder.path().join("a.mp4"), folder.path().join("b.mp4"));
    std::fs::write(&one, &a).expect("write");
    std::fs::write(&two, &b).expect("write");
    let all = [hashes_of(&one, "0:a"), hashes_of(&two, "0:a")].concat();
    let own = hashes_of(&path, "0:a");
    // 2 s at 1024 samples of 16 kHz.
    assert!(
        (30..=33).contains(&own.len()),
        "{} frames of sound",
        own.len()
    );
    let at = all
        .iter()
        .position(|h| *h == own[0])
        .expect("a frame of the master");
    assert_eq!(own, all[at..at + own.len()], "a run of the masters' sound");
    // The first frame heard begins within one frame of the first picture, a second into the first master.
    let begins = at as i64 * 1024 * 1000 / i64::from(RATE);
    assert!((begins - 1000).abs() <= 64, "begins at {begins} ms");
    let lengths = probe(&path, "stream=duration");
    let lengths: Vec<f64> = lengths
        .lines()
        .map(|l| l.parse().expect("seconds"))
        .collect();
    assert!((lengths[0] - lengths[1]).abs() < 0.1, "{lengths:?}");

    // Sound that begins 1.2 s after the pictures is heard 1.2 s after them.
    let late = segment_with(
        &take.parameters,
        &take.frames[..50],
        &take.sound[..10],
        u64::from(RATE) * 6 / 5,
        start,
    );
    let copy = working_copy(&[&late], start, start.plus_ms(2000)).expect("copy");
    std::fs::write(&path, &copy.bytes).expect("write");
    plays(&path);
    let begins: Vec<f64> = probe(&path, "stream=start_time")
        .lines()
        .map(|l| l.parse().expect("seconds"))
        .collect();
    assert!(
        begins[0].abs() < 0.001 && (begins[1] - 1.2).abs() < 0.01,
        "{begins:?}"
    );

    // A master without sound and one with it do not go into one file.
    let silent = Parameters {
        sound: None,
        ..take.parameters.clone()
    };
    let mute = segment(&silent, &take.frames[..50], start);
    assert!(matches!(
        working_copy(&[&mute, &b], start, start.plus_ms(3000)),
        Err(Mp4Error::ParametersChange { .. })
    ));
    let copy = working_copy(&[&mute], start, start.plus_ms(2000)).expect("copy");
    std::fs::write(&path, &copy.bytes).expect("write");
    assert_eq!(tracks(&path), ["h264,50"]);
}

/// Wherever a segment with sound is torn, its whole pictures are kept, and sound only with all pictures before it.
#[test]
fn a_torn_segment_keeps_what_is_whole_of_its_sound() {
    let take = take();
    let bytes = segment_with(
        &take.parameters,
        &take.frames[..50],
        &take.sound[..31],
        0,
        wall(START),
    );
    let whole = parse(&bytes).expect("parse");
    for cut in (init(&take.parameters).expect("init").len()..bytes.len()).step_by(997) {
        let kept = salvage(bytes[..cut].to_vec()).expect("kept");
        let parsed = parse(&kept).expect("parse");
        assert_eq!(parsed.whole_bytes, kept.len() as u64);
        for (kept_samples, samples) in [
            (&parsed.samples, &whole.samples),
            (&parsed.sound, &whole.sound),
        ] {
            for (k, s) in kept_samples.iter().zip(samples) {
                assert_eq!((k.dts, k.wall, k.size), (s.dts, s.wall, s.size));
                assert_eq!(
                    kept[k.offset as usize..][..k.size as usize],
                    bytes[s.offset as usize..][..s.size as usize]
                );
            }
        }
        let there = |s: &&Sample| s.offset + u64::from(s.size) <= cut as u64;
        assert_eq!(
            parsed.samples.len(),
            whole.samples.iter().filter(there).count(),
            "cut at {cut}"
        );
        assert_eq!(
            parsed.sound.len(),
            whole.sound.iter().filter(there).count(),
            "cut at {cut}"
        );
    }
}
