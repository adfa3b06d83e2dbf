//! Adapter: filesystem, ffmpeg. The judge of recorded pictures: opens footage with the box's own keys, counts what shows the marker.
use std::{
    fs,
    path::{Path, PathBuf},
};

use footage::mp4::Codec;

use crate::{Done, Told, keys, pictures, places, town::Town};

/// What one file shows.
pub struct Seen {
    /// Pictures in it, and as many of them as ffmpeg could show.
    pub pictures: usize,
    pub decoded: usize,
    /// Of these, key pictures.
    pub keys: u64,
    /// The most pixels of the marker that one of them shows, at half size.
    pub worst: usize,
    /// NAL units that are neither a picture's slices nor parameter sets of it, in all of them.
    pub beside: usize,
    /// Of the file in plain: what its line in the log says.
    pub sha256: String,
}

/// Opens footage with the box's keys, has ffmpeg decode it, counts.
pub struct Judge {
    identities: Vec<String>,
    scratch: PathBuf,
}

impl Judge {
    pub fn new(town: &Town, folder: &Path) -> Done<Self> {
        let scratch = folder.join("judge");
        fs::create_dir_all(&scratch).told(scratch.display())?;
        Ok(Self {
            identities: keys::identities(&town.state, &scratch)?,
            scratch,
        })
    }

    /// The file looked at last, in plain.
    pub fn plain(&self) -> PathBuf {
        self.scratch.join("plain.mp4")
    }

    /// None: not one whole picture is in it.
    pub fn look(&self, file: &Path) -> Done<Option<Seen>> {
        let bytes = keys::plain(file, &self.identities)?;
        let Ok(segment) = footage::mp4::parse(&bytes) else {
            return Ok(None);
        };
        if segment.samples.is_empty() {
            return Ok(None);
        }
        let plain = self.plain();
        fs::write(&plain, &bytes).told(plain.display())?;
        let seen = match pictures::magenta(&plain) {
            Err(e) if file.extension().is_some_and(|e| e == "open") => {
                // Stock ffmpeg opens no file that breaks off within its first tables; what is whole of it can be looked at.
                let whole = footage::mp4::salvage(bytes.clone()).map_err(|_| e)?;
                fs::write(&plain, whole).told(plain.display())?;
                pictures::magenta(&plain)?
            }
            other => other?,
        };
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        Ok(Some(Seen {
            pictures: segment.samples.len(),
            keys: segment.samples.iter().filter(|s| s.key).count() as u64,
            decoded: seen.len(),
            worst: seen.iter().copied().max().unwrap_or(0),
            beside: beside(&segment, &bytes),
            sha256: digest.as_ref().iter().map(|b| format!("{b:02x}")).collect(),
        }))
    }
}

/// Units with four bytes of length before each; what breaks off counts, too.
fn beside(segment: &footage::mp4::Segment, file: &[u8]) -> usize {
    let part_of_picture = |nal: &[u8]| match (segment.parameters.codec, nal) {
        (Codec::H264, [head, ..]) => matches!(head & 0x1f, 1 | 5 | 7 | 8),
        (Codec::H265, [a, b, ..]) => {
            let (kind, layer) = ((a >> 1) & 0x3f, ((a & 1) << 5) | (b >> 3));
            layer == 0 && matches!(kind, 0..=9 | 16..=21 | 32..=34)
        }
        _ => false,
    };
    let in_sample = |sample: &footage::mp4::Sample| {
        let from = sample.offset as usize;
        let mut rest = &file[from..from + sample.size as usize];
        let mut count = 0;
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (nal, tail) = tail.split_at(tail.len().min(u32::from_be_bytes(*length) as usize));
            count += usize::from(!part_of_picture(nal));
            rest = tail;
        }
        count + rest.len()
    };
    segment.samples.iter().map(in_sample).sum()
}

/// Every sealed file on the box's disk, whatever its name.
pub fn sealed(town: &Town) -> Vec<PathBuf> {
    let begins = |f: &Path| {
        use std::io::Read;
        let mut head = [0; 20];
        fs::File::open(f).is_ok_and(|mut f| f.read_exact(&mut head).is_ok())
            && &head == b"age-encryption.org/v"
    };
    places::files_below(&town.volume, "")
        .into_iter()
        .filter(|f| begins(f))
        .collect()
}
