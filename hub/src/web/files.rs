//! Adapter: filesystem. A package's files as pages show them, and byte ranges of them, opened as they are sent.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
};

use axum::body::{Body, Bytes};

use crate::evidence::resting::{Resting, SEALED};

const CHUNK: usize = 256 * 1024;

/// A working copy of a package, or its still picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    pub name: String,
    /// In the package.
    pub path: String,
    pub bytes: u64,
    /// Whether a browser can be expected to play it.
    pub plays: bool,
    pub codec: &'static str,
    /// It is a still picture.
    pub picture: bool,
}

impl Copy {
    pub fn media_type(&self) -> &'static str {
        match self.picture {
            true => "image/jpeg",
            false => "video/mp4",
        }
    }
}

/// Films and still pictures of a package, by name. A package without any has none to show; that is no error.
pub fn copies(package: &Resting) -> io::Result<Vec<Copy>> {
    let mut out = below(package, "working", ".mp4")?;
    out.extend(below(package, "still", ".jpg")?);
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

fn below(package: &Resting, folder: &str, ending: &str) -> io::Result<Vec<Copy>> {
    let mut out = Vec::new();
    let below = folder;
    let folder: PathBuf = package.root().join(folder);
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(out),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // A link is not followed: it could name any file of the machine.
        if !entry.file_type()?.is_file() {
            continue;
        }
        let Some(name) = name.strip_suffix(SEALED).filter(|n| n.ends_with(ending)) else {
            continue;
        };
        let path = format!("{below}/{name}");
        let mut file = package.open(&path)?;
        let mut head = Vec::new();
        file.by_ref().take(4096).read_to_end(&mut head)?;
        let picture = head.starts_with(b"\xff\xd8\xff");
        let (plays, codec) = match picture {
            true => (true, "JPEG"),
            false => codec(&head),
        };
        out.push(Copy {
            picture,
            name: name.to_owned(),
            bytes: file.plain_len(),
            path,
            plays,
            codec,
        });
    }
    Ok(out)
}

/// What stands right behind the head of the sample description, which our writer puts in the first kilobyte.
fn codec(head: &[u8]) -> (bool, &'static str) {
    let at = head.windows(4).position(|w| w == b"stsd");
    match at.and_then(|at| head.get(at + 16..at + 20)) {
        Some(b"avc1") => (true, "H.264"),
        Some(b"hvc1" | b"hev1") => (false, "H.265"),
        _ => (false, "an unknown format"),
    }
}

/// What a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    Whole,
    /// First byte and length.
    Part(u64, u64),
    /// Not within the file.
    Outside,
}

/// Reads a `Range` header. What is not understood (other units, several ranges) gets the whole file, as HTTP allows.
pub fn range(header: Option<&str>, size: u64) -> Range {
    let Some((first, last)) = header
        .and_then(|h| h.strip_prefix("bytes="))
        .filter(|h| !h.contains(','))
        .and_then(|h| h.trim().split_once('-'))
    else {
        return Range::Whole;
    };
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(from), None) if last.is_empty() && from < size => Range::Part(from, size - from),
        (Some(from), Some(to)) if from <= to && from < size => {
            Range::Part(from, to.min(size - 1) - from + 1)
        }
        (None, Some(n)) if first.is_empty() && n > 0 && size > 0 => {
            Range::Part(size - n.min(size), n.min(size))
        }
        (Some(_), None) if last.is_empty() => Range::Outside,
        (Some(from), Some(to)) if from <= to => Range::Outside,
        (None, Some(_)) if first.is_empty() => Range::Outside,
        _ => Range::Whole,
    }
}

/// `len` bytes of a sealed file from `from`, opened as they are sent. Blocks until the first of them are opened, so that what is damaged
/// there is answered with an error; damage further on breaks the connection, and nothing that was altered is sent.
pub fn body(package: &Resting, path: &str, from: u64, len: u64) -> io::Result<Body> {
    let mut file = package.open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let first = chunk(&mut file, len)?;
    let left = len - first.len() as u64;
    let rest = futures::stream::unfold(Some((file, left)), |state| async {
        let (mut file, left) = state.filter(|(_, left)| *left > 0)?;
        let read = tokio::task::spawn_blocking(move || {
            let bytes = chunk(&mut file, left)?;
            let left = left - bytes.len() as u64;
            Ok((bytes, (file, left)))
        });
        Some(match read.await {
            Ok(Ok((bytes, rest))) => (Ok(bytes), Some(rest)),
            Ok(Err(e)) => (Err(e), None),
            Err(stopped) => (Err(io::Error::other(stopped)), None),
        })
    });
    let first = futures::stream::once(async { Ok(first) });
    Ok(Body::from_stream(futures::StreamExt::chain(first, rest)))
}

/// The next bytes, `left` at most; none only when none are left.
fn chunk(file: &mut impl Read, left: u64) -> io::Result<Bytes> {
    let mut buffer = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
    let n = file.read(&mut buffer)?;
    if n == 0 && left > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(n);
    Ok(Bytes::from(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, want) in [
            (None, Range::Whole),
            (Some("bytes=0-"), Range::Part(0, 100)),
            (Some("bytes=10-19"), Range::Part(10, 10)),
            (Some("bytes=90-400"), Range::Part(90, 10)),
            (Some("bytes=-30"), Range::Part(70, 30)),
            (Some("bytes=-300"), Range::Part(0, 100)),
            (Some("bytes=100-"), Range::Outside),
            (Some("bytes=100-200"), Range::Outside),
            (Some("bytes=-0"), Range::Outside),
            (Some("bytes=5-4"), Range::Whole),
            (Some("bytes=0-1,5-6"), Range::Whole),
            (Some("bytes=-"), Range::Whole),
            (Some("bytes=+1-2"), Range::Whole),
            (Some("lines=1-2"), Range::Whole),
            (Some("bytes=99999999999999999999-"), Range::Outside),
        ] {
            assert_eq!(range(header, 100), want, "{header:?}");
        }
        assert_eq!(range(Some("bytes=0-"), 0), Range::Outside);
    }

    #[test]
    fn formats() {
        assert_eq!(
            codec(b"....stsd\0\0\0\0\0\0\0\x01\0\0\0\x10avc1"),
            (true, "H.264")
        );
        assert_eq!(
            codec(b"....stsd\0\0\0\0\0\0\0\x01\0\0\0\x10hvc1").1,
            "H.265"
        );
        assert!(!codec(b"").0);
    }
}
