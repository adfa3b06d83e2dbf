//! Adapter: sockets. A camera behind TLS (RTSPS): bytes go on to the port where it listens in plain, from a certificate it made itself.
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use beadle_tests::{Done, Told as _};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A side that has nothing to say is asked again after this time.
const TURN: Duration = Duration::from_millis(5);

fn certificate() -> Done<Arc<ServerConfig>> {
    let made = rcgen::generate_simple_self_signed(vec!["camera".to_owned()])
        .told("a camera's certificate")?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .told("TLS")?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .told("TLS")?;
    Ok(Arc::new(config))
}

/// Listens before a camera that listens at `plain`; its port. With `changes`, every connection but the first sees another certificate.
pub fn before(plain: SocketAddr, changes: bool) -> Done<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").told("a camera's TLS port")?;
    let port = listener.local_addr()?.port();
    let (first, second) = (certificate()?, certificate()?);
    thread::spawn(move || {
        let mut played = false;
        for viewer in listener.incoming().flatten() {
            let config = if changes && played { &second } else { &first };
            let Ok(connection) = ServerConnection::new(Arc::clone(config)) else {
                return;
            };
            // The camera ends its listening when the test does.
            let Ok(camera) = TcpStream::connect(plain) else {
                return;
            };
            played = true;
            thread::spawn(move || carry(StreamOwned::new(connection, viewer), camera));
        }
    });
    Ok(port)
}

/// Both ways, until one side has enough.
fn carry(mut viewer: StreamOwned<ServerConnection, TcpStream>, mut camera: TcpStream) {
    let turns = [
        viewer.sock.set_read_timeout(Some(TURN)),
        camera.set_read_timeout(Some(TURN)),
    ];
    let mut open = turns.iter().all(Result::is_ok);
    while open {
        open = pass(&mut viewer, &mut camera) && pass(&mut camera, &mut viewer);
    }
}

/// What is there to be passed on. False once it is over.
fn pass(from: &mut impl Read, to: &mut impl Write) -> bool {
    let mut bytes = [0; 16_384];
    match from.read(&mut bytes) {
        Ok(0) => false,
        Ok(read) => to
            .write_all(&bytes[..read])
            .and_then(|()| to.flush())
            .is_ok(),
        Err(e) => matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}
