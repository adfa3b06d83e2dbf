//! Adapter: rustls. The connection to an `rtsps://` camera: its certificate is the one it showed first, or one that a configured CA vouches for.
//!
//! A camera has a certificate of its own making; nobody else vouches for it, and its name and dates say nothing. So the first one is
//! kept, and no other taken until a person accepts it: with another the handshake fails, before anything was asked or told.
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, ring::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use shared::record::{hex, sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::lock::lock;

/// Whose word is taken for a camera's certificate.
#[derive(Debug)]
pub enum Vouched {
    /// SHA-256 of the one that was accepted; None: the first one that comes.
    Pinned(Option<String>),
    By(RootCertStore),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It shows another certificate than the accepted one.
    #[error("its certificate is another than the one that was accepted")]
    Changed { shown: String },
    #[error("its certificate is not vouched for by tls_ca: {0}")]
    NotVouched(Error),
    #[error("it speaks no TLS that can be used: {0}")]
    Spoken(std::io::Error),
    #[error("its name cannot stand in a certificate")]
    Name,
    #[error(transparent)]
    Setup(Error),
}

/// Reads the certificates of `tls_ca`.
///
/// # Errors
/// In words: the file cannot be read, or holds no certificate.
pub fn roots(path: &Path) -> Result<RootCertStore, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(certificates);
    if good == 0 {
        return Err(format!("{} holds no certificate (PEM)", path.display()));
    }
    Ok(roots)
}

/// The connection, and the SHA-256 (hex) of the certificate it was made with.
///
/// # Errors
/// [`TlsError`].
pub async fn connect(
    stream: TcpStream,
    host: &str,
    vouched: Vouched,
) -> Result<(TlsStream<TcpStream>, String), TlsError> {
    let provider = Arc::new(default_provider());
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name)?;
    let shown = Arc::new(Mutex::new(None));
    let check: Check = match vouched {
        Vouched::Pinned(accepted) => Check::Pinned(accepted),
        Vouched::By(roots) => Check::By(
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .map_err(|e| TlsError::Setup(Error::General(e.to_string())))?,
        ),
    };
    let pinned = matches!(check, Check::Pinned(_));
    let verifier = Verifier {
        check,
        shown: shown.clone(),
        provider: provider.clone(),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let made = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    let shown = lock(&shown).take().unwrap_or_default();
    match made {
        Ok(stream) => Ok((stream, shown)),
        Err(e) => Err(match e.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
            Some(Error::InvalidCertificate(_)) if pinned => TlsError::Changed { shown },
            Some(e @ Error::InvalidCertificate(_)) => TlsError::NotVouched(e.clone()),
            _ => TlsError::Spoken(e),
        }),
    }
}

#[derive(Debug)]
enum Check {
    Pinned(Option<String>),
    By(Arc<WebPkiServerVerifier>),
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    shown: Arc<Mutex<Option<String>>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let digest = hex(&sha256(certificate));
        *lock(&self.shown) = Some(digest.clone());
        match &self.check {
            Check::By(verifier) => {
                verifier.verify_server_cert(certificate, between, name, ocsp, now)
            }
            Check::Pinned(Some(accepted)) if *accepted != digest => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
            Check::Pinned(_) => Ok(ServerCertVerified::assertion()),
        }
    }

    // That the camera holds the certificate's key is checked in either case.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let schemes = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
