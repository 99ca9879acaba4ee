//! The key that signs ticket codes: made at the first start, kept beside the ledger, never in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context as _, bail};
use domain::code::Signer;

/// The file in the data folder.
const FILE: &str = "signing.key";
/// The id of the one key there is until keys are rotated.
const KEY_ID: u8 = 1;

/// Reads the key of a data folder, making one if there is none.
pub(crate) fn load_or_create(data_dir: &Path) -> anyhow::Result<Signer> {
    let path = data_dir.join(FILE);
    let secret = match read(&path) {
        Ok(secret) => secret,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(data_dir)
            .with_context(|| format!("the signing key {} cannot be written", path.display()))?,
        Err(error) => {
            return Err(error)
                .with_context(|| format!("the signing key {} cannot be read", path.display()));
        }
    };
    let Ok(secret) = <[u8; 32]>::try_from(secret) else {
        bail!(
            "the signing key {} does not have 32 bytes; restore it from a backup, \
             or delete it to have a new one made (printed tickets will then not verify)",
            path.display()
        );
    };
    Ok(Signer::new(KEY_ID, &secret))
}

/// Bytes as `verify --public-key` reads them: two hexadecimal digits each.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).expect("less than 16");
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut secret = Vec::with_capacity(33);
    File::open(path)?.take(33).read_to_end(&mut secret)?;
    Ok(secret)
}

/// Written whole and synced before it gets its name: half a key would void every ticket.
fn create(data_dir: &Path) -> io::Result<Vec<u8>> {
    let mut secret = vec![0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let draft = data_dir.join(format!("{FILE}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    fs::rename(&draft, data_dir.join(FILE))?;
    File::open(data_dir)?.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = load_or_create(folder.path()).unwrap().public_key();
        assert_eq!(load_or_create(folder.path()).unwrap().public_key(), first);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(load_or_create(other.path()).unwrap().public_key(), first);
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), b"short").unwrap();
        let error = load_or_create(folder.path()).unwrap_err().to_string();
        assert!(error.contains("32 bytes"), "{error}");
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), b"short");
    }
}
