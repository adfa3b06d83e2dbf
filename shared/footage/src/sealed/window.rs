//! Pure. Any part of a sealed file, without reading what lies before it.
//!
//! Pieces stand at fixed places and each has its number in its nonce, so one of them can be opened alone. How long the plaintext is
//! follows from the file's length, but a file that was cut at a piece's end looks like a shorter one: the length is true only
//! once its last piece has opened *as the last*. [`RangeReader`] opens that one first, so it never gives a byte, or a length, of a file that
//! was cut.

use std::io::{self, Read, Seek, SeekFrom};

use super::{
    MAX_HEADER, NONCE, PIECE, SEALED_PIECE, SealError, Stream, TAG, file_key, parse_identity,
    read_header,
};

/// Most bytes of a file that [`Window::new`] may want to see.
pub const OPENING: usize = MAX_HEADER + NONCE;

/// Where the pieces of one sealed file lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// Where the first piece begins.
    start: u64,
    /// Sealed bytes from there on.
    payload: u64,
}

impl Pieces {
    /// `header`: bytes of the age header; `len`: of the file. None: it is too short for that.
    pub fn new(header: u64, len: u64) -> Option<Self> {
        let start = header.checked_add(NONCE as u64)?;
        let pieces = Self {
            start,
            payload: len.checked_sub(start)?,
        };
        (pieces.payload >= TAG as u64).then_some(pieces)
    }

    /// Number of the last piece, if the file was not cut.
    pub fn last(&self) -> u64 {
        self.payload.div_ceil(SEALED_PIECE as u64).saturating_sub(1)
    }

    /// Plaintext bytes, if the file was not cut: true once the last piece has been opened.
    pub fn plain_len(&self) -> u64 {
        self.payload - (self.last() + 1) * TAG as u64
    }

    /// Which piece holds the plaintext byte `at`.
    pub fn piece_of(at: u64) -> u64 {
        at / PIECE as u64
    }

    /// Where in the file a piece lies, and how long it is there; length 0: there is no such piece.
    pub fn place(&self, piece: u64) -> (u64, usize) {
        let begins = piece.saturating_mul(SEALED_PIECE as u64);
        let len = self.payload.saturating_sub(begins).min(SEALED_PIECE as u64);
        (self.start.saturating_add(begins), len as usize)
    }

    /// First byte of the file, and the one after the last, of the pieces that hold plaintext bytes [from, to).
    pub fn span(&self, from: u64, to: u64) -> (u64, u64) {
        let (first, _) = self.place(Self::piece_of(from).min(self.last()));
        let (last, len) = self.place(Self::piece_of(to.max(1) - 1).min(self.last()));
        (first, last + len as u64)
    }
}

/// The pieces of one sealed file, and the key that opens them.
pub struct Window {
    stream: Stream,
    pieces: Pieces,
}

impl Window {
    /// `opening`: the file's first bytes, [`OPENING`] of them or the whole file; `len`: bytes of the file.
    pub fn new(opening: &[u8], len: u64, identity: &str) -> Result<Self, SealError> {
        let short = || SealError::CutShort(0);
        let header = read_header(opening)?.ok_or_else(short)?;
        let key = file_key(opening, &header, &[parse_identity(identity)?])?;
        let start = header.len + NONCE;
        let nonce = opening.get(header.len..start).ok_or_else(short)?;
        let window = Self {
            stream: Stream::new(&key, nonce)?,
            pieces: Pieces::new(header.len as u64, len).ok_or_else(short)?,
        };
        // The last piece is empty only in an empty file.
        if window.place(window.last()).1 <= TAG && window.last() > 0 {
            return Err(SealError::CutShort(window.last()));
        }
        Ok(window)
    }

    pub fn pieces(&self) -> Pieces {
        self.pieces
    }

    /// See [`Pieces::last`].
    pub fn last(&self) -> u64 {
        self.pieces.last()
    }

    /// See [`Pieces::plain_len`].
    pub fn plain_len(&self) -> u64 {
        self.pieces.plain_len()
    }

    /// See [`Pieces::piece_of`].
    pub fn piece_of(at: u64) -> u64 {
        Pieces::piece_of(at)
    }

    /// See [`Pieces::place`].
    pub fn place(&self, piece: u64) -> (u64, usize) {
        self.pieces.place(piece)
    }

    /// Opens a piece: exactly the bytes of its [`Window::place`]. Only the last one is taken for the last, and it for nothing else.
    pub fn open(&mut self, piece: u64, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let last = self.last();
        if piece > last || sealed.len() != self.place(piece).1 {
            return Err(SealError::CutShort(piece.min(last)));
        }
        let mut out = Vec::with_capacity(sealed.len());
        self.stream.next = piece;
        match self.stream.open(sealed, piece == last, &mut out) {
            Ok(()) => Ok(out),
            Err(altered) if piece < last => Err(altered),
            // Good as a middle piece: then others followed it once.
            Err(altered) => {
                self.stream.next = piece;
                let cut = self.stream.open(sealed, false, &mut out).is_ok();
                Err(if cut {
                    SealError::CutShort(piece + 1)
                } else {
                    altered
                })
            }
        }
    }
}

/// A sealed file read as its plaintext, from anywhere. Holds one opened piece.
pub struct RangeReader<R> {
    sealed: R,
    window: Window,
    at: u64,
    /// Number and plaintext of the piece at hand.
    piece: (u64, Vec<u8>),
}

fn data(e: SealError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, e)
}

impl<R: Read + Seek> RangeReader<R> {
    /// Reads the header and the last piece. A file that was cut, altered there, or sealed to another key does not open.
    pub fn new(mut sealed: R, identity: &str) -> io::Result<Self> {
        let len = sealed.seek(SeekFrom::End(0))?;
        sealed.seek(SeekFrom::Start(0))?;
        let mut opening = Vec::new();
        sealed
            .by_ref()
            .take(OPENING as u64)
            .read_to_end(&mut opening)?;
        let window = Window::new(&opening, len, identity).map_err(data)?;
        let mut reader = Self {
            sealed,
            window,
            at: 0,
            piece: (0, Vec::new()),
        };
        reader.fetch(reader.window.last())?;
        Ok(reader)
    }

    /// Bytes of plaintext.
    pub fn plain_len(&self) -> u64 {
        self.window.plain_len()
    }

    /// The sealed file again.
    pub fn into_inner(self) -> R {
        self.sealed
    }

    fn fetch(&mut self, piece: u64) -> io::Result<()> {
        let (from, len) = self.window.place(piece);
        let mut sealed = vec![0; len];
        self.sealed.seek(SeekFrom::Start(from))?;
        self.sealed.read_exact(&mut sealed)?;
        self.piece = (piece, self.window.open(piece, &sealed).map_err(data)?);
        Ok(())
    }
}

impl<R: Read + Seek> Read for RangeReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.at >= self.plain_len() {
            return Ok(0);
        }
        let piece = Window::piece_of(self.at);
        if self.piece.0 != piece {
            self.fetch(piece)?;
        }
        let from = (self.at - piece * PIECE as u64) as usize;
        let here = self.piece.1.get(from..).unwrap_or_default();
        let n = here.len().min(out.len());
        out[..n].copy_from_slice(&here[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for RangeReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.plain_len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
