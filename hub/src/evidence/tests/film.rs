//! Adapter: filesystem. The film of a package: its masters' own fragments, from a key frame on, with the times the recorder gave them.

use super::*;
use crate::evidence::film::film;

/// All of a film; None: there is none.
async fn all(rest: &Arc<Resting>, from: Option<Utc>, stretch: u32) -> Option<Vec<u8>> {
    let mut chunks = film(rest.clone(), from, stretch).await.expect("opened")?;
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.recv().await {
        bytes.extend_from_slice(&chunk.expect("as it was sealed"));
    }
    Some(bytes)
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

/// Of each fragment: when its first frame was taken, and that frame's time in the film, in ms.
fn fragments(film: &[u8]) -> Vec<(i64, i64)> {
    let clocks = film.windows(4).enumerate().filter(|(_, w)| *w == b"prft");
    let read = clocks.map(|(at, _)| {
        let ntp = number(film, at + 12);
        let seconds = (ntp >> 32) as i64 - 2_208_988_800;
        let ms = ((ntp & 0xffff_ffff) * 1000 + (1 << 31)) >> 32;
        let media = number(film, at + 20) as i64 / 90;
        (seconds * 1000 + ms as i64, media)
    });
    read.collect()
}

/// EVI-1, UI-1: what is watched of a package is the recorder's pictures from the key frame before the span to its end, on the recorder's clock, over joins and
/// a gap; from the middle on where that is asked for; in as many films as the camera had kinds of pictures.
#[tokio::test]
async fn a_package_is_a_film() {
    let scene = scene([320; 5]);
    scene.made();
    let rest = Arc::new(scene.rest());
    let whole = all(&rest, None, 0).await.expect("a film");
    let clocks = fragments(&whole);
    let asked = scene.order.request.t0.0;
    let (first, last) = (clocks[0].0, clocks[clocks.len() - 1].0);
    assert_eq!(first, asked - 500, "the key frame before it");
    assert_eq!(last, asked - 12_500 + 45_800, "the last before its end");
    for (wall, media) in &clocks {
        assert_eq!(wall - first, *media, "as far apart as the clock says");
    }
    let apart = clocks.windows(2).map(|w| w[1].0 - w[0].0);
    assert_eq!(apart.filter(|ms| *ms != 400).collect::<Vec<_>>(), [3_400]);
    assert_eq!(all(&rest, None, 1).await, None);
    let later = Utc(asked + 12_400);
    let rest_of_it = all(&rest, Some(later), 0).await.expect("a film");
    assert_eq!(fragments(&rest_of_it)[0].0, asked + 11_500);

    let other = scene_until([320, 320, 320, 640, 640], 46_100);
    other.made();
    let rest = Arc::new(other.rest());
    let mut begins = Vec::new();
    for stretch in 0..2 {
        let film = all(&rest, None, stretch).await.expect("a film");
        let clocks = fragments(&film);
        assert_eq!(clocks[0].1, 0);
        begins.push(clocks[0].0 - other.order.request.t0.0);
    }
    assert_eq!(begins, [-500, 17_500]);
    assert_eq!(all(&rest, None, 2).await, None);
}

/// RET-5: an altered master breaks the film off: what lies before it was shown, and nothing of it.
#[tokio::test]
async fn an_altered_master_is_not_shown() {
    let scene = scene([320; 5]);
    scene.made();
    let rest = Arc::new(scene.rest());
    let masters = rest.list().expect("list");
    let masters: Vec<&String> = masters
        .iter()
        .filter(|n| n.starts_with("master/"))
        .collect();
    let path = rest.path(masters[1]);
    let mut bytes = std::fs::read(&path).expect("read");
    let at = bytes.len() - 40_000;
    bytes[at] ^= 1;
    // It is another name of the very file that came: a file of its own here.
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, bytes).expect("written");
    let mut chunks = film(rest, None, 0).await.expect("opened").expect("a film");
    let (mut shown, mut broken) = (Vec::new(), false);
    while let Some(chunk) = chunks.recv().await {
        match chunk {
            Ok(chunk) => shown.extend_from_slice(&chunk),
            Err(_) => broken = true,
        }
    }
    let clocks = fragments(&shown);
    assert!(broken && !clocks.is_empty());
    let last = clocks[clocks.len() - 1].0;
    assert!(last < scene.order.request.t0.0 - 12_500 + 30_000, "{last}");
}
