//! The key that signs ticket codes: made at the first start, kept beside the ledger, never in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context as _, bail};
use domain::code::Signer;

use crate::config::{Config, Secret};

/// The file in the data folder.
const FILE: &str = "signing.key";
/// Hexadecimal digits of a key.
const DIGITS: usize = 64;
/// The key of a configuration; a file that is not there is made.
pub(crate) fn of(config: &Config) -> anyhow::Result<Signer> {
    let key_id = config.signing.key_id;
    let Secret(key) = &config.signing.key;
    if !key.is_empty() {
        let secret = from_hex(key).with_context(|| {
            format!("signing.key is not a key: it must be {DIGITS} hexadecimal digits")
        })?;
        return Ok(Signer::new(key_id, &secret));
    }
    if config.signing.key_file.as_os_str().is_empty() {
        return load_or_create(&config.engine.data_dir.join(FILE), key_id);
    }
    load_or_create(&config.signing.key_file, key_id)
}

fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != DIGITS || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Reads the key of a file, making one if there is none.
fn load_or_create(path: &Path, key_id: u8) -> anyhow::Result<Signer> {
    let secret = match read(path) {
        Ok(secret) => secret,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)
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
    Ok(Signer::new(key_id, &secret))
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

/// Written whole and synced before it gets its name: half a key would void every ticket. Of
/// several processes that do so at once the first one's key is kept.
fn create(path: &Path) -> io::Result<Vec<u8>> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut secret = vec![0; 32];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return read(path),
        Err(error) => return Err(error),
    }
    File::open(folder)?.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = load_or_create(&folder.path().join(FILE), 1)
            .unwrap()
            .public_key();
        assert_eq!(
            load_or_create(&folder.path().join(FILE), 1)
                .unwrap()
                .public_key(),
            first
        );
        let other = tempfile::tempdir().unwrap();
        assert_ne!(
            load_or_create(&other.path().join(FILE), 1)
                .unwrap()
                .public_key(),
            first
        );
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), b"short").unwrap();
        let error = load_or_create(&folder.path().join(FILE), 1)
            .unwrap_err()
            .to_string();
        assert!(error.contains("32 bytes"), "{error}");
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), b"short");
    }
}
