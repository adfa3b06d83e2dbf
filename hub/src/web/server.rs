//! Adapter: HTTPS. Accepts connections, does the TLS handshakes side by side, hands them to the router; bounded in number and time.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustls::{ServerConfig, server::ResolvesServerCert};
use shared::time::Clock;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::routes;
use crate::board::Board;

/// Connections at once, those still in their handshake too. More wait in the kernel's queue.
const CONNECTIONS: usize = 256;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A connection on which no byte moves for this long is closed.
const IDLE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error(
        "cannot listen for staff pages on {addr}: {source}; choose another `https` address in hub.toml"
    )]
    Bind { addr: SocketAddr, source: io::Error },
    #[error(
        "the hub's certificate cannot be used for staff pages: {0}; move keys/pages.pem aside, the next start makes a new one"
    )]
    Certificate(#[from] rustls::Error),
    #[error("the staff pages stopped: {0}")]
    Stopped(#[from] io::Error),
}

/// TLS 1.2 and 1.3 with the hub's own certificate, whichever it is when somebody connects.
pub fn tls(certificate: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, WebError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Takes the port. Call it where a tokio runtime is running.
pub fn bind(addr: SocketAddr) -> Result<TcpListener, WebError> {
    let go = || {
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    go().map_err(|source| WebError::Bind { addr, source })
}

/// Serves the pages until `stop` is done; then lets answers under way end.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    board: Arc<dyn Board>,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WebError> {
    let addr = listener.local_addr()?;
    let (sender, ready) = mpsc::channel(16);
    let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(tls), sender));
    let served = axum::serve(Ready { addr, ready }, routes::router(board, clock))
        .with_graceful_shutdown(async move {
            stop.await;
            accepting.abort();
        });
    Ok(served.await?)
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(Conn, SocketAddr)>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(permit) = room.clone().acquire_owned().await {
        let (tcp, from) = match listener.accept().await {
            Ok(got) => got,
            Err(e) => {
                // Out of descriptors, or the caller is gone: neither ends the pages.
                tracing::warn!("a connection to the staff pages was not taken: {e}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            match timeout(HANDSHAKE, acceptor.accept(tcp)).await {
                Ok(Ok(tls)) => {
                    let conn = Conn {
                        tls,
                        idle: Box::pin(sleep(IDLE)),
                        _permit: permit,
                    };
                    // The receiver is gone only when the pages stop.
                    let _ = ready.send((conn, from)).await;
                }
                Ok(Err(e)) => tracing::debug!(%from, "TLS handshake failed: {e}"),
                Err(_) => tracing::debug!(%from, "TLS handshake took too long"),
            }
        });
    }
}

/// Connections whose handshake is done, as axum takes them.
struct Ready {
    addr: SocketAddr,
    ready: mpsc::Receiver<(Conn, SocketAddr)>,
}

impl axum::serve::Listener for Ready {
    type Io = Conn;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Conn, SocketAddr) {
        match self.ready.recv().await {
            Some(got) => got,
            // Only while stopping: the accepting task is gone.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }
}

/// A connection that closes itself when nothing moves.
struct Conn {
    tls: TlsStream<TcpStream>,
    idle: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Conn {
    fn judged<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
        } else if self.idle.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        done
    }
}

impl AsyncRead for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.tls).poll_read(cx, buf);
        self.judged(cx, done)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.tls).poll_write(cx, buf);
        self.judged(cx, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.tls).poll_flush(cx);
        self.judged(cx, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}
