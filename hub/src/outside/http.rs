//! Adapter: TCP. Asks somebody outside over HTTP/1.1, with or without TLS, and takes a short answer in bounded time.

use std::{sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Uri,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// How long an answer may take, all in all.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of an answer.
const MOST: usize = 128 * 1024;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("it could not be reached: {0}")]
    Unreached(String),
    #[error("its certificate was not that of whom it was to be: {0}")]
    Certificate(String),
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    Slow,
    #[error("its answer was no HTTP answer, or longer than any should be: {0}")]
    Odd(String),
}

/// What is sent.
pub struct HttpRequest<'a> {
    pub method: Method,
    pub url: &'a Uri,
    /// Media type of the body.
    pub kind: &'static str,
    pub body: Vec<u8>,
    /// Certificates (PEM) that may vouch for its server, for https.
    pub tls: Option<&'a str>,
}

pub struct Answer {
    pub status: u16,
    /// Its media type.
    pub kind: String,
    pub body: Vec<u8>,
}

pub async fn ask(asked: HttpRequest<'_>) -> Result<Answer, NoAnswer> {
    timeout(PATIENCE, answered(asked))
        .await
        .unwrap_or(Err(NoAnswer::Slow))
}

async fn answered(asked: HttpRequest<'_>) -> Result<Answer, NoAnswer> {
    let odd = |e: &dyn std::fmt::Display| NoAnswer::Odd(e.to_string());
    let host = asked.url.host().unwrap_or_default();
    let secure = asked.url.scheme_str() == Some("https");
    let port = asked
        .url
        .port_u16()
        .unwrap_or(if secure { 443 } else { 80 });
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let tcp = TcpStream::connect((bare, port))
        .await
        .map_err(|e| NoAnswer::Unreached(e.to_string()))?;
    let mut sender = match secure {
        false => begin(tcp).await?,
        true => {
            let name = ServerName::try_from(bare.to_owned())
                .map_err(|e| NoAnswer::Certificate(e.to_string()))?;
            let config = trusting(asked.tls.unwrap_or_default())?;
            let tls = TlsConnector::from(Arc::new(config))
                .connect(name, tcp)
                .await;
            begin(tls.map_err(|e| NoAnswer::Certificate(e.to_string()))?).await?
        }
    };
    let path = asked.url.path_and_query().map_or("/", |p| p.as_str());
    let authority = asked.url.authority().map_or(host, |a| a.as_str());
    let request = Request::builder()
        .method(asked.method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, asked.kind)
        .body(Full::new(Bytes::from(asked.body)))
        .map_err(|e| odd(&e))?;
    let response = sender.send_request(request).await.map_err(|e| odd(&e))?;
    let status = response.status().as_u16();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|k| k.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = Limited::new(response.into_body(), MOST).collect().await;
    let body = body.map_err(|e| odd(&e))?.to_bytes().to_vec();
    Ok(Answer { status, kind, body })
}

async fn begin<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| NoAnswer::Odd(e.to_string()))?;
    // It ends when the sender is dropped.
    tokio::spawn(connection);
    Ok(sender)
}

/// A client that takes a server with a certificate these vouch for, and no other.
fn trusting(pem: &str) -> Result<ClientConfig, NoAnswer> {
    let wrong = |e: &dyn std::fmt::Display| NoAnswer::Certificate(e.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|e| wrong(&e))?;
        roots.add(certificate).map_err(|e| wrong(&e))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(&e))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
