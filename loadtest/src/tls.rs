//! TLS to a target: whom to trust, and the handshake.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whose certificates are good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those whose issuers this machine trusts.
    #[default]
    System,
    /// Those of the issuers in a PEM file, and of nobody else.
    Issuers(PathBuf),
    /// Everybody's: whoever answers is taken for the target.
    Anybody,
}

/// How to speak TLS to one target.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// For a host, by its name or address. Says what is wrong with whom to trust.
    pub(crate) fn new(host: &str, trust: &Trust) -> Result<Self, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| format!("{host:?} is in no certificate: {error}"))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = match trust {
            Trust::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
                .with_no_client_auth(),
            Trust::System => builder
                .with_root_certificates(system()?)
                .with_no_client_auth(),
            Trust::Issuers(file) => builder
                .with_root_certificates(issuers(file)?)
                .with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Customers of a sale come from as many machines: none of them was here before.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }

    /// Agrees on TLS over an open connection, or says in words why not.
    pub(crate) async fn shake_hands(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, String> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let shaken = Box::pin(connector.connect(self.name.clone(), stream)).await;
        shaken.map_err(|error| words(&error))
    }
}

/// Why there was no handshake, and what to do about it.
fn words(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let advice = match inner {
        Some(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => "; --ca FILE names who issued it, --insecure trusts anybody",
        Some(Error::InvalidCertificate(_)) => "; --insecure trusts anybody",
        Some(Error::InvalidMessage(_)) => "; does it speak TLS, or is it http://?",
        _ => "",
    };
    format!("{error}{advice}")
}

fn system() -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let (known, _) =
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if known == 0 {
        return Err("this machine trusts no issuer of certificates; --ca FILE names one".into());
    }
    Ok(store)
}

fn issuers(file: &Path) -> Result<RootCertStore, String> {
    let name = file.display();
    let pem = std::fs::read(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|one| store.add(one).map_err(|error| error.to_string()));
        added.map_err(|error| format!("a certificate in {name} is damaged: {error}"))?;
    }
    if store.is_empty() {
        return Err(format!(
            "{name} holds no certificate; it begins with -----BEGIN CERTIFICATE-----"
        ));
    }
    Ok(store)
}

/// Takes every certificate for a good one. What it signs must still be signed with its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_issuers_without_one_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let refused = || Tls::new("localhost", &Trust::Issuers(file.clone())).unwrap_err();
        assert!(refused().contains("ca.pem cannot be read"), "{}", refused());
        std::fs::write(&file, "").unwrap();
        assert!(
            refused().contains("ca.pem holds no certificate"),
            "{}",
            refused()
        );
        let damaged = "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
        std::fs::write(&file, damaged).unwrap();
        assert!(refused().contains("ca.pem is damaged"), "{}", refused());
        assert!(Tls::new("[nowhere", &Trust::Anybody).is_err());
    }
}
