//! Reads the users file.

use std::path::Path;

use anyhow::{Context as _, bail};
use domain::UserId;
use domain::user::{User, UserDirectory};
use serde::Deserialize;

use crate::json;

/// The most bytes of a users file: a million users of some 250 bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    email: String,
}

/// The users of a JSON file, an array of `{"id","name","email"}`.
pub(crate) fn load(path: &Path) -> anyhow::Result<UserDirectory> {
    let what = || format!("the users file {}", path.display());
    let size = std::fs::metadata(path).with_context(what)?.len();
    if size > FILE_BYTES_MAX {
        bail!("{} has {size} bytes; {FILE_BYTES_MAX} are the most", what());
    }
    let bytes = std::fs::read(path).with_context(what)?;
    let entries: Vec<Entry> = json::read(&bytes)
        .with_context(|| format!("{}: a JSON array of {{id, name, email}} is needed", what()))?;
    let mut users = Vec::with_capacity(entries.len());
    for (position, entry) in entries.into_iter().enumerate() {
        let Some(id) = UserId::parse(&entry.id) else {
            bail!(
                "{}: user {position} (counted from 0): the id {:?} is not a UUID with hyphens",
                what(),
                entry.id
            );
        };
        users.push(User {
            id,
            name: entry.name,
            email: entry.email,
        });
    }
    UserDirectory::new(users).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> anyhow::Result<UserDirectory> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.json");
        std::fs::write(&path, text).unwrap();
        load(&path)
    }

    #[test]
    fn a_good_file_is_read_in_order() {
        let users = load_text(
            r#"[{"id":"00000000-0000-0000-0000-000000000009","name":"Ann \"A\"","email":"a@b"},
                {"id":"00000000-0000-0000-0000-000000000001","name":"O'Neil","email":"a@b"}]"#,
        )
        .unwrap();
        let names: Vec<_> = users.all().iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["Ann \"A\"", "O'Neil"]);
    }

    #[test]
    fn a_bad_file_is_refused_with_the_place() {
        for (text, place) in [
            ("{}", "array"),
            ("[{\"id\":\"x\",\"name\":\"n\",\"email\":\"e\"}]", "user 0"),
            (
                "[{\"id\":\"00000000-0000-0000-0000-000000000001\",\"name\":\"n\"}]",
                "email",
            ),
            (
                "[{\"id\":\"00000000-0000-0000-0000-000000000001\",\"name\":\"\",\"email\":\"e\"}]",
                "name",
            ),
            ("", "array"),
        ] {
            let error = format!("{:#}", load_text(text).unwrap_err());
            assert!(error.contains(place), "{text}: {error}");
        }
        assert!(load(Path::new("/nowhere/users.json")).is_err());
    }
}
