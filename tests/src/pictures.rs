//! Adapter: the ffmpeg programs. A judge of recorded pictures that shares no code with the recorder.
use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{Done, Told, Trouble, args, program};

fn tool(name: &str, arguments: &[&OsStr]) -> Done<Vec<u8>> {
    let out = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .told(format!("running {name}"))?;
    if !out.status.success() {
        return Err(Trouble(format!(
            "{name} failed ({}): {}",
            out.status,
            String::from_utf8_lossy(&out.stderr)
        )));
    }
    Ok(out.stdout)
}

/// What is in a file: ffprobe's `streams` (with counted packets) and `format`.
pub fn probe(file: &Path) -> Done<Value> {
    let out = tool(
        "ffprobe",
        args![
            "-v",
            "error",
            "-count_packets",
            "-show_streams",
            "-show_format",
            "-of",
            "json",
            file
        ],
    )?;
    Ok(serde_json::from_slice(&out)?)
}

/// The video stream of [`probe`].
pub fn video(file: &Path) -> Done<Value> {
    let all = probe(file)?;
    all["streams"]
        .as_array()
        .and_then(|s| s.iter().find(|s| s["codec_type"] == "video"))
        .cloned()
        .ok_or_else(|| Trouble(format!("{}: no video in it", file.display())))
}

/// Times (in units of `time_base`) and key flags of all video packets, in file order.
pub fn packets(file: &Path) -> Done<Vec<(i64, bool)>> {
    let out = tool(
        "ffprobe",
        args![
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "packet=pts,flags",
            "-of",
            "csv=p=0",
            file
        ],
    )?;
    Ok(String::from_utf8_lossy(&out)
        .lines()
        .filter_map(|l| l.split_once(','))
        .filter_map(|(pts, flags)| Some((pts.parse().ok()?, flags.starts_with('K'))))
        .collect())
}

/// The hash column of ffmpeg's framehash of the coded video: one hash a picture, whatever the container.
pub fn framehash(file: &Path) -> Done<Vec<String>> {
    hashes(file, &["-c", "copy"])
}

/// Hashes of the decoded pictures, in the order they are shown.
pub fn decoded(file: &Path) -> Done<Vec<String>> {
    hashes(file, &["-vsync", "passthrough", "-pix_fmt", "yuv420p"])
}

fn hashes(file: &Path, how: &[&str]) -> Done<Vec<String>> {
    let mut words = args!["-v", "error", "-i", file, "-map", "0:v"].to_vec();
    words.extend(how.iter().map(OsStr::new));
    words.extend(args!["-f", "framehash", "-hash", "sha256", "-"]);
    let out = tool("ffmpeg", &words)?;
    Ok(String::from_utf8_lossy(&out)
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.rsplit(',').next())
        .map(|h| h.trim().to_owned())
        .collect())
}

/// Whether `part` is a run of consecutive entries of `whole`, and where.
pub fn run_of(whole: &[String], part: &[String]) -> Option<usize> {
    (!part.is_empty())
        .then_some(())
        .and_then(|()| whole.windows(part.len()).position(|w| w == part))
}

/// Per picture, how many pixels look like the magenta marker, however badly encoded. Decoding by ffmpeg, of damaged pictures as far as
/// they can be shown; any size.
pub fn magenta(file: &Path) -> Done<Vec<usize>> {
    magenta_in(file, [0.0, 0.0, 1.0, 1.0])
}

/// The same within a part of the picture: x, y, width and height in parts of its own.
pub fn magenta_in(file: &Path, [x, y, w, h]: [f64; 4]) -> Done<Vec<usize>> {
    let stream = video(file)?;
    let side = |name: &str| {
        stream[name]
            .as_u64()
            .filter(|n| *n > 0)
            .ok_or_else(|| Trouble(format!("{}: no {name}", file.display())))
    };
    // Half the size is enough to see it, and quicker; averaging makes an edge paler, never a marker of nothing.
    let half = |n: u64, part: f64| ((n as f64 * part) as usize / 4 * 2).max(2);
    let (width, height) = (half(side("width")?, w), half(side("height")?, h));
    let size = format!(
        "crop=iw*{w}:ih*{h}:iw*{x}:ih*{y},scale={width}:{height}:flags=area,format=yuv444p"
    );
    let raw = tool(
        "ffmpeg",
        args![
            "-v",
            "error",
            "-flags",
            "+output_corrupt",
            "-flags2",
            "+showall",
            "-i",
            file,
            "-map",
            "0:v",
            "-vsync",
            "passthrough",
            "-vf",
            size,
            "-f",
            "rawvideo",
            "-"
        ],
    )?;
    let plane = width * height;
    Ok(raw
        .chunks_exact(plane * 3)
        .map(|f| {
            let (u, v) = f[plane..].split_at(plane);
            u.iter()
                .zip(v)
                .filter(|(u, v)| **u > 170 && **v > 180)
                .count()
        })
        .collect())
}

/// Opens an age file with an identity file by the `age` program (somebody else's reader of our files).
pub fn age_opens(sealed: &Path, identity: &Path, to: &Path) -> Done<bool> {
    Ok(program::run(
        Path::new("age"),
        args!["-d", "-i", identity, "-o", to, sealed],
    )?
    .status
        == 0)
}
