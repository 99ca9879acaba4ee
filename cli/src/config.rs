//! The configuration: defaults, overlaid by a file, by the environment, by flags. A key that
//! nobody knows is an error wherever it stands.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::Deserialize;

use crate::args::{ConfigArgs, RunArgs};
use crate::{env, logging};

/// The defaults with their comments: the reference of every setting.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the ledger is.
    pub engine: Engine,
    /// What is served.
    pub server: ServerConfig,
    /// Limits and time-outs of the HTTP edge.
    pub api: api::Config,
    /// What may wait.
    pub limits: LimitsConfig,
    /// Pools and the drawing of pictures.
    pub workers: workers::Config,
    /// What happens by the clock.
    pub scheduler: scheduler::Config,
    /// Logs.
    pub log: logging::Config,
}

/// The engine and where its data are.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Engine {
    /// One process, one folder.
    Embedded {
        /// The folder.
        data_dir: PathBuf,
    },
}

/// Section `[server]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: String,
    /// A JSON file of users; empty for the built-in ones.
    pub users_file: PathBuf,
}

/// Section `[limits]`: at each limit requests are answered with 503 before any work is done.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Purchases that wait to be written.
    pub sales_waiting_max: usize,
    /// Print requests that wait to be written.
    pub prints_waiting_max: usize,
    /// Job outcomes that wait to be written.
    pub settlements_waiting_max: usize,
}

impl Config {
    /// The configuration of a command.
    pub fn load(args: &ConfigArgs) -> anyhow::Result<Self> {
        extract(&figment(args)?)
    }

    /// The configuration of a server.
    pub fn load_run(args: &RunArgs) -> anyhow::Result<Self> {
        let mut figment = figment(&args.common)?;
        if let Some(listen) = &args.listen {
            figment = figment.merge(Serialized::default("server.listen", listen));
        }
        if let Some(users) = &args.users {
            figment = figment.merge(Serialized::default("server.users_file", users));
        }
        if args.log_json {
            figment = figment.merge(Serialized::default("log.format", "json"));
        }
        extract(&figment)
    }

    /// The defaults on a folder and any free port, whatever the environment says.
    ///
    /// # Panics
    ///
    /// If the built-in defaults are wrong, which a test would have shown.
    pub fn for_data_dir(data_dir: &Path) -> Self {
        let figment = Figment::from(Toml::string(DEFAULTS))
            .merge(Serialized::default("engine.data_dir", data_dir))
            .merge(Serialized::default("server.listen", "127.0.0.1:0"));
        extract(&figment).expect("the built-in defaults are a configuration")
    }

    /// The folder of the embedded engine.
    pub fn data_dir(&self) -> &Path {
        let Engine::Embedded { data_dir } = &self.engine;
        data_dir
    }
}

/// What is in force, as TOML.
pub fn effective(args: &ConfigArgs) -> anyhow::Result<String> {
    let value: figment::value::Dict = figment(args)?.extract()?;
    Ok(toml::to_string_pretty(&value)?)
}

fn figment(args: &ConfigArgs) -> anyhow::Result<Figment> {
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(path) = &args.config {
        if !path.is_file() {
            bail!("--config {}: there is no such file", path.display());
        }
        figment = figment.merge(Toml::file_exact(path));
    }
    figment = figment.merge(Env::prefixed(env::PREFIX).split(env::SEPARATOR));
    if let Some(data_dir) = &args.data_dir {
        figment = figment.merge(Serialized::default("engine.data_dir", data_dir));
    }
    Ok(figment)
}

fn extract(figment: &Figment) -> anyhow::Result<Config> {
    figment.extract().context("the configuration is not valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> anyhow::Result<Config> {
        extract(&Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(text)))
    }

    #[test]
    fn the_defaults_are_a_configuration() {
        let config = load_text("").unwrap();
        assert_eq!(config.data_dir(), Path::new("./data"));
    }

    #[test]
    fn every_setting_of_every_section_stands_in_the_defaults() {
        // A crate's own defaults and the documented ones are the same.
        let config = load_text("").unwrap();
        assert_eq!(config.api, api::Config::default());
        assert_eq!(config.workers, workers::Config::default());
        assert_eq!(config.scheduler, scheduler::Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_in_every_section() {
        for section in [
            "engine",
            "server",
            "api",
            "limits",
            "workers",
            "scheduler",
            "log",
        ] {
            let error = load_text(&format!("[{section}]\nunheard_of = 1")).unwrap_err();
            assert!(
                format!("{error:#}").contains("unheard_of"),
                "[{section}]: {error:#}"
            );
        }
        assert!(load_text("unheard_of = 1").is_err());
    }

    #[test]
    fn a_file_that_is_missing_is_an_error_and_not_the_defaults() {
        let args = ConfigArgs {
            config: Some("/nowhere.toml".into()),
            data_dir: None,
        };
        assert!(Config::load(&args).is_err());
    }
}
