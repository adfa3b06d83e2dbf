//! Pure. A ZIP archive as its bytes: files stored as they are, names in UTF-8, ZIP64 where a size, a place or a count needs it.
//!
//! It is written from front to end with nothing to come back to, since what is written may be sealed on its way: every entry begins with its
//! own size and CRC, which are known before (the package was read when it was checked). Crates that write archives either seek back or put
//! size and CRC behind the entry, where some programs do not look for them in a stored entry; hence these few records by hand.
//!
//! ```text
//! entry     "PK\3\4" … size, CRC, name, [ZIP64 sizes] | the bytes
//! …
//! directory "PK\1\2" … the same of each entry, and where it begins
//! end       ["PK\6\6" … "PK\6\7" … ZIP64] "PK\5\6" …
//! ```

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// With `/` between folders.
    pub name: String,
    pub size: u64,
    pub crc: u32,
}

/// From here on a number does not fit its old field.
const NARROW: u64 = u32::MAX as u64;
const MANY: u64 = u16::MAX as u64;
/// Version 4.5 knows ZIP64; made by that, on Unix.
const PLAIN: u16 = 20;
const WIDE: u16 = 45;
const MADE_BY: u16 = 3 << 8 | 45;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// A regular file that its owner reads and writes.
const MODE: u32 = 0o100_600 << 16;

/// The parts of an archive, in the order they are written.
pub struct Archive {
    entries: Vec<(Entry, u64)>,
    /// Bytes so far.
    at: u64,
    /// Day and time of every entry, as DOS has it.
    stamp: (u16, u16),
    /// What does not fit: lower in tests.
    narrow: u64,
}

fn u16le(out: &mut Vec<u8>, v: u16) {
    out.extend_from_slice(&v.to_le_bytes());
}

fn u32le(out: &mut Vec<u8>, v: u32) {
    out.extend_from_slice(&v.to_le_bytes());
}

fn u64le(out: &mut Vec<u8>, v: u64) {
    out.extend_from_slice(&v.to_le_bytes());
}

/// A number in its old field, where it fits there.
fn narrowed(v: u64, wide: bool) -> u32 {
    match wide {
        true => u32::MAX,
        false => u32::try_from(v).unwrap_or(u32::MAX),
    }
}

impl Archive {
    /// `seconds` since 1970, as the clock on the wall has it: the time of every entry.
    pub fn new(seconds: i64) -> Self {
        Self {
            entries: Vec::new(),
            at: 0,
            stamp: stamp(seconds),
            narrow: NARROW,
        }
    }

    #[cfg(test)]
    pub fn with_narrow(seconds: i64, narrow: u64) -> Self {
        let mut archive = Self::new(seconds);
        archive.narrow = narrow;
        archive
    }

    /// What is written before the bytes of a file.
    pub fn begin(&mut self, entry: Entry) -> Vec<u8> {
        let wide = entry.size >= self.narrow;
        let mut out = b"PK\x03\x04".to_vec();
        self.common(&mut out, &entry, wide);
        u16le(&mut out, if wide { 20 } else { 0 });
        out.extend_from_slice(entry.name.as_bytes());
        if wide {
            u16le(&mut out, 1);
            u16le(&mut out, 16);
            u64le(&mut out, entry.size);
            u64le(&mut out, entry.size);
        }
        let from = self.at;
        self.at += out.len() as u64 + entry.size;
        self.entries.push((entry, from));
        out
    }

    /// What an entry and the directory say alike, up to the length of the name.
    fn common(&self, out: &mut Vec<u8>, entry: &Entry, wide: bool) {
        u16le(out, if wide { WIDE } else { PLAIN });
        u16le(out, UTF8);
        u16le(out, 0);
        u16le(out, self.stamp.1);
        u16le(out, self.stamp.0);
        u32le(out, entry.crc);
        u32le(out, narrowed(entry.size, wide));
        u32le(out, narrowed(entry.size, wide));
        u16le(out, u16::try_from(entry.name.len()).unwrap_or(u16::MAX));
    }

