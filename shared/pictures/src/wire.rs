//! Adapter: stdin and stdout. Whole messages of [`shared::worker`], read and written.
use std::io::{self, Read, Write};

use shared::worker::{FromWorker, MessageError, ToWorker, length};

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("cannot read from the daemon: {0}")]
    Read(#[source] io::Error),
    #[error("the daemon's message is cut off; it seems to have stopped")]
    CutOff,
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// The next message, kept in `buffer`; `None` where the input ends between two messages.
pub fn read<'a>(
    from: &mut impl Read,
    buffer: &'a mut Vec<u8>,
) -> Result<Option<ToWorker<'a>>, WireError> {
    if !read_frame(from, buffer)? {
        return Ok(None);
    }
    Ok(Some(ToWorker::decode(buffer)?))
}

/// Puts what follows a message's length into `buffer`; false where the input ends between two messages.
pub fn read_frame(from: &mut impl Read, buffer: &mut Vec<u8>) -> Result<bool, WireError> {
    let mut head = [0u8; 4];
    let mut have = 0;
    while have < head.len() {
        match from.read(&mut head[have..]) {
            Ok(0) if have == 0 => return Ok(false),
            Ok(0) => return Err(WireError::CutOff),
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(WireError::Read(e)),
        }
    }
    buffer.clear();
    buffer.resize(length(head)?, 0);
    from.read_exact(buffer).map_err(|e| {
        if e.kind() == io::ErrorKind::UnexpectedEof {
            WireError::CutOff
        } else {
            WireError::Read(e)
        }
    })?;
    Ok(true)
}

/// Does not flush.
pub fn write(to: &mut impl Write, message: &FromWorker<'_>) -> io::Result<()> {
    to.write_all(&message.encode().map_err(io::Error::other)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_named() {
        let bad = |bytes: &[u8]| {
            read(&mut &bytes[..], &mut Vec::new())
                .unwrap_err()
                .to_string()
        };
        assert!(bad(b"GET / HTTP/1.1\r\n").contains("no daemon"));
        assert!(bad(&[0, 0]).contains("cut off"));
        assert!(bad(&[0, 0, 0, 9, b'C', b'{']).contains("cut off"));
        assert!(bad(&[0, 0, 0, 1, b'Z']).contains("0x5a"));
        assert!(read(&mut &b""[..], &mut Vec::new()).unwrap().is_none());
    }
}
