//! JSON files as editors and exports write them.

use anyhow::bail;
use domain::json_text;
use serde::de::DeserializeOwned;

/// Reads a document.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> anyhow::Result<T> {
    Ok(serde_json::from_slice(text(bytes)?)?)
}

/// The text without a byte order mark; an error that names the coding when it is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> anyhow::Result<&[u8]> {
    if let Some(coding) = json_text::foreign(bytes) {
        bail!("the file is {coding}; save it as UTF-8");
    }
    Ok(json_text::plain(bytes))
}
