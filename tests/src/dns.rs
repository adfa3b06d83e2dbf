//! Adapter: sockets, namespaces. A network of a test's own, with loopback and nothing else, and the DNS that programs in it ask.
use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, UdpSocket},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::sched::CloneFlags;

use crate::{Done, Told, args, disks};

/// The network, until it is dropped. This thread, and what it starts, is in it, and asks this DNS alone for names.
pub struct Dns {
    names: Arc<Mutex<HashMap<String, Ipv4Addr>>>,
    over: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

impl Dns {
    /// # Errors
    /// This is not root's process.
    pub fn enter(folder: &Path) -> Done<Self> {
        disks::enter()?;
        nix::sched::unshare(CloneFlags::CLONE_NEWNET).told("a network of our own")?;
        disks::tell("ip", args!["link", "set", "lo", "up"])?;
        for (name, text) in [
            (
                "resolv.conf",
                "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n",
            ),
            ("nsswitch.conf", "hosts: files dns\n"),
            ("hosts", "127.0.0.1 localhost\n"),
        ] {
            let (ours, theirs) = (folder.join(name), Path::new("/etc").join(name));
            fs::write(&ours, text).told(ours.display())?;
            let theirs = fs::canonicalize(&theirs).unwrap_or(theirs);
            if !theirs.exists() {
                fs::write(&theirs, "").told(theirs.display())?;
            }
            disks::tell("mount", args!["--bind", ours, theirs])?;
        }
        let socket = UdpSocket::bind("127.0.0.1:53").told("the port of the DNS")?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let (names, over) = <(Arc<Mutex<HashMap<_, _>>>, Arc<AtomicBool>)>::default();
        let (known, ended) = (names.clone(), over.clone());
        let server = thread::spawn(move || {
            let mut asked = [0; 512];
            while !ended.load(Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut asked) else {
                    continue;
                };
                let names = known.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(answer) = answer(&asked[..length], &names) {
                    // Whoever asked asks again.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Ok(Self {
            names,
            over,
            server: Some(server),
        })
    }

    /// From now on the name is at this address.
    pub fn set(&self, name: &str, address: Ipv4Addr) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(name.to_owned(), address);
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// The answer to one question (RFC 1035): an address of a name that is known, none of one that is asked for otherwise, else that there is no such
/// name. None: it is no question.
fn answer(asked: &[u8], names: &HashMap<String, Ipv4Addr>) -> Option<Vec<u8>> {
    let (head, mut rest) = asked.split_at_checked(12)?;
    let mut labels = Vec::new();
    loop {
        let (length, after) = rest.split_first()?;
        rest = after;
        if *length == 0 {
            break;
        }
        let (label, after) = rest.split_at_checked(usize::from(*length))?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        rest = after;
    }
    let (kind, _) = rest.split_at_checked(4)?;
    let known = names.get(&labels.join("."));
    let address = known.filter(|_| kind[..2] == [0, 1]);
    let mut said = head[..2].to_vec();
    // An answer, with authority; no such name, or no error.
    said.extend([0x85, if known.is_some() { 0x80 } else { 0x83 }]);
    said.extend([0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    said.extend(&asked[12..asked.len() - rest.len() + 4]);
    if let Some(address) = address {
        // The name of the question, A, IN, good for no time, four bytes.
        said.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        said.extend(address.octets());
    }
    Some(said)
}
