//! Adapter: socket. The daemon's side of the reader's socket.
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use shared::{
    id::CameraId, note::SignedHead, order::Part, segment::KeyId, spot::Wrong, time::Day, wire,
};

use super::{
    ReaderError, Recipients, Recovered,
    protocol::{Reply, Request},
};

/// The reader reads and seals a whole segment for an answer; on a slow disk that takes a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// Blocking client of the reader's socket. One connection per call; cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, ReaderError> {
        let absent = |e: &dyn std::fmt::Display| ReaderError::Absent {
            socket: self.socket.display().to_string(),
            why: e.to_string(),
        };
        let mut stream = UnixStream::connect(&self.socket).map_err(|e| absent(&e))?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .map_err(|e| absent(&e))?;
        let frame = wire::encode_json(request).map_err(|e| ReaderError::Refused(e.to_string()))?;
        stream.write_all(&frame).map_err(|e| absent(&e))?;
        let reply = read_frame(&mut stream)
            .and_then(|f| f.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into()))
            .map_err(|e| absent(&e))?;
        match reply
            .json()
            .map_err(|e| ReaderError::Refused(e.to_string()))?
        {
            Reply::Refused { why } => Err(ReaderError::Refused(why)),
            Reply::Early { why } => Err(ReaderError::Early(why)),
            Reply::Spent { why } => Err(ReaderError::Spent(why)),
            reply => Ok(reply),
        }
    }

    /// Asks for recipients of these cameras for `days` days from `from`, and refreshes [`Recipients`].
    pub fn recipients(
        &self,
        cams: &[CameraId],
        from: Day,
        days: u32,
        into: &Recipients,
    ) -> Result<(), ReaderError> {
        match self.ask(&Request::Recipients {
            cams: cams.to_vec(),
            from,
            days,
        })? {
            Reply::Recipients { recipients } => into.replace(recipients),
            other => Err(odd(&other)),
        }
    }

    /// Recovers one `.open` file, or hashes one closed orphan. Ok(None): nothing whole in it (it is left aside as `.torn`).
    /// `file` is the path below the volume; `key` is tried first, then the camera's boot keys.
    pub fn recover(
        &self,
        volume: &Path,
        file: &str,
        key: &str,
    ) -> Result<Option<Recovered>, ReaderError> {
        let volume = volume.to_str().ok_or_else(|| {
            ReaderError::Refused(format!("{} is not plain text", volume.display()))
        })?;
        match self.ask(&Request::Recover {
            volume: volume.into(),
            file: file.into(),
            key: key.into(),
        })? {
            Reply::Recovered { recovered } => Ok(recovered),
            other => Err(odd(&other)),
        }
    }

    /// New age header for one sealed segment, wrapped to the recipient named in a hub-signed pull order (checked by the reader).
    /// Returns (old header length, new header bytes, what of the file is in the order's span).
    pub fn rewrap(
        &self,
        order: &str,
        sig: &str,
        path: &Path,
        key: &str,
    ) -> Result<(u64, Vec<u8>, Part), ReaderError> {
        let path = path
            .to_str()
            .ok_or_else(|| ReaderError::Refused(format!("{} is not plain text", path.display())))?;
        match self.ask(&Request::Rewrap {
            order: order.into(),
            sig: sig.into(),
            path: path.into(),
            key: key.into(),
        })? {
            Reply::Rewrapped { old, header, part } => {
                let header = STANDARD
                    .decode(header)
                    .map_err(|e| ReaderError::Refused(e.to_string()))?;
                Ok((old, header, part))
            }
            other => Err(odd(&other)),
        }
    }

    /// Copies one closed segment for a hold: sealed to the hold's own key, the copy read again and compared with `sha256` before it
    /// gets its name, `held/<hold>/<file>` on the same volume. The folder must be there.
    pub fn hold(
        &self,
        volume: &Path,
        file: &str,
        key: &str,
        hold: &KeyId,
        sha256: &str,
    ) -> Result<(), ReaderError> {
        let volume = volume.to_str().ok_or_else(|| {
            ReaderError::Refused(format!("{} is not plain text", volume.display()))
        })?;
        match self.ask(&Request::Hold {
            volume: volume.into(),
            file: file.into(),
            key: key.into(),
            hold: hold.to_string(),
            sha256: sha256.into(),
        })? {
            Reply::Held => Ok(()),
            other => Err(odd(&other)),
        }
    }

    /// Reads one closed segment, or a hold's copy of it, and compares it with size and hash of its `seg.write`. What is wrong with it, if
    /// anything is; nothing is changed.
    pub fn spot(
        &self,
        volume: &Path,
        file: &str,
        key: &str,
        size: u64,
        sha256: &str,
    ) -> Result<Option<Wrong>, ReaderError> {
        let volume = volume.to_str().ok_or_else(|| {
            ReaderError::Refused(format!("{} is not plain text", volume.display()))
        })?;
        match self.ask(&Request::Spot {
            volume: volume.into(),
            file: file.into(),
            key: key.into(),
            size,
            sha256: sha256.into(),
        })? {
            Reply::Spot { wrong } => Ok(wrong),
            other => Err(odd(&other)),
        }
    }

    /// Destroys the identities of a key id: new root key, file rewritten, old root key destroyed. Returns the claim (`tpm`, `file`).
    /// `cosigned`: the newest head the hub countersigned. Refused before the key is due by the reader's own reckoning.
    pub fn destroy(&self, key: &str, cosigned: Option<&SignedHead>) -> Result<String, ReaderError> {
        match self.ask(&Request::Destroy {
            key: key.into(),
            cosigned: cosigned.map(SignedHead::render),
        })? {
            Reply::Destroyed { claim } => Ok(claim),
            other => Err(odd(&other)),
        }
    }

    /// Whether [`Self::destroy`] would destroy it now; [`ReaderError::Early`] when it would wait.
    pub fn due(&self, key: &str, cosigned: Option<&SignedHead>) -> Result<(), ReaderError> {
        match self.ask(&Request::Due {
            key: key.into(),
            cosigned: cosigned.map(SignedHead::render),
        })? {
            Reply::Due => Ok(()),
            other => Err(odd(&other)),
        }
    }

    /// Gives the reader an order about a pull, holds or time, which it checks and keeps for itself. [`ReaderError::Spent`]: it will hand out
    /// nothing of this pull today.
    pub fn order(&self, order: &str, sig: &str) -> Result<(), ReaderError> {
        match self.ask(&Request::Order {
            order: order.into(),
            sig: sig.into(),
        })? {
            Reply::Noted => Ok(()),
            other => Err(odd(&other)),
        }
    }

    /// Tries every key the reader still has on a sealed file; Ok(true) when none opens it.
    pub fn undecryptable(&self, path: &Path) -> Result<bool, ReaderError> {
        let path = path
            .to_str()
            .ok_or_else(|| ReaderError::Refused(format!("{} is not plain text", path.display())))?;
        match self.ask(&Request::Undecryptable { path: path.into() })? {
            Reply::Undecryptable { sure } => Ok(sure),
            other => Err(odd(&other)),
        }
    }
}

fn odd(reply: &Reply) -> ReaderError {
    let what = match reply {
        Reply::Unknown => "an answer this version does not know",
        _ => "an answer to another question",
    };
    ReaderError::Refused(format!(
        "{what}; daemon and reader may be of different versions: restart both"
    ))
}

/// One frame, or None when the other side has closed the stream between frames.
pub(super) fn read_frame(stream: &mut impl Read) -> std::io::Result<Option<wire::Frame>> {
    let mut prefix = [0u8; 4];
    let mut got = 0;
    while got < 4 {
        match stream.read(&mut prefix[got..]) {
            Ok(0) if got == 0 => return Ok(None),
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => got += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let bad = |e: wire::BadFrame| std::io::Error::new(std::io::ErrorKind::InvalidData, e);
    let mut bytes = vec![0; wire::frame_len(prefix).map_err(bad)?];
    stream.read_exact(&mut bytes)?;
    wire::Frame::from_bytes(bytes).map(Some).map_err(bad)
}
