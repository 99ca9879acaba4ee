//! TLS: one implementation of cryptography for everything that is connected to.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Makes `ring` the implementation of this process. The clients of Redis and S3 ask for one, that
/// of PostgreSQL brings it.
pub(crate) fn prepare() {
    // Refused when it was done before, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Reads a file of PEM certificates whose issuers are to be trusted, and says what is wrong with
/// one that holds none: a client would otherwise trust nobody, or others than were meant.
pub(crate) fn read_certificates(file: &Path) -> Result<Vec<u8>, String> {
    let name = file.display();
    let pem = std::fs::read(file)
        .map_err(|error| format!("the certificates in {name} cannot be read: {error}"))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        certificate.map_err(|error| format!("a certificate in {name} is damaged: {error}"))?;
        count += 1;
    }
    if count == 0 {
        return Err(format!(
            "{name} holds no certificate; it begins with -----BEGIN CERTIFICATE-----"
        ));
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_without_a_certificate_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        for (text, said) in [
            ("", "holds no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
                "is damaged",
            ),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = read_certificates(&file).unwrap_err();
            assert!(error.contains(said) && error.contains("ca.pem"), "{error}");
        }
        let error = read_certificates(&folder.path().join("none")).unwrap_err();
        assert!(error.contains("cannot be read"), "{error}");
    }
}
