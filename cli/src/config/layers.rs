//! Settings laid over each other: defaults, a file, the environment, flags. Each remembers where
//! it was said last, so that a mistake is named with its place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Settings of several sources. The last one to name a setting wins.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    settings: Table,
    /// Who said a setting, by its dotted path.
    sources: BTreeMap<String, String>,
}

impl Layers {
    /// Lays a TOML text over what is there. `source` is what people call it.
    pub(super) fn text(mut self, source: &str, text: &str) -> anyhow::Result<Self> {
        let over: Table = toml::from_str(text).with_context(|| source.to_owned())?;
        merge(&mut self.settings, over, "", &mut |path| {
            self.sources.insert(path, source.to_owned());
        });
        Ok(self)
    }

    /// Lays a TOML file over what is there.
    pub(super) fn file(self, path: &Path) -> anyhow::Result<Self> {
        let source = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| source.clone())?;
        self.text(&source, &text)
    }

    /// Lays variables over what is there: those with this prefix, whose rest is a setting's path
    /// with this separator, in capital letters.
    ///
    /// A setting that is a text keeps the variable as it is, so that a key of digits alone stays
    /// one. Others are read as TOML; lists may also be written `a,b` or `[a, b]`.
    pub(super) fn variables(
        mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
        prefix: &str,
        separator: &str,
    ) -> anyhow::Result<Self> {
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            let Some(setting) = name.strip_prefix(prefix) else {
                continue;
            };
            let Some(value) = value.to_str() else {
                bail!("{name} is not UTF-8");
            };
            let path = setting.to_lowercase().replace(separator, ".");
            let value = meant(find(&self.settings, &path), value);
            self.put(&path, value, name)?;
        }
        Ok(self)
    }

    /// Lays one setting over what is there. `source` is the flag that says it.
    pub(super) fn setting(
        mut self,
        path: &str,
        value: impl Serialize,
        source: &str,
    ) -> anyhow::Result<Self> {
        let value = Value::try_from(value).with_context(|| source.to_owned())?;
        self.put(path, value, source)?;
        Ok(self)
    }

    /// All settings, as they are in force.
    pub(super) fn table(&self) -> &Table {
        &self.settings
    }

    /// The settings as a type. A mistake is named by the setting and by who said it.
    pub(super) fn extract<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_path_to_error::deserialize(self.settings.clone()).map_err(|error| {
            let path = error.path().to_string();
            let mistake = error.into_inner();
            let mistake = mistake.message().trim();
            match self.source(&path) {
                Some(source) => anyhow!("{path} in {source}: {mistake}"),
                None => anyhow!("{path}: {mistake}"),
            }
        })
    }

    /// Who said a setting, or for an element of a list who said the list.
    fn source(&self, path: &str) -> Option<&str> {
        let list = path.split('[').next()?;
        let source = self.sources.get(path).or_else(|| self.sources.get(list))?;
        Some(source)
    }

    fn put(&mut self, path: &str, value: Value, source: &str) -> anyhow::Result<()> {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut table = &mut self.settings;
        for name in section.split('.').filter(|name| !name.is_empty()) {
            let below = table
                .entry(name)
                .or_insert_with(|| Value::Table(Table::new()));
            table = below
                .as_table_mut()
                .ok_or_else(|| anyhow!("{source}: {name} is a setting and not a section"))?;
        }
        table.insert(key.to_owned(), value);
        self.sources.insert(path.to_owned(), source.to_owned());
        Ok(())
    }
}

/// Lays a table over another one, section by section, and tells the path of each setting.
fn merge(below: &mut Table, over: Table, at: &str, said: &mut impl FnMut(String)) {
    for (name, value) in over {
        let path = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        let Value::Table(over) = value else {
            below.insert(name, value);
            said(path);
            continue;
        };
        if !below.get(&name).is_some_and(Value::is_table) {
            below.insert(name.clone(), Value::Table(Table::new()));
        }
        if let Some(Value::Table(below)) = below.get_mut(&name) {
            merge(below, over, &path, said);
        }
    }
}

fn find<'a>(settings: &'a Table, path: &str) -> Option<&'a Value> {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let names = section.split('.').filter(|name| !name.is_empty());
    let table = names
        .into_iter()
        .try_fold(settings, |table, name| table.get(name)?.as_table())?;
    table.get(key)
}

/// What a variable means, by what the setting is without it.
fn meant(default: Option<&Value>, text: &str) -> Value {
    if matches!(default, Some(Value::String(_))) {
        return Value::String(text.to_owned());
    }
    let read = toml::from_str::<Table>(&format!("value = {text}"));
    if let Some(value) = read.ok().and_then(|mut table| table.remove("value")) {
        return value;
    }
    if matches!(default, Some(Value::Array(_))) {
        let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
        let words = inner.split(',').map(str::trim);
        let words = words.filter(|word| !word.is_empty());
        return Value::Array(words.map(|word| Value::String(word.to_owned())).collect());
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = "[a]\ntext = \"x\"\nnumber = 1\nlist = [\"p\"]\n[a.b]\nshare = 0.5\n";

    fn with(variables: &[(&str, &str)]) -> anyhow::Result<Layers> {
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(*name), OsString::from(*value)));
        let layers = Layers::default().text("the defaults", DEFAULTS)?;
        layers.variables(variables, "T__", "__")
    }

    #[test]
    fn a_variable_is_read_as_the_setting_that_it_replaces() {
        let layers = with(&[
            ("T__A__TEXT", "12e4567890"),
            ("T__A__NUMBER", "7"),
            ("T__A__B__SHARE", "0.25"),
            ("OTHER", "1"),
        ]);
        let table = layers.unwrap().settings;
        assert_eq!(table["a"]["text"].as_str(), Some("12e4567890"));
        assert_eq!(table["a"]["number"].as_integer(), Some(7));
        assert_eq!(table["a"]["b"]["share"].as_float(), Some(0.25));
    }

    #[test]
    fn a_list_may_be_written_in_three_ways() {
        for text in ["[\"u\", \"v\"]", "[u, v]", "u,v"] {
            let table = with(&[("T__A__LIST", text)]).unwrap().settings;
            let list = table["a"]["list"].as_array().unwrap();
            let words: Vec<_> = list.iter().map(|word| word.as_str().unwrap()).collect();
            assert_eq!(words, ["u", "v"], "{text}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_the_setting_and_with_who_said_it() {
        #[derive(Debug, serde::Deserialize)]
        struct Whole {
            #[expect(dead_code, reason = "only its type matters")]
            a: Part,
        }

        #[derive(Debug, serde::Deserialize)]
        struct Part {
            #[expect(dead_code, reason = "only its type matters")]
            number: u8,
        }

        let said = |layers: anyhow::Result<Layers>| {
            let refused = layers.unwrap().extract::<Whole>().unwrap_err();
            format!("{refused:#}")
        };
        let error = said(with(&[("T__A__NUMBER", "many")]));
        assert!(error.starts_with("a.number in T__A__NUMBER: "), "{error}");
        let file = with(&[]).unwrap().text("c.toml", "[a]\nnumber = 1000");
        let error = said(file);
        assert!(error.starts_with("a.number in c.toml: "), "{error}");
        let flag = with(&[]).unwrap().setting("a.number", -1, "--number");
        let error = said(flag);
        assert!(error.starts_with("a.number in --number: "), "{error}");
    }

    #[test]
    fn a_setting_is_no_section() {
        let refused = with(&[("T__A__TEXT__MORE", "1")]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "T__A__TEXT__MORE: text is a setting and not a section"
        );
    }
}
