//! Adapter: the ffmpeg programs. A judge of recorded pictures that shares no code with the recorder.
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    ops::Range,
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

/// Which field of a picture is shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum First {
    Top,
    Bottom,
}

/// What pictures of a file, decoded, say of the order of their fields; None among them: whole ones.
pub fn first_fields(file: &Path) -> Done<BTreeSet<Option<First>>> {
    let out = tool(
        "ffprobe",
        args![
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "frame=interlaced_frame,top_field_first",
            "-of",
            "csv=p=0",
            file
        ],
    )?;
    let order = |line: &str| match line.trim_end_matches(',') {
        "1,1" => Some(First::Top),
        "1,0" => Some(First::Bottom),
        _ => None,
    };
    let text = String::from_utf8_lossy(&out);
    let lines = text.lines().filter(|l| !l.trim().is_empty());
    Ok(lines.map(order).collect())
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

/// Per picture, how many magenta pixels within a part of it are detail: not of a mosaic's cell, which has one colour all over. `cell`:
/// its side in pixels; the mosaic begins at the picture's corner.
pub fn magenta_detail(file: &Path, [x, y, w, h]: [f64; 4], cell: usize) -> Done<Vec<usize>> {
    let stream = video(file)?;
    let even =
        |name: &str, part: f64| (stream[name].as_u64().unwrap_or(0) as f64 * part) as usize / 2 * 2;
    let (left, right) = (even("width", x), even("width", x + w));
    let (top, bottom) = (even("height", y), even("height", y + h));
    let (width, height) = (right - left, bottom - top);
    let raw = filtered(
        file,
        &format!("crop={width}:{height}:{left}:{top},format=yuv444p"),
    )?;
    let (columns, rows) = (cells(left, right, cell), cells(top, bottom, cell));
    Ok(raw
        .chunks_exact(width * height * 3)
        .map(|f| detail(&f[width * height..], width, &columns, &rows))
        .collect())
}

/// Where cells begin and end within a stretch of the picture, counted from the stretch's beginning.
fn cells(from: usize, to: usize, cell: usize) -> Vec<Range<usize>> {
    (from / cell..to.div_ceil(cell))
        .map(|n| (n * cell).max(from) - from..((n + 1) * cell).min(to) - from)
        .collect()
}

/// What encoding makes of one colour, neighbours' colours at its edges with it. Magenta and green are 148 apart.
const ONE_COLOUR: u8 = 64;

/// `colours`: both planes, one after the other.
fn detail(colours: &[u8], width: usize, columns: &[Range<usize>], rows: &[Range<usize>]) -> usize {
    let (u, v) = colours.split_at(colours.len() / 2);
    let of = |plane: &[u8], column: &Range<usize>, row: &Range<usize>| -> Vec<u8> {
        let lines = row.clone().map(|y| &plane[y * width..][column.clone()]);
        lines.flatten().copied().collect()
    };
    let flat = |plane: &[u8]| {
        let (low, high) = (plane.iter().min(), plane.iter().max());
        low.zip(high)
            .is_some_and(|(low, high)| high - low <= ONE_COLOUR)
    };
    let mut seen = 0;
    for row in rows {
        for column in columns {
            let (u, v) = (of(u, column, row), of(v, column, row));
            if !(flat(&u) && flat(&v)) {
                seen += u
                    .iter()
                    .zip(&v)
                    .filter(|(u, v)| is_magenta(**u, **v))
                    .count();
            }
        }
    }
    seen
}

/// However badly encoded.
fn is_magenta(u: u8, v: u8) -> bool {
    u > 170 && v > 180
}

/// Every picture through a filter, as it comes out of it. Decoding by ffmpeg, of damaged pictures as far as they can be shown.
fn filtered(file: &Path, filter: &str) -> Done<Vec<u8>> {
    tool(
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
            filter,
            "-f",
            "rawvideo",
            "-"
        ],
    )
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
    let raw = filtered(file, &size)?;
    let plane = width * height;
    Ok(raw
        .chunks_exact(plane * 3)
        .map(|f| {
            let (u, v) = f[plane..].split_at(plane);
            u.iter()
                .zip(v)
                .filter(|(u, v)| is_magenta(**u, **v))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The judge of a mosaic: a cell of one colour is the mask itself, a square within a cell is what is under it.
    #[test]
    fn detail_is_what_a_cell_cannot_show() {
        // From x 16 to 64, y 12 to 40 of a picture in cells of 16.
        let (columns, rows) = (cells(16, 64, 16), cells(12, 40, 16));
        assert_eq!((columns.len(), &rows[..]), (3, &[0..4, 4..20, 20..28][..]));
        let count = |magenta: fn(usize, usize) -> bool| {
            let all = (0..28).flat_map(|y| (0..48).map(move |x| (x, y)));
            let (u, v): (Vec<u8>, Vec<u8>) = all
                .map(|(x, y)| {
                    if magenta(x, y) {
                        (202, 222)
                    } else {
                        (128, 128)
                    }
                })
                .unzip();
            detail(&[u, v].concat(), 48, &columns, &rows)
        };
        assert_eq!(count(|_, _| false), 0);
        assert_eq!(
            count(|x, y| x / 16 == 1 && (4..20).contains(&y)),
            0,
            "one cell"
        );
        assert_eq!(count(|x, y| x / 16 == 2 && y < 4), 0, "what is cut of one");
        let square = |x, y| (16..24).contains(&x) && (6..14).contains(&y);
        assert_eq!(count(square), 64, "a square of the marker");
    }
}
