//! Adapter: openssl, TCP. An authority for time stamps as there are many outside: `openssl ts -reply` behind a small HTTP server, with a root, a
//! certificate between, and one that stamps.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    thread,
};

use crate::{Done, Told, Trouble, args, program};

/// How its keys are made.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Rsa,
    P256,
    P384,
}

/// What it does with a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Stamps it.
    Good = 0,
    /// Answers 503.
    Away = 1,
    /// Stamps something else.
    Liar = 2,
}

/// The authority's own files.
pub struct Authority {
    folder: PathBuf,
    /// Its root certificate.
    pub pem: String,
    /// openssl counts in a file: one at a time.
    turn: Mutex<()>,
}

impl Authority {
    /// Makes one in this folder.
    pub fn make(folder: &Path, name: &str, kind: Kind) -> Done<Self> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let (algorithm, option, hash, ess) = match kind {
            Kind::Rsa => ("RSA", "rsa_keygen_bits:2048", "sha256", "sha256"),
            Kind::P256 => ("EC", "ec_paramgen_curve:P-256", "sha256", "sha1"),
            Kind::P384 => ("EC", "ec_paramgen_curve:P-384", "sha384", "sha384"),
        };
        let f = folder.display();
        fs::write(
            folder.join("cnf"),
            format!(
                "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=Test\n\
                 [root]\nbasicConstraints=critical,CA:TRUE\n[between]\nbasicConstraints=critical,CA:TRUE\n\
                 [leaf]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n\
                 [tsa]\ndefault_tsa=t1\n[t1]\nserial={f}/serial\ncrypto_device=builtin\nsigner_cert={f}/leaf.pem\ncerts={f}/between.pem\n\
                 signer_key={f}/leaf.key\nsigner_digest={hash}\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\nordering=yes\n\
                 tsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg={ess}\n"
            ),
        )?;
        fs::write(folder.join("serial"), "01\n")?;
        let script = format!(
            "set -e; cd '{f}'; for one in root between leaf; do
               openssl genpkey -algorithm {algorithm} -pkeyopt {option} -out $one.key
               openssl req -new -key $one.key -subj \"/O=Beadle tests/CN={name} $one\" -config cnf -out $one.csr
             done
             openssl x509 -req -in root.csr -signkey root.key -days 3650 -{hash} -extfile cnf -extensions root -out root.pem
             openssl x509 -req -in between.csr -CA root.pem -CAkey root.key -set_serial 2 -days 3650 -{hash} -extfile cnf -extensions between -out between.pem
             openssl x509 -req -in leaf.csr -CA between.pem -CAkey between.key -set_serial 3 -days 3650 -{hash} -extfile cnf -extensions leaf -out leaf.pem"
        );
        program::run(Path::new("bash"), args!["-c", script])?.well("making an authority")?;
        let pem = fs::read_to_string(folder.join("root.pem"))?;
        let turn = Mutex::default();
        Ok(Self { folder, pem, turn })
    }

    /// Its answer to a query, as `openssl ts` gives it.
    pub fn reply(&self, query: &[u8]) -> Done<Vec<u8>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, answer) = (self.folder.join("query"), self.folder.join("answer"));
        fs::write(&asked, query)?;
        let cnf = self.folder.join("cnf");
        program::run(
            Path::new("openssl"),
            args![
                "ts",
                "-reply",
                "-config",
                cnf,
                "-queryfile",
                asked,
                "-out",
                answer
            ],
        )?
        .well("openssl ts -reply")?;
        fs::read(&answer).told(answer.display())
    }

    /// Its stamp over these bytes.
    pub fn stamp(&self, bytes: &[u8]) -> Done<Vec<u8>> {
        let over = shared::record::sha256(bytes);
        self.reply(&shared::timestamp::query(&over, 4711))
    }

    /// Has it listen; it goes on until the process ends.
    pub fn listen(self) -> Done<Listening> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut listening = Listening {
            address: listener.local_addr()?,
            pem: self.pem.clone(),
            mood: Arc::default(),
            asked: Arc::default(),
        };
        let (mood, asked) = (listening.mood.clone(), listening.asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                // A client that went away is no fault of the authority's.
                let _ = self.serve(stream, mood.load(Ordering::SeqCst));
            }
        });
        listening.is(Mood::Good);
        Ok(listening)
    }

    fn serve(&self, mut stream: TcpStream, mood: u8) -> Done<()> {
        let query = body(&mut stream)?;
        let (status, answer) = match mood {
            m if m == Mood::Away as u8 => ("503 Service Unavailable", Vec::new()),
            m if m == Mood::Liar as u8 => ("200 OK", self.stamp(b"something else")?),
            _ => ("200 OK", self.reply(&query)?),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&answer)?;
        Ok(())
    }
}

/// The body of a request.
fn body(stream: &mut TcpStream) -> Done<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..n]);
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|l| l.strip_prefix("content-length:"));
            let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Ok(bytes[end + 4..end + 4 + length].to_vec());
            }
        }
        if n == 0 {
            return Err(Trouble::new("the query broke off"));
        }
    }
}

/// One that listens.
pub struct Listening {
    pub address: SocketAddr,
    pub pem: String,
    mood: Arc<AtomicU8>,
    asked: Arc<AtomicU64>,
}

impl Listening {
    pub fn is(&mut self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Its part of `hub.toml`.
    pub fn toml(&self, name: &str) -> String {
        format!(
            "\n[[outside.authority]]\nname = \"{name}\"\nurl = \"http://{}/tsr\"\nroot = \"\"\"\n{}\"\"\"\n",
            self.address, self.pem
        )
    }
}
