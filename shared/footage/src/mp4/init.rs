//! Pure. What stands before the pictures: `ftyp` and `moov`, of a segment and of a working copy.

use super::{
    Codec, Mp4Error, Parameters, TIMESCALE,
    boxes::{put, put_full, u16be, u32be, u64be, zeros},
};

/// Sample tables of a plain MP4; a segment's are empty.
#[derive(Default)]
pub struct Tables {
    /// Seconds since 1904, and length in ticks.
    pub created: u64,
    pub duration: u64,
    /// The complete boxes stts, ctts, stss, stsc, stsz and stco or co64.
    pub boxes: Vec<u8>,
    pub fragmented: bool,
}

/// `ftyp` + `moov` of a segment.
pub fn init(parameters: &Parameters) -> Result<Vec<u8>, Mp4Error> {
    check(parameters)?;
    let mut tables = Tables {
        fragmented: true,
        ..Tables::default()
    };
    for kind in [b"stts", b"stsc"] {
        put_full(&mut tables.boxes, kind, 0, 0, |out| u32be(out, 0));
    }
    put_full(&mut tables.boxes, b"stsz", 0, 0, |out| zeros(out, 8));
    put_full(&mut tables.boxes, b"stco", 0, 0, |out| u32be(out, 0));
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
    let long = tables.created > u64::from(u32::MAX) || tables.duration > u64::from(u32::MAX);
    let version = u8::from(long);
    let time = |out: &mut Vec<u8>, v: u64| {
        if long {
            u64be(out, v)
        } else {
            u32be(out, v as u32)
        }
    };
    let made = |out: &mut Vec<u8>| {
        time(out, tables.created);
        time(out, tables.created);
    };
    put(out, b"moov", |out| {
        put_full(out, b"mvhd", version, 0, |out| {
            made(out);
            u32be(out, TIMESCALE);
            time(out, tables.duration);
            u32be(out, 0x1_0000); // rate 1.0
            u16be(out, 0x100); // volume
            zeros(out, 10);
            matrix(out);
            zeros(out, 24);
            u32be(out, 2); // next track
        });
        put(out, b"trak", |out| {
            put_full(out, b"tkhd", version, 3, |out| {
                made(out);
                u32be(out, 1); // track id
                u32be(out, 0);
                time(out, tables.duration);
                zeros(out, 16);
                matrix(out);
                u32be(out, u32::from(parameters.width) << 16);
                u32be(out, u32::from(parameters.height) << 16);
            });
            put(out, b"mdia", |out| {
                put_full(out, b"mdhd", version, 0, |out| {
                    made(out);
                    u32be(out, TIMESCALE);
                    time(out, tables.duration);
                    u16be(out, 0x55c4); // language undetermined
                    u16be(out, 0);
                });
                put_full(out, b"hdlr", 0, 0, |out| {
                    u32be(out, 0);
                    out.extend_from_slice(b"vide");
                    zeros(out, 12);
                    out.extend_from_slice(b"VideoHandler\0");
                });
                put(out, b"minf", |out| {
                    put_full(out, b"vmhd", 0, 1, |out| zeros(out, 8));
                    put(out, b"dinf", |out| {
                        put_full(out, b"dref", 0, 0, |out| {
                            u32be(out, 1);
                            put_full(out, b"url ", 0, 1, |_| {}); // in this file
                        });
                    });
                    put(out, b"stbl", |out| {
                        put_full(out, b"stsd", 0, 0, |out| {
                            u32be(out, 1);
                            sample_entry(out, parameters);
                        });
                        out.extend_from_slice(&tables.boxes);
                    });
                });
            });
        });
        if tables.fragmented {
            put(out, b"mvex", |out| {
                put_full(out, b"trex", 0, 0, |out| {
                    u32be(out, 1); // track id
                    u32be(out, 1); // sample description
                    zeros(out, 12);
                });
            });
        }
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
