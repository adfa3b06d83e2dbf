//! Pure. What stands before the pictures: `ftyp` and `moov`, of a segment and of a working copy.

use super::{
    Codec, Mp4Error, Parameters, TIMESCALE,
    boxes::{put, put_full, u16be, u32be, u64be, zeros},
};

/// What a plain MP4's tracks hold; a segment's are empty.
#[derive(Default)]
pub struct Tables {
    /// Seconds since 1904.
    pub created: u64,
    pub pictures: Track,
    /// None: no track of sound.
    pub sound: Option<Track>,
    pub fragmented: bool,
}

#[derive(Clone, Default)]
pub struct Track {
    /// Length in the track's own ticks.
    pub duration: u64,
    /// How much later than the pictures it begins, in 90 kHz ticks.
    pub delay: u64,
    /// The complete boxes stts, ctts, stss, stsc, stsz and stco or co64.
    pub boxes: Vec<u8>,
}

/// `ftyp` + `moov` of a segment.
pub fn init(parameters: &Parameters) -> Result<Vec<u8>, Mp4Error> {
    check(parameters)?;
    let mut empty = Track::default();
    for kind in [b"stts", b"stsc"] {
        put_full(&mut empty.boxes, kind, 0, 0, |out| u32be(out, 0));
    }
    put_full(&mut empty.boxes, b"stsz", 0, 0, |out| zeros(out, 8));
    put_full(&mut empty.boxes, b"stco", 0, 0, |out| u32be(out, 0));
    let tables = Tables {
        fragmented: true,
        sound: parameters.sound.is_some().then(|| empty.clone()),
        pictures: empty,
        ..Tables::default()
    };
    let mut out = Vec::with_capacity(800 + parameters.config.len());
    ftyp(&mut out, b"iso6", &[b"iso5", b"iso6", b"cmfc"]);
    moov(&mut out, parameters, &tables);
    Ok(out)
}

pub fn check(parameters: &Parameters) -> Result<(), Mp4Error> {
    let record = &parameters.config;
    let short = match parameters.codec {
        Codec::H264 => record.len() < 7,
        Codec::H265 => record.len() < 23,
    };
    if short || record[0] != 1 {
        return Err(Mp4Error::Bad(format!(
            "the camera's {:?} parameters are not a decoder configuration record of version 1 ({} bytes): no segment was begun; look at the camera's encoder settings",
            parameters.codec,
            record.len()
        )));
    }
    if let Some(sound) = &parameters.sound
        && (sound.rate == 0 || sound.entry.get(4..8) != Some(b"mp4a"))
    {
        return Err(Mp4Error::Bad("the camera's sound is not AAC at a known rate: no segment was begun; look at the camera's sound settings, or leave sound out".into()));
    }
    if parameters.width == 0 || parameters.height == 0 {
        return Err(Mp4Error::Bad("the camera gave a picture of no width or height: no segment was begun; look at the camera's encoder settings".into()));
    }
    Ok(())
}

pub fn ftyp(out: &mut Vec<u8>, major: &[u8; 4], compatible: &[&[u8; 4]]) {
    put(out, b"ftyp", |out| {
        out.extend_from_slice(major);
        u32be(out, 0x200);
        for brand in compatible {
            out.extend_from_slice(*brand);
        }
    });
}

const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

fn matrix(out: &mut Vec<u8>) {
    MATRIX.iter().for_each(|v| u32be(out, *v));
}

pub fn moov(out: &mut Vec<u8>, parameters: &Parameters, tables: &Tables) {
    let sound = parameters.sound.as_ref().zip(tables.sound.as_ref());
    // In the movie's ticks, which are the pictures'.
    let shown = sound.map_or(0, |(s, t)| {
        t.delay + t.duration.saturating_mul(u64::from(TIMESCALE)) / u64::from(s.rate.max(1))
    });
    let longest = shown.max(tables.pictures.duration);
    let clock = Clock {
        created: tables.created,
        long: tables.created.max(longest) > u64::from(u32::MAX),
    };
    put(out, b"moov", |out| {
        put_full(out, b"mvhd", clock.version(), 0, |out| {
            clock.made(out);
            u32be(out, TIMESCALE);
            clock.time(out, longest);
            u32be(out, 0x1_0000); // rate 1.0
            u16be(out, 0x100); // volume
            zeros(out, 10);
            matrix(out);
            zeros(out, 24);
            u32be(out, 2 + u32::from(sound.is_some())); // next track
        });
        put(out, b"trak", |out| {
            let size = (parameters.width, parameters.height);
            tkhd(out, &clock, 1, tables.pictures.duration, 0, size);
            let header = |out: &mut Vec<u8>| put_full(out, b"vmhd", 0, 1, |out| zeros(out, 8));
            let entry = |out: &mut Vec<u8>| sample_entry(out, parameters);
            let kind: (_, &[u8]) = (b"vide", b"VideoHandler\0");
            mdia(
                out,
                &clock,
                TIMESCALE,
                &tables.pictures,
                kind,
                header,
                entry,
            );
        });
        if let Some((about, track)) = sound {
            put(out, b"trak", |out| {
                tkhd(out, &clock, 2, shown, 0x100, (0, 0));
                if track.delay > 0 {
                    delayed(out, track.delay, shown);
                }
                let header = |out: &mut Vec<u8>| put_full(out, b"smhd", 0, 0, |out| zeros(out, 4));
                let entry = |out: &mut Vec<u8>| out.extend_from_slice(&about.entry);
                let kind: (_, &[u8]) = (b"soun", b"SoundHandler\0");
                mdia(out, &clock, about.rate, track, kind, header, entry);
            });
        }
        if tables.fragmented {
            put(out, b"mvex", |out| {
                for id in 1..=1 + u32::from(sound.is_some()) {
                    put_full(out, b"trex", 0, 0, |out| {
                        u32be(out, id);
                        u32be(out, 1); // sample description
                        zeros(out, 12);
                    });
                }
            });
        }
    });
}

