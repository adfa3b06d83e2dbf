//! Task. Footage of a box as somebody at the hub sees it over a line: how soon there is a picture, and how many bytes the line carries until
//! the span that was asked for can be watched.
use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use footage::mp4;
use serde_json::json;
use shared::time::Utc;

use crate::{Done, Told, Trouble, line::Line, pages::Person};

/// What came of a look.
pub struct Sight {
    /// Its name.
    pub look: String,
    /// From the asking until the first whole picture is at whoever watches.
    pub first: Duration,
    /// And until all of the span is.
    pub all: Duration,
    /// Bytes that arrived over the line until then.
    pub carried: u64,
    /// Bytes of the span's own frames.
    pub asked: u64,
    /// When the first picture was taken.
    pub began: Utc,
    pub film: Vec<u8>,
}

impl Sight {
    /// Bytes over the line per byte of footage that was asked for.
    pub fn ratio(&self) -> f64 {
        self.carried as f64 / self.asked.max(1) as f64
    }
}

/// Looks at [t0, t1) of a camera (`box/cam`) without taking it. The one who looks has signed in at the hub, whose pages are at its end of
/// the line.
pub fn look(line: &Line, person: &Person, camera: &str, span: (Utc, Utc)) -> Done<Sight> {
    look_until(line, person, camera, span, false)
}

/// The same until the first picture is there; nobody watches on.
pub fn first(line: &Line, person: &Person, camera: &str, span: (Utc, Utc)) -> Done<Duration> {
    Ok(look_until(line, person, camera, span, true)?.first)
}

fn look_until(
    line: &Line,
    person: &Person,
    camera: &str,
    (t0, t1): (Utc, Utc),
    picture: bool,
) -> Done<Sight> {
    line.at_hub(|| {
        let (r#box, cam) = camera
            .split_once('/')
            .ok_or_else(|| Trouble::new("a camera"))?;
        let (before, asked_at) = (line.carried(), Instant::now());
        let begun = person.post(
            "/looks",
            json!({
                "box": r#box, "cam": cam, "from": t0.to_string(), "to": t1.to_string(),
                "purpose": "Where the van went", "reference": "CRIME-26-000417"
            }),
        )?;
        let look = begun["look"].as_str().unwrap_or_default().to_owned();
        let mut film = Vec::new();
        let mut first = None;
        let mut coming = streaming(person, &look)?;
        let mut out = coming
            .stdout
            .take()
            .ok_or_else(|| Trouble::new("no output"))?;
        let (sent, came) = channel();
        // Read apart: what has come is looked at at once.
        let reader = std::thread::spawn(move || -> std::io::Result<()> {
            let mut piece = vec![0; 16 << 10];
            loop {
                match out.read(&mut piece)? {
                    0 => return Ok(()),
                    n => {
                        if sent.send(piece[..n].to_vec()).is_err() {
                            return Ok(());
                        }
                    }
                }
            }
        });
        for piece in came {
            film.extend_from_slice(&piece);
            if first.is_none() && has_picture(&film) {
                first = Some(asked_at.elapsed());
                if picture {
                    coming.kill().told("curl")?;
                }
            }
        }
        let (all, carried) = (asked_at.elapsed(), line.carried() - before);
        reader.join().map_err(|_| Trouble::new("the reader"))??;
        let ended = coming.wait().told("curl")?;
        if !ended.success() && !picture {
            return Err(Trouble(format!(
                "the film broke off after {} bytes",
                film.len()
            )));
        }
        let played = mp4::parse(&film).told("the film")?;
        let frames = played.samples.iter();
        let of_span = frames.filter(|s| s.wall >= t0 && s.wall < t1);
        let began = played.samples.first().map_or(t0, |s| s.wall);
        Ok(Sight {
            look,
            first: first.ok_or_else(|| Trouble::new("no picture came"))?,
            all,
            carried,
            asked: of_span.map(|s| u64::from(s.size)).sum(),
            began,
            film,
        })
    })
}

/// The film of a look, as it comes.
fn streaming(person: &Person, look: &str) -> Done<Child> {
    let url = person.address(&format!("/api/v1/looks/{look}/film"));
    Command::new("curl")
        .args(["-sSkNf", "-b"])
        .arg(person.jar())
        .arg(url)
        .stdout(Stdio::piped())
        .spawn()
        .told("curl")
}

/// Whether all bytes of the first picture are there.
fn has_picture(film: &[u8]) -> bool {
    let find = |what: &[u8], from: usize| {
        let rest = film.get(from..)?;
        rest.windows(4).position(|w| w == what).map(|at| from + at)
    };
    let number = |at: usize| {
        let bytes = film.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes) as usize)
    };
    // Of its first frame a run says duration, then size; the frames follow the head of the data.
    let found = find(b"moof", 0)
        .and_then(|moof| find(b"trun", moof))
        .and_then(|trun| Some((number(trun + 20)?, find(b"mdat", trun)?)));
    found.is_some_and(|(size, mdat)| film.len() >= mdat + 4 + size)
}

/// The first picture of a film, decoded by ffmpeg: how many came out.
pub fn pictures(film: &[u8], folder: &std::path::Path) -> Done<usize> {
    let path = folder.join("look.mp4");
    std::fs::write(&path, film)?;
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0"])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(&path)
        .output()
        .told("ffprobe")?;
    let said = String::from_utf8_lossy(&out.stdout);
    if !out.stderr.is_empty() {
        return Err(Trouble(String::from_utf8_lossy(&out.stderr).into_owned()));
    }
    let count = said.trim().trim_end_matches(',').parse::<usize>();
    count.told("how many pictures there are")
}
