//! Adapter: HTTPS. Accepts connections, does the TLS handshakes side by side, hands them to the router; bounded in number and time.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper::{server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::{ServerConfig, server::ResolvesServerCert};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::places::{Origin, Place, Places};

/// Connections at once, those still in their handshake too: for one address, and in all.
const EACH: usize = 64;
const CONNECTIONS: usize = 512;

/// How long each part of a conversation may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub handshake: Duration,
    /// A request's head, and waiting for the next request.
    pub head: Duration,
    /// A form.
    pub body: Duration,
    /// From a request's head to its answer's.
    pub answer: Duration,
    /// A connection of somebody who is not signed in lasts no longer; of somebody who is, it takes no further requests.
    pub life: Duration,
    /// An answer of which nothing goes out for this long is given up.
    pub stall: Duration,
    /// Answers under way when the hub stops.
    pub drain: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            handshake: secs(5),
            head: secs(15),
            body: secs(10),
            answer: secs(60),
            life: secs(75),
            stall: secs(30),
            drain: secs(3),
        }
    }
}

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

/// Whoever is at the other end of a connection; in the extensions of each of its requests.
pub struct Caller {
    place: Place,
    known: AtomicBool,
}

impl Caller {
    pub fn origin(&self) -> Origin {
        self.place.origin()
    }

    /// A request of this connection was of somebody who is signed in.
    pub fn is_signed_in(&self) {
        if !self.known.swap(true, Ordering::Relaxed) {
            self.place.known();
        }
    }
}

/// Serves this router until `stop` is done; then lets answers under way end, for a few seconds.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    times: Times,
    stop: impl Future<Output = ()> + Send,
) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Places::new(EACH, CONNECTIONS);
    let (stopping, stopped) = watch::channel(());
    let mut conversations = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        while conversations.try_join_next().is_some() {}
        let (tcp, from) = match accepted {
            Ok(got) => got,
            Err(e) => {
                // Out of descriptors, or the caller is gone: neither ends the pages.
                tracing::warn!("a connection to the staff pages was not taken: {e}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let place = places.take(from.ip());
        let (acceptor, router, stopped) = (acceptor.clone(), router.clone(), stopped.clone());
        conversations.spawn(async move {
            let shaken = tokio::select! {
                shaken = timeout(times.handshake, acceptor.accept(tcp)) => shaken,
                () = place.lost() => return,
            };
            match shaken {
                Ok(Ok(tls)) => converse(tls, place, router, times, stopped).await,
                Ok(Err(e)) => tracing::debug!(%from, "TLS handshake failed: {e}"),
                Err(_) => tracing::debug!(%from, "TLS handshake took too long"),
            }
        });
    }
    drop((listener, stopping, stopped));
    let drained = async { while conversations.join_next().await.is_some() {} };
    if timeout(times.drain, drained).await.is_err() {
        let left = conversations.len();
        tracing::warn!("{left} connections to the staff pages had not ended; they are broken off");
    }
    conversations.shutdown().await;
}

/// One connection, until it ends or has to.
async fn converse(
    tls: TlsStream<TcpStream>,
    place: Place,
    router: Router,
    times: Times,
    mut stopped: watch::Receiver<()>,
) {
    let caller = Arc::new(Caller {
        place,
        known: AtomicBool::new(false),
    });
    let own = caller.clone();
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
        request.extensions_mut().insert(own.clone());
        router.call(request.map(axum::body::Body::new) as Request)
    });
    let io = TokioIo::new(Conn {
        tls,
        patience: times.stall,
        stall: None,
    });
    let mut conversation = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(times.head)
            .serve_connection(io, service)
    );
    let mut life = pin!(sleep(times.life));
    let mut last = false;
    loop {
        tokio::select! {
            // Its end is the other side's business: what went wrong there is no fault of ours.
            _ = conversation.as_mut() => return,
            () = caller.place.lost() => return,
            () = &mut life, if !last => match caller.known.load(Ordering::Relaxed) {
                true => {
                    last = true;
                    conversation.as_mut().graceful_shutdown();
                }
                false => return,
            },
            _ = stopped.changed() => {
                conversation.as_mut().graceful_shutdown();
                // What is left of it ends with the answer under way, or with the pages.
                _ = conversation.as_mut().await;
                return;
            }
        }
    }
}

/// A connection that closes itself when what it has to send does not go out.
struct Conn {
    tls: TlsStream<TcpStream>,
    patience: Duration,
    /// While something waits to go out.
    stall: Option<Pin<Box<Sleep>>>,
}

impl Conn {
    fn judged<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.stall = None;
            return done;
        }
        let patience = self.patience;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(patience)));
        match stall.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => done,
        }
    }
}

impl AsyncRead for Conn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(cx, buf)
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
