//! Adapter: OS. A session's socket, which retina keeps to itself: found when it is made, and taken aside when the session says goodbye.
//!
//! retina says TEARDOWN and reads the answer in one breath, and keeps every line of it: a camera that answers at once and without an end
//! fills the memory before anybody can look. So the goodbye is said into a pair of our own, from which nothing is ever to be read, and
//! passed on to the camera from there.
use std::{
    collections::BTreeSet,
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    os::{
        fd::{AsFd, BorrowedFd, IntoRawFd, RawFd},
        unix::net::UnixStream,
    },
};

use nix::{
    fcntl::OFlag,
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{SockaddrStorage, getpeername},
    unistd::dup3_raw,
};

/// A goodbye is a few hundred bytes.
const GOODBYE_BYTES: usize = 4 << 10;

/// A socket of this process: its number, and its name in the system, which no other has while it lives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Socket {
    number: RawFd,
    name: String,
}

impl Socket {
    /// None: it is none, or there is none of this number any more.
    fn of(number: RawFd) -> Option<Self> {
        let name = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
        let name = name.to_str()?.to_owned();
        let socket = name.starts_with("socket:");
        socket.then_some(Self { number, name })
    }

    /// All of this process.
    pub(crate) fn all() -> BTreeSet<Self> {
        let Ok(listed) = std::fs::read_dir("/proc/self/fd") else {
            return BTreeSet::new();
        };
        let numbers = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers.filter_map(Self::of).collect()
    }

    /// Whether it lives, and is connected to this port.
    pub(crate) fn leads_to(&self, port: u16) -> bool {
        let same = Self::of(self.number).as_ref() == Some(self);
        let peer = getpeername::<SockaddrStorage>(self.number);
        same && peer.is_ok_and(|peer| {
            let v4 = peer.as_sockaddr_in().map(|a| a.port());
            let v6 = peer.as_sockaddr_in6().map(|a| a.port());
            v4.or(v6) == Some(port)
        })
    }

    /// From now on whoever holds its number speaks into a pair of ours, and hears nothing.
    pub(crate) fn aside(&self) -> io::Result<Aside> {
        if Self::of(self.number).as_ref() != Some(self) {
            return Err(ErrorKind::NotConnected.into());
        }
        let (words, theirs) = UnixStream::pair()?;
        words.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        // SAFETY: a socket of this number is open: retina holds it on this thread and gives it back only when its task is dropped.
        let camera = unsafe { BorrowedFd::borrow_raw(self.number) }.try_clone_to_owned()?;
        // SAFETY: as above. Its number goes on to be retina's alone: what is returned here is given up at once, unclosed.
        let replaced = unsafe { dup3_raw(&theirs, self.number, OFlag::O_CLOEXEC) }?;
        let _ = replaced.into_raw_fd();
        Ok(Aside {
            camera: camera.into(),
            words,
        })
    }
}

/// A connection to a camera that is only spoken to. Drop it before the socket it was made from: the system goes on telling that socket's
/// runtime of it until then.
#[derive(Debug)]
pub(crate) struct Aside {
    camera: TcpStream,
    words: UnixStream,
}

impl Aside {
    /// Passes on what was said. What the camera does not take at once is lost.
    pub(crate) fn pass_on(&mut self) -> io::Result<()> {
        let mut said = [0; GOODBYE_BYTES];
        let length = self.words.read(&mut said)?;
        let said = said.get(..length).unwrap_or_default();
        self.camera.write_all(said)
    }

    /// The camera has closed the connection, or broken it off.
    pub(crate) fn is_over(&self) -> bool {
        let closed = PollFlags::from_bits_retain(libc::POLLRDHUP);
        let mut camera = [PollFd::new(self.camera.as_fd(), closed)];
        // What it is not asked for is told as well: that the connection is broken.
        poll(&mut camera, PollTimeout::ZERO).is_ok_and(|n| n > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::fd::AsRawFd};

    use super::*;

    /// REC-6: who is taken aside is heard by the camera, and hears nothing of it; a number that is another socket's by now is left alone.
    #[test]
    fn words_go_out_and_none_come_in() {
        let camera = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = camera.local_addr().expect("a port").port();
        let before = Socket::all();
        let mut session = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        let own = session.as_raw_fd();
        let found = Socket::all();
        let mut found = found.difference(&before).filter(|s| s.leads_to(port));
        let socket = found.find(|s| s.number == own).expect("its socket");
        let (mut met, _) = camera.accept().expect("the camera's side");
        met.write_all(&[1; 10_000])
            .expect("an answer before it was asked");
        let mut aside = socket.aside().expect("aside");
        session.write_all(b"TEARDOWN").expect("said");
        let heard = session.read(&mut [0; 100]).map_err(|e| e.kind());
        assert_eq!(heard, Err(ErrorKind::WouldBlock));
        aside.pass_on().expect("passed on");
        let mut taken = [0; 8];
        met.read_exact(&mut taken).expect("heard");
        assert_eq!(&taken, b"TEARDOWN");
        assert!(!socket.leads_to(port) && socket.aside().is_err());
        assert!(!aside.is_over());
        let half = met.shutdown(std::net::Shutdown::Write);
        half.expect("the camera says that it is done");
        assert!(aside.is_over());
        drop(aside);
        let closed = met.read(&mut taken).map_err(|e| e.kind());
        assert!(
            matches!(closed, Ok(0) | Err(ErrorKind::ConnectionReset)),
            "{closed:?}"
        );
    }
}