    /// What is written after the last file.
    pub fn end(self) -> Vec<u8> {
        let mut out = Vec::new();
        for (entry, from) in &self.entries {
            let (long, far) = (entry.size >= self.narrow, *from >= self.narrow);
            let more = if long { 16 } else { 0 } + if far { 8 } else { 0 };
            out.extend_from_slice(b"PK\x01\x02");
            u16le(&mut out, MADE_BY);
            self.common(&mut out, entry, long || far);
            if far && !long {
                // The sizes fit: they are said here, and the place behind the name.
                let at = out.len() - 10;
                out[at..at + 4].copy_from_slice(&narrowed(entry.size, false).to_le_bytes());
                out[at + 4..at + 8].copy_from_slice(&narrowed(entry.size, false).to_le_bytes());
            }
            u16le(&mut out, if more > 0 { more + 4 } else { 0 });
            u16le(&mut out, 0); // no comment
            u16le(&mut out, 0); // one disk
            u16le(&mut out, 0); // not said to be text
            u32le(&mut out, MODE);
            u32le(&mut out, narrowed(*from, far));
            out.extend_from_slice(entry.name.as_bytes());
            if more > 0 {
                u16le(&mut out, 1);
                u16le(&mut out, more);
                if long {
                    u64le(&mut out, entry.size);
                    u64le(&mut out, entry.size);
                }
                if far {
                    u64le(&mut out, *from);
                }
            }
        }
        let (count, size) = (self.entries.len() as u64, out.len() as u64);
        let wide = count >= MANY || size >= self.narrow || self.at >= self.narrow;
        if wide {
            let record = self.at + size;
            out.extend_from_slice(b"PK\x06\x06");
            u64le(&mut out, 44);
            u16le(&mut out, MADE_BY);
            u16le(&mut out, WIDE);
            u32le(&mut out, 0);
            u32le(&mut out, 0);
            u64le(&mut out, count);
            u64le(&mut out, count);
            u64le(&mut out, size);
            u64le(&mut out, self.at);
            out.extend_from_slice(b"PK\x06\x07");
            u32le(&mut out, 0);
            u64le(&mut out, record);
            u32le(&mut out, 1);
        }
        let entries = match wide {
            true => u16::MAX,
            false => u16::try_from(count).unwrap_or(u16::MAX),
        };
        out.extend_from_slice(b"PK\x05\x06");
        u32le(&mut out, 0);
        u16le(&mut out, entries);
        u16le(&mut out, entries);
        u32le(&mut out, narrowed(size, wide));
        u32le(&mut out, narrowed(self.at, wide));
        u16le(&mut out, 0);
        out
    }

    /// How long an archive of these files is at most.
    pub fn longest<'a>(files: impl Iterator<Item = (&'a str, u64)>) -> u64 {
        files.fold(98, |sum, (name, size)| {
            sum + size + 2 * name.len() as u64 + (30 + 20) + (46 + 28)
        })
    }
}

/// Day and time as DOS has them: from 1980, in steps of two seconds.
fn stamp(seconds: i64) -> (u16, u16) {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The day of the year that begins in March, of an era of 400 years (a calendar without its leap day in the middle).
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let year = (year - 1980).clamp(0, 127);
    let day = u16::try_from(year << 9 | month << 5 | day).unwrap_or(0x21);
    let time = (second / 3600) << 11 | (second / 60 % 60) << 5 | (second % 60 / 2);
    (day, u16::try_from(time).unwrap_or(0))
}

/// The CRC-32 of ZIP, over pieces.
#[derive(Clone, Copy, Debug)]
pub struct Crc(u32);

const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let (mut c, mut bit) = (i as u32, 0);
        while bit < 8 {
            c = if c & 1 == 1 {
                c >> 1 ^ 0xedb8_8320
            } else {
                c >> 1
            };
            bit += 1;
        }
        tables[0][i] = c;
        i += 1;
    }
    let mut i = 0;
    while i < 256 {
        let mut t = 1;
        while t < 8 {
            let before = tables[t - 1][i];
            tables[t][i] = before >> 8 ^ tables[0][(before & 255) as usize];
            t += 1;
        }
        i += 1;
    }
    tables
}

fn low(v: u32) -> usize {
    usize::from(v.to_le_bytes()[0])
}

impl Crc {
    pub fn new() -> Self {
        Self(u32::MAX)
    }