/// Silence first, then all of the track.
fn delayed(out: &mut Vec<u8>, delay: u64, shown: u64) {
    put(out, b"edts", |out| {
        put_full(out, b"elst", 1, 0, |out| {
            u32be(out, 2);
            for (length, from) in [(delay, u64::MAX), (shown - delay, 0)] {
                u64be(out, length);
                u64be(out, from);
                u32be(out, 0x1_0000);
            }
        });
    });
}

/// How times are written in this file's headers.
struct Clock {
    created: u64,
    long: bool,
}

impl Clock {
    fn version(&self) -> u8 {
        u8::from(self.long)
    }
    fn time(&self, out: &mut Vec<u8>, v: u64) {
        if self.long {
            u64be(out, v)
        } else {
            u32be(out, v as u32)
        }
    }
    fn made(&self, out: &mut Vec<u8>) {
        self.time(out, self.created);
        self.time(out, self.created);
    }
}

fn tkhd(out: &mut Vec<u8>, clock: &Clock, id: u32, shown: u64, volume: u16, size: (u16, u16)) {
    put_full(out, b"tkhd", clock.version(), 3, |out| {
        clock.made(out);
        u32be(out, id);
        u32be(out, 0);
        clock.time(out, shown);
        zeros(out, 12);
        u16be(out, volume);
        zeros(out, 2);
        matrix(out);
        u32be(out, u32::from(size.0) << 16);
        u32be(out, u32::from(size.1) << 16);
    });
}

fn mdia(
    out: &mut Vec<u8>,
    clock: &Clock,
    rate: u32,
    track: &Track,
    (kind, name): (&[u8; 4], &[u8]),
    header: impl FnOnce(&mut Vec<u8>),
    entry: impl FnOnce(&mut Vec<u8>),
) {
    put(out, b"mdia", |out| {
        put_full(out, b"mdhd", clock.version(), 0, |out| {
            clock.made(out);
            u32be(out, rate);
            clock.time(out, track.duration);
            u16be(out, 0x55c4); // language undetermined
            u16be(out, 0);
        });
        put_full(out, b"hdlr", 0, 0, |out| {
            u32be(out, 0);
            out.extend_from_slice(kind);
            zeros(out, 12);
            out.extend_from_slice(name);
        });
        put(out, b"minf", |out| {
            header(out);
            put(out, b"dinf", |out| {
                put_full(out, b"dref", 0, 0, |out| {
                    u32be(out, 1);
                    put_full(out, b"url ", 0, 1, |_| {}); // in this file
                });
            });
            put(out, b"stbl", |out| {
                put_full(out, b"stsd", 0, 0, |out| {
                    u32be(out, 1);
                    entry(out);
                });
                out.extend_from_slice(&track.boxes);
            });
        });
    });
}

fn sample_entry(out: &mut Vec<u8>, parameters: &Parameters) {
    let (entry, record) = match parameters.codec {
        Codec::H264 => (b"avc1", b"avcC"),
        Codec::H265 => (b"hvc1", b"hvcC"),
    };
    put(out, entry, |out| {
        zeros(out, 6);
        u16be(out, 1); // data reference
        zeros(out, 16);
        u16be(out, parameters.width);
        u16be(out, parameters.height);
        u32be(out, 0x48_0000); // 72 dpi
        u32be(out, 0x48_0000);
        u32be(out, 0);
        u16be(out, 1); // frame count
        zeros(out, 32); // compressor name
        u16be(out, 24); // depth
        u16be(out, 0xffff);
        put(out, record, |out| out.extend_from_slice(&parameters.config));
    });
}
