//! Adapter: filesystem. Sealed segments that arrive in any order, over tries that break off anywhere.
use footage::sealed;
use proptest::prelude::*;
use shared::record::sha256;

use super::*;

fn segment(bytes: usize) -> (Vec<u8>, LoggedSegment, String) {
    let plain: Vec<u8> = (0..bytes).map(|n| (n * 7) as u8).collect();
    let (identity, recipient) = sealed::keypair();
    let logged = LoggedSegment {
        n: 9,
        s: 4,
        t0: Utc(0),
        t1: Utc(60_000),
        size: bytes as u64,
        sha256: hex(&sha256(&plain)),
        file: "c01_19700101T000000Z_4.mp4".into(),
    };
    let sealed = sealed::seal(&recipient, &plain).expect("sealed");
    (sealed, logged, identity.to_string())
}

fn place(folder: &Path, logged: &LoggedSegment) -> Place {
    let cam = CameraId::parse("c01").expect("camera");
    Place::new(folder, "EXH-2026-000001", &cam, logged).expect("place")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// EVI-1: the pieces of a segment come in any order, over connections that break: each byte is asked for once, and what is here in the end
    /// is the segment.
    #[test]
    fn nothing_is_fetched_twice(bytes in 1usize..300_000, wants in prop::collection::vec((0u64..320_000, 1u64..90_000, 1usize..70_000), 0..12)) {
        let folder = tempfile::tempdir().expect("folder");
        let (sealed, logged, identity) = segment(bytes);
        let whole = sealed.len() as u64;
        let mut fetched = 0;
        let wants = wants.into_iter().chain([(0, whole, 65_536)]);
        for (from, length, frame) in wants {
            // Another try, another process.
            let place = place(folder.path(), &logged);
            let mut part = place.resume(whole).expect("resumed");
            let to = (from + length).min(whole);
            for (from, to) in part.ranges.missing(from.min(to), to) {
                let (from, to) = (from as usize, to as usize);
                let mut at = from;
                for piece in sealed[from..to].chunks(frame) {
                    part.put(at as u64, piece).expect("kept");
                    at += piece.len();
                    fetched += piece.len() as u64;
                }
            }
        }
        prop_assert_eq!(fetched, whole);
        let place = place(folder.path(), &logged);
        prop_assert!(place.accept(&identity, &logged).expect("read").is_ok());
        prop_assert_eq!(std::fs::read(place.done()).expect("read"), sealed);
        let left = std::fs::read_dir(place.done().parent().expect("folder")).expect("list").count();
        prop_assert_eq!(left, 1, "nothing is left beside it");
    }
}

/// EVI-1: a note that a crash tore counts for nothing; one of bytes that a power cut took, or of another sending, is not believed.
#[test]
fn only_what_is_on_disk_counts() {
    let folder = tempfile::tempdir().expect("folder");
    let (sealed, logged, _) = segment(200_000);
    let (whole, place) = (sealed.len() as u64, place(folder.path(), &logged));
    let mut part = place.resume(whole).expect("begun");
    part.put(100, &sealed[100..90_000]).expect("kept");
    part.put(150_000, &sealed[150_000..]).expect("kept");
    drop(part);
    let torn = fs::read(place.notes()).expect("notes");
    fs::write(place.notes(), &torn[..torn.len() - 5]).expect("torn");
    let mut part = place.resume(whole).expect("resumed");
    assert_eq!(part.ranges.missing(0, whole), [(0, 100), (90_000, whole)]);
    part.put(0, &sealed[..100]).expect("kept");
    drop(part);
    let ranges = place.ranges().expect("read").expect("sound");
    assert_eq!(ranges.missing(0, whole), [(90_000, whole)]);
    let file = File::options().write(true).open(place.part());
    file.expect("open").set_len(80_000).expect("cut");
    assert_eq!(place.ranges().expect("read"), None);
    let part = place.resume(whole).expect("anew");
    assert_eq!(part.ranges.total(), 0);
    let mut part = place.resume(whole).expect("again");
    part.put(5_000, b"longer than it may be").expect("kept");
    drop(part);
    assert_eq!(place.resume(5_010).expect("anew").ranges.total(), 0);
}

/// Where a span's pieces lie follows from the line and the announced length.
#[test]
fn pieces_of_an_announced_segment() {
    let (sealed, logged, identity) = segment(200_000);
    let len = sealed.len() as u64;
    let pieces = pieces(len, &logged).expect("pieces");
    let window = sealed::Window::new(&sealed, len, &identity).expect("window");
    assert_eq!(pieces, window.pieces());
    let mut window = window;
    let (from, to) = pieces.span(65_536, 65_537);
    let plain = window.open(1, &sealed[from as usize..to as usize]);
    assert_eq!(plain.expect("opens").len(), 65_536);
    assert_eq!(pieces.span(0, 200_000), (window.place(0).0, len));
    assert_eq!(super::pieces(100, &logged), None);
}
