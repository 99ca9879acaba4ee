//! Certificates for the servers of tests, issued by an authority of the test's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

/// Issues certificates. Its files are removed when it is dropped.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate with its key, as servers read them: PEM files.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate.
    pub file: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Authority {
    /// One that nobody knows yet.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // Two of one name would be taken for each other.
        let name = format!("Authority {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("there is randomness");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("it can be signed");
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("it can be written");
        Self { issuer, folder }
    }

    /// What clients are to trust, a PEM file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Issues a certificate for a host's name or address.
    pub fn issue(&self, host: &str) -> Certificate {
        let key = KeyPair::generate().expect("there is randomness");
        let params = CertificateParams::new([host.to_owned()]).expect("a name or an address");
        let certificate = params.signed_by(&key, &self.issuer).expect("it can sign");
        let write = |ending: &str, text: String| {
            let file = self.folder.path().join(format!("{host}.{ending}"));
            write(&file, &text);
            file
        };
        Certificate {
            file: write("pem", certificate.pem()),
            key: write("key", key.serialize_pem()),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
