//! Adapter: filesystem, ffmpeg. The pictures a box kept of one camera, each with its wall time and what tells it apart.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use beadle_tests::{Done, Told as _, Trouble, keys, pictures, places};
use serde_json::Value;

use super::{
    Case,
    house::House,
    stream::{self, Codec, Hash},
};

/// A picture on the disk.
pub struct Picture {
    pub wall_ms: i64,
    /// Of its coded slices; of a painted one, of the number that stands in it.
    pub hash: Hash,
    /// Its segment's line says that its time may be off by so much.
    pub doubt_ms: i64,
    /// Coded slices in it; 0: not looked at.
    pub slices: usize,
}

/// All that is on the disk of one camera, in order.
#[derive(Default)]
pub struct Footage {
    pub pictures: Vec<Picture>,
    pub sounds: usize,
    /// Pictures whose time is not later than that of the one before, in the order coded.
    pub stands_still: usize,
    /// Segments whose pictures, decoded, are said to have another order of fields, or none.
    pub disordered: usize,
}

/// What tells a painted picture apart.
pub fn of_mark(mark: u8) -> Hash {
    let mut out = [0; 32];
    out[0] = mark;
    out
}

pub fn read(house: &House, case: &Case, identities: &[String]) -> Done<Footage> {
    let mut files: Vec<(u64, PathBuf)> =
        places::files_below(&house.town.volume.join("footage"), ".mp4.age")
            .into_iter()
            .filter(|f| f.parent().is_some_and(|p| p.ends_with(case.name)))
            .filter_map(|f| {
                let name = f
                    .file_name()?
                    .to_str()?
                    .strip_suffix(".mp4.age")?
                    .to_owned();
                Some((name.rsplit('-').next()?.parse().ok()?, f))
            })
            .collect();
    files.sort();
    let mut all = Footage::default();
    let doubts = doubts(house, case);
    for (s, file) in files {
        let doubt_ms = doubts.get(&s).copied().unwrap_or(0);
        let plain = keys::plain(&file, identities)?;
        let segment =
            footage::mp4::parse(&plain).map_err(|e| Trouble(format!("{}: {e}", file.display())))?;
        all.sounds += segment.sound.len();
        let codec = match segment.parameters.codec {
            footage::mp4::Codec::H264 => Codec::H264,
            _ => Codec::H265,
        };
        let coded: Vec<Picture> = segment
            .samples
            .iter()
            .map(|sample| {
                let from = sample.offset as usize;
                let bytes = plain
                    .get(from..from + sample.size as usize)
                    .unwrap_or_default();
                Picture {
                    wall_ms: sample.wall.0,
                    hash: stream::hash(codec, nals(bytes)),
                    doubt_ms,
                    slices: nals(bytes).iter().filter(|n| codec.is_slice(n)).count(),
                }
            })
            .collect();
        all.stands_still += segment
            .samples
            .windows(2)
            .filter(|w| w[1].dts <= w[0].dts)
            .count();
        if case.told.masked {
            let copy = house.folder.path().join("plain.mp4");
            fs::write(&copy, &plain).told(copy.display())?;
            let mut shown: Vec<i64> = coded.iter().map(|p| p.wall_ms).collect();
            shown.sort_unstable();
            let marks = marks(&copy)?;
            if marks.len() != shown.len() {
                return Err(Trouble(format!(
                    "{}: {} pictures, of which {} can be shown",
                    file.display(),
                    shown.len(),
                    marks.len()
                )));
            }
            all.pictures
                .extend(shown.into_iter().zip(marks).map(|(wall_ms, mark)| Picture {
                    wall_ms,
                    hash: of_mark(mark),
                    doubt_ms,
                    slices: 0,
                }));
            if let Some(first) = case.expect.fields {
                all.disordered +=
                    usize::from(pictures::first_fields(&copy)? != [Some(first)].into());
            }
        } else {
            all.pictures.extend(coded);
        }
    }
    Ok(all)
}

/// What the lines of segments say of their times: by how many ms they may be off.
fn doubts(house: &House, case: &Case) -> BTreeMap<u64, i64> {
    let lines = house.lines_of("seg.write", case.name);
    let doubt = |l: &Value| Some((l["data"]["s"].as_u64()?, l["data"]["off_ms"].as_i64()?));
    lines.iter().filter_map(doubt).collect()
}

/// Units with their lengths before them.
fn nals(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = (u32::from_be_bytes(*length) as usize).min(rest.len());
        found.push(&rest[..length]);
        bytes = &rest[length..];
    }
    found
}

/// The number in each picture of a file, in the order shown (`scripts/footage.sh`, `odd`).
fn marks(file: &Path) -> Done<Vec<u8>> {
    let out = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:v", "-fps_mode", "passthrough"])
        .args([
            "-vf",
            "crop=128:16:0:ih-16,scale=8:1:flags=area,format=gray,settb=1/1000,setpts=N*1000",
            "-f",
            "rawvideo",
            "-",
        ])
        .output()
        .told("running ffmpeg")?;
    if !out.status.success() || !out.stderr.is_empty() {
        return Err(Trouble(format!(
            "ffmpeg on {}: {}",
            file.display(),
            String::from_utf8_lossy(&out.stderr)
        )));
    }
    let bits = |row: &[u8]| {
        row.iter()
            .enumerate()
            .fold(0, |sum, (n, level)| sum | u8::from(*level > 127) << n)
    };
    Ok(out.stdout.chunks_exact(8).map(bits).collect())
}