    /// Eight bytes at a time.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut c = self.0;
        let mut eights = bytes.chunks_exact(8);
        for e in &mut eights {
            c ^= u32::from_le_bytes([e[0], e[1], e[2], e[3]]);
            c = TABLES[7][low(c)]
                ^ TABLES[6][low(c >> 8)]
                ^ TABLES[5][low(c >> 16)]
                ^ TABLES[4][low(c >> 24)]
                ^ TABLES[3][usize::from(e[4])]
                ^ TABLES[2][usize::from(e[5])]
                ^ TABLES[1][usize::from(e[6])]
                ^ TABLES[0][usize::from(e[7])];
        }
        for b in eights.remainder() {
            c = c >> 8 ^ TABLES[0][low(c ^ u32::from(*b))];
        }
        self.0 = c;
    }

    pub fn end(self) -> u32 {
        !self.0
    }
}

impl Default for Crc {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, process::Command};

    use super::*;

    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = Crc::new();
        crc.push(bytes);
        crc.end()
    }

    /// EVI-3: the CRC is the one everybody computes, in whatever pieces it comes.
    #[test]
    fn the_crc_of_everybody() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc(b""), 0);
        let bytes: Vec<u8> = (0..1000u32).map(|i| (i * i % 251) as u8).collect();
        for cut in [0, 1, 7, 8, 9, 500, 1000] {
            let mut crc_of = Crc::new();
            crc_of.push(&bytes[..cut]);
            crc_of.push(&bytes[cut..]);
            assert_eq!(crc_of.end(), crc(&bytes), "{cut}");
        }
    }

    #[test]
    fn days_of_dos() {
        // 2026-11-29 18:30:10, and what DOS cannot say.
        assert_eq!(
            stamp(1_795_977_010),
            (46 << 9 | 11 << 5 | 29, 18 << 11 | 30 << 5 | 5)
        );
        assert_eq!(stamp(951_782_400), (20 << 9 | 2 << 5 | 29, 0), "a leap day");
        assert_eq!(stamp(0).0 >> 9, 0);
    }

    /// EVI-3: stock unzip and Python read it back, with every record of ZIP64 and without: names in UTF-8, nothing compressed.
    #[test]
    fn stock_programs_read_it() {
        let files: Vec<(String, Vec<u8>)> = vec![
            ("EXH/READ-ME-FIRST.txt".into(), b"hello\n".to_vec()),
            ("EXH/master/Siân ✓.mp4".into(), vec![7; 70_000]),
            ("EXH/empty".into(), Vec::new()),
            ("EXH/log/proof/1.tlog-proof".into(), vec![1; 10]),
        ];
        for narrow in [NARROW, 80_000, 10, 0] {
            let dir = tempfile::tempdir().expect("folder");
            let path = dir.path().join("a.zip");
            let mut out = std::fs::File::create(&path).expect("file");
            let mut archive = Archive::with_narrow(1_795_977_010, narrow);
            let mut written = 0;
            for (name, bytes) in &files {
                let head = archive.begin(Entry {
                    name: name.clone(),
                    size: bytes.len() as u64,
                    crc: crc(bytes),
                });
                out.write_all(&head).expect("written");
                out.write_all(bytes).expect("written");
                written += head.len() + bytes.len();
            }
            let end = archive.end();
            out.write_all(&end).expect("written");
            let whole = (written + end.len()) as u64;
            let most = Archive::longest(files.iter().map(|(n, b)| (n.as_str(), b.len() as u64)));
            assert!(whole <= most, "{whole} of at most {most}");
            drop(out);
            let python = "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                          for i in z.infolist(): print(i.filename, i.file_size, i.compress_type, i.date_time)";
            let said = Command::new("python3")
                .args(["-c", python])
                .arg(&path)
                .output()
                .expect("python3");
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(said.status.success(), "{narrow}: {said:?}");
            let first = "EXH/READ-ME-FIRST.txt 6 0 (2026, 11, 29, 18, 30, 10)";
            assert_eq!(text.lines().next(), Some(first), "{narrow}");
            assert!(text.contains("EXH/master/Siân ✓.mp4 70000 0"), "{text}");
            let said = Command::new("unzip")
                .arg("-q")
                .arg(&path)
                .arg("-d")
                .arg(dir.path().join("out"))
                .output()
                .expect("unzip");
            assert!(said.status.success(), "{narrow}: {said:?}");
            for (name, bytes) in &files {
                let there = std::fs::read(dir.path().join("out").join(name)).expect("there");
                assert!(there == *bytes, "{narrow}: {name}");
            }
        }
    }
}
