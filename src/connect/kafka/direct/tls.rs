//! TLS as the `ssl.*` properties ask for it, by rustls.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error as TlsError,
    RootCertStore, SignatureScheme, StreamOwned,
};

use super::settings::{Unable, text};
use crate::connect::kafka::cause::Cause;

/// A connection under TLS.
pub(super) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// The configuration that the properties amount to.
///
/// # Errors
/// A file that cannot be read or a form that rustls does not know: librdkafka may.
pub(super) fn config<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Arc<ClientConfig>, Unable> {
    if get("enable.ssl.certificate.verification") == Some("false") {
        return Err(Unable("enable.ssl.certificate.verification=false".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let names = match get("ssl.endpoint.identification.algorithm") {
        None | Some("https") => true,
        Some("none") => false,
        Some(_) => return Err(Unable("ssl.endpoint.identification.algorithm".into())),
    };
    let unable = |what: &str| Unable(what.to_string());
    let roots = Arc::new(roots(text(get, "ssl.ca")?)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|_| unable("ssl.ca.location"))?;
    let verifier: Arc<dyn ServerCertVerifier> = if names { verifier } else { Arc::new(AnyName(verifier)) };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| unable("security.protocol"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match (text(get, "ssl.certificate")?, text(get, "ssl.key")?) {
        (None, None) => builder.with_no_client_auth(),
        (Some(chain), Some(key)) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
            let chain = chain.map_err(|_| unable("ssl.certificate.location"))?;
            let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| unable("ssl.key.location"))?;
            builder.with_client_auth_cert(chain, key).map_err(|_| unable("ssl.certificate.location"))?
        }
        _ => return Err(unable("ssl.key.location without ssl.certificate.location, or the reverse")),
    };
    Ok(Arc::new(config))
}

/// The authorities in `pem`, or those that the system trusts.
fn roots(pem: Option<Vec<u8>>) -> Result<RootCertStore, Unable> {
    let mut roots = RootCertStore::empty();
    match pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let added = certificate.ok().and_then(|c| roots.add(c).ok());
                added.ok_or_else(|| Unable("ssl.ca.location".into()))?;
            }
        }
        None => {
            let (_added, _refused) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() { Err(Unable("ssl.ca.location".into())) } else { Ok(roots) }
}

/// Checks everything but the name, as `ssl.endpoint.identification.algorithm=none` asks for.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Shakes hands with `host` over `socket`.
///
/// # Errors
/// What failed, and the library's words for it.
pub(super) fn connect(config: &Arc<ClientConfig>, host: &str, socket: TcpStream) -> Result<Stream, (Cause, String)> {
    let name = ServerName::try_from(host.to_string()).map_err(|e| (Cause::OtherName, e.to_string()))?;
    let session = ClientConnection::new(Arc::clone(config), name).map_err(|e| (Cause::Handshake, e.to_string()))?;
    let mut stream = StreamOwned::new(session, socket);
    while stream.conn.is_handshaking() {
        if let Err(e) = stream.conn.complete_io(&mut stream.sock) {
            return Err(of_io(&e));
        }
    }
    Ok(stream)
}

/// What an error of a stream under TLS means.
pub(super) fn of_io(error: &io::Error) -> (Cause, String) {
    let Some(inner) = error.get_ref().and_then(|e| e.downcast_ref::<TlsError>()) else {
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Cause::NotTls,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Cause::TimedOut,
            _ => Cause::Handshake,
        };
        return (cause, error.to_string());
    };
    let cause = match inner {
        TlsError::InvalidMessage(_) => Cause::NotTls,
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Cause::OtherName,
        TlsError::InvalidCertificate(_) => Cause::UnknownAuthority,
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown,
        ) => Cause::WantsCertificate,
        _ => Cause::Handshake,
    };
    (cause, inner.to_string())
}
